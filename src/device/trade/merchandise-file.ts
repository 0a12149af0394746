import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { join } from "node:path";
import { TetradError } from "../../errors.ts";
import { CHUNK_BYTES } from "../../trade/documents/index.ts";
import { copy } from "../../wire/index.ts";
import { reason } from "../home/index.ts";

/** What is sold, as it can be read more than once, at any place and never as a whole. */
export interface MerchandiseSource extends AsyncDisposable {
	/** In bytes. */
	readonly length: number;
	/** The bytes from `at` on. Rejects with `merchandise-changed` when they are not there any more, and with the last ones when the source is not what it was when it was opened. */
	read(at: number, length: number): Promise<Uint8Array>;
}

/** Bytes that are in memory already. */
export class MerchandiseBytes implements MerchandiseSource {
	readonly #bytes: Uint8Array;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	get length(): number {
		return this.#bytes.length;
	}

	async read(at: number, length: number): Promise<Uint8Array> {
		return copy(this.#bytes.subarray(at, at + length));
	}

	async [Symbol.asyncDispose](): Promise<void> {}
}

/** One file of a folder, opened for one sale; of one that is a single chunk the second pass gets what the first one read. A change of its length or its times is noticed with its last bytes; one that leaves both as they were is found by the hashes of the sale. */
export class MerchandiseFile implements MerchandiseSource {
	readonly #file: FileHandle;
	readonly #name: string;
	readonly #was: BigIntStats;
	/** All of a file that is one chunk, once that was read: for the second pass over it. */
	#whole: Uint8Array | undefined;

	private constructor(file: FileHandle, name: string, was: BigIntStats) {
		this.#file = file;
		this.#name = name;
		this.#was = was;
	}

	/** Throws `file-unusable`, with why, for what `requireSellable` refuses. */
	static async open(folder: string, path: string): Promise<MerchandiseFile> {
		const file = await openAt(await pathOfFile(folder, path), path);
		try {
			return new MerchandiseFile(file, path, await file.stat({ bigint: true }));
		} catch (thrown) {
			await file.close();
			throw unsellable(path, reason(thrown), thrown);
		}
	}

	get length(): number {
		return Number(this.#was.size);
	}

	async read(at: number, length: number): Promise<Uint8Array> {
		const wanted = Math.max(0, Math.min(length, this.length - at));
		const known = this.#takeWhole(wanted);
		const bytes = known ?? new Uint8Array(wanted);
		let here = known?.length ?? 0;
		try {
			while (here < wanted) {
				const { bytesRead } = await this.#file.read(
					bytes,
					here,
					wanted - here,
					at + here,
				);
				if (bytesRead === 0) throw this.#changed();
				here += bytesRead;
			}
			// Once in each pass over the file; what changed before has changed then, too.
			if (at + wanted === this.length) await this.#requireSame();
		} catch (thrown) {
			if (thrown instanceof TetradError) throw thrown;
			throw unsellable(this.#name, reason(thrown), thrown);
		}
		// Whoever gets them may give their memory back.
		const isWhole = wanted === this.length && wanted <= CHUNK_BYTES;
		if (known === undefined && isWhole) this.#whole = copy(bytes);
		return bytes;
	}

	#takeWhole(wanted: number): Uint8Array | undefined {
		if (wanted !== this.#whole?.length) return undefined;
		const whole = this.#whole;
		this.#whole = undefined;
		return whole;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#file.close();
	}

	async #requireSame(): Promise<void> {
		const is = await this.#file.stat({ bigint: true });
		if (!isSame(is, this.#was)) throw this.#changed();
	}

	#changed(): TetradError {
		return new TetradError(
			"merchandise-changed",
			`"${this.#name}" was changed while it was read`,
		);
	}
}

/**
 * Resolves for a file that may be sold: one below the folder that can be read, whose path has no
 * hidden name, no link and no way out of the folder. Throws `file-unusable` with what is wrong.
 */
export async function requireSellable(
	folder: string,
	path: string,
): Promise<void> {
	const file = await openAt(await pathOfFile(folder, path), path);
	await file.close();
}

/** Of one that may be sold as far as its path says. */
async function pathOfFile(folder: string, path: string): Promise<string> {
	const parts = path.split("/");
	if (path.includes("\0") || parts.some((part) => /^\.{0,2}$/.test(part)))
		throw unsellable(path, "it names no file below the folder that is sold");
	if (parts.some((part) => part.startsWith(".")))
		throw unsellable(path, "what begins with a dot is hidden, and not sold");
	let info: Awaited<ReturnType<typeof lstat>> | undefined;
	let at = folder;
	for (const part of parts) {
		if (info !== undefined && !info.isDirectory())
			throw unsellable(path, "a part of its path is not a folder");
		at = join(at, part);
		info = await lstat(at).catch((thrown: unknown) => {
			throw unsellable(path, reason(thrown), thrown);
		});
		if (info.isSymbolicLink())
			throw unsellable(
				path,
				"a link may lead out of the folder; copy what it leads to",
			);
	}
	if (!info?.isFile()) throw unsellable(path, "it is not a file");
	return at;
}

async function openAt(at: string, path: string): Promise<FileHandle> {
	try {
		// Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
		return await open(
			at,
			constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
		);
	} catch (thrown) {
		throw unsellable(path, reason(thrown), thrown);
	}
}

/** Reading changes the time of the last access, and nothing else. */
function isSame(is: BigIntStats, was: BigIntStats): boolean {
	return (
		is.size === was.size &&
		is.mtimeNs === was.mtimeNs &&
		is.ctimeNs === was.ctimeNs
	);
}

function unsellable(path: string, why: string, cause?: unknown): TetradError {
	return new TetradError("file-unusable", `cannot sell "${path}": ${why}`, {
		cause,
	});
}
