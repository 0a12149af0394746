import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { messages } from "../../src/money/index.ts";
import { sellerKey } from "../../src/trade/agent/sale.ts";
import { Sellers } from "../../src/trade/agent/sellers.ts";
import {
	ABOUT_PURCHASES,
	parseSellingCertificate,
	saltKey,
} from "../../src/trade/documents/index.ts";
import { type TradePlace, TradeWorld } from "./world.ts";

const world = await TradeWorld.make();

/** The generation of what is sold with when this one is asked for, 0 being the current one. */
function generationOf(sellers: Sellers, asked: number): number | undefined {
	const found = sellers.get(keyOf(asked));
	return found && parseSellingCertificate(found.certificate).generation;
}

const keyOf = (generation: number) =>
	sellerKey({ issuer: world.idOf("issuer"), generation });

async function tell(
	sellers: Sellers,
	generation: number,
	own: { readonly module?: TradePlace; readonly agent?: TradePlace } = {},
): Promise<void> {
	const { module = "sellerModule", agent = "sellerAgent" } = own;
	const bytes = messages.message(ABOUT_PURCHASES.seller, {
		certificate: await world.certificate(generation, module, agent),
		issuerChain: world.parties.issuer.chain,
		saltKey: saltKey(nodeCrypto, world.secret(generation)),
	});
	sellers.told(nodeCrypto, bytes, {
		agent: world.parties.sellerAgent.device,
		module: world.parties.sellerModule.device,
	});
}

describe("what a merchant's module sells with", () => {
	test("is the current generation, and its own, when that was asked for", async () => {
		const sellers = new Sellers();
		sellers.asked(keyOf(0));
		await tell(sellers, 3);
		assert.equal(generationOf(sellers, 0), 3);
		assert.equal(generationOf(sellers, 3), 3);
		assert.equal(generationOf(sellers, 1), undefined);
	});

	test("is the current one when it tells unasked, as it does when it has been renewed", async () => {
		const sellers = new Sellers();
		await tell(sellers, 3);
		await tell(sellers, 4);
		assert.equal(generationOf(sellers, 0), 4);
		assert.equal(generationOf(sellers, 3), 3);
	});

	test("stays the current one when one of the past is asked for", async () => {
		const sellers = new Sellers();
		await tell(sellers, 3);
		sellers.asked(keyOf(2));
		await tell(sellers, 2);
		assert.equal(generationOf(sellers, 0), 3);
		assert.equal(generationOf(sellers, 2), 2);
	});

	test("answers the question that it fits, and a refusal the first of the others", async () => {
		const sellers = new Sellers();
		for (const generation of [1, 2, 0, 5]) sellers.asked(keyOf(generation));
		await tell(sellers, 2);
		assert.equal(generationOf(sellers, 0), undefined);
		await tell(sellers, 3);
		assert.equal(generationOf(sellers, 0), 3);
		assert.equal(sellers.refused(), keyOf(1));
		assert.equal(sellers.refused(), keyOf(5));
		assert.throws(() => sellers.refused(), { code: "unexpected-message" });
	});

	test("is nobody else's, nor behind another agent", async () => {
		const sellers = new Sellers();
		for (const own of [
			{ module: "strangerModule" },
			{ agent: "strangerAgent" },
		] as const)
			await assert.rejects(tell(sellers, 3, own), { code: "malformed" });
		assert.equal(generationOf(sellers, 0), undefined);
	});
});
