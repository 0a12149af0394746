import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Contract } from "../../src/trade/documents/index.ts";
import type { Module } from "../money/town.ts";
import { makeWorld } from "../support/authority.ts";
import { Market, PRICE } from "./market.ts";

/*
 * One purchase, while somebody is killed before or after a durable write, a store or a key refuses
 * once, or a message is lost, comes twice, or comes late. Everybody starts again and goes on by itself, and then the key is the
 * buyer's if the money is the merchant's, and not otherwise.
 */

type Who = "ann" | "bob" | "mint";
const WHO: readonly Who[] = ["ann", "bob", "mint"];

interface Kill {
	readonly who: Who;
	readonly write: number;
	readonly when: "before" | "after";
}

interface Trouble {
	/** In this order; each counts from the death before it. */
	readonly kills?: readonly Kill[];
	/** What happens to the message with this number, from 0 on. */
	readonly message?: {
		readonly number: number;
		readonly fate: "lost" | "doubled" | "late" | "cut";
	};
	readonly refusal?: {
		readonly who: Who;
		readonly what: "transaction" | "signature";
		/** From 1 on. */
		readonly number: number;
	};
	/** The agent cancels after so many messages. */
	readonly cancelAfter?: number;
}

const world = await makeWorld({ algorithm: "Ed25519" });

class Story {
	readonly market: Market;
	readonly #trouble: Trouble;
	readonly #kills: Kill[];
	#late: Market["town"]["wire"] = [];
	messages = 0;
	deaths = 0;
	refusals = 0;
	/** What it came to in the end. */
	isBought = false;

	private constructor(market: Market, trouble: Trouble) {
		this.market = market;
		this.#trouble = trouble;
		this.#kills = [...(trouble.kills ?? [])];
	}

	static async tell(trouble: Trouble): Promise<Story> {
		const market = await Market.make({ world });
		const story = new Story(market, trouble);
		story.#arm();
		story.#refuse();
		await story.#live();
		return story;
	}

	async #live(): Promise<void> {
		const { market } = this;
		const { town, ann } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await this.#quiet(visit.tetrad, contract);
		for (let i = 0; !this.#isOver(contract); i++) {
			assert.ok(i < 6, `it goes on for ever: ${market.brief(contract)}`);
			this.#revive();
			// The agent goes on with what it had not heard the end of.
			const { tetrad } = await market.meet();
			market.about("resolve", tetrad, contract);
			await this.#quiet();
			town.part(ann, tetrad);
			await this.#visits();
		}
		await this.#visits();
		await this.#visits();
		this.#requireRest(contract);
		this.isBought = this.market.isKeyed(contract);
	}

	async #visits(): Promise<void> {
		const { town, ann, bob, mint } = this.market;
		for (const module of [ann, bob]) {
			this.#revive();
			const tetrad = await town.meet(module, mint);
			town.settle(module, tetrad, mint);
			await this.#quiet();
			town.part(module, tetrad);
			await this.#quiet();
		}
	}

	/** Whether the agent knows what it came to. */
	#isOver(contract: Contract): boolean {
		return this.market
			.heard(contract)
			.some(
				(heard) =>
					heard.kind === "bought" ||
					(heard.kind === "notBought" && heard.outcome !== "in-doubt"),
			);
	}

	#requireRest(contract: Contract): void {
		const { market } = this;
		const { town, ann, bob, mint } = market;
		const isPaid = market.receiptOf(contract) === "deposited";
		const told = market.brief(contract).join(", ");
		assert.equal(market.isKeyed(contract), town.account(mint, bob) > 1n, told);
		// A merchant that never had it written down is credited all the same.
		if (isPaid) assert.ok(market.isKeyed(contract), told);
		assert.equal(
			town.balance(ann, mint).spendable + town.account(mint, ann),
			market.isKeyed(contract) ? 1000n - PRICE : 1000n,
			told,
		);
		const { inDoubt, held } = town.balance(ann, mint);
		assert.equal(inDoubt + held, 0n, told);
		market.requireConserved();
	}

	#arm(): void {
		const kill = this.#kills.shift();
		if (kill !== undefined)
			this.market.town.killAt(this.#module(kill.who), kill);
	}

	#refuse(): void {
		const { refusal } = this.#trouble;
		if (refusal === undefined) return;
		let left = refusal.number;
		this.#module(refusal.who).refuses = (what) => {
			if (what !== refusal.what || --left !== 0) return false;
			this.refusals++;
			return true;
		};
	}

	#revive(): void {
		for (const who of WHO) {
			const module = this.#module(who);
			if (module.machine !== undefined) continue;
			this.deaths++;
			this.market.town.restart(module);
			this.#arm();
		}
	}

	#module(who: Who): Module {
		return this.market[who];
	}

	async #quiet(tetrad?: number, contract?: Contract): Promise<void> {
		const { town } = this.market;
		await town.work();
		for (let i = 0; town.wire.length > 0; i++) {
			assert.ok(i < 10_000, "it never becomes quiet");
			const isCancelled =
				contract !== undefined && this.#trouble.cancelAfter === i;
			if (isCancelled && tetrad !== undefined)
				this.market.about("cancel", tetrad, contract);
			this.#disturb();
			await town.deliver();
			if (town.wire.length === 0) town.wire.push(...this.#late.splice(0));
		}
		this.market.listen();
	}

	#disturb(): void {
		const { wire } = this.market.town;
		const [next] = wire;
		if (next?.bytes === undefined) return;
		const number = this.messages++;
		const { message } = this.#trouble;
		if (message?.number !== number) return;
		switch (message.fate) {
			case "doubled":
				wire.unshift(next);
				return;
			case "late":
				this.#late.push(...wire.splice(0, 1));
				return;
			case "cut":
				wire[0] = { ...next, bytes: next.bytes.subarray(0, -1) };
				return;
			case "lost":
				wire.splice(0, 1);
				// A message is lost with its tetrad only.
				this.market.town.part(next.to, next.tetrad);
				return;
		}
	}
}

/** How many stories there were of a kind, what they came to, and how often somebody died in them. */
class Tally {
	stories = 0;
	bought = 0;
	deaths = 0;

	count({ isBought, deaths }: Story): void {
		this.stories++;
		if (isBought) this.bought++;
		this.deaths += deaths;
	}

	/** Fails the test unless it was so, and says what it was. */
	requireThat(holds: (tally: Tally) => boolean): void {
		const { stories, bought, deaths } = this;
		const told = `${stories} stories, ${bought} bought, ${deaths} deaths`;
		assert.ok(holds(this), told);
	}
}

describe("a purchase goes on by itself when", () => {
	for (const who of WHO)
		for (const when of ["before", "after"] as const)
			test(`${who} is killed ${when} any of its writes`, async () => {
				const tally = new Tally();
				for (let write = 1; ; write++) {
					const story = await Story.tell({ kills: [{ who, write, when }] });
					if (story.deaths === 0) {
						// Without trouble there is no reason not to buy.
						assert.ok(story.isBought);
						break;
					}
					tally.count(story);
				}
				// Nothing is paid of what the buyer has not committed, its first write.
				const unsold = who === "ann" && when === "before" ? 1 : 0;
				tally.requireThat(
					({ stories, bought, deaths }) =>
						stories >= (who === "ann" ? 4 : 3) &&
						bought === stories - unsold &&
						deaths === stories,
				);
			});

	const refusing = { transaction: "store", signature: "key" } as const;
	for (const who of WHO)
		for (const what of ["transaction", "signature"] as const)
			test(`the ${refusing[what]} of ${who} refuses any ${what} once`, async () => {
				const tally = new Tally();
				for (let number = 1; ; number++) {
					const story = await Story.tell({ refusal: { who, what, number } });
					if (story.refusals === 0) {
						assert.ok(story.isBought);
						break;
					}
					tally.count(story);
				}
				// What is refused before the commit may come to nothing.
				tally.requireThat(({ stories, bought }) => stories - bought <= 2);
			});

	for (const fate of ["lost", "doubled", "late", "cut"] as const)
		test(`any message is ${fate}`, async () => {
			const tally = new Tally();
			for (let number = 0; ; number++) {
				const story = await Story.tell({ message: { number, fate } });
				if (story.messages <= number) {
					assert.ok(story.isBought);
					break;
				}
				tally.count(story);
			}
			// Of those without which nothing is committed there are two.
			const unsold = fate === "lost" || fate === "cut" ? 2 : 0;
			tally.requireThat(
				({ stories, bought }) => stories >= 30 && bought === stories - unsold,
			);
		});

	test("two are killed, one after the other", async () => {
		const tally = new Tally();
		for (const first of WHO)
			for (const second of WHO)
				for (const [write, next] of [
					[1, 1],
					[2, 1],
					[1, 2],
				] as const) {
					const story = await Story.tell({
						kills: [
							{ who: first, write, when: "after" },
							{ who: second, write: next, when: "before" },
						],
					});
					tally.count(story);
				}
		tally.requireThat(
			({ stories, bought, deaths }) => bought === stories && deaths >= 45,
		);
	});

	test("the agent cancels after any message, and somebody is killed", async () => {
		const tally = new Tally();
		for (const who of WHO)
			for (let cancelAfter = 0; cancelAfter < 4; cancelAfter++)
				for (let write = 1; write < 3; write++)
					tally.count(
						await Story.tell({
							cancelAfter,
							kills: [{ who, write, when: "after" }],
						}),
					);
		tally.requireThat(
			({ stories, bought, deaths }) =>
				bought >= 10 && stories - bought >= 10 && deaths >= 12,
		);
	});
});
