/* A price that is not as it was asked for, as by an agent of an older version, buys nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import type {
	AgentService,
	Quote,
} from "../../../src/device/service/agent-service.ts";
import { serveAgent } from "../../../src/device/service/agent-socket.ts";
import { requireAsAsked } from "../../../src/device/service/as-asked.ts";
import { RemoteAgent } from "../../../src/device/service/remote-agent.ts";
import { railPromises } from "../../../src/trade/documents/index.ts";
import { temporaryFolder } from "../../support/folders.ts";

const CASHU: Quote = {
	...{ id: "00", item: "song", kind: "file", amount: 5n, fee: 1n },
	...{ currency: "SAT", exponent: 0, play: true, issuer: "mint.example" },
	...{ rail: "cashu", mint: "https://mint.example", unit: "sat" },
	...{ merchant: "shop", merchantId: "01", module: "till", moduleId: "02" },
	...{ address: "tcp:127.0.0.1:1", until: new Date(0).toISOString() },
	promises: railPromises("cashu"),
};

describe("a price", () => {
	test("is held to the rails, the promises and the currency that were asked for", () => {
		const is = (asked: Parameters<typeof requireAsAsked>[1]) =>
			requireAsAsked(CASHU, asked);
		is({});
		is({ rails: ["own-notes", "cashu"], avoid: [], currency: "SAT" });
		for (const asked of [
			{ rails: ["own-notes"] },
			{ avoid: ["locked-to-deadline"] },
			{ rails: ["cashu"], avoid: ["online"] },
			{ currency: "EUR" },
		] as const)
			assert.throws(() => is(asked), {
				code: "payment-refused",
				message: /another version/,
			});
	});

	test("of an agent that leaves out what it was asked is refused where it was asked", async () => {
		await using folder = await temporaryFolder();
		const socket = join(folder.path, "agent.sock");
		const old = { name: "alice", quote: async () => CASHU };
		await using _ = await serveAgent(old as unknown as AgentService, socket);
		const place = { home: folder.path, moduleHome: undefined, socket };
		const agent = await RemoteAgent.reach(place);
		assert.ok(agent);
		await using _agent = agent;
		assert.deepEqual(await agent.quote("shop", "song"), CASHU);
		await assert.rejects(
			agent.quote("shop", "song", { rails: ["own-notes"] }),
			{ code: "payment-refused" },
		);
	});
});
