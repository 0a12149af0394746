import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { PAYMENTS, RECEIPTS } from "../../src/money/purse/purse-tables.ts";
import { hex } from "../../src/wire/index.ts";
import { contractOf, type Module, Town } from "./town.ts";

/*
 * Money is withdrawn, paid and deposited while somebody is killed at one durable write, a message
 * is lost, or a store or a key refuses once: everybody asks for the same again, started again if
 * need be, and it has happened once.
 */

type Who = "ann" | "bob" | "mint";

interface Trouble {
	readonly kill?: {
		readonly who: Who;
		readonly write: number;
		readonly when: "before" | "after";
	};
	readonly refusal?: {
		readonly who: Who;
		readonly what: "transaction" | "signature";
		/** From 1 on. */
		readonly number: number;
	};
	/** The message with this number, from 0 on, is lost or comes twice. */
	readonly message?: {
		readonly number: number;
		readonly fate: "lost" | "doubled";
	};
}

const CONTRACT = contractOf(7);

class Story {
	readonly town: Town;
	readonly modules: Readonly<Record<Who, Module>>;
	readonly #request = nodeCrypto.random(16);
	readonly #trouble: Trouble;
	messages = 0;
	deaths = 0;
	refusals = 0;
	#inDoubtSeen = false;

	constructor(town: Town, modules: Record<Who, Module>, trouble: Trouble) {
		this.town = town;
		this.modules = modules;
		this.#trouble = trouble;
	}

	static async tell(trouble: Trouble): Promise<Story> {
		const town = await Town.make();
		const mint = await town.issuer();
		const ann = await town.purse("ann");
		const bob = await town.purse("bob");
		const story = new Story(town, { ann, bob, mint }, trouble);
		town.fund(mint, ann, 1000n);
		const { kill, refusal } = trouble;
		if (refusal !== undefined) {
			let left = refusal.number;
			story.modules[refusal.who].refuses = (what) => {
				if (what !== refusal.what || --left !== 0) return false;
				story.refusals++;
				return true;
			};
		}
		if (kill !== undefined) town.killAt(story.modules[kill.who], kill);
		await story.#live();
		return story;
	}

	async #live(): Promise<void> {
		const { town } = this;
		const { ann, bob, mint } = this.modules;
		await this.#insist("ann has withdrawn", async () => {
			await town.order(ann, mint, 1000n, this.#request);
			await this.#visit(ann);
			return this.#balance(ann).spendable === 1000n;
		});
		await this.#insist("ann has paid, and bob has been told", async () => {
			const tetrad = await town.meet(ann, bob);
			town.expect(bob, tetrad, CONTRACT, 250n, mint);
			await this.#quiet();
			town.pay(ann, tetrad, CONTRACT, 250n, mint);
			await this.#quiet();
			this.#part(ann, tetrad);
			await this.#quiet();
			return (
				ann.heard.some(({ kind }) => kind === "paid") &&
				bob.heard.some(({ kind }) => kind === "received")
			);
		});
		await this.#insist("bob has deposited", async () => {
			await this.#visit(bob);
			return this.#balance(bob).toDeposit === 0n;
		});
		await this.#insist("ann's books are closed", async () => {
			const tetrad = await town.meet(ann, bob);
			await this.#quiet();
			this.#part(ann, tetrad);
			await this.#quiet();
			return this.#balance(ann).inDoubt === 0n;
		});
	}

	#balance(module: Module) {
		return this.town.balance(module, this.modules.mint);
	}

	async #visit(module: Module): Promise<void> {
		const { mint } = this.modules;
		const tetrad = await this.town.meet(module, mint);
		this.town.settle(module, tetrad, mint);
		await this.#quiet();
		this.#part(module, tetrad);
		await this.#quiet();
	}

	#part(module: Module, tetrad: number): void {
		if (module.tetrads.has(tetrad)) this.town.part(module, tetrad);
	}

	async #insist(what: string, act: () => Promise<boolean>): Promise<void> {
		for (let i = 0; i < 4; i++) {
			const isDone = await act();
			let isAlive = true;
			for (const module of Object.values(this.modules))
				if (module.machine === undefined) {
					isAlive = false;
					this.deaths++;
					this.#look();
					this.town.restart(module);
				}
			if (isDone && isAlive) return;
		}
		assert.fail(what);
	}

	/** Delivers everything, one message after another, and looks at the books after each. */
	async #quiet(): Promise<void> {
		const { town } = this;
		const { number, fate } = this.#trouble.message ?? {};
		await town.work();
		this.#look();
		for (let i = 0; town.wire.length > 0; i++) {
			assert.ok(i < 1000, "it never becomes quiet");
			const [wired] = town.wire;
			if (wired?.bytes !== undefined && this.messages++ === number) {
				if (fate === "doubled") town.wire.unshift(wired);
				else {
					// What is lost takes its tetrad along.
					town.wire.shift();
					this.#part(wired.to, wired.tetrad);
					await town.work();
					continue;
				}
			}
			await town.deliver();
			this.#look();
		}
	}

	#look(): void {
		const { ann, bob, mint } = this.modules;
		this.town.requireConserved(mint);
		const [payment] = ann.store.rows(PAYMENTS);
		const isInDoubt = payment?.state === "committed";
		this.#inDoubtSeen ||= isInDoubt;
		assert.equal(this.#balance(ann).inDoubt, isInDoubt ? 250n : 0n);
		assert.ok(bob.store.rows(RECEIPTS).length <= (this.#inDoubtSeen ? 1 : 0));
	}

	requireOnce(): void {
		const { town, modules } = this;
		const { ann, bob, mint } = modules;
		assert.equal(town.balance(ann, mint).spendable, 750n);
		assert.equal(town.total(ann, mint), 750n);
		assert.equal(town.total(bob, mint), 0n);
		assert.equal(town.account(mint, ann), 0n);
		assert.equal(town.account(mint, bob), 250n);
		const receipts = new Set(
			[...ann.heard, ...bob.heard]
				.filter(({ kind }) => kind === "paid" || kind === "received")
				.map(({ receipt }) => receipt),
		);
		assert.equal(receipts.size, 1);
		const [payment, ...others] = ann.store.rows(PAYMENTS);
		assert.equal(others.length, 0);
		assert.ok(payment && receipts.has(hex(payment.receipt)));
		const ended = [ann, bob, mint].flatMap((module) => module.ended);
		// Whose store refuses may end the tetrad in which that was.
		const expected = this.refusals > 0 ? "store-full" : undefined;
		assert.ok(
			ended.every((code) => code === expected),
			`${ended}`,
		);
	}
}

describe("a module is killed at a durable write", () => {
	for (const who of ["ann", "bob", "mint"] as const)
		for (const when of ["before", "after"] as const)
			test(`${who}, ${when} each of them`, async () => {
				let write = 1;
				for (; ; write++) {
					const story = await Story.tell({ kill: { who, write, when } });
					story.requireOnce();
					if (story.deaths === 0) break;
					assert.equal(story.deaths, 1);
				}
				// Ann orders, withdraws, commits and settles; Bob agrees, accepts, asks to deposit, and has deposited.
				const least = { ann: 4, bob: 4, mint: 3 }[who];
				assert.ok(write > least, `${write - 1} writes`);
			});
});

describe("a module", () => {
	const parts = { transaction: "store", signature: "key" } as const;
	for (const who of ["ann", "bob", "mint"] as const)
		for (const what of ["transaction", "signature"] as const)
			test(`whose ${parts[what]} refuses once, at ${who}, at each ${what}`, async () => {
				let number = 1;
				for (; ; number++) {
					const story = await Story.tell({ refusal: { who, what, number } });
					story.requireOnce();
					if (story.refusals === 0) break;
					assert.equal(story.refusals, 1);
				}
				assert.ok(number > 1);
			});
});

describe("a message goes astray", () => {
	for (const fate of ["lost", "doubled"] as const)
		test(`each of them is ${fate}`, async () => {
			const { messages } = await Story.tell({});
			assert.ok(messages > 12, `${messages} messages`);
			for (let number = 0; number < messages; number++)
				(await Story.tell({ message: { number, fate } })).requireOnce();
		});
});
