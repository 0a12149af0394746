import assert from "node:assert/strict";
import * as node from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { mock, suite, test } from "node:test";
import {
	ED25519_TORSION_SUBGROUP,
	ed25519,
	x25519,
} from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import fc from "fast-check";
import {
	type AeadName,
	ML_KEM_768,
	nodeCrypto,
	type SignatureAlgorithm,
} from "../../src/crypto/index.ts";
import { kemFromSeed } from "../../src/crypto/node.ts";
import { concat, hex, utf8 } from "../../src/wire/index.ts";
import { unhex } from "../support/vectors.ts";
import { forEachProvider, type TriedProvider } from "./providers.ts";

const INVALID_ARGUMENT = { name: "TetradError", code: "invalid-argument" };

const bytes = (maxLength = 200) => fc.uint8Array({ maxLength });
const exactly = (length: number) =>
	fc.uint8Array({ minLength: length, maxLength: length });

function check<Values extends [unknown, ...unknown[]]>(
	arbitraries: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
	predicate: (...values: Values) => void,
	numRuns = 100,
): void {
	fc.assert(fc.property<Values>(...arbitraries, predicate), { numRuns });
}

function flipped(value: Uint8Array, bit: number): Uint8Array {
	const copy = value.slice();
	const at = (bit >> 3) % copy.length;
	copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
	return copy;
}

/** Everything that a call hands to OpenSSL's hash and gets from it, as it is afterwards. */
function hashed(call: () => void): { bytes: Uint8Array[]; texts: string[] } {
	const seen = { bytes: [] as Uint8Array[], texts: [] as string[] };
	const { hash } = node;
	const spy = mock.method(
		process.getBuiltinModule("node:crypto"),
		"hash",
		(...args: unknown[]) => {
			const digest: unknown = Reflect.apply(hash, undefined, args);
			seen.bytes.push(args[1] as Uint8Array);
			if (digest instanceof Uint8Array) seen.bytes.push(digest);
			else seen.texts.push(String(digest));
			return digest;
		},
	);
	syncBuiltinESMExports();
	try {
		call();
	} finally {
		spy.mock.restore();
		syncBuiltinESMExports();
	}
	return seen;
}

/** ByteEncode₁₂ of FIPS 203 packs two coefficients into three bytes, little end first. */
function withCoefficient(
	publicKey: Uint8Array,
	index: number,
	value: number,
): Uint8Array {
	const copy = publicKey.slice();
	const at = (index >> 1) * 3;
	const middle = copy[at + 1] ?? 0;
	if (index % 2 === 0) {
		copy[at] = value & 0xff;
		copy[at + 1] = (middle & 0xf0) | (value >> 8);
	} else {
		copy[at + 1] = (middle & 0x0f) | ((value & 0x0f) << 4);
		copy[at + 2] = value >> 4;
	}
	return copy;
}

const NOBLE = {
	Ed25519: {
		publicKey: (secret: Uint8Array) => ed25519.getPublicKey(secret),
		sign: (message: Uint8Array, secret: Uint8Array) =>
			ed25519.sign(message, secret),
		secret: () => ed25519.utils.randomSecretKey(),
	},
	"P-256": {
		publicKey: (secret: Uint8Array) => p256.getPublicKey(secret, false),
		sign: (message: Uint8Array, secret: Uint8Array) =>
			p256.sign(message, secret, { lowS: false, prehash: true }),
		secret: () => p256.utils.randomSecretKey(),
	},
} as const satisfies Record<SignatureAlgorithm, unknown>;

/** The u of every point of low order, and its other forms in 255 bits (RFC 7748, 5 and 6.1). */
const LOW_ORDER_U = [
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

function littleEndian(number: bigint): Uint8Array {
	return unhex(number.toString(16).padStart(64, "0")).reverse();
}

function numberOf(bytes: Uint8Array): bigint {
	return BigInt(`0x${hex(bytes.toReversed())}`);
}

function contract({
	name: provider,
	crypto,
	x25519FromPrivate,
}: TriedProvider): void {
	suite(provider, () => {
		suite("random and equal", () => {
			test("random yields as many bytes as asked, and others each time", () => {
				for (const length of [0, 1, 32, 5000])
					assert.equal(crypto.random(length).length, length);
				assert.notDeepEqual(crypto.random(32), crypto.random(32));
			});

			test("equal compares contents and accepts different lengths", () => {
				check([bytes(), bytes()], (a, b) => {
					assert.ok(crypto.equal(a, a.slice()));
					assert.equal(crypto.equal(a, b), hex(a) === hex(b));
					assert.ok(!crypto.equal(a, concat(a, Uint8Array.of(0))));
				});
				check(
					[bytes().filter(({ length }) => length > 0), fc.nat()],
					(a, bit) => assert.ok(!crypto.equal(a, flipped(a, bit))),
				);
			});
		});

		suite("hashes", () => {
			test("known answers", () => {
				assert.equal(
					hex(crypto.sha256(utf8("abc"))),
					"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
				);
				assert.equal(
					hex(crypto.sha256()),
					"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
				);
				// RFC 4231, test case 2.
				assert.equal(
					hex(crypto.hmac(utf8("Jefe"), utf8("what do ya want for nothing?"))),
					"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
				);
			});

			test("parts are hashed one after another", () => {
				check([bytes(), fc.array(bytes())], (key, parts) => {
					const whole = concat(...parts);
					assert.deepEqual(crypto.sha256(...parts), crypto.sha256(whole));
					assert.deepEqual(crypto.hmac(key, ...parts), crypto.hmac(key, whole));
				});
			});

			test("HMAC agrees with node:crypto around every length where it goes another way", () => {
				const expected = (key: Uint8Array, message: Uint8Array) =>
					new Uint8Array(
						node.createHmac("sha256", key).update(message).digest(),
					);
				for (const keyBytes of [0, 1, 32, 63, 64, 65, 200])
					for (const size of [
						0, 1, 63, 64, 65, 960, 961, 4031, 4032, 4033, 9000,
					]) {
						const key = crypto.random(keyBytes);
						const message = crypto.random(size);
						const mac = expected(key, message);
						const [head, tail] = [message.subarray(0, 7), message.subarray(7)];
						assert.deepEqual(crypto.hmac(key, message), mac);
						assert.deepEqual(crypto.hmac(key, head, tail), mac);
						assert.deepEqual(crypto.hkdfExtract(key, message), mac);
						assert.deepEqual(crypto.hmac(key, key), expected(key, key));
					}
			});

			test("HKDF in one step is both of its steps", () => {
				for (const length of [1, 31, 32, 33, 64, 96, 97, 8160])
					check(
						[bytes(), bytes(), bytes()],
						(salt, secret, info) =>
							assert.deepEqual(
								crypto.hkdf(salt, secret, info, length),
								new Uint8Array(
									node.hkdfSync("sha256", secret, salt, info, length),
								),
							),
						5,
					);
			});

			test("HKDF agrees with node:crypto at every length up to the limit", () => {
				const length = fc.oneof(
					fc.integer({ min: 1, max: 100 }),
					fc.integer({ min: 1, max: 8160 }),
				);
				check([bytes(), bytes(), bytes(), length], (salt, secret, info, size) =>
					assert.deepEqual(
						crypto.hkdfExpand(crypto.hkdfExtract(salt, secret), info, size),
						new Uint8Array(node.hkdfSync("sha256", secret, salt, info, size)),
					),
				);
			});

			test("HKDF refuses lengths that it does not have", () => {
				const key = new Uint8Array(32);
				assert.equal(crypto.hkdfExpand(key, key, 0).length, 0);
				assert.equal(crypto.hkdfExpand(key, key, 8160).length, 8160);
				for (const size of [8161, 2 ** 32, -1, 1.5, Number.NaN, Infinity])
					assert.throws(
						() => crypto.hkdfExpand(key, key, size),
						INVALID_ARGUMENT,
					);
			});
		});

		suite("what is left behind", () => {
			const key = new Uint8Array(32).fill(7);
			const nothing = new Uint8Array();

			test("by HMAC and hashes of several parts: neither the key nor what was joined", () => {
				const secret = new Uint8Array(100).fill(9);
				for (const call of [
					() => crypto.hmac(key, secret, secret),
					() => crypto.sha256(key, secret),
				]) {
					const { bytes: inputs } = hashed(call);
					assert.ok(inputs.length > 0);
					// The code itself is the caller's.
					for (const input of inputs)
						if (input.length !== 32)
							assert.ok(input.every((byte) => byte === 0));
				}
			});

			test("by HKDF: its output and nothing that it comes from", () => {
				for (const length of [32, 64, 96, 100]) {
					let output: Uint8Array = nothing;
					const { bytes: all } = hashed(() => {
						output = crypto.hkdf(key, key, nothing, length);
					});
					assert.equal(output.length, length);
					for (const left of all)
						if (left.buffer !== output.buffer)
							assert.ok(left.every((byte) => byte === 0));
				}
			});

			test("by an extraction: no digest that the salt would make the key of", () => {
				const { texts } = hashed(() => crypto.hkdfExtract(key, key));
				assert.deepEqual(texts, []);
			});

			test("by a seal: its plaintext is not in memory that others share", () => {
				const parts = [utf8("a plaintext of "), utf8("two parts")];
				for (const name of ["AESGCM", "ChaChaPoly"] satisfies AeadName[]) {
					const aead = crypto.aead(name, key);
					const sealed = aead.sealRecord(new Uint8Array(12), nothing, ...parts);
					const pool = Buffer.allocUnsafe(1);
					for (const { buffer } of [sealed, pool])
						assert.ok(!Buffer.from(buffer).includes(concat(...parts)));
				}
			});

			test("by a record: what others hold that share its memory was sealed, too", () => {
				const aead = crypto.aead("ChaChaPoly", key);
				const nonce = new Uint8Array(12);
				const plaintext = utf8("said to one, and not to another");
				const seal = () => aead.sealRecord(nonce, nothing, plaintext);
				const sealed = [seal(), seal(), seal()];
				const opened = sealed.map((record) =>
					aead.open(nonce, nothing, record),
				);
				for (const one of opened) assert.deepEqual(one, plaintext);
				for (const record of sealed) {
					assert.ok(!Buffer.from(record.buffer).includes(plaintext));
					assert.ok(opened.every((one) => one?.buffer !== record.buffer));
					assert.ok(record.buffer.byteLength <= 4096);
				}
			});

			test("by a seal of its own: it may be a key, and shares its memory with nothing", () => {
				for (const name of ["AESGCM", "ChaChaPoly"] satisfies AeadName[]) {
					const sealed = crypto
						.aead(name, key)
						.seal(new Uint8Array(12), nothing, new Uint8Array(32));
					assert.equal(sealed.buffer.byteLength, sealed.length);
				}
			});
		});

		for (const name of ["AESGCM", "ChaChaPoly"] satisfies AeadName[]) {
			suite(name, () => {
				test("parts are sealed as their whole, and left as they are", () => {
					const key = crypto.random(32);
					const nonce = crypto.random(12);
					const header = crypto.random(5);
					const aead = crypto.aead(name, key);
					for (const sizes of [
						[],
						[0],
						[0, 0],
						[1, 4095],
						[4096],
						[4097],
						[1, 4096],
						[0, 4097, 0],
						[1, 16, 1, 65_536],
						[1, 262_144],
						[8191],
						[8192],
						[8193],
						[1, 8191],
						[1, 8192],
					]) {
						const parts = sizes.map((size) => crypto.random(size));
						const before = parts.map((part) => part.slice());
						const whole = concat(...parts);
						assert.deepEqual(
							aead.sealRecord(nonce, header, ...parts),
							concat(header, aead.seal(nonce, header, whole)),
						);
						assert.deepEqual(parts, before);
						assert.deepEqual(
							aead.open(nonce, header, aead.seal(nonce, header, whole)),
							whole,
						);
					}
				});

				test("what one provider seals, another opens", () => {
					for (const size of [0, 1, 256, 8191, 8192, 8193, 65_536]) {
						const [key, nonce, header] = [32, 12, 5].map(crypto.random);
						assert.ok(key && nonce && header);
						const [ours, nodes] = [crypto, nodeCrypto].map((provider) =>
							provider.aead(name, key),
						);
						assert.ok(ours && nodes);
						const plaintext = crypto.random(size);
						const sealed = ours.seal(nonce, header, plaintext);
						assert.deepEqual(nodes.seal(nonce, header, plaintext), sealed);
						assert.deepEqual(nodes.open(nonce, header, sealed), plaintext);
					}
				});

				test("what was sealed opens", () => {
					check(
						[exactly(32), exactly(12), bytes(), bytes(5000)],
						(key, nonce, associatedData, plaintext) => {
							const aead = crypto.aead(name, key);
							const sealed = aead.seal(nonce, associatedData, plaintext);
							assert.equal(sealed.length, plaintext.length + 16);
							assert.deepEqual(
								crypto.aead(name, key).open(nonce, associatedData, sealed),
								plaintext,
							);
						},
					);
				});

				test("an empty plaintext is sealed as a tag alone", () => {
					const aead = crypto.aead(name, new Uint8Array(32));
					const nonce = new Uint8Array(12);
					const empty = new Uint8Array();
					for (const associatedData of [empty, utf8("header")]) {
						const tag = aead.seal(nonce, associatedData, empty);
						assert.equal(tag.length, 16);
						assert.deepEqual(aead.open(nonce, associatedData, tag), empty);
						assert.equal(aead.open(nonce, utf8("other"), tag), undefined);
					}
				});

				test("one bit changed anywhere does not open", () => {
					check(
						[
							exactly(32),
							exactly(12),
							bytes().filter(({ length }) => length > 0),
							bytes(),
							fc.nat(),
						],
						(key, nonce, associatedData, plaintext, bit) => {
							const aead = crypto.aead(name, key);
							const sealed = aead.seal(nonce, associatedData, plaintext);
							const attempts = [
								aead.open(nonce, associatedData, flipped(sealed, bit)),
								aead.open(nonce, flipped(associatedData, bit), sealed),
								aead.open(flipped(nonce, bit), associatedData, sealed),
								crypto
									.aead(name, flipped(key, bit))
									.open(nonce, associatedData, sealed),
								aead.open(nonce, associatedData, concat(sealed, sealed)),
							];
							for (const attempt of attempts) assert.equal(attempt, undefined);
						},
					);
				});

				test("bytes that were cut do not open", () => {
					const aead = crypto.aead(name, new Uint8Array(32));
					const nonce = new Uint8Array(12);
					const sealed = aead.seal(nonce, nonce, utf8("a plaintext"));
					for (let length = 0; length < sealed.length; length++) {
						const cut = sealed.subarray(0, length);
						assert.equal(aead.open(nonce, nonce, cut), undefined);
					}
				});

				test("views into a larger buffer are read in their bounds", () => {
					const aead = crypto.aead(name, new Uint8Array(32));
					const nonce = new Uint8Array(12);
					const sealed = aead.seal(nonce, nonce, utf8("a plaintext"));
					const padded = concat(Uint8Array.of(9, 9, 9), sealed, sealed);
					assert.deepEqual(
						aead.open(nonce, nonce, padded.subarray(3, 3 + sealed.length)),
						utf8("a plaintext"),
					);
				});

				test("a key or a nonce of another length is the caller's mistake", () => {
					for (const length of [0, 16, 31, 33])
						assert.throws(
							() => crypto.aead(name, new Uint8Array(length)),
							INVALID_ARGUMENT,
						);
					const aead = crypto.aead(name, new Uint8Array(32));
					const empty = new Uint8Array();
					for (const length of [0, 8, 11, 13, 16]) {
						const nonce = new Uint8Array(length);
						assert.throws(
							() => aead.seal(nonce, empty, empty),
							INVALID_ARGUMENT,
						);
						assert.throws(
							() => aead.open(nonce, empty, new Uint8Array(16)),
							INVALID_ARGUMENT,
						);
					}
				});
			});
		}

		suite("X25519", () => {
			test("agrees with noble", () => {
				check([exactly(32), exactly(32)], (ours, theirs) => {
					const key = x25519FromPrivate(ours);
					const peer = x25519.getPublicKey(theirs);
					assert.deepEqual(key.publicKey, x25519.getPublicKey(ours));
					assert.deepEqual(
						key.agree(peer),
						x25519.getSharedSecret(theirs, key.publicKey),
					);
				});
			});

			test("two generated keys agree, and differ from each other", () => {
				const a = crypto.generateX25519();
				const b = crypto.generateX25519();
				assert.equal(a.publicKey.length, 32);
				assert.notDeepEqual(a.publicKey, b.publicKey);
				assert.deepEqual(a.agree(b.publicKey), b.agree(a.publicKey));
				const noble = x25519.keygen();
				assert.deepEqual(
					a.agree(noble.publicKey),
					x25519.getSharedSecret(noble.secretKey, a.publicKey),
				);
			});

			test("a public key of another length, or of low order, yields nothing", () => {
				const key = crypto.generateX25519();
				for (const length of [0, 31, 33, 64])
					assert.equal(key.agree(new Uint8Array(length).fill(9)), undefined);
				assert.equal(key.agree(new Uint8Array(32)), undefined);
				assert.equal(key.agree(unhex(`01${"00".repeat(31)}`)), undefined);
			});

			test("no point of low order is agreed with, however it is written", () => {
				const key = crypto.generateX25519();
				for (const point of LOW_ORDER_U)
					for (const last of [0, 0x80]) {
						const publicKey = unhex(point);
						publicKey[31] = (publicKey[31] ?? 0) | last;
						assert.equal(key.agree(publicKey), undefined, point);
					}
			});

			test("a key that was wiped agrees with nobody", () => {
				const key = crypto.generateX25519();
				const other = crypto.generateX25519();
				assert.ok(key.agree(other.publicKey));
				key.wipe();
				assert.equal(key.agree(other.publicKey), undefined);
				assert.ok(other.agree(key.publicKey));
			});

			test("a private key of another length is the caller's mistake", () => {
				for (const length of [0, 31, 33])
					assert.throws(
						() => x25519FromPrivate(new Uint8Array(length)),
						INVALID_ARGUMENT,
					);
			});
		});

		suite("ML-KEM-768", () => {
			test("agrees with noble in both directions, and on what it rejects", () => {
				check(
					[exactly(64), exactly(32), fc.nat()],
					(seed, message, bit) => {
						const key = kemFromSeed(seed);
						const noble = ml_kem768.keygen(seed);
						assert.deepEqual(key.publicKey, noble.publicKey);

						const theirs = ml_kem768.encapsulate(key.publicKey, message);
						assert.deepEqual(
							key.decapsulate(theirs.cipherText),
							theirs.sharedSecret,
						);
						const ours = crypto.encapsulate(noble.publicKey);
						assert.ok(ours);
						assert.deepEqual(
							ml_kem768.decapsulate(ours.ciphertext, noble.secretKey),
							ours.secret,
						);

						const changed = flipped(ours.ciphertext, bit);
						const rejected = key.decapsulate(changed);
						assert.notDeepEqual(rejected, ours.secret);
						assert.deepEqual(
							rejected,
							ml_kem768.decapsulate(changed, noble.secretKey),
						);
					},
					30,
				);
			});

			test("sizes are those of FIPS 203, and nothing repeats", () => {
				const key = crypto.generateKem();
				assert.equal(key.publicKey.length, ML_KEM_768.publicKeyBytes);
				assert.notDeepEqual(key.publicKey, crypto.generateKem().publicKey);
				const one = crypto.encapsulate(key.publicKey);
				const two = crypto.encapsulate(key.publicKey);
				assert.ok(one && two);
				assert.equal(one.ciphertext.length, ML_KEM_768.ciphertextBytes);
				assert.equal(one.secret.length, ML_KEM_768.secretBytes);
				assert.notDeepEqual(one, two);
				assert.deepEqual(key.decapsulate(one.ciphertext), one.secret);
			});

			test("a public key with a coefficient of 3329 or more is refused", () => {
				const { publicKey } = crypto.generateKem();
				check(
					[fc.nat({ max: 767 }), fc.integer({ min: 3329, max: 4095 })],
					(index, value) => {
						assert.equal(
							crypto.encapsulate(withCoefficient(publicKey, index, value)),
							undefined,
						);
					},
				);
				for (const index of [0, 1, 767])
					assert.ok(
						crypto.encapsulate(withCoefficient(publicKey, index, 3328)),
					);
			});

			test("other lengths yield nothing", () => {
				const key = crypto.generateKem();
				for (const length of [0, 1183, 1185])
					assert.equal(crypto.encapsulate(new Uint8Array(length)), undefined);
				for (const length of [0, 1087, 1089])
					assert.equal(key.decapsulate(new Uint8Array(length)), undefined);
			});
		});

		for (const algorithm of [
			"P-256",
			"Ed25519",
		] satisfies SignatureAlgorithm[]) {
			const noble = NOBLE[algorithm];

			suite(algorithm, () => {
				test("verifies what noble signs, and nothing that was changed", () => {
					check(
						[bytes(), fc.nat()],
						(message, bit) => {
							const secret = noble.secret();
							const publicKey = noble.publicKey(secret);
							const signature = noble.sign(message, secret);
							const verify = (
								key: Uint8Array,
								content: Uint8Array,
								proof: Uint8Array,
							) => crypto.verify(algorithm, key, content, proof);
							assert.ok(verify(publicKey, message, signature));
							assert.ok(!verify(publicKey, message, flipped(signature, bit)));
							assert.ok(!verify(flipped(publicKey, bit), message, signature));
							const longer = concat(message, Uint8Array.of(0));
							assert.ok(!verify(publicKey, longer, signature));
						},
						50,
					);
				});

				test("wrong lengths are false and do not throw", () => {
					const secret = noble.secret();
					const publicKey = noble.publicKey(secret);
					const message = utf8("message");
					const signature = noble.sign(message, secret);
					for (let length = 0; length < 140; length++) {
						const value = new Uint8Array(length);
						value.set(signature.subarray(0, length));
						assert.equal(
							crypto.verify(algorithm, publicKey, message, value),
							length === 64,
						);
						const key = new Uint8Array(length);
						key.set(publicKey.subarray(0, length));
						assert.equal(
							crypto.verify(algorithm, key, message, signature),
							length === publicKey.length,
						);
					}
				});

				test("any bytes are false and do not throw", () => {
					const keys = fc.oneof(
						bytes(),
						exactly(algorithm === "P-256" ? 65 : 32),
					);
					check([keys, bytes(), exactly(64)], (key, message, signature) =>
						assert.equal(
							crypto.verify(algorithm, key, message, signature),
							false,
						),
					);
				});
			});
		}

		test("a P-256 key has one form: neither hybrid nor compressed nor infinity", () => {
			const secret = p256.utils.randomSecretKey();
			const message = utf8("message");
			const signature = p256.sign(message, secret, { prehash: true });
			const publicKey = p256.getPublicKey(secret, false);
			const verify = (key: Uint8Array) =>
				crypto.verify("P-256", key, message, signature);
			assert.ok(verify(publicKey));
			for (let first = 0; first < 256; first++) {
				const key = publicKey.slice();
				key[0] = first;
				assert.equal(verify(key), first === 4);
			}
			assert.ok(!verify(p256.getPublicKey(secret, true)));
			assert.ok(!verify(Uint8Array.of(0)));
		});

		/*
		 * Where implementations of RFC 8032 differ: keys and R with a part of small order, and other
		 * forms of a number or a point. Two devices that judged one signature differently could be
		 * made to disagree about a payment, so this is what every provider does: S·B = R + k·A without
		 * the cofactor, nothing of small order alone, S below the order, and one form of R.
		 */
		test("of Ed25519 keys and signatures with a part of small order, those verify that fit without the cofactor", () => {
			const { Point } = ed25519;
			const order = Point.Fn.ORDER;
			const torsion = ED25519_TORSION_SUBGROUP.map((point) =>
				Point.fromHex(point, true),
			);
			const seen = { true: 0, false: 0 };
			for (const [i, ofKey] of torsion.entries())
				for (const [j, ofR] of torsion.entries())
					for (let n = 0n; n < 5n; n++) {
						const message = utf8(`message ${n}`);
						// Each in turn has nothing but its part of small order.
						const a = n === 3n ? 0n : (n + 5n) ** 90n % order;
						const r = n === 4n ? 0n : (n + 9n) ** 90n % order;
						const A = Point.BASE.multiplyUnsafe(a).add(ofKey);
						const R = Point.BASE.multiplyUnsafe(r).add(ofR);
						const k =
							numberOf(
								new Uint8Array(
									node
										.createHash("sha512")
										.update(concat(R.toBytes(), A.toBytes(), message))
										.digest(),
								),
							) % order;
						const s = (r + k * a) % order;
						const fits = Point.BASE.multiplyUnsafe(s).equals(
							R.add(A.multiplyUnsafe(k)),
						);
						const expected = fits && a !== 0n && r !== 0n;
						seen[`${expected}`]++;
						const verify = (proof: Uint8Array) =>
							crypto.verify("Ed25519", A.toBytes(), message, proof);
						assert.equal(
							verify(concat(R.toBytes(), littleEndian(s))),
							expected,
							`${i} ${j} ${n}`,
						);
						assert.ok(!verify(concat(R.toBytes(), littleEndian(s + order))));
					}
			assert.ok(seen.true > 20 && seen.false > 200);
		});

		test("an Ed25519 key of small order verifies nothing", () => {
			const points = [
				"0100000000000000000000000000000000000000000000000000000000000000",
				"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
				"0000000000000000000000000000000000000000000000000000000000000000",
				"0000000000000000000000000000000000000000000000000000000000000080",
				"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
				"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
				"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
				"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
				// The same points in forms that no encoder writes.
				"0100000000000000000000000000000000000000000000000000000000000080",
				"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
				"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
				"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
				"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
				"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
			].map(unhex);
			const zero = new Uint8Array(32);
			// With S = 0 the equation holds for one message in eight at least, were such keys accepted.
			for (const publicKey of points)
				for (const r of points)
					for (let i = 0; i < 32; i++)
						assert.ok(
							!crypto.verify(
								"Ed25519",
								publicKey,
								utf8(`message ${i}`),
								concat(r, zero),
							),
						);
		});
	});
}

forEachProvider(contract, test);
