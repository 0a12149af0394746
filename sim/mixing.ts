/*
 * What stands in for cryptography in simulated worlds: four words into which bytes are mixed, by the
 * round of HalfSipHash. It tells apart what differs, and protects nothing: everything that comes of
 * it can be computed by whoever has the bytes.
 */

/** Four words. */
export type Mixture = Int32Array;

/** One that begins with a number, so that what is made for one purpose is not what is made for another. */
export function mixture(purpose: number): Mixture {
	return Int32Array.of(purpose, 0x5bd1e995, 0x1b873593, 0x2545f491);
}

/** Mixes bytes in, and how many they are. */
export function mixIn(mixture: Mixture, bytes: Uint8Array): void {
	let a = mixture[0] as number;
	let b = mixture[1] as number;
	let c = mixture[2] as number;
	let d = mixture[3] as number;
	const { length } = bytes;
	const whole = length & ~3;
	for (let at = 0; at <= whole; at += 4) {
		const word =
			at < whole
				? wordAt(bytes, at)
				: lastWord(bytes, at) ^ Math.imul(length, 0x01000193);
		d ^= word;
		a = (a + b) | 0;
		b = ((b << 5) | (b >>> 27)) ^ a;
		a = (a << 16) | (a >>> 16);
		c = (c + d) | 0;
		d = ((d << 8) | (d >>> 24)) ^ c;
		a = (a + d) | 0;
		d = ((d << 7) | (d >>> 25)) ^ a;
		c = (c + b) | 0;
		b = ((b << 13) | (b >>> 19)) ^ c;
		c = (c << 16) | (c >>> 16);
		a ^= word;
	}
	mixture[0] = a;
	mixture[1] = b;
	mixture[2] = c;
	mixture[3] = d;
}

/** Fills a part of `out` with what came of all that was mixed in; the mixture is used up. */
export function takeOut(
	mixture: Mixture,
	out: Uint8Array,
	from = 0,
	to: number = out.length,
): void {
	let a = mixture[0] as number;
	let b = mixture[1] as number;
	let c = (mixture[2] as number) ^ 0xff;
	let d = mixture[3] as number;
	for (let at = from; at < to; ) {
		for (let round = 0; round < 4; round++) {
			a = (a + b) | 0;
			b = ((b << 5) | (b >>> 27)) ^ a;
			a = (a << 16) | (a >>> 16);
			c = (c + d) | 0;
			d = ((d << 8) | (d >>> 24)) ^ c;
			a = (a + d) | 0;
			d = ((d << 7) | (d >>> 25)) ^ a;
			c = (c + b) | 0;
			b = ((b << 13) | (b >>> 19)) ^ c;
			c = (c << 16) | (c >>> 16);
		}
		at = putWord(out, at, to, a);
		at = putWord(out, at, to, b);
		at = putWord(out, at, to, c);
		at = putWord(out, at, to, d);
	}
	mixture[0] = a;
	mixture[1] = b;
	mixture[2] = c;
	mixture[3] = d;
}

/** Hides a part of bytes where it stands, or shows it again, and mixes in what is hidden. */
export function hide(
	mixture: Mixture,
	bytes: Uint8Array,
	from: number,
	to: number,
	isHidden: boolean,
): void {
	let a = mixture[0] as number;
	let b = mixture[1] as number;
	let c = mixture[2] as number;
	let d = mixture[3] as number;
	for (let at = from; at < to; at += 4) {
		const isWhole = at + 4 <= to;
		const before = isWhole ? wordAt(bytes, at) : lastWord(bytes, at, to);
		const mask = isWhole ? -1 : (1 << (8 * (to - at))) - 1;
		const after = before ^ ((a ^ c) & mask);
		putWord(bytes, at, to, after);
		const word = isHidden ? before : after;
		d ^= word;
		a = (a + b) | 0;
		b = ((b << 5) | (b >>> 27)) ^ a;
		a = (a << 16) | (a >>> 16);
		c = (c + d) | 0;
		d = ((d << 8) | (d >>> 24)) ^ c;
		a = (a + d) | 0;
		d = ((d << 7) | (d >>> 25)) ^ a;
		c = (c + b) | 0;
		b = ((b << 13) | (b >>> 19)) ^ c;
		c = (c << 16) | (c >>> 16);
		a ^= word;
	}
	mixture[0] = a;
	mixture[1] = b;
	mixture[2] = c;
	mixture[3] = d ^ Math.imul(to - from, 0x01000193);
}

function wordAt(bytes: Uint8Array, at: number): number {
	return (
		(bytes[at] as number) |
		((bytes[at + 1] as number) << 8) |
		((bytes[at + 2] as number) << 16) |
		((bytes[at + 3] as number) << 24)
	);
}

/** Fewer than four bytes, with zeros in the place of the rest. */
function lastWord(
	bytes: Uint8Array,
	from: number,
	to: number = bytes.length,
): number {
	let word = 0;
	for (let at = from; at < to; at++)
		word |= (bytes[at] as number) << (8 * (at - from));
	return word;
}

/** Writes as many bytes of a word as there is room for, and answers where the next go. */
function putWord(
	out: Uint8Array,
	at: number,
	to: number,
	word: number,
): number {
	if (at + 4 <= to) {
		out[at] = word;
		out[at + 1] = word >>> 8;
		out[at + 2] = word >>> 16;
		out[at + 3] = word >>> 24;
		return at + 4;
	}
	for (let i = 0; at + i < to; i++) out[at + i] = word >>> (8 * i);
	return to;
}
