/* One sandbox, which is kept, for all tests that need one that runs. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
	mkdir,
	readdir,
	readFile,
	stat,
	symlink,
	writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/client";
import {
	StdioClientTransport,
	type StdioServerParameters,
} from "@modelcontextprotocol/client/stdio";
import { showAddress } from "../../src/cli/side/show-address.ts";
import { readSide } from "../../src/device/side/side.ts";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Command, isAlive, run } from "../support/processes.ts";
import { STOCK, skipUnlessStock } from "../support/stock.ts";

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface SideJson {
	readonly home: string;
	readonly agent: string;
	readonly module: string;
	readonly link: string;
	readonly address?: string;
}

interface Ready {
	readonly event: "ready";
	readonly folder: string;
	readonly kept: boolean;
	readonly sides: Readonly<Record<"issuer" | "shop" | "buyer", SideJson>>;
	readonly paste: Readonly<
		Record<"buy" | "program" | "model" | "api" | "shop", readonly string[]>
	>;
}

/** What of the answers to a model is looked at. */
interface ModelAnswer {
	readonly quote?: { readonly quoteId: string };
	readonly purchase?: { readonly file?: { readonly path: string } };
}

type WorldEvent =
	| Ready
	| { readonly event: "step"; readonly what: string }
	| {
			readonly event: "process";
			readonly process: string;
			readonly state: string;
			readonly pid?: number;
	  }
	| { readonly event: "stopped" };

type World = Command<WorldEvent>;

/** A world takes its six processes, and as long as they need on a busy machine. */
const PATIENT = { patienceMs: 120_000 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let world: World;
const worlds = new AsyncDisposableStack();

/** What the operator of the world has credited, in minor units. */
let given = 100_00n;
let ready: Ready;

const at = (...names: string[]) => join(folder.path, ...names);

async function startWorld(): Promise<void> {
	world = new Command<WorldEvent>(
		["sandbox", at("world"), "--keep", "--json"],
		// Also where the tests were started by npx.
		{ ...PATIENT, env: { npm_command: "" } },
	);
	worlds.use(world);
	ready = await world.expect("ready");
}

before(async () => {
	folder = await temporaryFolder();
	await mkdir(at("node_modules", "@x402"), { recursive: true });
	await symlink(ROOT, at("node_modules", "tetrad"));
	await startWorld();
});
after(async () => {
	await worlds.disposeAsync();
	// The processes of one that was killed end by themselves.
	await untilGone(pidsOf(world));
	await folder[Symbol.asyncDispose]();
});

/** As a person pastes it at a terminal, in a folder of its own and where the first `node` is too old: nothing may ask, since what comes next would be its answer. */
async function paste(lines: readonly string[]): Promise<string> {
	await mkdir(at("old"), { recursive: true });
	await writeFile(at("old", "node"), "#!/bin/sh\nexit 20\n", { mode: 0o755 });
	const terminal = ["-qefc", 'sh -e -c "$PASTED"', "/dev/null"];
	const { stdout } = await execute("script", terminal, {
		cwd: folder.path,
		env: {
			...process.env,
			PATH: `${at("old")}:/usr/local/bin:/usr/bin:/bin`,
			SHELL: "/bin/sh",
			PASTED: lines.join("\n"),
		},
		timeout: PATIENT.patienceMs,
	});
	return stdout.replaceAll("\r\n", "\n");
}

/** Processes of a world that have run. */
function pidsOf({ events }: World): number[] {
	return events.flatMap((event) =>
		event.event === "process" && event.pid !== undefined ? [event.pid] : [],
	);
}

async function untilGone(pids: readonly number[]): Promise<void> {
	for (let waited = 0; pids.some(isAlive); waited++) {
		assert.ok(waited < 600, "they live");
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

/** The process of a name that runs now. */
function pidOf(name: string): number {
	const last = world.events.findLast(
		(event) =>
			event.event === "process" &&
			event.process === name &&
			event.state === "running",
	);
	assert.ok(last?.event === "process");
	return last.pid ?? 0;
}

/** 1.20 as 120. */
function cents(text = "0.00"): bigint {
	return BigInt(text.replace(".", ""));
}

/** What a purse has, whatever becomes of it. */
async function minor(module: string): Promise<bigint> {
	const { balances } = (await done(["purse", "balance", "--home", module])) as {
		balances: Record<string, string>[];
	};
	const [sums] = balances;
	return ["spendable", "held", "toDeposit", "inDoubt", "toClaim"]
		.map((name) => cents(sums?.[name]))
		.reduce((a, b) => a + b, 0n);
}

/** By the issuer's books, computed again, all that was ever given out is in notes or in accounts. */
async function requireConserved(): Promise<void> {
	for (let look = 1; ; look++)
		try {
			return assert.equal(await allMoney(), given);
		} catch (thrown) {
			// A deposit between two looks is in both, or in neither.
			if (look === 3) throw thrown;
		}
}

async function allMoney(): Promise<bigint> {
	const { home } = ready.sides.issuer;
	const audit = await done(["issuer", "audit", "--home", home]);
	assert.equal(audit["balanced"], true);
	const { accounts } = (await done(["issuer", "accounts", "--home", home])) as {
		accounts: { balance: string }[];
	};
	return accounts
		.map(({ balance }) => cents(balance))
		.reduce((a, b) => a + b, cents(String(audit["outstanding"])));
}

describe("tetrad sandbox", { timeout: 300_000 }, () => {
	test("is ready with 100.00 in the purse of the buyer, and limits", async () => {
		const { buyer } = ready.sides;
		assert.equal(ready.kept, true);
		assert.equal(await minor(buyer.module), 100_00n);
		const { money } = (await done(["limits", "--home", buyer.module])) as {
			money: { limits: object }[];
		};
		assert.deepEqual(money[0]?.limits, {
			perPayment: "20.00",
			perDay: "50.00",
			approvalAbove: "10.00",
		});
		await requireConserved();
	});

	test("sells what is pasted, and no money comes or goes", async () => {
		const said = await paste(ready.paste.buy);
		for (const item of ["harbour.svg", "licence", "capitals"])
			assert.match(said, new RegExp(item));
		const { shop, buyer } = ready.sides;
		const inbox = await readFile(at("harbour.svg"));
		assert.deepEqual(
			inbox,
			await readFile(join(shop.home, "goods", "harbour.svg")),
		);
		assert.equal(await minor(buyer.module), 95_80n);
		await requireConserved();
	});

	test("sells to a program that is pasted", async () => {
		const path = (await paste(ready.paste.program)).trim();
		assert.equal(path, join(ready.sides.buyer.home, "inbox", "licence"));
		assert.equal(await readFile(path, "utf8"), "KEY-7F3A-91C2");
		await requireConserved();
	});

	test("gives a model a wallet by the settings that are pasted", async () => {
		const { mcpServers } = JSON.parse(ready.paste.model.join("\n")) as {
			mcpServers: { wallet: StdioServerParameters };
		};
		const client = new Client({ name: "a client", version: "1.0.0" });
		// As those start it: somewhere else, and with what they think it needs of the environment.
		await client.connect(
			new StdioClientTransport({ ...mcpServers.wallet, cwd: "/" }),
		);
		try {
			const call = async (name: string, args: Record<string, unknown>) => {
				const answer = await client.callTool({ name, arguments: args });
				assert.notEqual(answer.isError, true, JSON.stringify(answer.content));
				return answer.structuredContent as ModelAnswer;
			};
			const merchant = ready.sides.shop.address ?? "";
			const order = { merchant, item: "capitals", order: "a model" };
			const { quote } = await call("tetrad_quote", order);
			const { quoteId } = quote ?? {};
			const { purchase } = await call("tetrad_buy", { quoteId });
			const { path = "" } = purchase?.file ?? {};
			assert.equal(await readFile(path, "utf8"), "A MODEL");
		} finally {
			await client.close();
		}
		await requireConserved();
	});

	test("has an API paid by fetch in the program that is pasted", {
		skip: skipUnlessStock(),
	}, async () => {
		const [install = "", ...lines] = ready.paste.api;
		const [, ...packages] = install.match(/(?<= )[\w@][\w@/]*(?= |$)/g) ?? [];
		for (const name of packages)
			await symlink(
				join(STOCK, "node_modules", name),
				at("node_modules", name),
			);
		const had = await minor(ready.sides.buyer.module);
		assert.match(await paste(lines), /^clear$/m);
		assert.equal(await minor(ready.sides.buyer.module), had - 5n);
		await requireConserved();
	});

	test("has a shop of one's own by what is pasted, which sells", async () => {
		const [setup = "", stock = "", up = ""] = ready.paste.shop;
		await paste([setup, stock]);
		const args = up.split(" ").slice(2);
		assert.deepEqual(args.slice(0, 2), ["up", "--home"]);
		await using shop = new Command<
			WorldEvent | { readonly event: "up"; readonly address: string }
		>(["up", "--home", at(args[2] ?? ""), "--json"], PATIENT);
		const { address } = await shop.expect("up");
		await buy(address, "hello.txt", "1.00", "hello.txt");
		assert.equal(await readFile(at("hello.txt"), "utf8"), "Hello\n");
	});

	test("has a buyer of one's own, with money in its account", async () => {
		const home = at("bob");
		await done(["setup", "buyer", home, "--sandbox", ready.folder]);
		given += 100_00n;
		await using up = new Command<WorldEvent | { readonly event: "up" }>(
			["up", "--home", home, "--json"],
			PATIENT,
		);
		await up.expect("up");
		await lines(["purse", "withdraw", "20", "--home", home]);
		assert.equal(await minor(home), 20_00n);
		const buying = ["buy", ready.sides.shop.address ?? "", "licence"];
		await lines([...buying, "--max", "9.00", "--home", home]);
		assert.equal(
			await readFile(join(home, "inbox", "licence"), "utf8"),
			"KEY-7F3A-91C2",
		);
		assert.equal(await minor(home), 11_00n);
	});

	test("starts the shop's module again that dies while a purchase runs", async () => {
		const { shop, buyer } = ready.sides;
		const pid = pidOf("shop module");
		await using buying = new Command(
			[
				...["buy", shop.address ?? "", "capitals", "--order", "hello"],
				...["--max", "0.50", "--out", at("capitals"), "--json"],
				...["--home", buyer.home],
			],
			PATIENT,
		);
		await buying.until(
			() => buying.all("purchase").length > 0,
			"a purchase under way",
		);
		process.kill(pid, "SIGKILL");
		const { code } = await buying.exited;
		await world.until(
			() => pidsOf(world).length > 6 && pidOf("shop module") !== pid,
			"the module again",
		);
		// Whatever the moment was: it is bought, it goes on by itself, or nothing was paid.
		if (code !== 0)
			await run(
				[
					...["resolve", shop.address ?? "", "--merchant"],
					...["--home", buyer.home],
				],
				PATIENT,
			);
		await buyUntilBought("capitals", "0.50", ["--order", "again"]);
		assert.equal(await readFile(at("capitals-again"), "utf8"), "AGAIN");
		await requireConserved();
	});

	test("runs once in a folder, and is never made where something else is", async () => {
		await refused(
			["sandbox", at("world")],
			/the sandbox in .*world is up already, by process \d+/,
		);
		await mkdir(at("full"));
		await writeFile(at("full", "letter.txt"), "Dear");
		await refused(
			["sandbox", at("full")],
			/full is not empty, and it is no sandbox: letter.txt is in it/,
		);
		assert.deepEqual(await readdir(at("full")), ["letter.txt"]);
	});

	test("that is interrupted leaves no process, and goes on with the same money", async () => {
		const money = await minor(ready.sides.buyer.module);
		await stopWorld();
		await refused(
			["sandbox", at("world")],
			/there is a sandbox in .*world, which was kept; go on with it by --keep/,
		);
		const { port } = new URL(`tcp://${ready.sides.shop.address}`);
		const taker = createServer().listen(Number(port), "127.0.0.1");
		await new Promise((resolve) => taker.once("listening", resolve));
		try {
			await refused(
				["sandbox", at("world"), "--keep"],
				/shop agent cannot start: .*\(address-in-use\)/,
			);
		} finally {
			await new Promise((resolve) => taker.close(resolve));
		}
		await startWorld();
		assert.equal(await minor(ready.sides.buyer.module), money);
		await requireConserved();
		await stopWorld();
	});

	test("that is killed leaves no process", async () => {
		await startWorld();
		const pids = pidsOf(world);
		process.kill(world.pid, "SIGKILL");
		await world.exited;
		await untilGone(pids);
	});

	test("at a terminal shows a table, and Ctrl-C leaves nothing at all", async () => {
		await using shown = new Command(["sandbox"], {
			...PATIENT,
			terminal: { rows: 50, columns: 120 },
			env: { TMPDIR: folder.path, npm_command: "" },
		});
		const pidsShown = () =>
			[...shown.stdout.matchAll(/runs \((\d+)\)/g)].map(([, pid]) =>
				Number(pid),
			);
		await shown.until(
			// A terminal hands on a part of it first.
			() => pidsShown().length >= 5 && /100\.00 PLAY/.test(shown.stdout),
			"the table",
		);
		// As it stands there, it can be pasted.
		for (const line of ["END", `${process.execPath} buyer.mjs`])
			assert.ok(shown.stdout.split(/\r?\n/).includes(line), line);
		assert.match(shown.stdout, /ready.* in \d+\.\d s: a world of play money/);
		const made = (await readdir(folder.path)).filter((name) =>
			/^tetrad-/.test(name),
		);
		assert.equal(made.length, 1);
		const pids = pidsShown();
		shown.type("\u0003");
		await shown.exits(0);
		assert.match(shown.stdout, /stopped, and nothing is left/);
		assert.deepEqual(pids.filter(isAlive), []);
		await assert.rejects(stat(at(made[0] ?? "")), /ENOENT/);
	});

	test("takes other ports when somebody takes its own before it has them, and leaves what is not its own", async () => {
		await using begun = new Command<WorldEvent>(
			["sandbox", at("other"), "--json"],
			PATIENT,
		);
		await begun.until(
			() => begun.all("step").some(({ what }) => /^a buyer/.test(what)),
			"the making of the buyer",
		);
		const { agent } = await readSide(at("other", "shop"), {});
		assert.equal(agent.listen?.kind, "tcp");
		const taker = createServer().listen(agent.listen.port, "127.0.0.1");
		try {
			const { sides } = await begun.expect("ready");
			assert.ok(sides.shop.address);
			assert.notEqual(sides.shop.address, showAddress(agent.listen));
			await writeFile(at("other", "mine.txt"), "Dear");
			begun.terminate("SIGINT");
			await begun.exits(0);
			assert.deepEqual(await readdir(at("other")), ["mine.txt"]);
		} finally {
			await new Promise((resolve) => taker.close(resolve));
		}
	});

	test("that is interrupted while it is made leaves nothing", async () => {
		await using begun = new Command<WorldEvent>(
			["sandbox", at("begun"), "--json"],
			PATIENT,
		);
		await begun.expect("step");
		await refused(["sandbox", at("begun")], /begun is up already, by process/);
		await begun.until(() => pidsOf(begun).length > 0, "a process");
		begun.terminate("SIGINT");
		await begun.exits(1);
		assert.match(begun.stderr, /"code":"aborted"/);
		assert.deepEqual(pidsOf(begun).filter(isAlive), []);
		await assert.rejects(stat(at("begun")), /ENOENT/);
	});
});

/** Buys at a shop of the world. */
function buy(
	address: string,
	item: string,
	price: string,
	out: string,
	more: readonly string[] = [],
): Promise<Record<string, unknown>[]> {
	return lines([
		...["buy", address, item, "--max", price, "--out", at(out)],
		...["--home", ready.sides.buyer.home, ...more],
	]);
}

/** Events of a command that is done. */
async function lines(
	args: readonly string[],
): Promise<Record<string, unknown>[]> {
	const { code, stdout, stderr } = await run([...args, "--json"], PATIENT);
	assert.equal(code, 0, stderr);
	return stdout
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
}

/** A shop whose module was killed may still be coming back. */
async function buyUntilBought(
	item: string,
	price: string,
	more: readonly string[],
): Promise<void> {
	for (let tries = 1; ; tries++)
		try {
			const address = ready.sides.shop.address ?? "";
			await buy(address, item, price, `${item}-again`, more);
			return;
		} catch (thrown) {
			if (tries === 5) throw thrown;
		}
}

async function stopWorld(): Promise<void> {
	const pids = pidsOf(world);
	world.terminate("SIGINT");
	await world.exits(0);
	assert.deepEqual(world.events.at(-1), { event: "stopped" });
	assert.deepEqual(pids.filter(isAlive), []);
	assert.ok((await readdir(at("world"))).includes("sandbox.json"));
}
