/* What `disk.c` has noted of a machine's disk since its power came back. */

/** A change of what is in a file. */
export type Change =
	| {
			readonly kind: "write";
			readonly inode: bigint;
			readonly at: number;
			readonly oldLength: number;
			readonly before: Buffer;
			readonly bytes: Buffer;
			/** Whether it was made: the process may have been killed at it. */
			readonly isSure: boolean;
	  }
	| {
			readonly kind: "truncate";
			readonly inode: bigint;
			/** The new length. */
			readonly at: number;
			readonly oldLength: number;
			readonly before: Buffer;
			readonly isSure: boolean;
	  };

/** A change of which names there are. */
export interface Naming {
	readonly kind:
		| "create"
		| "link"
		| "rename"
		| "remove"
		| "make-folder"
		| "remove-folder"
		| "symlink";
	readonly inode: bigint;
	readonly path: string;
	/** Of what is renamed. */
	readonly to: string;
	/** Under which number what was taken away is kept; 0 where nothing was. */
	readonly kept: bigint;
	/** Folders, one or two of them, that have to be synced until it is durable. */
	readonly parents: readonly bigint[];
}

/** What is not durable, each in the order in which it happened. */
export interface Unsynced {
	readonly changes: readonly Change[];
	readonly namings: readonly Naming[];
	/** Syncs that were asked for, of files and of folders. */
	readonly syncs: number;
}

const HEADER_BYTES = 64;

const KINDS = [
	"none",
	"write",
	"truncate",
	"sync",
	"sync-folder",
	"create",
	"link",
	"rename",
	"remove",
	"make-folder",
	"remove-folder",
	"symlink",
	"done",
] as const;

interface Entry {
	readonly kind: (typeof KINDS)[number];
	readonly inode: bigint;
	readonly at: number;
	readonly oldLength: number;
	readonly kept: bigint;
	readonly parents: readonly bigint[];
	readonly first: Buffer;
	readonly second: Buffer;
}

function* entriesIn(journal: Buffer): Iterable<Entry> {
	for (let offset = 0; offset < journal.length; ) {
		const size = journal.readUInt32LE(offset);
		const kind = KINDS[journal.readUInt32LE(offset + 4)];
		if (kind === undefined || size < HEADER_BYTES)
			throw new Error("the journal of the disk cannot be read");
		const parents = [40, 48].map((at) => journal.readBigUInt64LE(offset + at));
		const first = journal.readUInt32LE(offset + 56);
		const from = offset + HEADER_BYTES;
		yield {
			kind,
			inode: journal.readBigUInt64LE(offset + 8),
			at: Number(journal.readBigInt64LE(offset + 16)),
			oldLength: Number(journal.readBigInt64LE(offset + 24)),
			kept: journal.readBigUInt64LE(offset + 32),
			parents: parents.filter((parent) => parent !== 0n),
			first: journal.subarray(from, from + first),
			second: journal.subarray(from + first, offset + size),
		};
		offset += size;
	}
}

/** `undefined` of what was not made. */
function changeOf(
	{ kind, inode, at, oldLength, first, second }: Entry,
	answer: number | undefined,
): Change | undefined {
	if (answer !== undefined && answer < 0) return undefined;
	const isSure = answer !== undefined;
	const common = { inode, at, oldLength, before: first, isSure };
	if (kind === "truncate") return { kind, ...common };
	if (kind !== "write") return undefined;
	// Of a write that came short, what is left is written again by its caller.
	return { kind, ...common, bytes: second.subarray(0, answer) };
}

function namingOf(
	{ kind, inode, kept, parents, first, second }: Entry,
	answer: number | undefined,
): Naming | undefined {
	if (answer !== undefined && answer < 0) return undefined;
	switch (kind) {
		case "create":
		case "link":
		case "rename":
		case "remove":
		case "make-folder":
		case "remove-folder":
		case "symlink": {
			const [path, to] = [first.toString(), second.toString()];
			return { kind, inode, path, to, kept, parents: [...new Set(parents)] };
		}
		default:
			return undefined;
	}
}

export function unsyncedIn(journal: Buffer): Unsynced {
	const changes = new Set<Change>();
	const byFile = new Map<bigint, Change[]>();
	const namings = new Map<Naming, Set<bigint>>();
	let syncs = 0;
	const entries = [...entriesIn(journal)];
	for (const [number, entry] of entries.entries()) {
		const next = entries[number + 1];
		const answer = next?.kind === "done" ? next.at : undefined;
		if (entry.kind === "sync") {
			syncs++;
			for (const change of byFile.get(entry.inode) ?? [])
				changes.delete(change);
			byFile.delete(entry.inode);
		} else if (entry.kind === "sync-folder") {
			syncs++;
			for (const [naming, parents] of namings)
				if (parents.delete(entry.inode) && parents.size === 0)
					namings.delete(naming);
		}
		const change = changeOf(entry, answer);
		if (change !== undefined) {
			changes.add(change);
			const others = byFile.get(change.inode);
			if (others === undefined) byFile.set(change.inode, [change]);
			else others.push(change);
		}
		const naming = namingOf(entry, answer);
		if (naming !== undefined) namings.set(naming, new Set(naming.parents));
	}
	return { changes: [...changes], namings: [...namings.keys()], syncs };
}
