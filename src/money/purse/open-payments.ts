import type { TetradError } from "../../errors.ts";
import { byKey } from "../../machine/index.ts";
import { hex } from "../../wire/index.ts";
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
import type { AttemptName } from "./pending-jobs.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import type { PurseParts } from "./purse-parts.ts";
import {
	changing,
	PAYMENTS,
	type PaymentRow,
	unchanged,
} from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";

/** The payments by this module that are under way, or committed and not settled. */
export class OpenPayments {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	/** By contract, in hexadecimal. */
	readonly #all = new Map<string, OpenPayment>();
	#attempts = 0;

	constructor({ core, work }: PurseParts, committed: readonly PaymentRow[]) {
		this.#core = core;
		this.#work = work;
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
			changing(
				this.#core.options.context.crypto,
				this.#core.now,
				[byKey(PAYMENTS, { contract })],
				([[row]]) => unchanged(row),
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
	}

	/** Nothing was committed, and all who asked hear why. */
	giveUp({ asked, askers }: OpenPayment, error: TetradError): void {
		const { contract, payee: peer } = asked;
		this.delete(contract);
		for (const asker of askers) this.#core.failed(asker, contract, error);
		this.#core.report({ kind: "refused", contract, peer, error });
	}

	/** Notes have expired and their issuer gave back what it had not booked, so these are in doubt no more. */
	lapsed(contracts: readonly Uint8Array[]): void {
		for (const contract of contracts) {
			const payment = this.of(contract);
			if (payment === undefined) continue;
			this.delete(contract);
			for (const asker of payment.askers)
				this.#core.failed(asker, contract, lapsedError());
		}
	}

	/** Tells the own agent that it is paid. */
	paid(
		tetrad: number,
		{ contract, amount }: Pick<AskedPayment, "contract" | "amount">,
		receipt: Uint8Array,
	): void {
		this.#core.toAgent(
			tetrad,
			message(WITH_AGENT.paid, {
				contract,
				amount,
				receipt,
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

export function committedOf(
	row: PaymentRow,
	{ chains }: PurseCore,
): CommittedPayment {
	return {
		...askedOf(row),
		transferId: row.transfer_id,
		parties: row.parties,
		deliver: deliverBytes(row, chains),
	};
}
