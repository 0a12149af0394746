import { byKey, reading, type Transaction } from "../../../machine/index.ts";
import { parseUtf8, sameBytes } from "../../../wire/index.ts";
import { foldRows } from "../fold-rows.ts";
import type { EntryKind, SYSTEM } from "../ledger-entries.ts";
import { creditTransaction } from "../ledger-ids.ts";
import {
	BOOKINGS,
	CREDITS,
	type ENTRIES,
	NOTES,
	type RowOf,
	SALES,
	TRANSFERS,
	VOIDS,
} from "../ledger-tables.ts";
import type { Findings } from "./findings.ts";
import { systemName } from "./lines.ts";
import { type Checks, demand, NOTHING, rowName } from "./step.ts";

/** Two lines of each transaction sum to zero, and each line of the issuer's own has its cause. */
export function checkEntries(
	findings: Findings,
): Checks<RowOf<typeof ENTRIES>> {
	let group: RowOf<typeof ENTRIES>[] = [];
	const close = () => {
		const [first] = group;
		if (first === undefined) return;
		const at = rowName("entries", first.transaction);
		findings.try(at, () => {
			demand(
				group.reduce((sum, { amount }) => sum + amount, 0n) === 0n,
				"its lines do not sum to zero",
			);
			demand(group.length === 2, "it does not have two lines");
			const names = group.flatMap(({ account }) => systemName(account) ?? []);
			demand(names.length > 0, "it moves money between modules");
			const kinds = kindsOf(names);
			demand(
				kinds.includes(first.kind) &&
					group.every(({ kind }) => kind === first.kind),
				"it is of another kind than its accounts say",
			);
		});
		group = [];
	};
	return {
		check: (row) => {
			const [first] = group;
			if (
				first !== undefined &&
				(first.at !== row.at || !sameBytes(first.transaction, row.transaction))
			)
				close();
			// Beyond three it is wrong already, and shall not grow.
			if (group.length < 3) group.push(row);
			const name = systemName(row.account);
			if (name === undefined) return NOTHING;
			findings.entered[name] += row.amount;
			return checkCause(findings, row, name);
		},
		finish: () => {
			close();
			return NOTHING;
		},
	};
}

function checkCause(
	findings: Findings,
	row: RowOf<typeof ENTRIES>,
	name: keyof typeof SYSTEM,
): Transaction<void> {
	const at = `${rowName("entries", row.transaction)} of "${name}"`;
	const { reference, transaction, amount } = row;
	const say = (fits: boolean): Transaction<void> => {
		findings.try(at, () =>
			demand(fits, "its cause is not there, or says otherwise"),
		);
		return NOTHING;
	};
	switch (name) {
		case "issued":
			return reading([byKey(NOTES, { id: reference })], ([[note]]) =>
				say(
					note !== undefined &&
						note.value === amount &&
						note.issued === row.at &&
						sameBytes(
							findings.transaction(note.holder, note.request),
							transaction,
						),
				),
			);
		case "returned":
			return reading([byKey(TRANSFERS, { id: reference })], ([[transfer]]) =>
				say(
					transfer !== undefined &&
						transfer.booked === -amount &&
						transfer.at === row.at,
				),
			);
		case "expired":
			if (row.kind === "void")
				return reading(
					[
						byKey(VOIDS, { transfer: reference }),
						byKey(SALES, { transfer: reference }),
						byKey(TRANSFERS, { id: reference }),
					],
					([[isOver], [sale], [transfer]]) => {
						// What is void as a sale was so when it was handed in, whenever its payer was credited.
						if (sale !== undefined)
							return say(sale.state === "void" && transfer?.at === row.at);
						return say(
							isOver !== undefined &&
								isOver.returned === -amount &&
								isOver.at === row.at,
						);
					},
				);
			return foldRows(
				{ table: BOOKINGS, equals: { note: reference } },
				0n,
				(sum, booking) =>
					booking.kind === "claim" && sameBytes(booking.reference, transaction)
						? sum + booking.amount
						: sum,
				(sum) => say(sum === -amount),
			);
		case "owed":
			return reading(
				[
					byKey(SALES, { transfer: reference }),
					byKey(TRANSFERS, { id: reference }),
					byKey(VOIDS, { transfer: reference }),
				],
				([[sale], [transfer], [credited]]) =>
					say(
						sale?.state === "void" &&
							(amount > 0n
								? transfer?.at === row.at
								: credited?.at === row.at && credited.returned === -amount),
					),
			);
		case "backing": {
			const text = findings.try(at, () => parseUtf8(reference)) ?? "";
			return reading([byKey(CREDITS, { reference: text })], ([[credit]]) =>
				say(
					credit !== undefined &&
						credit.amount === -amount &&
						credit.at === row.at &&
						sameBytes(creditTransaction(findings.crypto, text), transaction),
				),
			);
		}
	}
}

/** Which kinds of entries have these accounts of the issuer. */
function kindsOf(names: readonly (keyof typeof SYSTEM)[]): readonly string[] {
	const kinds: Record<string, readonly EntryKind[]> = {
		issued: ["withdraw"],
		returned: ["deposit", "exchange"],
		"issued returned": ["exchange"],
		expired: ["claim", "void"],
		"expired owed": ["void"],
		owed: ["void"],
		backing: ["credit"],
	};
	return kinds[names.toSorted().join(" ")] ?? [];
}
