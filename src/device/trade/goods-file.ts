import { constants } from "node:fs";
import {
	type FileHandle,
	link,
	lstat,
	open,
	rename,
	stat,
	statfs,
	unlink,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { HASH_BYTES, nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import {
	CHUNK_BYTES,
	MAX_SEALED_CHUNK_BYTES,
	SEALING_BYTES,
} from "../../trade/documents/index.ts";
import {
	chunkCount,
	chunkLength,
	type SealedChunk,
} from "../../trade/merchandise/index.ts";
import { copy, hex, utf8, utf8Within } from "../../wire/index.ts";
import { isThere, reason } from "../home/index.ts";

/*
 * Merchandise on its buyer's disk, beside the file that it shall become:
 *
 *   .NAME.tetrad-part   sealed, as it came: for each chunk its leaf and the chunk, so that all but
 *                       the last take equally much room
 *   .NAME.tetrad-new    what was opened so far
 *   NAME                appears when all of it was opened and verified, and is durable
 *
 * Where NAME is very long, its beginning and a hash stand for it before an end.
 *
 * All are for their owner only. A file that was there is not written over unless that was asked
 * for; when one has appeared meanwhile, the goods get the next free name.
 */

/** What one chunk takes in the part. */
const RECORD_BYTES: number = HASH_BYTES + MAX_SEALED_CHUNK_BYTES;

/** What may stand before the ends of our names, in bytes; file systems take 255. */
const MAX_STEM_BYTES = 200;

/** Digits of the hash of a name that is longer, by which it is told from others with the same beginning. */
const MARK_DIGITS = 32;

/** How many names are tried when files have appeared. */
const MAX_NAMES = 1000;

/** Where goods go. */
export interface GoodsTarget {
	readonly path: string;
	/** Whether a file that is there is written over; not so unless given. */
	readonly overwrite?: boolean;
	/** How long goods that are bought anew may be, in bytes. */
	readonly maxBytes?: number | undefined;
}

/** A target of goods that are begun. */
export interface NewGoodsTarget extends GoodsTarget {
	/** Whether it is begun although a file is there: the goods get the next free name then. */
	readonly mayBeThere?: boolean;
}

/** Goods as they come, sealed, and as they are opened, wherever they are kept. What is asked is done in order. */
export interface KeptGoods extends AsyncDisposable {
	/** Throws `file-unusable` unless there is room for goods of so many bytes, sealed and opened. */
	requireRoom(length: bigint): Promise<void>;
	/** Keeps one chunk, in the place of what was there. */
	put(chunk: SealedChunk): Promise<void>;
	/** Resolves when the first `count` chunks are durable, and nothing behind them. */
	seal(count: number): Promise<void>;
	/** What is there, chunk by chunk; each is lent until the next is asked for. */
	chunks(): AsyncIterable<SealedChunk>;
	/** How many whole chunks there are of goods of so many bytes. */
	count(length: bigint): Promise<number>;
	/** One chunk, if it is there. */
	chunk(index: number): Promise<SealedChunk | undefined>;
	/** Shows what was opened, a piece of which is used up when the next is asked for, under its name, once `opened` has come to its end. Resolves with that name; what `opened` throws is thrown, and nothing is shown. */
	reveal(opened: AsyncIterable<Uint8Array>): Promise<string>;
}

/** Where a buyer's agent keeps goods. */
export interface GoodsKeeper {
	/** The name under which goods for that path are found again. */
	nameOf(path: string): string;
	/** Throws `file-unusable`, for a target that is there, too. */
	begin(target: NewGoodsTarget): Promise<KeptGoods>;
	/** Goes on with what was begun. Throws `file-unusable` when it is gone. */
	resume(target: GoodsTarget): Promise<KeptGoods>;
	/** Leaves nothing of what was sealed for that target. */
	discard(path: string): Promise<void>;
}

/** Where the ciphertext of goods for that file is. */
export function partOf(target: string): string {
	return beside(target, "part");
}

/** Leaves nothing of what was sealed for that file; what was shown stays. Throws `file-unusable`. */
export async function discardGoods(target: string): Promise<void> {
	try {
		await removeIfThere(beside(target, "new"));
		await removeIfThere(partOf(target));
	} catch (thrown) {
		throw unusable(target, thrown);
	}
}

/** Goods as they come, sealed, and as they are opened. What is asked is done in order. */
export class GoodsFile implements KeptGoods {
	readonly #target: string;
	readonly #overwrite: boolean;
	readonly #part: FileHandle;
	/** How long the part is at most, if that is known without asking. */
	#end: number;
	/** Goods of one chunk as they came, until they are opened: they need not be read again. */
	#only: SealedChunk | undefined;

	private constructor(
		target: string,
		overwrite: boolean,
		part: FileHandle,
		end: number,
	) {
		this.#target = target;
		this.#overwrite = overwrite;
		this.#part = part;
		this.#end = end;
	}

	/**
	 * Begins to take goods. A part that is there is left of something that was given up, and goes:
	 * the caller has made sure of that. Throws `file-unusable` for a target that is there, or
	 * that could not be written.
	 */
	static async begin({
		path,
		overwrite = false,
		mayBeThere = false,
	}: NewGoodsTarget): Promise<GoodsFile> {
		const target = resolve(path);
		if (!mayBeThere) await requireFree(target, overwrite);
		try {
			const part = await openNew(partOf(target), "wx+");
			return new GoodsFile(target, overwrite, part, 0);
		} catch (thrown) {
			if (hasCode(thrown, "ENOENT")) await requireFolderOf(target);
			throw unusable(target, thrown);
		}
	}

	/** Goes on with a part that is there, from its first chunk on. Throws `file-unusable` when it is gone. */
	static async resume({
		path,
		overwrite = false,
	}: GoodsTarget): Promise<GoodsFile> {
		const target = resolve(path);
		try {
			const flags = constants.O_RDWR | constants.O_NOFOLLOW;
			return new GoodsFile(
				target,
				overwrite,
				await open(partOf(target), flags),
				Number.POSITIVE_INFINITY,
			);
		} catch (thrown) {
			throw unusable(target, thrown);
		}
	}

	/** Throws `file-unusable` unless there is room for goods of so many bytes, sealed and opened. */
	async requireRoom(length: bigint): Promise<void> {
		const chunks = length / BigInt(CHUNK_BYTES) + 1n;
		const needed = 2n * length + chunks * BigInt(HASH_BYTES + SEALING_BYTES);
		const { bavail, bsize } = await statfs(dirname(this.#target), {
			bigint: true,
		}).catch((thrown: unknown) => {
			throw unusable(this.#target, thrown);
		});
		if (bavail * bsize < needed)
			throw new TetradError(
				"file-unusable",
				`there is no room for ${this.#target}: it needs ${needed} bytes while it is opened, and ${bavail * bsize} are free`,
			);
	}

	/** Keeps one chunk, in the place of what was there. */
	async put({ index, leaf, sealed }: SealedChunk): Promise<void> {
		const at = index * RECORD_BYTES;
		this.#end = Math.max(this.#end, at + leaf.length + sealed.length);
		// Only the last one is shorter than others. The caller gives its memory back.
		const isOnly = index === 0 && sealed.length < MAX_SEALED_CHUNK_BYTES;
		this.#only = isOnly
			? { index, leaf: copy(leaf), sealed: copy(sealed) }
			: undefined;
		await this.#do(() => writeAll(this.#part, [leaf, sealed], at));
	}

	/** Resolves when the first `count` chunks are on the disk, and nothing behind them. */
	async seal(count: number): Promise<void> {
		await this.#do(async () => {
			const most = count * RECORD_BYTES;
			if (this.#end > most && (await this.#part.stat()).size > most)
				await this.#part.truncate(most);
			// Neither relies on the other: nothing is said of a part before both are there.
			await Promise.all([this.#part.sync(), syncFolder(this.#target)]);
		});
	}

	/** What is there, chunk by chunk, each lent until the next is asked for; what a crash has cut off is left out when it is shorter than any chunk. */
	async *chunks(): AsyncIterable<SealedChunk> {
		const only = this.#only;
		this.#only = undefined;
		if (only !== undefined) {
			yield only;
			return;
		}
		const record = new Uint8Array(RECORD_BYTES);
		for (let index = 0; ; index++) {
			const chunk = await this.#read(index, record);
			if (chunk === undefined) return;
			yield chunk;
			// Only the last one is shorter than others.
			if (chunk.sealed.length < MAX_SEALED_CHUNK_BYTES) return;
		}
	}

	/** How many whole chunks there are of goods of so many bytes, by how long the part is. */
	async count(length: bigint): Promise<number> {
		const { size } = await this.#do(() => this.#part.stat());
		const index = Math.floor(size / RECORD_BYTES);
		const rest = chunkLength(length, index);
		// Of all chunks the last one alone may be shorter.
		const isLastWhole =
			rest !== undefined &&
			size - index * RECORD_BYTES >= HASH_BYTES + SEALING_BYTES + rest;
		return isLastWhole ? index + 1 : Math.min(index, chunkCount(length));
	}

	/** One chunk, if it is there. */
	async chunk(index: number): Promise<SealedChunk | undefined> {
		return this.#read(index, new Uint8Array(RECORD_BYTES));
	}

	async #read(
		index: number,
		record: Uint8Array,
	): Promise<SealedChunk | undefined> {
		const length = await this.#do(() =>
			readAll(this.#part, record, index * RECORD_BYTES),
		);
		if (length < HASH_BYTES + SEALING_BYTES) return undefined;
		return {
			index,
			leaf: record.subarray(0, HASH_BYTES),
			sealed: record.subarray(HASH_BYTES, length),
		};
	}

	/**
	 * Writes opened chunks, and shows them under the final name once `opened` has come to its end,
	 * which says that they are whole and verified, and they are durable. Resolves with that name.
	 * What `opened` throws is thrown, and nothing is shown. Done again, it is the same file.
	 */
	async reveal(opened: AsyncIterable<Uint8Array>): Promise<string> {
		const draft = beside(this.#target, "new");
		const begun = await this.#do(() => openUnlessThere(draft, "wx"));
		// A draft that is there may be shown already.
		const shown = begun === undefined ? await this.#revealed(draft) : undefined;
		if (shown !== undefined) return shown;
		const file = begun ?? (await this.#do(() => openNew(draft, "wx")));
		try {
			let at = 0;
			for await (const chunk of opened) {
				await this.#do(() => writeAll(file, [chunk], at));
				at += chunk.length;
			}
			await this.#do(() => file.sync());
		} catch (thrown) {
			await file.close();
			await removeIfThere(draft);
			throw thrown;
		}
		return this.#do(async () => {
			const [path] = await Promise.all([this.#show(draft), file.close()]);
			await syncFolder(this.#target);
			return path;
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#part.close();
	}

	/** A crash between showing the goods and forgetting the draft leaves one file under two names. */
	async #revealed(draft: string): Promise<string | undefined> {
		const was = await lstat(draft, { bigint: true }).catch(() => undefined);
		if (was === undefined || was.nlink < 2n) return undefined;
		for (const name of names(this.#target)) {
			const is = await lstat(name, { bigint: true }).catch(() => undefined);
			if (is === undefined) return undefined;
			if (is.ino === was.ino && is.dev === was.dev) return name;
		}
		return undefined;
	}

	async #show(draft: string): Promise<string> {
		if (this.#overwrite) {
			await rename(draft, this.#target);
			return this.#target;
		}
		for (const name of names(this.#target))
			try {
				await link(draft, name);
				return name;
			} catch (thrown) {
				const { code } = thrown as NodeJS.ErrnoException;
				if (code === "EEXIST") continue;
				// Some file systems know no second name of a file.
				if (code !== "EPERM" && code !== "ENOTSUP") throw thrown;
				if (await isThere(name)) continue;
				await rename(draft, name);
				return name;
			}
		throw new TetradError(
			"file-unusable",
			`there are ${MAX_NAMES} files named ${this.#target}`,
		);
	}

	async #do<Value>(work: () => Promise<Value>): Promise<Value> {
		try {
			return await work();
		} catch (thrown) {
			throw unusable(this.#target, thrown);
		}
	}
}

/** Goods in files. */
export const goodsFiles: GoodsKeeper = {
	nameOf: (path) => resolve(path),
	begin: (target) => GoodsFile.begin(target),
	resume: (target) => GoodsFile.resume(target),
	discard: discardGoods,
};

/** NAME, NAME (2), NAME (3) and so on. */
function* names(target: string): Iterable<string> {
	yield target;
	for (let i = 2; i <= MAX_NAMES; i++) yield `${target} (${i})`;
}

function beside(target: string, end: "part" | "new"): string {
	const path = resolve(target);
	return join(dirname(path), `.${stemOf(basename(path))}.tetrad-${end}`);
}

/** Of a name that is too long for that the beginning, and what no other name has. */
function stemOf(name: string): string {
	const bytes = utf8(name);
	if (bytes.length <= MAX_STEM_BYTES) return name;
	const mark = hex(nodeCrypto.sha256(bytes)).slice(0, MARK_DIGITS);
	const beginning = utf8Within(name, MAX_STEM_BYTES - MARK_DIGITS - 1);
	return `${new TextDecoder().decode(beginning)}-${mark}`;
}

/** Throws `file-unusable` for a target that is there and not to be written over, and for one in no folder. */
export async function requireTarget({
	path,
	overwrite = false,
}: GoodsTarget): Promise<void> {
	const target = resolve(path);
	if (!(await requireFree(target, overwrite))) await requireFolderOf(target);
}

async function requireFolderOf(target: string): Promise<void> {
	const folder = dirname(target);
	const isFolder = await stat(folder).then(
		(found) => found.isDirectory(),
		() => false,
	);
	if (isFolder) return;
	throw new TetradError(
		"file-unusable",
		`cannot write ${target}: there is no folder ${folder}`,
	);
}

/** Answers whether a file is there, which is to be written over. */
async function requireFree(
	target: string,
	overwrite: boolean,
): Promise<boolean> {
	const info = await lstat(target).catch(() => undefined);
	if (info === undefined) return false;
	if (overwrite && info.isFile()) return true;
	throw new TetradError(
		"file-unusable",
		info.isFile() && !overwrite
			? `${target} exists already; choose another name, or write over it with --overwrite`
			: `${target} is not a file, and is not written over; choose another name`,
	);
}

async function writeAll(
	file: FileHandle,
	pieces: readonly Uint8Array[],
	from: number,
): Promise<void> {
	let left = pieces.filter((piece) => piece.length > 0);
	let at = from;
	while (left.length > 0) {
		const { bytesWritten } = await file.writev(left, at);
		at += bytesWritten;
		left = behind(left, bytesWritten);
	}
}

/** What is left of the pieces behind so many bytes of them. */
function behind(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
	const left: Uint8Array[] = [];
	let skipped = count;
	for (const piece of pieces) {
		if (piece.length > skipped) left.push(piece.subarray(skipped));
		skipped = Math.max(0, skipped - piece.length);
	}
	return left;
}

/** How many bytes there were, up to as many as fit. */
async function readAll(
	file: FileHandle,
	into: Uint8Array,
	from: number,
): Promise<number> {
	let at = 0;
	while (at < into.length) {
		const { bytesRead } = await file.read(
			into,
			at,
			into.length - at,
			from + at,
		);
		if (bytesRead === 0) break;
		at += bytesRead;
	}
	return at;
}

/** A new file for its owner only, in the place of one that is there. */
async function openNew(path: string, flags: "wx" | "wx+"): Promise<FileHandle> {
	const file = await openUnlessThere(path, flags);
	if (file !== undefined) return file;
	await removeIfThere(path);
	return open(path, flags, 0o600);
}

async function openUnlessThere(
	path: string,
	flags: "wx" | "wx+",
): Promise<FileHandle | undefined> {
	try {
		return await open(path, flags, 0o600);
	} catch (thrown) {
		if (!hasCode(thrown, "EEXIST")) throw thrown;
		return undefined;
	}
}

function hasCode(thrown: unknown, code: string): boolean {
	return (thrown as NodeJS.ErrnoException).code === code;
}

/** One call where `rm` makes two, of which the first asks what there is. */
async function removeIfThere(path: string): Promise<void> {
	try {
		await unlink(path);
	} catch (thrown) {
		if (!hasCode(thrown, "ENOENT")) throw thrown;
	}
}

async function syncFolder(target: string): Promise<void> {
	const folder = await open(dirname(target), constants.O_RDONLY);
	try {
		await folder.sync();
	} finally {
		// What was only read has nothing to say when it is closed, and nobody waits for that.
		folder.close().catch(() => {});
	}
}

function unusable(target: string, thrown: unknown): TetradError {
	if (thrown instanceof TetradError) return asTetradError(thrown);
	return new TetradError(
		"file-unusable",
		`cannot write ${target}: ${reason(thrown)}`,
		{ cause: thrown },
	);
}
