import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memoryCarriers } from "../../src/carrier/index.ts";
import { carrierContract, memoryPair } from "./contract.ts";
import { record, turns } from "./support.ts";

carrierContract("memory", memoryPair);

describe("memory carriers that are always busy", () => {
	for (const { size, atMost } of [
		{ size: 0, atMost: 66 },
		{ size: 2 ** 16, atMost: 8 },
	])
		test(`leave the event loop its turns, with frames of ${size} bytes`, async () => {
			await turns(2);
			const [left, right] = memoryCarriers();
			let frames = 0;
			for (const end of [left, right])
				end.receive({
					frame() {
						// The end of a loop that would starve everybody.
						if (++frames < 5000) end.send(record(size));
					},
					closed() {},
				});
			left.send(record(size));
			const perTurn: number[] = [];
			for (let i = 0; i < 20; i++) {
				const before = frames;
				await turns(1);
				perTurn.push(frames - before);
			}
			assert.ok(frames > 20, `${frames} frames were delivered`);
			assert.ok(Math.max(...perTurn) <= atMost, `frames: ${perTurn}`);
			left.destroy();
		});
});
