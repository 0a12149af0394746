import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { runAudit } from "../../src/device/issuer/audit-run.ts";
import type { CertifiedDevice } from "../../src/identity/index.ts";
import {
	CONFLICTS,
	claimLedger,
	conflictOf,
	type Head,
	IssuerMachine,
	messages,
	parseTransfer,
	type Transfer,
} from "../../src/money/index.ts";
import { BEHIND_NAME, META } from "../../src/money/purse/purse-tables.ts";
import { hex } from "../../src/wire/index.ts";
import { DAY, makeWorld } from "../support/authority.ts";
import type { MemoryStore } from "../support/memory-store.ts";
import { contractOf, type Module, Town, type TownWorld } from "./town.ts";

/*
 * Three purses pay each other while homes of modules, of agents, or of both are put back to a
 * backup, modules die and take new keys, and the newest homes come back in the end. Meanwhile their
 * issuer takes new keys, and what it was certified with before gets on an untrusted list and off it
 * again, clocks are wrong, and answers are lost. Every choice follows from a seed. A purse that was put back pays nobody, whoever notices it first.
 */

const SEEDS = Number(process.env["TETRAD_SIMULATIONS"] ?? 16);
const ROUNDS = 8;

/** Linear congruential (Numerical Recipes), its upper bits: small, and the same everywhere. */
function dice(seed: number): (sides: number) => number {
	let state = seed >>> 0;
	return (sides) => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return (state >>> 8) % sides;
	};
}

const NOTHING_MET = {
	refused: 0,
	putBack: 0,
	forgotten: 0,
	renewed: 0,
	died: 0,
	renewedIssuer: 0,
	/** A payer's notes were of a certificate that somebody refused, and nothing was committed. */
	listed: 0,
	wrongClock: 0,
	lostAnswer: 0,
};

interface Backup {
	readonly store: MemoryStore;
	readonly head: Head;
}

class Simulation {
	readonly roll: (sides: number) => number;
	readonly town: Town;
	readonly mint: Module;
	readonly purses: readonly Module[];
	/** Every transfer that left a module, by its id. */
	readonly transfers = new Map<string, Transfer>();
	/** What was met: for a check that the seeds reach it. */
	readonly met = { ...NOTHING_MET };
	#contracts = 0;
	#funded = 0n;
	/** What the issuer was certified with before. */
	readonly #earlier: CertifiedDevice[] = [];
	/** Whether any of it may be on a list that somebody holds. */
	#isListed = false;

	constructor(seed: number, town: Town, mint: Module, purses: Module[]) {
		this.roll = dice(seed);
		this.town = town;
		this.mint = mint;
		this.purses = purses;
		town.sent = (bytes) => this.#sent(bytes);
	}

	static async make(seed: number, world: TownWorld): Promise<Simulation> {
		const town = await Town.make({ world });
		const mint = await town.issuer();
		const { machine, store } = mint;
		assert.ok(machine instanceof IssuerMachine);
		store.run(claimLedger(machine.terms));
		const purses: Module[] = [];
		for (const name of ["ann", "bob", "cyd"])
			purses.push(await town.purse(name));
		return new Simulation(seed, town, mint, purses);
	}

	#sent(bytes: Uint8Array): void {
		const { BETWEEN_MODULES, WITH_ISSUER, body } = messages;
		const { deliver } = BETWEEN_MODULES;
		const { exchange } = WITH_ISSUER;
		if (bytes[0] !== deliver.type && bytes[0] !== exchange.type) return;
		const { transfer: document } =
			bytes[0] === deliver.type ? body(deliver, bytes) : body(exchange, bytes);
		const transfer = parseTransfer(nodeCrypto, document);
		this.transfers.set(hex(transfer.id), transfer);
	}

	pick<Value>(from: readonly Value[]): Value {
		return from[this.roll(from.length)] as Value;
	}

	other(than: Module): Module {
		return this.pick(this.purses.filter((purse) => purse !== than));
	}

	async fund(purse: Module): Promise<void> {
		const amount = BigInt(200 + this.roll(800));
		this.town.fund(this.mint, purse, amount);
		this.#funded += amount;
		await this.town.order(purse, this.mint, amount);
		await this.settle(purse);
	}

	/** An answer may be lost before, or the purse's clock be wrong. */
	async settle(purse: Module): Promise<void> {
		const { town, mint, roll } = this;
		if (roll(5) === 0) await this.#loseAnswer(purse);
		if (roll(5) === 0) {
			purse.clockAhead = this.pick([900_000, -900_000, 5 * DAY, -5 * DAY]);
			this.met.wrongClock++;
		}
		const settled = await town.visit(purse, mint);
		purse.clockAhead = 0;
		assert.equal(settled.code, "", settled.reason);
	}

	/** The purse asks, the issuer writes down, and the tetrad ends. */
	async #loseAnswer(purse: Module): Promise<void> {
		const { town, mint } = this;
		const tetrad = await town.meet(purse, mint);
		town.settle(purse, tetrad, mint);
		await town.work();
		for (let i = this.roll(6); i > 0 && town.wire.length > 0; i--)
			await town.deliver();
		const isLost = town.wire.some(({ to }) => to === purse);
		if (isLost) this.met.lostAnswer++;
		town.wire.length = 0;
		town.part(purse, tetrad);
		mint.tetrads.delete(tetrad);
		mint.events.push({ kind: "closed", tetrad });
		await town.quiet();
	}

	/** A new key for the issuer; some hear that what it had before is on a list, or on it no more. */
	async #renewIssuer(): Promise<void> {
		const { town, mint, purses, roll } = this;
		this.#earlier.push(mint.device);
		await town.recertify(mint);
		this.met.renewedIssuer++;
		await this.#publish(
			roll(3) === 0 ? [] : this.#earlier,
			purses.filter(() => roll(2) === 0),
		);
	}

	async #publish(
		listed: readonly CertifiedDevice[],
		to: readonly Module[],
	): Promise<void> {
		if (listed.length > 0) this.#isListed = true;
		const list = await this.town.publish(listed);
		for (const { verdicts } of to) verdicts.lists.offer(list, this.town.now);
	}

	/** Answers with what the payer's agent heard, or with nothing when its module died over it. */
	async pay(payer: Module, payee: Module): Promise<string | undefined> {
		const { town, mint, roll } = this;
		const contract = contractOf(this.#contracts++);
		const amount = BigInt(1 + roll(60));
		const tetrad = await town.meet(payer, payee);
		town.expect(payee, tetrad, contract, amount, mint);
		await town.quiet();
		town.pay(payer, tetrad, contract, amount, mint);
		await town.quiet();
		const id = hex(contract);
		const heard = payer.heard.findLast(({ contract }) => contract === id);
		if (this.#isListed && /untrusted|meet the issuer/.test(heard?.reason ?? ""))
			this.met.listed++;
		town.part(payer, tetrad);
		await town.quiet();
		return heard?.kind === "failed" ? heard.code : heard?.kind;
	}

	/** Some payments by a purse, over one of which it may die; it is the newest then. */
	async spend(purse: Module): Promise<void> {
		const { town, roll } = this;
		for (let i = 1 + roll(3); i > 0; i--) {
			if (roll(4) === 0) {
				const when = this.pick(["before", "after"] as const);
				town.killAt(purse, { write: 1 + roll(3), when });
			}
			await this.pay(purse, this.other(purse));
			if (purse.machine === undefined) this.met.died++;
			// What is in doubt comes through when the two meet again.
			town.restart(purse);
			for (const other of this.purses) {
				if (other === purse) continue;
				const tetrad = await town.meet(purse, other);
				await town.quiet();
				town.part(purse, tetrad);
			}
			await town.quiet();
		}
	}

	backUp({ store, head }: Module): Backup {
		return { store: store.copy(), head };
	}

	/** Nobody is paid by a purse that was put back, however often it starts and whom it meets. */
	async round(): Promise<void> {
		const { town, mint, roll } = this;
		const purse = this.pick(this.purses);
		if (roll(2) === 0) await this.#renewIssuer();
		await this.fund(purse);
		if (roll(3) === 0) {
			this.met.renewed++;
			await town.recertify(purse);
			assert.equal(town.balance(purse, mint).spendable, 0n);
			await this.settle(purse);
			assert.equal(town.balance(purse, mint).held, 0n);
		}
		const backup = this.backUp(purse);
		await this.spend(purse);
		const isWithAgent = roll(2) === 0;
		// With the agent put back as well, it takes an issuer that knows better.
		if (isWithAgent || roll(2) === 0) await this.settle(purse);
		const newest = this.backUp(purse);
		if (newest.head.number === backup.head.number) return;

		this.met.putBack++;
		purse.store = backup.store.copy();
		if (isWithAgent) purse.head = backup.head;
		purse.wasPutBack = isWithAgent || roll(2) === 0;
		town.restart(purse);
		for (let i = 1 + roll(4); i > 0; i--)
			switch (roll(5)) {
				case 3:
					// The agent forgets it again, and the purse does not.
					if (!purse.store.rows(META).some(({ name }) => name === BEHIND_NAME))
						break;
					purse.head = backup.head;
					this.met.forgotten++;
					town.restart(purse);
					break;
				case 0:
					town.restart(purse);
					break;
				case 1:
					await town.visit(purse, mint);
					break;
				case 2: {
					// It is paid all the same, and deposits that.
					const payer = this.other(purse);
					const paid = await this.pay(payer, purse);
					assert.ok(
						paid === "paid" ||
							paid === "insufficient-funds" ||
							(paid === "payment-refused" && this.#isListed),
						`paid? ${paid}`,
					);
					await town.visit(purse, mint);
					assert.equal(town.balance(purse, mint).toDeposit, 0n);
					break;
				}
				default:
					assert.equal(
						await this.pay(purse, this.other(purse)),
						"purse-behind",
					);
					this.met.refused++;
			}
		purse.store = newest.store;
		purse.wasPutBack = true;
		if (purse.head.number < newest.head.number) purse.head = newest.head;
		town.restart(purse);
		assert.equal(town.balance(purse, mint).spendable, 0n);
		await this.settle(purse);
		town.requireConserved(mint);
	}

	async heal(): Promise<void> {
		const { town, mint, purses, roll } = this;
		await this.#publish(roll(2) === 0 ? [] : this.#earlier, [...purses, mint]);
		for (const purse of purses) {
			town.giveBack(purse, mint);
			await this.settle(purse);
			assert.equal(town.total(purse, mint), 0n, purse.name);
			assert.deepEqual(purse.ended, [], purse.name);
		}
		const accounts = purses.map((purse) => town.account(mint, purse));
		assert.equal(
			accounts.reduce((sum, account) => sum + account, 0n),
			this.#funded,
		);
		town.requireConserved(mint);
	}

	/** What `tetrad verify` would need to accuse somebody is not there. */
	requireNobodyAccused(): void {
		assert.deepEqual(this.mint.store.rows(CONFLICTS), []);
		const all = [...this.transfers.values()];
		for (const [i, one] of all.entries())
			for (const other of all.slice(i + 1))
				assert.equal(conflictOf(one, other), undefined);
	}

	async requireAudited(): Promise<void> {
		const { machine, store } = this.mint;
		assert.ok(machine instanceof IssuerMachine);
		const { policy } = this.town.world;
		const { problems, balanced } = await runAudit(machine.terms, policy, store);
		assert.deepEqual(problems, []);
		assert.ok(balanced);
	}
}

describe("homes that are put back", () => {
	test(`${SEEDS} of these towns keep every minor unit, and nobody signs twice`, async () => {
		const world = await makeWorld({ algorithm: "Ed25519" });
		const met = { ...NOTHING_MET };
		for (let seed = 1; seed <= SEEDS; seed++)
			try {
				const simulation = await Simulation.make(seed, world);
				for (let i = 0; i < ROUNDS; i++) await simulation.round();
				await simulation.heal();
				simulation.requireNobodyAccused();
				await simulation.requireAudited();
				for (const name of Object.keys(met) as (keyof typeof met)[])
					met[name] += simulation.met[name];
			} catch (thrown) {
				throw new Error(`with seed ${seed}`, { cause: thrown });
			}
		for (const [name, count] of Object.entries(met))
			assert.ok(count > SEEDS / 4, `only ${count} times: ${name}`);
	});
});
