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
	| "fee"
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
			/** What its mint has taken beside the price, in minor units; nothing of notes. */
			readonly fee?: bigint | undefined;
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
			/** What its mint has taken for that; nothing of notes. */
			readonly fee?: bigint | undefined;
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
			fee: 0n,
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

/** What became of a purchase that was paid, once that is known for good. */
export interface ConcludedPurchase {
	readonly conclusion: Extract<
		PurchaseOutcome,
		{ readonly kind: "final" | "refunded" }
	>;
	/** Where its goods are, if they are right. */
	readonly path: string | undefined;
}

/** What became of the purchase of that contract, if it is final or refunded. */
export function readConcluded(
	contract: Uint8Array,
): Transaction<ConcludedPurchase | undefined> {
	return reading([byKey(PURCHASES, { contract })], ([[known]]) =>
		done([], known === undefined ? undefined : concludedIn(known)),
	);
}

function concludedIn(row: PurchaseRow): ConcludedPurchase | undefined {
	if (row.state === "refunded") {
		const { credited, code, reason } = row;
		const conclusion = {
			...({ kind: row.state, credited, code, reason } as const),
			...feeOf(row),
		};
		return { conclusion, path: undefined };
	}
	if (row.state !== "final") return undefined;
	const { key, receipt, receipt_chain: receiptChain } = row;
	const isRight = row.evidence.length === 0;
	const evidence = isRight ? undefined : row.evidence;
	return {
		conclusion: {
			...{ kind: row.state, key, receipt, receiptChain, evidence },
			...feeOf(row),
		},
		path: isRight ? row.target : undefined,
	};
}

function feeOf({ fee }: PurchaseRow): { readonly fee?: bigint } {
	return fee > 0n ? { fee } : {};
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
			const { fee = 0n } = outcome;
			return { key, receipt, receipt_chain: receiptChain, fee, evidence };
		}
		case "aborted": {
			const { code, reason } = outcome;
			return { code, reason };
		}
		case "refunded": {
			const { credited, fee = 0n, code, reason } = outcome;
			return { credited, fee, code, reason };
		}
		default:
			return unreachable(outcome);
	}
}
