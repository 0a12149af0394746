/* How several modules of one agent are, as a command asks them. */
import assert from "node:assert/strict";
import { appendFile, cp } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { announceMetrics } from "../../src/device/operating/announced.ts";
import type { HealthReport } from "../../src/device/operating/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { run } from "../support/processes.ts";
import { makeWorld } from "../support/sandbox.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let shop: string;
const servers: AsyncDisposable[] = [];

/** A device of the shop that runs, and says that of itself. */
async function running(
	name: string,
	status: HealthReport["status"],
): Promise<void> {
	const device = name === "agent" ? "agent" : "module";
	const since = new Date(0).toISOString();
	const notes = status === "ok" ? [] : ["its purse is behind"];
	const server = createServer((_, response) =>
		response.end(JSON.stringify({ status, device, since, notes })),
	);
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	await announceMetrics(join(shop, name), `http://127.0.0.1:${port}`);
}

before(async () => {
	folder = await temporaryFolder();
	const world = join(folder.path, "world");
	await makeWorld(world);
	shop = join(world, "shop");
	for (const name of ["module-2", "module-3"]) {
		await cp(join(shop, "module"), join(shop, name), { recursive: true });
		await appendFile(
			join(shop, "tetrad.toml"),
			`\n[[further-modules]]\nhome = "${name}"\n`,
		);
	}
	await running("agent", "ok");
	await running("module", "ok");
	await running("module-2", "degraded");
});
after(async () => {
	for (const server of servers) await server[Symbol.asyncDispose]();
	await folder?.[Symbol.asyncDispose]();
});

describe("the health of an agent with several modules", () => {
	test("says which module is not well, or does not run", async () => {
		const { code, stdout } = await run(["health", "--home", shop]);
		assert.equal(code, 1);
		const said = stdout.split("\n").filter((line) => /^\w/.test(line));
		assert.deepEqual(
			said.map((line) => line.replace(/, since .*/, "")),
			["ok: agent", "ok: module 1", "degraded: module 2", "down: module 3"],
		);
	});

	test("says it to programs by number, and is well when all are", async () => {
		await running("module-3", "ok");
		await running("module-2", "ok");
		const { code, stdout } = await run(["health", "--home", shop, "--json"]);
		assert.equal(code, 0);
		const said = stdout
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line));
		assert.deepEqual(
			said.map(({ device, number, status }) => [device, number, status]),
			[
				["agent", undefined, "ok"],
				["module", 1, "ok"],
				["module", 2, "ok"],
				["module", 3, "ok"],
			],
		);
	});
});
