/* The shop of a sandbox that sells a word for little, a buyer that buys it again and again while processes of the shop are killed, and what all of them have then. */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readIssuerTerms } from "../../src/device/purse/index.ts";
import { openIssuer, openLocalAgent } from "../../src/device/service/index.ts";
import { balancesIn } from "../../src/device/service/purse-views.ts";
import { readSide } from "../../src/device/side/index.ts";
import { Command } from "./processes.ts";
import type { RunningSandbox } from "./sandbox.ts";

/** As many purchases as make kills likely at every step. */
export const LONG: boolean = process.env["TETRAD_LONG_WALKS"] === "1";

/** What a word costs, in minor units. */
export const PRICE = 10n;

/** What `tetrad up --json` says, and what its processes say. */
export interface Said {
	readonly event: string;
	readonly process?: string;
	readonly state?: string;
	readonly pid?: number;
	readonly [more: string]: unknown;
}

export type BuyersAgent = Awaited<ReturnType<typeof openLocalAgent>>;

/** Has the shop sell words, and starts the module of the buyer, who may pay all that it has. */
export async function startWords(sandbox: RunningSandbox): Promise<Command> {
	await sandbox.liftLimits();
	await mkdir(join(sandbox.around, "bought"), { mode: 0o700 });
	const path = join(sandbox.side("shop"), "goods", "catalogue.json");
	const catalogue = JSON.parse(await readFile(path, "utf8"));
	catalogue.items.push({ name: "word", text: "harbour", price: "0.10" });
	await writeFile(path, JSON.stringify(catalogue));
	const side = await readSide(sandbox.side("buyer"));
	const module = new Command([
		...["module", "--home", side.module.home, "--json"],
		...["--listen", `unix:${join(side.path, "run", "link.sock")}`],
	]);
	await module.expect("listening");
	return module;
}

/** The agent of the buyer, which makes a new tetrad for each thing. */
export async function openBuyer(sandbox: RunningSandbox): Promise<BuyersAgent> {
	const side = await readSide(sandbox.side("buyer"));
	return openLocalAgent({
		home: side.agent.home,
		module: side.module.at,
		moduleHome: side.module.home,
		link: "paired",
		issuerAt: side.issuer?.at,
		terms: await readIssuerTerms(side.issuer?.termsPath ?? ""),
		buyFolder: join(sandbox.around, "bought"),
	});
}

/** Tries again, every so many milliseconds, what failed because a process or a server was gone. */
export async function patiently<Value>(
	work: () => Promise<Value>,
	everyMs: number,
): Promise<Value> {
	for (let tries = 1; ; tries++)
		try {
			return await work();
		} catch (thrown) {
			if (tries === 60) throw thrown;
			await delay(everyMs);
		}
}

/** All that the purse of a module has, of whatever state, in minor units. */
export async function purseOf(home: string): Promise<bigint> {
	let sum = 0n;
	for (const has of await balancesIn(home))
		sum +=
			has.spendable +
			has.held +
			has.toDeposit +
			has.toBook +
			has.inDoubt +
			has.toClaim;
	return sum;
}

/** What all accounts have at the issuer, by name, in minor units. Its books balance. */
export async function accountsIn(
	sandbox: RunningSandbox,
): Promise<ReadonlyMap<string, bigint>> {
	await using issuer = await openIssuer(sandbox.side("issuer"));
	const { isBalanced, problems } = await issuer.audit();
	assert.ok(isBalanced, problems.join());
	const accounts = new Map<string, bigint>();
	for await (const { name, balance } of issuer.accounts()) {
		assert.ok(!accounts.has(name), name);
		accounts.set(name, balance);
	}
	return accounts;
}

/** The process of the shop that runs now under that name; 0 when none does. */
export function pidOf(shop: Command<Said>, name: string): number {
	const last = shop.events
		.filter(({ event, process }) => event === "process" && process === name)
		.at(-1);
	return last?.state === "running" ? (last.pid ?? 0) : 0;
}

/** Who buys how often, and what is killed meanwhile in turn. */
interface Killing {
	readonly agent: BuyersAgent;
	readonly shop: Command<Said>;
	readonly shopAt: string;
	/** Purchases at once. */
	readonly buyers: number;
	readonly each: number;
	/** Processes of the shop that are killed. */
	readonly names: readonly string[];
	/** Before each kill. */
	readonly pauseMs: { readonly least: number; readonly most: number };
	/** Before what failed is tried again. */
	readonly everyMs: number;
}

/** Buys words while processes of the shop are killed, each of which is started again. The module that was paid, by contract, and how often something was killed. */
export async function buyWhileKilled({
	agent,
	shop,
	shopAt,
	buyers,
	each,
	names,
	pauseMs: { least, most },
	everyMs,
}: Killing): Promise<{
	readonly bought: ReadonlyMap<string, string>;
	readonly kills: number;
}> {
	const bought = new Map<string, string>();
	let isDone = false;
	const buying = async (left: number) => {
		for (; left > 0; left--) {
			const quote = await patiently(() => agent.quote(shopAt, "word"), everyMs);
			const { contract, module } = await patiently(
				() => agent.buy(quote),
				everyMs,
			);
			bought.set(contract, module);
		}
	};
	const killing = async () => {
		let kills = 0;
		for (let turn = 0; !isDone; turn++) {
			const name = names[turn % names.length] ?? "";
			await delay(least + Math.random() * (most - least));
			const victim = pidOf(shop, name);
			if (victim === 0) continue;
			process.kill(victim, "SIGKILL");
			kills++;
			await shop.until(
				() => ![0, victim].includes(pidOf(shop, name)),
				`${name} is started again`,
			);
		}
		return kills;
	};
	const [kills] = await Promise.all([
		killing(),
		Promise.all(Array.from({ length: buyers }, () => buying(each))).finally(
			() => {
				isDone = true;
			},
		),
	]);
	assert.ok(kills > 0);
	assert.equal(bought.size, buyers * each);
	return { bought, kills };
}
