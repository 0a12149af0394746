/* The guides, one after another: each goes on where the one before ended. */
import assert from "node:assert/strict";
import { copyFile, readdir, readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { GuideWorld, requireNoOtherCommands } from "../support/guides.ts";
import { SoftHsm, SoftwareTpm, skipUnless } from "../support/tokens.ts";

const GUIDES = fileURLToPath(new URL("../../docs/guides/", import.meta.url));

const FOLLOWED_HERE = [
	"authorities.md",
	"limits.md",
	"lists.md",
	"operate.md",
	"restore.md",
	"sell-files.md",
	"tokens.md",
	"two-machines.md",
	"upgrade.md",
	"when-something-went-wrong.md",
];

/** Those that begin with nothing have tests of their own. */
const FOLLOWED_ELSEWHERE = [
	"buy-from-a-program.md",
	"by-hand.md",
	"get-paid-for-a-tool.md",
	"get-paid-for-an-api.md",
	"pay-with-ecash.md",
	"pay-with-fetch.md",
	"run-an-issuer.md",
	"wallet-for-an-agent.md",
];

let world: GuideWorld;

before(async () => {
	world = await GuideWorld.make();
});
after(() => world[Symbol.asyncDispose]());

async function follow(
	guide: string,
	without: readonly string[] = [],
): Promise<void> {
	await world.follow(`docs/guides/${guide}`, without);
}

test("authorities.md", () => follow("authorities.md"));

test("two-machines.md", async () => {
	await follow("two-machines.md");
	assert.equal(
		await readFile(world.path("bob", "inbox", "order.txt"), "utf8"),
		"two of the blue ones, please\n",
	);
});

test("limits.md", () => follow("limits.md"));

test("sell-files.md", async () => {
	await follow("sell-files.md");
	for (const [name, goods] of [
		["harbour.txt", "a harbour in the morning\n"],
		["morning.txt", "GOOD MORNING"],
	] as const)
		assert.equal(await readFile(world.path("alice", name), "utf8"), goods);
});

test("when-something-went-wrong.md", () =>
	follow("when-something-went-wrong.md"));

test("restore.md", async () => {
	await follow("restore.md");
});

test("operate.md", async () => {
	await follow("operate.md");
});

test("upgrade.md", async () => {
	await follow("upgrade.md");
});

test("lists.md", async () => {
	await follow("lists.md");
	await world.stop();
});

const withoutHsm = skipUnless("softhsm");
test("tokens.md with SoftHSM", { skip: withoutHsm }, async () => {
	await using hsm = await SoftHsm.make();
	Object.assign(world.env, hsm.env);
	await follow("tokens.md", ["tpm"]);
});

const withoutTpm = skipUnless("tpm");
test("tokens.md with a TPM", { skip: withoutTpm }, async () => {
	await using tpm = await SoftwareTpm.make();
	Object.assign(world.env, tpm.env);
	await copyFile(tpm.pinFile, world.path("bob", "tpm-pin"));
	await follow("tokens.md", ["softhsm"]);
});

test("every guide is followed, and every command in one is in a block that is", async () => {
	const guides = (await readdir(GUIDES)).toSorted();
	assert.deepEqual(
		guides,
		[...FOLLOWED_HERE, ...FOLLOWED_ELSEWHERE].toSorted(),
	);
	for (const guide of guides)
		await requireNoOtherCommands(`docs/guides/${guide}`);
});
