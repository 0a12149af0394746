import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	blankCount,
	inOrder,
	type Keyset,
	KnownKeysets,
	makeBlankOutputs,
	makeOutputs,
	meltRequest,
	mintQuoteStateRequest,
	mintRefused,
	parseKeys,
	parseKeysets,
	parseMeltQuote,
	parseMintError,
	parseMintInfo,
	parseMintQuote,
	parseRestored,
	parseSignatures,
	plainInputs,
	requireForPurchases,
	restoreRequest,
	stateRequest,
	swapRequest,
	unblindAll,
	unblindChange,
	unblindRestored,
} from "../../../src/money/cashu/index.ts";
import { parseJsonText, writeJson } from "../../../src/money/cashu/json.ts";
import { MAX_DEPTH } from "../../../src/money/cashu/limits.ts";
import { hex, parseUtf8, utf8 } from "../../../src/wire/index.ts";
import { LIMIT_EXCEEDED, MALFORMED } from "../../wire/only-tetrad-errors.ts";
import { NUT02_ALL_KEYS, NUT02_FOUR_KEYS, NUT02_IDS } from "./nut-vectors.ts";
import { crypto, ecash, json, TestKeyset } from "./test-mint.ts";

const SEED = new Uint8Array(64).fill(9);
const MINT = new TestKeyset({ inputFeePpk: 100n });
const KEYSETS = new KnownKeysets([MINT.keyset]);
const PLACE = { seed: SEED, keyset: MINT.keyset.id, counter: 3 };
/** The largest number of 64 bits, which some mints have for none. */
const MOST = "18446744073709551615";
const UNPROVEN = {
	name: "TetradError",
	code: "authentication-failed",
} as const;

describe("JSON of a stranger", () => {
	test("has integers of any size, and each name once", () => {
		const read = parseJsonText(
			'{"a": 9007199254740993, "b": [1.5, 1e3, -0, -7, true, null, "\\u00e9\\n"]}',
		);
		assert.ok(read instanceof Map);
		assert.equal(read.get("a"), 9_007_199_254_740_993n);
		assert.deepEqual(read.get("b"), [1.5, 1000, 0n, -7n, true, null, "é\n"]);
		assert.equal(
			writeJson(read),
			'{"a":9007199254740993,"b":[1.5,1000,0,-7,true,null,"é\\n"]}',
		);
	});

	test("is refused where it is none", () => {
		for (const text of [
			...["", " ", "{", "[1,]", "[,1]", '{"a":1,}', '{"a"}', "{a:1}", "[1 2]"],
			...["01", "+1", ".5", "1.", "0x1", "NaN", "nul", "1 1", "[1]]", "'a'"],
			...['"\\x"', '"\\u00g0"', '"a', '"\n"', '"\\ud800"', '{"a":1,"a":2}'],
			...["[".repeat(18) + "]".repeat(18), '{"a":1,"\\u0061":1}', "\ufeff1"],
		])
			assert.throws(() => parseJsonText(text), MALFORMED, text);
	});

	test("has values in each other no deeper than MAX_DEPTH, in lists and in objects", () => {
		const lists = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
		const objects = (depth: number) =>
			`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
		parseJsonText(lists(MAX_DEPTH + 1));
		parseJsonText(objects(MAX_DEPTH));
		for (const text of [lists(MAX_DEPTH + 2), objects(MAX_DEPTH + 1)])
			assert.throws(() => parseJsonText(text), MALFORMED, text);
	});

	test("is read in one go, however it is made up", () => {
		const quotes = JSON.stringify('\\"'.repeat(100_000));
		assert.equal(parseJsonText(quotes), '\\"'.repeat(100_000));
		assert.equal(
			(parseJsonText(`[${"1,".repeat(1e5)}1]`) as []).length,
			1e5 + 1,
		);
		const digits = parseJsonText("9".repeat(100_000));
		assert.equal(typeof digits, "number");
	});
});

describe("the keyset that is signed with", () => {
	const of = (name: string, changes: Partial<Keyset> = {}): Keyset => ({
		...new TestKeyset({ name, powers: 2 }).keyset,
		...changes,
	});
	const active = (...all: readonly Keyset[]) =>
		new KnownKeysets(all).active("sat", 1_000_000)?.id;

	test("costs least, and has the smallest id of those, in whichever order they come", () => {
		const [small, large] = [of("a"), of("b")].sort((a, b) =>
			hex(a.id) < hex(b.id) ? -1 : 1,
		) as [Keyset, Keyset];
		assert.deepEqual(active(small, large), small.id);
		assert.deepEqual(active(large, small), small.id);
		const dear = { ...small, inputFeePpk: 1n };
		assert.deepEqual(active(dear, large), large.id);
		assert.deepEqual(active(large, dear), large.id);
	});

	test("is of that unit, active, and not over", () => {
		const keyset = of("a");
		assert.deepEqual(active({ ...keyset, finalExpiry: 1001 }), keyset.id);
		for (const changes of [
			{ finalExpiry: 1000 },
			{ isActive: false },
			{ unit: "usd" },
		])
			assert.equal(active({ ...keyset, ...changes }), undefined);
	});

	test("stays what it was under its id", () => {
		const keyset = of("a");
		const known = new KnownKeysets([keyset]);
		const other = of("b");
		known.with([{ ...keyset, isActive: false }, other]);
		for (const changes of [
			{ unit: "usd" },
			{ keys: other.keys },
			{ keys: new Map([...keyset.keys].slice(0, 1)) },
		])
			assert.throws(() => known.with([{ ...keyset, ...changes }]), {
				code: "authentication-failed",
			});
	});
});

describe("keysets of a mint", () => {
	const notices = (keysets: readonly unknown[]) =>
		parseKeysets(json({ keysets }));
	const keys = (...keysets: readonly unknown[]) =>
		parseKeys(crypto, ecash, json({ keysets }), notices(keysets));

	test("are read with their keys", () => {
		const dollars = new TestKeyset({
			unit: "usd",
			version: 0,
			isActive: false,
		});
		assert.deepEqual(keys(MINT.written(), dollars.written()), [
			MINT.keyset,
			dollars.keyset,
		]);
	});

	test("are left out when we do not know what they are", () => {
		const of = MINT.written();
		assert.deepEqual(
			keys(
				{ ...of, id: "yjzQhxghPdrr" },
				{ ...of, id: "02ab" },
				{ ...of, unit: "auth" },
				{ ...of, unit: "SAT" },
			),
			[],
		);
	});

	test("have the id that follows from their keys", () => {
		const other = new TestKeyset({ name: "another" }).written();
		for (const changed of [
			{ keys: other["keys"] },
			{ unit: "usd" },
			{ input_fee_ppk: 0 },
			{ final_expiry: 1_900_000_000 },
		])
			assert.throws(() => keys({ ...MINT.written(), ...changed }), UNPROVEN);
	});

	test("have keys for larger amounts than ours can be, which are not used", () => {
		const all = Object.fromEntries(
			NUT02_ALL_KEYS.map((key, i) => [`${2n ** BigInt(i)}`, key]),
		);
		const of = { unit: "sat", active: true, keys: all };
		const [keyset] = keys({ ...of, id: NUT02_IDS.allLong });
		assert.equal(keyset?.keys.size, 63);
	});

	test("keep their keys and their unit, and may change all else", () => {
		const old = new TestKeyset({ version: 0 }).keyset;
		const known = new KnownKeysets([old]);
		const now = { ...old, isActive: false, inputFeePpk: 7n };
		assert.deepEqual(known.with([now]).get(old.id), now);
		assert.equal(known.with([MINT.keyset]).all().length, 2);
		const other = new TestKeyset({ name: "another", version: 0 }).keyset;
		for (const changed of [{ keys: other.keys }, { unit: "usd" }])
			assert.throws(() => known.with([{ ...old, ...changed }]), UNPROVEN);
	});

	test("are refused with other types, or keys that are none", () => {
		const of = MINT.written();
		const [one, ...others] = NUT02_FOUR_KEYS as [string, ...string[]];
		for (const changed of [
			{ active: "true" },
			{ unit: 1 },
			{ unit: "" },
			{ input_fee_ppk: 1.5 },
			{ input_fee_ppk: -1 },
			{ input_fee_ppk: "100" },
			{ input_fee_ppk: 1e9 },
			{ final_expiry: 1e20 },
			{ id: 1 },
			{ keys: [] },
			{ keys: {} },
			{ keys: { "1": one.slice(2) } },
			{ keys: { "1": one.toUpperCase() } },
			{ keys: { "2": `04${one.slice(2)}${others[0]?.slice(2)}` } },
			{ keys: { "01": one } },
			{ keys: { "-1": one } },
			{ keys: { "1.0": one } },
		])
			assert.throws(
				() => keys({ ...of, ...changed }),
				MALFORMED,
				JSON.stringify(changed),
			);
		const notPoints = { "1": "00".repeat(33) };
		assert.throws(() => keys({ ...of, keys: notPoints }), UNPROVEN);
		assert.throws(() => notices(new Array(257).fill(of)), LIMIT_EXCEEDED);
		assert.throws(
			() => parseKeysets(new Uint8Array(5_000_000)),
			LIMIT_EXCEEDED,
		);
	});
});

describe("what a mint signs", () => {
	const outputs = makeOutputs(ecash, PLACE, [1n, 4n]);

	test("becomes proofs that anybody can check", () => {
		const proofs = unblindAll(
			ecash,
			KEYSETS,
			outputs,
			parseSignatures(MINT.answer(outputs)),
		);
		for (const { dleq, secret, signature, amount } of proofs)
			assert.ok(
				ecash.verifyCarriedDleq(
					dleq,
					utf8(secret),
					signature,
					KEYSETS.key(MINT.keyset.id, amount),
				),
			);
	});

	test("follows from the seed, the keyset and the counter alone", () => {
		const [, again] = makeOutputs(ecash, PLACE, [1n, 4n]);
		assert.deepEqual(again, outputs[1]);
		const later = { ...PLACE, counter: 4 };
		assert.deepEqual(makeOutputs(ecash, later, [4n]), [again]);
		assert.throws(
			() => makeOutputs(ecash, { ...PLACE, counter: 2 ** 31 - 1 }, [1n, 1n]),
			LIMIT_EXCEEDED,
		);
	});

	test("is refused when it is not what was asked for", () => {
		const [one, four] = JSON.parse(parseUtf8(MINT.answer(outputs))).signatures;
		const swindling = new TestKeyset({ name: "another" });
		const [out] = outputs;
		assert.ok(out);
		const other = swindling.sign(1n, out.blinded);
		for (const [signatures, error] of [
			[[one], MALFORMED],
			[[one, four, four], MALFORMED],
			[[four, one], MALFORMED],
			[[{ ...one, amount: 2 }, four], MALFORMED],
			[[{ ...one, amount: 1.5 }, four], MALFORMED],
			[[{ ...one, id: "00456a94ab4e1c46" }, four], MALFORMED],
			[[{ ...one, C_: one.C_.slice(2) }, four], MALFORMED],
			[[{ ...one, C_: other.C_ }, four], UNPROVEN],
			[[{ ...one, dleq: four.dleq }, four], UNPROVEN],
			[[{ ...one, dleq: undefined }, four], UNPROVEN],
			[[{ ...one, dleq: null }, four], UNPROVEN],
			[[{ ...one, dleq: { e: one.dleq.e } }, four], MALFORMED],
			// A mint that swapped its keys signs well, with others.
			[[{ ...other, id: one.id }, four], UNPROVEN],
		] as const)
			assert.throws(
				() =>
					unblindAll(
						ecash,
						KEYSETS,
						outputs,
						parseSignatures(json({ signatures })),
					),
				error,
			);
		assert.throws(
			() => parseSignatures(json({ signatures: new Array(257).fill(one) })),
			LIMIT_EXCEEDED,
		);
	});

	test("is restored for those outputs that it had signed", () => {
		const [one, four] = outputs;
		assert.ok(one && four);
		const signature = MINT.sign(4n, four.blinded);
		const output = { amount: 4, id: signature.id, B_: hex(four.blinded) };
		const restore = (answer: unknown, kind: "outputs" | "blanks" = "outputs") =>
			unblindRestored(
				ecash,
				KEYSETS,
				outputs,
				parseRestored(json(answer)),
				kind,
			);
		const whole = { outputs: [output], signatures: [signature] };
		const [missing, restored] = restore(whole);
		assert.equal(missing, undefined);
		assert.equal(restored?.secret, four.secret);
		assert.deepEqual(restore({ outputs: [], signatures: [] }), [
			undefined,
			undefined,
		]);
		const { dleq: _, ...bare } = signature;
		const [, unproven] = restore({ outputs: [output], signatures: [bare] });
		assert.deepEqual(unproven, { ...restored, dleq: undefined });
		const stranger = makeOutputs(ecash, { ...PLACE, counter: 99 }, [4n])[0];
		assert.ok(stranger);
		for (const wrong of [
			{ outputs: [output], signatures: [] },
			{ outputs: [output, output], signatures: [signature, signature] },
			{
				outputs: [{ ...output, B_: hex(stranger.blinded) }],
				signatures: [signature],
			},
			{ outputs: [output], signatures: [MINT.sign(8n, four.blinded)] },
		])
			assert.throws(() => restore(wrong), MALFORMED);
		const [, larger] = restore(
			{ outputs: [output], signatures: [MINT.sign(8n, four.blinded)] },
			"blanks",
		);
		assert.equal(larger?.amount, 8n);
	});

	test("gives back what a payment did not need", () => {
		assert.deepEqual([0n, 1n, 2n, 3n, 4n, 1000n].map(blankCount), [
			...[0, 1, 1, 2, 2, 10],
		]);
		const blanks = makeBlankOutputs(ecash, PLACE, 1000n);
		const change = [4n, 128n].map((amount, i) =>
			MINT.sign(amount, blanks[i]?.blinded as Uint8Array),
		);
		const quote = parseMeltQuote(
			json({
				quote: "q",
				amount: 5,
				state: "PAID",
				payment_preimage: "ab",
				change,
			}),
		);
		assert.equal(quote.kind, "paid");
		const proofs = unblindChange(ecash, KEYSETS, blanks, quote.change);
		assert.deepEqual(
			proofs.map(({ amount }) => amount),
			[4n, 128n],
		);
		assert.throws(
			() => unblindChange(ecash, KEYSETS, blanks.slice(0, 1), quote.change),
			MALFORMED,
		);
	});
});

describe("what a mint is asked", () => {
	const outputs = makeOutputs(ecash, PLACE, [4n, 1n]);
	const proofs = MINT.proofs(outputs);

	test("is the same bytes each time, and never how a signature was blinded", () => {
		const request = swapRequest(plainInputs(proofs), inOrder(outputs));
		assert.equal(request.path, "/v1/swap");
		const [four, one] = proofs;
		const id = hex(MINT.keyset.id);
		assert.equal(
			parseUtf8(request.body),
			`{"inputs":[{"amount":4,"id":"${id}","secret":"${four?.secret}","C":"${hex(four?.signature as Uint8Array)}"},{"amount":1,"id":"${id}","secret":"${one?.secret}","C":"${hex(one?.signature as Uint8Array)}"}],"outputs":[{"amount":1,"id":"${id}","B_":"${hex(outputs[1]?.blinded as Uint8Array)}"},{"amount":4,"id":"${id}","B_":"${hex(outputs[0]?.blinded as Uint8Array)}"}]}`,
		);
		assert.deepEqual(
			swapRequest(plainInputs(proofs), inOrder(outputs)),
			request,
		);
	});

	test("has amounts that no double has", () => {
		const large = { ...(proofs[0] as (typeof proofs)[0]), amount: 2n ** 62n };
		const { body } = meltRequest("q", plainInputs([large]), []);
		assert.match(parseUtf8(body), /"amount":4611686018427387904,/);
		assert.doesNotMatch(parseUtf8(body), /outputs/);
	});

	test("is limited, and a quote's name is no path", () => {
		const [output] = outputs;
		assert.ok(output);
		const many = new Array(257).fill(output);
		assert.throws(() => swapRequest([], many), LIMIT_EXCEEDED);
		assert.throws(() => restoreRequest(many), LIMIT_EXCEEDED);
		assert.throws(
			() => stateRequest(many.map(({ blinded }) => blinded)),
			LIMIT_EXCEEDED,
		);
		for (const quote of ["../swap", "a/b", "..", "", "a b", "a?b", "a%2f"])
			assert.throws(() => mintQuoteStateRequest(quote), {
				code: "invalid-argument",
			});
		assert.equal(
			mintQuoteStateRequest("019e6d5a-2347-7000-8322-05d51d498303").path,
			"/v1/mint/quote/bolt11/019e6d5a-2347-7000-8322-05d51d498303",
		);
	});
});

describe("what a mint says", () => {
	test("of quotes is read", () => {
		const quote = { quote: "q", request: "lnbc1", state: "PAID", expiry: 0 };
		assert.deepEqual(
			parseMintQuote(json({ ...quote, amount: 7, unit: "sat" })),
			{
				quote: "q",
				invoice: "lnbc1",
				kind: "paid",
				amount: 7n,
				unit: "sat",
				expiry: undefined,
			},
		);
		for (const changed of [
			{ state: "paid" },
			{ state: "__proto__" },
			{ quote: "" },
			{ amount: -1 },
			{ amount: "7" },
		])
			assert.throws(
				() => parseMintQuote(json({ ...quote, ...changed })),
				MALFORMED,
			);
	});

	test("of a failure is read, also by the codes that mints had before", () => {
		const failure = (value: unknown) => parseMintError(json(value));
		assert.equal(
			failure({ code: 11001, detail: "spent" }).kind,
			"already-spent",
		);
		assert.equal(failure({ code: 10002, detail: "" }).kind, "already-signed");
		assert.equal(failure({ detail: "x" }).kind, "other");
		assert.deepEqual(failure({ code: 1e5, detail: "a\u001b[31mb\u202ec" }), {
			kind: "other",
			code: 100_000,
			detail: "a\ufffd[31mb\ufffdc",
		});
		assert.equal(
			failure({ code: 1, detail: "x".repeat(999) }).detail.length,
			256,
		);
		assert.equal(mintRefused(failure({ code: 1 })).code, "issuer-refused");
		for (const wrong of [{}, [], "no", { code: "11001" }, null])
			assert.throws(() => failure(wrong), MALFORMED);
		assert.throws(() => parseMintError(utf8("<html>")), MALFORMED);
	});

	test("that it can do has to be enough for purchases", () => {
		const supported = { supported: true };
		const nuts = Object.fromEntries(
			[7, 8, 9, 10, 11, 12, 14].map((nut) => [nut, supported]),
		);
		const info = (more: object) =>
			parseMintInfo(
				utf8(
					JSON.stringify({
						name: "A mint",
						nuts: { ...nuts, ...more },
					}).replace(`"${MOST}"`, MOST),
				),
			);
		requireForPurchases(info({}));
		for (const [nut, what] of [
			[7, /what became of proofs \(NUT-07\)/],
			[9, /restore/],
			[11, /lock to keys/],
			[12, /prove/],
			[14, /lock to hashes \(NUT-14\)/],
		] as const)
			for (const said of [undefined, {}, true, { supported: "true" }, []])
				assert.throws(() => requireForPurchases(info({ [nut]: said })), {
					code: "issuer-refused",
					message: what,
				});
		const full = info({
			4: {
				methods: [
					{ method: "bolt11", unit: "sat", min_amount: 1, max_amount: null },
					{ method: "bolt12", unit: "sat" },
				],
				disabled: false,
			},
			5: { methods: [{ method: "bolt11", unit: "sat" }], disabled: true },
			19: {
				ttl: 60,
				cached_endpoints: [{ method: "POST", path: "/v1/swap" }],
			},
		});
		assert.deepEqual(full.minting, [{ unit: "sat", min: 1n, max: undefined }]);
		assert.deepEqual(full.melting, []);
		assert.ok(full.cached.has("POST /v1/swap"));
		assert.equal(full.cachedFor, 60);
		assert.equal(parseMintInfo(utf8("{}")).nuts.size, 0);
		const sparse = info({
			4: {},
			5: { methods: [{ method: "bolt11", unit: "sat", max_amount: MOST }] },
			19: { ttl: null },
		});
		assert.deepEqual(sparse.minting, []);
		assert.equal(sparse.melting[0]?.max, 2n ** 64n - 1n);
		assert.equal(sparse.cachedFor, undefined);
	});
});
