/* What an issuer's books say of a payment in doubt, and what follows from that. */
import { TetradError, unreachable } from "../../errors.ts";
import { byKey, put, reading, type Transaction } from "../../machine/index.ts";
import type { SaleKey } from "../documents/index.ts";
import type { PurseCore } from "./purse-core.ts";
import {
	type Change,
	type Changed,
	changing,
	PAYMENTS,
	type PaymentRow,
	unchanged,
} from "./purse-tables.ts";
import { givingBack } from "./spending-sums.ts";

/** The issuer's word on a transfer, as its message has it: 0 when nobody has handed it in, 1 when it is booked, 2 when it is void; and what was credited. */
export interface SaidOutcome extends SaleKey {
	readonly state: 0 | 1 | 2;
	readonly credited: bigint;
}

/** A payment in which there is no doubt any more. */
export interface DoubtEnded {
	/** `paid`: booked whole. `short`: booked in part or not at all, because its ranges had been booked before. `lapsed`: void. `lost`: its issuer has forgotten the notes. */
	readonly kind: "paid" | "short" | "lapsed" | "lost";
	readonly contract: Uint8Array;
	/** Device ids. */
	readonly payee: Uint8Array;
	readonly issuer: Uint8Array;
	readonly amount: bigint;
	readonly credited: bigint;
}

type Ended = Change<DoubtEnded | undefined>;

/** Ends the doubt about a payment that its issuer was asked about, when the answer does. Throws `issuer-refused` for one that cannot be. */
export function recordInquired(
	{ options, now }: PurseCore,
	{ contract, amount }: Pick<PaymentRow, "contract" | "amount">,
	{ state, credited }: SaidOutcome,
): Transaction<Changed<DoubtEnded | undefined>> {
	if (credited > (state === 0 ? 0n : amount))
		throw new TetradError(
			"issuer-refused",
			"the issuer says that it credited more than was paid",
		);
	return reading([byKey(PAYMENTS, { contract })], ([[row]]) => {
		const back = givingBack(row);
		return changing(options.context.crypto, now, back.reads, (sums): Ended => {
			if (row?.state !== "committed") return unchanged(undefined);
			switch (state) {
				// It can still be booked, until it is resolved.
				case 0:
					return unchanged(undefined);
				case 1:
					return bookedPayment(row, credited);
				case 2: {
					const lapsed = ended(row, "lapsed", credited);
					const writes = [...lapsed.writes, ...back.writes(sums)];
					return { ...lapsed, writes };
				}
				default:
					return unreachable(state);
			}
		});
	});
}

/** A payment of which the issuer has credited so much to its payee. */
export function bookedPayment(row: PaymentRow, credited: bigint): Ended {
	return ended(row, credited === row.amount ? "paid" : "short", credited);
}

function ended(
	row: PaymentRow,
	kind: DoubtEnded["kind"],
	credited: bigint,
): Ended {
	const { contract, payee, issuer, amount } = row;
	const state = kind === "paid" ? "settled" : kind;
	return {
		entries: [{ what: kind, subject: contract, amount: credited, peer: payee }],
		writes: [put(PAYMENTS, { ...row, state, in_doubt: 0n })],
		result: { kind, contract, payee, issuer, amount, credited },
	};
}
