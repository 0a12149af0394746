/*
 * Purses that were put back to before they were paid, or to the midst of it: what their mint has
 * signed and done since is found there, whatever they do first, and no word of it is wrong.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { writeToken } from "../../src/money/cashu/index.ts";
import { ecashTables } from "../../src/money/index.ts";
import type { Contract } from "../../src/trade/documents/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket, MINT_URL } from "./ecash-market.ts";
import { Owner } from "./ecash-owner-orders.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

const DAY = 86_400_000;
const RESTORE = filled(16, 0x60);
const ORDER = filled(16, 0x6f);

/** An owner whose purse has made so much of a hundred since, and was put back to before that. */
async function putBack(times: number): Promise<Owner> {
	const owner = await Owner.make(world);
	const { town } = owner.ecash.market;
	const before = owner.ann.store.copy();
	for (let i = 0; i < times; i++)
		await owner.order({ kind: "mint", amount: 100n }, filled(16, 0x61 + i));
	await owner.pass();
	owner.requireBalance(1000n + 100n * BigInt(times));
	town.die(owner.ann);
	owner.ann.store = before;
	town.restart(owner.ann);
	return owner;
}

async function settle(owner: Owner): Promise<void> {
	for (let i = 0; i < 3; i++) await owner.pass();
}

describe("a purse that was put back, and finds that its mint has signed what it makes now", () => {
	const ORDERS = [
		{ kind: "mint", amount: 100n, comes: 1200n },
		{ kind: "send", amount: 300n, comes: 800n },
		{ kind: "melt", maxFee: 10n, comes: 800n },
	] as const;
	for (const order of ORDERS)
		for (const death of [undefined, 0, 1500])
			test(`has what it had made since when its owner orders it to ${order.kind}${death === undefined ? "" : `, and it is started again after ${death} ms`}`, async () => {
				const owner = await putBack(1);
				const { town } = owner.ecash.market;
				const { comes, ...rest } = order;
				await owner.order(
					rest.kind === "melt"
						? { ...rest, invoice: owner.invoice(300n) }
						: rest,
					ORDER,
				);
				if (death !== undefined) {
					await town.pass(death);
					town.restart(owner.ann);
				}
				await settle(owner);
				owner.requireBalance(comes);
			});

	for (const isStarted of [false, true])
		test(`has it when that was the change of a purchase${isStarted ? ", and it is started again" : ""}`, async () => {
			const owner = await putBack(4);
			const { market } = owner.ecash;
			const visit = await market.meet();
			const contract = await market.contract(visit, { amount: 250n });
			market.buy(visit, contract);
			await market.quiet();
			if (isStarted) market.town.restart(owner.ann);
			await settle(owner);
			assert.equal(owner.ecash.stateOf(contract.hash, owner.ann), "refunded");
			owner.requireBalance(1400n);
		});

	test("has it when its owner orders a restore, where it has found nothing out", async () => {
		const owner = await putBack(1);
		const { market } = owner.ecash;
		const visit = await market.meet();
		// Without change, of which the mint would say that it was signed before.
		const contract = await market.contract(visit, { amount: 256n });
		market.buy(visit, contract);
		await settle(owner);
		assert.equal(owner.ecash.stateOf(contract.hash, owner.ann), "keyed");
		owner.requireBalance(744n);
		await owner.order({ kind: "restore" }, RESTORE);
		owner.requireBalance(844n);
	});
});

interface Cut {
	readonly ecash: EcashMarket;
	/** From that swap on, the mint answers none while it `isSilent`. */
	isSilent: boolean;
}

/** `remembers` the mint what it has answered, and answers the same bytes alike (NUT-19). */
async function cut(from: number, remembers = false): Promise<Cut> {
	const ecash = await EcashMarket.make({ world });
	const handle = ecash.mint.handle.bind(ecash.mint);
	const scene: Cut = { ecash, isSilent: true };
	if (!remembers) ecash.mint.add({ kind: "answers-forgotten" });
	let swaps = 0;
	ecash.mint.handle = (request, now) =>
		request.path === "/v1/swap" && ++swaps >= from && scene.isSilent
			? { kind: "silence" }
			: handle(request, now);
	return scene;
}

/** Has somebody else spend what a module has got since of that amount, and puts it back. */
async function spendAndPutBack(
	{ ecash }: Cut,
	module: Module,
	store: Module["store"],
	amount: bigint,
): Promise<void> {
	const old = store.rows(ecashTables.PROOFS).map(({ secret }) => secret);
	const spent = module.store
		.rows(ecashTables.PROOFS)
		.filter((row) => row.amount === amount && !old.includes(row.secret));
	const proofs = spent.map((row) => ({ ...row, dleq: undefined }));
	ecash.swapAway(proofs, new Uint8Array(64));
	module.store = store;
	ecash.market.town.restart(module);
	for (let i = 0; i < 3; i++) await ecash.pass();
}

async function sell({ ecash: { market } }: Cut): Promise<Contract> {
	const visit = await market.meet();
	const contract = await market.contract(visit, { amount: 50n });
	market.buy(visit, contract);
	return contract;
}

describe("a purse that was put back to where it waited for its mint, and has spent since a part of what that gave it", () => {
	for (const remembers of [false, true]) {
		const how = remembers ? ", at a mint that answers once more" : "";
		test(`has received a token, and has the rest of it${how}`, async () => {
			const scene = await cut(1, remembers);
			const { ann } = scene.ecash.market;
			const token = writeToken({
				...{ mint: MINT_URL, unit: "sat", proofs: scene.ecash.token(100n) },
			});
			ann.events.push({ kind: "receive-ecash", request: ORDER, token });
			await scene.ecash.market.quiet();
			const store = ann.store.copy();
			scene.isSilent = false;
			await scene.ecash.pass();
			assert.equal(scene.ecash.balance(ann), 1100n);
			await spendAndPutBack(scene, ann, store, 64n);
			const [row] = ann.store.rows(ecashTables.RECEIVED);
			assert.deepEqual([row?.state, row?.amount], ["received", 100n]);
			assert.equal(scene.ecash.balance(ann), 1036n);
			scene.ecash.requireConserved(1036n);
		});

		test(`has sold, and has the rest of the price${how}`, async () => {
			const scene = await cut(2, remembers);
			const { ecash } = scene;
			const { bob } = ecash.market;
			const contract = await sell(scene);
			await ecash.market.quiet();
			assert.equal(ecash.stateOf(contract.hash, bob), "claiming");
			const store = bob.store.copy();
			scene.isSilent = false;
			await ecash.pass();
			await spendAndPutBack(scene, bob, store, 32n);
			assert.equal(ecash.stateOf(contract.hash, bob), "claimed");
			assert.equal(ecash.balance(bob), 18n);
			ecash.requireConserved(968n);
		});
	}

	for (const state of ["locked", "refunding"])
		test(`has what it has not bought back, where it was ${state}`, async () => {
			const scene = await cut(2);
			const { ecash } = scene;
			const { ann, bob, town } = ecash.market;
			const contract = await sell(scene);
			const isLocked = () => ecash.stateOf(contract.hash, ann) === "locked";
			await town.work();
			for (let i = 0; i < 100 && !isLocked(); i++) await town.deliver();
			town.die(bob);
			await ecash.market.quiet();
			if (state === "refunding") await town.pass(6 * DAY);
			assert.equal(ecash.stateOf(contract.hash, ann), state);
			const store = ann.store.copy();
			scene.isSilent = false;
			await ecash.passDeadline();
			assert.equal(ecash.stateOf(contract.hash, ann), "refunded");
			await spendAndPutBack(scene, ann, store, 32n);
			assert.equal(ecash.stateOf(contract.hash, ann), "refunded");
			assert.equal(ecash.balance(ann), 968n);
			ecash.requireConserved(968n);
		});
});

describe("a merchant whose purse was put back", () => {
	test("gives no key for what its payer has taken back, though its mint has signed the same outputs for another sale", async () => {
		const scene = await cut(3);
		const { ecash } = scene;
		const { ann, bob, town } = ecash.market;
		const store = bob.store.copy();
		scene.isSilent = false;
		const first = await sell(scene);
		await ecash.market.quiet();
		assert.equal(ecash.stateOf(first.hash, bob), "claimed");
		bob.store = store;
		town.restart(bob);
		scene.isSilent = true;
		const contract = await sell(scene);
		const isClaiming = () => ecash.stateOf(contract.hash, bob) === "claiming";
		await town.work();
		for (let i = 0; i < 100 && !isClaiming(); i++) {
			scene.isSilent = ecash.stateOf(contract.hash, ann) === "locked";
			await town.deliver();
		}
		assert.ok(isClaiming());
		// Its module is cut off while the payer takes it back.
		town.die(bob);
		scene.isSilent = false;
		await ecash.passDeadline();
		assert.equal(ecash.stateOf(contract.hash, ann), "refunded");
		town.restart(bob);
		for (let i = 0; i < 3; i++) await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, bob), "refused");
		assert.equal(ecash.balance(bob), 50n);
		ecash.requireConserved();
	});
});
