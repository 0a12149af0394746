/* Accounts, and the lines by which money moves between them. */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { insert, put, type Write } from "../../machine/index.ts";
import { utf8 } from "../../wire/index.ts";
import { MAX_AMOUNT } from "../documents/index.ts";
import type { Asked } from "./ledger-answers.ts";
import { nameInDeviceId, requestTransaction } from "./ledger-ids.ts";
import { ACCOUNTS, ENTRIES, type RowOf } from "./ledger-tables.ts";

/** The issuer's own side of every entry: what it issued, what came back, what holders claimed or what is void, what of that waits for its payer to ask, and what stands behind the accounts. */
export const SYSTEM: Readonly<
	Record<"issued" | "returned" | "expired" | "owed" | "backing", Uint8Array>
> = {
	issued: utf8("issued"),
	returned: utf8("returned"),
	expired: utf8("expired"),
	owed: utf8("owed"),
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

/** The lines of what one request changes. */
export function requestEntries(
	crypto: CryptoProvider,
	{ device, request, at }: Asked,
	kind: EntryKind,
	lines: readonly EntryLine[],
): readonly Write[] {
	return entries(requestTransaction(crypto, device, request), at, kind, lines);
}

/** Puts an amount into an account, at a request. Throws `busy`, so that it is asked again, while the account is too full. */
export function creditAccount(
	crypto: CryptoProvider,
	asked: Asked,
	account: RowOf<typeof ACCOUNTS>,
	amount: bigint,
	kind: EntryKind,
	[from, reference]: readonly [from: Uint8Array, reference: Uint8Array],
): readonly Write[] {
	if (amount === 0n) return [];
	const balance = account.balance + amount;
	if (balance > MAX_AMOUNT)
		throw new TetradError(
			"busy",
			"the account cannot hold more than 2^63 - 1 minor units: withdraw some, and ask again",
		);
	return [
		put(ACCOUNTS, { ...account, balance }),
		...requestEntries(crypto, asked, kind, [
			[account.id, amount, reference],
			[from, -amount, reference],
		]),
	];
}
