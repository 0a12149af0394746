/*
 * Hash trees over leaves that come one after another. A node is SHA-256(0x01 ‖ left ‖ right), and
 * an odd last one of a level goes up as it is. Leaves are hashes over an `enc`, which begins with
 * 0x00, so that no leaf is a node. The root covers how many leaves there are.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { copy, enc, formOf, malformed, u32, utf8 } from "../../wire/index.ts";

const ROOT = utf8("tetrad/1 root");
const NODE = Uint8Array.of(1);

/** What leads from one leaf to the root. */
export interface TreePath {
	/** Of the leaf. */
	readonly index: number;
	/** How many leaves the tree has. */
	readonly count: number;
	/** What stands beside the way up, from below, 32 bytes each. */
	readonly hashes: readonly Uint8Array[];
}

/** A whole tree over 2^k leaves, of those that have come. */
interface Subtree {
	readonly hash: Uint8Array;
	readonly leaves: number;
	/** Whether the leaf whose path is wanted is one of them. */
	readonly isOnPath: boolean;
}

/** Makes a root, and the path of one leaf if it is wanted. It keeps one hash for each level. */
export class HashTree {
	readonly #crypto: CryptoProvider;
	readonly #wanted: number | undefined;
	readonly #path: Uint8Array[] = [];
	/** From the largest, on the left, to the smallest. No two are equally large. */
	readonly #subtrees: Subtree[] = [];
	#count = 0;

	/** `wanted` is the leaf whose path is asked for in the end. */
	constructor(crypto: CryptoProvider, wanted?: number) {
		this.#crypto = crypto;
		this.#wanted = wanted;
	}

	/** How many leaves have come. */
	get count(): number {
		return this.#count;
	}

	/** The leaf is copied: it may be a part of something larger, which nobody needs any more. */
	add(leaf: Uint8Array): void {
		let last: Subtree = {
			hash: copy(leaf),
			leaves: 1,
			isOnPath: this.#count === this.#wanted,
		};
		this.#count++;
		for (
			let left = this.#subtrees.at(-1);
			left?.leaves === last.leaves;
			left = this.#subtrees.at(-1)
		) {
			this.#subtrees.pop();
			last = this.#join(left, last);
		}
		this.#subtrees.push(last);
	}

	/** Asked for once, when all leaves are there. Throws `internal` when there are none. */
	root(): Uint8Array {
		let top = this.#subtrees.pop();
		if (top === undefined)
			throw new TetradError("internal", "a tree has at least one leaf");
		for (
			let left = this.#subtrees.pop();
			left !== undefined;
			left = this.#subtrees.pop()
		)
			top = this.#join(left, top);
		return rootOver(this.#crypto, this.#count, top.hash);
	}

	/** After `root`. Throws `internal` when no leaf had the wanted index. */
	path(): TreePath {
		const index = this.#wanted;
		if (index === undefined || index >= this.#count)
			throw new TetradError("internal", "the tree has no such leaf");
		return { index, count: this.#count, hashes: [...this.#path] };
	}

	#join(left: Subtree, right: Subtree): Subtree {
		if (left.isOnPath) this.#path.push(right.hash);
		if (right.isOnPath) this.#path.push(left.hash);
		return {
			hash: this.#crypto.sha256(NODE, left.hash, right.hash),
			leaves: left.leaves + right.leaves,
			isOnPath: left.isOnPath || right.isOnPath,
		};
	}
}

/** The root that a path leads to from `leaf`. Throws `malformed` for a path that has more or fewer hashes than its index and count ask for. */
export function rootOf(
	crypto: CryptoProvider,
	leaf: Uint8Array,
	{ index, count, hashes }: TreePath,
): Uint8Array {
	if (index >= count) throw malformed("a tree has no such leaf");
	let hash = leaf;
	let used = 0;
	let at = index;
	for (let last = count - 1; last > 0; last = Math.floor(last / 2)) {
		// The last of a level has nothing on its right.
		if (at < last || at % 2 === 1) {
			const beside = hashes[used++];
			if (beside === undefined) throw malformed("a path is too short");
			hash =
				at % 2 === 1
					? crypto.sha256(NODE, beside, hash)
					: crypto.sha256(NODE, hash, beside);
		}
		at = Math.floor(at / 2);
	}
	if (used !== hashes.length) throw malformed("a path is too long");
	return rootOver(crypto, count, hash);
}

function rootOver(
	crypto: CryptoProvider,
	count: number,
	top: Uint8Array,
): Uint8Array {
	return crypto.sha256(enc(ROOT, formOf(u32, count), top));
}
