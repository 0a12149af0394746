/* A shop whose agent has several processes, which its buyers reach at one address. */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { salesIn } from "../../src/device/service/index.ts";
import { readSide } from "../../src/device/side/index.ts";
import { done, refused } from "../support/commands.ts";
import { NO_POSTGRES, PostgresServer } from "../support/postgres.ts";
import { Command, run } from "../support/processes.ts";
import { RunningSandbox } from "../support/sandbox.ts";
import {
	accountsIn,
	type BuyersAgent,
	buyWhileKilled,
	LONG,
	openBuyer,
	PRICE,
	patiently,
	pidOf,
	purseOf,
	type Said,
	startWords,
} from "../support/words-shop.ts";

const skip = NO_POSTGRES;
/** Who buy at once. */
const BUYERS = 3;

const AGENTS = ["agent 1", "agent 2"] as const;

/** What failed is tried again after so long. */
const EVERY_MS = 100;

let sandbox: RunningSandbox;
let server: PostgresServer;
let shop: string;
let module: Command;
let agent: BuyersAgent;

before(async () => {
	if (skip !== false) return;
	[sandbox, server] = await Promise.all([
		RunningSandbox.start(),
		PostgresServer.start(),
	]);
	shop = sandbox.side("shop");
	module = await startWords(sandbox);
	agent = await openBuyer(sandbox);
	await agent.settle();
});
after(async () => {
	await agent?.close();
	for (const one of [module, sandbox, server])
		await one?.[Symbol.asyncDispose]();
});

/** The shop as it runs, and what its processes have said. */
class Shop {
	readonly command: Command<Said>;

	private constructor(command: Command<Said>) {
		this.command = command;
	}

	static async start(...flags: readonly string[]): Promise<Shop> {
		const command = new Command<Said>([
			...["up", "--home", shop, "--json", ...flags],
		]);
		await command.expect("up");
		const made = new Shop(command);
		// The module has what it sells with.
		await made.command.until(
			() => made.said("settled").length > 0,
			"it has met its issuer",
		);
		return made;
	}

	said(event: string, process?: string): readonly Said[] {
		return this.command.events.filter(
			(one) =>
				one.event === event &&
				(process === undefined || one.process === process),
		);
	}

	/** How many tetrads each of its agent's processes has confirmed. */
	confirmed(): readonly number[] {
		return AGENTS.map((name) => this.said("confirmed", name).length);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.command[Symbol.asyncDispose]();
	}
}

/** What has been bought, with the process that quoted and the one that sold. */
interface Bought {
	readonly contract: string;
	readonly quotedBy: number;
	readonly soldBy: number;
}

/** Which process has confirmed one more tetrad than before. */
async function servedBy<Value>(
	running: Shop,
	work: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly by: number }> {
	const before = running.confirmed();
	const value = await work();
	const by = () =>
		running.confirmed().findIndex((count, at) => count > (before[at] ?? 0));
	await running.command.until(() => by() >= 0, "one of them has served it");
	return { value, by: by() };
}

async function buy(running: Shop, item: string): Promise<Bought> {
	const quoted = await servedBy(running, () =>
		agent.quote(sandbox.shopAt, item),
	);
	const sold = await servedBy(running, () => agent.buy(quoted.value));
	return {
		contract: sold.value.contract,
		quotedBy: quoted.by,
		soldBy: sold.by,
	};
}

/** What the buyer has in its purse, and all others have in theirs and in accounts, in minor units. The issuer's books balance. */
async function money(): Promise<Readonly<Record<"buyer" | "others", bigint>>> {
	const purse = async (name: "buyer" | "shop") =>
		purseOf((await readSide(sandbox.side(name))).module.home);
	let accounts = 0n;
	for (const balance of (await accountsIn(sandbox)).values())
		accounts += balance;
	return {
		buyer: await purse("buyer"),
		others: (await purse("shop")) + accounts,
	};
}

/** The same once the shop has handed in what it has, and has heard so. */
async function settledMoney(): ReturnType<typeof money> {
	await patiently(() => done(["settle", "--home", shop]), EVERY_MS);
	return money();
}

/** Contracts of all that the shop has sold. */
async function sales(): Promise<readonly string[]> {
	const { home } = (await readSide(shop)).agent;
	return (await salesIn(home, 1000)).map(({ contract }) => contract);
}

describe("the agent of a shop with several processes", { skip }, () => {
	test("is not started while its store is in its home, and says what to do", async () => {
		await refused(
			["up", "--home", shop, "--agents", "2"],
			/share its store in PostgreSQL.*tetrad store --home .* --database-file/,
			2,
		);
		await refused(
			["serve", "--home", shop, "--agents", "2"],
			/say which with --number/,
			2,
		);
	});

	test("sells in all of them, each sale once, also to who was quoted a price by another", async () => {
		const address = join(sandbox.around, "shop.postgres");
		await writeFile(address, `${server.url()}\n`, { mode: 0o600 });
		await done(["store", "--home", shop, "--database-file", address]);
		await using running = await Shop.start("--agents", "2");
		const bought: Bought[] = [];
		const hasAll = () =>
			[0, 1].every((by) => bought.some(({ soldBy }) => soldBy === by)) &&
			bought.some(({ quotedBy, soldBy }) => quotedBy !== soldBy);
		for (let count = 0; count < 6 || (!hasAll() && count < 40); count++)
			bought.push(await buy(running, "word"));
		assert.ok(hasAll(), JSON.stringify(bought));
		const { home } = (await readSide(shop)).agent;
		const sold = await salesIn(home, 1000);
		assert.deepEqual(
			sold.map(({ contract, item }) => `${contract} ${item}`).toSorted(),
			bought.map(({ contract }) => `${contract} word`).toSorted(),
		);
	});

	test("makes what is ordered, whichever of them quoted it, and leaves nothing half made", async () => {
		await using running = await Shop.start("--agents", "2");
		const { home } = (await readSide(shop)).agent;
		for (let count = 0; count < 3; count++) {
			const quote = await agent.quote(sandbox.shopAt, "capitals", {
				order: `order ${count}`,
			});
			const { path } = await agent.buy(quote);
			assert.equal(await readFile(path, "utf8"), `ORDER ${count}`);
		}
		const drafts = (await readdir(join(home, "made"))).filter((name) =>
			name.includes(".new"),
		);
		assert.deepEqual(drafts, []);
		assert.ok(running.confirmed().some((count) => count > 0));
	});

	test("goes on in the others when one dies, which is started again; nothing is lost, and nothing paid twice", async () => {
		await using running = await Shop.start("--agents", "2");
		const before = { sales: await sales(), money: await settledMoney() };
		const { bought, kills } = await buyWhileKilled({
			...{ agent, shop: running.command, shopAt: sandbox.shopAt },
			...{ names: AGENTS, pauseMs: { least: 100, most: 1000 } },
			...{ buyers: BUYERS, each: LONG ? 40 : 4, everyMs: EVERY_MS },
		});
		// What a process had heard and not written down when it died only its module knows, as of one that is alone.
		const sold = new Set(await sales());
		const missing = [...bought.keys()].filter(
			(contract) => !sold.has(contract),
		);
		assert.ok(missing.length <= kills * BUYERS, missing.join());
		for (const contract of sold)
			assert.ok(bought.has(contract) || before.sales.includes(contract));
		await agent.settle();
		const after = await settledMoney();
		assert.equal(after.buyer, before.money.buyer - BigInt(bought.size) * PRICE);
		assert.equal(
			after.others,
			before.money.others + BigInt(bought.size) * PRICE,
		);
	});

	test("learns in all of them of a list that reaches one", async () => {
		const published = join(sandbox.around, "agency.list");
		await done([
			...["authority", "publish", "--home", join(sandbox.folder, "agency")],
			...["--out", published],
		]);
		await using running = await Shop.start("--agents", "2");
		const buyer = await readSide(sandbox.side("buyer"));
		await agent.close();
		await done(["lists", "--home", buyer.agent.home, "--import", published]);
		agent = await openBuyer(sandbox);
		const learned = (name: string) =>
			running.said("list-learned", name).length > 0;
		// A tetrad may end before the list has crossed.
		for (let count = 0; !AGENTS.some(learned) && count < 50; count++)
			await agent.buy(await agent.quote(sandbox.shopAt, "word"));
		for (const name of AGENTS)
			await running.command.until(
				() => learned(name),
				`${name} has learned of it`,
			);
	});

	test("does without its server for a while, and goes on by itself when that is back", async () => {
		await using running = await Shop.start("--agents", "2");
		await agent.buy(await agent.quote(sandbox.shopAt, "word"));
		const quote = await agent.quote(sandbox.shopAt, "word");
		await server.stop("SIGKILL");
		const refusals: string[] = [];
		for (let count = 0; count < 4; count++)
			await agent.buy(quote).catch(({ code }) => refusals.push(code));
		assert.equal(refusals.length, 4, "nobody sells what nobody can write down");
		await server.restart();
		const { contract } = await patiently(() => agent.buy(quote), EVERY_MS);
		assert.ok((await sales()).includes(contract));
		for (const name of AGENTS)
			assert.equal(
				running.said("process", name).filter(({ state }) => state === "ended")
					.length,
				0,
				`${name} has not ended`,
			);
	});

	test("is seen with all its processes, and stops them before its module", async () => {
		await using running = await Shop.start("--agents", "2");
		const { devices } = (await done(["status", "--home", shop])) as {
			devices: { role: string; process: number; others?: number[] }[];
		};
		const seen = devices.find(({ role }) => role === "agent");
		assert.deepEqual(
			[seen?.process, ...(seen?.others ?? [])],
			AGENTS.map((name) => pidOf(running.command, name)),
		);
		const doctor = await run(["doctor", "--home", shop]);
		for (const number of [1, 2])
			assert.match(
				doctor.stdout,
				new RegExp(`process ${number} of the agent runs`),
			);
		await refused(
			[
				"serve",
				"--home",
				shop,
				"--agents",
				"2",
				"--number",
				"2",
				"--no-module",
			],
			/process 2 of the agent in .* runs already/,
		);
		process.kill(running.command.pid, "SIGTERM");
		const { code } = await running.command.exited;
		assert.equal(code, 0);
		const stopped = running
			.said("process")
			.filter(({ state }) => state === "stopped")
			.map(({ process }) => process);
		assert.equal(stopped.length, 3);
		assert.equal(stopped.at(-1), "module");
	});
});
