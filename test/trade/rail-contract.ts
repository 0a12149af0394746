/*
 * What every rail does for a purchase, tried with the real machines of trade at the modules of
 * buyer and merchant. Whatever is lost, late or killed: at rest the key is the buyer's if the money
 * is the merchant's, and not otherwise, and no money is anywhere else.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import type { MakeSalePart, SalePart } from "../../src/money/index.ts";
import {
	type Contract,
	keyHash,
	railPromises,
} from "../../src/trade/documents/index.ts";
import { loadTrade, moduleTrade } from "../../src/trade/module/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import { type Market, MINUTE, PRICE, type Visit } from "./market.ts";

/** A rail with a buyer who has 1000 on it, and a merchant. */
export interface RailMarket {
	readonly market: Market;
	/** What a module has, once nothing is open. */
	balance(module: Module): bigint;
	/** Holds that all money is somewhere. */
	requireConserved(): void;
	/** Lets pass what time it takes until nothing is waited for but a deadline. */
	pass?(): Promise<void>;
	/** Of a rail on which doubt ends then: past the deadline of every contract, and as long again. */
	passDeadline?(): Promise<void>;
	/** The money that the buyer pays with next has been given to somebody else by another copy of its module. */
	spendBefore(): Promise<void>;
}

/** Makes one; `sale` is what its modules do for purchases. */
export type MakeRailMarket = (
	sale?: (self: Module) => MakeSalePart,
) => Promise<RailMarket>;

const MONEY = 1000n;
/** Messages between the modules in a purchase: offered, agreed, locked, given. */
const MESSAGES = 4;
const WRITES = 4;

export function railContract(name: string, make: MakeRailMarket): void {
	describe(`a purchase over ${name}`, () => {
		test("is bought, and closed when the buyer's agent has the goods", async () => {
			const rail = await make();
			const { market } = rail;
			const { visit, contract } = await begun(market);
			market.buy(visit, contract);
			await market.quiet();
			assert.deepEqual(market.brief(contract), ["bought"]);
			assert.equal(market.sold.length, 1);
			market.about("final", visit.tetrad, contract);
			await market.quiet();
			assert.deepEqual(market.brief(contract), ["bought", "closed"]);
			const [learned] = await market.learn(visit);
			assert.equal(learned?.step, "closed");
			await requireRest(rail, contract, "bought");
		});

		test("asked for again, also after a start, is paid once", async () => {
			const rail = await make();
			const { market } = rail;
			const { visit, contract } = await begun(market);
			market.buy(visit, contract);
			await market.quiet();
			market.buy(visit, contract);
			await market.quiet();
			market.town.restart(market.ann);
			await market.quiet();
			market.buy(await market.meet(), contract);
			await market.quiet();
			assert.deepEqual(new Set(market.brief(contract)), new Set(["bought"]));
			await requireRest(rail, contract, "bought");
		});

		test("for a key that nobody has is refunded", async () => {
			const key = filled(32, 0xbd);
			const rail = await make(rogue(key));
			const { market } = rail;
			const visit = await market.meet();
			const lie = keyHash(nodeCrypto, filled(32, 0x99));
			const contract = await market.contract(visit, { keyHash: lie });
			market.buy(visit, contract);
			await market.quiet();
			assert.deepEqual(market.brief(contract), [
				`in-doubt ${PRICE}: payment-in-doubt`,
			]);
			await market.settle();
			await rail.passDeadline?.();
			await requireRest(rail, contract, "refunded");
		});

		test("of a merchant that gives a wrong key gets the right one from the rail, or the money back", async () => {
			const rail = await make(rogue(filled(32, 0xbd)));
			const { market } = rail;
			const { visit, contract } = await begun(market);
			market.buy(visit, contract);
			await market.quiet();
			assert.ok(!market.isKeyed(contract));
			assert.deepEqual(market.brief(contract), [
				`in-doubt ${PRICE}: payment-in-doubt`,
			]);
			await market.settle();
			await rail.passDeadline?.();
			// Without the right key it could not be claimed, where claiming is what shows the key.
			const isAsked = railPromises(contract.rail).doubtEnds === "when-asked";
			await requireRest(rail, contract, isAsked ? "bought" : "refunded");
		});

		test("is declined for money that another copy of the module had given away", async () => {
			const rail = await make();
			const { market } = rail;
			await rail.spendBefore();
			const { visit, contract } = await begun(market);
			market.buy(visit, contract);
			await goOn(market, MESSAGES - 2);
			market.town.die(market.bob);
			await market.quiet();
			await meetsRail(market, contract);
			assert.equal(market.brief(contract).at(-1), "aborted 0: double-spent");
			assert.ok(!market.isKeyed(contract));
		});

		test("that is cancelled before COMMIT is not paid, and never will be", async () => {
			const rail = await make();
			const { market } = rail;
			const { visit, contract } = await begun(market);
			market.buy(visit, contract);
			await goOn(market, 1);
			market.about("cancel", visit.tetrad, contract);
			await market.quiet();
			assert.deepEqual(market.brief(contract), ["aborted 0: aborted"]);
			market.buy(visit, contract);
			await market.quiet();
			assert.match(market.brief(contract).at(-1) ?? "", /^aborted 0: /);
			await requireRest(rail, contract, "aborted");
		});

		test("that is cancelled before anybody has asked for it is never paid", async () => {
			const rail = await make();
			const { market } = rail;
			const { visit, contract } = await begun(market);
			market.about("cancel", visit.tetrad, contract);
			await market.quiet();
			market.town.restart(market.ann);
			await market.quiet();
			market.buy(await market.meet(), contract);
			await market.quiet();
			await requireRest(rail, contract, "aborted");
		});

		test("that is cancelled after COMMIT goes on", async () => {
			const rail = await make();
			const { market } = rail;
			const { visit, contract } = await begun(market);
			market.buy(visit, contract);
			await goOn(market, 2);
			market.about("cancel", visit.tetrad, contract);
			await market.quiet();
			await requireRest(rail, contract, "bought");
		});

		test("is too late when its time is over, and nothing is paid", async () => {
			const rail = await make();
			const { market } = rail;
			const { visit, contract } = await begun(market);
			await market.town.pass(41 * MINUTE);
			market.buy(visit, contract);
			await market.quiet();
			assert.deepEqual(market.brief(contract), ["aborted 0: offer-expired"]);
			await requireRest(rail, contract, "aborted");
		});

		test("in doubt is resolved by the rail when the merchant is gone for good", async () => {
			const rail = await make();
			const { market } = rail;
			const { visit, contract } = await begun(market);
			market.buy(visit, contract);
			await goOn(market, MESSAGES - 2);
			market.town.die(market.bob);
			await market.quiet();
			// The tetrad in which its agent waits is over, too.
			assert.deepEqual(market.brief(contract), []);
			await rail.passDeadline?.();
			await meetsRail(market, contract);
			const isAsked = railPromises(contract.rail).doubtEnds === "when-asked";
			assert.match(
				market.brief(contract).at(-1) ?? "",
				isAsked ? /^bought$/ : /^refunded 250: /,
			);
			assert.equal(market.isKeyed(contract), isAsked);
			rail.requireConserved();
			market.town.restart(market.bob);
			await requireRest(rail, contract, isAsked ? "bought" : "refunded");
		});

		for (let number = 0; number < MESSAGES; number++) {
			for (const fate of ["lost", "late"] as const)
				test(`goes on by itself when message ${number + 1} between the modules is ${fate}`, async () => {
					const rail = await make();
					const { market } = rail;
					const { visit, contract } = await begun(market);
					market.buy(visit, contract);
					await goOn(market, number);
					const [taken] = market.town.wire.splice(0, 1);
					assert.ok(taken, "there is no such message");
					if (fate === "late") {
						await market.settle();
						market.town.wire.push(taken);
						await market.quiet();
					}
					market.town.part(market.ann, visit.tetrad);
					await market.quiet();
					await requireRest(rail, contract);
				});
		}

		for (const who of ["ann", "bob"] as const)
			for (let write = 1; write <= WRITES; write++)
				for (const when of ["before", "after"] as const)
					test(`goes on by itself when ${who} is killed ${when} write ${write}`, async () => {
						const rail = await make();
						const { market } = rail;
						const { town } = market;
						const { visit, contract } = await begun(market);
						town.killAt(market[who], { write, when });
						market.buy(visit, contract);
						await market.quiet();
						market.about("final", visit.tetrad, contract);
						await market.quiet();
						await requireRest(rail, contract);
					});

		test("is one whose promises are known", async () => {
			const rail = await make();
			const { contract } = await begun(rail.market);
			const { locks, finalAt, doubtEnds } = railPromises(contract.rail);
			assert.ok((locks === "at-commit") === (finalAt === "commit"));
			assert.equal(
				doubtEnds === "at-deadline",
				rail.passDeadline !== undefined,
			);
		});
	});
}

async function begun(
	market: Market,
): Promise<{ readonly visit: Visit; readonly contract: Contract }> {
	const visit = await market.meet();
	return { visit, contract: await market.contract(visit) };
}

/** Delivers so many messages between the modules, and stops there. */
async function goOn(market: Market, messages: number): Promise<void> {
	await market.town.work();
	for (let i = 0; i < messages; i++) await market.town.deliver();
	market.listen();
}

/** The buyer's side meets whoever makes the money, and its agent asks what has become of it. */
async function meetsRail(market: Market, contract: Contract): Promise<void> {
	const { town, ann, mint } = market;
	const tetrad = await town.meet(ann, mint);
	market.about("resolve", tetrad, contract);
	town.settle(ann, tetrad, mint);
	await market.quiet();
	town.part(ann, tetrad);
	await market.quiet();
}

/** Who was killed starts again, and both meet whoever makes the money. */
async function visits(market: Market): Promise<void> {
	const { town, ann, bob, mint } = market;
	for (const module of [ann, bob, ann]) {
		for (const killed of [ann, bob])
			if (killed.machine === undefined) town.restart(killed);
		const tetrad = await town.meet(module, mint);
		town.settle(module, tetrad, mint);
		await market.quiet();
		town.part(module, tetrad);
		await market.quiet();
	}
}

/** Both meet each other and the rail until nothing is open; then it is the same thing at all of them. */
export async function requireRest(
	rail: RailMarket,
	contract: Contract,
	expected?: "bought" | "refunded" | "aborted",
): Promise<void> {
	const { market } = rail;
	const { town, ann } = market;
	await visits(market);
	const { tetrad } = await market.meet();
	market.about("resolve", tetrad, contract);
	await market.quiet();
	await rail.pass?.();
	town.part(ann, tetrad);
	await visits(market);
	await rail.pass?.();
	const told = market.brief(contract);
	const isBought = market.isKeyed(contract);
	const last = told.filter((said) => said !== "closed").at(-1) ?? "";
	const kind = last.split(" ", 1)[0];
	assert.notEqual(kind, "in-doubt", told.join(", "));
	assert.equal(isBought, kind === "bought", told.join(", "));
	if (expected !== undefined) assert.equal(kind, expected, told.join(", "));
	const paid = isBought ? PRICE : 0n;
	assert.equal(rail.balance(market.ann), MONEY - paid, told.join(", "));
	assert.equal(rail.balance(market.bob), paid, told.join(", "));
	rail.requireConserved();
}

/** A merchant whose module takes whatever comes and gives that key. */
function rogue(key: Uint8Array): (self: Module) => MakeSalePart {
	return (self) => (rail) => {
		const honest = moduleTrade(self.store.run(loadTrade()))(rail);
		if (self.name !== "bob") return honest;
		const lies: Pick<SalePart, "judge" | "sell"> = {
			judge: () => undefined,
			sell: () => ({ key, depositsFirst: false, also: [] }),
		};
		return new Proxy(honest, {
			get(target, of) {
				if (of === "judge" || of === "sell") return lies[of];
				const value: unknown = Reflect.get(target, of, target);
				return typeof value === "function" ? value.bind(target) : value;
			},
		});
	};
}
