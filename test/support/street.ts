/*
 * A street with a shop: buyer, merchant and issuer with their agents and modules, each a process,
 * by the commands that people give. Any of them can be killed at any of its steps; whoever died is
 * started again, and nobody does more than that and what the guides say.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readPolicy } from "../../src/device/home/policy-file.ts";
import {
	readIssuerSettings,
	runAudit,
	termsOf,
	viewLedger,
} from "../../src/device/issuer/index.ts";
import type { ProcessEvent } from "../../src/device/process/process-events.ts";
import { viewBalances } from "../../src/device/purse/owner-view.ts";
import { viewPurse } from "../../src/device/purse/purse-home.ts";
import {
	type PurchaseView,
	viewPurchases,
} from "../../src/device/trade/records-view.ts";
import { ACCOUNTS } from "../../src/money/issuer/index.ts";
import { hex } from "../../src/wire/index.ts";
import { done } from "./commands.ts";
import { Homes } from "./homes.ts";
import { type MintTown, mintTown } from "./mint-town.ts";
import { Command, type Result, run } from "./processes.ts";
import { type DeathAt, ToldToDie } from "./told-to-die.ts";

/** Whoever can die: the buyer's agent and module, the merchant's, and the issuer's module with its agent. */
export const MORTALS = ["A", "X", "B", "Y", "mint", "clerk"] as const;
export type Mortal = (typeof MORTALS)[number];

/** A death of one device, and what happens to it while it recovers. */
export interface Point {
	readonly who: Mortal;
	readonly at: DeathAt;
	readonly again?: DeathAt;
}

/** Whether it died where it was told to. */
export interface Lived {
	readonly died: boolean;
	readonly diedAgain: boolean;
}

export function pointName({ who, at, again }: Point): string {
	const death = ({ when, kind, number }: DeathAt) =>
		`${when} ${kind} ${number}`;
	return `${who} ${death(at)}${again === undefined ? "" : `, and ${death(again)} of its recovery`}`;
}

/** How long something is waited for that another process does by itself. Nothing that goes well takes it. */
const PATIENCE_MS = 30_000;

/** In minor units. */
const MONEY = 1_000_000n;

/** What the shop sells: more than one chunk. */
export const GOODS: Uint8Array = randomBytes(70_000);

/** What a command said to its owner: events, and why it failed. */
export interface Told {
	readonly result: Result;
	readonly events: readonly ProcessEvent[];
	readonly code: string | undefined;
	readonly reason: string;
}

export interface StreetOptions {
	/** Flags of `tetrad sell` beside those that it needs. */
	readonly sell?: readonly string[];
	/** Makes what is sold, in that folder; a file and its catalogue unless given. */
	readonly stock?: (folder: string) => Promise<void>;
}

export class Street implements AsyncDisposable {
	readonly homes: Homes;
	readonly fates: Readonly<Record<Mortal, ToldToDie>>;
	readonly #flags: readonly string[];
	#town: MintTown | undefined;
	#modules: { X: Command; Y: Command } | undefined;
	#shop: Command | undefined;
	#shopAt = "";
	#bought = 0;

	static async open(
		folder: string,
		{ sell = [], stock = photoShop }: StreetOptions = {},
	): Promise<Street> {
		await mkdir(folder, { recursive: true });
		const street = new Street(await Homes.make(folder), sell);
		const { homes } = street;
		await mkdir(homes.at("shop"));
		await mkdir(homes.at("bought"));
		await stock(homes.at("shop"));
		const town = await mintTown(homes, {
			env: (who) => street.fates[who === "issuer" ? "mint" : who].env,
			amount: "10000.00",
		});
		street.#town = town;
		await street.revive();
		const money = ["purse", "withdraw", "2000", ...town.owner, ...town.at("X")];
		await done(money);
		return street;
	}

	private constructor(homes: Homes, flags: readonly string[]) {
		this.homes = homes;
		this.#flags = flags;
		const fate = (who: Mortal) => new ToldToDie(homes.at(`told-${who}`));
		this.fates = {
			A: fate("A"),
			X: fate("X"),
			B: fate("B"),
			Y: fate("Y"),
			mint: fate("mint"),
			clerk: fate("clerk"),
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#shop?.[Symbol.asyncDispose]();
		await this.#modules?.X[Symbol.asyncDispose]();
		await this.#modules?.Y[Symbol.asyncDispose]();
		await this.#town?.[Symbol.asyncDispose]();
	}

	get town(): MintTown {
		assert.ok(this.#town);
		return this.#town;
	}

	get shop(): Command {
		assert.ok(this.#shop);
		return this.#shop;
	}

	/** Where the shop listens. */
	get shopAt(): string {
		return this.#shopAt;
	}

	/** The process of a device that runs all the time, as it was started last. */
	processOf(who: Exclude<Mortal, "A">): Command {
		switch (who) {
			case "B":
				return this.shop;
			case "X":
			case "Y": {
				assert.ok(this.#modules);
				return this.#modules[who];
			}
			case "mint":
				return this.town.issuer;
			case "clerk":
				return this.town.clerk;
		}
	}

	/** Starts again whoever is gone. */
	async revive(): Promise<void> {
		await this.town.revive();
		const last = this.#modules;
		const started = (place: "X" | "Y") =>
			last === undefined || last[place].gone
				? this.#startModule(place)
				: last[place];
		const { X, Y } = { X: started("X"), Y: started("Y") };
		this.#modules = { X, Y };
		await Promise.all([X.expect("listening"), Y.expect("listening")]);
		if (this.#shop === undefined || this.#shop.gone) await this.#startShop();
	}

	/** Whether it was killed after it was started last. Fails the test if it ended otherwise. */
	async wasKilled(who: Exclude<Mortal, "A">): Promise<boolean> {
		const process = this.processOf(who);
		if (!process.gone) return false;
		const { signal, stderr } = await process.exited;
		assert.equal(signal, "SIGKILL", `${process.name} ended: ${stderr}`);
		return true;
	}

	/** As `revive`, while one of them is told to die again, which it may do before it listens. */
	async reviveToDie(who: Exclude<Mortal, "A">, at: DeathAt): Promise<void> {
		this.fates[who].tell(at);
		try {
			await this.revive();
		} catch (thrown) {
			if (!(await this.wasKilled(who))) throw thrown;
		}
	}

	#startModule(place: "X" | "Y"): Command {
		const { homes } = this;
		return new Command(
			[
				...["module", "--json", "--home", homes.of(place)],
				...["--listen", homes.socket(place)],
			],
			{ env: this.fates[place].env },
		);
	}

	async #startShop(): Promise<void> {
		const { homes, town } = this;
		this.#shop = new Command(
			[
				...["sell", homes.at("shop"), "--json", "--home", homes.of("B")],
				...["--module", homes.socket("Y"), "--listen", "127.0.0.1:0"],
				...["--issuer-terms", town.terms, "--settle-at", town.issuerAt],
				...["--settle-every", "1", ...this.#flags],
			],
			{ env: this.fates.B.env },
		);
		({ address: this.#shopAt } = await this.#shop.expect("listening"));
		await this.#shop.expect("settled");
	}

	caller(): string[] {
		const { homes } = this;
		return ["--home", homes.of("A"), "--module", homes.socket("X")];
	}

	/** A name in the folder of what was bought, which no purchase had before. */
	newTarget(): string {
		return this.homes.at("bought", `photo-${++this.#bought}.jpg`);
	}

	buying(target: string, item = "photo.jpg"): string[] {
		return [
			...["buy", "--max", "0.25 PLAY", "--out", target, "--json"],
			...[...this.caller(), "--", this.#shopAt, item],
		];
	}

	async buy(
		target: string,
		env: Readonly<Record<string, string>> = this.fates.A.env,
	): Promise<Told> {
		return toldBy(await run(this.buying(target), { env }));
	}

	/** Fails the test unless all is at rest after the commands that the guides name, and what was told of a purchase was true. */
	async comesToRest(target: string, told: readonly Told[]): Promise<void> {
		await this.revive();
		const resolved = await this.resolveAll();
		await this.requireRest();
		await this.#requireTrue(target, [...told, ...resolved]);
	}

	/** What `tetrad resolve` says, at the issuer or at the merchant. */
	async resolve(at: "issuer" | "merchant"): Promise<Told> {
		const { env } = this.fates.A;
		const { issuerAt } = this.town;
		const result = await run(
			[
				...["resolve", at === "issuer" ? issuerAt : this.#shopAt, "--json"],
				...(at === "merchant" ? ["--merchant"] : []),
				...this.caller(),
			],
			{ env },
		);
		const told = toldBy(result);
		const end = linesOf(result.stdout).at(-1);
		if (end?.["event"] === "resolved")
			assert.equal(end["open"], await this.#open(), JSON.stringify(told));
		return told;
	}

	purchases(): Promise<PurchaseView[]> {
		return viewPurchases(this.homes.of("A"), 100_000);
	}

	/** How many purchases are in doubt. */
	async #open(): Promise<number> {
		const purchases = await this.purchases();
		return purchases.filter(({ row }) => row.state === "provisional").length;
	}

	/** Gives the commands that the guides name until nothing that was bought is in doubt. */
	async resolveAll(): Promise<readonly Told[]> {
		const told: Told[] = [];
		for (let round = 0; (await this.#open()) > 0; round++) {
			assert.ok(round < 3, `in doubt for ever: ${JSON.stringify(told.at(-1))}`);
			await this.revive();
			told.push(await this.resolve("issuer"));
			if ((await this.#open()) === 0) break;
			await this.revive();
			told.push(await this.resolve("merchant"));
		}
		// A module that lost what it heard has it in the end from the issuer.
		if ((await this.#balance("X")).inDoubt > 0n)
			told.push(await this.resolve("issuer"));
		return told;
	}

	/** One purchase during which somebody dies, and maybe again while it recovers. Fails the test unless all holds then that must. */
	async live({ who, at, again }: Point): Promise<Lived> {
		const target = this.newTarget();
		const fate = this.fates[who];
		fate.tell(at);
		const told = [await this.buy(target)];
		// What is left to do after the purchase is also done while somebody may die.
		const isDead = () =>
			who === "A" ? told.some(wasKilled) : this.processOf(who).gone;
		// The merchant's devices have nothing to do with what the buyer asks the issuer.
		if (!isDead() && who !== "B" && who !== "Y")
			told.push(await this.resolve("issuer"));
		if (!isDead() && who !== "A" && who !== "X")
			await this.#settled().catch((thrown: unknown) => {
				if (!isDead()) throw thrown;
			});
		const died = await this.#reached(who, at, told);
		const diedAgain = again !== undefined && (await this.#dieAgain(who, again));
		await this.comesToRest(target, told);
		return { died, diedAgain };
	}

	/** Takes back what a device was told; whether it has died of it. */
	async #reached(
		who: Mortal,
		{ number }: DeathAt,
		told: readonly Told[],
	): Promise<boolean> {
		const steps = this.fates[who].end();
		if (who === "A") return told.some(wasKilled);
		// What it did at its last step is seen earlier than that it is gone.
		const process = this.processOf(who);
		if (steps.length >= number)
			await process.until(() => process.gone, "its death");
		return this.wasKilled(who);
	}

	/** What whoever died does when it is started again; whether it died of that. */
	async #dieAgain(who: Mortal, at: DeathAt): Promise<boolean> {
		const told: Told[] = [];
		if (who === "A") {
			this.fates.A.tell(at);
			told.push(await this.resolve("issuer"), await this.resolve("merchant"));
		} else {
			await this.reviveToDie(who, at);
			if (!this.processOf(who).gone) await this.resolve("issuer");
		}
		return this.#reached(who, at, told);
	}

	/** Waits until the merchant's module has nothing to hand in. */
	async #settled(): Promise<void> {
		const until = Date.now() + PATIENCE_MS;
		for (;;) {
			const { toDeposit } = await this.#balance("Y");
			if (toDeposit === 0n) return;
			assert.ok(Date.now() < until, "the merchant never hands in what it has");
			assert.ok(
				MORTALS.every((who) => who === "A" || !this.processOf(who).gone),
			);
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	async #balance(place: "X" | "Y") {
		await using view = await viewPurse(this.homes.of(place));
		const [first] = await viewBalances(view.store, view.issuers, Date.now());
		assert.ok(first !== undefined);
		return first;
	}

	/** What buyer and merchant have at the issuer, and whether its books balance. */
	async #accounts() {
		const home = this.homes.at("mint");
		const settings = await readIssuerSettings(home);
		const view = await viewLedger(home, settings);
		assert.ok(view);
		await using _ = view;
		const [terms, roots] = await Promise.all([
			termsOf(home, settings),
			readPolicy(home),
		]);
		const audit = await runAudit(terms, roots, view);
		assert.deepEqual(audit.problems, []);
		const balances: Record<string, bigint> = {};
		await view.snapshot(async (scan) => {
			for await (const { name, balance } of scan({ table: ACCOUNTS }))
				balances[name] = balance;
		});
		return { X: balances["alice-purse"] ?? 0n, Y: balances["bob-till"] ?? 0n };
	}

	/** Nothing is open, not a minor unit is more or less, and what is bought is here and paid for. */
	async requireRest(): Promise<void> {
		await this.#settled();
		const [x, y] = [await this.#balance("X"), await this.#balance("Y")];
		const accounts = await this.#accounts();
		assert.equal(x.inDoubt + x.held + x.toDeposit + x.toClaim, 0n);
		assert.equal(y.inDoubt + y.held + y.toDeposit + y.toClaim, 0n);
		const ofBuyer = x.spendable + accounts.X;
		const ofMerchant = y.spendable + accounts.Y;
		assert.equal(ofBuyer + ofMerchant, MONEY);
		let paid = 0n;
		for (const { row, contract } of await this.purchases()) {
			assert.notEqual(row.state, "provisional");
			if (row.state === "final") paid += contract.amount;
			const isThere = await stat(row.target).then(
				() => true,
				() => false,
			);
			assert.equal(isThere, row.state === "final", row.target);
		}
		assert.equal(ofMerchant, paid);
		for (const name of await readdir(this.homes.at("bought"))) {
			if (name.startsWith(".")) continue;
			const goods = await readFile(this.homes.at("bought", name));
			assert.deepEqual(goods, Buffer.from(GOODS), name);
		}
	}

	/** Nothing that was sealed for the buyer stays, once its agent has run again. */
	async requireNothingSealed(): Promise<void> {
		await this.resolve("issuer");
		const { homes } = this;
		const names = await readdir(homes.at("bought"));
		const hidden = names.filter((name) => name.startsWith("."));
		const marks = await readdir(join(homes.of("A"), "begun"));
		assert.deepEqual([hidden, marks], [[], []]);
	}

	/** What the owner was told of this purchase was true, whatever came later. */
	async #requireTrue(target: string, told: readonly Told[]): Promise<void> {
		const purchases = await this.purchases();
		const row = purchases.find(({ row }) => row.target === target)?.row;
		const isBought = row?.state === "final";
		const others = new Set(purchases.map(({ row }) => hex(row.contract)));
		if (row !== undefined) others.delete(hex(row.contract));
		const what = JSON.stringify(told);
		const [first] = told;
		assert.ok(first);
		for (const { events, code, reason } of told) {
			for (const event of events) {
				if (event.event === "bought") assert.ok(isBought, what);
				if (
					event.event !== "purchase" ||
					(event.contract !== undefined && others.has(event.contract))
				)
					continue;
				if (["bought", "paid", "fetching"].includes(event.state))
					assert.ok(isBought, what);
				if (["not-bought", "void"].includes(event.state))
					assert.ok(!isBought, what);
				assert.notEqual(event.state, "wrong", what);
			}
			if (/nothing (was|is|will be) paid(?! twice)/.test(reason))
				assert.ok(!isBought, what);
			if (/^it is paid\b/.test(reason)) assert.ok(isBought, what);
			assert.notEqual(code, "internal", what);
		}
		// Whoever is not told that it is bought, paid or in doubt may take it that nothing was paid.
		const states = first.events.flatMap((event) =>
			event.event === "purchase" ? [event.state] : [],
		);
		if (isBought && first.code !== undefined)
			assert.ok(
				["bought", "in-doubt"].includes(states.at(-1) ?? "") ||
					/^it is paid\b/.test(first.reason),
				what,
			);
		if (first.code === undefined && first.result.code === 0)
			assert.ok(isBought, what);
	}
}

async function photoShop(folder: string): Promise<void> {
	await writeFile(join(folder, "photo.jpg"), GOODS);
	await writeFile(
		join(folder, "catalogue.json"),
		JSON.stringify({
			version: 1,
			currency: "PLAY",
			items: [{ file: "photo.jpg", price: "0.25" }],
		}),
	);
}

function wasKilled({ result }: Told): boolean {
	return result.signal === "SIGKILL";
}

function linesOf(text: string): Record<string, unknown>[] {
	return text.split("\n").flatMap((line) => {
		try {
			return [JSON.parse(line) as Record<string, unknown>];
		} catch {
			// A process that was killed may leave half a line.
			return [];
		}
	});
}

export function toldBy(result: Result): Told {
	const events = linesOf(result.stdout) as unknown as ProcessEvent[];
	const failure = linesOf(result.stderr).findLast(
		({ code }) => typeof code === "string",
	);
	return {
		result,
		events,
		code: failure?.["code"] as string | undefined,
		reason: String(failure?.["reason"] ?? ""),
	};
}
