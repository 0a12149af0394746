/* Nonces of counters, byte by byte (Noise, 12.3 and 12.4). */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	MAX_COUNTER,
	nonceFor,
	rekeyNonce,
	writeNonce,
} from "../../src/session/nonce.ts";
import { hex } from "../../src/wire/index.ts";

const COUNTERS: readonly (readonly [
	counter: number,
	big: string,
	little: string,
])[] = [
	[0, "0000000000000000", "0000000000000000"],
	[1, "0000000000000001", "0100000000000000"],
	[0x11223344, "0000000011223344", "4433221100000000"],
	[0xffffffff, "00000000ffffffff", "ffffffff00000000"],
	[2 ** 32, "0000000100000000", "0000000001000000"],
	[MAX_COUNTER, "001ffffffffffffe", "feffffffffff1f00"],
];

test("a counter is big-endian for AES-GCM and little-endian for ChaCha20-Poly1305, behind four zero bytes", () => {
	for (const [counter, big, little] of COUNTERS) {
		assert.equal(hex(nonceFor("AESGCM", counter)), `00000000${big}`);
		assert.equal(hex(nonceFor("ChaChaPoly", counter)), `00000000${little}`);
	}
});

test("a nonce is written over the one before it", () => {
	const nonce = nonceFor("AESGCM", MAX_COUNTER);
	writeNonce(nonce, "ChaChaPoly", 0x0102030405);
	assert.equal(hex(nonce), "000000000504030201000000");
	writeNonce(nonce, "AESGCM", 3);
	assert.equal(hex(nonce), "000000000000000000000003");
});

test("REKEY has the nonce of 2⁶⁴−1", () => {
	assert.equal(hex(rekeyNonce()), "00000000ffffffffffffffff");
});
