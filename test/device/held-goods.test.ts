import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { MerchandiseSource } from "../../src/device/trade/merchandise-file.ts";
import type { Shop } from "../../src/device/trade/shop.ts";
import { DeviceMarket } from "../support/device-market.ts";

const ITEM = "photo.jpg";

/** Answers each question for a piece with the same array, as a source does that has it in memory. */
class Held implements MerchandiseSource {
	readonly length: number;
	readonly #source: MerchandiseSource;
	readonly #pieces: Map<number, Uint8Array>;

	constructor(source: MerchandiseSource, pieces: Map<number, Uint8Array>) {
		this.length = source.length;
		this.#source = source;
		this.#pieces = pieces;
	}

	async read(at: number, length: number): Promise<Uint8Array> {
		const held = this.#pieces.get(at) ?? (await this.#source.read(at, length));
		this.#pieces.set(at, held);
		return held;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#source[Symbol.asyncDispose]();
	}
}

test("what a source of one's own returns stays its own, and is sold again", async () => {
	const pieces = new Map<number, Uint8Array>();
	const holding = (shop: Shop): Shop => ({
		list: (after, limit) => shop.list(after, limit),
		price: (name, order) => shop.price(name, order),
		open: async (goods, signal) =>
			new Held(await shop.open(goods, signal), pieces),
		contracted: (contract, description) =>
			shop.contracted(contract, description),
		sold: (sale) => shop.sold(sale),
	});
	await using market = await DeviceMarket.make(1, { [ITEM]: 100_000 }, holding);
	const { trading, folder } = market
		.customers[0] as (typeof market.customers)[0];
	for (const name of ["first", "second"]) {
		const path = join(folder, name);
		const quote = await trading.quote(market.address, ITEM);
		for await (const _ of trading.buy(quote, { to: { path } }));
		const goods = await readFile(path);
		assert.ok(goods.equals(await readFile(market.soldFile(ITEM))));
	}
	assert.equal(pieces.size, 2);
	for (const piece of pieces.values()) assert.ok(piece.length > 30_000);
});
