/*
 * A payment to this module, of which there is one for a contract.
 *
 *   (the own agent expects it)              promised ──────────────┐ deliver
 *      looking up ─new─▶ expected ─prepare─▶ (an invoice is out)   │
 *                                                                  ▼
 *          deliver, also in a later tetrad ─▶ looking up ─new─▶ verified ─▶ signing ─▶ writing ─▶ (received)
 *                                               │                                                     ▲
 *                                               └─────────── there already: the stored receipt ───────┘
 *
 * What was expected and promised is forgotten when the process ends: the invoice alone lets its
 * payer deliver later.
 */
import { asTetradError, TetradError } from "../../errors.ts";
import type {
	CertifiedDevice,
	TamperResistance,
} from "../../identity/index.ts";
import { byKey, insert, put } from "../../machine/index.ts";
import {
	copy,
	enc,
	hex,
	sameBytes,
	utf8,
	utf8Within,
} from "../../wire/index.ts";
import {
	amountBytes,
	BETWEEN_MODULES,
	body,
	DEPOSIT_MARGIN_MS,
	draftReceipt,
	type Invoice,
	type IssuerTerms,
	isInvoiceFor,
	MAX_ISSUER_CHAINS,
	MAX_PIECES,
	MAX_REASON_BYTES,
	makeInvoice,
	message,
	PAY_WITHIN_MS,
	parseList,
	parseTimeBytes,
	parseTransfer,
	sameMoney,
	type Transfer,
	timeBytes,
	verifyTransfer,
	WITH_AGENT,
} from "../documents/index.ts";
import {
	otherTerms,
	otherTransfer,
	refused,
	unknownIssuer,
} from "./acceptance-refusals.ts";
import {
	type Expected,
	parseExpected,
	sameExpected,
} from "./expected-payment.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import {
	MAX_ACCEPTANCES_PER_TETRAD,
	MAX_EXPECTATIONS,
	MAX_PROMISES,
} from "./purse-limits.ts";
import type { Undeposited } from "./purse-load.ts";
import {
	changing,
	ISSUER_CHAINS,
	RECEIPTS,
	type ReceiptRow,
	unchanged,
} from "./purse-tables.ts";
import { NoteVerifier } from "./verified-notes.ts";

/** An invoice that is out, or a transfer that is being taken: counted among what is undeposited until its payer can commit no more. */
interface Promised extends Expected {
	/** Device id. */
	readonly payer: Uint8Array;
	readonly level: TamperResistance;
	readonly payBy: number;
}

/** What came with one `deliver`, read and not yet verified. */
interface Delivery {
	readonly meeting: OpenMeeting;
	readonly terms: IssuerTerms;
	readonly transfer: Transfer;
	readonly notes: readonly Uint8Array[];
	readonly chains: readonly Uint8Array[];
}

/** A transfer that is being taken. */
interface Acceptance {
	readonly transferId: Uint8Array;
	/** The tetrads that wait for the answer, once for each delivery. */
	readonly tetrads: number[];
}

type TetradState = {
	/** By contract, in hexadecimal. */
	readonly expected: Map<string, Expected>;
	acceptances: number;
};

export class BeingPaid {
	readonly #core: PurseCore;
	readonly #invoiceKey: Uint8Array;
	readonly #verifier: NoteVerifier;
	readonly #tetrads = new Map<number, TetradState>();
	/** By contract, in hexadecimal. */
	readonly #promises = new Map<string, Promised>();
	readonly #acceptances = new Map<string, Acceptance>();
	/** By issuer in hexadecimal and level. */
	readonly #undeposited = new Map<string, bigint>();

	constructor(
		core: PurseCore,
		invoiceKey: Uint8Array,
		undeposited: Undeposited,
	) {
		this.#core = core;
		this.#invoiceKey = invoiceKey;
		this.#verifier = new NoteVerifier(core.options.context);
		for (const [issuer, byLevel] of undeposited)
			for (const [level, amount] of Object.entries(byLevel))
				this.#undeposited.set(`${issuer} ${level}`, amount);
	}

	opened({ tetrad }: OpenMeeting): void {
		this.#tetrads.set(tetrad, { expected: new Map(), acceptances: 0 });
	}

	closed(tetrad: number): void {
		this.#tetrads.delete(tetrad);
	}

	/** An issuer has answered for it: it counts no more against what may be undeposited. */
	booked({ issuer, level, amount }: ReceiptRow): void {
		this.#count(issuer, level, -amount);
	}

	// What the own agent says.

	/** Throws for what is no such message. */
	expect({ tetrad }: OpenMeeting, bytes: Uint8Array): void {
		const expected = parseExpected(body(WITH_AGENT.expect, bytes));
		const { contract } = expected;
		const state = this.#tetrads.get(tetrad);
		if (state === undefined) return;
		const known = state.expected.get(hex(contract));
		if (known !== undefined && !sameExpected(known, expected))
			return this.#core.failed(tetrad, contract, otherTerms());
		if (this.#takes(expected) === undefined)
			return this.#core.failed(tetrad, contract, unknownIssuer());
		if (known === undefined && state.expected.size >= MAX_EXPECTATIONS)
			return this.#core.failed(
				tetrad,
				contract,
				new TetradError(
					"busy",
					"too many payments are expected in this tetrad",
				),
			);
		this.#lookUp(
			contract,
			(row) => this.#expectNew(tetrad, expected, row),
			(error) => this.#core.failed(tetrad, contract, error),
		);
	}

	#expectNew(
		tetrad: number,
		expected: Expected,
		row: ReceiptRow | undefined,
	): void {
		const { contract } = expected;
		if (row === undefined) {
			this.#tetrads.get(tetrad)?.expected.set(hex(contract), expected);
			return this.#core.toAgent(
				tetrad,
				message(WITH_AGENT.expecting, { contract }),
			);
		}
		if (sameExpected(row, expected)) return this.#tellReceived(tetrad, row);
		this.#core.failed(tetrad, contract, otherTerms());
	}

	// What the other module says. Each throws for what is no such message.

	prepare(meeting: OpenMeeting, bytes: Uint8Array): void {
		const wanted = parseExpected(body(BETWEEN_MODULES.prepare, bytes));
		const refusal = this.#whyNotPromise(meeting, wanted);
		if (refusal !== undefined)
			return this.#refuse(meeting.tetrad, wanted.contract, refusal);
		const { crypto } = this.#core.options.context;
		const payBy = this.#core.now + PAY_WITHIN_MS;
		const { contract } = wanted;
		const { tag } = makeInvoice(
			crypto,
			this.#invoiceKey,
			{
				...wanted,
				payer: meeting.peer.deviceId,
				payee: this.#core.ownId,
				binding: meeting.binding,
				parties: meeting.parties,
			},
			payBy,
		);
		this.#promise(meeting, wanted, payBy);
		this.#core.toModule(
			meeting.tetrad,
			message(BETWEEN_MODULES.prepared, {
				contract,
				payBy: timeBytes(payBy),
				tag,
			}),
		);
	}

	deliver(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(BETWEEN_MODULES.deliver, bytes);
		const { crypto } = this.#core.options.context;
		const transfer = parseTransfer(crypto, fields.transfer);
		const invoice = { payBy: parseTimeBytes(fields.payBy), tag: fields.tag };
		const notes = parseList(fields.notes, MAX_PIECES).map(copy);
		const chains = parseList(fields.chains, MAX_ISSUER_CHAINS).map(copy);
		const terms = this.#addressed(meeting, transfer, invoice);
		const { tetrad } = meeting;
		const { contract } = transfer;
		if (terms instanceof TetradError)
			return this.#refuse(tetrad, contract, terms);
		this.#take({ meeting, terms, transfer, notes, chains });
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
		const terms = this.#takes(transfer);
		if (terms === undefined) return unknownIssuer();
		return isInvoiceFor(crypto, this.#invoiceKey, transfer, invoice)
			? terms
			: refused("this module has not agreed to that payment");
	}

	#take(delivery: Delivery): void {
		const { meeting, transfer } = delivery;
		const id = hex(transfer.contract);
		const running = this.#acceptances.get(id);
		const state = this.#tetrads.get(meeting.tetrad);
		if (state === undefined) return;
		if (running !== undefined && !sameBytes(running.transferId, transfer.id))
			return this.#refuse(meeting.tetrad, transfer.contract, otherTransfer());
		if (state.acceptances >= MAX_ACCEPTANCES_PER_TETRAD)
			return this.#refuse(
				meeting.tetrad,
				transfer.contract,
				new TetradError("busy", "too many payments are being taken"),
			);
		state.acceptances++;
		if (running !== undefined) {
			running.tetrads.push(meeting.tetrad);
			return;
		}
		this.#acceptances.set(id, {
			transferId: transfer.id,
			tetrads: [meeting.tetrad],
		});
		// What is promised in this process's life has not been received.
		if (this.#promises.has(id)) return this.#verify(delivery);
		this.#lookUp(
			transfer.contract,
			(row) =>
				row === undefined
					? this.#verify(delivery)
					: this.#answer(row, transfer.id),
			(error) => this.#notTaken(transfer.contract, error),
		);
	}

	#verify(delivery: Delivery): void {
		const { transfer, meeting, terms } = delivery;
		const { crypto } = this.#core.options.context;
		let issuers: readonly CertifiedDevice[];
		try {
			issuers = this.#verifier.judgeChains(
				delivery.chains,
				terms,
				this.#core.now,
			);
			const notes = this.#verifier.verifyAll(delivery.notes, issuers);
			const { notes: paidWith } = verifyTransfer(crypto, transfer, notes);
			for (const note of paidWith)
				if (!sameMoney(terms, note) || !this.#leavesMargin(note.expires))
					throw refused(
						"a note is of other money than its issuer's terms, or expires too soon to be deposited",
					);
		} catch (thrown) {
			return this.#notTaken(transfer.contract, asTetradError(thrown));
		}
		// An invoice is good for longer than it is counted, and two for one contract count once.
		const refusal = this.#whyTooMuch(meeting, transfer);
		if (refusal !== undefined)
			return this.#notTaken(transfer.contract, refusal);
		this.#promise(meeting, transfer, this.#core.now + PAY_WITHIN_MS);
		this.#sign(delivery, meeting.peer.tamperResistance, issuers);
	}

	#leavesMargin(expires: number): boolean {
		return this.#core.now + DEPOSIT_MARGIN_MS < expires;
	}

	#sign(
		{ transfer, notes }: Delivery,
		level: TamperResistance,
		issuers: readonly CertifiedDevice[],
	): void {
		const { contract, amount } = transfer;
		const accepted = this.#core.now;
		const draft = draftReceipt({
			contract,
			transfer: transfer.id,
			payee: this.#core.ownId,
			amount,
			accepted,
		});
		this.#core.sign(
			draft.toSign,
			(signature) =>
				this.#write(
					{
						contract,
						transfer_id: transfer.id,
						transfer: transfer.document,
						notes: enc(...notes),
						chains: enc(...issuers.map(({ chainHash }) => chainHash)),
						payer: transfer.payer,
						level,
						issuer: transfer.issuer,
						currency: transfer.currency,
						amount,
						receipt: draft.sign(signature),
						accepted: BigInt(accepted),
						state: "to-deposit",
						request: new Uint8Array(),
						credited: 0n,
					},
					issuers,
				),
			(error) => this.#notTaken(contract, error),
		);
	}

	#write(row: ReceiptRow, issuers: readonly CertifiedDevice[]): void {
		const { contract, amount, payer, issuer } = row;
		const chains = issuers
			.filter(({ chainHash }) => !this.#core.chains.has(hex(chainHash)))
			.map(({ chainHash: hash, encodedChain: chain }) => ({ hash, chain }));
		this.#core.transact(
			changing(
				this.#core.options.context.crypto,
				this.#core.now,
				[byKey(RECEIPTS, { contract })],
				([[there]]) =>
					there === undefined
						? {
								entries: [
									{ what: "received", subject: contract, amount, peer: payer },
								],
								writes: [
									...chains.map((chain) => put(ISSUER_CHAINS, chain)),
									insert(RECEIPTS, row),
								],
								result: row,
							}
						: unchanged(there),
			),
			(stored) => {
				if (stored !== row) return this.#answer(stored, row.transfer_id);
				for (const { hash, chain } of chains)
					this.#core.chains.set(hex(hash), chain);
				this.#promises.delete(hex(contract));
				this.#count(issuer, row.level, amount);
				const peer = payer;
				this.#core.report({ kind: "received", contract, peer, issuer, amount });
				this.#answer(row, row.transfer_id);
			},
			(error) => this.#notTaken(contract, error),
		);
	}

	// Answers.

	#answer(row: ReceiptRow, transferId: Uint8Array): void {
		const { contract, receipt } = row;
		if (!sameBytes(row.transfer_id, transferId))
			return this.#notTaken(contract, otherTransfer());
		const waiting = this.#finish(contract);
		for (const tetrad of new Set(waiting)) this.#core.witnessSoon(tetrad);
		for (const tetrad of waiting)
			this.#core.toModule(
				tetrad,
				message(BETWEEN_MODULES.accepted, { receipt }),
			);
		for (const [tetrad, { expected }] of this.#tetrads) {
			const known = expected.get(hex(contract));
			if (known === undefined) continue;
			expected.delete(hex(contract));
			if (sameExpected(known, row)) this.#tellReceived(tetrad, row);
			else this.#core.failed(tetrad, contract, otherTerms());
		}
	}

	#notTaken(contract: Uint8Array, error: TetradError): void {
		for (const tetrad of this.#finish(contract))
			this.#refuse(tetrad, contract, error);
	}

	/** The tetrads that wait for the answer about a contract; none does any more. */
	#finish(contract: Uint8Array): readonly number[] {
		const tetrads = this.#acceptances.get(hex(contract))?.tetrads ?? [];
		this.#acceptances.delete(hex(contract));
		for (const tetrad of tetrads) {
			const state = this.#tetrads.get(tetrad);
			if (state !== undefined) state.acceptances--;
		}
		return tetrads;
	}

	#refuse(tetrad: number, contract: Uint8Array, error: TetradError): void {
		const peer = this.#core.meetings.get(tetrad)?.peer.deviceId;
		if (peer === undefined) return;
		this.#core.report({ kind: "refused", contract, peer, error });
		this.#core.toModule(
			tetrad,
			message(BETWEEN_MODULES.refused, {
				contract,
				code: utf8(error.code),
				// Other messages are for this module's owner.
				reason: utf8Within(
					error.code === "payment-refused" ? error.message : "",
					MAX_REASON_BYTES,
				),
			}),
		);
	}

	#tellReceived(
		tetrad: number,
		{ contract, amount, receipt }: ReceiptRow,
	): void {
		this.#core.toAgent(
			tetrad,
			message(WITH_AGENT.received, {
				contract,
				amount: amountBytes(amount),
				receipt,
			}),
		);
	}

	// What may be taken.

	#takes({
		issuer,
		currency,
	}: Pick<Expected, "issuer" | "currency">): IssuerTerms | undefined {
		const terms = this.#core.termsOf(issuer);
		return terms?.currency.code === currency ? terms : undefined;
	}

	#whyNotPromise(
		meeting: OpenMeeting,
		wanted: Expected,
	): TetradError | undefined {
		const id = hex(wanted.contract);
		const expected = this.#tetrads.get(meeting.tetrad)?.expected.get(id);
		if (expected === undefined || !sameExpected(expected, wanted))
			return refused("the payee's agent does not expect that payment");
		// Two could commit, and only one of them would ever get a receipt.
		this.#forgetPromises();
		const promised = this.#promises.get(id);
		if (
			promised !== undefined &&
			(!sameBytes(promised.payer, meeting.peer.deviceId) ||
				!sameExpected(promised, wanted))
		)
			return refused(
				"the payee has agreed to another payment for that contract; there is one payment for a contract",
			);
		return this.#whyTooMuch(meeting, wanted);
	}

	/** Why no more may be held undeposited, or `undefined`. */
	#whyTooMuch(
		{ peer: { tamperResistance: level } }: OpenMeeting,
		wanted: Expected,
	): TetradError | undefined {
		const id = hex(wanted.contract);
		this.#forgetPromises();
		if (!this.#promises.has(id) && this.#promises.size >= MAX_PROMISES)
			return new TetradError("busy", "too many payments are promised");
		let sum = this.#undeposited.get(keyOf(wanted.issuer, level)) ?? 0n;
		for (const [contract, promised] of this.#promises)
			if (
				contract !== id &&
				promised.level === level &&
				sameBytes(promised.issuer, wanted.issuer)
			)
				sum += promised.amount;
		const { limits = this.#core.options.limits } =
			this.#core.termsOf(wanted.issuer) ?? {};
		const limit = limits[level] ?? 0n;
		return sum + wanted.amount > limit
			? refused(
					`the payee takes no more money from modules of the level "${level}" until it has made a deposit`,
				)
			: undefined;
	}

	#promise(
		{ peer: { deviceId: payer, tamperResistance: level } }: OpenMeeting,
		{ contract, issuer, currency, amount }: Expected,
		payBy: number,
	): void {
		this.#promises.delete(hex(contract));
		this.#promises.set(hex(contract), {
			contract,
			issuer,
			currency,
			amount,
			payer,
			level,
			payBy,
		});
	}

	/** Their payers could commit no more, so what was not delivered was most likely never paid. */
	#forgetPromises(): void {
		for (const [contract, { payBy }] of this.#promises) {
			// A map keeps the order of insertion, in which these times rise.
			if (this.#core.now < payBy) return;
			if (!this.#acceptances.has(contract)) this.#promises.delete(contract);
		}
	}

	#count(issuer: Uint8Array, level: string, amount: bigint): void {
		const key = keyOf(issuer, level);
		this.#undeposited.set(key, (this.#undeposited.get(key) ?? 0n) + amount);
	}

	#lookUp(
		contract: Uint8Array,
		then: (row: ReceiptRow | undefined) => void,
		failed: (error: TetradError) => void,
	): void {
		this.#core.transact(
			changing(
				this.#core.options.context.crypto,
				this.#core.now,
				[byKey(RECEIPTS, { contract })],
				([[row]]) => unchanged(row),
			),
			then,
			failed,
		);
	}
}

function keyOf(issuer: Uint8Array, level: string): string {
	return `${hex(issuer)} ${level}`;
}
