/* Whom an agent asks for what is not over, where somebody is out of reach. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parseAddress } from "../../../src/carrier/index.ts";
import type { OpenedAgent } from "../../../src/device/process/index.ts";
import { AgentStore } from "../../../src/device/purse/index.ts";
import { LocalAgent } from "../../../src/device/service/local-agent.ts";
import { TradingAgent } from "../../../src/device/trade/index.ts";
import { TetradError } from "../../../src/errors.ts";
import { encodeItemDescription } from "../../../src/trade/documents/index.ts";
import {
	beginPurchase,
	readProvisional,
} from "../../../src/trade/records/index.ts";
import { hex } from "../../../src/wire/index.ts";
import { filled } from "../../money/documents.ts";
import { MemoryStore } from "../../support/memory-store.ts";
import { TradeWorld } from "../../trade/world.ts";

const ISSUER = "tcp:127.0.0.1:7100";
const NOTHING = new Uint8Array();
const world = await TradeWorld.make();

/** A buyer with a purchase that is not over at each of these merchants, and their contracts in hexadecimal. */
async function buyerOf(...merchants: readonly string[]) {
	const store = await AgentStore.over(new MemoryStore());
	const contracts: string[] = [];
	for (const [at, address] of merchants.entries()) {
		const contract = await world.contract({ id: filled(16, at + 1) });
		contracts.push(hex(contract.hash));
		const description = encodeItemDescription({
			...{ name: "photo.jpg", mediaType: "", about: "", order: "" },
		});
		await store.transact(
			beginPurchase({
				...{ contract: contract.hash, document: contract.document, address },
				...{ offer: NOTHING, chain: NOTHING, issuer_chain: NOTHING },
				...{ salt: NOTHING, exporter: NOTHING, description, time: 100n },
				...{ exponent: 2n, play: 1n, overwrite: 0n, target: "/tmp/photo.jpg" },
				...{ merchant: "shop", merchant_module: "till" },
			}),
		);
	}
	const opened = {
		agent: { device: { name: "alice" }, modules: [], now: () => 100 },
		...{ store, goods: {} },
		home: { identity: {}, path: "/nowhere" },
		[Symbol.asyncDispose]: async () => {},
	} as unknown as OpenedAgent & AsyncDisposable;
	const agent = new LocalAgent({
		...{ opened, module: parseAddress("unix:/nowhere") },
		...{ routing: "direct", root: "transcript" },
		...{ issuerAt: parseAddress(ISSUER), closing: new AbortController() },
	});
	return { agent, store, contracts };
}

const { resume } = TradingAgent.prototype;
/** Who was asked, in order. */
const asked: string[] = [];
/** Who is out of reach. */
const away = new Set<string>();
before(() => {
	TradingAgent.prototype.resume = async (address) => {
		asked.push(address);
		if (away.has(address))
			throw new TetradError("carrier-failed", `nobody answers at ${address}`);
		return [];
	};
});
after(() => {
	TradingAgent.prototype.resume = resume;
});

test("a merchant who is out of reach, or the issuer, holds up none of the others", async () => {
	const shops = ["tcp:127.0.0.1:7001", "tcp:127.0.0.1:7002"];
	for (const gone of [ISSUER, ...shops]) {
		const { agent, store, contracts } = await buyerOf(...shops);
		asked.length = 0;
		away.clear();
		away.add(gone);
		const resolved = await agent.resolve();
		assert.deepEqual(asked.toSorted(), [...shops, ISSUER].toSorted());
		assert.equal(asked[0], ISSUER);
		assert.deepEqual(
			resolved.map(({ contract, state, code }) => [contract, state, code]),
			gone === ISSUER
				? []
				: [[contracts[shops.indexOf(gone)], "in-doubt", "carrier-failed"]],
		);
		assert.equal((await store.transact(readProvisional(8))).length, 2);
		await agent.close();
	}
});

test("where nobody can be asked, that is said", async () => {
	const shop = "tcp:127.0.0.1:7001";
	const { agent } = await buyerOf(shop);
	asked.length = 0;
	away.add(ISSUER).add(shop);
	await assert.rejects(agent.resolve(), {
		code: "carrier-failed",
		message: /7100/,
	});
	assert.deepEqual(asked, [ISSUER, shop]);
	await agent.close();
});

test("nobody else is asked once that is given up", async () => {
	const { agent } = await buyerOf("tcp:127.0.0.1:7001");
	asked.length = 0;
	away.add(ISSUER);
	const stop = new AbortController();
	const resolving = agent.resolve({ signal: stop.signal });
	stop.abort();
	await assert.rejects(resolving, { code: "carrier-failed" });
	assert.deepEqual(asked, [ISSUER]);
	await agent.close();
});
