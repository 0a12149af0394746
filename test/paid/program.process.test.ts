/* Programs that are killed while they pay, and begun again: nothing is paid twice. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serveAgent } from "../../src/device/service/agent-socket.ts";
import { writeTerms } from "../../src/paid/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import {
	aborted,
	another,
	PaidWorld,
	PREPAID,
	PRICE,
	SEALED,
} from "./world.ts";

const PROGRAM = fileURLToPath(new URL("paying-program.ts", import.meta.url));
const RAIN = utf8("rain");

/** A program that pays, in a process of its own. */
class Program {
	readonly #child: ChildProcess;
	readonly #lines: AsyncIterator<string>;
	readonly #exited: Promise<unknown>;

	constructor(...args: string[]) {
		this.#child = spawn(process.execPath, [PROGRAM, ...args], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		this.#exited = once(this.#child, "exit");
		const input = this.#child.stdout as NodeJS.ReadableStream;
		this.#lines = createInterface({ input })[Symbol.asyncIterator]();
	}

	/** What it says next. */
	async says(): Promise<Record<string, unknown>> {
		const { value, done } = await this.#lines.next();
		assert.ok(done !== true, "the program has ended");
		return JSON.parse(value);
	}

	/** Lets it take the answer, and end. */
	async take(): Promise<void> {
		this.#child.stdin?.write("\n");
		await this.#exited;
	}

	async kill(): Promise<void> {
		this.#child.kill("SIGKILL");
		await this.#exited;
	}
}

describe("a program that pays with an agent that runs elsewhere", () => {
	let world: PaidWorld;
	let served: AsyncDisposable;
	let socket: string;
	const programs: Program[] = [];

	before(async () => {
		world = await PaidWorld.open();
		socket = world.town.homes.at("agent.sock");
		served = await serveAgent(world.buyer, socket);
	});
	after(async () => {
		for (const program of programs) await program.kill();
		await served?.[Symbol.asyncDispose]();
		await world?.[Symbol.asyncDispose]();
	});

	function begin(request: string): Program {
		const terms = writeTerms(world.requests.terms(request, SEALED));
		const home = world.town.homes.of("A");
		const program = new Program(home, socket, JSON.stringify(terms));
		programs.push(program);
		return program;
	}

	async function answer(id: unknown, request: string): Promise<void> {
		const admitted = await world.requests.admit(String(id), request, SEALED);
		await admitted.answer(RAIN);
	}

	test("is killed once it is answered: begun again, it has the same answer, and pays nothing", async () => {
		const had = await world.spendable();
		const request = another();
		const first = begin(request);
		const { id } = await first.says();
		await answer(id, request);
		assert.deepEqual(await first.says(), { answer: "rain" });
		await first.kill();
		const again = begin(request);
		assert.deepEqual(await again.says(), { id, isToBeSent: false });
		assert.deepEqual(await again.says(), { answer: "rain" });
		await again.take();
		assert.equal(await world.spendable(), had - PRICE);
		const answers = join(world.town.homes.of("A"), "answers");
		assert.deepEqual(await readdir(answers), []);
	});

	test("is killed while it waits: nothing is paid, and begun again, it asks anew", async () => {
		const had = await world.spendable();
		const request = another();
		const first = begin(request);
		const { id } = await first.says();
		const admitted = await world.requests.admit(String(id), request, SEALED);
		await first.kill();
		await aborted(admitted.signal);
		assert.equal(await world.spendable(), had);
		// What was begun for it in vain is made up for.
		const paid = another();
		const terms = world.requests.terms(paid, PREPAID);
		const answers = world.answers({ modes: ["prepaid"] });
		const ticket = await answers.pay(terms, paid);
		await (await world.requests.admit(ticket.id, paid, PREPAID)).answer(RAIN);
		await ticket.taken();
		const again = begin(request);
		const said = await again.says();
		assert.equal(said["isToBeSent"], true);
		assert.notEqual(said["id"], id);
		await answer(said["id"], request);
		assert.deepEqual(await again.says(), { answer: "rain" });
		await again.take();
		assert.equal(await world.spendable(), had - 2n * PRICE);
	});
});
