/* An owner with ecash of a play mint, who orders something of it. */
import assert from "node:assert/strict";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { remove } from "../../src/machine/index.ts";
import { PlayMint, type PlayMintOptions } from "../../src/mint/index.ts";
import {
	mintQuoteRequest,
	type Proof,
	parseMintQuote,
	parseProofs,
	parseStates,
	pointsOf,
	stateRequest,
	sumOf,
} from "../../src/money/cashu/index.ts";
import type { EcashOrder } from "../../src/money/documents/index.ts";
import { ecashTables, type PurseReport } from "../../src/money/index.ts";
import type { EcashOrderRow } from "../../src/money/purse/ecash-tables.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import type { World } from "../support/authority.ts";
import { EcashMarket, MINT_ISSUER, seedOf } from "./ecash-market.ts";

export const REQUEST: Uint8Array = filled(16, 0x51);
const TAKE_BACK = filled(16, 0x52);
const DAY = 86_400_000;

/** An order without what names it. */
export type Ordered = EcashOrder extends infer Of
	? Of extends EcashOrder
		? Omit<Of, "request" | "mint">
		: never
	: never;

export class Owner {
	readonly ecash: EcashMarket;

	private constructor(ecash: EcashMarket) {
		this.ecash = ecash;
	}

	static async make(world: World, play: PlayMintOptions = {}): Promise<Owner> {
		return new Owner(await EcashMarket.make({ world }, play));
	}

	get ann(): Module {
		return this.ecash.market.ann;
	}

	get balance(): bigint {
		return this.ecash.balance(this.ann);
	}

	/** Starts it if it is down, and hands an order over. */
	async order(order: Ordered, request: Uint8Array = REQUEST): Promise<void> {
		const { market } = this.ecash;
		if (this.ann.machine === undefined) market.town.restart(this.ann);
		this.ann.events.push({
			kind: "ecash-order",
			order: { ...order, request, mint: MINT_ISSUER } as EcashOrder,
		});
		await market.quiet();
	}

	takeBack(of: Uint8Array = REQUEST): Promise<void> {
		return this.order({ kind: "take-back", of }, TAKE_BACK);
	}

	pass(): Promise<void> {
		return this.ecash.pass();
	}

	/** Beyond the time of every invoice. */
	async passDays(): Promise<void> {
		await this.ecash.market.town.pass(3 * DAY);
		await this.pass();
	}

	async passHours(hours: number): Promise<void> {
		for (let hour = 0; hour < hours; hour++) {
			await this.ecash.market.town.pass(DAY / 24);
			await this.pass();
		}
	}

	row(request: Uint8Array = REQUEST): EcashOrderRow | undefined {
		return this.ann.store
			.rows(ecashTables.ECASH_ORDERS)
			.find((row) => hex(row.request) === hex(request));
	}

	get state(): string | undefined {
		return this.row()?.state;
	}

	/** What was told of orders, once where the same was told again. */
	get told(): readonly string[] {
		const said = this.ann.reports.flatMap((report: PurseReport) =>
			report.kind === "ecash" && hex(report.request) === hex(REQUEST)
				? [report.state as string]
				: [],
		);
		return said.filter((state, at) => state !== said[at - 1]);
	}

	get errors(): readonly string[] {
		return this.ann.reports.flatMap((report: PurseReport) =>
			report.kind === "ecash-ordered" && report.error !== undefined
				? [report.error.code]
				: [],
		);
	}

	token(): readonly Proof[] {
		return this.proofsOf(REQUEST);
	}

	/** Of what was sent by that order. */
	proofsOf(request: Uint8Array): readonly Proof[] {
		const { token } = this.row(request) ?? {};
		return token === undefined || token.length === 0 ? [] : parseProofs(token);
	}

	/** Somebody else swaps proofs for other ones, and has those. */
	redeem(proofs: readonly Proof[]): void {
		const seed = seedOf({ name: `${this.#redeemed++} redeems` });
		this.ecash.swapAway(proofs, seed);
	}

	#redeemed = 0;

	/** An invoice of another mint, whose money reaches nobody here. */
	invoice(amount: bigint): string {
		const { mint: primitives } = this.ecash.cryptography;
		const seed = nodeCrypto.sha256(utf8("another mint"));
		const other = PlayMint.create(seed, { primitives });
		const { status, body } = other.handle(
			mintQuoteRequest("sat", amount),
			this.ecash.market.town.now,
		);
		assert.equal(status, 200);
		return parseMintQuote(body).invoice;
	}

	/** The next of each keyset, in hexadecimal. */
	counters(): ReadonlyMap<string, bigint> {
		const rows = this.ann.store.rows(ecashTables.COUNTERS);
		return new Map(rows.map(({ keyset, next }) => [hex(keyset), next]));
	}

	/** The purse has nothing but its seed. */
	forget(): void {
		const { PROOFS, COUNTERS, ECASH_ORDERS, KEYSETS } = ecashTables;
		const { store } = this.ann;
		const writes = [
			...store.rows(PROOFS).map(({ id }) => remove(PROOFS, { id })),
			...store.rows(COUNTERS).map(({ keyset }) => remove(COUNTERS, { keyset })),
			...store
				.rows(ECASH_ORDERS)
				.map(({ request }) => remove(ECASH_ORDERS, { request })),
			...store
				.rows(KEYSETS)
				.map(({ mint, keyset }) => remove(KEYSETS, { mint, keyset })),
		];
		store.run({ kind: "done", writes, result: undefined });
		this.ecash.market.town.restart(this.ann);
	}

	/** The purse dies with the effect of that number, whose outcome it does not hear. Whether there was one. */
	async dieAt(number: number, order: () => Promise<void>): Promise<boolean> {
		const { town } = this.ecash.market;
		let count = 0;
		town.wants = (module, { kind }) => {
			if (module !== this.ann || kind === "report") return;
			if (++count === number) queueMicrotask(() => town.die(module));
		};
		await order();
		if (this.ann.machine === undefined) town.restart(this.ann);
		await this.ecash.market.quiet();
		town.wants = undefined;
		return count >= number;
	}

	/** That all that the purse has is unspent, and is so much. */
	requireBalance(expected: bigint): void {
		const rows = this.ann.store.rows(ecashTables.PROOFS);
		assert.equal(sumOf(rows), expected);
		const ys = pointsOf(this.ecash.crypto, rows);
		if (ys.length === 0) return;
		const answer = this.ecash.ask(stateRequest(ys));
		for (const { kind } of parseStates(answer, ys))
			assert.equal(kind, "unspent", "the purse has what is spent");
		// What an owner is told is the same.
		const { spendable, inDoubt } = this.ecash.told(this.ann);
		const out = this.ann.store
			.rows(ecashTables.ECASH_ORDERS)
			.filter(({ state }) => state === "sent");
		assert.deepEqual(
			{ spendable, inDoubt },
			{ spendable: expected, inDoubt: sumOf(out) },
		);
	}
}
