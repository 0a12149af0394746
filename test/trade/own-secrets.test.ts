/* With what a module sells for ecash, once its purse has taken another seed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { messages } from "../../src/money/index.ts";
import { ABOUT_PURCHASES } from "../../src/trade/documents/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { EcashMarket, MINT_ISSUER } from "./ecash-market.ts";
import type { Visit } from "./market.ts";

const { message } = messages;

/** Bob has sold before, and brings words that were on paper; the certificate is what he sold with. */
async function withOtherSeed() {
	const ecash = await EcashMarket.make();
	const { market } = ecash;
	const { certificate } = market.sellingOf(market.bob);
	ecash.takesSeed(market.bob, nodeCrypto.sha256(utf8("words on paper")));
	const visit = await market.meet();
	return { ecash, market, certificate, visit };
}

/** What its module tells an agent that asks for that generation, in hexadecimal. */
async function sellingIn(
	{ market }: EcashMarket,
	{ tetrad }: Visit,
	generation: number,
): Promise<string | undefined> {
	const { bob } = market;
	market.selling.delete(bob);
	const asked = { issuer: MINT_ISSUER, generation };
	market.say(bob, tetrad, message(ABOUT_PURCHASES.selling, asked));
	await market.quiet();
	const told = market.selling.get(bob);
	return told && hex(told.certificate);
}

describe("a module whose purse has taken another seed", () => {
	test("sells with a key that it has, and is paid", async () => {
		const { ecash, market, certificate, visit } = await withOtherSeed();
		const told = await sellingIn(ecash, visit, 0);
		assert.notEqual(told, hex(certificate));
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["bought"]);
		ecash.requireConserved();
		// It is the same from then on, also after a start.
		market.town.restart(market.bob);
		assert.equal(await sellingIn(ecash, await market.meet(), 0), told);
	});

	test("still has what it sold with before, for goods that are sent again", async () => {
		const { ecash, certificate, visit } = await withOtherSeed();
		await sellingIn(ecash, visit, 0);
		assert.equal(await sellingIn(ecash, visit, 1), hex(certificate));
	});
});

test("a module says that it never sold with a generation for ecash that it has not made", async () => {
	const ecash = await EcashMarket.make();
	const { market } = ecash;
	const visit = await market.meet();
	assert.equal(await sellingIn(ecash, visit, 7), undefined);
	assert.match(market.unsold.at(-1) ?? "", /^payment-refused/);
});
