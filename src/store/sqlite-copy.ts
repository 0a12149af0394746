/*
 * A copy of a store in a file beside it, made before its tables are changed. It is whole and on
 * the disk, or it is not there under its name; nothing is ever written over.
 */
import { constants } from "node:fs";
import { link, lstat, open, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { TetradError } from "../errors.ts";
import type { SqlValue } from "./checks.ts";
import type { Declared } from "./declared.ts";
import { MAX_COPIES } from "./limits.ts";
import { META } from "./meta.ts";
import { quoted } from "./sql.ts";
import { isFull, storeError } from "./sqlite-errors.ts";
import {
	makePrivateFile,
	requirePrivateFile,
	unusable,
} from "./sqlite-file.ts";

/** What is to be copied. Whoever calls keeps everybody from writing to it meanwhile. */
export interface Original {
	readonly path: string;
	readonly version: number;
	readonly declared: Declared;
	/** Opens another connection that only reads. */
	readonly open: (path: string) => DatabaseSync;
}

/**
 * Makes sure of a copy, and answers with its path: the store's with `.version-1`, or with
 * `.version-1-2` when another one has that name already, and so on. One that holds the same rows
 * is taken for it: it was left by a crash. Throws `store-full` when there is no room for it.
 */
export async function copyAside(original: Original): Promise<string> {
	const { path, version } = original;
	// A crash may have left a part of one.
	const draft = `${path}.copying`;
	await rm(draft, { force: true });
	for (let number = 1; number <= MAX_COPIES; number++) {
		const copy = `${path}.version-${version}${number === 1 ? "" : `-${number}`}`;
		if (!(await isThere(copy))) {
			await makeCopy(original, draft, copy);
			return copy;
		}
		if (await isSame(original, copy)) {
			await bringToDisk(copy);
			return copy;
		}
	}
	throw new TetradError(
		"store-failed",
		`${MAX_COPIES} copies of version ${version} are beside ${path}, and one more is needed before its tables are changed: move the oldest away`,
	);
}

async function makeCopy(
	{ path, open: openReader }: Original,
	draft: string,
	copy: string,
): Promise<void> {
	try {
		// SQLite would make it as the umask says.
		await makePrivateFile(draft);
		using reader = openReader(path);
		reader.prepare("VACUUM INTO ?").run(draft);
		{
			await using file = await open(draft, "r+");
			await file.sync();
		}
		// Fails when the name is taken.
		await link(draft, copy);
		await rm(draft);
		await syncFolder(copy);
	} catch (thrown) {
		await rm(draft, { force: true }).catch(() => {});
		const why = isFileError(thrown)
			? unusable(copy, thrown)
			: storeError(path, thrown);
		if (why.code !== "store-full" && !isFull(thrown)) throw why;
		throw new TetradError(
			"store-full",
			`there is no room for a copy of ${path} beside it, without which its tables are not changed; nothing was changed: make ${await roomFor(path)} MiB of room on its disk`,
			{ cause: thrown },
		);
	}
}

/**
 * Writes what a store holds at one moment into a new file at `copy`, also while another process
 * has it open. Throws `store-full` and `store-failed`, and leaves nothing at `copy` then.
 */
export async function snapshotInto(
	path: string,
	copy: string,
	openReader: (path: string) => DatabaseSync,
): Promise<void> {
	try {
		await makePrivateFile(copy);
		using reader = openReader(path);
		reader.prepare("VACUUM INTO ?").run(copy);
	} catch (thrown) {
		await rm(copy, { force: true }).catch(() => {});
		throw isFileError(thrown)
			? unusable(copy, thrown)
			: storeError(path, thrown);
	}
}

/** One that is there may never have reached the disk, or not under its name. */
async function bringToDisk(copy: string): Promise<void> {
	try {
		{
			await using file = await open(copy, "r+");
			await file.sync();
		}
		await syncFolder(copy);
	} catch (thrown) {
		throw unusable(copy, thrown);
	}
}

async function syncFolder(copy: string): Promise<void> {
	await using folder = await open(dirname(copy), constants.O_RDONLY);
	await folder.sync();
}

/** Megabytes that a copy may take, rounded up. */
async function roomFor(path: string): Promise<number> {
	let bytes = 0;
	for (const part of [path, `${path}-wal`])
		bytes += await stat(part).then(
			({ size }) => size,
			() => 0,
		);
	return Math.ceil(bytes / 2 ** 20);
}

/** A link that leads nowhere has its name all the same. */
async function isThere(path: string): Promise<boolean> {
	try {
		await lstat(path);
		return true;
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return false;
		throw unusable(path, thrown);
	}
}

/** Whether a file is a sound store of the same version with the same rows in all tables, and not the store itself by another name. */
async function isSame(original: Original, copy: string): Promise<boolean> {
	try {
		const [here, there] = [await stat(original.path), await lstat(copy)];
		if (!there.isFile()) return false;
		if (there.ino === here.ino && there.dev === here.dev) return false;
		await requirePrivateFile(copy, "read");
		using one = original.open(original.path);
		using other = original.open(copy);
		const [sound] = other.prepare("PRAGMA quick_check(1)").get() as unknown as [
			unknown,
		];
		return (
			sound === "ok" &&
			readsOf(original.declared).every((text) =>
				areSame(rowsOf(one, text), rowsOf(other, text)),
			)
		);
	} catch {
		return false;
	}
}

/** What reads all that a store holds. */
function readsOf({ all }: Declared): readonly string[] {
	return [
		`SELECT name, value FROM ${quoted(META)} ORDER BY name`,
		...all.map(({ name, columns, key }) => {
			const names = columns.map((column) => quoted(column.name)).join(", ");
			const order = key.map(quoted).join(", ");
			return `SELECT ${names} FROM ${quoted(name)} ORDER BY ${order}`;
		}),
	];
}

type Rows = Iterator<readonly SqlValue[]>;

function rowsOf(database: DatabaseSync, text: string): Rows {
	return database.prepare(text).iterate() as unknown as Rows;
}

function areSame(some: Rows, others: Rows): boolean {
	for (;;) {
		const [row, other] = [some.next(), others.next()];
		if (row.done === true || other.done === true)
			return row.done === other.done;
		if (!row.value.every((value, at) => isEqual(value, other.value[at])))
			return false;
	}
}

function isEqual(value: SqlValue, other: SqlValue | undefined): boolean {
	return value instanceof Uint8Array
		? other instanceof Uint8Array && Buffer.compare(value, other) === 0
		: value === other;
}

function isFileError(thrown: unknown): boolean {
	return typeof (thrown as NodeJS.ErrnoException).syscall === "string";
}
