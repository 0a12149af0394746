import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { readVectors, unhex, vectorPath } from "../support/vectors.ts";

interface File {
	readonly tests: readonly number[];
}

const { CI, TETRAD_VECTORS } = process.env;

function setEnvironment(values: Record<string, string | undefined>): void {
	for (const [name, value] of Object.entries(values))
		if (value === undefined) delete process.env[name];
		else process.env[name] = value;
}

suite("the reader of vector files", () => {
	let folder = "";

	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "tetrad-vectors-"));
		setEnvironment({ CI: undefined, TETRAD_VECTORS: folder });
	});

	afterEach(() => {
		rmSync(folder, { recursive: true });
		setEnvironment({ CI, TETRAD_VECTORS });
	});

	function read(): { file: File | undefined; skipped: string | undefined } {
		let skipped: string | undefined;
		const t = {
			skip(message?: string): void {
				skipped = message;
			},
		};
		const file = readVectors<File>(t, "some.json", ({ tests }) => tests.length);
		return { file, skipped };
	}

	for (const [problem, content] of [
		["is absent", undefined],
		["is empty", " \n"],
		["holds no tests", '{"tests":[]}'],
	] as const) {
		test(`a file that ${problem} skips by name, and fails under CI`, () => {
			const path = join(folder, "some.json");
			if (content !== undefined) writeFileSync(path, content);
			const { file, skipped } = read();
			assert.equal(file, undefined);
			assert.ok(
				skipped?.includes(`${path} ${problem}`),
				skipped ?? "not skipped",
			);
			setEnvironment({ CI: "true" });
			assert.throws(read, new RegExp(problem));
		});
	}

	test("a file with tests is read, under CI too", () => {
		writeFileSync(join(folder, "some.json"), '{"tests":[1]}');
		assert.deepEqual(read(), { file: { tests: [1] }, skipped: undefined });
		setEnvironment({ CI: "true" });
		assert.deepEqual(read().file, { tests: [1] });
	});

	test("a file that is not JSON throws", () => {
		writeFileSync(join(folder, "some.json"), "{");
		assert.throws(read, SyntaxError);
	});

	test("without TETRAD_VECTORS the folder lies beside the project", () => {
		setEnvironment({ TETRAD_VECTORS: undefined });
		assert.equal(
			vectorPath("a/b.json"),
			join(import.meta.dirname, "../../../shared/vectors/a/b.json"),
		);
	});

	test("hexadecimal text is read strictly", () => {
		assert.deepEqual(unhex("00fF"), Uint8Array.of(0, 255));
		assert.throws(() => unhex("0"));
		assert.throws(() => unhex("0g"));
	});
});
