/*
 * Where everything random in a simulated world comes from. Each stream has a name and follows from
 * the seed and that name alone, so that one more draw of one kind leaves all others as they were.
 */
import { utf8 } from "../src/wire/index.ts";
import { mixIn, mixture, takeOut } from "./mixing.ts";

/** What a stream begins with is nothing else's beginning. */
const PURPOSE = 0x5eed;

/** Numbers and bytes that only a seed and a name decide: xoshiro128**. It protects nothing. */
export class Stream {
	readonly #state: Int32Array = new Int32Array(4);

	constructor(seed: string, name: string) {
		const mixing = mixture(PURPOSE);
		mixIn(mixing, utf8(seed));
		mixIn(mixing, utf8(name));
		takeOut(mixing, new Uint8Array(this.#state.buffer));
		if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
	}

	/** 32 bits. */
	word(): number {
		const s = this.#state;
		const a = s[0] as number;
		const b = s[1] as number;
		const d = s[3] as number;
		const e = (s[2] as number) ^ a;
		const f = d ^ b;
		s[1] = b ^ e;
		s[0] = a ^ f;
		s[2] = e ^ (b << 9);
		s[3] = (f << 11) | (f >>> 21);
		return scrambled(b);
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
		const words = new Int32Array((length + 3) >>> 2);
		const s = this.#state;
		let a = s[0] as number;
		let b = s[1] as number;
		let c = s[2] as number;
		let d = s[3] as number;
		for (let at = 0; at < words.length; at++) {
			words[at] = scrambled(b);
			const shifted = b << 9;
			c ^= a;
			d ^= b;
			b ^= c;
			a ^= d;
			c ^= shifted;
			d = (d << 11) | (d >>> 21);
		}
		s[0] = a;
		s[1] = b;
		s[2] = c;
		s[3] = d;
		return new Uint8Array(words.buffer, 0, length);
	}
}

function scrambled(word: number): number {
	const product = Math.imul(word, 5);
	return Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
}
