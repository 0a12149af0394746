import type { TetradError } from "../../errors.ts";
import { byKey, reading, type Transaction } from "../../machine/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { message, type SaleKey, WITH_AGENT } from "../documents/index.ts";
import { deliverBytes, isExchange } from "./commit-transfer.ts";
import { abortedError, lapsedError, tetradOver } from "./payment-refusals.ts";
import {
	type AskedPayment,
	askedOf,
	type CommittedPayment,
	type OpenPayment,
	type PaymentState,
} from "./payment-state.ts";
import type { AttemptName, LookedUp } from "./pending-jobs.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import type { PurseParts } from "./purse-parts.ts";
import {
	ABORTED,
	type Change,
	type Changed,
	changing,
	NO_CHAIN,
	PAYMENTS,
	type PaymentRow,
	RECEIPT_CHAINS,
	unchanged,
} from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import type { SaleEvent, SalePart } from "./sale-part.ts";
import type { SpendingLimits } from "./spending-limits.ts";

type Looking = Transaction<Changed<LookedUp>>;

/** The payments by this module that are under way, or committed and not settled. */
export class OpenPayments {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #limits: SpendingLimits;
	readonly #sale: SalePart | undefined;
	/** By contract, in hexadecimal. */
	readonly #all = new Map<string, OpenPayment>();
	#attempts = 0;

	/** What is not committed any more, or void, counts no more against `limits`. */
	constructor(
		{ core, work, sale }: PurseParts,
		limits: SpendingLimits,
		committed: readonly PaymentRow[],
	) {
		this.#core = core;
		this.#work = work;
		this.#limits = limits;
		this.#sale = sale;
		for (const row of committed.filter((row) => !isExchange(row)))
			this.#add(askedOf(row), [], {
				kind: "in-doubt",
				committed: committedOf(row, core),
			});
	}

	get size(): number {
		return this.#all.size;
	}

	/** All of them. */
	values(): MapIterator<OpenPayment> {
		return this.#all.values();
	}

	/** Those of that issuer's money that are committed, and for whose receipt nobody waits. Sales are handed in instead. */
	inDoubtAt(issuer: Uint8Array): readonly CommittedPayment[] {
		const found: CommittedPayment[] = [];
		for (const { state, askers } of this.#all.values())
			if (
				(state.kind === "in-doubt" || state.kind === "delivered") &&
				askers.length === 0 &&
				state.committed.sale === undefined &&
				sameBytes(state.committed.issuer, issuer)
			)
				found.push(state.committed);
		return found;
	}

	of(contract: Uint8Array): OpenPayment | undefined {
		return this.#all.get(hex(contract));
	}

	/** The payment of that very attempt, unless it was given up. */
	at({ contract, attempt }: AttemptName): OpenPayment | undefined {
		const payment = this.of(contract);
		return payment?.attempt === attempt ? payment : undefined;
	}

	/** Looks whether the contract was paid before. */
	begin(
		asked: AskedPayment,
		meeting: OpenMeeting,
		askers: readonly number[] = [meeting.tetrad],
	): void {
		const { contract } = asked;
		const state = { kind: "looking-up", meeting } as const;
		const { attempt } = this.#add(asked, askers, state);
		this.#work.transact(
			{ kind: "looking-up-payment", contract, attempt },
			this.#lookUp(asked),
			// A payment whose receipt is still to be written is open, and is not looked up.
			{ looks: true },
		);
	}

	#lookUp({ contract, payee }: AskedPayment): Looking {
		const { options, now } = this.#core;
		const { crypto } = options.context;
		const toPayee = (state: string) =>
			({
				table: PAYMENTS,
				index: "by_payee",
				equals: { payee, state },
				limit: 1,
			}) as const;
		return reading(
			[byKey(PAYMENTS, { contract }), byKey(ABORTED, { contract })],
			([[row], [aborted]]): Looking => {
				if (row !== undefined)
					return changing(
						crypto,
						now,
						[byKey(RECEIPT_CHAINS, { hash: row.receipt_chain })],
						([[known]]): Change<LookedUp> =>
							unchanged({ kind: "paid", row, chain: known?.chain ?? NO_CHAIN }),
					);
				return changing(
					crypto,
					now,
					[toPayee("settled"), toPayee("keyed"), toPayee("committed")],
					(paid): Change<LookedUp> =>
						unchanged(
							aborted === undefined
								? { kind: "unpaid", isNewMerchant: paid.flat().length === 0 }
								: { kind: "aborted" },
						),
				);
			},
		);
	}

	/** Its tetrad is over. Those who asked in other tetrads with the same payee still want it. */
	beginAgain(payment: OpenPayment): void {
		const { asked, askers } = payment;
		this.delete(asked.contract);
		const [first] = askers;
		const meeting =
			first === undefined ? undefined : this.#core.meetings.get(first);
		if (meeting !== undefined) return this.begin(asked, meeting, [...askers]);
		const { contract } = asked;
		this.failed(payment, { kind: "not-paid", contract, error: tetradOver() });
	}

	delete(contract: Uint8Array): void {
		this.#all.delete(hex(contract));
		this.#limits.giveUp({ contract });
	}

	/** Nothing was committed, and all who asked hear why. */
	giveUp(payment: OpenPayment, error: TetradError): void {
		const { contract, payee: peer } = payment.asked;
		this.delete(contract);
		this.failed(payment, { kind: "not-paid", contract, error });
		// What waits for its owner is told of as such, once.
		if (error.code !== "approval-needed")
			this.#core.report({ kind: "refused", contract, peer, error });
	}

	/** It was cancelled before it was committed. */
	aborted(payment: OpenPayment): void {
		const { contract } = payment.asked;
		if (payment.asked.sale === undefined)
			return this.giveUp(payment, abortedError());
		this.delete(contract);
		this.#sale?.happened({ kind: "aborted", contract });
	}

	/** Tells whoever asked that it was not paid, or that it is in doubt. */
	failed(
		{ asked, askers }: OpenPayment,
		event: Extract<SaleEvent, { readonly kind: "not-paid" | "in-doubt" }>,
	): void {
		const { kind, contract, error } = event;
		if (asked.sale !== undefined) return this.#sale?.happened(event);
		for (const asker of askers)
			this.#core.failed(asker, contract, error, kind === "in-doubt");
	}

	/** Tells whoever asked that it is paid. */
	paid({ asked, askers }: OpenPayment, { receipt, chain, key }: Paid): void {
		const { contract, amount, sale } = asked;
		if (sale !== undefined && key !== undefined)
			return this.#sale?.happened({
				kind: "keyed",
				contract,
				key,
				receipt,
				chain,
			});
		for (const asker of askers)
			this.#core.toAgent(
				asker,
				message(WITH_AGENT.paid, { contract, amount, receipt, chain, key }),
			);
	}

	/** The money of a sale is the purse's again. */
	refunded(row: PaymentRow): void {
		this.#limits.givenBack(askedOf(row), Number(row.counted));
	}

	/** What became of a sale that was committed; nobody waits for it any more. */
	saleOver(event: SaleEvent): void {
		this.delete(event.contract);
		this.#sale?.happened(event);
	}

	/** Notes have expired and their issuer gave back what it had not booked, so these are in doubt no more. */
	lapsed(contracts: readonly Uint8Array[]): void {
		for (const contract of contracts) {
			const payment = this.of(contract);
			if (payment !== undefined && "committed" in payment.state)
				this.#limits.givenBack(payment.asked, payment.state.committed.counted);
			this.#end(contract, lapsedError());
		}
	}

	/** Of an issuer that has told what became of it; `why` when that is not what was to be paid. */
	doubtEnded(contract: Uint8Array, why: TetradError | undefined): void {
		if (why !== undefined) return this.#end(contract, why);
		const payment = this.of(contract);
		if (payment === undefined) return;
		this.delete(contract);
		// Its receipt may have come, and all have heard of it, and be written right after the issuer's word.
		if (payment.state.kind === "settling") return;
		this.paid(payment, {
			receipt: new Uint8Array(),
			chain: NO_CHAIN,
			key: undefined,
		});
	}

	#end(contract: Uint8Array, why: TetradError): void {
		const payment = this.of(contract);
		if (payment === undefined) return;
		this.delete(contract);
		for (const asker of payment.askers) this.#core.failed(asker, contract, why);
	}

	#add(
		asked: AskedPayment,
		askers: readonly number[],
		state: PaymentState,
	): OpenPayment {
		const payment: OpenPayment = {
			asked,
			attempt: this.#attempts++,
			askers,
			state,
		};
		this.#all.set(hex(asked.contract), payment);
		return payment;
	}
}

/** A receipt and the chain under which it was signed; both are empty when the issuer has said that the payment was booked. And the key, for a sale. */
interface Paid extends SaleKey {
	readonly receipt: Uint8Array;
	readonly chain: Uint8Array;
}

export function committedOf(
	row: PaymentRow,
	{ chains }: PurseCore,
): CommittedPayment {
	return {
		...askedOf(row),
		transferId: row.transfer_id,
		counted: Number(row.counted),
		parties: row.parties,
		deliver: deliverBytes(row, chains),
	};
}
