/*
 * A purchase, and the death of one device at each of its durable writes: afterwards the devices are
 * started again, and either the goods are there and the money is the merchant's, or nothing was
 * paid and nothing is there. Nobody repairs anything.
 */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { done } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { type MintTown, mintTown } from "../support/mint-town.ts";
import { Command, run, startModule } from "../support/processes.ts";

const PRELOAD = fileURLToPath(
	new URL("../support/kill-at-commit.mjs", import.meta.url),
);
const GOODS = "a harbour in the morning";
const PRICE = 100n;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let town: MintTown;
const modules: Partial<Record<"X" | "Y", Command>> = {};
let shop: Command;
let shopAt: string;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	town = await mintTown(homes);
	for (const place of ["X", "Y"] as const)
		modules[place] = await startModule(homes, place);
	await done([...["purse", "withdraw", "60", ...town.owner, ...town.at("X")]]);
	await mkdir(homes.at("shop"));
	await writeFile(homes.at("shop", "photo.jpg"), GOODS);
	shop = new Command([
		...["sell", homes.at("shop"), "--json", "--home", homes.of("B")],
		...["--module", homes.socket("Y"), "--listen", "127.0.0.1:0"],
		...["--issuer-terms", town.terms, "--settle-at", town.issuerAt],
		...["--price", "1"],
	]);
	({ address: shopAt } = await shop.expect("listening"));
	await shop.expect("settled");
});
after(async () => {
	for (const process of [shop, modules.X, modules.Y, town])
		await process?.[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

const agent = () => ["--home", homes.of("A"), "--module", homes.socket("X")];

async function spendable(): Promise<bigint> {
	const { balances } = (await done([
		...["purse", "balance", "--home", homes.of("X")],
	])) as { balances: { spendable: string }[] };
	return BigInt((balances[0]?.spendable ?? "").replace(".", ""));
}

async function lastPurchase() {
	const { purchases } = (await done([
		...["purchases", "--home", homes.of("A"), "--limit", "1"],
	])) as { purchases: { state: string; path: string }[] };
	return purchases[0];
}

const dying = (store: string, commit: string, from?: string) => ({
	NODE_OPTIONS: `--import ${PRELOAD}`,
	TETRAD_TEST_STORE: store,
	TETRAD_TEST_COMMIT: commit,
	...(from === undefined ? {} : { TETRAD_TEST_FROM: from }),
});

/** Starts a module that dies at that write of the purchase. */
async function startDying(place: "X" | "Y", commit: string): Promise<Command> {
	await modules[place]?.kill();
	const module = new Command(
		[
			...["module", "--json", "--home", homes.of(place)],
			...["--listen", homes.socket(place)],
		],
		{ env: dying("purse.db", commit, "SIGUSR2") },
	);
	await module.expect("listening");
	module.terminate("SIGUSR2");
	return module;
}

/** The agent's first write is the head of its module's purse; what follows is PROVISIONAL and FINAL. */
const WRITES = { A: [2, 3], X: [1, 2], Y: [1, 2] } as const;

const WALK = (["A", "X", "Y"] as const).flatMap((place) =>
	WRITES[place].flatMap((write) =>
		["before", "after"].map((when) => [place, `${write} ${when}`] as const),
	),
);

describe("a device dies in a purchase, is started again, and nothing is lost", () => {
	for (const [place, commit] of WALK)
		test(`${place} at its durable write ${commit}`, async () => {
			const before = await spendable();
			const path = join(folder.path, `${place}-${commit.replace(" ", "-")}`);
			const isModule = place === "X" || place === "Y";
			const mortal = isModule ? await startDying(place, commit) : undefined;
			const bought = await run(
				[
					...["buy", shopAt, "photo.jpg", "--max", "1 PLAY", "--out", path],
					...agent(),
				],
				isModule ? {} : { env: dying("agent.db", commit) },
			);
			if (mortal === undefined) assert.equal(bought.signal, "SIGKILL");
			else await mortal.until(() => mortal.gone, "its death");
			if (isModule) {
				modules[place] = await startModule(homes, place);
			}
			for (const at of [[town.issuerAt], [shopAt, "--merchant"]]) {
				const resolved = await run(["resolve", ...at, ...agent(), "--json"]);
				assert.doesNotMatch(resolved.stderr, /internal/);
			}
			const paid = before - (await spendable());
			const isThere = await readFile(path, "utf8").then(
				(text) => text === GOODS,
				() => false,
			);
			const last = await lastPurchase();
			const state = last?.path === path ? last.state : "not-bought";
			assert.deepEqual(
				{ paid, isThere, state },
				isThere
					? { paid: PRICE, isThere, state: "bought" }
					: { paid: 0n, isThere, state: "not-bought" },
			);
		});
});
