/* Sales, payments and claims of the same notes in any order, with clocks that jump and an issuer that dies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Note } from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import {
	claim,
	deposit,
	Killed,
	type Module,
	pay,
	piece,
	requestId,
} from "../money/mint.ts";
import { DAY } from "../support/authority.ts";
import {
	PRICE,
	type Sale,
	SaleWorld,
	said,
	type Trader,
} from "./issuer-world.ts";

const SEEDS = [1, 2];
const STEPS = 90;

/** Numbers that only the seed decides (mulberry32). */
function drawing(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) % below;
	};
}

interface Offered {
	readonly sale: Sale;
	readonly isRight: boolean;
	readonly merchant: Trader;
	/** As its payer or its payee was told for ever. */
	state: "open" | "booked" | "void" | "declined";
}

class Walk {
	readonly #world: SaleWorld;
	readonly #draw: (below: number) => number;
	readonly #merchants: readonly Trader[];
	readonly #notes: Note[] = [];
	readonly #offered: Offered[] = [];
	readonly #met = new Map<string, number>();
	#funded = 0n;

	constructor(
		world: SaleWorld,
		merchants: readonly Trader[],
		draw: (below: number) => number,
	) {
		this.#world = world;
		this.#merchants = merchants;
		this.#draw = draw;
	}

	get met(): ReadonlyMap<string, number> {
		return this.#met;
	}

	async step(): Promise<void> {
		const what = this.#draw(20);
		if (what < 2 || this.#notes.length === 0) return this.#withdraw();
		if (what < 7 || this.#offered.length === 0) return this.#offer();
		if (what < 11) return this.#handIn("deposit");
		if (what < 15) return this.#handIn("resolve");
		if (what < 16) return this.#payPlainly();
		if (what < 17) return this.#claim();
		if (what < 19) {
			this.#world.mint.now += (this.#draw(5) - 1) * DAY;
			return;
		}
		await this.#world.ledger.restart();
	}

	/** Everybody asks about everything once more, and every minor unit is found. */
	async finish(): Promise<void> {
		for (const offered of this.#offered)
			for (const ask of ["deposit", "resolve"] as const)
				await this.#ask(offered, ask);
		await this.sound();
		const { owed } = await this.#world.ledger.audit();
		assert.equal(owed, 0n);
	}

	async sound(): Promise<void> {
		const { ledger, buyer } = this.#world;
		const { outstanding, owed } = await ledger.sound();
		let accounts = await ledger.balanceOf(buyer);
		for (const merchant of this.#merchants)
			accounts += await ledger.balanceOf(merchant);
		assert.equal(accounts + outstanding + owed, this.#funded);
	}

	async #withdraw(): Promise<void> {
		const value = 4n * PRICE;
		this.#funded += value;
		this.#notes.push(await this.#world.ledger.note(value, this.#world.buyer));
	}

	/** A sale of any range of any note, which the buyer may have given away before. */
	async #offer(): Promise<void> {
		const world = this.#world;
		const note = this.#pick(this.#notes);
		const merchant = this.#pick(this.#merchants);
		const offset = BigInt(this.#draw(7)) * (PRICE / 2n);
		const by = {
			merchant,
			notes: [note],
			pieces: [piece(note, offset, PRICE)],
		};
		const isRight = this.#draw(4) > 0;
		const bookBy = world.mint.now + (1 + this.#draw(6)) * DAY;
		const sale = isRight
			? await world.sale({ bookBy }, by)
			: await world.wrong(by);
		this.#offered.push({ sale, isRight, merchant, state: "open" });
	}

	async #handIn(ask: "deposit" | "resolve"): Promise<void> {
		await this.#ask(this.#pick(this.#offered), ask);
	}

	/** Asks, perhaps of an issuer that dies over it, and then again under the same request. */
	async #ask(offered: Offered, ask: "deposit" | "resolve"): Promise<void> {
		const world = this.#world;
		const { sale, merchant } = offered;
		const by: Module = ask === "deposit" ? merchant : world.buyer;
		const asked =
			ask === "deposit" ? world.depositing(sale) : world.resolving(sale);
		if (this.#draw(4) === 0) {
			const when = this.#draw(2) === 0 ? "before" : "after";
			await world.ledger.restart({ kill: { write: 1, when } });
			await assert.rejects(world.mint.once(by, asked), Killed);
			await world.ledger.restart();
		}
		const answer = said(await world.mint.once(by, asked));
		this.#hear(offered, answer);
		this.#hear(offered, said(await world.mint.once(by, asked)));
	}

	/** What is said for ever stays said, and the key comes with a booking alone. */
	#hear(offered: Offered, answer: ReturnType<typeof said>): void {
		const { sale, isRight } = offered;
		const state = stateIn(answer);
		this.#met.set(state, (this.#met.get(state) ?? 0) + 1);
		if (state === "open") return assert.equal(offered.state, "open");
		if (offered.state !== "open") assert.equal(state, offered.state);
		offered.state = state;
		if (state === "booked") assert.ok(isRight);
		if (answer.kind !== "outcome") return;
		assert.equal(answer.credited, PRICE);
		assert.equal(answer.key, state === "booked" ? hex(sale.key) : undefined);
	}

	async #payPlainly(): Promise<void> {
		const { mint, buyer, issuer } = this.#world;
		const note = this.#pick(this.#notes);
		const payee = this.#pick(this.#merchants);
		const pieces = [piece(note, BigInt(this.#draw(7)) * (PRICE / 2n), PRICE)];
		const transfer = await pay(buyer, payee, pieces, issuer);
		await mint.once(payee, deposit(requestId(), transfer, [note], issuer));
	}

	async #claim(): Promise<void> {
		const { mint, buyer, issuer } = this.#world;
		await mint.once(buyer, claim(requestId(), this.#pick(this.#notes), issuer));
	}

	#pick<Of>(from: readonly Of[]): Of {
		return from[this.#draw(from.length)] as Of;
	}
}

function stateIn(answer: ReturnType<typeof said>): Offered["state"] {
	switch (answer.kind) {
		case "booked":
			return "booked";
		case "outcome":
			return answer.state === 1 ? "booked" : "void";
		case "declined":
			switch (answer.code) {
				case "purchase-void":
					return "void";
				case "double-spent":
					return "declined";
				default:
					assert.equal(answer.code, "payment-refused");
					return "open";
			}
	}
}

test(`${SEEDS.length} issuers keep every minor unit and every word, whatever comes in whichever order`, async () => {
	const met = new Map<string, number>();
	for (const seed of SEEDS) {
		await using world = await SaleWorld.make({
			onDisk: true,
			parameters: { noteDays: 12, graceDays: 2 },
		});
		const merchants = [world.merchant, await world.trader("carol")];
		const walk = new Walk(world, merchants, drawing(seed));
		for (let i = 1; i <= STEPS; i++) {
			await walk.step();
			if (i % 30 === 0) await walk.sound();
		}
		await walk.finish();
		for (const [state, times] of walk.met)
			met.set(state, (met.get(state) ?? 0) + times);
	}
	for (const state of ["open", "booked", "void", "declined"])
		assert.ok((met.get(state) ?? 0) > 5, `${state} was met`);
});
