/*
 * A street whose shop takes ecash of a play mint beside notes: buyer, merchant, issuer and mint with
 * their agents and modules, each a process, by the commands that people give.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readHome } from "../../src/device/home/home.ts";
import { type MintOrder, MintProcess } from "../../src/device/mint/index.ts";
import { playMoney } from "../../src/device/mint/play-money.ts";
import {
	type PurseBalance,
	viewBalances,
} from "../../src/device/purse/owner-view.ts";
import { Purse } from "../../src/device/purse/purse.ts";
import { viewPurse } from "../../src/device/purse/purse-home.ts";
import { MoneyModule } from "../../src/device/runtime/money-module.ts";
import { viewPurchases } from "../../src/device/trade/records-view.ts";
import { done } from "./commands.ts";
import { Homes } from "./homes.ts";
import { type MintTown, mintTown } from "./mint-town.ts";
import { portsForLater } from "./ports.ts";
import { Command, run } from "./processes.ts";
import { type Told, toldBy } from "./street.ts";
import { type DeathAt, ToldToDie } from "./told-to-die.ts";

/** Whoever can die. */
export const ECASH_MORTALS = ["A", "X", "B", "Y"] as const;
export type EcashMortal = (typeof ECASH_MORTALS)[number];

/** What the shop sells: more than one chunk. */
const GOODS: Uint8Array = randomBytes(70_000);
/** What the buyer begins with, and what a photo costs, in sat. */
const ECASH = 1000n;
export const PRICE = 42n;

/** A module waits for half a minute before it says that its mint has not answered. */
const PATIENT = { patienceMs: 120_000 };

export class EcashStreet implements AsyncDisposable {
	readonly homes: Homes;
	readonly fates: Readonly<Record<EcashMortal, ToldToDie>>;
	readonly mintAt: string;
	/** A mint that only the merchant's purse names, and that never answers. */
	readonly otherMintAt: string;
	readonly #port: number;
	#town: MintTown | undefined;
	#mint: MintProcess | undefined;
	#modules: { X: Command; Y: Command } | undefined;
	#shop: Command | undefined;
	#shopAt = "";
	#bought = 0;

	private constructor(homes: Homes, port: number, otherPort: number) {
		const fate = (who: EcashMortal) => new ToldToDie(homes.at(`told-${who}`));
		this.homes = homes;
		this.fates = { A: fate("A"), X: fate("X"), B: fate("B"), Y: fate("Y") };
		this.mintAt = `http://127.0.0.1:${port}`;
		this.otherMintAt = `http://127.0.0.1:${otherPort}`;
		this.#port = port;
	}

	static async open(folder: string): Promise<EcashStreet> {
		await mkdir(folder, { recursive: true });
		const [port = 0, otherPort = 0] = await portsForLater(2);
		const homes = await Homes.make(folder);
		const street = new EcashStreet(homes, port, otherPort);
		await mkdir(homes.at("shop"));
		await mkdir(homes.at("bought"));
		await writeFile(homes.at("shop", "photo.jpg"), GOODS);
		const item = { price: "0.25", prices: { SAT: String(PRICE) } };
		await writeFile(
			homes.at("shop", "catalogue.json"),
			JSON.stringify({
				version: 1,
				items: [{ file: "photo.jpg", ...item }],
			}),
		);
		// Where nothing but ecash is taken, what a catalogue calls a price is in it.
		await mkdir(homes.at("ecash-shop"));
		await writeFile(homes.at("ecash-shop", "photo.jpg"), GOODS);
		const town = await mintTown(homes);
		street.#town = town;
		await street.#name("X", [street.mintAt]);
		await street.#name("Y", [street.mintAt, street.otherMintAt]);
		await street.startMint();
		await street.#fund();
		await street.revive();
		await done(["purse", "withdraw", "50", ...town.owner, ...town.at("X")]);
		return street;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#shop?.[Symbol.asyncDispose]();
		await this.#modules?.X[Symbol.asyncDispose]();
		await this.#modules?.Y[Symbol.asyncDispose]();
		await this.#mint?.[Symbol.asyncDispose]();
		await this.#town?.[Symbol.asyncDispose]();
	}

	get town(): MintTown {
		assert.ok(this.#town);
		return this.#town;
	}

	get shopAt(): string {
		return this.#shopAt;
	}

	get shop(): Command {
		assert.ok(this.#shop);
		return this.#shop;
	}

	/** As an owner edits purse.json. */
	async #name(place: "X" | "Y", mints: readonly string[]): Promise<void> {
		const path = join(this.homes.of(place), "purse.json");
		const settings = JSON.parse(await readFile(path, "utf8"));
		const named = mints.map((url) => ({ url, unit: "sat", play: true }));
		await writeFile(path, JSON.stringify({ ...settings, mints: named }));
	}

	/** `inputFeePpk` is what it asks for with the keysets that it makes from now on. */
	async startMint(inputFeePpk = 0): Promise<void> {
		const path = this.homes.at("play-mint.db");
		const settings = { path, port: this.#port, inputFeePpk };
		this.#mint = await MintProcess.start(settings);
	}

	/** As a power cut would. */
	async killMint(): Promise<void> {
		await this.#mint?.kill();
		this.#mint = undefined;
	}

	async orderMint(order: MintOrder): Promise<void> {
		assert.ok(this.#mint);
		await this.#mint.order(order);
	}

	async #fund(): Promise<void> {
		const token = await playMoney(this.mintAt, Number(ECASH));
		await using home = await readHome(this.homes.of("X"), "module");
		await using purse = await Purse.openHome(this.homes.of("X"));
		await using _ = new MoneyModule({ ...home, purse });
		assert.equal(await purse.receive(token), ECASH);
	}

	/** The process of a device that runs all the time, as it was started last. */
	processOf(who: Exclude<EcashMortal, "A">): Command {
		if (who === "B") return this.shop;
		assert.ok(this.#modules);
		return this.#modules[who];
	}

	/** Starts again whoever is gone. */
	async revive(): Promise<void> {
		if (this.#mint === undefined) await this.startMint();
		const last = this.#modules;
		const started = (place: "X" | "Y") =>
			last === undefined || last[place].gone
				? this.#startModule(place)
				: last[place];
		const { X, Y } = { X: started("X"), Y: started("Y") };
		this.#modules = { X, Y };
		await Promise.all([X.expect("listening"), Y.expect("listening")]);
		if (this.#shop === undefined || this.#shop.gone)
			await this.openShop(`notes, ${this.mintAt} sat play`);
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

	/** Flags of a shop that takes that money. */
	selling(take: string, ...flags: readonly string[]): string[] {
		const { homes, town } = this;
		const isInNotes = take.startsWith("notes");
		return [
			...["sell", homes.at(isInNotes ? "shop" : "ecash-shop")],
			...(isInNotes ? [] : ["--price", String(PRICE)]),
			...["--json", "--home", homes.of("B")],
			...["--module", homes.socket("Y"), "--listen", "127.0.0.1:0"],
			...["--issuer-terms", town.terms, "--settle-at", town.issuerAt],
			...["--settle-every", "1", "--take", take, ...flags],
		];
	}

	/** In the place of the shop that is open. */
	async openShop(take: string): Promise<void> {
		await this.#shop?.[Symbol.asyncDispose]();
		this.#shop = new Command(this.selling(take), { env: this.fates.B.env });
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

	async buy(target: string, ...flags: readonly string[]): Promise<Told> {
		const how =
			flags.length > 0 ? flags : ["--rail", "cashu", "--max", `${PRICE} SAT`];
		const args = [
			...["buy", ...how, "--out", target, "--json", ...this.caller()],
			...["--", this.#shopAt, "photo.jpg"],
		];
		return toldBy(await run(args, { ...PATIENT, env: this.fates.A.env }));
	}

	/** What `tetrad resolve` says at the merchant. */
	async resolve(): Promise<Told> {
		const args = ["resolve", this.#shopAt, "--json", "--merchant"];
		const { env } = this.fates.A;
		return toldBy(await run([...args, ...this.caller()], { ...PATIENT, env }));
	}

	/** One purchase during which a device dies at one of its steps. Fails the test unless all holds then that must. Whether it died. */
	async live(who: EcashMortal, at: DeathAt): Promise<boolean> {
		const target = this.newTarget();
		this.fates[who].tell(at);
		const told = await this.buy(target);
		const steps = this.fates[who].end();
		let isDead = told.result.signal === "SIGKILL";
		if (who !== "A") {
			const process = this.processOf(who);
			if (steps.length >= at.number)
				await process.until(() => process.gone, "its death");
			isDead = process.gone;
		}
		await this.comesToRest(target, told);
		return isDead;
	}

	/** Fails the test unless all is at rest after the commands that the guides name, and what was told of the purchase was true. */
	async comesToRest(target: string, told: Told): Promise<void> {
		await this.revive();
		// A mint that has not answered is asked again after twice as long each time.
		const until = Date.now() + 120_000;
		while ((await this.#open()) > 0) {
			assert.ok(Date.now() < until, "in doubt for ever");
			await this.resolve();
			await this.revive();
		}
		await this.requireRest();
		const purchases = await viewPurchases(this.homes.of("A"), 1000);
		const row = purchases.find(({ row }) => row.target === target)?.row;
		const isBought = row?.state === "final";
		const what = JSON.stringify([told.events, told.reason]);
		assert.notEqual(told.code, "internal", what);
		for (const event of told.events) {
			if (event.event === "bought") assert.ok(isBought, what);
			if (event.event !== "purchase") continue;
			if (["bought", "paid"].includes(event.state)) assert.ok(isBought, what);
			if (["not-bought", "void"].includes(event.state))
				assert.ok(!isBought, what);
		}
		if (told.result.code === 0) assert.ok(isBought, what);
	}

	async #open(): Promise<number> {
		const purchases = await viewPurchases(this.homes.of("A"), 1000);
		return purchases.filter(({ row }) => row.state === "provisional").length;
	}

	/** What a purse has of the mint's ecash. */
	async ecash(place: "X" | "Y"): Promise<PurseBalance> {
		await using view = await viewPurse(this.homes.of(place));
		const balances = await viewBalances(view.store, view.issuers, Date.now());
		const found = balances.find(
			({ terms }) =>
				terms.currency.code === "SAT" &&
				terms.name === this.mintAt.slice("http://".length),
		);
		assert.ok(found);
		return found;
	}

	/** Waits until the buyer's module has committed what its mint is to lock. */
	async isCommitted(): Promise<void> {
		const until = Date.now() + 60_000;
		while ((await this.ecash("X")).inDoubt === 0n) {
			assert.ok(Date.now() < until, "nothing was committed");
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	/** All ecash is somebody's, once; what is paid for is here, and nothing else is. */
	async requireRest(): Promise<void> {
		const until = Date.now() + 60_000;
		for (;;) {
			const [x, y] = [await this.ecash("X"), await this.ecash("Y")];
			const isRest = x.inDoubt === 0n && y.toBook === 0n;
			if (isRest && x.spendable + y.spendable === ECASH) break;
			assert.ok(Date.now() < until, `never at rest: ${x.inDoubt} ${y.toBook}`);
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
		let paid = 0n;
		for (const { row, contract } of await viewPurchases(
			this.homes.of("A"),
			1000,
		)) {
			if (row.state === "final" && contract.rail === "cashu")
				paid += contract.amount;
			const isThere = await stat(row.target).then(
				() => true,
				() => false,
			);
			assert.equal(isThere, row.state === "final", row.target);
		}
		assert.equal((await this.ecash("Y")).spendable, paid);
		for (const name of await readdir(this.homes.at("bought"))) {
			if (name.startsWith(".")) continue;
			const path = this.homes.at("bought", name);
			assert.deepEqual(await readFile(path), Buffer.from(GOODS), name);
		}
	}
}
