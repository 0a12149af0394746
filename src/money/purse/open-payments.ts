import type { TetradError } from "../../errors.ts";
import { byKey, reading, type Transaction } from "../../machine/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { message, WITH_AGENT } from "../documents/index.ts";
import { deliverBytes, isExchange } from "./commit-transfer.ts";
import { lapsedError } from "./payment-refusals.ts";
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
import type { SpendingLimits } from "./spending-limits.ts";

type Looking = Transaction<Changed<LookedUp>>;

/** The payments by this module that are under way, or committed and not settled. */
export class OpenPayments {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #limits: SpendingLimits;
	/** By contract, in hexadecimal. */
	readonly #all = new Map<string, OpenPayment>();
	#attempts = 0;

	/** What is not committed any more, or void, counts no more against `limits`. */
	constructor(
		{ core, work }: PurseParts,
		limits: SpendingLimits,
		committed: readonly PaymentRow[],
	) {
		this.#core = core;
		this.#work = work;
		this.#limits = limits;
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

	/** Those of that issuer's money that are committed, and for whose receipt nobody waits. */
	inDoubtAt(issuer: Uint8Array): readonly CommittedPayment[] {
		const found: CommittedPayment[] = [];
		for (const { state, askers } of this.#all.values())
			if (
				(state.kind === "in-doubt" || state.kind === "delivered") &&
				askers.length === 0 &&
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
			[byKey(PAYMENTS, { contract })],
			([[row]]): Looking =>
				row === undefined
					? changing(
							crypto,
							now,
							[toPayee("settled"), toPayee("committed")],
							([paid, inDoubt]): Change<LookedUp> =>
								unchanged({
									kind: "unpaid",
									isNewMerchant: paid.length + inDoubt.length === 0,
								}),
						)
					: changing(
							crypto,
							now,
							[byKey(RECEIPT_CHAINS, { hash: row.receipt_chain })],
							([[known]]): Change<LookedUp> =>
								unchanged({
									kind: "paid",
									row,
									chain: known?.chain ?? NO_CHAIN,
								}),
						),
		);
	}

	/** Its tetrad is over. Those who asked in other tetrads with the same payee still want it. */
	beginAgain({ asked, askers }: OpenPayment): void {
		this.delete(asked.contract);
		const [first] = askers;
		const meeting =
			first === undefined ? undefined : this.#core.meetings.get(first);
		if (meeting !== undefined) this.begin(asked, meeting, [...askers]);
	}

	delete(contract: Uint8Array): void {
		this.#all.delete(hex(contract));
		this.#limits.giveUp({ contract });
	}

	/** Nothing was committed, and all who asked hear why. */
	giveUp({ asked, askers }: OpenPayment, error: TetradError): void {
		const { contract, payee: peer } = asked;
		this.delete(contract);
		for (const asker of askers) this.#core.failed(asker, contract, error);
		// What waits for its owner is told of as such, once.
		if (error.code !== "approval-needed")
			this.#core.report({ kind: "refused", contract, peer, error });
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
		for (const asker of payment.askers)
			this.paid(asker, payment.asked, NO_RECEIPT);
	}

	#end(contract: Uint8Array, why: TetradError): void {
		const payment = this.of(contract);
		if (payment === undefined) return;
		this.delete(contract);
		for (const asker of payment.askers) this.#core.failed(asker, contract, why);
	}

	/** Tells the own agent that it is paid. */
	paid(
		tetrad: number,
		{ contract, amount }: Pick<AskedPayment, "contract" | "amount">,
		{ receipt, chain }: PaidReceipt,
	): void {
		this.#core.toAgent(
			tetrad,
			message(WITH_AGENT.paid, {
				contract,
				amount,
				receipt,
				chain,
				key: undefined,
			}),
		);
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

/** A receipt and the chain under which it was signed; both are empty when the issuer has said that the payment was booked. */
interface PaidReceipt {
	readonly receipt: Uint8Array;
	readonly chain: Uint8Array;
}

const NO_RECEIPT: PaidReceipt = { receipt: new Uint8Array(), chain: NO_CHAIN };

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
