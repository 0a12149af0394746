/*
 * The disk of a machine that may lose its power: what its processes need so that `disk.c` notes
 * what they change, and what becomes of what was not synced when the power goes.
 */
import { execFile } from "node:child_process";
import {
	closeSync,
	ftruncateSync,
	linkSync,
	lstatSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	unlinkSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Change, type Naming, unsyncedIn } from "./journal.ts";

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL("disk.c", import.meta.url));

/** What a disk writes at once, or not at all, in bytes. */
const SECTOR = 512;

/** What becomes of what was not synced: all of it is lost or kept, what came first is kept, or any sectors. */
const FATES = ["lost", "kept", "first", "torn"] as const;
export type Fate = (typeof FATES)[number];

/** Throws of dice with so many sides, from 0 on. */
type Roll = (sides: number) => number;

/** What a power cut did. */
export interface Cut {
	readonly fate: Fate;
	/** Changes of files that were not synced, and how many of them were lost, at least in part. */
	readonly changes: number;
	readonly lost: number;
	/** The same of names. */
	readonly namings: number;
	readonly namesLost: number;
	/** Syncs since the power came back. */
	readonly syncs: number;
}

/** Compiles the library, in that folder; `undefined` where there is no compiler. */
export async function compileDisk(folder: string): Promise<string | undefined> {
	const library = join(folder, "disk.so");
	try {
		await run("cc", ["-O2", "-shared", "-fPIC", "-o", library, SOURCE]);
		return library;
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw thrown;
	}
}

export class Disk {
	readonly #library: string;
	readonly #folder: string;
	readonly #notes: string;
	readonly #lies: boolean;

	/** `folder` is what is on the disk, by its real path, and `notes` a folder beside it, on the same disk. One that lies syncs nothing. */
	constructor(library: string, folder: string, notes: string, lies = false) {
		this.#library = library;
		this.#folder = folder;
		this.#notes = notes;
		this.#lies = lies;
		mkdirSync(notes, { recursive: true });
		this.#begin();
	}

	/** What each process of the machine needs in its environment. */
	get env(): Record<string, string> {
		return {
			LD_PRELOAD: this.#library,
			CRASH_DISK_FOLDER: this.#folder,
			CRASH_DISK_JOURNAL: this.#notes,
			CRASH_DISK_LIES: this.#lies ? "sync" : "",
			// What the kernel does by itself is not seen.
			UV_USE_IO_URING: "0",
		};
	}

	/** In bytes. */
	get noted(): number {
		return Number(readFileSync(join(this.#notes, "length")).readBigUInt64LE());
	}

	/** Once no process of the machine is left: what is not synced meets its fate, which the dice decide, and whatever is left is durable. */
	cut(roll: Roll): Cut {
		const journal = readFileSync(join(this.#notes, "journal"));
		const { changes, namings, syncs } = unsyncedIn(
			journal.subarray(0, this.noted),
		);
		const fate = FATES[roll(FATES.length)] ?? "torn";
		const namesLost = this.#cutNames(namings, roll);
		const lost = this.#cutFiles(changes, fate, roll);
		this.#begin();
		return {
			...{ fate, lost, namesLost, syncs },
			changes: changes.length,
			namings: namings.length,
		};
	}

	#begin(): void {
		for (const [name, bytes] of Object.entries({ journal: 0, length: 8 }))
			writeFileSync(join(this.#notes, name), Buffer.alloc(bytes));
		writeFileSync(join(this.#notes, "lock"), "");
		rmSync(this.#kept, { recursive: true, force: true });
		mkdirSync(this.#kept);
	}

	get #kept(): string {
		return join(this.#notes, "kept");
	}

	/** Of each folder, what happened to its names from some moment on is lost. */
	#cutNames(namings: readonly Naming[], roll: Roll): number {
		const left = new Map<bigint, number>();
		for (const { parents } of namings)
			for (const parent of parents)
				left.set(parent, (left.get(parent) ?? 0) + 1);
		for (const [parent, count] of left) {
			const fate = FATES[roll(3)];
			if (fate === "kept") left.set(parent, 0);
			else if (fate === "first") left.set(parent, roll(count + 1));
		}
		let lost = 0;
		for (const naming of namings.toReversed()) {
			const { parents } = naming;
			const isLost =
				parents.every((parent) => (left.get(parent) ?? 0) > 0) &&
				this.#takeBack(naming);
			if (isLost) lost++;
			// What came before something that stays, stays.
			for (const parent of parents)
				left.set(parent, isLost ? (left.get(parent) ?? 0) - 1 : 0);
		}
		return lost;
	}

	/** Whether it could be taken back: what something else hangs on stays. */
	#takeBack({ kind, inode, path, to, kept }: Naming): boolean {
		const isThere = (at: string) => inodeOf(at) === inode;
		switch (kind) {
			case "create":
			case "link":
			case "symlink":
				if (!isThere(path)) return false;
				unlinkSync(path);
				return true;
			case "rename":
				if (!isThere(to) || inodeOf(path) !== undefined) return false;
				renameSync(to, path);
				if (kept !== 0n) linkSync(join(this.#kept, `${kept}`), to);
				return true;
			case "remove":
				if (kept === 0n || inodeOf(path) !== undefined) return false;
				linkSync(join(this.#kept, `${kept}`), path);
				return true;
			case "make-folder":
				if (!isThere(path)) return false;
				// With all that is in it, however durable: nothing leads there.
				renameSync(path, join(this.#kept, `folder-${inode}`));
				return true;
			case "remove-folder":
				if (inodeOf(path) !== undefined) return false;
				mkdirSync(path, { mode: 0o700 });
				return true;
		}
	}

	#cutFiles(changes: readonly Change[], fate: Fate, roll: Roll): number {
		if (fate === "kept") return 0;
		const paths = filesBelow(this.#folder);
		const files = Map.groupBy(changes, ({ inode }) => inode);
		// Of all files together, in the order of time.
		const firstLost = fate === "first" ? roll(changes.length + 1) : 0;
		const numbers = new Map(changes.map((change, at) => [change, at]));
		let lost = 0;
		for (const [inode, made] of files) {
			const path = paths.get(inode);
			if (path === undefined) continue;
			const now = new Content(readFileSync(path));
			const durable = now.copy();
			for (const change of made.toReversed()) durable.takeBack(change);
			requireNoted(path, now, durable, made);
			for (const change of made) {
				const isFirst = (numbers.get(change) ?? 0) < firstLost;
				if (fate === "torn") {
					if (durable.tear(change, roll)) lost++;
				} else if (fate === "first" && isFirst) durable.make(change);
				else lost++;
			}
			durable.writeTo(path);
		}
		return lost;
	}
}

function inodeOf(path: string): bigint | undefined {
	try {
		return lstatSync(path, { bigint: true }).ino;
	} catch {
		return undefined;
	}
}

function filesBelow(folder: string): ReadonlyMap<bigint, string> {
	const found = new Map<bigint, string>();
	for (const entry of readdirSync(folder, {
		recursive: true,
		withFileTypes: true,
	})) {
		if (!entry.isFile()) continue;
		const path = join(entry.parentPath, entry.name);
		const inode = inodeOf(path);
		if (inode !== undefined) found.set(inode, path);
	}
	return found;
}

/** Throws unless what was noted is all that was changed: a disk that misses something would let loss pass. */
function requireNoted(
	path: string,
	now: Content,
	durable: Content,
	made: readonly Change[],
): void {
	if (made.some(({ isSure }) => !isSure)) return;
	const again = durable.copy();
	for (const change of made) again.make(change);
	if (!again.equals(now))
		throw new Error(`${path} was changed in a way that the disk did not note`);
}

/** What is in a file. */
class Content {
	#bytes: Buffer;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
	}

	copy(): Content {
		return new Content(Buffer.from(this.#bytes));
	}

	equals(other: Content): boolean {
		return this.#bytes.equals(other.#bytes);
	}

	takeBack({ at, before, oldLength }: Change): void {
		this.#put(at, before);
		this.#cutTo(oldLength);
	}

	make(change: Change): void {
		if (change.kind === "write") this.#put(change.at, change.bytes);
		else this.#cutTo(change.at);
	}

	/** Makes a part of it; whether anything is missing. */
	tear(change: Change, roll: Roll): boolean {
		if (change.kind === "truncate") {
			const isLost = roll(2) === 0;
			if (!isLost) this.make(change);
			return isLost;
		}
		const { at, bytes } = change;
		let isWhole = true;
		for (let from = 0; from < bytes.length; ) {
			const to = Math.min(bytes.length, from + SECTOR - ((at + from) % SECTOR));
			if (roll(2) === 0) isWhole = false;
			else this.#put(at + from, bytes.subarray(from, to));
			from = to;
		}
		return !isWhole;
	}

	/** Into the same file, which keeps its inode. */
	writeTo(path: string): void {
		const file = openSync(path, "r+");
		try {
			ftruncateSync(file, 0);
			for (let done = 0; done < this.#bytes.length; )
				done += writeSync(file, this.#bytes, done);
		} finally {
			closeSync(file);
		}
	}

	#put(at: number, bytes: Buffer): void {
		if (bytes.length === 0) return;
		const end = at + bytes.length;
		if (end > this.#bytes.length) this.#cutTo(end);
		bytes.copy(this.#bytes, at);
	}

	/** Shorter, or longer by zeros. */
	#cutTo(length: number): void {
		if (length <= this.#bytes.length)
			this.#bytes = this.#bytes.subarray(0, length);
		else
			this.#bytes = Buffer.concat([
				this.#bytes,
				Buffer.alloc(length - this.#bytes.length),
			]);
	}
}
