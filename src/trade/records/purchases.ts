/*
 * What becomes of a purchase in the store of its buyer's agent:
 *
 *   (nothing) ─▶ provisional ─┬─▶ final ─▶ refunded
 *                             ├─▶ aborted
 *                             └─▶ refunded
 *
 * Told again, nothing changes. What the issuer voids after the goods were opened is refunded, and
 * the goods stay.
 */
import { TetradError, unreachable } from "../../errors.ts";
import {
	byKey,
	done,
	insert,
	put,
	reading,
	type Transaction,
} from "../../machine/index.ts";
import { PURCHASES, type PurchaseRow } from "./tables.ts";

/** How far a purchase has come. */
export type PurchaseState = "provisional" | "final" | "aborted" | "refunded";

/** What is known of a purchase before its module is asked to pay. */
export type NewPurchase = Omit<
	PurchaseRow,
	| "changed"
	| "state"
	| "key"
	| "receipt"
	| "receipt_chain"
	| "credited"
	| "evidence"
	| "code"
	| "reason"
>;

/** What became of a purchase. */
export type PurchaseOutcome =
	/** The key is there, and the goods are what the contract says, or `evidence` shows that they are not. */
	| {
			readonly kind: "final";
			readonly key: Uint8Array;
			readonly receipt: Uint8Array;
			readonly receiptChain: Uint8Array;
			readonly evidence: Uint8Array | undefined;
	  }
	| {
			readonly kind: "aborted";
			readonly code: string;
			readonly reason: string;
	  }
	| {
			readonly kind: "refunded";
			/** In minor units. */
			readonly credited: bigint;
			readonly code: string;
			readonly reason: string;
	  };

/** How often one offer may have been taken, each time in vain but for the last. */
const MAX_TAKEN = 1000;

const NOTHING: Uint8Array = new Uint8Array();

/** Makes a purchase provisional; one that is there stays as it is, and is the result. */
export function beginPurchase(purchase: NewPurchase): Transaction<PurchaseRow> {
	const { contract } = purchase;
	return reading([byKey(PURCHASES, { contract })], ([[known]]) => {
		if (known !== undefined) return done([], known);
		const row: PurchaseRow = {
			...purchase,
			changed: purchase.time,
			state: "provisional",
			key: NOTHING,
			receipt: NOTHING,
			receipt_chain: NOTHING,
			credited: 0n,
			evidence: NOTHING,
			code: "",
			reason: "",
		};
		return done([insert(PURCHASES, row)], row);
	});
}

/** Keeps what became of a purchase, and where its goods are if that is given, and answers with it as it is then. Throws `internal` for one that was never begun. */
export function concludePurchase(
	contract: Uint8Array,
	outcome: PurchaseOutcome,
	now: number,
	target?: string,
): Transaction<PurchaseRow> {
	return reading([byKey(PURCHASES, { contract })], ([[known]]) => {
		if (known === undefined)
			throw new TetradError("internal", "a purchase ended that was not begun");
		if (!follows(known.state, outcome.kind)) return done([], known);
		const row: PurchaseRow = {
			...known,
			...columnsOf(outcome),
			...(target === undefined ? {} : { target }),
			changed: BigInt(now),
			state: outcome.kind,
		};
		return done([put(PURCHASES, row)], row);
	});
}

/** The purchase of that contract, if this agent has made it. */
export function readPurchase(
	contract: Uint8Array,
): Transaction<PurchaseRow | undefined> {
	return reading([byKey(PURCHASES, { contract })], ([[known]]) =>
		done([], known),
	);
}

/** The newest purchase for which that offer was taken, if there is one. */
export function readPurchaseOf(
	offer: Uint8Array,
): Transaction<PurchaseRow | undefined> {
	return reading(
		[
			{
				table: PURCHASES,
				index: "by_offer",
				equals: { offer },
				limit: MAX_TAKEN,
			},
		],
		([rows]) => done([], rows.toSorted((a, b) => Number(b.time - a.time))[0]),
	);
}

/** At most `limit` purchases that go on, the oldest first. */
export function readProvisional(
	limit: number,
): Transaction<readonly PurchaseRow[]> {
	const state: PurchaseState = "provisional";
	return reading(
		[
			{
				table: PURCHASES,
				index: "by_state",
				equals: { state },
				limit,
			},
		],
		([rows]) => done([], rows),
	);
}

function follows(from: string, to: PurchaseOutcome["kind"]): boolean {
	return from === "provisional" || (from === "final" && to === "refunded");
}

function columnsOf(outcome: PurchaseOutcome): Partial<PurchaseRow> {
	switch (outcome.kind) {
		case "final": {
			const { key, receipt, receiptChain, evidence = NOTHING } = outcome;
			return { key, receipt, receipt_chain: receiptChain, evidence };
		}
		case "aborted": {
			const { code, reason } = outcome;
			return { code, reason };
		}
		case "refunded": {
			const { credited, code, reason } = outcome;
			return { credited, code, reason };
		}
		default:
			return unreachable(outcome);
	}
}
