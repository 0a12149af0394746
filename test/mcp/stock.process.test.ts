/* Tools that are paid for by the stock clients of MCP of both generations, over both of its transports, each program being a process. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Said } from "../../stock/mcp/buy-tools.ts";
import { PaidTown, PRICE } from "../http/x402/paid-town.ts";
import { Command } from "../support/processes.ts";
import { STOCK, skipUnlessStock, stockVersions } from "../support/stock.ts";

/** What docs/paid-tools.md names: another version may do otherwise, and these tests say whether it does. */
const VERSIONS = {
	"@modelcontextprotocol/client": /^2\.4\./,
	"@modelcontextprotocol/server": /^2\.4\./,
	"@modelcontextprotocol/sdk": /^1\.32\./,
};

/** Clients, by what they are called here: their program, and which protocol they are to speak. */
const CLIENTS: readonly (readonly [string, string, string])[] = [
	["@modelcontextprotocol/client", "client.ts", "older"],
	["the same, with the newest protocol", "client.ts", "newest"],
	["@modelcontextprotocol/sdk", "older-client.ts", "older"],
];

const program = (name: string) => `${STOCK}mcp/${name}`;

/** A result, to be looked into. */
interface Result {
	readonly isError?: boolean;
	readonly content: readonly { readonly text: string }[];
	readonly structuredContent?: unknown;
	readonly _meta?: Readonly<Record<string, unknown>>;
}

/** What a client has said of a tool. */
function resultOf(said: readonly Said[], event: string): Result {
	const found = said.find((one) => one.event === event);
	assert.ok(found, `nothing was said of ${event}`);
	return found.result as Result;
}

describe("a tool that is paid for", { skip: skipUnlessStock() }, () => {
	let town: PaidTown;
	let shop: string;
	let served: Command;
	let url: string;

	before(async () => {
		town = await PaidTown.make();
		shop = await town.shop();
	});
	after(() => town?.[Symbol.asyncDispose]());

	test("meets the versions that it is known to work with", () => {
		const versions = stockVersions();
		for (const [name, known] of Object.entries(VERSIONS))
			assert.match(versions[name] ?? "", known, name);
	});

	/** Lets a client buy, and holds what it had to what it shall have. */
	async function buys(
		[, client, protocol]: (typeof CLIENTS)[number],
		...at: readonly string[]
	): Promise<void> {
		const had = await town.spendable();
		const day = [client, protocol, at.length].join(" ");
		await using command = new Command<Said>(
			[town.buyer, day, protocol, ...at],
			{ program: program(client), patienceMs: 120_000 },
		);
		await command.exits(0);
		const said = command.events;
		for (const tool of ["sealed", "typed", "list"]) {
			const { isError, content } = resultOf(said, `unpaid:${tool}`);
			assert.equal(isError, true);
			assert.equal(JSON.parse(content[0]?.text ?? "").x402Version, 2);
		}
		const sealed = resultOf(said, "sealed");
		assert.equal(sealed.content[0]?.text, `sealed ${day}`);
		assert.ok(sealed._meta?.["tetrad/receipt"]);
		assert.deepEqual(resultOf(said, "typed").structuredContent, {
			sky: "clear",
		});
		assert.match(
			JSON.stringify(resultOf(said, "list").structuredContent),
			/\["clear","rain"\]/,
		);
		assert.equal(resultOf(said, "prepaid").isError, undefined);
		assert.equal(resultOf(said, "fails").isError, true);
		assert.deepEqual(JSON.parse(resultOf(said, "ran").content[0]?.text ?? ""), {
			...{ sealed: 1, typed: 1, list: 1, prepaid: 1, fails: 1 },
		});
		assert.equal(await town.spendable(), had - 4n * PRICE);
	}

	describe("over standard input and output", () => {
		for (const client of CLIENTS)
			test(`is bought by ${client[0]}`, () =>
				buys(client, process.execPath, program("paid-server.ts"), shop));
	});

	describe("over HTTP", () => {
		before(async () => {
			served = new Command([shop, "0"], { program: program("paid-server.ts") });
			({ address: url } = await served.expect("listening"));
		});
		after(() => served?.[Symbol.asyncDispose]());

		for (const client of CLIENTS)
			test(`is bought by ${client[0]}`, () => buys(client, url));
	});
});
