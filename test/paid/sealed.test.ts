/* Answers that are sold sealed: what a buyer and a merchant have when all goes well, and when it does not. */
import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { serveAgent } from "../../src/device/service/agent-socket.ts";
import { RemoteAgent } from "../../src/device/service/remote-agent.ts";
import { TetradError } from "../../src/errors.ts";
import { PaidAnswers, PaidRequests, PaysFirst } from "../../src/paid/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import {
	aborted,
	another,
	coded,
	PaidWorld,
	PREPAID,
	PRICE,
	SEALED,
} from "./world.ts";

const RAIN = utf8("rain");

describe("a sealed answer", () => {
	let world: PaidWorld;

	const answersFolder = () => join(world.town.homes.of("A"), "answers");

	before(async () => {
		world = await PaidWorld.open({ maxAnswerBytes: 1000 });
	});
	after(() => world?.[Symbol.asyncDispose]());

	test("is paid by one of two programs of an agent that ask for it at once, and had by both", async () => {
		const had = await world.spendable();
		const { request, paying } = await world.paying();
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		const other = world.answers();
		const late = await world.paying(request, other);
		await assert.rejects(late.paying.answer, coded("busy", /ask again/));
		await admitted.answer(RAIN);
		assert.deepEqual((await paying.answer).bytes, RAIN);
		const again = await world.paying(request, other);
		assert.equal(again.paying.isToBeSent, false);
		assert.deepEqual((await again.paying.answer).bytes, RAIN);
		await paying.taken();
		await again.paying.taken();
		assert.equal(await world.spendable(), had - PRICE);
	});

	test("is paid and had by who asked for it, and kept no longer once it was taken", async () => {
		const { requests } = world;
		const had = await world.spendable();
		const { request, paying } = await world.paying();
		assert.ok(paying.isToBeSent);
		const admitted = await requests.admit(paying.id, request, SEALED);
		assert.equal(admitted.buyer.name, "alice");
		const { contract } = await admitted.answer(RAIN);
		const { bytes, purchase } = await paying.answer;
		assert.deepEqual(bytes, RAIN);
		assert.equal(purchase.contract, contract);
		assert.equal(purchase.order, request);
		assert.equal((await stat(purchase.path)).mode & 0o777, 0o600);
		assert.equal((await stat(answersFolder())).mode & 0o777, 0o700);
		assert.equal(await world.spendable(), had - PRICE);
		assert.ok((await world.buyer.receipt(contract)).length > 0);
		await paying.taken();
		assert.deepEqual(await readdir(answersFolder()), []);
	});

	test("is one purchase for all who ask for the same at once, and each time until it was taken", async () => {
		const had = await world.spendable();
		const request = another();
		const answers = world.answers();
		const [first, second] = await Promise.all([
			world.paying(request, answers),
			world.paying(request, answers),
		]);
		assert.equal(first.paying.id, second.paying.id);
		assert.deepEqual(
			[first.paying.isToBeSent, second.paying.isToBeSent],
			[true, false],
		);
		const { id } = first.paying;
		const admitted = await world.requests.admit(id, request, SEALED);
		await admitted.answer(RAIN);
		assert.deepEqual((await first.paying.answer).bytes, RAIN);
		await first.paying.taken();
		// One of them has not taken it, as in a program that died.
		const later = await world.paying(request, world.answers());
		assert.equal(later.paying.isToBeSent, false);
		assert.deepEqual((await later.paying.answer).bytes, RAIN);
		assert.equal(await world.spendable(), had - PRICE);
		await later.paying.taken();
		assert.deepEqual(await readdir(answersFolder()), []);
	});

	test("that was bought and not taken is that also where its merchant wants to be paid first now", async () => {
		const had = await world.spendable();
		const { request, paying } = await world.paying();
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		await admitted.answer(RAIN);
		await paying.answer;
		const modes = ["sealed", "prepaid"] as const;
		const answers = world.answers({ modes });
		const again = await world.paying(request, answers, PREPAID);
		assert.deepEqual((await again.paying.answer).bytes, RAIN);
		assert.equal(await world.spendable(), had - PRICE);
		await again.paying.taken();
	});

	for (const [what, fail, code] of [
		[
			"that is refused",
			(admitted) =>
				admitted.fail(new TetradError("payment-refused", "no such town")),
			coded("payment-refused", /no such town/),
		],
		[
			"whose handler throws something of its own",
			(admitted) => admitted.fail(new Error("a secret of the merchant")),
			coded("payment-refused", /^(?!.*secret)/),
		],
		[
			"that is too long",
			(admitted) =>
				assert.rejects(
					admitted.answer(new Uint8Array(1001)),
					coded("limit-exceeded"),
				),
			coded("limit-exceeded", /1000 bytes/),
		],
	] as const satisfies readonly (readonly [
		string,
		(
			admitted: Awaited<ReturnType<typeof world.requests.admit>>,
		) => Promise<void>,
		(thrown: unknown) => boolean,
	])[])
		test(`${what} is not paid, and its buyer owes nothing`, async () => {
			const had = await world.spendable();
			for (let times = 0; times < 2; times++) {
				const { request, paying } = await world.paying();
				await fail(await world.requests.admit(paying.id, request, SEALED));
				await assert.rejects(paying.answer, code);
			}
			assert.equal(await world.spendable(), had);
			assert.deepEqual(await readdir(answersFolder()), []);
		});

	test("that nobody asks for is refused to its order, and its buyer pays nothing", async () => {
		const had = await world.spendable();
		const { paying } = await world.paying();
		paying.giveUp(new Error("the server is gone"));
		await assert.rejects(paying.answer, coded("aborted"));
		assert.equal(await world.spendable(), had);
	});

	test("is sold by the agent that sells a catalogue, too", async () => {
		const names: string[] = [];
		for await (const { item } of world.buyer.catalogue(world.requests.address))
			names.push(item);
		assert.deepEqual(names, []);
		await assert.rejects(
			world.buyer.quote(world.requests.address, "request sealed 1 00"),
			coded("payment-refused"),
		);
	});

	test("is sold by each part of a program that opens its agent for that, until the last is closed", async () => {
		const { shop } = world;
		await assert.rejects(
			PaidRequests.open(shop, { item: "else" }),
			coded("busy"),
		);
		await using part = await PaidRequests.open(shop);
		const { request, paying } = await world.paying();
		const admitted = await part.admit(paying.id, request, SEALED);
		await part[Symbol.asyncDispose]();
		await admitted.answer(RAIN);
		await paying.answer;
		await paying.taken();
		await assert.rejects(
			part.admit(paying.id, request, SEALED),
			coded("tetrad-closed"),
		);
		assert.equal((await shop.status()).listening.length, 1);
	});

	test("has no other price than its merchant has said", async () => {
		const terms = world.requests.terms(another(), SEALED);
		const cheap = terms.item.replace(` ${PRICE} `, " 1 ");
		for (const [item, order] of [
			[cheap, terms.request],
			[terms.item, another()],
		] as const)
			await assert.rejects(
				world.buyer.quote(terms.address, item, { order }),
				coded("payment-refused", /nothing of that name/),
			);
	});

	test("is paid by a program whose agent runs in another process", async () => {
		const { homes } = world.town;
		const socket = homes.at("agent.sock");
		await using _ = await serveAgent(world.buyer, socket);
		const home = homes.of("A");
		const place = { socket, home, moduleHome: homes.of("X") };
		await using agent = await RemoteAgent.reach(place);
		assert.ok(agent !== undefined);
		const of = { maximum: PRICE, currency: "PLAY" };
		const { request, paying } = await world.paying(
			another(),
			new PaidAnswers(agent, of),
		);
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		await admitted.answer(RAIN);
		assert.deepEqual((await paying.answer).bytes, RAIN);
		await paying.taken();
	});

	test("that was begun for a buyer who has gone is held against it, over the merchant's end, until it has paid first", async () => {
		const { request, paying } = await world.paying();
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		await world.restartBuyer();
		await aborted(admitted.signal);
		await assert.rejects(admitted.answer(RAIN), coded("aborted"));
		const had = await world.spendable();

		const options = { listen: world.requests.address };
		await world.restartShop(options);
		const next = await world.paying();
		const owes = (thrown: unknown) => thrown instanceof PaysFirst;
		await assert.rejects(
			world.requests.admit(next.paying.id, next.request, SEALED),
			owes,
		);
		await assert.rejects(next.paying.answer, coded("payment-refused", /first/));
		assert.equal(await world.spendable(), had);

		const first = another();
		const terms = world.requests.terms(first, PREPAID);
		const answers = world.answers({ modes: ["prepaid"] });
		const ticket = await answers.pay(terms, first);
		await (await world.requests.admit(ticket.id, first, PREPAID)).answer(RAIN);
		await ticket.taken();

		const again = await world.paying();
		const { id } = again.paying;
		const sealed = await world.requests.admit(id, again.request, SEALED);
		await sealed.answer(RAIN);
		assert.deepEqual((await again.paying.answer).bytes, RAIN);
		await again.paying.taken();
	});

	test("whose merchant has ended between price and order is asked for anew, and nothing was paid", async () => {
		const had = await world.spendable();
		const request = another();
		const terms = world.requests.terms(request, SEALED);
		await world.restartShop({ listen: world.requests.address });
		await assert.rejects(
			world.answers().pay(terms, request),
			coded("payment-refused", /nothing of that name/),
		);
		const { paying } = await world.paying(request);
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		await admitted.answer(RAIN);
		await paying.answer;
		await paying.taken();
		assert.equal(await world.spendable(), had - PRICE);
	});

	test("whose merchant's module ends while it is made is not paid, and held against nobody", async () => {
		const had = await world.spendable();
		const { request, paying } = await world.paying();
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		await world.town.stopModule("Y");
		await aborted(admitted.signal);
		await assert.rejects(admitted.answer(RAIN), coded("carrier-failed"));
		await assert.rejects(paying.answer, TetradError);
		assert.equal(await world.spendable(), had);
		await world.town.startModule("Y");
		await world.shop.settle();
		const again = await world.paying(request);
		const { id } = again.paying;
		await (await world.requests.admit(id, request, SEALED)).answer(RAIN);
		assert.deepEqual((await again.paying.answer).bytes, RAIN);
		await again.paying.taken();
	});

	test("whose merchant ends while it is made is not paid, and held against nobody", async () => {
		const had = await world.spendable();
		const { request, paying } = await world.paying();
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		await world.restartShop({ listen: world.requests.address });
		await assert.rejects(admitted.answer(RAIN), coded("tetrad-closed"));
		await assert.rejects(paying.answer, TetradError);
		assert.equal(await world.spendable(), had);
		const again = await world.paying(request);
		const { id } = again.paying;
		await (await world.requests.admit(id, request, SEALED)).answer(RAIN);
		assert.deepEqual((await again.paying.answer).bytes, RAIN);
		await again.paying.taken();
	});

	test("that was begun for a buyer whose module ends it is held against it", async () => {
		const { request, paying } = await world.paying();
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		await world.town.stopModule("X");
		await aborted(admitted.signal);
		await assert.rejects(paying.answer, TetradError);
		await world.town.startModule("X");
		await world.restartBuyer();
		const next = await world.paying();
		await assert.rejects(
			world.requests.admit(next.paying.id, next.request, SEALED),
			PaysFirst,
		);
		await assert.rejects(next.paying.answer, coded("payment-refused", /first/));
	});
});
