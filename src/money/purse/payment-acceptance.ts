/*
 * Where a payee accepts a payment, once for a contract:
 *
 *   deliver, also in a later tetrad ─▶ looking up ─new─▶ verified ─▶ signing ─▶ writing ─▶ (received)
 *                                         │                                                    ▲
 *                                         └────────── there already: the stored receipt ───────┘
 *
 * What was promised in this process's life is not looked up: it has not been received.
 *
 * What its payer has committed is not refused because this module would not agree to it any more:
 * because it comes late, its issuer's chain is refused by now, its notes expire soon, or enough is
 * held undeposited. Such a transfer is written down with its receipt, and the receipt is given to
 * its payer once the issuer has booked all of it:
 *
 *   writing ─▶ (to be booked) ─booked─▶ (received)
 */
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { byKey, insert, put, remove, type Write } from "../../machine/index.ts";
import { copy, enc, hex, sameBytes } from "../../wire/index.ts";
import {
	BETWEEN_MODULES,
	body,
	draftReceipt,
	type Invoice,
	type IssuerTerms,
	isInvoiceFor,
	message,
	PAY_WITHIN_MS,
	parseTransfer,
	type Transfer,
} from "../documents/index.ts";
import {
	bookedForOthers,
	noSales,
	notBooked,
	otherTransfer,
	refuse,
	refused,
	unknownIssuer,
	whyLate,
} from "./acceptance-refusals.ts";
import { checked } from "./checked.ts";
import type { Expecting } from "./expecting.ts";
import type { JudgedTransfer, PaymentJudge } from "./payment-judge.ts";
import type { JobOf, Results } from "./pending-jobs.ts";
import type { Promises } from "./promises.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import { MAX_ACCEPTANCES_PER_TETRAD } from "./purse-limits.ts";
import type { PurseParts } from "./purse-parts.ts";
import {
	type Change,
	changing,
	ISSUER_CHAINS,
	NO_KEY,
	NOT_ARCHIVED,
	PROMISES,
	RECEIPTS,
	type ReceiptRow,
	unchanged,
} from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import type { SalePart, Sold } from "./sale-part.ts";
import type { Witnesses } from "./witnesses.ts";

/** What came with one `deliver`, read and not yet verified. */
interface Delivery {
	readonly meeting: OpenMeeting;
	readonly terms: IssuerTerms;
	readonly payBy: number;
	readonly transfer: Transfer;
	readonly notes: readonly Uint8Array[];
	readonly chains: readonly Uint8Array[];
	/** Empty for a payment. */
	readonly saleTerms: Uint8Array;
}

type AcceptanceState =
	| { readonly kind: "looking-up"; readonly delivery: Delivery }
	| {
			readonly kind: "signing";
			readonly delivery: Delivery;
			readonly judged: JudgedTransfer;
			/** Of a sale. */
			readonly sold: Sold | undefined;
	  }
	| {
			readonly kind: "writing";
			/** Chains that were not known before. */
			readonly chains: readonly {
				readonly hash: Uint8Array;
				readonly chain: Uint8Array;
			}[];
	  };

/** A transfer that is being taken. */
interface Acceptance {
	readonly transferId: Uint8Array;
	/** The tetrads that wait for the answer, once for each delivery. */
	readonly tetrads: number[];
	state: AcceptanceState;
}

export class PaymentAcceptance {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #witnesses: Witnesses;
	readonly #invoiceKey: Uint8Array;
	readonly #promises: Promises;
	readonly #expecting: Expecting;
	readonly #judge: PaymentJudge;
	readonly #sale: SalePart | undefined;
	/** How many transfers of an open tetrad are being taken. */
	readonly #ofTetrad = new Map<number, number>();
	/** By contract, in hexadecimal. */
	readonly #acceptances = new Map<string, Acceptance>();

	constructor(
		{ core, work, witnesses, sale }: PurseParts,
		invoiceKey: Uint8Array,
		promises: Promises,
		judge: PaymentJudge,
		expecting: Expecting,
	) {
		this.#core = core;
		this.#work = work;
		this.#sale = sale;
		this.#witnesses = witnesses;
		this.#invoiceKey = invoiceKey;
		this.#promises = promises;
		this.#expecting = expecting;
		this.#judge = judge;
	}

	opened({ tetrad }: OpenMeeting): void {
		this.#ofTetrad.set(tetrad, 0);
	}

	closed(tetrad: number): void {
		this.#ofTetrad.delete(tetrad);
	}

	/** A transfer has come. Throws for what is no such message. */
	deliver(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(BETWEEN_MODULES.deliver, bytes);
		const { crypto } = this.#core.options.context;
		const transfer = parseTransfer(crypto, fields.transfer);
		const { payBy, tag } = fields;
		const notes = fields.notes.map(copy);
		const chains = fields.chains.map(copy);
		const terms = this.#addressed(meeting, transfer, { payBy, tag });
		const { tetrad } = meeting;
		const { contract } = transfer;
		if (terms instanceof TetradError)
			return refuse(this.#core, tetrad, contract, terms);
		const saleTerms = copy(fields.terms);
		const refusal = this.#whyNoSale(transfer, saleTerms);
		if (refusal !== undefined)
			return refuse(this.#core, tetrad, contract, refusal);
		this.#take({ meeting, terms, payBy, transfer, notes, chains, saleTerms });
	}

	/** What is marked comes with its terms, and nothing else does. */
	#whyNoSale(
		{ purpose }: Transfer,
		terms: Uint8Array,
	): TetradError | undefined {
		const isSale = purpose === "sale";
		if (isSale !== terms.length > 0)
			return refused(
				isSale
					? "the transfer of a sale came without its terms"
					: "terms of a sale came with a transfer that is none",
			);
		return isSale && this.#sale === undefined ? noSales() : undefined;
	}

	/** The terms of its issuer, when it is for this module in these four devices and this module has agreed to it; else why not. */
	#addressed(
		meeting: OpenMeeting,
		transfer: Transfer,
		invoice: Invoice,
	): IssuerTerms | TetradError {
		const { crypto } = this.#core.options.context;
		if (!sameBytes(transfer.payee, this.#core.ownId))
			return refused("the transfer is to another module");
		if (!sameBytes(transfer.payer, meeting.peer.deviceId))
			return refused("the transfer is by another module");
		if (!sameBytes(transfer.parties, meeting.parties))
			return refused("the transfer was made among other four devices");
		const terms = this.#promises.takes(transfer);
		if (terms === undefined) return unknownIssuer();
		return isInvoiceFor(crypto, this.#invoiceKey, transfer, invoice)
			? terms
			: refused("this module has not agreed to that payment");
	}

	#take(delivery: Delivery): void {
		const { meeting, transfer } = delivery;
		const { contract } = transfer;
		const running = this.#acceptances.get(hex(contract));
		const ofTetrad = this.#ofTetrad.get(meeting.tetrad);
		if (ofTetrad === undefined) return;
		if (running !== undefined && !sameBytes(running.transferId, transfer.id))
			return refuse(this.#core, meeting.tetrad, contract, otherTransfer());
		if (ofTetrad >= MAX_ACCEPTANCES_PER_TETRAD)
			return refuse(
				this.#core,
				meeting.tetrad,
				contract,
				new TetradError("busy", "too many payments are being taken"),
			);
		this.#ofTetrad.set(meeting.tetrad, ofTetrad + 1);
		if (running !== undefined) {
			running.tetrads.push(meeting.tetrad);
			return;
		}
		const acceptance: Acceptance = {
			transferId: transfer.id,
			tetrads: [meeting.tetrad],
			state: { kind: "looking-up", delivery },
		};
		this.#acceptances.set(hex(contract), acceptance);
		this.#promises.startTaking(contract);
		if (this.#promises.has(contract)) return this.#verify(acceptance, delivery);
		this.#work.transact(
			{ kind: "looking-up-delivery", contract },
			changing(
				this.#core.options.context.crypto,
				this.#core.now,
				[byKey(RECEIPTS, { contract })],
				([[row]]) => unchanged(row),
			),
		);
	}

	lookedUp(
		{ contract }: JobOf<"looking-up-delivery">,
		row: ReceiptRow | undefined,
	): void {
		const acceptance = this.#acceptanceOf(contract);
		if (row !== undefined) return this.#answer(row, acceptance.transferId);
		if (acceptance.state.kind === "looking-up")
			this.#verify(acceptance, acceptance.state.delivery);
	}

	#verify(acceptance: Acceptance, delivery: Delivery): void {
		const { transfer, meeting, payBy } = delivery;
		const judged = checked(() => this.#judge.delivered(delivery));
		if (judged.kind === "failed")
			return this.notTaken(transfer.contract, judged.error);
		const sold = this.#sold(delivery);
		if (sold instanceof TetradError)
			return this.notTaken(transfer.contract, sold);
		const why =
			judged.value.why ??
			(sold?.depositsFirst === true ? notBooked() : undefined) ??
			whyLate(payBy, this.#core.now) ??
			// An invoice is good for longer than it is counted, and two for one contract count once.
			this.#promises.whyTooMuch(meeting, transfer);
		if (why === undefined)
			this.#promises.promise(meeting, transfer, this.#core.now + PAY_WITHIN_MS);
		this.#sign(acceptance, delivery, { ...judged.value, why }, sold);
	}

	/** What was sold, of a sale. */
	#sold({
		meeting,
		transfer,
		saleTerms,
	}: Delivery): Sold | TetradError | undefined {
		return saleTerms.length === 0
			? undefined
			: (this.#sale?.sell(meeting, { ...transfer, terms: saleTerms }) ??
					noSales());
	}

	#sign(
		acceptance: Acceptance,
		delivery: Delivery,
		judged: JudgedTransfer,
		sold: Sold | undefined,
	): void {
		const { contract, amount, id } = delivery.transfer;
		const receipt = {
			contract,
			transfer: id,
			payee: this.#core.ownId,
			amount,
			accepted: this.#core.now,
			head: this.#witnesses.head,
		};
		const { toSign } = draftReceipt(receipt);
		acceptance.state = { kind: "signing", delivery, judged, sold };
		this.#work.sign({ kind: "signing-receipt", receipt }, toSign);
	}

	signed({ receipt }: JobOf<"signing-receipt">, signature: Uint8Array): void {
		const acceptance = this.#acceptanceOf(receipt.contract);
		if (acceptance.state.kind !== "signing") return;
		const { delivery, judged, sold } = acceptance.state;
		const { issuers, why } = judged;
		const { transfer, notes, meeting, saleTerms } = delivery;
		this.#write(
			acceptance,
			{
				contract: transfer.contract,
				transfer_id: transfer.id,
				transfer: transfer.document,
				notes: enc(...notes),
				chains: enc(...issuers.map(({ chainHash }) => chainHash)),
				payer: transfer.payer,
				level: meeting.peer.tamperResistance,
				issuer: transfer.issuer,
				currency: transfer.currency,
				amount: transfer.amount,
				receipt: draftReceipt(receipt).sign(signature),
				receipt_chain: this.#core.options.context.own.chainHash,
				accepted: BigInt(receipt.accepted),
				state: why === undefined ? "to-deposit" : "to-book",
				request: new Uint8Array(),
				credited: 0n,
				terms: saleTerms,
				key: sold?.key ?? NO_KEY,
				archive: NOT_ARCHIVED,
				what: "",
			},
			issuers,
			sold?.also ?? [],
		);
	}

	#write(
		acceptance: Acceptance,
		row: ReceiptRow,
		issuers: readonly CertifiedDevice[],
		also: readonly Write[],
	): void {
		const { contract, amount, payer } = row;
		const what = row.state === "to-book" ? "to-book" : "received";
		const chains = [...issuers, this.#core.options.context.own]
			.filter(({ chainHash }) => !this.#core.chains.has(hex(chainHash)))
			.map(({ chainHash: hash, encodedChain: chain }) => ({ hash, chain }));
		acceptance.state = { kind: "writing", chains };
		this.#work.transact(
			{ kind: "writing-receipt", contract },
			changing(
				this.#core.options.context.crypto,
				this.#core.now,
				[byKey(RECEIPTS, { contract }), byKey(PROMISES, { contract })],
				([[there], [promised]]): Change<Results["writing-receipt"]> => {
					if (there !== undefined)
						return unchanged({ row: there, isNew: false });
					const received = { ...row, what: promised?.what ?? row.what };
					return {
						entries: [{ what, subject: contract, amount, peer: payer }],
						writes: [
							...chains.map((chain) => put(ISSUER_CHAINS, chain)),
							insert(RECEIPTS, received),
							remove(PROMISES, { contract }),
							...also,
						],
						result: { row: received, isNew: true },
					};
				},
			),
		);
	}

	written(
		{ contract }: JobOf<"writing-receipt">,
		{ row, isNew }: Results["writing-receipt"],
	): void {
		const { transferId, state, tetrads } = this.#acceptanceOf(contract);
		if (!isNew) return this.#answer(row, transferId);
		if (state.kind === "writing")
			for (const { hash, chain } of state.chains)
				this.#core.chains.set(hex(hash), chain);
		if (row.state === "to-book") this.#report("to-book", row);
		else {
			this.#promises.received(row);
			this.#report("received", row);
		}
		this.#answer(row, transferId);
		if (row.state !== "to-book") this.#tellSold(row, false, tetrads);
	}

	/** It was given out along with the receipt. */
	#tellSold(
		row: ReceiptRow,
		isBooked: boolean,
		tetrads: readonly number[],
	): void {
		const { contract, key, receipt, amount, payer, terms } = row;
		if (terms.length === 0) return;
		const chain = this.#core.chainOfReceipt(row);
		this.#sale?.happened({
			kind: "sold",
			contract,
			key,
			receipt,
			chain,
			amount,
			payer,
			terms,
			isBooked,
			tetrads,
		});
	}

	/** What was given up counts as received again. */
	toDepositAgain(rows: readonly ReceiptRow[]): void {
		for (const row of rows) this.#promises.received(row);
	}

	/** An issuer has answered for a transfer, and has booked so much of it. */
	booked(row: ReceiptRow, credited: bigint): void {
		if (row.state !== "to-book") return this.#promises.booked(row);
		if (credited !== row.amount) return;
		this.#report("received", row);
		this.#expecting.received(row);
		for (const { tetrad, peer } of this.#core.meetings.values())
			if (sameBytes(peer.deviceId, row.payer))
				this.#core.toModule(tetrad, this.#accepted(row));
		this.#tellSold(row, true, []);
	}

	/** The chain goes along when it is another than this module has now. */
	#accepted(row: ReceiptRow): Uint8Array {
		const { encodedChain: own } = this.#core.options.context.own;
		const chain = this.#core.chainOfReceipt(row);
		return message(BETWEEN_MODULES.accepted, {
			receipt: row.receipt,
			chain: sameBytes(chain, own) ? new Uint8Array() : chain,
			key: row.key.length === 0 ? undefined : row.key,
		});
	}

	#report(
		kind: "received" | "to-book",
		{ contract, payer: peer, issuer, amount }: ReceiptRow,
	): void {
		this.#core.report({ kind, contract, peer, issuer, amount });
	}

	// Answers.

	#answer(row: ReceiptRow, transferId: Uint8Array): void {
		const { contract, receipt } = row;
		if (!sameBytes(row.transfer_id, transferId))
			return this.notTaken(contract, otherTransfer());
		if (row.state === "to-book") return this.notTaken(contract, notBooked());
		if (receipt.length === 0) return this.notTaken(contract, bookedForOthers());
		const waiting = this.#finish(contract);
		for (const tetrad of new Set(waiting)) this.#witnesses.tellSoon(tetrad);
		for (const tetrad of waiting)
			this.#core.toModule(tetrad, this.#accepted(row));
		this.#expecting.received(row);
	}

	notTaken(contract: Uint8Array, error: TetradError): void {
		for (const tetrad of this.#finish(contract))
			refuse(this.#core, tetrad, contract, error);
	}

	/** The tetrads that wait for the answer about a contract; none does any more. */
	#finish(contract: Uint8Array): readonly number[] {
		const tetrads = this.#acceptances.get(hex(contract))?.tetrads ?? [];
		this.#acceptances.delete(hex(contract));
		this.#promises.stopTaking(contract);
		for (const tetrad of tetrads) {
			const ofTetrad = this.#ofTetrad.get(tetrad);
			if (ofTetrad !== undefined) this.#ofTetrad.set(tetrad, ofTetrad - 1);
		}
		return tetrads;
	}

	/** It stays until its answer is there. */
	#acceptanceOf(contract: Uint8Array): Acceptance {
		const acceptance = this.#acceptances.get(hex(contract));
		if (acceptance === undefined)
			throw new TetradError("internal", "a payment is taken that never came");
		return acceptance;
	}
}
