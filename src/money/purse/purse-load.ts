import type { CryptoProvider } from "../../crypto/index.ts";
import type { TamperResistance } from "../../identity/index.ts";
import {
	byKey,
	done,
	insert,
	reading,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { hex } from "../../wire/index.ts";
import {
	FIRST_HEAD,
	type Head,
	INVOICE_KEY_BYTES,
} from "../documents/index.ts";
import {
	folding,
	HEAD_READ,
	headOf,
	INVOICE_KEY_NAME,
	ISSUER_CHAINS,
	META,
	NOTES,
	type NoteRow,
	PAYMENTS,
	type PaymentRow,
	RECEIPTS,
} from "./purse-tables.ts";

/** What a purse that starts has to know of what is durable. */
export interface PurseState {
	readonly head: Head;
	/** `INVOICE_KEY_BYTES`, secret. */
	readonly invoiceKey: Uint8Array;
	/** Encoded chains of issuers by their hashes in hexadecimal. */
	readonly chains: ReadonlyMap<string, Uint8Array>;
	/** Notes of which something is left. */
	readonly notes: readonly NoteRow[];
	/** Payments that are committed and not settled. */
	readonly payments: readonly PaymentRow[];
	readonly undeposited: UndepositedSums;
}

/** Money that was received and not booked yet, by the issuer's device id in hexadecimal and the payer's level. */
export type UndepositedSums = ReadonlyMap<
	string,
	Readonly<Partial<Record<TamperResistance, bigint>>>
>;

/** Reads the purse, and makes a new one of an empty store. */
export function loadPurse(crypto: CryptoProvider): Transaction<PurseState> {
	const value = crypto.random(INVOICE_KEY_BYTES);
	return reading(
		[HEAD_READ, byKey(META, { name: INVOICE_KEY_NAME })],
		([heads, [key]]) => {
			if (key !== undefined)
				return readRest({ head: headOf(heads), invoiceKey: key.value }, []);
			return readRest({ head: FIRST_HEAD, invoiceKey: value }, [
				insert(META, { name: INVOICE_KEY_NAME, value }),
			]);
		},
	);
}

function readRest(
	start: Pick<PurseState, "head" | "invoiceKey">,
	writes: readonly Write[],
): Transaction<PurseState> {
	const chains = new Map<string, Uint8Array>();
	return folding(
		{ table: ISSUER_CHAINS },
		"hash",
		chains,
		addChains,
		(chains) =>
			folding(
				{ table: NOTES, index: "by_state", equals: { state: "live" } },
				"id",
				[] as readonly NoteRow[],
				(sum, rows) => [...sum, ...rows],
				(notes) =>
					folding(
						{
							table: PAYMENTS,
							index: "by_state",
							equals: { state: "committed" },
						},
						"contract",
						[] as readonly PaymentRow[],
						(sum, rows) => [...sum, ...rows],
						(payments) =>
							readUndeposited((undeposited) =>
								done(writes, {
									...start,
									chains,
									notes,
									payments,
									undeposited,
								}),
							),
					),
			),
	);
}

function addChains(
	sum: ReadonlyMap<string, Uint8Array>,
	rows: readonly { readonly hash: Uint8Array; readonly chain: Uint8Array }[],
): ReadonlyMap<string, Uint8Array> {
	return new Map([
		...sum,
		...rows.map(({ hash, chain }) => [hex(hash), chain] as const),
	]);
}

/** Only the sums are kept: there may be many rows. */
function readUndeposited<Result>(
	then: (sum: UndepositedSums) => Transaction<Result>,
): Transaction<Result> {
	const none: UndepositedSums = new Map();
	return folding(
		{ table: RECEIPTS, index: "by_state", equals: { state: "to-deposit" } },
		"contract",
		none,
		(sum, rows) => {
			const next = new Map(sum);
			for (const { issuer, level, amount } of rows) {
				const of = next.get(hex(issuer)) ?? {};
				const before = of[level as TamperResistance] ?? 0n;
				next.set(hex(issuer), { ...of, [level]: before + amount });
			}
			return next;
		},
		then,
	);
}
