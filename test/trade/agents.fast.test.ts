import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CHUNK_BYTES } from "../../src/trade/documents/index.ts";
import { hex } from "../../src/wire/index.ts";
import { Agents, PRICE, type Stock } from "./agents.ts";
import { content } from "./merchandise-support.ts";
import { TradeWorld } from "./world.ts";

const world = await TradeWorld.make();

function stockOf(...lengths: readonly number[]): Stock {
	return new Map(
		lengths.map((length) => [
			`item ${length}`,
			{ content: content(length), kind: "file" },
		]),
	);
}

describe("a purchase between two agents", () => {
	for (const length of [
		0,
		1,
		CHUNK_BYTES,
		CHUNK_BYTES + 1,
		9 * CHUNK_BYTES + 5,
	])
		test(`of ${length} bytes: the goods are there, and nothing is left of what was sealed`, async () => {
			const agents = new Agents(world, { stock: stockOf(length) });
			const ask = await agents.buy(`item ${length}`);
			const answer = agents.answers.get(ask);
			assert.equal(answer?.kind, "bought", String(agents.refusals.get(ask)));
			const [id = ""] = agents.contracts();
			assert.equal(
				Buffer.compare(
					agents.disk.goods.get(id) ?? Buffer.of(1),
					content(length),
				),
				0,
			);
			assert.equal(agents.disk.concluded.get(id)?.kind, "final");
			assert.deepEqual([...agents.module.paid.keys()], [id]);
			assert.deepEqual(agents.module.finals, [id]);
			assert.equal(agents.disk.parts.size, 0);
			assert.equal(agents.open.size, 0);
			assert.equal(agents.buying.purchases.size, 0);
			assert.equal(agents.selling.pending.size, 0);
			assert.equal(agents.selling.deadline, undefined);
			assert.equal(agents.disk.kept.get(id)?.contract.amount, PRICE);
			if (answer?.kind === "bought")
				assert.equal(hex(answer.contract.hash), id);
		});
});
