/* A shop with two modules, as its owner sets it up on the command line, and what its buyers get of it while one of the two is gone. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readSide } from "../../src/device/side/index.ts";
import { done, refused } from "../support/commands.ts";
import { portsForLater } from "../support/ports.ts";
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

const TILLS = ["shop-till", "shop-till-2"] as const;
/** What failed is tried again after so long. */
const EVERY_MS = 200;

let sandbox: RunningSandbox;
let shop: string;
let buyersModule: Command;
let agent: BuyersAgent;
let ports: readonly number[];

before(async () => {
	sandbox = await RunningSandbox.start();
	shop = sandbox.side("shop");
	buyersModule = await startWords(sandbox);
	agent = await openBuyer(sandbox);
	await agent.settle();
	ports = await portsForLater(2);
});
after(async () => {
	await agent?.close();
	for (const one of [buyersModule, sandbox]) await one?.[Symbol.asyncDispose]();
});

const moduleHome = (number: number) =>
	join(shop, number === 1 ? "module" : "module-2");

async function configure(change: (text: string) => string): Promise<void> {
	const file = join(shop, "tetrad.toml");
	await writeFile(file, change(await readFile(file, "utf8")));
}

/** What each of the two has sold, by contract. */
async function sales(): Promise<ReadonlyMap<string, string>> {
	const { sales } = (await done([
		...["sales", "--home", shop, "--limit", "1000"],
	])) as { sales: { contract: string; module: string }[] };
	return new Map(sales.map(({ contract, module }) => [contract, module]));
}

/** Buys a word; the name of the module that was paid. */
async function buy(): Promise<{ contract: string; paid: string }> {
	const quote = await agent.quote(sandbox.shopAt, "word");
	const { contract, path, module } = await agent.buy(quote);
	assert.equal(await readFile(path, "utf8"), "harbour");
	return { contract, paid: module };
}

/** What the buyer's purse, and each of the shop's with its account, have in minor units. The issuer's books balance. */
async function money() {
	const accounts = await accountsIn(sandbox);
	const { module } = await readSide(sandbox.side("buyer"));
	const [first, second] = await Promise.all(
		TILLS.map(
			async (name, at) =>
				(accounts.get(name) ?? 0n) + (await purseOf(moduleHome(at + 1))),
		),
	);
	return {
		buyer: (await purseOf(module.home)) + (accounts.get("buyer-purse") ?? 0n),
		shop: [first ?? 0n, second ?? 0n] as const,
	};
}

/** The modules and the agent of the shop as processes of their own, each of which can be killed and stays away. */
class Shop implements AsyncDisposable {
	readonly modules: (Command<Said> | undefined)[] = [];
	serving: Command<Said> | undefined;

	static async start(): Promise<Shop> {
		const made = new Shop();
		try {
			for (const number of [1, 2]) await made.startModule(number);
			made.serve();
			await made.settled(2);
			return made;
		} catch (thrown) {
			await made[Symbol.asyncDispose]();
			throw thrown;
		}
	}

	async startModule(number: number): Promise<void> {
		const socket = number === 1 ? "link.sock" : "link-2.sock";
		const module = new Command<Said>([
			...["module", "--home", moduleHome(number), "--json"],
			...["--listen", `unix:${join(shop, "run", socket)}`],
		]);
		this.modules[number - 1] = module;
		await module.expect("listening");
	}

	serve(): void {
		this.serving = new Command<Said>([
			...["serve", "--home", shop, "--no-module", "--json"],
		]);
	}

	/** The module of that number does nothing any more, and is there; until it is woken. */
	stop(number: number): () => void {
		const { pid } = this.modules[number - 1] as Command<Said>;
		process.kill(pid, "SIGSTOP");
		return () => process.kill(pid, "SIGCONT");
	}

	async kill(number: number): Promise<void> {
		const module = this.modules[number - 1];
		assert.ok(module);
		process.kill(module.pid, "SIGKILL");
		await module.exited;
	}

	/** So many settlings were said. */
	async settled(count: number): Promise<void> {
		await this.serving?.until(
			() =>
				(this.serving?.events ?? []).filter(({ event }) => event === "settled")
					.length >= count,
			"its modules have met their issuer",
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.serving?.[Symbol.asyncDispose]();
		for (const module of this.modules) await module?.[Symbol.asyncDispose]();
	}
}

describe("a shop with two modules", () => {
	test("is set up step by step, and says at each what is missing or wrong", async () => {
		const { folder } = sandbox;
		const home = moduleHome(2);
		await done([
			...["authority", "issue", "--home", join(folder, "bank")],
			...["--name", "shop-till-2", "--device", home],
			...["--trust", join(folder, "agency"), "--unsafe-unsealed-key"],
		]);
		await done([
			...["purse", "create", "--home", home, "--unsafe-no-owner"],
			...["--issuer", join(shop, "issuer.terms.json")],
		]);
		await configure(
			(text) =>
				`${text.replace("[module]", `[module]\nport = ${ports[0]}`)}\n[[further-modules]]\nhome = "module-2"\nport = ${ports[1]}\n`,
		);
		const up = await run(["up", "--home", shop]);
		assert.equal(up.code, 1);
		assert.match(
			up.stderr,
			/module 2 cannot start: .*module-2 is paired with no agent yet; run: tetrad pair/,
		);
		await refused(
			["serve", "--home", shop, "--no-module"],
			/is paired with no module 2 yet; run: tetrad pair .* --connect unix:.*link-2\.sock --number 2/,
		);
		const doctor = await run(["doctor", "--home", shop]);
		assert.match(doctor.stdout, /agent: is paired with no module 2/);
		const status = await run(["status", "--home", shop]);
		assert.match(
			status.stdout,
			/module 2 waits to be paired with the agent: .* --number 2/,
		);
		const { agent: ofAgent } = await readSide(shop);
		const connect = `unix:${join(shop, "run", "pair.sock")}`;
		const pair = ["pair", "--home", ofAgent.home, "--connect", connect];
		await refused(
			[...pair, "--number", "3"],
			/has 1 module; the next is number 2/,
			2,
		);
		await refused(
			["pair", "--home", home, "--listen", connect, "--number", "2"],
			/--number is for an agent/,
			2,
		);
		await using waiting = new Command([
			...["pair", "--home", home, "--listen", connect, "--yes", "--json"],
		]);
		await waiting.expect("listening");
		const paired = await run([...pair, "--number", "2", "--yes"]);
		assert.equal(paired.code, 0, paired.stderr);
		assert.match(paired.stdout, /paired with shop-till-2, module 2 of this/);
		await waiting.exits(0);
		const said = await run(["doctor", "--home", shop]);
		assert.match(said.stdout, /module 2: with shop/);
		assert.match(said.stdout, /agent: with shop-till-2 as module 2/);
		assert.doesNotMatch(said.stdout, /no module 2/);
		await refused(
			["purse", "notes", "--home", shop],
			/has 2 modules, and this is about one of them; say which: --home .*module, or --home .*module-2/,
			2,
		);
		await done(["purse", "notes", "--home", home]);
	});

	test("sells with both, and says of each what it has", async () => {
		await using _ = await Shop.start();
		const before = await money();
		const paid: Record<string, bigint> = { "shop-till": 0n, "shop-till-2": 0n };
		const contracts = new Map<string, string>();
		for (
			let count = 0;
			count < 4 ||
			// One of two is given back later.
			(Object.values(paid).some((sum) => sum < 2n * PRICE) && count < 60);
			count++
		) {
			const bought = await buy();
			paid[bought.paid] = (paid[bought.paid] ?? 0n) + PRICE;
			contracts.set(bought.contract, bought.paid);
		}
		for (const name of TILLS) assert.ok((paid[name] ?? 0n) > 0n, name);
		const sold = await sales();
		for (const [contract, name] of contracts)
			assert.equal(sold.get(contract), name);
		const status = (await done(["status", "--home", shop])) as {
			links: { name: string; isUp: boolean; port: number }[];
			balances: { module: string }[];
			devices: { role: string; number?: number; process?: number }[];
		};
		assert.deepEqual(
			status.links.map(({ name, isUp, port }) => [name, isUp, port]),
			TILLS.map((name, at) => [name, true, ports[at]]),
		);
		assert.deepEqual(
			status.balances.map(({ module }) => module),
			TILLS,
		);
		assert.deepEqual(
			status.devices
				.filter(({ role, process }) => role === "module" && process)
				.map(({ number }) => number),
			[1, 2],
		);
		// The settings may name them in another order than the agent has them that runs.
		const settings = await readFile(join(shop, "tetrad.toml"), "utf8");
		await configure((text) =>
			text
				.replace(
					"[module]",
					'[module]\nhome = "module-2"\nat = "unix:run/link-2.sock"',
				)
				.replace(
					'home = "module-2"\nport',
					'home = "module"\nat = "unix:run/link.sock"\nport',
				),
		);
		const swapped = (await done(["status", "--home", shop])) as {
			links: { name: string; module: string }[];
		};
		await configure(
			() =>
				`${settings.replace('home = "module-2"', 'home = "/nowhere"\nruns = "elsewhere"')}`,
		);
		const here = await run(["balance", "--home", shop]);
		assert.equal(here.code, 0, here.stderr);
		assert.match(here.stderr, /not shown, .* elsewhere: module 2, at unix:/);
		await configure(() => settings);
		const said = await run(["status", "--home", shop]);
		assert.match(said.stdout, /paired with shop-till and shop-till-2,/);
		const table = await run(["sales", "--home", shop]);
		assert.match(table.stdout, / paid to +contract\n/);
		assert.match(table.stdout, / shop-till-2 +[0-9a-f]{16}\n/);
		const cells = await run(["sales", "--home", shop, "--csv"]);
		assert.match(
			cells.stdout,
			/,module,rail,mint,unit\r?\n.*,shop-till(-2)?,own-notes,,\r?\n/,
		);
		assert.deepEqual(
			swapped.links.map(({ name, module }) => [
				name,
				/link.*/.exec(module)?.[0],
			]),
			[
				["shop-till-2", "link-2.sock"],
				["shop-till", "link.sock"],
			],
		);
		assert.deepEqual(await done(["approvals", "--home", shop]), {
			homes: [moduleHome(1), moduleHome(2)],
			approvals: [],
		});
		await refused(
			["deny", "ab", "--home", shop],
			/no contract that waits begins with "ab"; see: .*module-2/,
			2,
		);
		const { settled } = await done(["settle", "--home", shop]);
		assert.equal(settled, true);
		await agent.settle();
		const after = await money();
		for (const [at, name] of TILLS.entries())
			assert.equal(
				(after.shop[at] ?? 0n) - (before.shop[at] ?? 0n),
				paid[name],
			);
		const { balances } = (await done(["balance", "--home", shop])) as {
			balances: { module: string; toDeposit: string }[];
		};
		assert.deepEqual(
			balances.map(({ module, toDeposit }) => [module, toDeposit]),
			TILLS.map((name) => [name, "0.00"]),
		);
		const { history } = (await done([
			...["purse", "history", "--home", shop],
		])) as {
			history: { module: string; what: string; subject: string }[];
		};
		for (const [contract, name] of contracts)
			assert.ok(
				history.some((one) => one.subject === contract && one.module === name),
			);
	});

	test("goes on with one while the other is gone, and who paid that one gets the goods when it is back", async () => {
		await using running = await Shop.start();
		const before = await money();
		let count = 0;
		let doubt: Awaited<ReturnType<typeof agent.quote>> | undefined;
		for (let tries = 0; doubt === undefined; tries++) {
			assert.ok(tries < 60, "it never was in doubt");
			const quote = await patiently(
				() => agent.quote(sandbox.shopAt, "word"),
				EVERY_MS,
			);
			const began = Promise.withResolvers<void>();
			const buying = agent.buy(quote, {
				step: ({ event }) => {
					if (event === "purchase") began.resolve();
				},
			});
			buying.catch(() => {});
			await Promise.race([began.promise, buying.catch(() => {})]);
			await delay(Math.random() * 6);
			const killed = running.kill(2);
			try {
				await buying;
				count++;
			} catch (thrown) {
				if ((thrown as { code?: string }).code === "payment-in-doubt")
					doubt = quote;
			}
			await killed;
			if (doubt === undefined) await running.startModule(2);
		}
		const { id } = doubt;
		const inDoubt = async () => {
			for await (const one of agent.purchases({ limit: 100 }))
				if (one.quote === id) return one;
			return undefined;
		};
		const purchase = await inDoubt();
		assert.equal(purchase?.module, "shop-till-2");
		for (let others = 0; others < 3; others++, count++)
			assert.equal((await patiently(buy, EVERY_MS)).paid, "shop-till");
		await assert.rejects(agent.buy(id));
		assert.equal((await inDoubt())?.state, "in-doubt");
		const status = (await done(["status", "--home", shop])) as {
			links: { isUp: boolean }[];
		};
		assert.deepEqual(
			status.links.map(({ isUp }) => isUp),
			[true, false],
		);
		await running.startModule(2);
		// Where nothing had been paid when it was killed, it is bought now, from either.
		const bought = await patiently(() => agent.buy(id), EVERY_MS);
		assert.equal(bought.state, "bought");
		assert.equal(await readFile(bought.path, "utf8"), "harbour");
		await patiently(() => done(["settle", "--home", shop]), EVERY_MS);
		await agent.settle();
		const after = await money();
		assert.equal(before.buyer - after.buyer, PRICE * BigInt(count + 1));
		assert.equal(
			after.shop[0] + after.shop[1] - before.shop[0] - before.shop[1],
			PRICE * BigInt(count + 1),
		);
	});

	test("starts, sells and says how it is while one says nothing at all", async () => {
		await using running = await Shop.start();
		await running.serving?.[Symbol.asyncDispose]();
		const wake = running.stop(2);
		try {
			running.serve();
			await running.settled(1);
			for (let count = 0; count < 3; count++)
				assert.equal((await patiently(buy, EVERY_MS)).paid, "shop-till");
			const since = performance.now();
			const { links } = (await done(["status", "--home", shop])) as {
				links: { isUp: boolean }[];
			};
			assert.deepEqual(
				links.map(({ isUp }) => isUp),
				[true, false],
			);
			const took = performance.now() - since;
			assert.ok(took < 8_000, `status took ${Math.round(took)} ms`);
		} finally {
			wake();
		}
	});

	test("gives back what was paid to each from the purse of that one, once", async () => {
		await using running = await Shop.start();
		await using buyersDesk = new AsyncDisposableStack();
		const listening = Promise.withResolvers<string>();
		const closing = new AbortController();
		const [port = 0] = await portsForLater(1);
		const answering = agent.answer(
			{ kind: "tcp", host: "127.0.0.1", port },
			{
				signal: closing.signal,
				step: (event) => {
					if (event.event === "listening") listening.resolve(event.address);
				},
			},
		);
		buyersDesk.defer(async () => {
			closing.abort();
			await answering;
		});
		const to = await listening.promise;
		const sold = await sales();
		for (const name of TILLS) {
			const [contract = ""] =
				[...sold].find(([, module]) => module === name) ?? [];
			const at = TILLS.indexOf(name) + 1;
			// What it gives it has to have first.
			await done(["purse", "withdraw", "0.10", "--home", moduleHome(at)]);
			await patiently(() => done(["settle", "--home", shop]), EVERY_MS);
			const before = await money();
			for (let twice = 0; twice < 2; twice++) {
				const result = await run([
					...["refund", contract, "--home", shop, "--to", to, "--json"],
				]);
				if (twice === 0) assert.equal(result.code, 0, result.stderr);
				else assert.notEqual(result.code, 0);
			}
			const after = await money();
			assert.equal(after.buyer - before.buyer, PRICE);
			assert.equal(
				(before.shop[at - 1] ?? 0n) - (after.shop[at - 1] ?? 0n),
				PRICE,
			);
			assert.equal(after.shop[2 - at], before.shop[2 - at]);
		}
		// The agent is paired with the second one, and is run without it.
		await running.serving?.[Symbol.asyncDispose]();
		const settings = await readFile(join(shop, "tetrad.toml"), "utf8");
		await configure((text) => text.replace(/\[\[further[^[]*/, ""));
		try {
			running.serve();
			await running.settled(1);
			const before = await money();
			const [, contract = ""] = [...sold]
				.filter(([, module]) => module === "shop-till-2")
				.map(([contract]) => contract);
			await refused(
				["refund", contract, "--home", shop, "--to", to],
				/shop-till-2 was paid and gives this back, and the agent runs without it/,
			);
			assert.deepEqual(await money(), before);
		} finally {
			await configure(() => settings);
		}
	});
});

describe("a shop with two modules and two processes of its agent", {
	skip: NO_POSTGRES,
}, () => {
	test("loses nothing and is paid nothing twice, whichever of the four dies", async () => {
		await using server = await PostgresServer.start();
		const address = join(sandbox.around, "shop.postgres");
		await writeFile(address, `${server.url()}\n`, { mode: 0o600 });
		await done(["store", "--home", shop, "--database-file", address]);
		await using up = new Command<Said>([
			...["up", "--home", shop, "--json", "--agents", "2"],
		]);
		await up.expect("up");
		await up.until(
			() =>
				new Set(
					up.events
						.filter(({ event }) => event === "settled")
						.map(({ module }) => module),
				).size === 2,
			"both modules have met the issuer",
		);
		const names = ["module", "module 2", "agent 1", "agent 2"];
		for (const name of names) assert.ok(pidOf(up, name) > 0, name);
		await patiently(() => done(["settle", "--home", shop]), EVERY_MS);
		await agent.settle();
		const before = await money();
		const { bought } = await buyWhileKilled({
			...{ agent, shop: up, shopAt: sandbox.shopAt },
			...{ names, pauseMs: { least: 200, most: 1200 } },
			...{ buyers: 2, each: LONG ? 40 : 5, everyMs: EVERY_MS },
		});
		await patiently(() => done(["settle", "--home", shop]), EVERY_MS);
		await agent.settle();
		const after = await money();
		assert.equal(before.buyer - after.buyer, PRICE * BigInt(bought.size));
		for (const [at, name] of TILLS.entries()) {
			const count = [...bought.values()].filter((one) => one === name).length;
			assert.equal(
				(after.shop[at] ?? 0n) - (before.shop[at] ?? 0n),
				PRICE * BigInt(count),
				name,
			);
		}
		const said = await run(["doctor", "--home", shop]);
		assert.match(said.stdout, /module 2: the module runs, as process/);
		process.kill(up.pid, "SIGTERM");
		assert.equal((await up.exited).code, 0);
		const stopped = up.events
			.filter(({ event, state }) => event === "process" && state === "stopped")
			.map(({ process }) => process);
		assert.deepEqual(stopped.slice(2).toSorted(), ["module", "module 2"]);
	});
});
