/*
 * The log of an agent. Whatever it writes of purchases and sales makes an entry, in the same
 * transaction: there is no way to write the one without the other, and no further durable write.
 * A contract is named by its hash, which fixes who sells what to whom and for how much.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import {
	done,
	type Row,
	reading,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import {
	type DeviceLogEntry,
	HEAD_READ,
	headOf,
	logging,
} from "../../money/index.ts";
import type { PurchaseState } from "./purchases.ts";
import {
	MADE,
	type MadeRow,
	PURCHASES,
	type PurchaseRow,
	REFUNDS,
	type RefundRow,
	SALES,
	type SaleRow,
} from "./tables.ts";

/** What the log of an agent calls a change. */
type AgentWhat =
	/** What became of a purchase. */
	| PurchaseState
	/** It was paid for, and its goods are not what its contract says: there is evidence. */
	| "evidence"
	/** The own module has taken money for a sale. */
	| "sold"
	/** Goods are made on order; the subject is the id of their contract. */
	| "made"
	/** The contract under which they are sold is signed. */
	| "made-offered"
	| "made-sold"
	/** They are kept no longer. */
	| "made-forgotten"
	/** Money that is given back, or comes back: the subject is the contract of that payment. */
	| "refund-owed"
	| "refund-paid";

const NOBODY: Uint8Array = new Uint8Array();

/** The same transaction, with an entry for each change of a purchase or a sale that it writes; `now` is in milliseconds since the epoch. */
export function logged<Result>(
	crypto: CryptoProvider,
	transaction: Transaction<Result>,
	now: number,
): Transaction<Result> {
	if (transaction.kind === "read")
		return {
			...transaction,
			decide: (rows) => logged(crypto, transaction.decide(rows), now),
		};
	const { writes, result } = transaction;
	const entries = writes.flatMap(entriesOf);
	if (entries.length === 0) return transaction;
	return reading([HEAD_READ], ([newest]) =>
		done(
			[...writes, ...logging(crypto, headOf(newest), entries, now).writes],
			result,
		),
	);
}

function entriesOf(write: Write): readonly DeviceLogEntry<AgentWhat>[] {
	switch (write.table.name) {
		case PURCHASES.name:
			return write.kind === "delete" ? [] : [ofPurchase(write.row)];
		case SALES.name:
			return write.kind === "delete" ? [] : [ofSale(write.row)];
		case MADE.name:
			return [ofMade(write)];
		case REFUNDS.name:
			return write.kind === "delete" ? [] : [ofRefund(write.row)];
		default:
			return [];
	}
}

function ofPurchase(row: Row): DeviceLogEntry<AgentWhat> {
	const { state, evidence, contract, credited } = row as PurchaseRow;
	const what = state as PurchaseState;
	return {
		what: what === "final" && evidence.length > 0 ? "evidence" : what,
		subject: contract,
		amount: credited,
		peer: NOBODY,
	};
}

function ofSale(row: Row): DeviceLogEntry<AgentWhat> {
	const { contract: subject, amount, buyer_agent: peer } = row as SaleRow;
	return { what: "sold", subject, amount, peer };
}

function ofMade(write: Write): DeviceLogEntry<AgentWhat> {
	if (write.kind === "delete") {
		const subject = write.key["id"] as Uint8Array;
		return { what: "made-forgotten", subject, amount: 0n, peer: NOBODY };
	}
	const { id: subject, buyer: peer, state } = write.row as MadeRow;
	const isBegun = write.kind === "insert";
	const changed = state === "sold" ? "made-sold" : "made-offered";
	return { what: isBegun ? "made" : changed, subject, amount: 0n, peer };
}

function ofRefund(row: Row): DeviceLogEntry<AgentWhat> {
	const { contract: subject, amount, state } = row as RefundRow;
	const what = state === "paid" ? "refund-paid" : "refund-owed";
	return { what, subject, amount, peer: NOBODY };
}
