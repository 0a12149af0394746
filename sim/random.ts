/*
 * Where everything random in a simulated world comes from. Each stream has a name and follows from
 * the seed and that name alone, so that one more draw of one kind leaves all others as they were.
 */
import { nodeCrypto } from "../src/crypto/index.ts";
import { utf8 } from "../src/wire/index.ts";

/** Numbers and bytes that only a seed and a name decide: xoshiro128**. It protects nothing. */
export class Stream {
	readonly #state: Uint32Array;

	constructor(seed: string, name: string) {
		const hash = nodeCrypto.sha256(utf8(`tetrad simulation ${seed} ${name}`));
		this.#state = new Uint32Array(copyOf(hash).buffer, 0, 4);
		if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
	}

	/** 32 bits. */
	word(): number {
		const s = this.#state;
		const [a, b, c, d] = [s[0] ?? 0, s[1] ?? 0, s[2] ?? 0, s[3] ?? 0];
		const product = Math.imul(b, 5);
		const rotated = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
		const shifted = b << 9;
		const e = c ^ a;
		const f = d ^ b;
		s[1] = b ^ e;
		s[0] = a ^ f;
		s[2] = e ^ shifted;
		s[3] = (f << 11) | (f >>> 21);
		return rotated;
	}

	/** From 0 to `sides` − 1. */
	below(sides: number): number {
		return Math.floor((this.word() / 2 ** 32) * sides);
	}

	/** From `low` to `high`, both included. */
	within(low: number, high: number): number {
		return low + this.below(high - low + 1);
	}

	/** Whether something happens that happens so often, from 0 to 1. */
	chance(probability: number): boolean {
		return this.word() / 2 ** 32 < probability;
	}

	pick<Item>(items: readonly Item[]): Item {
		const item = items[this.below(items.length)];
		if (item === undefined) throw new Error("nothing to pick from");
		return item;
	}

	bytes(length: number): Uint8Array {
		const out = new Uint8Array(length);
		const view = new DataView(out.buffer);
		let at = 0;
		for (; at + 4 <= length; at += 4) view.setUint32(at, this.word());
		if (at < length) {
			const rest = this.word();
			for (let i = 0; at < length; at++, i++) out[at] = rest >>> (8 * i);
		}
		return out;
	}
}

function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
	return new Uint8Array(bytes);
}
