/* One purchase, seen by a collector of OpenTelemetry: four device processes and an issuer, and one trace. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { type MintTown, mintTown } from "../support/mint-town.ts";
import { Command, run, startModule } from "../support/processes.ts";

interface Attribute {
	readonly key: string;
	readonly value: { readonly stringValue?: string };
}

interface OtlpSpan {
	readonly traceId: string;
	readonly spanId: string;
	readonly parentSpanId?: string;
	readonly name: string;
	readonly attributes: readonly Attribute[];
}

interface OtlpBody {
	readonly resourceSpans: readonly {
		readonly resource: { readonly attributes: readonly Attribute[] };
		readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
	}[];
}

/** Takes what is sent, as a collector does. */
class Collector implements AsyncDisposable {
	readonly bodies: string[] = [];
	readonly #server: Server;

	constructor() {
		this.#server = createServer((request, response) => {
			assert.equal(request.url, "/v1/traces");
			let body = "";
			request.setEncoding("utf8").on("data", (text) => {
				body += text;
			});
			request.on("end", () => {
				this.bodies.push(body);
				response.setHeader("Content-Type", "application/json").end("{}");
			});
		});
	}

	async listen(): Promise<string> {
		await new Promise<void>((resolve) =>
			this.#server.listen(0, "127.0.0.1", resolve),
		);
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	/** With the service that each is of. */
	get spans(): (OtlpSpan & { readonly service: string | undefined })[] {
		return this.bodies
			.flatMap((body) => (JSON.parse(body) as OtlpBody).resourceSpans)
			.flatMap(({ resource, scopeSpans }) => {
				const [{ value: { stringValue: service } = {} } = {}] =
					resource.attributes;
				return scopeSpans.flatMap(({ spans }) =>
					spans.map((span) => ({ ...span, service })),
				);
			});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let collector: Collector;
let traced: readonly string[];
let town: MintTown;
const devices: Command[] = [];
let shop: Command;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	collector = new Collector();
	traced = ["--traces", await collector.listen()];
	town = await mintTown(homes, { flags: () => traced });
	for (const place of ["X", "Y"] as const)
		devices.push(await startModule(homes, place, ...traced));
	await done(["purse", "withdraw", "60", ...town.owner, ...town.at("X")]);
	await mkdir(homes.at("goods"));
	await writeFile(homes.at("goods", "photo.jpg"), "a harbour");
	shop = new Command([
		...["sell", homes.at("goods"), "--price", "4.20", "--json"],
		...["--home", homes.of("B"), "--module", homes.socket("Y")],
		...["--listen", "127.0.0.1:0", "--issuer-terms", town.terms],
		...["--settle-at", town.issuerAt, ...traced],
	]);
	devices.push(shop);
	await shop.expect("settled");
});
after(async () => {
	for (const process of [...devices, town, collector])
		await process?.[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

const buy = async (to: string, ...flags: string[]) => {
	const { address } = await shop.expect("listening");
	return run([
		...["buy", address, "photo.jpg", "--max", "5 PLAY", "--json"],
		...["--out", homes.at(to), "--home", homes.of("A")],
		...["--module", homes.socket("X"), ...flags],
	]);
};

describe("a purchase that is traced", () => {
	test("is one trace over its four devices, though no message speaks of traces", async () => {
		const bought = await buy("photo.jpg", ...traced);
		assert.equal(bought.code, 0, bought.stderr);
		await shop.expect("sold");
		// What stops sends what it has.
		for (const device of devices.splice(0).toReversed()) {
			device.terminate();
			await device.exits(0);
		}
		const { spans } = collector;
		const root = spans.find(({ name }) => name === "purchase");
		assert.ok(root, JSON.stringify(spans, null, 1));
		assert.equal(root.parentSpanId ?? "", "");
		assert.deepEqual(root.attributes, [
			{ key: "tetrad.outcome", value: { stringValue: "bought" } },
		]);
		const below = spans.filter(
			({ traceId, spanId }) =>
				traceId === root.traceId && spanId !== root.spanId,
		);
		for (const { parentSpanId } of below)
			assert.equal(parentSpanId, root.spanId);
		const named = new Set(
			below.map(({ name, service }) => `${service} ${name}`),
		);
		for (const expected of [
			"tetrad-agent sale",
			"tetrad-module purse paid",
			"tetrad-module purse received",
		])
			assert.ok(named.has(expected), [...named].join(", "));
		assert.equal(root.service, "tetrad-agent");
	});

	test("says no amount, no name, no contract and nothing of this machine", async () => {
		const { contract = "" } = (await shop.expect("sold")) ?? {};
		assert.match(contract, /^[0-9a-f]{64}$/);
		const said = collector.bodies.join("\n");
		assert.ok(said.length > 500);
		// Ids of spans and traces are random, and may begin as an amount does; times are long.
		const readable = said
			.replace(/"(?:[0-9a-f]{16}|[0-9a-f]{32})"/g, '""')
			.replace(/\d{15,}/g, "");
		for (const word of ["4.20", "420", "PLAY", "alice", "bob", "mint"])
			assert.ok(!readable.includes(`"${word}`), word);
		for (const word of [contract, "photo", "harbour", folder.path, "pid"])
			assert.ok(!said.includes(word), word);
	});

	test("goes on where nobody takes what it sends", async () => {
		for (const place of ["X", "Y"] as const)
			devices.push(await startModule(homes, place));
		shop = new Command([
			...["sell", homes.at("goods"), "--price", "4.20", "--json"],
			...["--home", homes.of("B"), "--module", homes.socket("Y")],
			...["--listen", "127.0.0.1:0", "--issuer-terms", town.terms],
			...["--traces", "http://127.0.0.1:1"],
		]);
		devices.push(shop);
		const bought = await buy("later.jpg", "--traces", "http://127.0.0.1:1");
		assert.equal(bought.code, 0, bought.stderr);
		assert.equal(bought.stderr, "");
	});

	test("is sent to a plain address, and to nothing else", async () => {
		for (const url of [
			"collector",
			"ftp://a",
			"http://me:word@a",
			"http://a?b",
		])
			await refused(
				[
					...["module", "--home", homes.of("X")],
					...["--listen", homes.socket("X"), "--traces", url],
				],
				/'--traces <url>'.*Say where OTLP over HTTP is taken/,
				2,
			);
	});
});
