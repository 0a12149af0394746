import {
	closeSync,
	constants,
	fstatSync,
	openSync,
	readdirSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** How large a log gets before it goes on in a new file, in bytes, and how many full ones are kept. */
export interface LogLimits {
	readonly bytes: number;
	readonly keep: number;
}

/** 10 MB, and five full files beside it. */
export const LOG_LIMITS: LogLimits = { bytes: 10_000_000, keep: 5 };

/** The least that a log may be limited to, in bytes. */
export const MIN_LOG_BYTES = 1000;

/** The most, in bytes. */
export const MAX_LOG_BYTES = 10_000_000_000;

/** How many full files may be kept at most. */
export const MAX_LOG_FILES = 1000;

export interface LogFileOptions {
	readonly limits?: LogLimits;
	/** Hears, in a sentence and once until it is well again, that nothing can be written or moved. */
	readonly trouble: (what: string) => void;
}

/**
 * A log of JSON lines that never ends what it tells of: with a full disk under it a device goes on,
 * and this says so once. A full file is put aside under a number that only grows, `log.7.jsonl`
 * for `log.jsonl`; it ends with a line that names where the log goes on, and the next begins
 * with one that names where it was before.
 */
export class LogFile implements Disposable {
	readonly #path: string;
	readonly #limits: LogLimits;
	readonly #trouble: (what: string) => void;
	#file: OpenFile;
	/** Whether the last line is whole. */
	#isWritten = true;
	/** Up to this size nothing is put aside: it grows when that has failed. */
	#until: number;

	/** Throws what the system throws when the file cannot be opened. */
	constructor(path: string, { limits = LOG_LIMITS, trouble }: LogFileOptions) {
		this.#path = path;
		this.#limits = limits;
		this.#trouble = trouble;
		this.#until = limits.bytes;
		this.#file = open(path);
	}

	/** Appends one line, which has its end of line. Never throws. */
	write(line: string): void {
		try {
			this.#follow();
			this.#makeRoom(Buffer.byteLength(line));
			this.#append(line);
			this.#isWritten = true;
		} catch (thrown) {
			if (this.#isWritten)
				this.#trouble(
					`cannot write ${this.#path}, and goes on without: ${(thrown as Error).message}`,
				);
			this.#isWritten = false;
		}
	}

	/** Nothing may be written any more. */
	[Symbol.dispose](): void {
		closeSync(this.#file.descriptor);
	}

	#append(line: string): void {
		// What a full disk cut off is a line of its own.
		const bytes = Buffer.from(this.#isWritten ? line : `\n${line}`);
		for (let at = 0; at < bytes.length; )
			at += writeSync(this.#file.descriptor, bytes, at);
		this.#file.size += bytes.length;
	}

	/** Goes on in the file that has the name now: another program may have moved, emptied or removed this one. */
	#follow(): void {
		const there = statSync(this.#path, { throwIfNoEntry: false });
		if (there?.ino === this.#file.inode && there.dev === this.#file.device)
			this.#file.size = there.size;
		else this.#reopen();
	}

	#reopen(): void {
		const next = open(this.#path);
		closeSync(this.#file.descriptor);
		this.#file = next;
		this.#until = this.#limits.bytes;
	}

	#makeRoom(bytes: number): void {
		const { isRegular, size } = this.#file;
		if (!isRegular || size === 0 || size + bytes <= this.#until) return;
		try {
			this.#putAside();
		} catch (thrown) {
			if (this.#until === this.#limits.bytes)
				this.#trouble(
					`cannot put ${this.#path} aside, and lets it grow: ${(thrown as Error).message}`,
				);
			this.#until = size + this.#limits.bytes;
		}
	}

	#putAside(): void {
		const numbers = this.#numbers();
		const number = (numbers.at(-1) ?? 0) + 1;
		const full = this.#named(number);
		this.#mark({
			event: "log-ends",
			kept: basename(full),
			continued: basename(this.#path),
			later: basename(this.#named(number + 1)),
		});
		renameSync(this.#path, full);
		this.#reopen();
		this.#mark({ event: "log-begins", continues: basename(full) });
		for (const old of [...numbers, number])
			if (old <= number - this.#limits.keep) this.#remove(this.#named(old));
	}

	#remove(path: string): void {
		try {
			rmSync(path, { force: true });
		} catch (thrown) {
			this.#trouble(`cannot remove ${path}: ${(thrown as Error).message}`);
		}
	}

	/** A line of the log about itself; without room for it the log does without. */
	#mark(what: Readonly<Record<string, string>>): void {
		const time = new Date().toISOString();
		try {
			this.#append(`${JSON.stringify({ level: 30, time, ...what })}\n`);
			this.#isWritten = true;
		} catch {
			this.#isWritten = false;
		}
	}

	/** The numbers of the files that were put aside, in order. */
	#numbers(): number[] {
		const [stem, end] = this.#parts();
		return readdirSync(dirname(this.#path))
			.filter((name) => name.startsWith(`${stem}.`) && name.endsWith(end))
			.map((name) => name.slice(stem.length + 1, name.length - end.length))
			.filter((digits) => /^[1-9]\d{0,14}$/.test(digits))
			.map(Number)
			.sort((a, b) => a - b);
	}

	#named(number: number): string {
		const [stem, end] = this.#parts();
		return join(dirname(this.#path), `${stem}.${number}${end}`);
	}

	/** `log` and `.jsonl`. */
	#parts(): readonly [string, string] {
		const name = basename(this.#path);
		const dot = name.lastIndexOf(".");
		return dot <= 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot)];
	}
}

interface OpenFile {
	readonly descriptor: number;
	readonly device: number;
	readonly inode: number;
	/** A pipe or a device has no size. */
	readonly isRegular: boolean;
	size: number;
}

function open(path: string): OpenFile {
	const { O_WRONLY, O_APPEND, O_CREAT } = constants;
	const descriptor = openSync(path, O_WRONLY | O_APPEND | O_CREAT, 0o600);
	const found = fstatSync(descriptor);
	const { dev: device, ino: inode, size } = found;
	return { descriptor, device, inode, size, isRegular: found.isFile() };
}
