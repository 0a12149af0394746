import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { runAudit } from "../../src/device/issuer/index.ts";
import {
	claimLedger,
	conflictOf,
	FIRST_HEAD,
	type Head,
	type IssuerMachine,
	loadPurse,
	messages,
	nextHead,
	parseTransfer,
	type Transfer,
} from "../../src/money/index.ts";
import {
	LOG,
	logBytes,
	PAYMENTS,
	RECEIPTS,
	type What,
} from "../../src/money/purse/purse-tables.ts";
import { hex } from "../../src/wire/index.ts";
import { DAY } from "../support/authority.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { contractOf, type Module, Town } from "./town.ts";

/*
 * Three purses pay each other, withdraw and deposit, while they are killed, their disks are full,
 * their keys are slow and their messages are late, and while the clock of their issuer is 100 days
 * ahead or its ledger is an empty one. Every choice follows from a seed.
 */

const SEEDS = Number(process.env["TETRAD_SIMULATIONS"] ?? 20);
const STEPS = 300;

/** Mulberry32: small, and the same everywhere. */
function dice(seed: number): (sides: number) => number {
	let state = seed >>> 0;
	return (sides) => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
	};
}

interface Contract {
	readonly id: Uint8Array;
	readonly payer: Module;
	readonly payee: Module;
	readonly amount: bigint;
}

class Simulation {
	readonly roll: (sides: number) => number;
	readonly town: Town;
	readonly mint: Module;
	readonly purses: readonly Module[];
	readonly contracts: Contract[] = [];
	/** Every transfer that left a module, by its id. */
	readonly transfers = new Map<string, Transfer>();
	/** The issuer's ledger, while it runs on an empty one by mistake. */
	#rightLedger: MemoryStore | undefined;
	/** Tetrads that ended with receipts on their way. */
	lost = 0;
	/** One who only is paid: it can take a new key, and no notes are made out to the old one. */
	readonly shop: Module;
	#funded = 0n;
	#isLosing = false;

	constructor(
		seed: number,
		town: Town,
		mint: Module,
		purses: Module[],
		shop: Module,
	) {
		this.roll = dice(seed);
		this.town = town;
		this.mint = mint;
		this.purses = purses;
		this.shop = shop;
		town.sent = (bytes) => this.#sent(bytes);
		town.afterEach = () => this.#requireConserved();
	}

	static async make(seed: number): Promise<Simulation> {
		const town = await Town.make({ limits: { software: 5000n } });
		const mint = await town.issuer();
		mint.store.run(claimLedger((mint.machine as IssuerMachine).terms));
		const purses = [];
		for (const name of ["ann", "bob", "cyd"])
			purses.push(await town.purse(name));
		const shop = await town.purse("shop");
		return new Simulation(seed, town, mint, [...purses, shop], shop);
	}

	#sent(bytes: Uint8Array): void {
		const { BETWEEN_MODULES, WITH_ISSUER, body } = messages;
		const fields =
			bytes[0] === BETWEEN_MODULES.deliver.type
				? body(BETWEEN_MODULES.deliver, bytes)
				: bytes[0] === WITH_ISSUER.exchange.type
					? body(WITH_ISSUER.exchange, bytes)
					: undefined;
		if (fields === undefined) return;
		const transfer = parseTransfer(nodeCrypto, fields.transfer);
		this.transfers.set(hex(transfer.id), transfer);
	}

	pick<Value>(from: readonly Value[]): Value {
		return from[this.roll(from.length)] as Value;
	}

	async step(): Promise<void> {
		const { town, mint, roll } = this;
		const purse = this.pick(this.purses);
		// What is wrong with the issuer is noticed soon.
		if (roll(6) === 0) mint.clockAhead = 0;
		if (this.#rightLedger !== undefined && roll(6) === 0) this.#changeLedger();
		switch (roll(21)) {
			case 20:
				// A purse's clock is wrong, by minutes or days, or right again.
				purse.clockAhead =
					roll(3) > 0 ? 0 : this.pick([900_000, -60_000, -900_000, 5 * DAY]);
				break;
			case 0: {
				if (purse === this.shop || this.#rightLedger !== undefined) break;
				const amount = BigInt(1 + roll(900));
				town.fund(mint, purse, amount);
				this.#funded += amount;
				await town.order(purse, mint, amount);
				break;
			}
			case 1:
			case 2: {
				const tetrad = await town.meet(purse, mint);
				town.settle(purse, tetrad, mint);
				break;
			}
			case 3:
			case 4:
			case 5:
				if (purse !== this.shop) await this.#trade(purse);
				break;
			case 6:
				town.killAt(this.pick([...this.purses, mint]), {
					write: 1 + roll(3),
					when: roll(2) === 0 ? "before" : "after",
				});
				break;
			case 7:
				purse.store.isFull = roll(3) === 0;
				break;
			case 8:
				purse.isSlowToSign = !purse.isSlowToSign;
				break;
			case 9: {
				const [tetrad] = purse.tetrads.keys();
				if (tetrad !== undefined) town.part(purse, tetrad);
				break;
			}
			case 10:
				if (roll(4) === 0) town.die(purse);
				break;
			case 11:
				town.now += 10_000;
				purse.events.push({ kind: "time" });
				break;
			case 12:
				if (roll(6) === 0) town.giveBack(purse, mint);
				break;
			case 13:
				this.#isLosing = !this.#isLosing;
				break;
			case 14:
				if (roll(3) === 0) await town.recertify(this.shop);
				break;
			case 15:
				if (roll(2) === 0) mint.clockAhead = 100 * DAY;
				break;
			case 16:
				if (this.#rightLedger === undefined && roll(2) === 0)
					this.#changeLedger();
				break;
			default:
				for (const module of [...this.purses, mint])
					if (module.machine === undefined) town.restart(module);
		}
		await town.work();
		for (let i = roll(12); i > 0; i--) await this.#progress();
		this.#requireConserved();
	}

	#requireConserved(): void {
		if (this.#rightLedger === undefined) this.town.requireConserved(this.mint);
	}

	/** The issuer is started on an empty ledger, or on its own again. */
	#changeLedger(): void {
		const { town, mint } = this;
		const right = this.#rightLedger;
		town.die(mint);
		this.#rightLedger = right === undefined ? mint.store : undefined;
		mint.store = right ?? new MemoryStore();
		town.restart(mint);
	}

	/** A receipt never comes: its tetrad ends with it on the way. */
	#lose({ to, tetrad }: Town["wire"][number]): void {
		const { wire } = this.town;
		const kept = wire.filter(
			(wired) => wired.to !== to || wired.tetrad !== tetrad,
		);
		wire.splice(0, wire.length, ...kept);
		this.lost++;
		this.town.part(to, tetrad);
	}

	/** One signature or one message, whichever comes next. */
	async #progress(): Promise<void> {
		const { town } = this;
		const signing = this.purses.filter(({ unsigned }) => unsigned.length > 0);
		if (signing.length > 0 && this.roll(2) === 0) {
			const purse = this.pick(signing);
			const [signed] = purse.unsigned.splice(
				this.roll(purse.unsigned.length),
				1,
			);
			if (signed !== undefined) purse.events.push(signed);
			return town.work();
		}
		if (town.wire.length === 0) return;
		const at = this.pick(town.next);
		const wired = town.wire[at];
		const { accepted } = messages.BETWEEN_MODULES;
		if (this.#isLosing && wired?.bytes?.[0] === accepted.type)
			this.#lose(wired);
		else await town.deliver(at);
	}

	async #trade(payer: Module): Promise<void> {
		const { town, mint, roll } = this;
		const payee = this.pick(this.purses.filter((purse) => purse !== payer));
		if (payer.machine === undefined || payee.machine === undefined) return;
		const known = [...payer.tetrads].find(([, { peer }]) => peer === payee);
		const tetrad = known?.[0] ?? (await town.meet(payer, payee));
		const again = this.contracts.find(
			(contract) => contract.payer === payer && contract.payee === payee,
		);
		for (let i = 1 + roll(4); i > 0; i--) {
			const contract =
				again !== undefined && roll(4) === 0
					? again
					: {
							id: contractOf(this.contracts.length),
							payer,
							payee,
							amount: BigInt(1 + roll(400)),
						};
			if (contract !== again) this.contracts.push(contract);
			town.expect(payee, tetrad, contract.id, contract.amount, mint);
			await town.work();
			town.pay(payer, tetrad, contract.id, contract.amount, mint);
			await town.work();
		}
	}

	/** Everybody lives, has room and meets everybody. */
	async heal(): Promise<void> {
		const { town, mint, purses } = this;
		if (this.#rightLedger !== undefined) this.#changeLedger();
		mint.clockAhead = 0;
		for (const module of [...purses, mint]) {
			module.store.isFull = false;
			module.isSlowToSign = false;
			module.clockAhead = 0;
			town.restart(module);
		}
		await town.quiet();
		for (const [i, one] of purses.entries())
			for (const other of purses.slice(i + 1)) {
				await town.meet(one, other);
				await town.quiet();
			}
		// What came late is deposited first, and its receipt is on its way then.
		for (const purse of purses) await town.visit(purse, mint);
		await town.quiet();
		for (const purse of purses) {
			town.giveBack(purse, mint);
			const settled = await town.visit(purse, mint);
			assert.equal(settled.code, "", settled.reason);
		}
	}

	async requireRight(): Promise<void> {
		const { town, mint, purses } = this;
		let accounts = 0n;
		for (const purse of purses) {
			assert.equal(town.total(purse, mint), 0n, purse.name);
			assert.deepEqual(purse.ended, [], purse.name);
			accounts += town.account(mint, purse);
			this.#requireHistory(purse);
		}
		assert.equal(accounts, this.#funded);
		this.#requireNoOverlap();
		const { terms } = mint.machine as IssuerMachine;
		const { problems } = await runAudit(
			terms,
			town.world.policy.banks,
			mint.store,
		);
		assert.deepEqual(problems, []);
		for (const { id, payee, amount, payer } of this.contracts) {
			const rows = purses.flatMap(({ store }) =>
				store
					.rows(RECEIPTS)
					.filter(({ contract }) => hex(contract) === hex(id)),
			);
			assert.ok(rows.length <= 1);
			const paid = payer.heard.filter(
				({ kind, contract }) => kind === "paid" && contract === hex(id),
			);
			const [row] = rows;
			for (const { receipt } of paid)
				if (receipt !== "")
					assert.equal(receipt, hex(row?.receipt ?? new Uint8Array()));
				else assert.ok(row, "it is told to be paid, and the payee has nothing");
			const states = payer.store
				.rows(PAYMENTS)
				.filter(({ contract }) => hex(contract) === hex(id))
				.map(({ state }) => state);
			assert.deepEqual(states, row === undefined ? [] : ["settled"]);
			if (row === undefined) continue;
			assert.ok(payee.store.rows(RECEIPTS).includes(row));
			assert.equal(row.amount, amount);
			assert.equal(row.credited, amount);
		}
	}

	#requireNoOverlap(): void {
		const all = [...this.transfers.values()];
		for (const [i, one] of all.entries())
			for (const other of all.slice(i + 1))
				assert.equal(conflictOf(one, other), undefined);
	}

	/** The log is the chain of the purse's heads. */
	#requireHistory({ store, head: kept }: Module): void {
		const { head } = store.run(loadPurse(nodeCrypto));
		let last: Head = FIRST_HEAD;
		for (const row of store.rows(LOG)) {
			const { time, what, number, hash } = row;
			const entry = { ...row, what: what as What };
			last = nextHead(nodeCrypto, last, logBytes(entry, Number(time)));
			assert.equal(number, last.number);
			assert.equal(hex(hash), hex(last.hash));
		}
		assert.equal(head.number, last.number);
		assert.equal(hex(head.hash), hex(last.hash));
		assert.ok(kept.number <= head.number);
	}
}

describe("purses in a hard world", () => {
	test(`${SEEDS} of them keep every minor unit`, async () => {
		let paid = 0;
		let lost = 0;
		for (let seed = 1; seed <= SEEDS; seed++)
			try {
				const simulation = await Simulation.make(seed);
				for (let i = 0; i < STEPS; i++) await simulation.step();
				await simulation.heal();
				await simulation.requireRight();
				paid += simulation.transfers.size;
				lost += simulation.lost;
			} catch (thrown) {
				throw new Error(`with seed ${seed}`, { cause: thrown });
			}
		assert.ok(paid > SEEDS * 5, `only ${paid} transfers`);
		assert.ok(lost > SEEDS / 4, `only ${lost} tetrads lost receipts`);
	});
});
