import assert from "node:assert/strict";
import { test } from "node:test";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import type { AeadName, SignatureAlgorithm } from "../../src/crypto/index.ts";
import { kemFromSeed } from "../../src/crypto/node.ts";
import { concat, hex } from "../../src/wire/index.ts";
import { readVectors, unhex } from "../support/vectors.ts";
import { forEachProvider, type TriedProvider } from "./providers.ts";

type Verdict = "accepted" | "refused";

interface Case {
	readonly tcId: number;
	readonly comment?: string;
	readonly flags: readonly string[];
	readonly result: "valid" | "invalid" | "acceptable";
}

type Group<Fields, Test> = Fields & { readonly tests: readonly Test[] };

interface File<Fields, Test> {
	readonly numberOfTests: number;
	readonly testGroups: readonly Group<Fields, Test>[];
}

interface Ruling {
	readonly verdict: Verdict;
	readonly why: string;
}

interface Plan<Fields, Test> {
	/** The file under `wycheproof/`. */
	readonly file: string;
	/** The groups of a kind that Tetrad uses; all of them when absent. */
	readonly inScope?: (group: Fields) => boolean;
	/** What the file of 2025 holds in scope; a newer one may hold more. */
	readonly atLeast: number;
	/** The verdict on "acceptable" cases by flag. One flag that refuses outweighs the others. */
	readonly acceptable?: Readonly<Record<string, Ruling>>;
	/** Throws unless the case ends as `expected`. */
	readonly check: (test: Test, expected: Verdict, group: Fields) => void;
}

function verdictOn(
	test: Case,
	acceptable: Readonly<Record<string, Ruling>>,
): Verdict {
	if (test.result === "valid") return "accepted";
	if (test.result === "invalid") return "refused";
	assert.equal(test.result, "acceptable");
	assert.ok(test.flags.length > 0, "an acceptable case without flags");
	const verdicts = test.flags.map((flag) => {
		const ruling = acceptable[flag];
		assert.ok(ruling, `no ruling on acceptable cases with ${flag}`);
		return ruling.verdict;
	});
	return verdicts.includes("refused") ? "refused" : "accepted";
}

function tryFile<Fields, Test extends Case>(
	provider: string,
	plan: Plan<Fields, Test>,
): void {
	test(`wycheproof ${plan.file}, ${provider}`, (t) => {
		const file = readVectors<File<Fields, Test>>(
			t,
			`wycheproof/${plan.file}`,
			({ testGroups }) =>
				testGroups.reduce((sum, { tests }) => sum + tests.length, 0),
		);
		if (file === undefined) return;
		const failures: string[] = [];
		let ran = 0;
		let outOfScope = 0;
		for (const group of file.testGroups) {
			if (plan.inScope?.(group) === false) {
				outOfScope += group.tests.length;
				continue;
			}
			for (const test of group.tests) {
				ran++;
				try {
					plan.check(test, verdictOn(test, plan.acceptable ?? {}), group);
				} catch (error) {
					failures.push(`${test.tcId} (${test.comment ?? ""}): ${error}`);
				}
			}
		}
		t.diagnostic(`${ran} run, ${outOfScope} out of scope`);
		assert.deepEqual(failures, []);
		assert.equal(ran + outOfScope, file.numberOfTests);
		assert.ok(ran >= plan.atLeast, `only ${ran} of ${plan.atLeast} were run`);
	});
}

interface SignatureCase extends Case {
	readonly msg: string;
	readonly sig: string;
}

interface AeadGroup {
	readonly keySize: number;
	readonly ivSize: number;
	readonly tagSize: number;
}

interface AeadCase extends Case {
	readonly key: string;
	readonly iv: string;
	readonly aad: string;
	readonly msg: string;
	readonly ct: string;
	readonly tag: string;
}

function tryAll({ name, crypto, x25519FromPrivate }: TriedProvider): void {
	const wycheproof = <Fields, Test extends Case>(plan: Plan<Fields, Test>) =>
		tryFile(name, plan);
	wycheproof<
		unknown,
		Case & {
			readonly public: string;
			readonly private: string;
			readonly shared: string;
		}
	>({
		file: "x25519_test.json",
		atLeast: 518,
		acceptable: {
			ZeroSharedSecret: {
				verdict: "refused",
				why: "a shared secret of zeros is known to all (RFC 7748, 6.1)",
			},
			LowOrderPublic: {
				verdict: "refused",
				why: "a clamped private key turns a point of low order into the zero secret",
			},
			SmallPublicKey: {
				verdict: "refused",
				why: "0 and 1 are points of low order",
			},
			Twist: {
				verdict: "accepted",
				why: "X25519 is defined on the twist, and clamping makes it harmless (RFC 7748, 5)",
			},
			NonCanonicalPublic: {
				verdict: "accepted",
				why: "the value is reduced modulo 2^255 - 19 (RFC 7748, 5); the transcript binds the bytes",
			},
			SpecialPublicKey: {
				verdict: "accepted",
				why: "an ordinary key with a special bit pattern: arithmetic must hold",
			},
			EdgeCaseShared: {
				verdict: "accepted",
				why: "an ordinary secret with a special bit pattern: arithmetic must hold",
			},
			EdgeCaseMultiplication: {
				verdict: "accepted",
				why: "a special value inside the ladder: arithmetic must hold",
			},
			Ktv: { verdict: "accepted", why: "a known answer from RFC 7748" },
		},
		check(test, expected) {
			const secret = x25519FromPrivate(unhex(test.private)).agree(
				unhex(test.public),
			);
			assert.equal(/^0*$/.test(test.shared), expected === "refused");
			if (expected === "refused") assert.equal(secret, undefined);
			else assert.equal(secret && hex(secret), test.shared);
		},
	});

	function checkSignature(
		algorithm: SignatureAlgorithm,
		publicKey: string,
		test: SignatureCase,
		expected: Verdict,
	): void {
		assert.equal(
			crypto.verify(
				algorithm,
				unhex(publicKey),
				unhex(test.msg),
				unhex(test.sig),
			),
			expected === "accepted",
		);
	}

	wycheproof<{ readonly publicKey: { readonly pk: string } }, SignatureCase>({
		file: "ed25519_test.json",
		atLeast: 151,
		check: (test, expected, { publicKey }) =>
			checkSignature("Ed25519", publicKey.pk, test, expected),
	});

	wycheproof<
		{ readonly publicKey: { readonly uncompressed: string } },
		SignatureCase
	>({
		file: "ecdsa_secp256r1_sha256_p1363_test.json",
		atLeast: 262,
		check: (test, expected, { publicKey }) =>
			checkSignature("P-256", publicKey.uncompressed, test, expected),
	});

	function checkAead(name: AeadName, test: AeadCase, expected: Verdict): void {
		const { seal, open } = crypto.aead(name, unhex(test.key));
		const nonce = unhex(test.iv);
		const associatedData = unhex(test.aad);
		const plaintext = unhex(test.msg);
		const sealed = concat(unhex(test.ct), unhex(test.tag));
		if (nonce.length !== 12) {
			const refusal = { name: "TetradError", code: "invalid-argument" };
			assert.equal(expected, "refused");
			assert.throws(() => seal(nonce, associatedData, plaintext), refusal);
			assert.throws(() => open(nonce, associatedData, sealed), refusal);
		} else if (expected === "accepted") {
			assert.deepEqual(seal(nonce, associatedData, plaintext), sealed);
			assert.deepEqual(open(nonce, associatedData, sealed), plaintext);
		} else {
			assert.notDeepEqual(seal(nonce, associatedData, plaintext), sealed);
			assert.equal(open(nonce, associatedData, sealed), undefined);
		}
	}

	wycheproof<AeadGroup, AeadCase>({
		file: "aes_gcm_test.json",
		inScope: ({ keySize, ivSize, tagSize }) =>
			keySize === 256 && ivSize === 96 && tagSize === 128,
		atLeast: 66,
		check: (test, expected) => checkAead("AESGCM", test, expected),
	});

	// Other nonce sizes are invalid here, so the whole file is in scope.
	wycheproof<AeadGroup, AeadCase>({
		file: "chacha20_poly1305_test.json",
		inScope: ({ keySize, tagSize }) => keySize === 256 && tagSize === 128,
		atLeast: 325,
		check: (test, expected) => checkAead("ChaChaPoly", test, expected),
	});

	wycheproof<
		unknown,
		Case & {
			readonly ikm: string;
			readonly salt: string;
			readonly info: string;
			readonly size: number;
			readonly okm: string;
		}
	>({
		file: "hkdf_sha256_test.json",
		atLeast: 86,
		check(test, expected) {
			const key = crypto.hkdfExtract(unhex(test.salt), unhex(test.ikm));
			const expand = () => crypto.hkdfExpand(key, unhex(test.info), test.size);
			if (expected === "accepted") assert.equal(hex(expand()), test.okm);
			else
				assert.throws(expand, {
					name: "TetradError",
					code: "invalid-argument",
				});
		},
	});

	wycheproof<
		{ readonly parameterSet: string },
		Case & {
			readonly seed: string;
			readonly ek?: string;
			readonly c: string;
			readonly K: string;
		}
	>({
		file: "mlkem_768_test.json",
		inScope: ({ parameterSet }) => parameterSet === "ML-KEM-768",
		atLeast: 193,
		check(test, expected) {
			const seed = unhex(test.seed);
			if (seed.length !== 64) {
				assert.equal(expected, "refused");
				assert.throws(() => kemFromSeed(seed), {
					name: "TetradError",
					code: "invalid-argument",
				});
				return;
			}
			const key = kemFromSeed(seed);
			assert.equal(hex(key.publicKey), test.ek);
			const ciphertext = unhex(test.c);
			const secret = key.decapsulate(ciphertext);
			if (expected === "refused") {
				assert.equal(secret, undefined);
				return;
			}
			assert.equal(secret && hex(secret), test.K);

			// The file gives no randomness for encapsulation: noble's answer stands in for one.
			const noble = ml_kem768.keygen(seed);
			assert.deepEqual(noble.publicKey, key.publicKey);
			const theirs = ml_kem768.encapsulate(key.publicKey, seed.subarray(0, 32));
			assert.deepEqual(key.decapsulate(theirs.cipherText), theirs.sharedSecret);
			const ours = crypto.encapsulate(key.publicKey);
			assert.ok(ours);
			assert.deepEqual(
				ml_kem768.decapsulate(ours.ciphertext, noble.secretKey),
				ours.secret,
			);
		},
	});
}

forEachProvider(tryAll, test);
