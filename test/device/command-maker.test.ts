/* What is made on order by a command that a shell runs. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { commandMaker, type Order } from "../../src/device/trade/index.ts";
import { temporaryFolder } from "../support/folders.ts";

const ORDER = {
	item: { name: "made", mediaType: "", about: "", order: "good morning" },
	buyer: { name: "alice" },
} as Order;

async function made(
	command: string,
	signal: AbortSignal = new AbortController().signal,
): Promise<string> {
	const pieces: Uint8Array[] = [];
	const making = await commandMaker(command, process.env)(ORDER, signal);
	if (making instanceof Uint8Array) pieces.push(making);
	else for await (const piece of making) pieces.push(piece);
	return Buffer.concat(pieces).toString("utf8");
}

describe("a command that makes what is ordered", () => {
	test("gets the order, and what it writes is the merchandise", async () => {
		assert.equal(await made("tr a-z A-Z"), "GOOD MORNING");
		assert.equal(await made('echo "$TETRAD_BUYER"'), "alice\n");
	});

	test("has made nothing when it fails, or writes nothing", async () => {
		for (const command of ["echo some; exit 3", "true", "cat > /dev/null"])
			await assert.rejects(made(command), {
				code: "file-unusable",
				message: /has made nothing/,
			});
	});

	test("ends with all that it started when nobody waits for it", async () => {
		await using folder = await temporaryFolder();
		const pidFile = join(folder.path, "pid");
		const gone = new AbortController();
		const making = made(
			`sh -c 'echo $$ > "${pidFile}"; exec sleep 100000'; true`,
			gone.signal,
		);
		const refused = assert.rejects(making, { code: "file-unusable" });
		const pid = Number(
			await until(async () => {
				const text = await readFile(pidFile, "utf8").catch(() => "");
				return text === "" ? undefined : text;
			}),
		);
		gone.abort();
		await refused;
		await until(async () => {
			try {
				process.kill(pid, 0);
				return undefined;
			} catch {
				return true;
			}
		});
	});
});

async function until<Value>(
	found: () => Promise<Value | undefined>,
): Promise<Value> {
	for (;;) {
		const value = await found();
		if (value !== undefined) return value;
		await setTimeout(10);
	}
}
