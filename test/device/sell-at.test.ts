/* What a merchant's agent that listens keeps of those who have come and gone. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Carrier } from "../../src/carrier/index.ts";
import { sellAt } from "../../src/device/trade/sell-at.ts";
import type { Shop } from "../../src/device/trade/shop.ts";
import type { TradingAgentOptions } from "../../src/device/trade/trade-options.ts";
import { TetradError } from "../../src/errors.ts";
import { certify } from "./support.ts";

test("nothing is left of buyers whose tetrads are over as soon as they are confirmed", async () => {
	const { signer } = await certify("B", "shop");
	const device = { deviceId: new Uint8Array(41) };
	let closed = 0;
	const tetrad = {
		...{ place: "B", parties: { A: device, B: device, X: device, Y: device } },
		export() {
			throw new TetradError("tetrad-closed", "this tetrad is over");
		},
		ended: true,
		close: async () => void closed++,
	};
	const take = Promise.withResolvers<(carrier: Carrier) => void>();
	const options = {
		agent: { accept: async () => tetrad, turnsAway: () => undefined },
		signer,
		listen: async (_: string, onCarrier: (carrier: Carrier) => void) => {
			take.resolve(onCarrier);
			const address = { kind: "tcp", host: "127.0.0.1", port: 7000 };
			return { address, [Symbol.asyncDispose]: async () => {} };
		},
	} as unknown as TradingAgentOptions;
	const stop = new AbortController();
	const { signal } = stop;
	const selling = sellAt(options, "127.0.0.1:7000", {} as Shop, { signal });
	const takeOne = await take.promise;
	for (let come = 0; come < 8; come++) takeOne({ peer: "x" } as Carrier);
	await turn();
	assert.equal(closed, 8);
	// The one that waits for the end of selling.
	assert.equal(getEventListeners(signal, "abort").length, 1);
	stop.abort();
	await selling;
});
