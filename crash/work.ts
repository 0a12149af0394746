/*
 * What the owners of a world do while its processes die, and what they are told: purchases by a
 * program and by commands, payments and withdrawals, many at once.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ProcessEvent } from "../src/device/process/process-events.ts";
import {
	type Command,
	failureIn,
	type Result,
} from "../test/support/processes.ts";
import type { Errand, ShopperEvent } from "./shopper.ts";
import { type BuyerName, ITEMS, type Item, type World } from "./world.ts";

/** A purchase, and what its owner was told of it: each of that has to be true in the end. */
export interface Bought {
	readonly buyer: BuyerName;
	readonly item: Item;
	readonly order: string;
	/** Where the goods go, which is nothing else's. */
	readonly target: string;
	readonly told: Told[];
	/** By which it can be gone on with, once it is known. */
	quote: string | undefined;
}

interface Told {
	/** Nothing where nothing certain was said. */
	readonly claims: readonly ("bought" | "not-bought")[];
	/** Word for word. */
	readonly said: string;
}

/** A payment of the guest to the buyer. */
export interface Paid {
	readonly contract: string;
	readonly amount: bigint;
	/** Whether its owner was told that it is paid. */
	isTold: boolean;
}

export class Work {
	readonly purchases: Bought[] = [];
	readonly payments: Paid[] = [];
	/** Purchases that were bought when it was looked last. */
	bought = 0;
	/** Commands of owners that ended with SIGKILL. */
	deaths = 0;
	readonly #world: World;
	#errands = 0;

	constructor(world: World) {
		this.#world = world;
	}

	/** Buys by the program that runs beside the buyer's agent. */
	async buyByProgram(item: Item): Promise<void> {
		const bought = this.#begin("buyer", item);
		await this.#askShopper(bought);
	}

	/** Asks again for what was asked for by that quote. */
	async again(bought: Bought): Promise<void> {
		await this.#askShopper(bought);
	}

	/** Buys by a command. */
	async buyByCommand(buyer: BuyerName, item: Item): Promise<void> {
		const bought = this.#begin(buyer, item);
		const { target, order } = bought;
		const result = await this.#give(buyer, [
			...["buy", this.#world.address("shop"), item.name, "--json"],
			...["--max", "1.00", "--out", target],
			...(item.isMade ? ["--order", order] : []),
			...["--home", this.#world.machines[buyer].folder],
		]);
		bought.told.push(toldBy(result));
	}

	/** Pays the buyer, as the guest, or asks again whether it is paid. */
	async pay(payment?: Paid): Promise<Paid> {
		const paying = payment ?? {
			contract: randomBytes(32).toString("hex"),
			amount: 7n,
			isTold: false,
		};
		if (payment === undefined) this.payments.push(paying);
		const { code, stdout } = await this.#give("guest", [
			...["agent", "--json", "--home", this.#world.machines.guest.folder],
			...["--connect", this.#world.address("buyer"), "--pay", "0.07"],
			...["--contract", paying.contract],
		]);
		const isPaid = linesOf(stdout).some(({ event }) => event === "paid");
		if (isPaid || code === 0) paying.isTold = true;
		return paying;
	}

	/** Gives one of the commands that the guides name, as the guest, whose agent runs only then. */
	async asGuest(...args: readonly string[]): Promise<Result> {
		const { folder } = this.#world.machines.guest;
		return this.#give("guest", [...args, "--json", "--home", folder]);
	}

	/** Has the program go on with all that is in doubt, as the guides say. */
	async resolveByProgram(): Promise<void> {
		await this.#askShopper(undefined);
	}

	#begin(buyer: BuyerName, item: Item): Bought {
		const number = this.purchases.length;
		const { folder } = this.#world.machines[buyer];
		const bought: Bought = {
			...{ buyer, item },
			order: item.isMade ? `order ${number}` : "",
			target: join(folder, "inbox", `goods-${number}`),
			told: [],
			quote: undefined,
		};
		this.purchases.push(bought);
		return bought;
	}

	/** Resolves when it is answered, or whoever was asked has died. */
	async #askShopper(bought: Bought | undefined): Promise<void> {
		const { buyer } = this.#world.machines;
		const [shopper] = buyer.devices.filter(({ name }) =>
			name.endsWith("shopper"),
		);
		await buyer.power;
		const command = shopper?.command as Command<ShopperEvent> | undefined;
		if (command === undefined || command.gone) return;
		const id = ++this.#errands;
		const errand: Errand = {
			id,
			address: this.#world.address("shop"),
			...(bought === undefined
				? {}
				: {
						buy: {
							item: bought.item.name,
							...(bought.item.isMade ? { order: bought.order } : {}),
							to: bought.target,
							...(bought.quote === undefined ? {} : { quote: bought.quote }),
						},
					}),
		};
		command.type(`${JSON.stringify(errand)}\n`);
		const answer = () =>
			command.events.find(
				(event) =>
					(event.event === "done" || event.event === "failed") &&
					event.id === id,
			);
		await command.until(
			() => answer() !== undefined || command.gone,
			"an answer",
		);
		if (bought === undefined) return;
		for (const event of command.events)
			if (event.event === "quoted" && event.id === id)
				bought.quote = event.quote;
		const end = answer();
		if (end !== undefined) bought.told.push(claimsOf(end));
	}

	async #give(buyer: BuyerName, args: readonly string[]): Promise<Result> {
		const result = await this.#world.machines[buyer].give(args);
		if (result.signal === "SIGKILL") this.deaths++;
		return result;
	}
}

/** After these codes it is, or may be, paid. */
const MAY_BE_PAID: ReadonlySet<string> = new Set([
	"payment-in-doubt",
	"merchandise-wrong",
]);

function claimsOf(event: ShopperEvent): Told {
	const said = JSON.stringify(event);
	if (event.event === "done") return { claims: ["bought"], said };
	if (event.event === "failed" && !MAY_BE_PAID.has(event.code))
		return { claims: ["not-bought"], said };
	return { claims: [], said };
}

/** What a command claims, also one that was killed. */
function toldBy(result: Result): Told {
	const claims: ("bought" | "not-bought")[] = [];
	const events = linesOf(result.stdout);
	const states = events.flatMap((event) =>
		event.event === "purchase" ? [event.state] : [],
	);
	const isPaid = states.some((state) =>
		["paid", "fetching", "bought"].includes(state),
	);
	if (isPaid || events.some(({ event }) => event === "bought"))
		claims.push("bought");
	if (states.some((state) => state === "not-bought" || state === "void"))
		claims.push("not-bought");
	const { signal, code, stdout, stderr } = result;
	if (code === 0) claims.push("bought");
	if (signal === null && code !== 0) {
		const { code: why, reason } = failureIn(result);
		const isDoubted =
			MAY_BE_PAID.has(why) || states.at(-1) === "in-doubt" || isPaid;
		if (!isDoubted && !/^it is (paid|bought)/.test(reason))
			claims.push("not-bought");
	}
	return { claims, said: `${code ?? signal}: ${stdout}${stderr}` };
}

function linesOf(text: string): ProcessEvent[] {
	return text.split("\n").flatMap((line) => {
		try {
			return [JSON.parse(line) as ProcessEvent];
		} catch {
			// A process that was killed may leave half a line.
			return [];
		}
	});
}

/** The items, in turn. */
export function itemOf(number: number): Item {
	const item = ITEMS[number % ITEMS.length];
	if (item === undefined) throw new Error("the shop sells nothing");
	return item;
}
