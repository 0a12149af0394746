/* What the mints of a purse are called: nothing else of it is called so. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	requireDistinct,
	trustedMint,
} from "../../src/device/purse/purse-mints.ts";

const of = (url: string) => ({ url, unit: "sat", isPlay: true });

function namesOf(urls: readonly string[], issuers: readonly string[] = []) {
	const named = requireDistinct(
		urls.map(of),
		issuers.map((name) => ({ name })),
	);
	return named.map((mint) => trustedMint(mint).name);
}

describe("the mints of a purse", () => {
	test("are called by their addresses without the scheme", () => {
		assert.deepEqual(
			namesOf(["https://a.example", "https://b.example/sat"], ["bank.example"]),
			["a.example", "b.example/sat"],
		);
	});

	test("are called by their whole addresses where an issuer, or another mint, is called so", () => {
		assert.deepEqual(
			namesOf(["https://a.example", "https://b.example"], ["a.example"]),
			["https://a.example", "b.example"],
		);
		assert.deepEqual(namesOf(["https://a.example", "http://a.example"]), [
			...["https://a.example", "http://a.example"],
		]);
	});

	test("are refused where nothing tells them from an issuer, or one is named twice", () => {
		const code = "invalid-argument";
		assert.throws(
			() => namesOf(["https://a.example"], ["a.example", "https://a.example"]),
			{ code, message: /https:\/\/a\.example would be called as an issuer/ },
		);
		assert.throws(() => namesOf(["https://a.example", "https://a.example/"]), {
			code,
		});
	});
});
