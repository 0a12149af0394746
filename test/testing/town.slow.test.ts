/* What other people's tests stand on: a whole town in this process, and each of its faults. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ErrorCode, TetradError } from "../../src/errors.ts";
import {
	type TestBuyer,
	type TestShop,
	TestTown,
} from "../../src/testing/index.ts";

const ITEM = "photo.jpg";
const GOODS = "a harbour in the morning";
const DAY_MS = 86_400_000;

class Market implements AsyncDisposable {
	readonly town: TestTown;
	readonly bob: TestShop;
	readonly alice: TestBuyer;

	private constructor(town: TestTown, bob: TestShop, alice: TestBuyer) {
		this.town = town;
		this.bob = bob;
		this.alice = alice;
	}

	static async open(): Promise<Market> {
		const town = await TestTown.open();
		const items = [{ name: ITEM, price: "4.20", goods: GOODS }];
		const bob = await town.shop("bob", { items });
		const alice = await town.buyer("alice", { balance: "20.00" });
		return new Market(town, bob, alice);
	}

	/** Buys once. */
	async buy(): Promise<string> {
		const quote = await this.alice.quote(this.bob, ITEM);
		return text(await this.alice.bought(quote));
	}

	/** What a purchase rejects with. */
	async fails(): Promise<ErrorCode> {
		const quote = await this.alice.quote(this.bob, ITEM);
		return codeOf(this.alice.bought(quote));
	}

	/** Everything is handed in, and it is all there. */
	async settled(): Promise<{ alice: string; bob: string }> {
		await this.bob.settle();
		await this.alice.settle();
		assert.equal(await this.town.conserved(), true);
		const { alice, bob } = (await this.town.balances()).of;
		assert.equal(alice?.inDoubt, "0.00");
		assert.equal(bob?.toDeposit, "0.00");
		return {
			alice: `${alice?.spendable} + ${alice?.account}`,
			bob: `${bob?.spendable} + ${bob?.account}`,
		};
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.town[Symbol.asyncDispose]();
	}
}

const SOLD = { alice: "15.80 + 0.00", bob: "0.00 + 4.20" };
const NOT_SOLD = { alice: "20.00 + 0.00", bob: "0.00 + 0.00" };

function text(bytes: Uint8Array | undefined): string {
	return new TextDecoder().decode(bytes);
}

/** What nothing was paid of is said to be so once, and can be bought again. */
async function untilBought(
	{ alice }: Market,
	quote: Parameters<TestBuyer["buy"]>[0],
): Promise<string> {
	try {
		return text(await alice.bought(quote));
	} catch (thrown) {
		assert.ok(thrown instanceof TetradError && thrown.code === "aborted");
		return text(await alice.bought(quote));
	}
}

async function codeOf(failing: Promise<unknown>): Promise<ErrorCode> {
	try {
		await failing;
	} catch (thrown) {
		assert.ok(thrown instanceof TetradError, String(thrown));
		return thrown.code;
	}
	return assert.fail("it did not fail");
}

describe("a town", () => {
	test("sells to who pays, and nothing is lost or made", async () => {
		await using market = await Market.open();
		const { alice, bob, town } = market;
		const listed: string[] = [];
		for await (const { description } of alice.catalogue(bob))
			listed.push(description.name);
		assert.deepEqual(listed, [ITEM]);
		const quote = await alice.quote(bob, ITEM);
		const steps: string[] = [];
		for await (const { kind } of alice.buy(quote)) steps.push(kind);
		assert.equal(steps.at(-1), "bought");
		assert.equal(text(alice.goods(ITEM)), GOODS);
		assert.equal(bob.sales.length, 1);
		assert.equal(await town.conserved(), true);
		assert.deepEqual(await market.settled(), SOLD);
		await alice.bought(quote);
		assert.deepEqual(
			await market.settled(),
			SOLD,
			"the same quote is paid once",
		);
	});

	test("has goods made on order, once for each purchase", async () => {
		await using market = await Market.open();
		const { alice, bob } = market;
		const made: string[] = [];
		bob.put({
			name: "poem",
			price: "1.00",
			goods: ({ item }) => {
				made.push(item.order);
				return new TextEncoder().encode(`about ${item.order}`);
			},
		});
		const quote = await alice.quote(bob, "poem", { order: "the sea" });
		assert.equal(text(await alice.bought(quote)), "about the sea");
		assert.deepEqual(made, ["the sea"]);
	});

	test("refuses a second of the same name, and amounts that are none", async () => {
		await using market = await Market.open();
		const { town } = market;
		const items = [{ name: "x", price: "-1", goods: "x" }];
		for (const refused of [
			() => town.buyer("alice"),
			() => town.buyer("issuer"),
			() => town.buyer("carol", { balance: "1,5" }),
			() => town.shop("dave", { items }),
		])
			assert.equal(await codeOf(refused()), "invalid-argument");
	});
});

describe("a device that crashes", () => {
	for (const [who, write, when] of [
		["agent", 1, "before"],
		["agent", 1, "after"],
		["module", 1, "before"],
		["module", 1, "after"],
		["module", 2, "after"],
	] as const)
		test(`the buyer's ${who}, ${when} write ${write}, goes on from its disk`, async () => {
			await using market = await Market.open();
			const { alice, bob, town } = market;
			const quote = await alice.quote(bob, ITEM);
			const device = alice[who];
			const crashed = town.faults.crash(device, { write, when });
			const buying = alice.bought(quote).catch(() => undefined);
			await crashed;
			assert.equal(device.isRunning, false);
			await buying;
			await device.start();
			await alice.resume(bob);
			assert.equal(text(await alice.bought(quote)), GOODS);
			assert.deepEqual(await market.settled(), SOLD);
		});

	for (const [who, when] of [
		["module", "before"],
		["module", "after"],
	] as const)
		test(`the merchant's ${who}, ${when} it has accepted, goes on from its disk`, async () => {
			await using market = await Market.open();
			const { alice, bob, town } = market;
			const quote = await alice.quote(bob, ITEM);
			const crashed = town.faults.crash(bob[who], { write: 1, when });
			const failing = codeOf(alice.bought(quote));
			await crashed;
			assert.equal(await failing, "payment-in-doubt");
			await bob[who].start();
			assert.equal(text(await alice.bought(quote)), GOODS);
			assert.deepEqual(await market.settled(), SOLD);
		});

	test("the merchant's agent, at once, and starts again without having kept anything of a sale", async () => {
		await using market = await Market.open();
		const { alice, bob, town } = market;
		await town.faults.crash(bob.agent);
		assert.equal(await codeOf(alice.quote(bob, ITEM)), "carrier-failed");
		await bob.agent.start();
		assert.equal(await market.buy(), GOODS);
	});

	test("says so to who asks it for something meanwhile", async () => {
		await using market = await Market.open();
		const { alice, town } = market;
		await town.faults.crash(alice.module);
		assert.equal(await codeOf(alice.balance()), "carrier-failed");
		await town.faults.crash(alice.agent);
		assert.equal(await codeOf(alice.settle()), "carrier-failed");
	});
});

describe("a connection", () => {
	test("that is cut at a message loses nothing", async () => {
		for (const message of [1, 4, 7, 10]) {
			await using market = await Market.open();
			const { alice, bob, town } = market;
			const quote = await alice.quote(bob, ITEM);
			const cut = town.faults.cut(alice.agent, bob.agent, { message });
			const code = await codeOf(alice.bought(quote));
			assert.notEqual(code, "internal");
			await cut;
			assert.equal(await untilBought(market, quote), GOODS);
			assert.deepEqual(await market.settled(), SOLD);
		}
	});

	test("on which the answer is lost leaves a purchase that the merchant finishes", async () => {
		await using market = await Market.open();
		const { alice, bob, town } = market;
		const lost = town.faults.loseAnswer(bob.module);
		assert.equal(await market.fails(), "payment-in-doubt");
		await lost;
		const [resumed] = await alice.resume(bob);
		assert.equal(resumed?.error, undefined);
		assert.equal(text(alice.goods(ITEM)), GOODS);
		assert.deepEqual(await market.settled(), SOLD);
	});

	test("on which the answer is lost leaves a purchase that the issuer finishes without the merchant", async () => {
		await using market = await Market.open();
		const { alice, bob, town } = market;
		const lost = town.faults.loseAnswer(bob.module);
		assert.equal(await market.fails(), "payment-in-doubt");
		await lost;
		town.faults.crash(bob.agent);
		const [resumed] = await alice.settle();
		assert.equal(resumed?.error, undefined);
		assert.equal(text(alice.goods(ITEM)), GOODS);
		await bob.agent.start();
		assert.deepEqual(await market.settled(), SOLD);
	});
});

test("what was paid and never delivered is void after its time, and credited", async () => {
	await using market = await Market.open();
	const { alice, town } = market;
	const lost = town.faults.loseAnswer(alice.module);
	assert.equal(await market.fails(), "payment-in-doubt");
	await lost;
	assert.equal((await alice.balance()).inDoubt, "4.20");
	town.clock.advance(31 * DAY_MS);
	const [resumed] = await alice.settle();
	assert.equal(resumed?.error?.code, "purchase-void");
	assert.equal(alice.goods(ITEM), undefined);
	const { alice: has } = await market.settled();
	assert.equal(has, "15.80 + 4.20");
});

describe("an owner", () => {
	test("limits what a module pays", async () => {
		await using market = await Market.open();
		await market.alice.limit({ perPayment: "4.00" });
		assert.equal(await market.fails(), "payment-refused");
		await market.alice.limit({ perPayment: "4.20" });
		assert.equal(await market.buy(), GOODS);
	});

	test("limits a day, which passes", async () => {
		await using market = await Market.open();
		await market.alice.limit({ perDay: "5.00" });
		assert.equal(await market.buy(), GOODS);
		assert.equal(await market.fails(), "payment-refused");
		market.town.clock.advance(2 * DAY_MS);
		await market.bob.settle();
		assert.equal(await market.buy(), GOODS);
	});

	test("approves what waits, and it goes on by itself", async () => {
		await using market = await Market.open();
		const { alice, bob } = market;
		await alice.limit({ approvalAbove: "1.00" });
		const quote = await alice.quote(bob, ITEM);
		const steps: string[] = [];
		for await (const { kind } of alice.buy(quote)) {
			steps.push(kind);
			if (kind !== "waiting") continue;
			const [payment] = await alice.waiting();
			assert.equal(payment?.amount, 420n);
			if (payment !== undefined) await alice.approve(payment);
		}
		assert.ok(steps.includes("waiting"));
		assert.equal(steps.at(-1), "bought");
		assert.deepEqual(await market.settled(), SOLD);
	});

	test("denies what waits, and nothing is paid", async () => {
		await using market = await Market.open();
		const { alice, bob } = market;
		await alice.limit({ approveNewMerchants: true });
		const quote = await alice.quote(bob, ITEM);
		const buying = async () => {
			for await (const { kind } of alice.buy(quote)) {
				const [payment] = kind === "waiting" ? await alice.waiting() : [];
				if (payment !== undefined) await alice.deny(payment);
			}
		};
		assert.equal(await codeOf(buying()), "payment-refused");
		assert.deepEqual(await market.settled(), NOT_SOLD);
	});
});

describe("a clock", () => {
	test("that is set back at one device stops that one, and nobody else", async () => {
		await using market = await Market.open();
		const { alice, bob, town } = market;
		const carol = await town.buyer("carol", { balance: "5.00" });
		alice.agent.clock.advance(-DAY_MS);
		assert.equal(await codeOf(alice.quote(bob, ITEM)), "clock-wrong");
		const quote = await carol.quote(bob, ITEM);
		assert.equal(text(await carol.bought(quote)), GOODS);
		alice.agent.clock.set(town.clock.now());
		assert.equal(await market.buy(), GOODS);
	});

	test("that runs ahead at the buyer's module pays nothing that is over by it", async () => {
		await using market = await Market.open();
		market.alice.module.clock.advance(2 * DAY_MS);
		assert.equal(await market.fails(), "offer-expired");
		market.town.clock.advance(2 * DAY_MS);
		market.alice.module.clock.set(market.town.clock.now());
		assert.deepEqual(await market.settled(), NOT_SOLD);
		assert.equal(await market.buy(), GOODS);
	});

	test("that goes on for all ends an offer", async () => {
		await using market = await Market.open();
		const { alice, bob, town } = market;
		const quote = await alice.quote(bob, ITEM);
		town.clock.advance(DAY_MS);
		assert.equal(await codeOf(alice.bought(quote)), "offer-expired");
	});
});

describe("without", () => {
	test("the issuer everybody trades on, and it is met when it is back", async () => {
		await using market = await Market.open();
		const { alice, bob, town } = market;
		town.faults.takeIssuerAway();
		assert.equal(await market.buy(), GOODS);
		assert.equal(await codeOf(bob.settle()), "carrier-failed");
		await town.faults.bringIssuerBack();
		assert.equal((await alice.balance()).spendable, "15.80");
		assert.deepEqual(await market.settled(), SOLD);
	});

	test("room on the disk of the buyer's agent nothing is bought and nothing paid", async () => {
		await using market = await Market.open();
		const { alice, bob, town } = market;
		const quote = await alice.quote(bob, ITEM);
		town.faults.fillDisk(alice.agent);
		assert.equal(await codeOf(alice.bought(quote)), "file-unusable");
		assert.deepEqual(await market.settled(), NOT_SOLD);
		town.faults.freeDisk(alice.agent);
		assert.equal(text(await alice.bought(quote)), GOODS);
	});

	test("room on the disk of the buyer's module it cannot even be cancelled, until there is", async () => {
		await using market = await Market.open();
		const { alice, bob, town } = market;
		const quote = await alice.quote(bob, ITEM);
		town.faults.fillDisk(alice.module);
		let doubt: TetradError | undefined;
		for await (const step of alice.buy(quote)) {
			if (step.kind !== "in-doubt") continue;
			doubt = step.error;
			break;
		}
		assert.match(String(doubt?.message), /disk of alice's module is full/);
		town.faults.freeDisk(alice.module);
		assert.equal(await untilBought(market, quote), GOODS);
		assert.deepEqual(await market.settled(), SOLD);
	});
});
