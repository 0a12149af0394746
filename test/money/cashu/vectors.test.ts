import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { describe, test } from "node:test";
import { deriveKeysetId as ofLibrary } from "@cashu/cashu-ts";
import {
	deriveKeysetId,
	findKey,
	parseToken,
	writeToken,
} from "../../../src/money/cashu/index.ts";
import { hex, utf8 } from "../../../src/wire/index.ts";
import { MALFORMED } from "../../wire/only-tetrad-errors.ts";
import * as nut from "./nut-vectors.ts";
import { bytesOf, crypto, ecash } from "./test-mint.ts";

/** Keys of the powers of two. */
function keysOf(points: readonly string[]): Map<bigint, Uint8Array> {
	return new Map(points.map((key, i) => [2n ** BigInt(i), bytesOf(key)]));
}

describe("what the NUTs publish comes out", () => {
	test("NUT-00: messages are hashed to points", () => {
		assert.equal(nut.NUT00_POINTS.length, 3);
		for (const [message, point] of nut.NUT00_POINTS)
			assert.equal(hex(ecash.hashToCurve(bytesOf(message))), point);
	});

	test("NUT-00: messages are blinded", () => {
		assert.equal(nut.NUT00_BLINDED.length, 2);
		for (const [secret, factor, blinded] of nut.NUT00_BLINDED)
			assert.equal(hex(ecash.blind(bytesOf(secret), bytesOf(factor))), blinded);
	});

	test("NUT-00: tokens are read, and B is written as it was", () => {
		const a = parseToken(nut.NUT00_TOKEN_A);
		assert.equal(a.mint, "https://8333.space:3338");
		assert.equal(a.memo, "Thank you.");
		assert.deepEqual(
			a.proofs.map(({ amount }) => amount),
			[2n, 8n],
		);
		const [padded, bare] = nut.NUT00_TOKENS_A_PADDED.map(parseToken);
		assert.deepEqual(padded, bare);
		const b = parseToken(nut.NUT00_TOKEN_B);
		assert.equal(b.memo, "Thank you");
		assert.deepEqual(parseToken(writeToken(b)), b);
		const two = parseToken(nut.NUT00_TOKEN_B_TWO);
		assert.deepEqual(
			two.proofs.map(({ amount, keyset }) => [amount, hex(keyset)]),
			[
				[1n, "00ffd48b8f5ecf80"],
				[2n, "00ad268c4d1f5826"],
				[1n, "00ad268c4d1f5826"],
			],
		);
		for (const broken of [
			`cas${nut.NUT00_TOKEN_A.slice(2)}`,
			nut.NUT00_TOKEN_A.slice("cashuA".length),
		])
			assert.throws(() => parseToken(broken), MALFORMED);
	});

	test("NUT-02: ids of keysets follow from their keys", () => {
		const four = keysOf(nut.NUT02_FOUR_KEYS);
		const all = keysOf(nut.NUT02_ALL_KEYS);
		assert.equal(all.size, 64);
		const ids = nut.NUT02_IDS;
		for (const [id, keys, inputFeePpk, finalExpiry] of [
			[ids.fourShort, four, 0n, undefined],
			[ids.allShort, all, 0n, undefined],
			[ids.fourLong, four, ids.fourLongFee, ids.expiry],
			[ids.allExpiring, all, 0n, ids.expiry],
			[ids.allLong, all, 0n, undefined],
		] as const) {
			const keyset = { id: bytesOf(id), keys, unit: "sat" };
			const derived = deriveKeysetId(crypto, {
				...keyset,
				inputFeePpk,
				finalExpiry,
			});
			assert.equal(hex(derived), id);
			assert.equal(
				ofLibrary(
					Object.fromEntries(
						[...keys].map(([amount, key]) => [`${amount}`, hex(key)]),
					),
					{
						unit: "sat",
						versionByte: id.startsWith("00") ? 0 : 1,
						...(inputFeePpk > 0n && { input_fee_ppk: Number(inputFeePpk) }),
						...(finalExpiry !== undefined && { expiry: finalExpiry }),
					},
				),
				id,
			);
		}
	});

	test("NUT-11: a signature on a secret holds, and is made as it was", () => {
		const { publicKey, secret, signature } = nut.NUT11_SIGNED;
		const key = bytesOf(publicKey);
		assert.ok(ecash.verify(utf8(secret), bytesOf(signature), key));
		assert.ok(!ecash.verify(utf8(`${secret} `), bytesOf(signature), key));
		const privateKey = crypto.sha256(utf8("a key"));
		const own = ecash.sign(utf8(secret), privateKey);
		assert.ok(ecash.verify(utf8(secret), own, ecash.publicKey(privateKey)));
	});

	test("NUT-12: proofs of equality hold, and none that was changed", () => {
		const { mintKey, blinded, signature, e, s } = nut.NUT12_SIGNATURE;
		const [key, b, c] = [mintKey, blinded, signature].map(bytesOf) as [
			Uint8Array,
			Uint8Array,
			Uint8Array,
		];
		const dleq = { e: bytesOf(e), s: bytesOf(s) };
		assert.ok(ecash.verifyDleq(dleq, b, c, key));
		assert.ok(!ecash.verifyDleq({ e: dleq.s, s: dleq.e }, b, c, key));
		const proof = nut.NUT12_PROOF;
		const carried = {
			e: bytesOf(proof.e),
			s: bytesOf(proof.s),
			r: bytesOf(proof.r),
		};
		const point = bytesOf(proof.signature);
		const secret = utf8(proof.secret);
		assert.ok(ecash.verifyCarriedDleq(carried, secret, point, key));
		assert.ok(
			!ecash.verifyCarriedDleq(
				{ ...carried, r: carried.s },
				secret,
				point,
				key,
			),
		);
		const zero = new Uint8Array(32);
		const zeroes = { e: zero, s: zero, r: zero };
		assert.ok(!ecash.verifyCarriedDleq(zeroes, secret, point, key));
		assert.ok(!ecash.verifyDleq(zeroes, b, c, new Uint8Array(33)));
	});

	test("NUT-13: secrets and factors of both versions follow from the words", () => {
		const seed = new Uint8Array(
			pbkdf2Sync(nut.NUT13_WORDS, "mnemonic", 2048, 64, "sha512"),
		);
		for (const [id, secrets, factors] of [
			[
				nut.NUT13_SHORT_KEYSET,
				nut.NUT13_SHORT_SECRETS,
				nut.NUT13_SHORT_FACTORS,
			],
			[nut.NUT13_LONG_KEYSET, nut.NUT13_LONG_SECRETS, nut.NUT13_LONG_FACTORS],
		] as const) {
			assert.equal(secrets.length, 5);
			for (const [counter, secret] of secrets.entries()) {
				const derived = ecash.derive(seed, bytesOf(id), counter);
				assert.equal(hex(derived.secret), secret);
				assert.equal(hex(derived.factor), factors[counter]);
			}
		}
	});

	test("NUT-14: a preimage is found by its hash", () => {
		const keyHash = bytesOf(nut.NUT14_HASH);
		const witness = JSON.stringify({
			preimage: nut.NUT14_PREIMAGE,
			signatures: [],
		});
		const key = findKey(crypto, witness, keyHash);
		assert.equal(key && hex(key), nut.NUT14_PREIMAGE);
	});
});
