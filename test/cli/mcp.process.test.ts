/* The command that gives tools to models, as its clients start it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { lstat, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import {
	type ClientOptions,
	StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Model } from "../mcp/model.ts";
import { done } from "../support/commands.ts";
import { Command, isAlive, run } from "../support/processes.ts";
import { type DeathAt, ToldToDie } from "../support/told-to-die.ts";
import { WalletWorld } from "../support/wallet-world.ts";

const execute = promisify(execFile);

const MODERN: ClientOptions = {
	versionNegotiation: { mode: { pin: "2026-07-28" } },
};

let world: WalletWorld;
let shopAt: string;
let fate: ToldToDie;

/** A client that has started the command, and what it has started. */
async function client({
	env = {},
	options = {},
}: {
	readonly env?: Readonly<Record<string, string>>;
	readonly options?: ClientOptions;
} = {}): Promise<{ readonly model: Model; readonly pid: number }> {
	const [command, ...args] = world.command();
	const transport = new StdioClientTransport({
		...{ command, args },
		env: { PATH: process.env["PATH"] ?? "", ...env },
	});
	const model = world.use(await Model.over(transport, options));
	const { pid } = transport;
	assert.ok(pid);
	return { model, pid };
}

before(async () => {
	world = await WalletWorld.open();
	({ shopAt } = world);
	fate = new ToldToDie(join(world.folder, "fate"));
});
after(() => world?.[Symbol.asyncDispose]());

/** In minor units. */
async function spendable(model: Model): Promise<bigint> {
	const { balances } = await model.done("balance");
	return BigInt(balances[0].spendable.replace(".", ""));
}

const capitals = (order: string) => ({
	merchant: shopAt,
	item: "capitals",
	order,
});

describe("tetrad mcp", () => {
	for (const [era, options] of [
		["2025", {}],
		["2026", MODERN],
	] as const)
		test(`serves a client of the protocol of ${era}, and ends with it`, async () => {
			const { model, pid } = await client({ options });
			const { tools } = await model.client.listTools();
			assert.equal(tools.length, 6);
			const { quote } = await model.done("quote", capitals(`of ${era}`));
			const { purchase } = await model.done("buy", { quoteId: quote.quoteId });
			assert.equal(purchase.merchantSays.text.trim(), `OF ${era}`);
			await model[Symbol.asyncDispose]();
			await untilGone(pid);
		});

	test("buys once for a client that gives up after a second and asks again", async () => {
		const { model } = await client();
		const before = await spendable(model);
		const { quote } = await model.done("quote", capitals("slow"));
		const { quoteId } = quote;
		world.shop.terminate("SIGSTOP");
		try {
			await assert.rejects(
				model.call("buy", { quoteId }, { timeout: 1000 }),
				/timed out/i,
			);
			const { purchases } = await model.done("status", { quoteId });
			assert.equal(purchases[0].state, "under-way");
		} finally {
			world.shop.terminate("SIGCONT");
		}
		const { state } = await model.done("buy", { quoteId });
		assert.equal(state, "bought");
		assert.equal(await spendable(model), before - 50n);
	});

	test("is one wallet for several clients, also when the one that ran the agent is gone", async () => {
		const first = await client();
		await first.model.done("balance");
		const second = await client({ options: MODERN });
		const { quote } = await second.model.done("quote", capitals("shared"));
		const { quoteId } = quote;
		const foreign = await first.model.refused("buy", { quoteId });
		assert.equal(foreign.code, "offer-expired");
		await second.model.done("buy", { quoteId });
		const again = await first.model.done("quote", capitals("shared"));
		assert.equal(again.state, "bought");
		await first.model[Symbol.asyncDispose]();
		await untilGone(first.pid);
		await second.model.call("balance");
		await second.model.done("balance");
	});

	test("asks a person for another copy, who gives the command that it names", async () => {
		const { model } = await client();
		const buy = async (more: object = {}) => {
			const asked = { merchant: shopAt, item: "licence", ...more };
			const { quote } = await model.done("quote", asked);
			return { quoteId: quote.quoteId };
		};
		await model.done("buy", await buy());
		const before = await spendable(model);
		const another = await buy({ anotherCopy: true });
		const { state, purchase } = await model.done("buy", another);
		assert.equal(state, "waiting-for-owner");
		const approvals = await done(["approvals", "--home", world.buyer]);
		assert.match(JSON.stringify(approvals), /its agent wants you to be asked/);
		// As it stands there, in a terminal in which nothing of ours is found by its name.
		await execute("sh", ["-ec", purchase.ownerCommand]);
		const bought = await model.done("buy", another);
		assert.equal(bought.state, "bought");
		assert.match(bought.purchase.file.path, /licence \(2\)$/);
		assert.equal(await spendable(model), before - 900n);
	});

	test("asks that person anew when it was cut while it waited, and pays nothing meanwhile", async () => {
		const { model, pid } = await client();
		const order = "twice";
		const asked = { ...capitals(order), anotherCopy: true };
		const first = await model.done("quote", capitals(order));
		await model.done("buy", { quoteId: first.quote.quoteId });
		const before = await spendable(model);
		const { quoteId } = (await model.done("quote", asked)).quote;
		const waiting = await model.done("buy", { quoteId });
		assert.equal(waiting.state, "waiting-for-owner");
		process.kill(pid, "SIGKILL");
		await untilGone(pid);
		const { model: again } = await client();
		const { purchases } = await again.done("status", { quoteId });
		assert.equal(purchases[0].state, "not-bought");
		assert.equal(
			(await again.refused("buy", { quoteId })).code,
			"offer-expired",
		);
		const known = await again.done("quote", capitals(order));
		assert.equal(known.state, "bought");
		const { quote } = await again.done("quote", asked);
		const anew = await again.done("buy", { quoteId: quote.quoteId });
		assert.equal(anew.state, "waiting-for-owner");
		assert.equal(await spendable(again), before);
	});

	test("tells a person at a terminal that it waits for a client", async () => {
		await using command = Command.atTerminal([
			...["mcp", "--home", world.buyer],
		]);
		await command.until(
			() => command.stdout.includes("speaks to a client of MCP"),
			"what it is for",
		);
		command.type("\u0003");
		await command.exits(0);
	});

	test("says what is wrong with how it was called, and not over the protocol", async () => {
		for (const [args, expected] of [
			[["--token-file", "x"], /--http/],
			[["--http", "0.0.0.0:0"], /can be reached from elsewhere/],
			[["--merchant", "nowhere", "--http", "127.0.0.1:0"], /has no port/],
		] as const) {
			const all = ["mcp", "--home", world.buyer, ...args];
			const { code, stdout, stderr } = await run(all);
			assert.equal(code, 2);
			assert.equal(stdout, "");
			assert.match(stderr, expected);
		}
		const nowhere = await run(["mcp", "--home", world.folder]);
		assert.match(nowhere.stderr, /is not the folder of a side/);
	});
});

describe("tetrad mcp over HTTP", () => {
	const serving = async (...more: string[]) => {
		const home = ["--home", world.buyer, "--http", "127.0.0.1:0"];
		const command = world.use(new Command(["mcp", ...home, ...more, "--json"]));
		await command.until(() => command.events.length > 0, "its address");
		const [{ url, tokenFile }] = command.events as unknown as [
			{ readonly url: string; readonly tokenFile: string },
		];
		return { command, url, tokenFile };
	};
	const asking = (url: string, token: string, options: ClientOptions = {}) =>
		Model.over(
			new StreamableHTTPClientTransport(new URL(url), {
				requestInit: { headers: { Authorization: `Bearer ${token}` } },
			}),
			options,
		);

	test("makes a token for its owner alone, keeps it, and answers who says it", async () => {
		const { command, url, tokenFile } = await serving();
		assert.equal(tokenFile, join(world.buyer, "mcp.token"));
		assert.equal((await lstat(tokenFile)).mode & 0o777, 0o600);
		const token = (await readFile(tokenFile, "utf8")).trim();
		for (const options of [{}, MODERN]) {
			await using model = await asking(url, token, options);
			await model.done("balance");
		}
		await assert.rejects(asking(url, "00".repeat(32)));
		command.terminate();
		await command.exits(0);
		const again = await serving();
		assert.equal((await readFile(again.tokenFile, "utf8")).trim(), token);
		again.command.terminate();
		await again.command.exits(0);
	});

	test("takes a token that is in a file, unless others may read it", async () => {
		const file = join(world.folder, "token");
		await writeFile(file, `${"7a".repeat(32)}\n`, { mode: 0o600 });
		const { command, url } = await serving("--token-file", file);
		await using model = await asking(url, "7a".repeat(32));
		await model.done("balance");
		command.terminate();
		await command.exits(0);
		await writeFile(`${file}-open`, `${"7a".repeat(32)}\n`, { mode: 0o644 });
		const open = await run([
			...["mcp", "--home", world.buyer, "--http", "127.0.0.1:0"],
			...["--token-file", `${file}-open`],
		]);
		assert.equal(open.code, 1);
		assert.match(open.stderr, /is open to other users/);
	});
});

describe("a client that is cut, starts again, and asks anew", () => {
	const deaths: DeathAt[] = [];
	for (const kind of ["write", "message"] as const)
		for (const number of [1, 3, 5])
			deaths.push({ kind, number, when: "before" });
	for (const death of deaths)
		test(`before ${death.kind} ${death.number}: has it once, and pays once`, async () => {
			const order = `cut before ${death.kind} ${death.number}`;
			const { model, pid } = await client({ env: fate.env });
			const before = await spendable(model);
			const { quote } = await model.done("quote", capitals(order));
			fate.tell(death);
			const cut = await model
				.call("buy", { quoteId: quote.quoteId })
				.catch(() => undefined);
			fate.end();
			await model[Symbol.asyncDispose]();
			await untilGone(pid);
			const { model: again } = await client();
			const asked = await again.done("quote", capitals(order));
			let { state, purchase } = asked;
			for (let tries = 0; state === "in-doubt" && tries < 3; tries++) {
				const { quoteId } = purchase;
				const { purchases } = await again.done("status", { quoteId });
				[purchase] = purchases;
				({ state } = purchase);
			}
			if (state !== "bought") {
				assert.match(state, /^(quoted|not-bought)$/);
				assert.equal(cut?.data?.state === "bought", false);
				const { quote: anew } = await again.done("quote", capitals(order));
				const bought = await again.done("buy", { quoteId: anew.quoteId });
				({ state, purchase } = bought);
			}
			assert.equal(state, "bought");
			const text = await readFile(purchase.file.path, "utf8");
			assert.equal(text.trim(), order.toUpperCase());
			assert.equal(await spendable(again), before - 50n);
			await again[Symbol.asyncDispose]();
		});

	test("after it was paid: has it, and pays nothing more", async () => {
		const order = "cut after it was paid";
		const { model, pid } = await client();
		const before = await spendable(model);
		const { quote } = await model.done("quote", capitals(order));
		const { quoteId } = quote;
		const onprogress = ({
			message,
		}: {
			readonly message?: string | undefined;
		}) => {
			if (/^it is paid/.test(message ?? "")) process.kill(pid, "SIGKILL");
		};
		await model.call("buy", { quoteId }, { onprogress }).catch(() => {});
		await model[Symbol.asyncDispose]();
		await untilGone(pid);
		const { model: again } = await client();
		await again.done("status");
		const asked = await again.done("quote", capitals(order));
		assert.equal(asked.state, "bought");
		assert.equal(asked.purchase.quoteId, quoteId);
		assert.equal((await again.done("buy", { quoteId })).state, "bought");
		assert.equal(await spendable(again), before - 50n);
	});
});

async function untilGone(pid: number): Promise<void> {
	for (let waited = 0; isAlive(pid); waited++) {
		assert.ok(waited < 600, "it lives");
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
