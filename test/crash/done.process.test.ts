/* What a command has said is done is there when the power went right after it. */
import assert from "node:assert/strict";
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compileDisk, Disk } from "../../crash/disk.ts";
import { requireHome } from "../../src/device/home/index.ts";
import { makeSandbox } from "../../src/device/setup/index.ts";
import { readSide } from "../../src/device/side/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { portsForLater } from "../support/ports.ts";
import { run } from "../support/processes.ts";

/** Dice by which all is lost that may be. */
const ALL_LOST = () => 0;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let library: string | undefined;
let disks = 0;

before(async () => {
	folder = await temporaryFolder();
	library = await compileDisk(folder.path);
	// With a compiler missing, the tests below skip, and in CI they fail.
	assert.ok(library !== undefined || process.env["CI"] !== "true", "no cc");
});
after(() => folder[Symbol.asyncDispose]());

/** A new disk, and how a command is given after which its power is cut. */
function newDisk(): {
	readonly at: string;
	readonly give: (...args: readonly string[]) => Promise<void>;
} {
	const root = join(realpathSync(folder.path), `disk-${++disks}`);
	const at = join(root, "files");
	mkdirSync(at, { recursive: true });
	const disk = new Disk(library ?? "", at, join(root, "notes"));
	return {
		at,
		async give(...args) {
			const { code, stderr } = await run(args, { env: disk.env });
			assert.equal(code, 0, stderr);
			disk.cut(ALL_LOST);
		},
	};
}

describe("what is done when the power goes", () => {
	const skip = (t: { skip(why: string): void }) => {
		if (library === undefined) t.skip("there is no cc");
		return library === undefined;
	};

	test("a side that was set up is there, with all that it lies in", async (t) => {
		if (skip(t)) return;
		const { at, give } = newDisk();
		const world = join(at, "world");
		const [issuer, shop, operators] = (await portsForLater(3)).map(
			(port) => `127.0.0.1:${port}`,
		) as [string, string, string];
		await makeSandbox(world, { addresses: { issuer, shop, operators } });
		const guest = join(at, "sides", "guest");
		await give("setup", "buyer", guest, "--sandbox", world);
		const { name } = await readSide(guest, {});
		assert.equal(name, "guest");
	});

	test("an authority that was founded is there, and so is a device that it made", async (t) => {
		if (skip(t)) return;
		const { at, give } = newDisk();
		const [agency, bank, till] = ["agency", "bank", "till"].map((name) =>
			join(at, "homes", name),
		) as [string, string, string];
		for (const [kind, home] of [
			["agency", agency],
			["bank", bank],
		] as const) {
			const init = ["authority", "init", "--kind", kind, "--name", kind];
			await give(...init, "--home", home, "--unsafe-unsealed-key");
			await requireHome(home, "authority");
		}
		const issue = ["authority", "issue", "--home", bank, "--name", "till"];
		const device = ["--device", till, "--trust", agency];
		await give(...issue, ...device, "--unsafe-unsealed-key");
		await requireHome(till, "device");
	});
});
