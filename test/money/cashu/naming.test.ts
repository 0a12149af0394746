import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { getDecodedToken, getEncodedToken } from "@cashu/cashu-ts";
import { parseCbor, writeCbor } from "../../../src/money/cashu/cbor.ts";
import {
	KnownKeysets,
	makeOutputs,
	parseToken,
	payeeBaseKey,
	payeeKey,
	payeePrivateKey,
	refundPrivateKey,
	resolveKeysets,
	writeToken,
} from "../../../src/money/cashu/index.ts";
import { MAX_DEPTH } from "../../../src/money/cashu/limits.ts";
import {
	currencyOf,
	normaliseMintUrl,
	requireMintUrl,
	unitOf,
} from "../../../src/money/documents/index.ts";
import { hex, utf8 } from "../../../src/wire/index.ts";
import { LIMIT_EXCEEDED, MALFORMED } from "../../wire/only-tetrad-errors.ts";
import { bytesOf, crypto, ecash, hash, TestKeyset } from "./test-mint.ts";

const INVALID = { name: "TetradError", code: "invalid-argument" } as const;

describe("a mint's address", () => {
	test("is written in one way", () => {
		for (const [url, normal] of [
			["https://Mint.Example", "https://mint.example"],
			["HTTPS://mint.example:443/", "https://mint.example"],
			["https://mint.example:8443//", "https://mint.example:8443"],
			["http://127.0.0.1:80", "http://127.0.0.1"],
			["http://[::1]:3338/", "http://[::1]:3338"],
			["https://mint.example/Bitcoin/", "https://mint.example/Bitcoin"],
		] as const) {
			assert.equal(normaliseMintUrl(url), normal);
			assert.equal(requireMintUrl(normal), normal);
			assert.throws(() => requireMintUrl(url), MALFORMED);
		}
	});

	test("is refused where it could be read in two", () => {
		for (const url of [
			...["", "mint.example", "ftp://mint.example", "https://", "https:///a"],
			...["https://a@mint.example", "https://mint.example?a", "https://a#b"],
			...["https://mint.example/a/../b", "https://mint.example/%61"],
			...["https://m\u00efnt.example", "https://mint.example:0", "https://a b"],
			...[
				"https://mint.example:65536",
				"https://mint.example//a",
				"https://a:",
			],
			...[" https://mint.example", "https://mint.example\n", "https://a\\b"],
			`https://${"a".repeat(248)}`,
		])
			assert.throws(() => normaliseMintUrl(url), INVALID, url);
	});
});

describe("keys of a purchase", () => {
	const seed = new Uint8Array(64).fill(1);
	const base = payeeBaseKey(crypto, seed, utf8("shop"));
	const terms = hash("terms");

	test("are the payee's lasting key, moved by the terms, on both sides", () => {
		const secret = payeePrivateKey(crypto, ecash, base, terms);
		const shown = payeeKey(crypto, ecash, ecash.publicKey(base), terms);
		assert.deepEqual(ecash.publicKey(secret), shown);
		const other = payeeKey(crypto, ecash, ecash.publicKey(base), hash("x"));
		assert.notDeepEqual(shown, other);
		assert.notDeepEqual(base, payeeBaseKey(crypto, seed, utf8("another shop")));
	});

	test("follow from the seed and the contract on the payer's", () => {
		const contract = hash("contract");
		const key = refundPrivateKey(crypto, seed, contract);
		assert.equal(key.length, 32);
		assert.deepEqual(key, refundPrivateKey(crypto, seed, contract));
		assert.notDeepEqual(key, refundPrivateKey(crypto, seed, hash("x")));
	});

	test("are none of what is no point", () => {
		for (const wrong of [
			new Uint8Array(33),
			new Uint8Array(33).fill(0xff),
			new Uint8Array(32).fill(2),
		])
			assert.throws(() => payeeKey(crypto, ecash, wrong, terms), MALFORMED);
	});
});

test("a unit has as many decimals as its currency", () => {
	const exponents: Readonly<Record<number, string>> = {
		0: "sat msat bif clp djf gnf isk jpy kmf krw pyg rwf ugx vnd vuv xaf xof xpf gyen abcd ab a1b",
		2: "usd eur gbp usdt usdc eurc abc",
		3: "bhd iqd jod kwd lyd omr tnd",
		8: "btc",
	};
	for (const [exponent, units] of Object.entries(exponents))
		for (const unit of units.split(" "))
			assert.equal(currencyOf(unit).exponent, Number(exponent), unit);
});

test("a unit is the currency that has its name in capital letters", () => {
	for (const [unit, code, exponent] of [
		["sat", "SAT", 0],
		["btc", "BTC", 8],
		["usd", "USD", 2],
		["jpy", "JPY", 0],
		["bhd", "BHD", 3],
		["eurc", "EURC", 2],
		["gyen", "GYEN", 0],
	] as const) {
		assert.deepEqual(currencyOf(unit), { code, exponent });
		assert.equal(unitOf(code), unit);
	}
	assert.equal(unitOf("AUTH"), undefined);
	assert.equal(unitOf("sat"), undefined);
});

describe("a token", () => {
	const mint = new TestKeyset();
	const place = {
		seed: new Uint8Array(64),
		keyset: mint.keyset.id,
		counter: 0,
	};
	const proofs = mint.proofs(makeOutputs(ecash, place, [1n, 8n]));
	const token = { mint: "https://mint.example", unit: "sat", proofs };
	const written = writeToken({ ...token, memo: "Grüße" });

	test("is read by other wallets, and theirs by us", () => {
		const ids = [hex(mint.keyset.id)];
		const theirs = getDecodedToken(written, ids);
		assert.equal(theirs.memo, "Grüße");
		assert.equal(theirs.proofs.length, 2);
		const ours = parseToken(getEncodedToken(theirs));
		const resolved = resolveKeysets(ours, new KnownKeysets([mint.keyset]));
		assert.deepEqual(
			resolved,
			proofs.map((proof) => ({ ...proof, witness: undefined })),
		);
		assert.equal(ours.memo, "Grüße");
	});

	test("may be a link, and have spaces around it", () => {
		for (const link of [
			`cashu:${written}`,
			`  ${written}\n`,
			`cashu://${written}`,
		])
			assert.deepEqual(parseToken(link), parseToken(written));
	});

	test("names keysets that are known, and only one each", () => {
		const read = parseToken(written);
		assert.throws(() => resolveKeysets(read, new KnownKeysets([])), MALFORMED);
		const twin = { ...mint.keyset, id: new Uint8Array(mint.keyset.id) };
		twin.id[32] = (twin.id[32] ?? 0) ^ 1;
		const short = {
			...read,
			proofs: read.proofs.map((proof) => ({
				...proof,
				keyset: proof.keyset.subarray(0, 8),
			})),
		};
		const both = new KnownKeysets([mint.keyset, twin]);
		assert.throws(() => resolveKeysets(short, both), MALFORMED);
		const one = new KnownKeysets([mint.keyset]);
		assert.equal(resolveKeysets(short, one).length, 2);
		assert.throws(
			() => resolveKeysets({ ...read, unit: "usd" }, one),
			MALFORMED,
		);
	});

	test("is refused when it is none, of several mints, or too long", () => {
		const [proof] = JSON.parse(
			`[{"amount":1,"id":"009a1f293253e41e","secret":"a","C":"02${"ab".repeat(32)}"}]`,
		);
		const ofA = (value: unknown) =>
			`cashuA${Buffer.from(JSON.stringify(value)).toString("base64url")}`;
		const part = { mint: "https://a.example", proofs: [proof] };
		assert.equal(parseToken(ofA({ token: [part] })).unit, "sat");
		for (const wrong of [
			"",
			"cashuA",
			"cashuB",
			"cashuC",
			"cashuB!!",
			"cashuBoA",
			`cashuA${Buffer.from("{}").toString("base64url")}`,
			ofA({ token: [] }),
			ofA({ token: [part, { ...part, mint: "https://b.example" }] }),
			ofA({ token: [part, part] }),
			ofA({ token: [part], unit: "auth" }),
			ofA({ token: [{ ...part, proofs: [{ ...proof, amount: 0 }] }] }),
			ofA({ token: [{ ...part, proofs: [{ ...proof, amount: 1.5 }] }] }),
			ofA({ token: [{ ...part, proofs: [{ ...proof, C: "02" }] }] }),
			ofA({ token: [{ ...part, mint: "https://a.example/?" }] }),
		])
			assert.throws(() => parseToken(wrong), MALFORMED, wrong);
		assert.throws(
			() => parseToken(`cashuA${"A".repeat(10_000_000)}`),
			LIMIT_EXCEEDED,
		);
	});

	test("is of CBOR that is all there, and no more", () => {
		const value = { a: 1n, b: [2n ** 40n, "é", bytesOf("ff")] };
		const bytes = writeCbor(value);
		assert.deepEqual(
			parseCbor(bytes),
			new Map<string, unknown>([
				["a", 1n],
				["b", [2n ** 40n, "é", bytesOf("ff")]],
			]),
		);
		for (const wrong of [
			...["", "18", "1f", "5f40ff", "9f01ff", "5bffffffffffffffff", "c001"],
			...["f97e00", "a10101", "a2616101616102", "0101", "62c328", "9affffffff"],
			"81".repeat(20),
		])
			assert.throws(() => parseCbor(bytesOf(wrong)), MALFORMED, wrong);
	});

	test("has values in each other no deeper than MAX_DEPTH, in lists and in maps", () => {
		const lists = (depth: number) => `${"81".repeat(depth)}00`;
		const maps = (depth: number) => `${"a16161".repeat(depth)}00`;
		for (const nested of [lists, maps]) {
			parseCbor(bytesOf(nested(MAX_DEPTH)));
			const tooDeep = bytesOf(nested(MAX_DEPTH + 1));
			assert.throws(() => parseCbor(tooDeep), MALFORMED);
		}
	});
});
