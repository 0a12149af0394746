import type { MakeInvariant } from "./invariant.ts";

/** Two different things are never sealed with one key and nonce, also after a crash or a restore. Goods that are sent again are sealed as they were. */
export const nonceOnce: MakeInvariant = (_, fail) => {
	const used = new Map<string, Map<number | string, number>>();
	return {
		sealed(key, nonce, sealed) {
			const nonces = used.get(key) ?? new Map<number | string, number>();
			used.set(key, nonces);
			const name = nameOf(nonce);
			const tag = wordAt(sealed, sealed.length - 4);
			const before = nonces.get(name);
			if (before === undefined) nonces.set(name, tag);
			else if (before !== tag)
				fail("a key and nonce pair was used for two different messages");
		},
	};
};

/** Counters as numbers, of one kind from 0 up and of the other from -1 down, and all else as a text. */
function nameOf(nonce: Uint8Array): number | string {
	const [high, low] = [wordAt(nonce, 4), wordAt(nonce, 8)];
	if (wordAt(nonce, 0) === 0) {
		if (high === 0) return swapped(low);
		if (low === 0) return -1 - (high >>> 0);
	}
	return String.fromCharCode(...nonce);
}

/** Little-endian. */
function wordAt(bytes: Uint8Array, at: number): number {
	return (
		(bytes[at] as number) |
		((bytes[at + 1] as number) << 8) |
		((bytes[at + 2] as number) << 16) |
		((bytes[at + 3] as number) << 24)
	);
}

function swapped(word: number): number {
	return (
		(((word & 0xff) << 24) |
			((word & 0xff00) << 8) |
			((word >>> 8) & 0xff00) |
			(word >>> 24)) >>>
		0
	);
}
