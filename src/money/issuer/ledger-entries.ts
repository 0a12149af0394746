/* Accounts, and the lines by which money moves between them. */
import { insert, type Write } from "../../machine/index.ts";
import { utf8 } from "../../wire/index.ts";
import { nameInDeviceId } from "./ledger-ids.ts";
import { type ACCOUNTS, ENTRIES, type RowOf } from "./ledger-tables.ts";

/** The issuer's own side of every entry: what it issued, what came back, what holders claimed or had declared void, and what stands behind the accounts. */
export const SYSTEM: Readonly<
	Record<"issued" | "returned" | "expired" | "backing", Uint8Array>
> = {
	issued: utf8("issued"),
	returned: utf8("returned"),
	expired: utf8("expired"),
	backing: utf8("backing"),
};

export type EntryKind =
	| "withdraw"
	| "deposit"
	| "exchange"
	| "claim"
	| "void"
	| "credit";

export type EntryLine = readonly [
	account: Uint8Array,
	amount: bigint,
	reference: Uint8Array,
];

/** The lines of one transaction, which sum to zero. */
export function entries(
	transaction: Uint8Array,
	at: number,
	kind: EntryKind,
	lines: readonly EntryLine[],
): readonly Write[] {
	return lines.map(([account, amount, reference]) =>
		insert(ENTRIES, {
			at: BigInt(at),
			transaction,
			account,
			amount,
			kind,
			reference,
		}),
	);
}

export function newAccount(id: Uint8Array, at: number): RowOf<typeof ACCOUNTS> {
	return { id, name: nameInDeviceId(id), balance: 0n, opened: BigInt(at) };
}
