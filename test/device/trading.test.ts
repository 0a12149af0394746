/* Agents that trade, with their modules and an issuer in one process, and all they keep on the disk. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "../../src/carrier/index.ts";
import { Channel } from "../../src/device/runtime/channel.ts";
import type { Tetrad } from "../../src/device/runtime/index.ts";
import { Buyer } from "../../src/device/trade/buyer.ts";
import {
	type GoodsKeeper,
	goodsFiles,
	type KeptGoods,
} from "../../src/device/trade/goods-file.ts";
import type { Quote } from "../../src/device/trade/index.ts";
import { sellIn } from "../../src/device/trade/seller.ts";
import { asTetradError, TetradError } from "../../src/errors.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { messages } from "../../src/money/index.ts";
import { ABOUT_PURCHASES } from "../../src/trade/documents/index.ts";
import {
	readProvisional,
	readPurchase,
} from "../../src/trade/records/index.ts";
import { hex } from "../../src/wire/index.ts";
import { type Customer, DeviceMarket } from "../support/device-market.ts";
import { Relay } from "../support/relay.ts";

const ITEM = "photo.jpg";
const BYTES = 100_000;

let market: DeviceMarket;
let ann: Customer;
before(async () => {
	market = await DeviceMarket.make(1, { [ITEM]: BYTES });
	[ann] = market.customers as [Customer];
});
after(() => market[Symbol.asyncDispose]());

/** The connection breaks when the merchant's module has the money and has not said so. */
async function loseTheAnswer(path: string): Promise<void> {
	await using relay = await Relay.to(market.address);
	market.atMerchant = ({ kind }) => {
		if (kind === "received") relay.cut();
	};
	const quote = await ann.trading.quote(relay.address, ITEM);
	const buying = async () => {
		for await (const _ of ann.trading.buy(quote, { to: { path } }));
	};
	await assert.rejects(
		buying,
		(thrown) =>
			thrown instanceof TetradError && thrown.code === "payment-in-doubt",
	);
	market.atMerchant = () => {};
}

for (const from of ["merchant", "issuer"] as const)
	test(`goods that are paid and whose key was lost are there after one meeting with the ${from}`, async () => {
		const path = join(ann.folder, from);
		await loseTheAnswer(path);
		const isIssuer = from === "issuer";
		const address = isIssuer ? market.issuerAddress : market.address;
		const resumed = await ann.trading.resume(address, { isIssuer });
		assert.deepEqual(
			resumed.map(({ purchase, error }) => [purchase.state, error]),
			[["final", undefined]],
		);
		const goods = await readFile(path);
		assert.ok(goods.equals(await readFile(market.soldFile(ITEM))));
	});

/** Goods in files, which `piece` holds up after each piece that is opened. */
function heldUp(piece: () => Promise<void>): GoodsKeeper {
	async function* slowed(opened: AsyncIterable<Uint8Array>) {
		for await (const one of opened) {
			yield one;
			await piece();
		}
	}
	const held = (kept: KeptGoods): KeptGoods => ({
		requireRoom: (length) => kept.requireRoom(length),
		put: (chunk) => kept.put(chunk),
		seal: (count) => kept.seal(count),
		chunks: () => kept.chunks(),
		count: (length) => kept.count(length),
		chunk: (index) => kept.chunk(index),
		reveal: (opened) => kept.reveal(slowed(opened)),
		[Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
	});
	return {
		...goodsFiles,
		resume: async (target) => held(await goodsFiles.resume(target)),
	};
}

test("goods that are opened in two tetrads at once are shown once, and whole", async () => {
	const { agent, store, folder } = ann;
	const { address } = market;
	const path = join(folder, "twice");
	await loseTheAnswer(path);
	const [row] = await store.transact(readProvisional(2));
	assert.ok(row !== undefined);
	const resume = async (piece: () => Promise<void>, step: () => void) => {
		const tetrad = await agent.connect(await connect(address));
		const goods = heldUp(piece);
		const buyer = new Buyer({
			...{ tetrad, store, address, goods },
			learnedTo: (name) => name,
		});
		try {
			return await buyer.resume(row, ({ kind }) => {
				if (kind === "paid") step();
			});
		} finally {
			await tetrad.close();
			await buyer.over;
		}
	};
	const isHalf = Promise.withResolvers<void>();
	const isKnown = Promise.withResolvers<void>();
	const isOpening = Promise.withResolvers<void>();
	const isShown = Promise.withResolvers<void>();
	const first = resume(
		async () => {
			isHalf.resolve();
			await isKnown.promise;
			// The other one is given the time to come in between, if it can.
			await Promise.race([isOpening.promise, pause(100)]);
		},
		() => {},
	);
	await isHalf.promise;
	const second = resume(
		async () => {
			isOpening.resolve();
			await isShown.promise;
		},
		() => isKnown.resolve(),
	);
	try {
		assert.equal((await first).path, path);
		const sold = await readFile(market.soldFile(ITEM));
		assert.ok((await readFile(path)).equals(sold));
	} finally {
		isShown.resolve();
	}
	assert.equal((await second).path, path);
	const names = await readdir(folder);
	assert.deepEqual(
		names.filter((name) => name.includes("twice")),
		["twice"],
	);
});

test("goods that are fetched again when nobody waits any more come all the same, and the tetrad goes on", async () => {
	const { agent, store, folder } = ann;
	const { address } = market;
	const path = join(folder, "left");
	await loseTheAnswer(path);
	await goodsFiles.discard(path);
	const [row] = await store.transact(readProvisional(2));
	assert.ok(row !== undefined);
	const tetrad = await agent.connect(await connect(address));
	const buyer = new Buyer({
		...{ tetrad, store, address },
		learnedTo: (name) => name,
	});
	const gone = new AbortController();
	const resuming = buyer.resume(
		row,
		({ kind }) => {
			if (kind === "paid") gone.abort();
		},
		gone.signal,
	);
	await assert.rejects(resuming, { code: "aborted" });
	const { contract } = row;
	while ((await store.transact(readPurchase(contract)))?.state !== "final") {
		assert.ok(!tetrad.ended);
		await pause(5);
	}
	assert.equal((await buyer.list()).items.length, 1);
	await tetrad.close();
	await buyer.over;
	const sold = await readFile(market.soldFile(ITEM));
	assert.ok((await readFile(path)).equals(sold));
	const names = await readdir(folder);
	assert.deepEqual(
		names.filter((name) => name.includes("left")),
		["left"],
	);
});

/** Buys, and says what was bought. */
async function bought(
	quote: Quote,
	path: string,
	signal?: AbortSignal,
): Promise<{ readonly contract: string; readonly path: string }> {
	const options = signal === undefined ? {} : { signal };
	for await (const step of ann.trading.buy(quote, { to: { path }, ...options }))
		if (step.kind === "bought")
			return { contract: hex(step.contract.hash), path: step.path };
	throw new Error("it ended without an error");
}

test("a quote that is bought three times at once is paid once, whoever of them gives up", async () => {
	let payments = 0;
	market.atMerchant = ({ kind }) => {
		if (kind === "received") payments++;
	};
	const quote = await ann.trading.quote(market.address, ITEM);
	const path = join(ann.folder, "once");
	const first = bought(quote, path);
	const gone = new AbortController();
	const second = bought(quote, join(ann.folder, "given-up"), gone.signal);
	const third = bought(quote, join(ann.folder, "again"));
	gone.abort();
	await assert.rejects(second, { code: "aborted" });
	const one = await first;
	assert.equal(one.path, path);
	assert.deepEqual(await third, one);
	assert.equal(payments, 1);
	market.atMerchant = () => {};
});

test("a tetrad that is over before its buyer begins fails that buyer, and nothing else", async () => {
	const { agent, store } = ann;
	const { address } = market;
	const tetrad = await agent.connect(await connect(address));
	await tetrad.close();
	await assert.rejects(
		async () =>
			new Buyer({ tetrad, store, address, learnedTo: (name) => name }),
		(thrown) =>
			thrown instanceof TetradError && thrown.code === "tetrad-closed",
	);
	// What is thrown later fails this file.
	await new Promise((resolve) => setImmediate(resolve));
});

test("two purchases at once do not go to one file: the second is refused, and nothing of it is paid", async () => {
	let payments = 0;
	market.atMerchant = ({ kind }) => {
		if (kind === "received") payments++;
	};
	const path = join(ann.folder, "shared");
	const quotes = [
		await ann.trading.quote(market.address, ITEM),
		await ann.trading.quote(market.address, ITEM),
	] as const;
	const first = bought(quotes[0], path);
	await assert.rejects(bought(quotes[1], path), {
		code: "file-unusable",
		message: /another purchase that is under way goes to .*shared/,
	});
	assert.equal((await first).path, path);
	assert.equal(payments, 1);
	assert.ok(
		(await readFile(path)).equals(await readFile(market.soldFile(ITEM))),
	);
	const other = await bought(quotes[1], join(ann.folder, "of-its-own"));
	assert.notEqual(other.contract, (await first).contract);
	market.atMerchant = () => {};
});

/** The same tetrad, in which the test changes what the module is heard to say. */
function heardAs(
	tetrad: Tetrad,
	change: (bytes: Uint8Array) => Uint8Array,
): { readonly tetrad: Tetrad; readonly say: (bytes: Uint8Array) => void } {
	const { agent, place, parties, transcript, safetyCode, closed } = tetrad;
	const module = new Channel({ send: (bytes) => tetrad.module.send(bytes) });
	void (async () => {
		for await (const bytes of tetrad.module) module.deliver([change(bytes)]);
		module.end(undefined);
	})().catch((thrown: unknown) => module.end(asTetradError(thrown)));
	const close = () => tetrad.close();
	return {
		say: (bytes) => module.deliver([bytes]),
		tetrad: {
			...{ agent, module, place, parties, transcript, safetyCode, closed },
			get ended() {
				return tetrad.ended;
			},
			get isCutHere() {
				return tetrad.isCutHere;
			},
			export: (...what) => tetrad.export(...what),
			close,
			[Symbol.asyncDispose]: close,
		},
	};
}

test("a purchase that is voided after its goods are here is refunded, and the tetrad goes on", async () => {
	const { agent, store, folder } = ann;
	const { address } = market;
	const closed = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
	const waiting = [...closed];
	let voided: Uint8Array | undefined;
	const { tetrad, say } = heardAs(
		await agent.connect(await connect(address)),
		(bytes) => {
			if (bytes[0] !== ABOUT_PURCHASES.closed.type) return bytes;
			waiting.shift()?.resolve();
			return voided ?? bytes;
		},
	);
	const buyer = new Buyer({
		...{ tetrad, store, address },
		learnedTo: (name) => name,
	});
	const path = join(folder, "voided");
	const offer = await buyer.quote(ITEM);
	const { contract } = await buyer.buy(offer, { path }, () => {});
	await closed[0]?.promise;
	voided = messages.message(ABOUT_PURCHASES.notBought, {
		...{ contract: contract.hash, outcome: "refunded", amount: 1n },
		...{ code: "purchase-void", reason: "" },
	});
	say(voided);
	// Its agent tells the module again that it is final, and hears that it is not.
	await closed[1]?.promise;
	assert.equal((await buyer.list()).items.length, 1);
	await tetrad.close();
	await buyer.over;
	const row = await store.transact(readPurchase(contract.hash));
	assert.deepEqual([row?.state, row?.credited], ["refunded", 1n]);
	assert.equal(row?.target, path);
	assert.equal((await readFile(path)).length, BYTES);
});

test("what a module tells of its agent's purchases ends no tetrad in which that agent sells", async () => {
	const { agent, store } = ann;
	const { tetrad, say } = heardAs(
		await agent.connect(await connect(market.address)),
		(bytes) => bytes,
	);
	const sold = (): never => assert.fail("nobody has bought anything");
	const shop = { list: sold, price: sold, open: sold, contracted: sold };
	const selling = sellIn({
		...{ tetrad, witness: store, shop: { ...shop, sold } },
		signer: generateSoftwareKey("P-256"),
		offerKey: new Uint8Array(32),
	});
	const about = { contract: new Uint8Array(32) };
	say(
		messages.message(ABOUT_PURCHASES.bought, {
			...{ ...about, key: new Uint8Array(32) },
			...{ receipt: new Uint8Array(), chain: new Uint8Array() },
		}),
	);
	say(
		messages.message(ABOUT_PURCHASES.notBought, {
			...{ ...about, outcome: "refunded", amount: 1n },
			...{ code: "purchase-void", reason: "" },
		}),
	);
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(tetrad.ended, false);
	await tetrad.close();
	await selling;
});

const asked: Readonly<
	Record<string, (signal: AbortSignal) => Promise<unknown>>
> = {
	"a catalogue": async (signal) => {
		for await (const _ of ann.trading.catalogue(market.address, { signal }));
	},
	"learning what was bought": (signal) =>
		ann.trading.resume(market.address, { learn: true, signal }),
};
for (const [what, ask] of Object.entries(asked))
	test(`${what} is not waited for when its caller gives up in the tetrad`, async (context) => {
		const gone = new AbortController();
		const call = ann.agent.connect.bind(ann.agent);
		context.mock.method(
			ann.agent,
			"connect",
			async (...args: Parameters<typeof call>) => {
				const tetrad = await call(...args);
				gone.abort();
				return tetrad;
			},
		);
		await assert.rejects(ask(gone.signal), { code: "aborted" });
	});
