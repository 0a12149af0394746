import type { Read } from "../../../machine/index.ts";
import { sameBytes } from "../../../wire/index.ts";
import { SYSTEM } from "../ledger-entries.ts";
import { ENTRIES, type RowOf } from "../ledger-tables.ts";
import { demand } from "./step.ts";

export type Line = readonly [
	account: Uint8Array,
	amount: bigint,
	reference: Uint8Array,
];

/** More lines than a transaction may have, so that one too many is seen. */
export function linesOf(
	at: bigint,
	transaction: Uint8Array,
): Read<(typeof ENTRIES)["columns"]> {
	return { table: ENTRIES, equals: { at, transaction }, limit: 3 };
}

export function demandLines(
	found: readonly RowOf<typeof ENTRIES>[],
	expected: readonly Line[],
): void {
	const fits = expected.every(([account, amount, reference]) =>
		found.some(
			(line) =>
				sameBytes(line.account, account) &&
				line.amount === amount &&
				sameBytes(line.reference, reference),
		),
	);
	demand(
		fits && found.length === expected.length,
		"its entries are not there, or say something else",
	);
}

export function systemName(
	account: Uint8Array,
): keyof typeof SYSTEM | undefined {
	for (const name of [
		"issued",
		"returned",
		"expired",
		"owed",
		"backing",
	] as const)
		if (isSystem(account, name)) return name;
	return undefined;
}

export function isSystem(
	account: Uint8Array,
	name: keyof typeof SYSTEM,
): boolean {
	return sameBytes(account, SYSTEM[name]);
}
