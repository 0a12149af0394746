/*
 * One purchase between the four devices of a stage, in processes of their own: B sells a file, A
 * buys it, somebody is killed at the worst moment (doubt.ts), and it goes on.
 */
import { constants, copyFile, link, mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { formatAddress, parseAddress } from "../../carrier/index.ts";
import type { RootFlag } from "../../cli/index.ts";
import { unreachable } from "../../errors.ts";
import { harmlessName } from "../../talk/index.ts";
import type { Place, Routing } from "../../tetrad/index.ts";
import type { RailName } from "../../trade/documents/index.ts";
import { awaitDoubt, type Doubt, type Victim } from "./doubt.ts";
import { type KeylogEntry, readKeylogEntries } from "./keylog.ts";
import { NAMES } from "./names.ts";
import type { Process, Scene, SceneOptions } from "./scene.ts";
import { MINT, type SaleMoney } from "./teller.ts";
import type { Captured, Wiretap } from "./wiretap.ts";

export interface SaleOptions extends Pick<SceneOptions, "link" | "hear"> {
	readonly routing: Routing;
	readonly root: RootFlag;
	readonly teller: SaleMoney;
	/** What is sold. */
	readonly file: string;
	/** Such as "12.50". */
	readonly price: string;
	readonly kill: Victim;
	/** Called when something that takes time begins. */
	readonly step?: (what: string) => void;
}

/** Something that happened. */
export interface SaleStep {
	/** Milliseconds since the offer. */
	readonly ms: number;
	/** Whose doing it was, such as "X" or "B → A". */
	readonly who: string;
	readonly what: string;
}

/** A purchase at its worst moment. */
export interface DoubtfulSale {
	/** What is sold, a file. */
	readonly file: string;
	/** Its name in the shop. */
	readonly item: string;
	readonly price: string;
	readonly currency: string;
	/** Over which it is paid. */
	readonly rail: RailName;
	readonly pids: Readonly<Record<Place, number>>;
	/** In the order of time, so far. */
	readonly steps: readonly SaleStep[];
	/** The contract's hash, in hexadecimal. */
	readonly contract: string;
	readonly doubt: Doubt;
	/** Why the buyer's agent gave up waiting, if it did; in its words. */
	readonly gaveUp: string | undefined;
}

/** A purchase that is over. Whether it is as promised has to be looked at. */
export interface Sale extends DoubtfulSale {
	/** How many of the steps came before the worst moment, and at it. */
	readonly untilDoubt: number;
	/** Of processes that were started again. */
	readonly restarted: readonly number[];
	/** What the buyer's agent has got, a file. */
	readonly got: string;
	/** Of the purchase, a file; empty when there is none. */
	readonly receipt: string;
	readonly captures: readonly Captured[];
	/** What each device wrote down of its secrets. */
	readonly secrets: Readonly<Record<Place, readonly KeylogEntry[]>>;
}

/** Starts two processes, at the same time where that can be. */
export type Both = (
	work: readonly [() => Promise<Process>, () => Promise<Process>],
) => Promise<[Process, Process]>;

/** The only file of the shop; its item has the name that the user's file has. */
const GOODS = "goods";

/** Sells and buys. Rejects with `carrier-failed` when a device does not do what it should. */
export async function performSale(
	scene: Scene,
	options: SaleOptions,
	both: Both,
): Promise<Sale> {
	const { step = () => {} } = options;
	step(`${NAMES.B} sells the file, and ${NAMES.A} buys it`);
	const purchase = await Purchase.begin(scene, options, both);
	const doubtful = await purchase.untilDoubt();
	step("it goes on");
	return purchase.goOn(doubtful);
}

/** Whom a scene has running, and what they have been told. */
interface Cast {
	readonly A: Process;
	readonly B: Process;
	readonly X: Process;
	readonly Y: Process;
	readonly onLinkOfA: Wiretap;
	readonly onLinkOfB: Wiretap;
	readonly item: string;
	/** Where the goods appear. */
	readonly target: string;
	/** Flags of an agent of A that calls the shop. */
	readonly caller: readonly string[];
	/** Where the shop is, behind a tap. */
	readonly shop: string;
}

class Purchase {
	readonly #scene: Scene;
	readonly #options: SaleOptions;
	readonly #cast: Cast;
	readonly #paying: Promise<string>;
	readonly #steps: (SaleStep & { readonly at: number })[] = [];

	private constructor(scene: Scene, options: SaleOptions, cast: Cast) {
		this.#scene = scene;
		this.#options = options;
		this.#cast = cast;
		const { A, X, item } = cast;
		this.#paying = A.expect("purchase", ({ state }) => state === "paying").then(
			({ contract = "" }) => contract,
		);
		A.listen((event) => {
			if (event.event === "quoted")
				this.#add("B → A", `offers ${item} for ${event.amount}`);
			if (event.event === "purchase" && event.state === "paying")
				this.#add("B → A", "the goods, sealed, with a hash of each piece");
		});
		X.listen((event) => {
			if (event.event === "purse" && event.kind === "paid")
				this.#add("Y → X", "receipt and key, for the one payment");
		});
	}

	/** Starts everybody; the buyer's agent comes last. */
	static async begin(
		scene: Scene,
		options: SaleOptions,
		both: Both,
	): Promise<Purchase> {
		const { file, price, teller, routing, root } = options;
		const item = itemName(file);
		const goods = join(scene.folder, "shop");
		await stock(goods, file, item, price);
		const [X, Y] = await both([
			() => scene.startModule("X"),
			() => scene.startModule("Y"),
		]);
		const ax = await scene.tapLink("X");
		const by = await scene.tapLink("Y");
		const B = scene.start("B", [
			...["sell", goods, "--module", formatAddress(by.address)],
			...["--listen", "127.0.0.1:0", ...teller.selling],
		]);
		const { address } = await B.expect("listening");
		// From its first meeting with the issuer on, the module has what it sells with; for a mint it makes that itself.
		if (teller.rail === "own-notes") await B.expect("settled");
		const network = await scene.tapNetwork(parseAddress(address));
		const shop = formatAddress(network.address);
		const bought = join(scene.folder, "bought");
		await mkdir(bought, { mode: 0o700 });
		const target = join(bought, item);
		const caller = [
			...["--module", formatAddress(ax.address)],
			...["--routing", routing, "--root", root],
		];
		const most = `${price} ${teller.terms.currency.code}`;
		const A = scene.start("A", [
			...["buy", shop, item, "--max", most, "--out", target],
			...[...teller.buying, ...caller],
		]);
		const taps = { onLinkOfA: ax.tap, onLinkOfB: by.tap };
		return new Purchase(scene, options, {
			...{ A, B, X, Y, ...taps, item, target, caller, shop },
		});
	}

	/** Resolves when the worst moment was, and whoever noticed has said so. */
	async untilDoubt(): Promise<DoubtfulSale> {
		const { kill, price, teller } = this.#options;
		const { A, B, X, Y, item } = this.#cast;
		const doubt = await awaitDoubt({
			...this.#cast,
			...{ kill, teller, contract: this.#paying },
			home: this.#scene.homes.A,
			mark: (moment) => {
				switch (moment) {
					case "commit":
						return this.#add("X", given(teller.rail, price));
					case "accept":
						return this.#add("Y", taken(teller.rail, price));
					case "killed":
						return this.#add(VICTIM_AT[kill], "SIGKILL");
					default:
						return unreachable(moment);
				}
			},
		});
		if (kill === "module") await A.exited;
		return {
			file: this.#options.file,
			item,
			price,
			currency: teller.terms.currency.code,
			rail: teller.rail,
			pids: { A: A.pid, B: B.pid, X: X.pid, Y: Y.pid },
			steps: this.#steps.map(({ ms, who, what }) => ({ ms, who, what })),
			contract: await this.#paying,
			doubt,
			gaveUp: kill === "module" ? A.errors : undefined,
		};
	}

	/** Starts again whoever was killed. Resolves when the goods are there and the money is in the merchant's account. */
	async goOn(doubtful: DoubtfulSale): Promise<Sale> {
		const { kill, teller } = this.#options;
		const { B, X, Y } = this.#cast;
		const { contract } = doubtful;
		const restarted: { readonly pid: number }[] = [];
		let module = Y;
		let got: string;
		switch (kill) {
			case "module":
				module = await this.#scene.startModule("Y");
				restarted.push(module);
				this.#add("Y", "starts again, and knows what its disk knows");
				got = await this.#resume(contract, restarted);
				break;
			case "agent":
				this.#add("A", "starts again, and asks X what it has bought");
				got = await this.#resume(contract, restarted);
				break;
			case "issuer":
				got = await this.#bought();
				restarted.push(await teller.reopen());
				this.#add(MINT, "starts again");
				break;
			case "none":
				got = await this.#bought();
				break;
			default:
				return unreachable(kill);
		}
		const receipt = join(this.#scene.folder, "receipt");
		const [amount, isWritten] = await Promise.all([
			teller.rail === "own-notes"
				? deposited(module, contract)
				: Promise.resolve(undefined),
			this.#scene.run("receipt", [
				...["receipt", contract, "--out", receipt],
				...["--home", this.#scene.homes.A],
			]),
		]);
		if (amount !== undefined) this.#add("Y → issuer", `deposits ${amount}`);
		for (const device of [B, X, module]) await device.stop();
		return {
			...doubtful,
			untilDoubt: doubtful.steps.length,
			steps: this.#steps.map(({ ms, who, what }) => ({ ms, who, what })),
			restarted: restarted.map(({ pid }) => pid),
			got,
			receipt: isWritten ? receipt : "",
			captures: await this.#scene.captured(),
			secrets: await readKeylogEntries(this.#scene.keylogs),
		};
	}

	/** The agent that bought goes on in the same process. */
	async #bought(): Promise<string> {
		const { path } = await this.#cast.A.expect("bought");
		this.#add("A", OPENED);
		await this.#cast.A.succeed();
		return path;
	}

	/** A process of its own goes on with what is kept. */
	async #resume(
		contract: string,
		restarted: { readonly pid: number }[],
	): Promise<string> {
		const { shop, caller } = this.#cast;
		const agent = this.#scene.start("A", [
			...["resolve", shop, "--merchant", ...caller],
		]);
		restarted.push(agent);
		const { path = "" } = await agent.expect(
			"purchase",
			(event) => event.state === "bought" && event.contract === contract,
		);
		this.#add("A", OPENED);
		await agent.succeed();
		return path;
	}

	#add(who: string, what: string): void {
		const at = performance.now();
		const ms = at - (this.#steps[0]?.at ?? at);
		this.#steps.push({ at, ms, who, what });
	}
}

function given(rail: RailName, price: string): string {
	return rail === "cashu"
		? `LOCKED: ${price} at the mint, to that key's hash and to Y`
		: `COMMIT: gives ${price} for that key alone`;
}

function taken(rail: RailName, price: string): string {
	return rail === "cashu"
		? `CLAIMED: has ${price} of the mint, and answers`
		: `ACCEPT: has ${price}, and answers`;
}

/** Resolves with what a module has deposited of a sale, once it has. */
async function deposited(module: Process, contract: string): Promise<string> {
	const { amount = "" } = await module.expect(
		"purse",
		(event) => event.kind === "deposited" && event.contract === contract,
	);
	return amount;
}

const OPENED = "opens the goods: whole, and what was signed for";

/** How the timeline names whoever is killed. */
const VICTIM_AT: Readonly<Record<Victim, string>> = {
	module: "Y",
	issuer: MINT,
	agent: "A",
	none: "",
};

/** What a file is called in the shop. */
function itemName(file: string): string {
	// A command takes what begins with a dash for a flag.
	return harmlessName(basename(file)).replace(/^-/, "_");
}

/** Makes a folder to sell, with that file in it and nothing else. */
async function stock(
	folder: string,
	file: string,
	item: string,
	price: string,
): Promise<void> {
	await mkdir(folder, { mode: 0o700 });
	const goods = join(folder, GOODS);
	// A second name takes no room; what is on another disk, or somebody else's, is copied.
	await link(file, goods).catch(() =>
		copyFile(file, goods, constants.COPYFILE_FICLONE),
	);
	await writeFile(
		join(folder, "catalogue.json"),
		JSON.stringify({
			version: 1,
			items: [{ name: item, file: GOODS, price }],
		}),
		{ mode: 0o600 },
	);
}
