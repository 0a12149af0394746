import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	claimInputs,
	type ExpectedLock,
	encodeLock,
	findKey,
	KnownKeysets,
	type LockTerms,
	lockDeadline,
	lockSecret,
	lockState,
	MAX_LOCK_BYTES,
	makeLockOutputs,
	makeOutputs,
	type ProvenProof,
	parseLock,
	parseStates,
	payeeBaseKey,
	payeeKey,
	payeePrivateKey,
	planLock,
	pointsOf,
	refundInputs,
	refundPrivateKey,
	swapRequest,
	VerifiedLock,
	verifyLock,
} from "../../../src/money/cashu/index.ts";
import { hex, parseUtf8, utf8 } from "../../../src/wire/index.ts";
import { MALFORMED } from "../../wire/only-tetrad-errors.ts";
import { bytesOf, crypto, ecash, hash, json, TestKeyset } from "./test-mint.ts";

const NOW = 1_800_000_000_000;
const SEED = new Uint8Array(64).fill(7);
const KEY = hash("the goods key");
const TERMS_HASH = hash("the contract's terms");
const BASE_PRIVATE = payeeBaseKey(crypto, SEED, utf8("shop.example"));
const BASE = ecash.publicKey(BASE_PRIVATE);
const PAYEE_PRIVATE = payeePrivateKey(crypto, ecash, BASE_PRIVATE, TERMS_HASH);
const CONTRACT = hash("the contract");
const REFUND_PRIVATE = refundPrivateKey(crypto, SEED, CONTRACT);

const TERMS: LockTerms = {
	keyHash: crypto.sha256(KEY),
	payee: payeeKey(crypto, ecash, BASE, TERMS_HASH),
	deadline: lockDeadline(NOW + 86_400_999),
	refund: ecash.publicKey(REFUND_PRIVATE),
	contract: CONTRACT,
	binding: hash("the tetrad"),
};

const MINT = new TestKeyset({ inputFeePpk: 400n });
const PRICE = 5n;

/** What is to be verified, unless a test says otherwise. */
function expecting(changed: Partial<ExpectedLock> = {}): ExpectedLock {
	const { refund: _, ...terms } = TERMS;
	return {
		terms,
		unit: "sat",
		price: PRICE,
		keysets: new KnownKeysets([MINT.keyset]),
		now: NOW,
		...changed,
	};
}

/** Proofs that are locked by what `secretOf` makes of a nonce. */
function locked(
	secretOf: (nonce: string, i: number) => string,
	amounts: readonly bigint[] = planLock(MINT.keyset, PRICE).amounts,
	mint: TestKeyset = MINT,
): ProvenProof[] {
	const place = { seed: SEED, keyset: mint.keyset.id, counter: 0 };
	const outputs = makeOutputs(ecash, place, amounts).map((output, i) => {
		const secret = secretOf(output.secret, i);
		return {
			...output,
			secret,
			blinded: ecash.blind(utf8(secret), output.factor),
		};
	});
	return mint.proofs(outputs);
}

const asAsked = (nonce: string) => lockSecret(TERMS, nonce);
const altered = (change: Partial<LockTerms>) => (nonce: string) =>
	lockSecret({ ...TERMS, ...change }, nonce);
const rewritten = (from: string | RegExp, to: string) => (nonce: string) => {
	const secret = asAsked(nonce);
	const other = secret.replace(from, to);
	assert.notEqual(other, secret);
	return other;
};

function refuses(
	proofs: readonly ProvenProof[],
	message: RegExp,
	expected = expecting(),
): void {
	assert.throws(() => verifyLock(ecash, proofs, expected), {
		name: "TetradError",
		code: "payment-refused",
		message,
	});
}

describe("a lock", () => {
	const place = { seed: SEED, keyset: MINT.keyset.id, counter: 40 };
	const plan = planLock(MINT.keyset, PRICE);
	const outputs = makeLockOutputs(ecash, place, plan.amounts, TERMS);
	const proofs = MINT.proofs(outputs);

	test("is verified without its mint, also after it was carried", () => {
		const carried = parseLock(encodeLock(proofs));
		assert.deepEqual(carried, proofs);
		const lock = verifyLock(ecash, carried, expecting());
		assert.equal(lock.fee, 1n);
		assert.equal(lock.price, PRICE);
		assert.deepEqual(lock.terms, TERMS);
	});

	test("has the form that the document says", () => {
		const [{ secret } = { secret: "" }] = outputs;
		const nonce = hex(ecash.derive(SEED, MINT.keyset.id, 40).secret);
		assert.equal(
			secret,
			`["HTLC",{"nonce":"${nonce}","data":"${hex(TERMS.keyHash)}","tags":[["pubkeys","${hex(TERMS.payee)}"],["locktime","1800086400"],["refund","${hex(TERMS.refund)}"],["tetrad_contract","${hex(CONTRACT)}"],["tetrad_binding","${hex(TERMS.binding)}"]]}]`,
		);
		assert.ok(secret.length < 1024);
	});

	test("is claimed with the key and the payee's signature on each proof", () => {
		const lock = verifyLock(ecash, proofs, expecting());
		const inputs = claimInputs(crypto, ecash, lock, {
			key: KEY,
			privateKey: PAYEE_PRIVATE,
		});
		assert.equal(inputs.length, proofs.length);
		for (const { secret, witness = "" } of inputs) {
			const { preimage, signatures } = JSON.parse(witness);
			assert.equal(preimage, hex(KEY));
			assert.equal(signatures.length, 1);
			assert.ok(
				ecash.verify(utf8(secret), bytesOf(signatures[0]), TERMS.payee),
			);
		}
		const { body } = swapRequest(inputs, outputs);
		const sent = JSON.parse(parseUtf8(body));
		assert.equal(sent.inputs[0].dleq, undefined);
		assert.ok(!parseUtf8(body).includes(hex(proofs[0]?.dleq.r ?? KEY)));
	});

	test("is not claimed with a key that does not open it, or another's", () => {
		const lock = verifyLock(ecash, proofs, expecting());
		for (const keys of [
			{ key: hash("another key"), privateKey: PAYEE_PRIVATE },
			{ key: KEY, privateKey: BASE_PRIVATE },
		])
			assert.throws(() => claimInputs(crypto, ecash, lock, keys), {
				code: "invalid-argument",
			});
	});

	test("is taken back with the payer's signature, and shows no key", () => {
		const inputs = refundInputs(ecash, proofs, REFUND_PRIVATE);
		for (const { secret, witness = "" } of inputs) {
			const { preimage, signatures } = JSON.parse(witness);
			// Without an empty one some mints read no witness.
			assert.equal(preimage, "");
			assert.ok(
				ecash.verify(utf8(secret), bytesOf(signatures[0]), TERMS.refund),
			);
		}
	});

	test("that is verified is made by the check alone", () => {
		assert.throws(
			// @ts-expect-error -- without the proof that only the check has
			() => new VerifiedLock(Symbol(), verifyLock(ecash, proofs, expecting())),
			{ code: "internal" },
		);
	});

	test("that was verified before may be claimed late", () => {
		const late = expecting({ now: NOW + 10 * 86_400_000 });
		refuses(proofs, /deadline is over/, late);
		verifyLock(ecash, proofs, { ...late, now: undefined });
	});
});

describe("a lock is refused", () => {
	const other = new TestKeyset({ name: "another", inputFeePpk: 400n });
	const key = hex(TERMS.payee);
	const stranger = hex(ecash.publicKey(hash("a stranger")));
	const twice = (tag: string) => `${tag},${tag}`;

	for (const [name, secretOf, message] of [
		["for another hash", altered({ keyHash: hash("x") }), /hash is not/],
		["with another deadline", altered({ deadline: 1 }), /deadline is not/],
		[
			"for another key",
			altered({ payee: bytesOf(stranger) }),
			/another key than the payee's/,
		],
		[
			"for another contract",
			altered({ contract: hash("x") }),
			/for another contract/,
		],
		["of another tetrad", altered({ binding: hash("x") }), /of another tetrad/],
		[
			"that goes back to the payee",
			altered({ refund: TERMS.payee }),
			/payer's key in it is the payee's/,
		],
		[
			"that goes back to the payee's key with the other sign",
			altered({
				refund: bytesOf(`${key.startsWith("02") ? "03" : "02"}${key.slice(2)}`),
			}),
			/payer's key in it is the payee's/,
		],
		[
			"that goes back to what is no point",
			altered({ refund: new Uint8Array(33).fill(2, 0, 1).fill(0xff, 1) }),
			/is no point/,
		],
		["that is locked to a key alone", rewritten("HTLC", "P2PK"), /no hash/],
		["of another kind", rewritten("HTLC", "htlc"), /of another kind/],
		["without a condition", (nonce) => nonce, /anybody can spend it/],
		["with JSON that is no condition", () => '{"a":1}', /anybody can spend/],
		[
			"with a tag twice",
			rewritten(/(\["locktime","[0-9]+"\])/, twice("$1")),
			/"locktime" twice/,
		],
		[
			"with an earlier deadline in front",
			rewritten('["locktime"', '["locktime","1"],["locktime"'),
			/"locktime" twice/,
		],
		[
			"with our tag twice",
			rewritten(/(\["tetrad_contract","[0-9a-f]+"\])/, twice("$1")),
			/"tetrad_contract" twice/,
		],
		[
			"with two keys",
			rewritten(`["pubkeys","${key}"`, `["pubkeys","${key}","${stranger}"`),
			/"pubkeys" has 2 values/,
		],
		[
			"with two payers",
			rewritten('["refund",', `["refund","${stranger}",`),
			/"refund" is not one key/,
		],
		[
			"without a payer",
			rewritten(/\["refund","[0-9a-f]+"\],/, ""),
			/after its deadline anybody/,
		],
		[
			"without a deadline",
			rewritten(/\["locktime","[0-9]+"\],/, ""),
			/no tag "locktime"/,
		],
		[
			"that asks for no signature",
			rewritten('"tags":[', '"tags":[["n_sigs","0"],'),
			/"n_sigs" has no place/,
		],
		[
			"that asks for more signatures",
			rewritten('"tags":[', '"tags":[["n_sigs","2"],'),
			/"n_sigs" has no place/,
		],
		[
			"that asks for signatures on all",
			rewritten('"tags":[', '"tags":[["sigflag","SIG_ALL"],'),
			/"sigflag" has no place/,
		],
		[
			"with a tag that nobody knows",
			rewritten('"tags":[', '"tags":[["Ünknown","1"],'),
			/of another name/,
		],
		[
			"with a hash in capital letters",
			(nonce) =>
				asAsked(nonce).replace(hex(TERMS.keyHash), (found) =>
					found.toUpperCase(),
				),
			/hash is not/,
		],
		[
			"with a key in capital letters",
			(nonce) => asAsked(nonce).replace(key, key.toUpperCase()),
			/another key than the payee's/,
		],
		[
			"with a deadline that begins with zero",
			rewritten('["locktime","', '["locktime","0'),
			/deadline is not/,
		],
		[
			"with a deadline that is a number",
			rewritten(/\["locktime","([0-9]+)"\]/, '["locktime",$1]'),
			/no list of texts/,
		],
		[
			"with a deadline of many digits",
			rewritten(/\["locktime","[0-9]+"\]/, `["locktime",${"9".repeat(300)}]`),
			/no list of texts/,
		],
		[
			"with a member twice",
			rewritten('"data"', '"data":"","data"'),
			/one name twice/,
		],
		[
			"with two lists of tags",
			rewritten('"tags"', '"tags":[],"tags"'),
			/one name twice/,
		],
		[
			"with a member that nobody knows",
			rewritten('"data"', '"more":1,"data"'),
			/no place in it/,
		],
		["with spaces", rewritten(",", ", "), /not written in the one way/],
		[
			"with an escape",
			rewritten("pubkeys", "\\u0070ubkeys"),
			/not written in the one way/,
		],
		[
			"with its tags in another order",
			rewritten(/(\["pubkeys",[^\]]*\]),(\["locktime",[^\]]*\])/, "$2,$1"),
			/not written in the one way/,
		],
		[
			"with a nonce in capital letters",
			(nonce) => asAsked(nonce.toUpperCase()),
			/nonce is not 32 bytes/,
		],
		[
			"with something behind it",
			(nonce) => `${asAsked(nonce)} x`,
			/cannot be read|anybody/,
		],
		[
			"that is too deep",
			(nonce) =>
				asAsked(nonce).replace(
					'"tags":[',
					`"tags":[${"[".repeat(99)}${"]".repeat(99)},`,
				),
			/too deep/,
		],
	] as const satisfies readonly (readonly [
		string,
		(nonce: string) => string,
		RegExp,
	])[])
		test(name, () => refuses(locked(secretOf), message));

	test("when only one of its proofs is wrong", () => {
		const wrong = altered({ keyHash: hash("x") });
		refuses(
			locked((nonce, i) => (i === 1 ? wrong(nonce) : asAsked(nonce))),
			/hash is not/,
		);
		refuses(
			locked((nonce, i) =>
				i === 1
					? altered({ refund: bytesOf(stranger) })(nonce)
					: asAsked(nonce),
			),
			/go back to different keys/,
		);
	});

	test("over another sum", () => {
		refuses(locked(asAsked, [1n, 2n, 2n]), /worth 5, and not 5 and 2/);
		refuses(locked(asAsked, [1n, 2n, 2n, 2n, 2n]), /worth 9, and not 5 and 2/);
		refuses(locked(asAsked, [8n]), /worth 8, and not 5 and 1/);
		const free = new TestKeyset({ name: "free" });
		const keysets = new KnownKeysets([free.keyset]);
		verifyLock(ecash, locked(asAsked, [1n, 4n], free), expecting({ keysets }));
	});

	test("that another mint signed, or nobody", () => {
		refuses(locked(asAsked, undefined, other), /not known to have/);
		const proofs = locked(asAsked);
		const forged = proofs.map((proof) => ({
			...proof,
			dleq: { ...proof.dleq, s: proof.dleq.e },
		}));
		refuses(forged, /does not show that its mint signed/);
		const relabelled = locked(asAsked, undefined, other).map((proof) => ({
			...proof,
			keyset: MINT.keyset.id,
		}));
		refuses(relabelled, /does not show that its mint signed/);
	});

	test("of which a proof was signed for less", () => {
		const [first, ...rest] = locked(asAsked, [1n, 1n, 1n, 1n]);
		assert.ok(first);
		refuses([{ ...first, amount: 4n }, ...rest], /does not show|worth/);
		refuses([{ ...first, amount: 3n }, ...rest], /has no proofs of 3|worth/);
	});

	test("with a proof twice", () => {
		const [first, ...rest] = locked(asAsked);
		assert.ok(first);
		refuses([first, first, ...rest], /one proof twice/);
	});

	test("in another unit, or of a keyset that ends before its deadline", () => {
		refuses(locked(asAsked), /in another unit/, expecting({ unit: "usd" }));
		const ending = new TestKeyset({
			name: "ending",
			finalExpiry: TERMS.deadline,
			inputFeePpk: 400n,
		});
		const keysets = new KnownKeysets([ending.keyset]);
		refuses(
			locked(asAsked, undefined, ending),
			/owes nothing/,
			expecting({ keysets }),
		);
	});

	test("of no proofs, of too many, or of too many bytes", () => {
		refuses([], /0 proofs/);
		const [proof] = locked(asAsked);
		assert.ok(proof);
		refuses(new Array(65).fill(proof), /65 proofs/);
		assert.throws(() => parseLock(new Uint8Array()), MALFORMED);
		assert.throws(() => parseLock(new Uint8Array(10_000_000)), MALFORMED);
		assert.ok(MAX_LOCK_BYTES < 2 ** 17);
		const bare = encodeLock([proof]);
		assert.throws(() => parseLock(bare.subarray(0, -1)), MALFORMED);
	});

	test("but not when its keyset is not active any more", () => {
		const old = new TestKeyset({
			name: "old",
			isActive: false,
			inputFeePpk: 400n,
		});
		const keysets = new KnownKeysets([MINT.keyset, old.keyset]);
		verifyLock(ecash, locked(asAsked, undefined, old), expecting({ keysets }));
	});
});

describe("what a mint tells of a lock", () => {
	const proofs = locked(asAsked);
	const ys = pointsOf(ecash, proofs);
	const { keyHash } = TERMS;
	const told = (...states: readonly (readonly [string, unknown?])[]) =>
		lockState(
			crypto,
			parseStates(
				json({
					states: ys.map((y, i) => ({
						Y: hex(y),
						state: states[i]?.[0] ?? "UNSPENT",
						witness: states[i]?.[1] ?? null,
					})),
				}),
				ys,
			),
			keyHash,
		);
	const claim = JSON.stringify({ preimage: hex(KEY), signatures: ["00"] });

	test("has the key once any proof was claimed", () => {
		assert.deepEqual(told(), { kind: "open" });
		assert.deepEqual(told(["PENDING"]), { kind: "pending" });
		assert.deepEqual(told(["UNSPENT"], ["SPENT", claim]), {
			kind: "claimed",
			key: KEY,
		});
	});

	test("has the key however whoever claimed has written it", () => {
		const text = hex(KEY);
		const spaced = text.replace(/(..)/g, "$1 ");
		const escaped = [...text]
			.map((digit) => `\\u00${digit.charCodeAt(0).toString(16)}`)
			.join("");
		for (const witness of [
			JSON.stringify({ preimage: text.toUpperCase() }),
			JSON.stringify({ preimage: spaced }),
			JSON.stringify({ preimage: `\t${spaced.replace(/ /, "\n")}` }),
			`{"preimage":"${escaped}"}`,
			`{"preimage":"${"0".repeat(64)}","preimage":"${text}"}`,
			`{"preimage":"${text}","preimage":"${"0".repeat(64)}"}`,
			`{"x":NaN,"preimage":"${text}"}`,
			`{"signatures":["${"0".repeat(2e6)}"],"preimage":"${text}"}`,
		])
			assert.deepEqual(told(["SPENT", witness]), { kind: "claimed", key: KEY });
		assert.deepEqual(told(["SPENT", { preimage: text }]), {
			kind: "claimed",
			key: KEY,
		});
	});

	test("is no key when the witness is none, or is not there", () => {
		const wrong = JSON.stringify({ preimage: hex(hash("x")) });
		for (const witness of [
			wrong,
			JSON.stringify({ preimage: hex(KEY).slice(1) }),
			JSON.stringify({ signatures: ["00"] }),
			"x",
		])
			assert.deepEqual(told(["SPENT", witness]), {
				kind: "spent-without-key",
				isWitnessShown: true,
			});
		for (const witness of [null, ""])
			assert.deepEqual(told(["SPENT", witness]), {
				kind: "spent-without-key",
				isWitnessShown: false,
			});
		assert.equal(findKey(crypto, wrong, keyHash), undefined);
	});

	test("is refused when it is about other proofs, too few, or too large", () => {
		const state = (y: Uint8Array, more: object = {}) => ({
			Y: hex(y),
			state: "UNSPENT",
			...more,
		});
		for (const states of [
			ys.toReversed().map((y) => state(y)),
			ys.slice(1).map((y) => state(y)),
			ys.map((y) => state(y, { state: "unspent" })),
			ys.map((y) => state(y, { Y: hex(y).toUpperCase() })),
		])
			assert.throws(() => parseStates(json({ states }), ys), MALFORMED);
		const large = state(ys[0] as Uint8Array, {
			witness: "0".repeat(2 ** 21 + 1),
		});
		assert.throws(() => parseStates(json({ states: [large] }), ys), {
			code: "limit-exceeded",
		});
		assert.throws(() => parseStates(new Uint8Array(5_000_000), ys), {
			code: "limit-exceeded",
		});
	});
});
