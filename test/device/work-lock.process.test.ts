/* Who changes a home keeps others waiting, in this process and in others. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { lockHome } from "../../src/device/home/work-lock.ts";
import { temporaryFolder } from "../support/folders.ts";

const MODULE = fileURLToPath(
	new URL("../../src/device/home/work-lock.ts", import.meta.url),
);

/** Long enough for somebody to find a lock held. */
const A_WHILE_MS = 200;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let home: string;

before(async () => {
	folder = await temporaryFolder();
	home = folder.path;
});
after(() => folder[Symbol.asyncDispose]());

/** A process that says "held" once it has the lock, and its error's code if it has not. */
function another(): ChildProcess & { readonly said: Promise<string> } {
	const program = `
		import { lockHome } from ${JSON.stringify(MODULE)};
		try {
			globalThis.lock = await lockHome(${JSON.stringify(home)});
			console.log("held");
			setInterval(() => {}, 1000);
		} catch ({ code }) {
			console.log(code);
		}`;
	const child = spawn(
		process.execPath,
		["--input-type=module", "--eval", program],
		{ stdio: ["ignore", "pipe", "inherit"] },
	);
	after(() => child.kill("SIGKILL"));
	const said = once(child.stdout, "data").then(([text]) => `${text}`.trim());
	return Object.assign(child, { said });
}

describe("work in a home", () => {
	test("waits for other work there, and goes on when that is done", async () => {
		const held = await lockHome(home);
		let isDone = false;
		const second = lockHome(home).then(async (lock) => {
			assert.ok(isDone, "two are at work");
			await lock[Symbol.asyncDispose]();
		});
		await Promise.race([second, pause(A_WHILE_MS)]);
		isDone = true;
		await held[Symbol.asyncDispose]();
		await second;
	});

	test("waits for another process, and goes on when that is killed", async () => {
		const other = another();
		assert.equal(await other.said, "held");
		const waiting = lockHome(home);
		await Promise.race([waiting, pause(A_WHILE_MS)]);
		other.kill("SIGKILL");
		await using _ = await waiting;
	});

	test("is refused while other work goes on and on, and leaves that alone", async () => {
		await using _ = await lockHome(home);
		await assert.rejects(lockHome(home), {
			code: "busy",
			message: /another process is at work/,
		});
		assert.equal(await another().said, "busy");
	});
});
