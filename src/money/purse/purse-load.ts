import type { CryptoProvider } from "../../crypto/index.ts";
import type { TamperResistance } from "../../identity/index.ts";
import {
	byKey,
	done,
	insert,
	MAX_READ_ROWS,
	put,
	reading,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { enc, hex } from "../../wire/index.ts";
import {
	encodeHead,
	FIRST_HEAD,
	type Head,
	INVOICE_KEY_BYTES,
	parseHead,
} from "../documents/index.ts";
import { logging } from "../log.ts";
import { type EcashState, readEcash } from "./ecash-load.ts";
import {
	BEHIND_NAME,
	folding,
	HEAD_READ,
	headOf,
	INVOICE_KEY_NAME,
	ISSUER_CHAINS,
	idsIn,
	LIMITS_NAME,
	type LogEntry,
	MET_NAME,
	META,
	NOTES,
	type NoteRow,
	PAYMENTS,
	type PaymentRow,
	PLACE_NAME,
	RECEIPTS,
	REQUESTS,
	type RequestRow,
	restoredHead,
} from "./purse-tables.ts";
import {
	APPROVALS,
	type ApprovalRow,
	SPENT,
	SPENT_IN_ALL,
	type SpentInAllRow,
	type SpentRow,
} from "./spending-tables.ts";

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
	/** The head of a witness that this purse never had, or `restoredHead`, while it is behind. */
	readonly behind: Head | undefined;
	/** Device ids of issuers that were met since the store was put back or copied; nothing when it was not. */
	readonly met: readonly Uint8Array[] | undefined;
	readonly spending: SpendingState;
	readonly ecash: EcashState;
}

/** What the owner lets the purse pay, what counts against that, and what waits for the owner. */
interface SpendingState {
	/** As the owner signed them; nothing without any. */
	readonly limits: Uint8Array | undefined;
	readonly spent: readonly SpentRow[];
	readonly spentInAll: readonly SpentInAllRow[];
	readonly approvals: readonly ApprovalRow[];
}

/** How a purse starts, as far as its host knows. */
export interface PurseStart {
	/** Where the store is now, to be found by `readPlace` when it is opened next; nothing to leave that as it is. */
	readonly place?: Uint8Array;
	/** The store was put back or copied, or may have been: each issuer is met before its notes are paid with. Of no account for a purse that nothing has happened to. */
	readonly meetsIssuers?: boolean;
}

/** Money that was received and not booked yet, by the issuer's device id in hexadecimal and the payer's level. */
export type UndepositedSums = ReadonlyMap<
	string,
	Readonly<Partial<Record<TamperResistance, bigint>>>
>;

/** What the purse knows of where its store was when it was last opened. */
export function readPlace(): Transaction<Uint8Array | undefined> {
	return reading([byKey(META, { name: PLACE_NAME })], ([[row]]) =>
		done([], row?.value),
	);
}

/** Remembers where the store is now. */
export function placing(place: Uint8Array): Transaction<undefined> {
	return done(
		[put(META, { name: PLACE_NAME, value: place })] as const,
		undefined,
	);
}

/**
 * Marks a purse that was restored from a backup: it is behind, for nobody may know what was done
 * since. A withdrawal that was ordered in it may have been sent since, too. `ownId` is the device id
 * of its module. A purse that nothing had happened to has nothing to be held, and only has to meet its
 * issuers: what it paid since, it has forgotten as any other.
 */
export function markRestored(
	crypto: CryptoProvider,
	now: number,
	ownId: Uint8Array,
): Transaction<undefined> {
	return reading([HEAD_READ], ([heads]) => {
		const head = headOf(heads);
		if (head.number === FIRST_HEAD.number)
			return done([put(META, { name: MET_NAME, value: enc() })], undefined);
		const behind = restoredHead(head.number);
		const entry: LogEntry = {
			what: "behind",
			subject: behind.hash,
			amount: 0n,
			peer: ownId,
		};
		const value = encodeHead(behind);
		return folding(
			{ table: REQUESTS },
			"request",
			[] as readonly RequestRow[],
			(sum, rows) => [...sum, ...rows.filter(isToWithdraw)],
			(orders) =>
				done(
					[
						...logging(crypto, head, [entry], now).writes,
						put(META, { name: BEHIND_NAME, value }),
						...orders.map((row) => put(REQUESTS, { ...row, unanswered: 1n })),
					],
					undefined,
				),
		);
	});
}

function isToWithdraw({ kind, state, unanswered }: RequestRow): boolean {
	return kind === "withdraw" && state === "ordered" && unanswered === 0n;
}

/** Reads the purse, and makes a new one of an empty store. */
export function loadPurse(
	crypto: CryptoProvider,
	{ place, meetsIssuers = false }: PurseStart = {},
): Transaction<PurseState> {
	const value = crypto.random(INVOICE_KEY_BYTES);
	return reading(
		[
			HEAD_READ,
			byKey(META, { name: INVOICE_KEY_NAME }),
			byKey(META, { name: BEHIND_NAME }),
			byKey(META, { name: MET_NAME }),
		],
		([heads, [key], [behind], [met]]) => {
			const head = headOf(heads);
			const writes: Write[] = [];
			if (key === undefined)
				writes.push(insert(META, { name: INVOICE_KEY_NAME, value }));
			if (place !== undefined)
				writes.push(put(META, { name: PLACE_NAME, value: place }));
			// Those that were met before the store was put back do not count.
			const isAnew = meetsIssuers && head.number > FIRST_HEAD.number;
			if (isAnew) writes.push(put(META, { name: MET_NAME, value: enc() }));
			return readRest(
				{
					head,
					invoiceKey: key?.value ?? value,
					behind: behind && parseHead(behind.value),
					met: isAnew ? [] : met && idsIn(met.value),
				},
				writes,
			);
		},
	);
}

function readRest(
	start: Pick<PurseState, "head" | "invoiceKey" | "behind" | "met">,
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
								readSpending((spending) =>
									readEcash((ecash) =>
										done(writes, {
											...start,
											chains,
											notes,
											payments,
											undeposited,
											spending,
											ecash,
										}),
									),
								),
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

function readSpending<Result>(
	then: (spending: SpendingState) => Transaction<Result>,
): Transaction<Result> {
	return folding(
		{ table: SPENT },
		"id",
		[] as readonly SpentRow[],
		(sum, rows) => [...sum, ...rows],
		(spent) =>
			reading(
				[
					byKey(META, { name: LIMITS_NAME }),
					{ table: SPENT_IN_ALL, limit: MAX_READ_ROWS },
					{ table: APPROVALS, limit: MAX_READ_ROWS },
				],
				([[limits], spentInAll, approvals]) =>
					then({ limits: limits?.value, spent, spentInAll, approvals }),
			),
	);
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
