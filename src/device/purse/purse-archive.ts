import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import type { TetradError } from "../../errors.ts";
import type { TrustAnchor } from "../../identity/index.ts";
import type { Store } from "../../machine/index.ts";
import {
	ARCHIVE_START,
	type ArchiveCursor,
	type ArchiveStep,
	type FoundToArchive,
	findToArchive,
	isArchive,
	MAX_ARCHIVE_BYTES,
	type OpenedArchive,
	openArchive,
	pruneArchived,
	purseTables,
	type Unarchived,
} from "../../money/index.ts";
import { openSqliteStore } from "../../store/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	isThere,
	makePrivateFolder,
	readCarried,
	readPolicy,
	reason,
	replaceFile,
	unusable,
} from "../home/index.ts";
import { walkLog } from "./log-check.ts";
import {
	moduleIdOf,
	purseStorePath,
	readPurseSettings,
	viewPurse,
} from "./purse-home.ts";

/*
 * Payments that are over go out of a purse's database into files:
 *
 *   archive/000001-<beginning of its hash>.archive   at most MAX_ARCHIVED payments (docs/money.md)
 *
 * A file is on the disk, whole, and was read and verified there, before anything of it is deleted,
 * and is never written over: its name follows from what is in it.
 */

const DAY_MS = 86_400_000;

export interface ArchiveOptions {
	/** Where the files go; `archive` in the home unless given. */
	readonly folder?: string;
	/** Only payments whose notes expired so many days ago, or more. */
	readonly expiredForDays: number;
	/** Hears of each file once it is written and what is in it is pruned. */
	readonly wrote?: (path: string, payments: number) => void;
	/** Hears of each payment that stays because nobody could verify it in an archive. */
	readonly stayed?: (payment: Unarchived) => void;
}

/** What was archived. */
export interface ArchivedPayments {
	readonly folder: string;
	readonly files: number;
	readonly payments: number;
	/** How many stay because nobody could verify them in an archive. */
	readonly stayed: number;
}

/** Archives what is over in the purse of a home. Throws `home-unusable` when there is none, and `busy` while its module runs. What was archived until it throws stays so. */
export async function archivePurse(
	home: string,
	options: ArchiveOptions,
): Promise<ArchivedPayments> {
	await readPurseSettings(home);
	const { banks } = await readPolicy(home);
	const purse = await moduleIdOf(home);
	await using store = await openSqliteStore({
		path: purseStorePath(home),
		schema: purseTables.PURSE_SCHEMA,
	});
	const folder = resolve(options.folder ?? join(home, "archive"));
	return await archiveStore(store, { purse, banks, folder }, options);
}

/** The same for a store that is open. `purse` is the module's device id. */
export async function archiveStore(
	store: Pick<Store, "transact">,
	{
		purse,
		banks,
		folder,
	}: {
		readonly purse: Uint8Array;
		readonly banks: readonly TrustAnchor[];
		readonly folder: string;
	},
	{ expiredForDays, wrote, stayed: hear }: Omit<ArchiveOptions, "folder">,
): Promise<ArchivedPayments> {
	const now = Date.now();
	const before = now - expiredForDays * DAY_MS;
	let files = 0;
	let payments = 0;
	let stayed = 0;
	let cursor: ArchiveCursor | undefined = ARCHIVE_START;
	while (cursor !== undefined) {
		const { step, unarchived, next }: FoundToArchive = await store.transact(
			findToArchive(nodeCrypto, { purse, banks, before }, cursor),
		);
		cursor = next;
		stayed += unarchived.length;
		for (const payment of unarchived) hear?.(payment);
		if (step === undefined) continue;
		await makeLasting(folder);
		const path = join(folder, nameOf(step));
		await replaceFile(path, step.archive);
		await requireReadable(path, step, banks);
		await store.transact(pruneArchived(nodeCrypto, purse, step, now));
		files++;
		payments += step.payments.length;
		wrote?.(path, step.payments.length);
	}
	return { folder, files, payments, stayed };
}

/** What was written is read again before what is in it goes. Throws `home-unusable`. */
async function requireReadable(
	path: string,
	{ hash }: ArchiveStep,
	banks: readonly TrustAnchor[],
): Promise<void> {
	let opened: OpenedArchive | undefined;
	try {
		opened = await readArchive(path, banks);
	} catch (thrown) {
		throw notThere(path, thrown);
	}
	if (opened === undefined || !sameBytes(opened.hash, hash))
		throw notThere(path);
}

function notThere(path: string, cause?: unknown): TetradError {
	return unusable(
		`${path} is not what was written into it, and nothing was taken out of the purse for it; check the disk`,
		cause,
	);
}

/** A folder whose name is on the disk, too, before anything is deleted that is only in it. */
async function makeLasting(folder: string): Promise<void> {
	const parent = dirname(folder);
	if (!(await isThere(parent)))
		throw unusable(`there is no folder ${parent}; make it first`);
	await makePrivateFolder(folder);
	try {
		await using around = await open(parent, constants.O_RDONLY);
		await around.sync();
	} catch (thrown) {
		throw unusable(`cannot keep ${folder}: ${reason(thrown)}`, thrown);
	}
}

function nameOf({ number, hash }: ArchiveStep): string {
	return `${String(number).padStart(6, "0")}-${hex(hash).slice(0, 16)}.archive`;
}

/** Reads an archive and verifies what is in it under these roots, or `undefined` when the file is none. Throws `file-unusable`, and as `openArchive`. */
export async function readArchive(
	path: string,
	banks: readonly TrustAnchor[],
): Promise<OpenedArchive | undefined> {
	const file = await readCarried(path, MAX_ARCHIVE_BYTES);
	return isArchive(file) ? openArchive(nodeCrypto, file, banks) : undefined;
}

/**
 * Whether the log of the purse in a home names that archive. Throws `home-unusable` when there is
 * no purse, and `store-failed` when its log is not the chain of its heads.
 */
export async function isInLog(
	home: string,
	archive: Pick<OpenedArchive, "hash" | "purse">,
): Promise<boolean> {
	await using view = await viewPurse(home);
	return await logNames(view.store, archive);
}

/** The same for a store that is open. */
export function logNames(
	store: Pick<Store, "snapshot">,
	{ hash, purse }: Pick<OpenedArchive, "hash" | "purse">,
): Promise<boolean> {
	return store.snapshot(async (scan) => {
		let isNamed = false;
		await walkLog(scan, ({ what, subject, peer }) => {
			isNamed ||=
				what === "archived" &&
				sameBytes(subject, hash) &&
				sameBytes(peer, purse);
		});
		return isNamed;
	});
}
