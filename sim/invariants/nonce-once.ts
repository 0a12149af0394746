import type { MakeInvariant } from "./invariant.ts";

/** Two different things are never sealed with one key and nonce, also after a crash or a restore. Goods that are sent again are sealed as they were. */
export const nonceOnce: MakeInvariant = (_, fail) => {
	const used = new Map<string, number>();
	return {
		sealed(key, nonce, plaintext) {
			const pair = Buffer.concat([key.subarray(0, 12), nonce]).toString(
				"latin1",
			);
			const sum = checksum(plaintext);
			const before = used.get(pair);
			if (before !== undefined && before !== sum)
				fail("a key and nonce pair was used for two different messages");
			used.set(pair, sum);
		},
	};
};

/** Tells what differs apart, but for one in four billions. */
function checksum(parts: readonly Uint8Array[]): number {
	let sum = 0x811c9dc5;
	for (const part of parts) {
		sum = Math.imul(sum ^ part.length, 0x01000193);
		for (const byte of part) sum = Math.imul(sum ^ byte, 0x01000193);
	}
	return sum;
}
