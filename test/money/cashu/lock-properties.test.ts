import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { TetradError } from "../../../src/errors.ts";
import {
	encodeLock,
	KnownKeysets,
	type LockTerms,
	lockSecret,
	makeLockOutputs,
	parseLock,
	planLock,
	verifyLock,
} from "../../../src/money/cashu/index.ts";
import { readLockSecret } from "../../../src/money/cashu/read-lock.ts";
import { ecash, hash, TestKeyset } from "./test-mint.ts";

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const scalar = bytes32.filter((bytes) => bytes[0] !== 0xff && bytes[31] !== 0);
const point = scalar.map((key) => ecash.publicKey(key));

const anyTerms: fc.Arbitrary<LockTerms> = fc
	.record({
		keyHash: bytes32,
		payee: point,
		deadline: fc.integer({ min: 1, max: 8_640_000_000_000 }),
		refund: point,
		contract: bytes32,
		binding: bytes32,
	})
	.filter(
		({ payee, refund }) =>
			!Buffer.from(payee).subarray(1).equals(Buffer.from(refund).subarray(1)),
	);

const nonces = bytes32.map((bytes) => Buffer.from(bytes).toString("hex"));

describe("the secret of a lock", () => {
	test("fits the terms that it was made of, and says nonce and key", () => {
		fc.assert(
			fc.property(anyTerms, nonces, (terms, nonce) => {
				const read = readLockSecret(lockSecret(terms, nonce), terms);
				assert.deepEqual(read, { kind: "fits", nonce, refund: terms.refund });
			}),
			{ numRuns: 20 },
		);
	});

	test("fits no more once anything in it that its payee knows is another", () => {
		fc.assert(
			fc.property(
				anyTerms,
				nonces,
				fc.nat(),
				fc.integer({ min: 0x20, max: 0x7e }),
				fc.constantFrom("replace", "insert", "remove"),
				(terms, nonce, place, code, how) => {
					const secret = lockSecret(terms, nonce);
					const at = place % secret.length;
					const changed =
						secret.slice(0, at) +
						(how === "remove" ? "" : String.fromCharCode(code)) +
						secret.slice(how === "insert" ? at : at + 1);
					const read = readLockSecret(changed, terms);
					if (read.kind === "wrong") return;
					// Nonce and payer's key are the payer's to choose.
					const { refund } = read;
					assert.equal(changed, lockSecret({ ...terms, refund }, read.nonce));
				},
			),
			{ numRuns: 300 },
		);
	});

	test("is never taken for that of other terms", () => {
		fc.assert(
			fc.property(anyTerms, anyTerms, nonces, (terms, other, nonce) => {
				const read = readLockSecret(lockSecret(terms, nonce), other);
				assert.equal(read.kind, "wrong");
			}),
			{ numRuns: 20 },
		);
	});
});

describe("a lock of which any byte was changed", () => {
	const mint = new TestKeyset();
	const terms: LockTerms = {
		keyHash: hash("k"),
		payee: ecash.publicKey(hash("payee")),
		deadline: 2_000_000_000,
		refund: ecash.publicKey(hash("payer")),
		contract: hash("contract"),
		binding: hash("binding"),
	};
	const place = {
		seed: new Uint8Array(64),
		keyset: mint.keyset.id,
		counter: 0,
	};
	const { amounts } = planLock(mint.keyset, 8n);
	const good = encodeLock(
		mint.proofs(makeLockOutputs(ecash, place, amounts, terms)),
	);
	const verify = (encoded: Uint8Array) =>
		verifyLock(ecash, parseLock(encoded), {
			terms,
			unit: "sat",
			price: 8n,
			keysets: new KnownKeysets([mint.keyset]),
			now: 1_900_000_000_000,
		});

	test("is refused, and its payee's own code never fails", () => {
		verify(good);
		fc.assert(
			fc.property(
				fc.nat(good.length - 1),
				fc.integer({ min: 1, max: 255 }),
				(at, by) => {
					const changed = Uint8Array.from(good);
					changed[at] = (changed[at] ?? 0) ^ by;
					assert.throws(
						() => verify(changed),
						(thrown) =>
							thrown instanceof TetradError && thrown.family === "peer",
					);
				},
			),
			{ numRuns: 150 },
		);
	});
});
