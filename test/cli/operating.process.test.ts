/* What whoever keeps devices running sees of them: logs, of the commands that people give. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { startCaller, startModule, startServer } from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
});
after(() => folder[Symbol.asyncDispose]());

const logsOf = (home: string) =>
	readdirSync(home).filter((name) => /^log\.(\d+\.)?jsonl$/.test(name));

const linesOf = (home: string, name: string) =>
	readFileSync(`${home}/${name}`, "utf8")
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Record<string, unknown>);

describe("the log of a device", () => {
	const limits = ["--log-size", "1 kB", "--log-keep", "2"];

	test("has the time of each line, and is put aside when it is full", async () => {
		await using _ = await startModule(homes, "X");
		await using __ = await startModule(homes, "Y");
		const { agent, address } = await startServer(
			...([homes, "B", homes.socket("Y"), ...limits] as const),
		);
		await using ___ = agent;
		for (let time = 0; time < 4; time++) {
			await using caller = startCaller(
				...([homes, "A", homes.socket("X"), address] as const),
				...["--message", "good morning"],
			);
			await caller.exits(0);
			await agent.expect("ended", time);
		}
		const home = homes.of("B");
		const names = logsOf(home);
		assert.equal(names.length, 3, names.join(" "));
		for (const name of names)
			for (const { time } of linesOf(home, name))
				assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
		const [first] = linesOf(home, "log.jsonl");
		assert.equal(first?.["event"], "log-begins");
		const before = linesOf(home, String(first?.["continues"]));
		assert.equal(before.at(-1)?.["event"], "log-ends");
	});

	test("is not limited to nothing, or by anything but a size", async () => {
		for (const size of ["0", "10", "many", "10 TB", "99999999999 GB"])
			await refused(
				[
					...["module", "--home", homes.of("X")],
					...["--listen", homes.socket("X"), "--log-size", size],
				],
				/'--log-size <size>'.*Say how large it may get/,
				2,
			);
	});
});
