/*
 * Taking payments that are over out of the tables, a bounded step at a time:
 *
 *   read ─▶ (the archive is a durable file) ─▶ pruned: one transaction, which names it in the log
 *
 * Between the two nothing has changed, and whoever comes again makes the same archive again. Of each
 * payment its row stays, with its hashes, its receipt and what came of it; documents, and what its
 * issuer was asked and answered, go. What nobody could verify in an archive, as when its row has
 * rotted on the disk, is in none and stays as it is.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { TrustAnchor } from "../../identity/index.ts";
import {
	byKey,
	done,
	MAX_READ_ROWS,
	put,
	type Read,
	reading,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { dec, hex, sameBytes } from "../../wire/index.ts";
import {
	type ArchivedFields,
	archiveHash,
	encodeArchive,
	encodeHead,
	type Head,
	MAX_ARCHIVED,
	MAX_ISSUER_CHAINS,
	MAX_PIECES,
	NO_ARCHIVE,
	parseHead,
	parseList,
	readNote,
	refusedFromArchive,
} from "../documents/index.ts";
import {
	ARCHIVE_NAME,
	type Changed,
	changing,
	ISSUER_CHAINS,
	META,
	NOT_ARCHIVED,
	PAYMENTS,
	type PaymentRow,
	RECEIPT_CHAINS,
	RECEIPTS,
	REQUESTS,
	type ReceiptRow,
	type RequestRow,
} from "./purse-tables.ts";

/** Payments in states in which nothing more comes of them, in the order in which they are looked at. */
const SOURCES: readonly (
	| { readonly kind: "received"; readonly state: string }
	| { readonly kind: "paid"; readonly state: string }
)[] = [
	{ kind: "received", state: "deposited" },
	{ kind: "received", state: "refused" },
	{ kind: "paid", state: "settled" },
	{ kind: "paid", state: "lapsed" },
	{ kind: "paid", state: "short" },
	{ kind: "paid", state: "lost" },
];

/** Where the next step goes on looking. */
export interface ArchiveCursor {
	readonly source: number;
	/** Contract above which it looks. */
	readonly above: Uint8Array;
}

export const ARCHIVE_START: ArchiveCursor = {
	source: 0,
	above: new Uint8Array(),
};

type Over =
	| { readonly kind: "received"; readonly row: ReceiptRow }
	| { readonly kind: "paid"; readonly row: PaymentRow };

/** A payment that is over, and what its issuer was asked about it. */
type Archived = Over & { readonly requests: readonly RequestRow[] };

/** One step: an archive to write down, and the payments in it. */
export interface ArchiveStep {
	/** The file. */
	readonly archive: Uint8Array;
	readonly hash: Uint8Array;
	/** Of this archive: 1 for the first of a purse. */
	readonly number: bigint;
	readonly payments: readonly Archived[];
}

/** A payment that is over, and is in no archive: nobody could verify it there. */
export interface Unarchived {
	readonly kind: Over["kind"];
	readonly contract: Uint8Array;
	readonly error: TetradError;
}

export interface FoundToArchive {
	/** Nothing when none of those that were looked at is over for long enough. */
	readonly step: ArchiveStep | undefined;
	/** Those of them that stay, and why. */
	readonly unarchived: readonly Unarchived[];
	/** Nothing when all were looked at. */
	readonly next: ArchiveCursor | undefined;
}

/**
 * Looks at up to `MAX_ARCHIVED` payments, and makes an archive of those whose notes had all expired
 * `before` (milliseconds since the epoch) and that verify under these roots. Writes nothing. `purse`
 * is the module's device id.
 */
export function findToArchive(
	crypto: CryptoProvider,
	{
		purse,
		banks,
		before,
	}: {
		readonly purse: Uint8Array;
		readonly banks: readonly TrustAnchor[];
		readonly before: number;
	},
	cursor: ArchiveCursor = ARCHIVE_START,
): Transaction<FoundToArchive> {
	const source = SOURCES[cursor.source];
	if (source === undefined)
		return done([], { step: undefined, unarchived: [], next: undefined });
	const reads = [
		candidates(source, cursor.above),
		byKey(META, { name: ARCHIVE_NAME }),
	];
	return reading(
		reads as never,
		(all: readonly (readonly unknown[])[]): Transaction<FoundToArchive> => {
			const [rows = [], [newest] = []] = all as [
				(ReceiptRow | PaymentRow)[],
				{ readonly value: Uint8Array }[],
			];
			const found = rows.map((row) => ({ kind: source.kind, row }) as Over);
			const next: ArchiveCursor =
				found.length < MAX_ARCHIVED
					? { source: cursor.source + 1, above: new Uint8Array() }
					: {
							source: cursor.source,
							above: found.at(-1)?.row.contract ?? new Uint8Array(),
						};
			const { over, unreadable } = overBefore(found, before);
			if (over.length === 0)
				return done([], { step: undefined, unarchived: unreadable, next });
			return withRest<FoundToArchive>(over, (payments, chains) => {
				const judged = payments.map((payment) => ({
					payment,
					error: refusedFromArchive(
						crypto,
						fieldsOf(payment),
						{ purse, chains: [...chains.values()] },
						banks,
					),
				}));
				const unarchived = [
					...unreadable,
					...judged.flatMap(({ payment, error }) =>
						error === undefined ? [] : [unarchivedOf(payment, error)],
					),
				];
				const whole = judged.flatMap(({ payment, error }) =>
					error === undefined ? [payment] : [],
				);
				if (whole.length === 0)
					return done([], { step: undefined, unarchived, next });
				const previous = headOfArchives(newest?.value);
				const number = previous.number + 1n;
				const archive = encodeArchive({
					purse,
					number,
					previous: previous.hash,
					chains: chainsOf(whole, chains),
					payments: whole.map(fieldsOf),
				});
				const hash = archiveHash(crypto, archive);
				const step = { archive, hash, number, payments: whole };
				return done([], { step, unarchived, next });
			});
		},
	);
}

/**
 * Prunes what is in an archive that is durable, and names it in the log. Throws `internal`, and
 * changes nothing, when another archive was made meanwhile, or a payment in it is not as it was.
 */
export function pruneArchived(
	crypto: CryptoProvider,
	purse: Uint8Array,
	{ hash, number, payments }: ArchiveStep,
	now: number,
): Transaction<Changed<number>> {
	const reads = [
		byKey(META, { name: ARCHIVE_NAME }),
		...payments.map(({ kind, row: { contract } }) =>
			kind === "received"
				? byKey(RECEIPTS, { contract })
				: byKey(PAYMENTS, { contract }),
		),
	];
	return changing(
		crypto,
		now,
		reads as never,
		(found: readonly (readonly unknown[])[]) => {
			const [[newest], ...rows] = found as [
				{ readonly value: Uint8Array }[],
				...(ReceiptRow | PaymentRow)[][],
			];
			const isNext = headOfArchives(newest?.value).number + 1n === number;
			const isSame = payments.every(({ row }, i) =>
				isAsItWas(row, rows[i]?.[0]),
			);
			if (!isNext || !isSame)
				throw new TetradError(
					"internal",
					"the purse has changed since its payments were written into an archive",
				);
			const writes: Write[] = payments.flatMap((payment) => [
				pruned(payment, hash),
				...payment.requests.map(forgotten),
			]);
			return {
				entries: [
					{
						what: "archived",
						subject: hash,
						amount: BigInt(payments.length),
						peer: purse,
					},
				],
				writes: [
					...writes,
					put(META, {
						name: ARCHIVE_NAME,
						value: encodeHead({ number, hash }),
					}),
				],
				result: payments.length,
			};
		},
	);
}

function candidates(
	{ kind, state }: (typeof SOURCES)[number],
	above: Uint8Array,
): Read<typeof RECEIPTS.columns> | Read<typeof PAYMENTS.columns> {
	const of = {
		index: "by_archive",
		equals: { archive: NOT_ARCHIVED, state },
		above,
		limit: MAX_ARCHIVED,
	};
	return kind === "received"
		? { table: RECEIPTS, ...of }
		: { table: PAYMENTS, ...of };
}

function hasExpired(
	{ notes }: Pick<ReceiptRow, "notes">,
	before: number,
): boolean {
	return parseList(notes, MAX_PIECES).every(
		(document) => readNote(document).expires <= before,
	);
}

/** Those whose notes had all expired by then, and those of which nobody can tell. */
function overBefore(
	found: readonly Over[],
	before: number,
): {
	readonly over: readonly Over[];
	readonly unreadable: readonly Unarchived[];
} {
	const over: Over[] = [];
	const unreadable: Unarchived[] = [];
	for (const one of found)
		try {
			issuerChains(one.row);
			if (hasExpired(one.row, before)) over.push(one);
		} catch (thrown) {
			unreadable.push(unarchivedOf(one, asTetradError(thrown)));
		}
	return { over, unreadable };
}

function unarchivedOf(
	{ kind, row: { contract } }: Over,
	error: TetradError,
): Unarchived {
	return { kind, contract, error };
}

/** Those that the payments name, in the order in which they were read. */
function chainsOf(
	payments: readonly Archived[],
	chains: ReadonlyMap<string, Uint8Array>,
): readonly Uint8Array[] {
	const named = new Set(
		payments.flatMap(({ row }) => chainHashes(row)).map(hex),
	);
	return [...chains].flatMap(([hash, chain]) =>
		named.has(hash) ? [chain] : [],
	);
}

/** By which a payment names its chains. */
function chainHashes(row: ReceiptRow | PaymentRow): readonly Uint8Array[] {
	const hashes = [...issuerChains(row), row.receipt_chain];
	return hashes.filter((hash) => hash.length > 0);
}

/** Reads what belongs to them: requests that were answered, and chains. */
function withRest<Result>(
	over: readonly Over[],
	then: (
		payments: readonly Archived[],
		/** By their hashes in hexadecimal. */
		chains: ReadonlyMap<string, Uint8Array>,
	) => Transaction<Result>,
): Transaction<Result> {
	const hashes = new Map(
		over
			.flatMap(({ row }) => chainHashes(row))
			.map((hash) => [hex(hash), hash]),
	);
	const requests: Read<typeof REQUESTS.columns>[] = over.map(({ row }) => ({
		table: REQUESTS,
		index: "by_subject",
		equals: { subject: row.contract },
		limit: MAX_READ_ROWS,
	}));
	const chains = [...hashes.values()].flatMap((hash) => [
		byKey(ISSUER_CHAINS, { hash }),
		byKey(RECEIPT_CHAINS, { hash }),
	]);
	return reading([...requests, ...chains] as never, (rows) => {
		const found = rows as readonly (readonly unknown[])[];
		const payments = over.map((one, i) => ({
			...one,
			requests: (found[i] as readonly RequestRow[]).filter(
				({ state }) => state !== "ordered",
			),
		}));
		const known = new Map(
			found
				.slice(over.length)
				.flat()
				.map((row) => row as { hash: Uint8Array; chain: Uint8Array })
				.map(({ hash, chain }) => [hex(hash), chain]),
		);
		return then(payments, known);
	});
}

function issuerChains({ chains }: Pick<ReceiptRow, "chains">): Uint8Array[] {
	return dec(chains, MAX_ISSUER_CHAINS);
}

function fieldsOf(payment: Archived): ArchivedFields {
	const { kind, row, requests } = payment;
	const { state, transfer, receipt, receipt_chain: receiptChain } = row;
	return {
		kind,
		state,
		credited: creditedOf(payment),
		transfer,
		notes: parseList(row.notes, MAX_PIECES),
		chains: issuerChains(row),
		receipt,
		receiptChain,
		outcome:
			requests.find((request) => request.state === "answered")?.outcome ??
			new Uint8Array(),
		terms: row.terms,
		key: row.key.length === 0 ? undefined : row.key,
	};
}

function creditedOf({ kind, row }: Over): bigint {
	if (kind === "received") return row.credited;
	return row.state === "settled" ? row.amount : 0n;
}

/** What stays is enough to answer for it: hashes, the receipt, and what came of it. */
function pruned(payment: Archived, archive: Uint8Array): Write {
	const gone = new Uint8Array();
	const less = {
		transfer: gone,
		notes: gone,
		chains: gone,
		terms: gone,
		archive,
	};
	return payment.kind === "received"
		? put(RECEIPTS, { ...payment.row, ...less })
		: put(PAYMENTS, { ...payment.row, ...less });
}

function forgotten({ request }: RequestRow): Write {
	return { kind: "delete", table: REQUESTS as never, key: { request } };
}

function isAsItWas(
	before: ReceiptRow | PaymentRow,
	now: ReceiptRow | PaymentRow | undefined,
): boolean {
	return (
		now !== undefined &&
		now.state === before.state &&
		sameBytes(now.archive, NOT_ARCHIVED) &&
		sameBytes(now.transfer, before.transfer) &&
		// A receipt may come when its issuer has spoken first.
		sameBytes(now.receipt, before.receipt)
	);
}

/** Number and hash of the newest archive of a purse. */
function headOfArchives(value: Uint8Array | undefined): Head {
	return value === undefined
		? { number: 0n, hash: NO_ARCHIVE }
		: parseHead(value);
}
