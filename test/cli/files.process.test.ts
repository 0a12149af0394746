/* What the owners of two agents see of a file that goes from one to the other. */
import assert from "node:assert/strict";
import { readdir, truncate, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { Command, startModule, startServer } from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let server: Awaited<ReturnType<typeof startServer>>;
const modules: Command[] = [];

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	modules.push(await startModule(homes, "X"), await startModule(homes, "Y"));
	const inbox = ["--receive", homes.at("inbox")];
	server = await startServer(homes, "B", homes.socket("Y"), ...inbox);
});
after(async () => {
	await server.agent[Symbol.asyncDispose]();
	for (const module of modules) await module[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

const caller = (...flags: string[]) => [
	...["agent", "--home", homes.of("A"), "--module", homes.socket("X")],
	...["--connect", server.address, ...flags],
];

describe("a file that is sent", { concurrency: 1 }, () => {
	test("that is cut off by control-C is said at both ends, and nothing of it is kept", async () => {
		const path = homes.at("large");
		await writeFile(path, "");
		await truncate(path, 2 ** 31);
		const { agent } = server;
		await using sender = new Command(caller("--send", path));
		await agent.expect("progress");
		sender.terminate("SIGINT");
		const { stdout, stderr } = await sender.exits(1);
		assert.match(
			stdout,
			/large was cut off after [\d,]+ of 2,147,483,648 bytes; the other agent keeps nothing of it/,
		);
		assert.match(stderr, /^tetrad: stopped before it was done \(aborted\)\n$/);
		const { way, name, bytes, size } = await agent.expect("file-cut-off");
		assert.deepEqual([way, name, size], ["in", "large", 2 ** 31]);
		assert.ok(bytes > 0 && bytes < size);
		assert.deepEqual(await readdir(homes.at("inbox")), []);
	});

	test("is shown on its way at a terminal, and not anywhere else", async () => {
		const path = homes.at("order.pdf");
		await writeFile(path, "");
		await truncate(path, 3_000_000);
		const send = caller("--send", path);
		await using seen = Command.atTerminal(send);
		const { stdout } = await seen.exits(0);
		assert.match(stdout, /\[=+-*\] \d+%/);
		assert.match(stdout, /100% {2}3,000,000 of 3,000,000 bytes/);
		await using unseen = new Command(send);
		const quiet = await unseen.exits(0);
		assert.doesNotMatch(quiet.stdout + quiet.stderr, /%/);
	});
});
