/*
 * A sale while somebody is killed at one durable write, or a message is lost or comes twice:
 * everybody starts again, asks for the same again, and it has happened once. At rest the key is
 * there if and only if the money is the seller's, and no minor unit is lost or made.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { ABORTED, PAYMENTS } from "../../src/money/purse/purse-tables.ts";
import { type Goods, SaleTown } from "./sale-town.ts";
import type { Kill, Module } from "./town.ts";

type Who = "ann" | "bob" | "mint";

interface Trouble {
	readonly kill?: Kill & { readonly who: Who };
	/** The message with this number, from 0 on, is lost with its tetrad, or comes twice. */
	readonly message?: {
		readonly number: number;
		readonly fate: "lost" | "doubled";
	};
}

interface Plot {
	/** What bob does. */
	readonly seller:
		| "honest"
		| "deposits first"
		| "gives no key"
		| "signs for nothing";
	/** Whether ann has it cancelled as well, as soon as it is asked for. */
	readonly isCancelled: boolean;
	/** Who goes to the issuer first. */
	readonly first: "ann" | "bob";
}

class Story {
	readonly made: SaleTown;
	readonly modules: Readonly<Record<Who, Module>>;
	readonly #plot: Plot;
	readonly #trouble: Trouble;
	readonly #goods: Goods;
	#tetrad = 0;
	messages = 0;
	deaths = 0;

	constructor(made: SaleTown, plot: Plot, trouble: Trouble) {
		this.made = made;
		const { ann, bob, mint } = made;
		this.modules = { ann, bob, mint };
		this.#plot = plot;
		this.#trouble = trouble;
		const lies = plot.seller === "signs for nothing";
		this.#goods = made.goods(
			1,
			lies ? { keyHash: nodeCrypto.sha256(Uint8Array.of(1)) } : {},
		);
	}

	static async tell(plot: Plot, trouble: Trouble): Promise<Story> {
		const made = await SaleTown.make();
		const story = new Story(made, plot, trouble);
		const { kill } = trouble;
		if (kill !== undefined) made.town.killAt(story.modules[kill.who], kill);
		await story.#live();
		return story;
	}

	async #live(): Promise<void> {
		const { made, modules } = this;
		const { ann, bob } = modules;
		const { seller, isCancelled, first } = this.#plot;
		const clerk = made.clerk(bob);
		clerk.isBlind = seller === "signs for nothing";
		if (seller === "deposits first")
			clerk.sells = (right) => ({ ...right, depositsFirst: true });
		if (seller === "gives no key")
			clerk.sells = (right) => ({ ...right, key: new Uint8Array(32) });
		await this.#insist("ann has what was to be had from bob", async () => {
			this.#tetrad = await made.town.meet(ann, bob);
			made.buy(this.#tetrad, this.#goods);
			if (isCancelled)
				made.order(this.#tetrad, (rail) =>
					rail.cancel(this.#goods.contract, true),
				);
			await this.#quiet();
			this.#part(ann, this.#tetrad);
			await this.#quiet();
			return (
				ann.store.rows(PAYMENTS).length + ann.store.rows(ABORTED).length > 0
			);
		});
		const order = first === "ann" ? [ann, bob] : [bob, ann];
		for (let i = 0; i < 2; i++)
			for (const module of order)
				await this.#insist(`${module.name} has settled`, async () => {
					const heard = module.heard.length;
					await this.#visit(module);
					return module.heard.length > heard;
				});
		await this.#insist("they meet again", async () => {
			const tetrad = await made.town.meet(ann, bob);
			await this.#quiet();
			// Whoever was killed before it was told asks what became of it.
			made.buy(tetrad, this.#goods);
			await this.#quiet();
			this.#part(ann, tetrad);
			await this.#quiet();
			return true;
		});
		await this.#insist("ann has settled at last", async () => {
			const heard = ann.heard.length;
			await this.#visit(ann);
			return ann.heard.length > heard;
		});
		this.#requireEnd();
	}

	#requireEnd(): void {
		const { town, mint, ann, bob } = this.made;
		const { told } = this.made.clerk(ann);
		const isKeyed = told.some(
			({ event }) =>
				event.kind === "keyed" &&
				nodeCrypto.equal(nodeCrypto.sha256(event.key), this.#goods.keyHash),
		);
		const [payment] = ann.store
			.rows(PAYMENTS)
			.filter(({ key_hash }) => key_hash.length > 0);
		const paid = town.account(mint, bob);
		const back = town.account(mint, ann);
		if (payment === undefined) {
			assert.ok(this.#plot.isCancelled);
			assert.deepEqual([isKeyed, paid, back], [false, 0n, 0n]);
			assert.equal(town.balance(ann, mint).spendable, 1000n);
			assert.equal(ann.store.rows(ABORTED).length, 1);
		} else if (this.#plot.seller === "signs for nothing") {
			assert.equal(payment.state, "lapsed");
			assert.deepEqual([isKeyed, paid, back], [false, 0n, 250n]);
		} else {
			assert.equal(payment.state, "settled");
			assert.deepEqual([isKeyed, paid, back], [true, 250n, 0n]);
		}
		for (const module of [ann, bob]) {
			const { inDoubt, toDeposit, toBook } = town.balance(module, mint);
			assert.deepEqual([inDoubt, toDeposit, toBook], [0n, 0n, 0n]);
		}
		town.requireConserved(mint);
	}

	async #visit(module: Module): Promise<void> {
		const { town, mint } = this.made;
		const tetrad = await town.meet(module, mint);
		town.settle(module, tetrad, mint);
		await this.#quiet();
		this.#part(module, tetrad);
		await this.#quiet();
	}

	#part(module: Module, tetrad: number): void {
		if (module.tetrads.has(tetrad)) this.made.town.part(module, tetrad);
	}

	async #insist(what: string, act: () => Promise<boolean>): Promise<void> {
		for (let i = 0; i < 4; i++) {
			const isDone = await act();
			let isAlive = true;
			for (const module of Object.values(this.modules))
				if (module.machine === undefined) {
					isAlive = false;
					this.deaths++;
					this.made.town.requireConserved(this.made.mint);
					this.made.town.restart(module);
				}
			if (isDone && isAlive) return;
		}
		assert.fail(what);
	}

	/** Delivers everything, one message after another, and looks at the books after each. */
	async #quiet(): Promise<void> {
		const { town, mint } = this.made;
		const { number, fate } = this.#trouble.message ?? {};
		await town.work();
		for (let i = 0; town.wire.length > 0; i++) {
			assert.ok(i < 1000, "it never becomes quiet");
			const [wired] = town.wire;
			if (wired?.bytes !== undefined && this.messages++ === number) {
				if (fate === "doubled") town.wire.unshift(wired);
				else {
					town.wire.shift();
					this.#part(wired.to, wired.tetrad);
					await town.work();
					continue;
				}
			}
			await town.deliver();
			town.requireConserved(mint);
		}
	}
}

/** What is told with the writes at which each module can die. */
const PLOTS: readonly (Omit<Plot, "first"> & {
	readonly writes: Readonly<Record<Who, number>>;
})[] = [
	{
		seller: "honest",
		isCancelled: false,
		writes: { ann: 4, bob: 3, mint: 4 },
	},
	{
		seller: "honest",
		isCancelled: true,
		// The seller has nothing to write of what was never committed.
		writes: { ann: 1, bob: 0, mint: 1 },
	},
	{
		seller: "deposits first",
		isCancelled: false,
		writes: { ann: 3, bob: 3, mint: 4 },
	},
	{
		seller: "gives no key",
		isCancelled: false,
		writes: { ann: 4, bob: 3, mint: 4 },
	},
	{
		seller: "signs for nothing",
		isCancelled: false,
		writes: { ann: 4, bob: 3, mint: 5 },
	},
];

for (const { seller, isCancelled, writes } of PLOTS)
	describe(`a sale by a seller of the kind "${seller}"${isCancelled ? "; cancelled meanwhile" : ""}`, () => {
		const plot = (index: number): Plot => ({
			seller,
			isCancelled,
			first: index % 2 === 0 ? "ann" : "bob",
		});

		test("without trouble", async () => {
			for (const index of [0, 1])
				assert.equal((await Story.tell(plot(index), {})).deaths, 0);
		});

		for (const who of ["ann", "bob", "mint"] as const)
			test(`killed at each durable write: ${who}`, async () => {
				for (const when of ["before", "after"] as const) {
					let deaths = 1;
					let write = 0;
					while (deaths > 0) {
						const kill = { who, write: ++write, when };
						deaths = (await Story.tell(plot(write), { kill })).deaths;
						assert.ok(write < 60);
					}
					// The last had no such write.
					assert.ok(write - 1 >= writes[who], `${write - 1} deaths`);
				}
			});

		if (seller === "honest")
			test("each message lost, and each twice", async () => {
				for (const fate of ["lost", "doubled"] as const)
					for (let number = 0; ; number++) {
						const message = { number, fate };
						const story = await Story.tell(plot(number), { message });
						if (story.messages <= number) break;
						assert.ok(number < 200);
					}
			});
	});
