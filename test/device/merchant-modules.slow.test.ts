/* A merchant whose agent has two modules: what was paid to one goes on with that one, and one that is away holds up nothing else. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "../../src/carrier/index.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { Buyer } from "../../src/device/trade/buyer.ts";
import { REFUND_WITHIN_MS } from "../../src/device/trade/limits.ts";
import { tradeTetrad } from "../../src/device/trade/trade-session.ts";
import {
	type Quote,
	TradingAgent,
} from "../../src/device/trade/trading-agent.ts";
import { TetradError } from "../../src/errors.ts";
import { readReceipt } from "../../src/money/index.ts";
import { parseContract } from "../../src/trade/documents/index.ts";
import {
	type PurchaseRow,
	readProvisional,
	readPurchaseOf,
} from "../../src/trade/records/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import { type Customer, DeviceMarket } from "../support/device-market.ts";
import { Relay } from "../support/relay.ts";

const ITEM = "photo.jpg";
const BYTES = 100_000;

/** All of it is one caller. */
const LOAD = {
	perSecondOfAddress: 65_536,
	burstOfAddress: 65_536,
	perMinuteOfDevice: 65_536,
};

let market: DeviceMarket;
let ann: Customer;
/** Buys nothing. */
let bob: Customer;
let count = 0;
before(async () => {
	market = await DeviceMarket.make(
		2,
		{ [ITEM]: BYTES },
		(shop) => shop,
		LOAD,
		2,
	);
	[ann, bob] = market.customers as [Customer, Customer];
});
after(() => market[Symbol.asyncDispose]());

const fresh = () => join(ann.folder, `goods-${++count}`);

/** The number of the module to which a purchase was, or is to be, paid. */
function paidTo({ document }: PurchaseRow): number {
	const { sellerModule } = parseContract(nodeCrypto, document);
	return numberOf(sellerModule);
}

function numberOf(module: Uint8Array): number {
	return market.modules.findIndex((one) => sameBytes(one, module)) + 1;
}

async function buyAt(address: string, path: string): Promise<PurchaseRow> {
	const quote = await ann.trading.quote(address, ITEM);
	for await (const _ of ann.trading.buy(quote, { to: { path } }));
	const row = await ann.store.transact(readPurchaseOf(quote.offer.id));
	assert.ok(row);
	return row;
}

/** Buys until that module is paid and the connection breaks before it can say so; where the goods are to go. */
async function loseTheAnswerOf(number: number): Promise<string> {
	await using relay = await Relay.to(market.address);
	let isCut = false;
	market.atMerchant = ({ kind }, of) => {
		if (kind !== "received" || of !== number) return;
		isCut = true;
		relay.cut();
	};
	try {
		for (;;) {
			const path = fresh();
			try {
				await buyAt(relay.address, path);
				assert.equal(isCut, false);
			} catch (thrown) {
				if (!isCut) throw thrown;
				assert.ok(thrown instanceof TetradError);
				assert.equal(thrown.code, "payment-in-doubt");
				return path;
			}
		}
	} finally {
		market.atMerchant = () => {};
	}
}

/** The same at a relay; the quote under which it was paid. */
async function loseTheAnswerAt(relay: Relay, number: number): Promise<Quote> {
	try {
		for (;;) {
			const quote = await ann.trading.quote(relay.address, ITEM);
			let isCut = false;
			market.atMerchant = ({ kind }, of) => {
				if (kind !== "received" || of !== number) return;
				isCut = true;
				relay.cut();
			};
			const to = { path: fresh() };
			try {
				for await (const _ of ann.trading.buy(quote, { to }));
			} catch (thrown) {
				assert.ok(isCut, String(thrown));
				return quote;
			}
		}
	} finally {
		market.atMerchant = () => {};
	}
}

/** Whoever calls next, until it is disposed of, meets the merchant with the other module than that one, which has a tetrad more. */
async function busy(number: number): Promise<AsyncDisposable> {
	for (;;) {
		const tetrad = await bob.agent.connect(await connect(market.address));
		const { deviceId } = tradeTetrad(tetrad).other.module;
		if (numberOf(deviceId) === number) return tetrad;
		await tetrad.close();
	}
}

async function requireGoods(path: string): Promise<void> {
	const goods = await readFile(path);
	assert.ok(goods.equals(await readFile(market.soldFile(ITEM))));
}

test("each of the two sells, and signs receipts for what it was paid", async () => {
	const sold = new Set<number>();
	for (let tries = 0; sold.size < 2; tries++) {
		assert.ok(tries < 50);
		const path = fresh();
		const row = await buyAt(market.address, path);
		await requireGoods(path);
		const number = paidTo(row);
		assert.equal(numberOf(readReceipt(row.receipt).payee), number);
		sold.add(number);
	}
	assert.deepEqual([...sold].toSorted(), [1, 2]);
});

test("a price that was quoted with one is taken with the other", async () => {
	const quoted = new Set<boolean>();
	for (let tries = 0; quoted.size < 2; tries++) {
		assert.ok(tries < 100);
		const quote = await ann.trading.quote(market.address, ITEM);
		const path = fresh();
		for await (const _ of ann.trading.buy(quote, { to: { path } }));
		const row = await ann.store.transact(readPurchaseOf(quote.offer.id));
		assert.ok(row);
		quoted.add(numberOf(quote.merchantModule.deviceId) === paidTo(row));
	}
});

for (const number of [1, 2]) {
	test(`goods that were paid to module ${number}, whose answer was lost, are there after one call, whichever module is met`, async () => {
		for (const turn of [false, true]) {
			const path = await loseTheAnswerOf(number);
			await using _ = await busy(turn ? number : 3 - number);
			const resumed = await ann.trading.resume(market.address);
			assert.deepEqual(
				resumed.map(({ purchase, error }) => [purchase.state, error]),
				[["final", undefined]],
			);
			await requireGoods(path);
		}
	});

	test(`a quote under which module ${number} was paid goes on with it when it is bought again`, async () => {
		await using relay = await Relay.to(market.address);
		const quote = await loseTheAnswerAt(relay, number);
		await using _ = await busy(number);
		const steps: string[] = [];
		for await (const { kind } of ann.trading.again(quote.offer.id))
			steps.push(kind);
		assert.equal(steps.at(-1), "bought");
		const row = await ann.store.transact(readPurchaseOf(quote.offer.id));
		assert.ok(row);
		assert.equal(paidTo(row), number);
		// It is kept where the merchant answers everybody.
		assert.equal(row.address, relay.address);
	});
}

test("while one cannot be reached the other sells, and what was paid to the first waits for it", async () => {
	const path = await loseTheAnswerOf(1);
	const back = market.takeAway(1);
	for (let tries = 0; tries < 3; tries++)
		assert.equal(paidTo(await buyAt(market.address, fresh())), 2);
	const [resumed] = await ann.trading.resume(market.address);
	assert.equal(resumed?.purchase.state, "provisional");
	assert.ok(resumed.error !== undefined);
	back();
	const [again] = await ann.trading.resume(market.address);
	assert.equal(again?.purchase.state, "final");
	await requireGoods(path);
	assert.deepEqual(await ann.store.transact(readProvisional(10)), []);
});

test("what was paid to one that is away comes from the issuer, once that has been handed it", async () => {
	const path = await loseTheAnswerOf(2);
	const back = market.takeAway(2);
	const [resumed] = await ann.trading.resume(market.issuerAddress, {
		isIssuer: true,
	});
	assert.equal(resumed?.purchase.state, "final");
	await requireGoods(path);
	back();
	// It hands in what it took all the same, and is told that it was booked.
	await market.deposit(2);
});

test("who says that a module is met where another one is, is not gone on with there", async () => {
	const path = await loseTheAnswerOf(1);
	await using _ = await busy(1);
	const { where } = Buyer.prototype;
	// The port at which the merchant is met with any: with the next one that is not it.
	Buyer.prototype.where = async function (this: Buyer, module, signal) {
		await where.call(this, module, signal);
		return where.call(this, market.modules[1] ?? module, signal);
	};
	try {
		const [resumed] = await ann.trading.resume(market.address);
		assert.equal(resumed?.purchase.state, "provisional");
		assert.equal(resumed.error?.code, "authentication-failed");
	} finally {
		Buyer.prototype.where = where;
	}
	await ann.trading.resume(market.address);
	await requireGoods(path);
});

test("a merchant that has a module no more, or does not know the question, is gone on with as before", async () => {
	const path = await loseTheAnswerOf(1);
	const { where } = Buyer.prototype;
	for (const code of ["payment-refused", "tetrad-closed"] as const) {
		await using _ = await busy(1);
		Buyer.prototype.where = async function (this: Buyer) {
			// Whoever does not know a message closes the tetrad at it.
			if (code === "tetrad-closed") await this.tetrad.close();
			throw new TetradError(code, "no");
		};
		try {
			const [resumed] = await ann.trading.resume(market.address);
			assert.equal(resumed?.purchase.state, "provisional");
			// The own module was asked, and does not know what became of it.
			assert.equal(resumed.error?.code, "payment-in-doubt");
		} finally {
			Buyer.prototype.where = where;
		}
	}
	await ann.trading.resume(market.address);
	await requireGoods(path);
});

test("a merchant that does not say where a module is gives nothing back in time", async () => {
	const row = await (async () => {
		for (;;) {
			const row = await buyAt(market.address, fresh());
			if (paidTo(row) === 1) return row;
		}
	})();
	await using _ = await busy(1);
	const { where } = Buyer.prototype;
	Buyer.prototype.where = (_module, signal) =>
		new Promise((_, reject) => {
			signal?.addEventListener("abort", () =>
				reject(new TetradError("aborted", "given up")),
			);
		});
	const since = performance.now();
	try {
		const late = AbortSignal.timeout(REFUND_WITHIN_MS + 10_000);
		await assert.rejects(ann.trading.takeRefund(row, { signal: late }), {
			code: "timed-out",
		});
		assert.ok(performance.now() - since < REFUND_WITHIN_MS + 5_000);
	} finally {
		Buyer.prototype.where = where;
	}
});

test("a tetrad that stood and is gone when it is asked where a module is, is replaced", async () => {
	await using relay = await Relay.to(market.address);
	const { agent, store } = ann;
	const trading = new TradingAgent({ agent, store, standingMs: 60_000 });
	const quote = await loseTheAnswerAt(relay, 1);
	{
		await using _ = await busy(1);
		await trading.quote(relay.address, ITEM);
	}
	const { where } = Buyer.prototype;
	let asked = 0;
	Buyer.prototype.where = async function (this: Buyer, module, signal) {
		if (asked++ > 0) return where.call(this, module, signal);
		const answer = where.call(this, module, signal);
		relay.cut();
		return answer;
	};
	try {
		await using _ = await busy(1);
		const steps: string[] = [];
		const signal = AbortSignal.timeout(20_000);
		for await (const { kind } of trading.again(quote.offer.id, { signal }))
			steps.push(kind);
		assert.equal(steps.at(-1), "bought");
		assert.equal(asked, 2);
	} finally {
		Buyer.prototype.where = where;
		await trading.close();
	}
});

test("each hands in what it has taken, and nothing is left in doubt", async () => {
	for (const number of [1, 2]) await market.deposit(number);
	await ann.trading.resume(market.issuerAddress, { isIssuer: true });
	assert.deepEqual(await ann.store.transact(readProvisional(10)), []);
	assert.equal(new Set(market.modules.map(hex)).size, 2);
});

test("a module that is there and has nothing to sell with turns few away", async () => {
	await using shop = await DeviceMarket.make(
		1,
		{ [ITEM]: 100 },
		(one) => one,
		LOAD,
		2,
		[2],
	);
	const [buyer] = shop.customers as [Customer];
	const buy = async () => {
		const quote = await buyer.trading.quote(shop.address, ITEM);
		const path = join(buyer.folder, `goods-${++count}`);
		for await (const _ of buyer.trading.buy(quote, { to: { path } }));
	};
	let refused = 0;
	for (let tries = 0; tries < 12; tries++)
		await buy().catch(({ code }: TetradError) => {
			assert.equal(code, "busy");
			refused++;
		});
	assert.ok(refused <= 1, `${refused} of 12 were turned away`);
	const { tetrad } = await shop.stand(buyer);
	assert.deepEqual(tradeTetrad(tetrad).other.module.deviceId, shop.modules[0]);
	await tetrad.close();
});
