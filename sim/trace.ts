/*
 * What happened in a simulated world, as a number and, when somebody wants to read it, as a story.
 * Two runs of one plan have the same number, or something in them was not simulated.
 */

/** One thing that happened. */
export interface Told {
	/** Milliseconds since the world began. */
	readonly at: number;
	/** Whose doing it was. */
	readonly who: string;
	/** The device that it went to, of a message. */
	readonly to?: string;
	readonly what: string;
	/** What goes wrong by the plan, and not by the machines. */
	readonly isFault?: boolean;
}

const MULTIPLIER = 0x9e3779b1;

export class Trace {
	readonly told: Told[] = [];
	/** Whether a story is kept. */
	readonly isTelling: boolean;
	#high = 0x811c9dc5;
	#low = 0x1b873593;
	#count = 0;

	constructor(isTelling: boolean) {
		this.isTelling = isTelling;
	}

	/** So many things were mixed into the number. */
	get count(): number {
		return this.#count;
	}

	/** 16 hexadecimal digits. */
	get hash(): string {
		const half = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
		return half(this.#high) + half(this.#low);
	}

	mix(number: number): void {
		this.#count++;
		this.#low = Math.imul(this.#low ^ number, MULTIPLIER);
		this.#low ^= this.#low >>> 15;
		this.#high = Math.imul(
			this.#high ^ this.#low ^ (number / 2 ** 32),
			0x85ebca6b,
		);
		this.#high ^= this.#high >>> 13;
	}

	/** A length, and the last bytes: of something sealed they depend on all of it. */
	mixBytes(bytes: Uint8Array): void {
		this.mix(bytes.length);
		let word = 0;
		for (let at = Math.max(0, bytes.length - 8); at < bytes.length; at++)
			word = Math.imul(word, 31) + (bytes[at] ?? 0);
		this.mix(word);
	}

	tell(told: Told): void {
		if (this.isTelling) this.told.push(told);
	}
}
