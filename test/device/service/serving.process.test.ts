/* Agents of sides that run, programs that ask them, and what programs are told of purchases while those die. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, readFile } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
	type AgentService,
	openAgent,
	openIssuer,
	openModule,
	type Purchase,
	type Quote,
} from "../../../src/device/service/index.ts";
import { makeSandbox } from "../../../src/device/setup/index.ts";
import { asTetradError } from "../../../src/errors.ts";
import { done } from "../../support/commands.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { portsForLater } from "../../support/ports.ts";
import { Command, isAlive, run } from "../../support/processes.ts";
import { type DeathAt, ToldToDie } from "../../support/told-to-die.ts";

const ITEM = "licence";
const PRICE = 900n;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let shopAt: string;
let fate: ToldToDie;
const running = new Map<string, Command>();

const side = (name: string) => join(folder.path, "world", name);
const socketOf = (name: string) => join(side(name), "run", "agent.sock");

/** Runs the agent of a side, whose module starts with it. */
async function serve(name: string, skip = false): Promise<Command> {
	const args = ["serve", "--home", side(name), "--json"];
	const command = new Command(args, {
		env: name === "buyer" && !skip ? fate.env : {},
	});
	running.set(name, command);
	await command.expect("answering");
	return command;
}

async function stop(name: string): Promise<void> {
	const command = running.get(name);
	command?.terminate();
	await command?.exited;
	running.delete(name);
}

async function all<Of>(list: AsyncIterable<Of>): Promise<Of[]> {
	const rows: Of[] = [];
	for await (const row of list) rows.push(row);
	return rows;
}

before(async () => {
	folder = await temporaryFolder();
	fate = new ToldToDie(join(folder.path, "fate"));
	const [issuer, shop, operators] = await portsForLater(3);
	shopAt = `127.0.0.1:${shop}`;
	await makeSandbox(join(folder.path, "world"), {
		addresses: {
			issuer: `127.0.0.1:${issuer}`,
			shop: shopAt,
			operators: `127.0.0.1:${operators}`,
		},
	});
	await serve("issuer");
	await (await serve("shop")).expect("settled");
	await (await serve("buyer")).expect("settled");
	const unlimited = ["--per-day", "none", "--per-payment", "none"];
	await done(["limits", "--home", side("buyer"), ...unlimited]);
});
after(async () => {
	for (const name of ["buyer", "shop", "issuer"]) await stop(name);
	await folder?.[Symbol.asyncDispose]();
});

describe("the agent of a side that is served", () => {
	test("is asked by programs, and bought by", async () => {
		await using agent = await openAgent(side("buyer"));
		const [balance] = await agent.balance();
		assert.equal(balance?.spendable, 10_000n);
		const { process: pid, listening } = await agent.status();
		assert.equal(pid, running.get("buyer")?.pid);
		assert.deepEqual(listening, []);
		const quote = await agent.quote(shopAt, ITEM);
		const bought = await agent.buy(quote, { maximum: PRICE });
		assert.equal(bought.path, join(side("buyer"), "inbox", ITEM));
		assert.equal(await readFile(bought.path, "utf8"), "KEY-7F3A-91C2");
		await using shop = await openAgent(side("shop"));
		const [sale] = await all(shop.sales());
		assert.equal(sale?.item, ITEM);
		assert.deepEqual((await shop.status()).listening, [`tcp:${shopAt}`]);
		await assert.rejects(shop.sell({ items: [] }), { code: "busy" });
	});

	test("runs once", async () => {
		const second = await run(["serve", "--home", side("buyer")]);
		assert.equal(second.code, 1);
		assert.match(second.stderr, /runs already/);
	});

	test("answers at a socket of its user alone", async () => {
		const socket = await lstat(socketOf("buyer"));
		assert.equal(socket.mode & 0o777, 0o600);
		const run = await lstat(join(side("buyer"), "run"));
		assert.equal(run.mode & 0o777, 0o700);
	});
});

describe("the socket of an agent", () => {
	/** A program that says what it likes. */
	async function speak(text: string): Promise<string> {
		const socket = createConnection(socketOf("buyer"));
		let heard = "";
		socket.on("data", (chunk) => {
			heard += chunk;
		});
		socket.on("error", () => {});
		socket.write(text);
		await once(socket, "close");
		return heard;
	}

	for (const [what, text, expected] of [
		["no JSON", "hello\n", /"malformed"/],
		["an unknown question", '{"do":"withdraw","with":{}}\n', /"malformed"/],
		["a prototype's name", '{"do":"constructor","with":{}}\n', /"malformed"/],
		[
			"an owner's question",
			'{"do":"approve","with":{"contract":"00"}}\n',
			/"malformed"/,
		],
		[
			"a question with more in it",
			'{"do":"balance","with":{"as":"owner"}}\n',
			/"malformed"/,
		],
		[
			"an amount that is none",
			'{"do":"buy","with":{"quote":"00","maximum":"-1"}}\n',
			/"malformed"/,
		],
		["a line that never ends", "x".repeat(300_000), /"limit-exceeded"/],
		[
			"two questions",
			'{"do":"events","with":{}}\n{"do":"events","with":{}}\n',
			/"malformed"/,
		],
	] as const)
		test(`refuses ${what}, and goes on`, async () => {
			assert.match(await speak(text), expected);
			await using agent = await openAgent(side("buyer"));
			assert.equal((await agent.status()).name, "buyer");
		});

	test("holds up nothing for a program that does not read", async () => {
		const slow: Socket = createConnection(socketOf("buyer"));
		slow.on("error", () => {});
		slow.write('{"do":"events","with":{}}\n');
		await once(slow, "readable");
		slow.pause();
		await using agent = await openAgent(side("buyer"));
		for (let i = 0; i < 5; i++) await agent.quote(shopAt, ITEM);
		slow.destroy();
	});
});

describe("programs that buy and sell in a few lines", () => {
	/** An example, as a process, until it says something that fits. */
	function example(name: string, ...args: string[]): ChildProcess {
		const path = fileURLToPath(
			new URL(`../../../examples/${name}.ts`, import.meta.url),
		);
		return spawn(process.execPath, [path, ...args], {
			stdio: ["ignore", "pipe", "inherit"],
		});
	}

	async function until(child: ChildProcess, expected: RegExp): Promise<string> {
		const lines = createInterface({
			input: child.stdout as NodeJS.ReadableStream,
		});
		let said = "";
		for await (const line of lines) {
			said += `${line}\n`;
			if (expected.test(said)) return said;
		}
		throw new Error(`not ${expected} but ${said}`);
	}

	test("a buyer, of an agent that is served", async () => {
		const buyer = example("buyer", side("buyer"), shopAt);
		await until(buyer, /licence is at .*licence \(2\)\n.* minor units/);
		await once(buyer, "exit");
	});

	test("a buyer, of an agent that is not, whose module starts and stops with it", async () => {
		await stop("buyer");
		const buyer = example("buyer", side("buyer"), shopAt);
		await until(buyer, /licence is at /);
		await once(buyer, "exit");
		await serve("buyer");
	});

	for (const [name, item, order, expected] of [
		["shop", "poem", undefined, "Roses are red"],
		["shop-on-order", "translation", "abc", "cba"],
	] as const)
		test(`a ${name}`, async () => {
			await stop("shop");
			const shop = example(name, side("shop"));
			try {
				await until(shop, /settled/);
				await using agent = await openAgent(side("buyer"));
				const quote = await agent.quote(shopAt, item, { order });
				const { path } = await agent.buy(quote);
				assert.equal(await readFile(path, "utf8"), expected);
			} finally {
				shop.kill();
				await once(shop, "exit");
				await serve("shop");
			}
		});
});

describe("owners and operators, in a few lines", () => {
	const owner = async (): Promise<Uint8Array> => new Uint8Array();

	test("the owner of a module limits, withdraws and sees what is there", async () => {
		await using module = await openModule(side("buyer"));
		const taken = await module.setLimits({ perPayment: 5000n }, { owner });
		assert.equal(taken.inForce, true);
		const { money, merchants } = await module.limits();
		assert.equal(money[0]?.perPayment, 5000n);
		assert.equal(money[0]?.approvalAbove, 1000n);
		assert.equal(merchants, undefined);
		await module.setLimits({ perPayment: null }, { owner });
		assert.equal((await module.limits()).money[0]?.perPayment, undefined);
		const { request } = await module.withdraw(100n, { owner });
		assert.match(request, /^[0-9a-f]{32}$/);
		const [balance] = await module.balance();
		assert.equal(balance?.ordered, 100n);
		assert.ok((await module.notes()).length > 0);
		await assert.rejects(
			module.setLimits({ perDay: 1n, issuer: "nobody" }, { owner }),
			{ code: "invalid-argument" },
		);
	});

	test("the operator of an issuer credits an account, which the agent then settles", async () => {
		await using issuer = await openIssuer(side("issuer"));
		const accounts = await all(issuer.accounts());
		const account = accounts.find(({ name }) => name === "buyer-purse");
		assert.ok(account);
		const options = { reference: "a hundred" };
		const credited = await issuer.credit(account.id, 10_000n, options);
		assert.equal(credited.balance, account.balance + 10_000n);
		const again = await issuer.credit(account.id, 10_000n, options);
		assert.equal(again.balance, credited.balance);
		const audit = await issuer.audit();
		assert.deepEqual(audit.problems, []);
		assert.equal(audit.isBalanced, true);
		await using agent = await openAgent(side("buyer"));
		const [before] = await agent.balance();
		await agent.settle();
		const [after] = await agent.balance();
		assert.equal(after?.spendable, (before?.spendable ?? 0n) + 100n);
		assert.equal(after?.ordered, 0n);
	});
});

/** What a program was told of a purchase: that it is bought, or why not. */
type Told =
	| { readonly kind: "bought"; readonly purchase: Purchase }
	| { readonly kind: "failed"; readonly code: string; readonly reason: string };

async function buy(agent: AgentService, quote: Quote): Promise<Told> {
	try {
		return { kind: "bought", purchase: await agent.buy(quote) };
	} catch (thrown) {
		const { code, message: reason } = asTetradError(thrown);
		return { kind: "failed", code, reason };
	}
}

const isDoubt = (told: Told): boolean =>
	told.kind === "failed" && told.code === "payment-in-doubt";

describe("a purchase whose agent is killed", () => {
	const deaths: DeathAt[] = [];
	for (const kind of ["write", "message"] as const)
		for (let number = 1; number <= 7; number += 2)
			deaths.push({ kind, number, when: "before" });

	for (const death of deaths)
		test(`before ${death.kind} ${death.number}: its program is told the truth, and the same quote again is one purchase`, async () => {
			await using agent = await openAgent(side("buyer"));
			const [before] = await agent.balance();
			const quote = await agent.quote(shopAt, "harbour.svg");
			fate.tell(death);
			const told = await buy(agent, quote);
			fate.end();
			const server = running.get("buyer");
			if (told.kind === "failed") {
				if (/hung up/.test(told.reason)) await server?.exited;
				const expected = ["payment-in-doubt", "carrier-failed"];
				assert.ok(expected.includes(told.code), JSON.stringify(told));
			}
			if (server?.gone) {
				assert.equal(isAlive(server.pid), false);
				await serve("buyer");
			}
			await using again = await openAgent(side("buyer"));
			let later = await buy(again, quote);
			for (let tries = 0; isDoubt(later) && tries < 3; tries++) {
				await again.resolve();
				later = await buy(again, quote);
			}
			const purchases = (await all(again.purchases())).filter(
				({ quote: id, state }) => id === quote.id && state !== "not-bought",
			);
			const [after] = await again.balance();
			const paid = (before?.spendable ?? 0n) - (after?.spendable ?? 0n);
			if (told.kind === "bought" || later.kind === "bought") {
				assert.equal(purchases.length, 1);
				assert.equal(paid, 420n);
			} else {
				// A quote that was not taken is gone with the process that had it, and one that was taken and not paid is cancelled.
				const expected = ["offer-expired", "aborted"];
				assert.ok(expected.includes(later.code), JSON.stringify(later));
				assert.equal(paid, 0n);
			}
			if (told.kind === "failed" && told.code === "carrier-failed") {
				assert.match(told.reason, /nothing was paid/);
				assert.equal(later.kind, "failed");
			}
		});
});
