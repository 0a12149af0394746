import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { dissect } from "../../src/show/stage/dissect.ts";
import type { Keylog } from "../../src/show/stage/keylog.ts";
import type { Captured, Wire } from "../../src/show/stage/wiretap.ts";
import {
	concat,
	encodeFrame,
	FRAME,
	type FrameType,
} from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";

const NO_KEYS: Keylog = {
	A: new Map(),
	B: new Map(),
	X: new Map(),
	Y: new Map(),
};

async function captured(
	folder: string,
	wire: Wire,
	[from, to]: readonly [string, string],
	types: readonly FrameType[],
): Promise<Captured> {
	const file = join(folder, `${from}${to}`);
	const frames = types.map((type) => encodeFrame(type, new Uint8Array(17)));
	const bytes = concat(...frames);
	await writeFile(file, bytes);
	const arrivals = [{ offset: 0, at: 1 }];
	return { wire, from, to, file, bytes: bytes.length, arrivals };
}

describe("what is kept of captured frames", () => {
	test("is each kind in each direction, however long one transfer is, and what is not kept is counted", async () => {
		await using folder = await temporaryFolder();
		const { path } = folder;
		const many = Array<FrameType>(6000).fill(FRAME.record);
		const captures = [
			await captured(path, "network", ["A", "B"], [FRAME.retry, ...many]),
			await captured(path, "network", ["B", "A"], [...many, FRAME.retry]),
			await captured(path, "link A–X", ["A", "X"], [FRAME.linkHello, ...many]),
			await captured(path, "link B–Y", ["Y", "B"], [FRAME.linkAnswer]),
		];
		const { frames, omitted } = await dissect(captures, NO_KEYS, {
			suite: "classical-aesgcm",
			routing: "direct",
		});
		const names = (from: string) => [
			...new Set(
				frames.filter((frame) => frame.from === from).map(({ name }) => name),
			),
		];
		assert.deepEqual(
			names("A").sort(),
			["L1: link opened", "frame 5", "record", "retry"].sort(),
		);
		assert.deepEqual(names("B").sort(), ["record", "retry"]);
		assert.deepEqual(names("Y"), ["L2: sealed"]);
		const left = 6000 - 1000;
		assert.deepEqual(
			omitted.map(({ wire, from, name, count }) => [wire, from, name, count]),
			[
				["network", "A", "record", left],
				["network", "B", "record", left],
				["link A–X", "A", "frame 5", left],
			],
		);
	});
});
