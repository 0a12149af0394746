import assert from "node:assert/strict";
import {
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import {
	LogFile,
	type LogLimits,
} from "../../src/device/operating/log/index.ts";
import { temporaryFolder } from "../support/folders.ts";

const LIMITS: LogLimits = { bytes: 1000, keep: 3 };

/** A log in a folder of its own, and what it had to say. */
async function aLog(limits = LIMITS, prepare?: (folder: string) => void) {
	const folder = await temporaryFolder();
	prepare?.(folder.path);
	const troubles: string[] = [];
	const open = () =>
		new LogFile(join(folder.path, "log.jsonl"), {
			limits,
			trouble: (what) => troubles.push(what),
		});
	const log = open();
	let number = 0;
	return {
		folder: folder.path,
		log,
		troubles,
		open,
		write(lines: number, to = log) {
			for (let i = 0; i < lines; i++)
				to.write(`${JSON.stringify({ number: ++number, is: "a line" })}\n`);
		},
		lines: (name: string) =>
			readFileSync(join(folder.path, name), "utf8")
				.split("\n")
				.filter((line) => line !== "")
				.map((line) => JSON.parse(line) as Record<string, unknown>),
		async [Symbol.asyncDispose]() {
			log[Symbol.dispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
}

/** In the order in which they were written. */
function filesOf(folder: string): string[] {
	const numberOf = (name: string) =>
		Number(/\d+/.exec(name)?.[0] ?? Number.POSITIVE_INFINITY);
	return readdirSync(folder).sort((a, b) => numberOf(a) - numberOf(b));
}

suite("a log", () => {
	test("goes on in a new file when it is full, and both name each other", async () => {
		await using its = await aLog();
		its.write(80);
		const files = filesOf(its.folder);
		assert.deepEqual(files, ["log.1.jsonl", "log.2.jsonl", "log.jsonl"]);
		const numbers: unknown[] = [];
		for (const [at, name] of files.entries()) {
			const lines = its.lines(name);
			assert.ok(
				readFileSync(join(its.folder, name)).length < LIMITS.bytes + 150,
			);
			if (at > 0)
				assert.partialDeepStrictEqual(lines.shift(), {
					event: "log-begins",
					continues: files[at - 1],
				});
			if (at < files.length - 1)
				assert.partialDeepStrictEqual(lines.pop(), {
					event: "log-ends",
					kept: name,
					continued: "log.jsonl",
					later: `log.${at + 2}.jsonl`,
				});
			numbers.push(...lines.map(({ number }) => number));
		}
		assert.deepEqual(
			numbers,
			Array.from({ length: 80 }, (_, i) => i + 1),
		);
		assert.deepEqual(its.troubles, []);
	});

	test("keeps so many full files and no more, under numbers that only grow", async () => {
		await using its = await aLog();
		its.write(400);
		const files = filesOf(its.folder);
		assert.equal(files.length, LIMITS.keep + 1);
		const [first = ""] = files;
		assert.ok(Number(/\d+/.exec(first)?.[0]) > 3, first);
		using again = its.open();
		its.write(40, again);
		const later = filesOf(its.folder);
		assert.equal(later.length, LIMITS.keep + 1);
		assert.ok(!later.includes(first));
		assert.equal(its.lines("log.jsonl").at(-1)?.["number"], 440);
	});

	test("writes over no file that has the name already", async () => {
		await using its = await aLog(LIMITS, (folder) => {
			writeFileSync(join(folder, "log.41.jsonl"), "what was there\n");
			writeFileSync(join(folder, "log.of-mine.jsonl"), "mine\n");
		});
		its.write(40);
		assert.deepEqual(filesOf(its.folder), [
			"log.41.jsonl",
			"log.42.jsonl",
			"log.jsonl",
			"log.of-mine.jsonl",
		]);
		assert.equal(
			readFileSync(join(its.folder, "log.41.jsonl"), "utf8"),
			"what was there\n",
		);
	});

	test("follows its name when somebody else has moved or emptied the file", async () => {
		await using its = await aLog();
		const path = join(its.folder, "log.jsonl");
		its.write(2);
		renameSync(path, join(its.folder, "away"));
		its.write(1);
		assert.deepEqual(
			its.lines("log.jsonl").map(({ number }) => number),
			[3],
		);
		its.write(15);
		writeFileSync(path, "");
		its.write(15);
		assert.deepEqual(filesOf(its.folder), ["away", "log.jsonl"]);
	});

	test("goes on where it cannot be put aside, says so once, and tries again later", async () => {
		await using its = await aLog({ bytes: 1000, keep: 3 });
		its.write(20);
		// The next name is taken, by a folder that is not empty.
		mkdirSync(join(its.folder, "log.999999999999999.jsonl"));
		mkdirSync(join(its.folder, "log.1000000000000000.jsonl", "full"), {
			recursive: true,
		});
		its.write(60);
		assert.equal(its.troubles.length, 1, its.troubles.join("\n"));
		assert.match(its.troubles[0] ?? "", /cannot put .*log\.jsonl aside/);
		const kept = its
			.lines("log.jsonl")
			.filter(({ number }) => number !== undefined);
		assert.equal(kept.length, 80);
	});

	test("says once that nothing can be written, and never throws", async () => {
		await using its = await aLog(LIMITS, (folder) =>
			symlinkSync("/dev/full", join(folder, "log.jsonl")),
		);
		its.write(100);
		assert.equal(its.troubles.length, 1);
		assert.match(its.troubles[0] ?? "", /cannot write .*ENOSPC/);
		assert.deepEqual(filesOf(its.folder), ["log.jsonl"]);
	});

	test("begins a new line after one that was cut off", async () => {
		await using its = await aLog();
		const path = join(its.folder, "log.jsonl");
		renameSync(path, join(its.folder, "kept"));
		symlinkSync("/dev/full", path);
		its.write(1);
		renameSync(path, join(its.folder, "full"));
		its.write(2);
		assert.equal(readFileSync(path, "utf8").split("\n")[0], "");
		assert.deepEqual(
			its.lines("log.jsonl").map(({ number }) => number),
			[2, 3],
		);
	});
});
