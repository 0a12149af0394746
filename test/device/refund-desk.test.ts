/* An agent that gives back what commands ask for, on a disk that is full for a while. */
import assert from "node:assert/strict";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { parseAddress } from "../../src/carrier/index.ts";
import { type Home, HomeLock } from "../../src/device/home/index.ts";
import { AgentAtWork } from "../../src/device/process/agent-at-work.ts";
import type { ProcessEvent } from "../../src/device/process/process-events.ts";
import { serveRefunds } from "../../src/device/process/refund-desk.ts";
import { askRunning } from "../../src/device/process/refunding.ts";
import { AgentStore } from "../../src/device/purse/index.ts";
import type { TrustedAgent } from "../../src/device/runtime/index.ts";
import type { SaleRow } from "../../src/trade/records/index.ts";
import { hex } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { MemoryStore } from "../support/memory-store.ts";

const SALE = new Uint8Array(32).fill(7);

/** What is asked for: of a sale that was never made, so that the answer is known. */
const asked = (home: string, amount: bigint) => ({
	...{ home, amount, sale: { contract: SALE } as SaleRow },
	...({ routing: "direct", root: "transcript" } as const),
	connect: parseAddress("127.0.0.1:7200"),
	signal: new AbortController().signal,
});

test("what came of a refund is told once there is room for it, once, and others are given back meanwhile", async () => {
	await using folder = await temporaryFolder();
	const { path } = folder;
	using _ = await HomeLock.take(path);
	await using store = await AgentStore.over(new MemoryStore());
	const troubles: string[] = [];
	const trouble = Promise.withResolvers<void>();
	const report = (event: ProcessEvent) => {
		if (event.event !== "refused") return;
		troubles.push(event.code);
		trouble.resolve();
	};
	const home = {
		path,
		pairings: [],
		policy: { roots: ["transcript"], routings: ["direct"] },
	} as unknown as Home;
	const stop = new AbortController();
	const work = new AgentAtWork({} as TrustedAgent, store, report);
	const serving = serveRefunds({ home, store, work }, stop.signal);
	// In the place of a full disk: nothing is written under this name.
	const refunds = join(path, "refunds");
	const full = join(refunds, `${hex(SALE)}-150.told.new`);
	await mkdir(full, { recursive: true, mode: 0o700 });
	const answer = askRunning(asked(path, 150n));
	await trouble.promise;
	const other = await askRunning(asked(path, 20n));
	assert.equal(other?.kind, "failed");
	// It is tried again, and that it cannot be written is said once.
	await pause(1200);
	assert.deepEqual(troubles, ["home-unusable"]);
	await rm(full, { recursive: true, force: true });
	const told = await answer;
	assert.ok(told?.kind === "failed");
	assert.match(told.reason, /nothing was sold here under that contract/);
	while ((await readdir(refunds)).length > 0) await pause(20);
	stop.abort();
	await serving;
	assert.deepEqual(await readdir(refunds), []);
});
