/* The pages that begin with a sandbox, one after another in the same one, and the programs that they quote. */
import assert from "node:assert/strict";
import {
	copyFile,
	mkdir,
	readFile,
	rm,
	symlink,
	writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { GuideWorld, requireNoOtherCommands } from "../support/guides.ts";
import { STOCK, skipUnlessStock } from "../support/stock.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where an entry of the package is, by what stands behind its name. */
const entry = (name: string) =>
	new URL(`../../dist/entry/${name}.js`, import.meta.url).href;

const PROGRAMS = ["buyer.ts", "shop.ts", "shop-on-order.ts"];

/** What a client of MCP is given. */
const MODEL_TOOLS = "model-tools.ts";

/** Those of requests that are paid, which may need packages of others. */
const PAID_API = "stock/paid-api.ts";
const PAYING = ["paying-fetch.ts", "stock/paying-client.ts"];

/** A tool that is paid for, and a client that pays. */
const PAID_TOOL = ["paid-tool.ts", "paying-client.ts"];

/** Those of which the README shows some lines, in this order. */
const GUIDES_SHOWN = [
	"wallet-for-an-agent",
	"get-paid-for-a-tool",
	"get-paid-for-an-api",
	"pay-with-fetch",
];

/** Without empty ones. */
const linesOf = (code: string) =>
	code.split("\n").filter((line) => line.trim() !== "").length;

const read = (path: string) => readFile(join(ROOT, path), "utf8");

let world: GuideWorld;

before(async () => {
	world = await GuideWorld.make();
});
after(() => world[Symbol.asyncDispose]());

/** What the page's sandbox is begun with is the README's, which runs. */
async function followInSandbox(
	page: string,
	...without: readonly string[]
): Promise<string> {
	const [, begun] =
		/^```sh clone sandbox\n(.+)\n```$/m.exec(await read(page)) ?? [];
	assert.ok((await read("README.md")).includes(`background\n${begun}\n`));
	return world.follow(page, ["sandbox", ...without]);
}

/** As they are in a clone, where they find the package. */
async function giveExamples(
	folder: string,
	names: readonly string[],
): Promise<void> {
	for (const name of names) {
		const code = await read(`examples/${name}`);
		const path = join(folder, "examples", name);
		await mkdir(dirname(path), { recursive: true });
		await writeFile(
			path,
			code
				.replace('from "tetrad"', `from "${entry("index")}"`)
				.replace('from "tetrad/mcp"', `from "${entry("mcp")}"`)
				.replace('from "tetrad/x402"', `from "${entry("x402")}"`),
		);
	}
}

/** What a clone has for its examples. */
async function givePackages(
	folder: string,
	names: readonly string[],
): Promise<void> {
	for (const name of names) {
		const path = join(folder, "examples", "node_modules", name);
		await mkdir(dirname(path), { recursive: true });
		await rm(path, { force: true });
		await symlink(join(ROOT, "node_modules", name), path);
	}
}

describe("in one sandbox", () => {
	test("README.md buys and sells, a file and what a tool makes", async () => {
		const said = await world.follow("README.md");
		for (const item of ["harbour.svg", "licence", "capitals", "hello.txt"])
			assert.match(said, new RegExp(item));
		const at = (name: string) => readFile(world.path("clone", name), "utf8");
		assert.equal(await at("hello.txt"), "Hello\n");
		assert.equal((await at("count.txt")).trim(), "5");
		assert.match(await at("harbour.svg"), /^<svg/);
	});

	test("docs/ten-minutes.md buys, forbids and sells", async () => {
		await copyFile(
			world.path("clone", "world", "issuer", "issuer.terms.json"),
			join(world.env["STICK"] ?? "", "issuer.terms.json"),
		);
		const said = await followInSandbox("docs/ten-minutes.md");
		assert.match(said, /Roses are red/);
		assert.match(said, /goes to the agency/);
	});

	test("docs/guides/buy-from-a-program.md buys, sells and makes by program", async () => {
		await giveExamples(world.path("clone"), PROGRAMS);
		const said = await world.follow("docs/guides/buy-from-a-program.md");
		assert.match(said, /licence is at .*world\/buyer\/inbox/);
		const at = (name: string) => readFile(world.path("clone", name), "utf8");
		assert.equal(await at("poem"), "Roses are red");
		assert.equal(await at("translation"), "gninrom doog");
	});

	test("docs/guides/wallet-for-an-agent.md gives tools to a client of MCP", async () => {
		const clone = world.path("clone");
		await giveExamples(clone, [MODEL_TOOLS]);
		await givePackages(clone, ["@modelcontextprotocol/client"]);
		const said = await followInSandbox("docs/guides/wallet-for-an-agent.md");
		assert.match(said, /"state":"bought".*harbour\.svg/);
		assert.match(said, /"spendable":"\d+\.\d\d"/);
	});

	test("docs/guides/get-paid-for-a-tool.md sells and buys what a tool answers", async () => {
		const clone = world.path("clone");
		await giveExamples(clone, PAID_TOOL);
		const own = [
			"@modelcontextprotocol/client",
			"@modelcontextprotocol/server",
		];
		await givePackages(clone, [...own, "zod"]);
		const page = "docs/guides/get-paid-for-a-tool.md";
		const said = await followInSandbox(page, "install");
		assert.match(said, /tomorrow: clear/);
		assert.match(said, /contract: .*[0-9a-f]{64}/);
	});

	test("docs/guides/get-paid-for-an-api.md and pay-with-fetch.md sell and buy answers", {
		skip: skipUnlessStock(),
	}, async () => {
		const clone = world.path("clone");
		await giveExamples(clone, [PAID_API, ...PAYING]);
		await symlink(join(STOCK, "node_modules"), join(clone, "node_modules"));
		for (const guide of ["get-paid-for-an-api", "pay-with-fetch"]) {
			const page = `docs/guides/${guide}.md`;
			const said = await world.follow(page, ["install"]);
			assert.match(said, /200\S* \{"sky":"clear"\}/, page);
		}
	});
});

test("docs/guides/run-an-issuer.md sells calls for credit", async () => {
	await using own = await GuideWorld.make();
	await giveExamples(own.path("shop"), ["issuer.ts"]);
	const said = await own.follow("docs/guides/run-an-issuer.md");
	assert.match(said, /customer-purse: 125 CALLS/);
	assert.match(said, /it balances/);
	const answer = await readFile(own.path("shop", "answer.txt"), "utf8");
	assert.equal(answer.trim(), "5");
});

test("docs/guides/pay-with-ecash.md pays with ecash of a play mint, and with notes", async () => {
	await using own = await GuideWorld.make();
	const said = await own.follow("docs/guides/pay-with-ecash.md");
	assert.match(said, /paid with ecash, sat of the mint http/);
	assert.match(said, /your risk: /);
	assert.match(said, /958/);
	assert.match(said, /do not want to pay so/);
	for (const [name, goods] of [
		["ecash.svg", /^<svg/],
		["notes.svg", /^<svg/],
		["words.txt", /^SAME WORDS/],
	] as const)
		assert.match(await readFile(own.path("clone", name), "utf8"), goods);
	await assert.rejects(readFile(own.path("clone", "licence.txt")));
});

test("programs stand on pages as they are", async () => {
	for (const [page, names, most] of [
		["README.md", PROGRAMS.slice(0, 1), 10],
		["docs/guides/buy-from-a-program.md", PROGRAMS, 10],
		["docs/guides/run-an-issuer.md", ["issuer.ts"], 10],
		["docs/guides/get-paid-for-a-tool.md", PAID_TOOL, 19],
		["docs/guides/get-paid-for-an-api.md", [PAID_API], 19],
		["docs/guides/pay-with-fetch.md", PAYING, 19],
		["docs/guides/wallet-for-an-agent.md", [MODEL_TOOLS], 19],
	] as const) {
		const blocks = [
			...(await read(page)).matchAll(/```ts\n([\s\S]*?)```/g),
		].filter(([, block = ""]) => block.startsWith("import "));
		const programs = names.map((name) => read(`examples/${name}`));
		assert.deepEqual(
			blocks.map(([, block]) => block),
			await Promise.all(programs),
		);
		for (const [, block = ""] of blocks.slice(0, 2))
			assert.ok(linesOf(block) <= most, block);
	}
});

test("README.md shows what guides say", async () => {
	const readme = await read("README.md");
	const parts = [...readme.matchAll(/```(ts|json)\n([\s\S]*?)```/g)]
		.map(([, , part = ""]) => part)
		.filter((part) => !part.startsWith("import "));
	const guides = await Promise.all(
		GUIDES_SHOWN.map((guide) => read(`docs/guides/${guide}.md`)),
	);
	assert.equal(parts.length, guides.length);
	// A program of a guide is followed as a whole; so are its three lines.
	const atMargin = (code = "") => code.replaceAll(/^\t+/gm, "");
	for (const [i, part] of parts.entries())
		assert.ok(atMargin(guides[i]).includes(`\n${atMargin(part)}`), part);
});

for (const page of ["README.md", "docs/ten-minutes.md", "docs/why.md"])
	test(`${page} has no command that is not followed`, () =>
		requireNoOtherCommands(page));
