/* Requests that are paid before they are answered. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { AgentStore } from "../../src/device/purse/index.ts";
import { NotAnswered, type Paying, requestText } from "../../src/paid/index.ts";
import { refundContract } from "../../src/trade/documents/index.ts";
import {
	gotRefund,
	oweRefund,
	payRefund,
} from "../../src/trade/records/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { coded, PaidWorld, PRICE, SEALED } from "./world.ts";

let asked = 0;

/** A request that was never made before. */
const another = (): string =>
	requestText({
		method: "POST",
		url: "https://api.example/",
		body: `${++asked}`,
	});

const prepaid = { mode: "prepaid", amount: PRICE } as const;

describe("a request that is paid first", () => {
	let world: PaidWorld;

	/** Pays for a request. */
	async function paid(
		request: string,
	): Promise<Extract<Paying, { readonly mode: "prepaid" }>> {
		const terms = world.requests.terms(request, prepaid);
		const answers = world.answers({ modes: ["prepaid"] });
		const paying = await answers.pay(terms, request);
		assert.ok(paying.mode === "prepaid");
		return paying;
	}

	before(async () => {
		world = await PaidWorld.open();
	});
	after(() => world?.[Symbol.asyncDispose]());

	test("is answered once, and its answer is given again to who has the ticket", async () => {
		const { requests } = world;
		const request = another();
		const had = await world.spendable();
		const { id, purchase, taken } = await paid(request);
		assert.equal(await world.spendable(), had - PRICE);
		const admitted = await requests.admit(id, request, prepaid);
		assert.equal(admitted.kept, undefined);
		assert.equal(admitted.buyer.name, "alice");
		const { contract } = await admitted.answer(utf8("done"));
		assert.equal(contract, purchase.contract);
		const again = await requests.admit(id, request, prepaid);
		assert.deepEqual(again.kept, utf8("done"));
		await taken();
	});

	test("is begun by one of two that show its ticket at once", async () => {
		const { requests } = world;
		const request = another();
		const { id, taken } = await paid(request);
		const both = await Promise.allSettled([
			requests.admit(id, request, prepaid),
			requests.admit(id, request, prepaid),
		]);
		const [begun, ...more] = both.filter(
			({ status }) => status === "fulfilled",
		);
		assert.ok(begun?.status === "fulfilled");
		assert.equal(more.length, 0);
		const refused = both.find(({ status }) => status === "rejected");
		assert.ok(refused?.status === "rejected" && coded("busy")(refused.reason));
		await begun.value.answer(utf8("once"));
		await taken();
	});

	test("has a ticket that is good for no other request", async () => {
		const { requests } = world;
		const request = another();
		const { id, taken } = await paid(request);
		const wrong = coded("offer-expired");
		await assert.rejects(requests.admit(id, another(), prepaid), wrong);
		const made = "00".repeat(32);
		await assert.rejects(requests.admit(made, request, prepaid), wrong);
		await (await requests.admit(id, request, prepaid)).answer(utf8("right"));
		await taken();
	});

	test("that was not answered is owed by a merchant without money, who is told so once", async () => {
		const { requests, shop, buyer } = world;
		/** The next that the merchant hears of who did not get something. */
		const troubled = async (events: ReturnType<typeof shop.events>) => {
			for await (const event of events)
				if (event.event === "unavailable") return event.reason;
			throw new Error("nothing more is heard");
		};
		const request = another();
		const { id, purchase } = await paid(request);
		await (await requests.admit(id, request, prepaid)).fail(new Error("oops"));
		const reminded = async () => {
			for await (const _ of buyer.catalogue(requests.address));
		};
		const first = troubled(shop.events());
		await reminded();
		assert.match(
			await first,
			/^a refund of 0\.42 PLAY is owed to alice and cannot be paid now: the purse has only 0\.00/,
		);
		const second = troubled(shop.events());
		await reminded();
		await reminded();
		await shop.settle();
		await world.town.withdraw(PRICE, "Y", shop);
		assert.equal(await buyer.takeRefund(purchase.contract), PRICE);
		await assert.rejects(buyer.quote(requests.address, "nothing"));
		assert.match(await second, /nothing of that name/);
	});

	test("that was not answered is refunded when its buyer asks", async () => {
		const { requests } = world;
		// A merchant gives back what its purse can pay.
		await world.shop.settle();
		await world.town.withdraw(2n * PRICE, "Y", world.shop);
		const request = another();
		const had = await world.spendable();
		const { id, refund, purchase } = await paid(request);
		await (await requests.admit(id, request, prepaid)).fail(new Error("oops"));
		await assert.rejects(requests.admit(id, request, prepaid), NotAnswered);
		assert.equal(await refund(), PRICE);
		for await (const { contract, refunded } of world.buyer.purchases())
			if (contract === purchase.contract) assert.equal(refunded, PRICE);
		// Asked again, it has come already, and nothing more comes.
		assert.equal(await world.buyer.takeRefund(purchase.contract), PRICE);
		assert.ok((await world.spendable()) <= had);
	});

	test("that the end of the merchant's process has cut is owed back, and is not answered anew", async () => {
		const request = another();
		const { id, refund } = await paid(request);
		await world.requests.admit(id, request, prepaid);
		await world.restartShop({ listen: world.requests.address });
		await assert.rejects(
			world.requests.admit(id, request, prepaid),
			NotAnswered,
		);
		assert.equal(await refund(), PRICE);
	});

	test("has a ticket that is good as well where it would be answered sealed by now", async () => {
		const { requests } = world;
		const request = another();
		const had = await world.spendable();
		const { id } = await paid(request);
		// The buyer's program dies, and what is asked for then is answered sealed.
		const terms = requests.terms(request, SEALED);
		const paying = await world.answers().pay(terms, request);
		assert.ok(paying.mode === "prepaid");
		assert.equal(paying.id, id);
		assert.ok(paying.isToBeSent);
		const admitted = await requests.admit(id, request, SEALED);
		await admitted.answer(utf8("rain"));
		await paying.taken();
		assert.equal(await world.spendable(), had - PRICE);
	});

	test("that costs something else by now is refunded", async () => {
		const { requests } = world;
		const request = another();
		await paid(request);
		await world.shop.settle();
		await world.town.withdraw(3n * PRICE, "Y", world.shop);
		const dear = { mode: "prepaid", amount: PRICE + 1n } as const;
		const answers = world.answers({ modes: ["prepaid"], maximum: PRICE + 1n });
		const paying = await answers.pay(requests.terms(request, dear), request);
		assert.ok(paying.mode === "prepaid");
		await assert.rejects(requests.admit(paying.id, request, dear), NotAnswered);
		assert.equal(await paying.refund(), PRICE);
	});

	test("of which its merchant's owner has given back a part is given back whole", async () => {
		const request = another();
		const paying = await paid(request);
		await (await world.requests.admit(paying.id, request, prepaid)).fail(
			new Error("oops"),
		);
		const { contract } = paying.purchase;
		const sale = new Uint8Array(Buffer.from(contract, "hex"));
		const part = { sale, number: 1n, amount: 10n, time: 1n };
		const of = refundContract(nodeCrypto, { contract: sale, number: 1 });
		// As `tetrad refund --amount 0.10` leaves it on both sides.
		await world.buyer.close();
		{
			await using store = await AgentStore.open(world.town.homes.of("A"));
			await store.transact(gotRefund({ ...part, contract: of }));
		}
		await world.restartBuyer();
		const { address } = world.requests;
		await world.requests[Symbol.asyncDispose]();
		await world.shop.close();
		{
			await using store = await AgentStore.open(world.town.homes.of("B"));
			const owed = { ...part, paid: PRICE, now: 1, contractOf: () => of };
			await store.transact(payRefund(await store.transact(oweRefund(owed))));
		}
		await world.restartShop({ listen: address });
		await world.town.withdraw(2n * PRICE, "Y", world.shop);
		assert.equal(await world.buyer.takeRefund(contract), PRICE);
		for await (const one of world.buyer.purchases())
			if (one.contract === contract) assert.equal(one.refunded, PRICE);
	});

	test("is refunded though the refund of an earlier one is not asked for", async () => {
		const failed = async () => {
			const request = another();
			const paying = await paid(request);
			await (await world.requests.admit(paying.id, request, prepaid)).fail(
				new Error("oops"),
			);
			return paying;
		};
		const [first, second] = [await failed(), await failed()];
		assert.equal(await second.refund(), PRICE);
		assert.equal(await first.refund(), PRICE);
	});
});
