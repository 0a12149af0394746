/* What a contract over ecash says of its seller, in the place of a selling certificate. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { mintId } from "../../src/money/documents/index.ts";
import {
	certificateOf,
	encodeMintTerms,
	type MintTerms,
	parseContract,
	parseMintTerms,
	parseSeller,
	railOf,
	railPromises,
	sellerOf,
	verifyContract,
} from "../../src/trade/documents/index.ts";
import { enc, hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { TradeWorld } from "./world.ts";

const world = await TradeWorld.make();
const MINT = "https://mint.example/coins";

function terms(changes: Partial<MintTerms> = {}): MintTerms {
	return {
		mint: MINT,
		unit: "sat",
		module: world.idOf("sellerModule"),
		agent: world.idOf("sellerAgent"),
		generation: 1,
		payeeKey: filled(33, 2),
		...changes,
	};
}

function failsWith(run: () => unknown, code: string, message = /./): void {
	assert.throws(run, { code, message });
}

/** A contract over ecash. */
function sold(changes: Partial<MintTerms> = {}, issuer = MINT) {
	return world.contract({
		rail: "cashu",
		issuer: mintId(nodeCrypto, issuer),
		currency: "SAT",
		certificate: encodeMintTerms(terms(changes)),
	});
}

describe("the terms of a mint's money", () => {
	test("are read as they were written", () => {
		assert.deepEqual(parseMintTerms(encodeMintTerms(terms())), terms());
	});

	test("are told from a selling certificate by their first field", async () => {
		const certified = parseSeller(nodeCrypto, await world.certificate());
		assert.equal(railOf(certified), "own-notes");
		const atMint = parseSeller(nodeCrypto, encodeMintTerms(terms()));
		assert.equal(railOf(atMint), "cashu");
		assert.deepEqual(sellerOf(atMint), {
			...terms(),
			issuer: mintId(nodeCrypto, MINT),
		});
		failsWith(() => certificateOf(atMint), "payment-refused", /mint/);
	});

	test("of another format, with more or with less are refused", () => {
		const good = encodeMintTerms(terms());
		const other = good.slice();
		other[4] = 2;
		failsWith(() => parseMintTerms(other), "malformed", /format 2/);
		for (const bad of [good.slice(0, -1), new Uint8Array([...good, 0])])
			failsWith(() => parseMintTerms(bad), "malformed");
		failsWith(() => parseMintTerms(enc(filled(1, 1))), "malformed");
	});

	test("whose mint could be written otherwise, or whose unit is no currency, are refused", () => {
		for (const changes of [
			{ mint: `${MINT}/` },
			{ mint: "https://Mint.example/coins" },
			{ mint: "mint.example" },
			{ unit: "SAT" },
			{ unit: "auth" },
		])
			failsWith(
				() => parseMintTerms(encodeMintTerms(terms(changes))),
				"malformed",
			);
	});
});

describe("a contract over ecash", () => {
	test("is verified like any other, and its mint stands where the issuer does", async () => {
		const contract = await sold();
		const read = parseContract(nodeCrypto, contract.document);
		assert.deepEqual(read, contract);
		verifyContract(nodeCrypto, read, world.parties.sellerAgent.device);
		assert.equal(railPromises(read.rail).locks, "after-commit");
	});

	test("that names another mint, module, agent or currency than its terms is refused", async () => {
		const { device } = world.parties.sellerAgent;
		for (const contract of [
			await sold({}, "https://other.example"),
			await sold({ module: world.idOf("strangerModule") }),
			await sold({ agent: world.idOf("strangerAgent") }),
			await sold({ unit: "usd" }),
		])
			failsWith(
				() => verifyContract(nodeCrypto, contract, device),
				"payment-refused",
			);
	});

	test("whose rail is not that of its seller is refused when it is read", async () => {
		const certificate = encodeMintTerms(terms());
		for (const changes of [
			{ rail: "own-notes", certificate } as const,
			{ rail: "cashu" } as const,
		])
			await assert.rejects(world.contract(changes), { code: "malformed" });
	});

	test("has a mint's id that no other address has", () => {
		const ids = [MINT, `${MINT}/`, "https://mint.example"].map((url) =>
			hex(mintId(nodeCrypto, url)),
		);
		assert.equal(new Set(ids).size, 3);
	});
});
