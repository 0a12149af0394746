import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { runAudit } from "../../src/device/issuer/index.ts";
import { asTetradError } from "../../src/errors.ts";
import type { CertifiedDevice } from "../../src/identity/index.ts";
import {
	CONFLICTS,
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
import { dice } from "../support/dice.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { contractOf, type Module, Town } from "./town.ts";

/*
 * Four purses pay each other, withdraw and deposit, while they are killed, their disks are full,
 * their keys are slow and their messages are late, and while the clock of their issuer is 100 days
 * ahead or its ledger is an empty one. Meanwhile they and their issuer take new keys, and its
 * certificates get on untrusted lists and off them again, of which one has heard and another has
 * not. Every choice follows from a seed.
 */

const SEEDS = Number(process.env["TETRAD_SIMULATIONS"] ?? 12);
const STEPS = 300;

interface Contract {
	readonly id: Uint8Array;
	readonly payer: Module;
	readonly payee: Module;
	readonly amount: bigint;
}

/** What an issuer answers to what changes its books. */
const ANSWERS: readonly number[] = [
	messages.WITH_ISSUER.issued,
	messages.WITH_ISSUER.booked,
	messages.WITH_ISSUER.declined,
	messages.WITH_ISSUER.outcome,
].map(({ type }) => type);

/** How often something was met, for a check that the seeds reach it. */
const NOTHING_MET = {
	/** Tetrads that ended with a receipt on its way, or with an issuer's answer. */
	lostReceipt: 0,
	lostAnswer: 0,
	/** New keys. */
	renewedIssuer: 0,
	renewedPurse: 0,
	/** Lists by which a module came to refuse what its issuer is certified with, and to take it again. */
	listed: 0,
	unlisted: 0,
	/** Meetings that were not to be, for such a list. */
	shunned: 0,
	/** Transfers that were taken only once they were booked. */
	bookedFirst: 0,
};

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
	readonly met = { ...NOTHING_MET };
	/** One who only is paid. */
	readonly shop: Module;
	/** All that the issuer was ever certified with, and the bank's newest list. */
	readonly #certificates: CertifiedDevice[];
	#list: Uint8Array | undefined;
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
		this.#certificates = [mint.device];
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
		const all = [...purses, shop];
		const simulation = new Simulation(seed, town, mint, all, shop);
		for (const purse of purses) {
			await simulation.#fund(purse);
			await town.visit(purse, mint);
		}
		return simulation;
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
		if (!this.#trusts(purse, mint) && roll(4) === 0)
			await this.#publish(this.#certificates.slice(0, -1));
		switch (roll(26)) {
			case 20:
				this.#turn(purse, [900_000, -60_000, -900_000, 5 * DAY, -91 * DAY]);
				break;
			case 0: {
				if (purse === this.shop || this.#rightLedger !== undefined) break;
				await this.#fund(purse);
				break;
			}
			case 1:
			case 2: {
				if (!this.#isWelcome(purse, mint)) break;
				const tetrad = await town.meet(purse, mint);
				town.settle(purse, tetrad, mint);
				break;
			}
			case 3:
			case 4:
			case 5:
			case 25:
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
				if (roll(3) > 0) break;
				await town.recertify(purse);
				this.met.renewedPurse++;
				break;
			case 21:
				if (roll(4) === 0) await this.#renewIssuer();
				break;
			case 22:
				if (roll(2) === 0) await this.#publish(this.#listed());
				break;
			case 23:
			case 24:
				this.#offer(purse);
				break;
			case 15:
				this.#turn(mint, [900_000, -900_000, -5 * DAY]);
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

	/**
	 * A clock is wrong, by minutes, days or months, or right again. At most one is so far ahead that
	 * all notes are over: what its issuer then books to whoever is as wrong is gone for its payee.
	 */
	#turn(module: Module, wrong: readonly number[]): void {
		const { mint, purses, roll } = this;
		const others = [mint, ...purses].filter((other) => other !== module);
		const isAlone = others.every(({ clockAhead }) => clockAhead <= 5 * DAY);
		const all = isAlone ? [...wrong, 100 * DAY] : wrong;
		module.clockAhead = roll(3) === 0 ? 0 : this.pick(all);
	}

	async #fund(purse: Module): Promise<void> {
		const { town, mint } = this;
		const amount = BigInt(1 + this.roll(900));
		town.fund(mint, purse, amount);
		this.#funded += amount;
		await town.order(purse, mint, amount);
	}

	/** Holds at every moment, but for a wrong ledger, and for what a clock that is ahead has given up. */
	#requireConserved(): void {
		const { town, mint, purses } = this;
		const isGivenUp = purses.some(({ store }) =>
			store.rows(RECEIPTS).some(({ state }) => state === "refused"),
		);
		if (!isGivenUp && this.#rightLedger === undefined)
			town.requireConserved(mint);
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

	/** A new key for the issuer; the bank lists what it had before, or does not. */
	async #renewIssuer(): Promise<void> {
		const { town, mint, roll } = this;
		await town.recertify(mint);
		this.#certificates.push(mint.device);
		this.met.renewedIssuer++;
		if (roll(2) === 0) await this.#publish(this.#certificates.slice(0, -1));
	}

	/** Any of the issuer's certificates, the newest among them, or none. */
	#listed(): readonly CertifiedDevice[] {
		return this.roll(3) === 0
			? []
			: this.#certificates.filter(() => this.roll(2) === 0);
	}

	/** A list that some have at once, and others later or never. */
	async #publish(listed: readonly CertifiedDevice[]): Promise<void> {
		this.#list = await this.town.publish(listed);
		for (const module of [...this.purses, this.mint])
			if (this.roll(2) === 0) this.#offer(module);
	}

	/** The newest list comes to a module, which closes what it has open with whom it does not trust any more. */
	#offer(module: Module): void {
		const { mint, town } = this;
		const { lists } = module.verdicts;
		if (this.#list === undefined) return;
		const trusted = this.#trusts(module, mint);
		try {
			lists.offer(this.#list, town.now + module.clockAhead);
		} catch (thrown) {
			// Its clock is so far behind that the list seems to come from the future.
			assert.equal(asTetradError(thrown).code, "list-refused");
			assert.ok(module.clockAhead < 0);
		}
		const trusts = this.#trusts(module, mint);
		if (trusted && !trusts) this.met.listed++;
		if (!trusted && trusts) this.met.unlisted++;
		for (const [tetrad, { peer }] of module.tetrads)
			if (!this.#trusts(module, peer)) town.part(module, tetrad);
	}

	#trusts({ verdicts }: Module, { device }: Module): boolean {
		try {
			verdicts.lists.requireTrusted(device.path);
			return true;
		} catch {
			return false;
		}
	}

	/** Whether a tetrad of the two would be made at all. */
	#isWelcome(one: Module, other: Module): boolean {
		const isWelcome = this.#trusts(one, other) && this.#trusts(other, one);
		if (!isWelcome) this.met.shunned++;
		return isWelcome;
	}

	/** What is on its way never comes: its tetrad ends. */
	#lose({ to, tetrad }: Town["wire"][number]): void {
		const { wire } = this.town;
		const kept = wire.filter(
			(wired) => wired.to !== to || wired.tetrad !== tetrad,
		);
		wire.splice(0, wire.length, ...kept);
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
		const type = wired?.bytes?.[0] ?? 0;
		const { accepted, deliver } = messages.BETWEEN_MODULES;
		const isReceipt = type === accepted.type;
		// The payee has agreed to take it, and refuses its issuer's certificates by now.
		if (wired !== undefined && type === deliver.type && this.roll(6) === 0) {
			this.#list = await this.town.publish(this.#certificates);
			this.#offer(wired.to);
		}
		if (wired === undefined || !this.#isLosing)
			return void (await town.deliver(at));
		if (isReceipt) this.met.lostReceipt++;
		else if (ANSWERS.includes(type) && this.roll(3) === 0)
			this.met.lostAnswer++;
		else return void (await town.deliver(at));
		this.#lose(wired);
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
		await this.#clear();
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

	/** Everybody has the bank's last list: none of the issuer's certificates is on it, or all but the newest. */
	async #clear(): Promise<void> {
		const { town, mint, purses, roll } = this;
		const listed = roll(2) === 0 ? [] : this.#certificates.slice(0, -1);
		this.#list = await town.publish(listed);
		for (const module of [...purses, mint]) this.#offer(module);
	}

	async requireRight(): Promise<void> {
		const { town, mint, purses } = this;
		let accounts = 0n;
		for (const purse of purses) {
			assert.equal(town.total(purse, mint), 0n, purse.name);
			assert.deepEqual(purse.ended, [], purse.name);
			accounts += town.account(mint, purse);
			this.#requireHistory(purse);
			this.met.bookedFirst += purse.store
				.rows(LOG)
				.filter(({ what }) => what === "to-book").length;
		}
		assert.equal(accounts, this.#funded);
		assert.deepEqual(mint.store.rows(CONFLICTS), []);
		this.#requireNoOverlap();
		const { terms } = mint.machine as IssuerMachine;
		const { problems } = await runAudit(terms, town.world.policy, mint.store);
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
		const met = { ...NOTHING_MET };
		for (let seed = 1; seed <= SEEDS; seed++)
			try {
				const simulation = await Simulation.make(seed);
				for (let i = 0; i < STEPS; i++) await simulation.step();
				await simulation.heal();
				await simulation.requireRight();
				paid += simulation.transfers.size;
				for (const name of Object.keys(met) as (keyof typeof met)[])
					met[name] += simulation.met[name];
			} catch (thrown) {
				throw new Error(`with seed ${seed}`, { cause: thrown });
			}
		assert.ok(paid > SEEDS * 5, `only ${paid} transfers`);
		for (const [name, count] of Object.entries(met))
			assert.ok(count > SEEDS / 4, `only ${count} times: ${name}`);
	});
});
