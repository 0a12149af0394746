/* What whoever keeps devices running sees of them: logs, metrics and health, of the commands that people give. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { type MintTown, mintTown } from "../support/mint-town.ts";
import {
	Command,
	run,
	startCaller,
	startModule,
	startServer,
} from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
});
after(() => folder[Symbol.asyncDispose]());

const logsOf = (home: string) =>
	readdirSync(home).filter((name) => /^log\.(\d+\.)?jsonl$/.test(name));

const linesOf = (home: string, name: string) =>
	readFileSync(`${home}/${name}`, "utf8")
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Record<string, unknown>);

describe("the log of a device", () => {
	const limits = ["--log-size", "1 kB", "--log-keep", "2"];

	test("has the time of each line, and is put aside when it is full", async () => {
		await using _ = await startModule(homes, "X");
		await using __ = await startModule(homes, "Y");
		const { agent, address } = await startServer(
			...([homes, "B", homes.socket("Y"), ...limits] as const),
		);
		await using ___ = agent;
		for (let time = 0; time < 4; time++) {
			await using caller = startCaller(
				...([homes, "A", homes.socket("X"), address] as const),
				...["--message", "good morning"],
			);
			await caller.exits(0);
			await agent.expect("ended", time);
		}
		const home = homes.of("B");
		const names = logsOf(home);
		assert.equal(names.length, 3, names.join(" "));
		for (const name of names)
			for (const { time } of linesOf(home, name))
				assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
		const [first] = linesOf(home, "log.jsonl");
		assert.equal(first?.["event"], "log-begins");
		const before = linesOf(home, String(first?.["continues"]));
		assert.equal(before.at(-1)?.["event"], "log-ends");
	});

	test("is not limited to nothing, or by anything but a size", async () => {
		for (const size of ["0", "10", "many", "10 TB", "99999999999 GB"])
			await refused(
				[
					...["module", "--home", homes.of("X")],
					...["--listen", homes.socket("X"), "--log-size", size],
				],
				/'--log-size <size>'.*Say how large it may get/,
				2,
			);
	});
});

/** The samples of a device's metrics, by name and labels as they stand there. */
async function samples(url: string): Promise<Map<string, number>> {
	const answer = await fetch(`${url}/metrics`);
	assert.equal(answer.status, 200);
	assert.match(answer.headers.get("content-type") ?? "", /^text\/plain/);
	const text = await answer.text();
	return new Map(
		[...text.matchAll(/^([a-z_]+(?:\{[^}]*\})?) (\S+)$/gm)].map(
			([, name = "", value]) => [name, Number(value)],
		),
	);
}

describe("a device that is watched", () => {
	const METRICS = ["--metrics", "127.0.0.1:0"];
	let town: MintTown;
	let X: Command;
	let Y: Command;
	let shop: Command;
	let shopAt: string;
	const urls = new Map<Command, string>();

	const watched = async (command: Command): Promise<Command> => {
		urls.set(command, (await command.expect("metrics")).url);
		return command;
	};
	const of = (command: Command) => samples(urls.get(command) ?? "");

	const buy = (item: string, max: string, to: string) => [
		...["buy", shopAt, item, "--max", max, "--out", homes.at(to), "--json"],
		...["--home", homes.of("A"), "--module", homes.socket("X")],
	];

	before(async () => {
		town = await mintTown(homes, {
			flags: (who) => (who === "issuer" ? METRICS : []),
		});
		await watched(town.issuer);
		X = await watched(await startModule(homes, "X", ...METRICS));
		Y = await watched(await startModule(homes, "Y", ...METRICS));
		await done(["purse", "withdraw", "50", ...town.owner, ...town.at("X")]);
		await mkdir(homes.at("goods"));
		await writeFile(homes.at("goods", "harbour.jpg"), "a harbour");
		shop = new Command([
			...["sell", homes.at("goods"), "--json", "--home", homes.of("B")],
			...["--module", homes.socket("Y"), "--listen", "127.0.0.1:0"],
			...["--issuer-terms", town.terms, "--price", "4.20"],
			...["--settle-at", town.issuerAt, ...METRICS],
		]);
		({ address: shopAt } = await shop.expect("listening"));
		await shop.expect("settled");
		await watched(shop);
	});
	after(async () => {
		for (const process of [shop, X, Y, town])
			await process?.[Symbol.asyncDispose]();
	});

	test("has counted a purchase at each of the devices that had to do with it", async () => {
		const before = await of(shop);
		assert.equal(before.get("tetrad_sales_total"), 0);
		for (const number of [1, 2]) {
			const result = await run(buy("harbour.jpg", "5 PLAY", `got-${number}`));
			assert.equal(result.code, 0, result.stderr);
		}
		await shop.expect("sold", 1);
		const sold = await of(shop);
		assert.equal(sold.get("tetrad_sales_total"), 2);
		assert.equal(sold.get("tetrad_offers_total"), 2);
		assert.equal(sold.get("tetrad_sale_duration_seconds_count"), 2);
		assert.equal(sold.get("tetrad_links"), 1);
		assert.ok((sold.get("tetrad_tetrads_total") ?? 0) >= 3);
		assert.ok((sold.get("tetrad_last_settled_timestamp_seconds") ?? 0) > 1e9);
		const paid = await of(X);
		assert.equal(paid.get('tetrad_purse_changes_total{kind="paid"}'), 2);
		const received = await of(Y);
		assert.equal(
			received.get('tetrad_purse_changes_total{kind="received"}'),
			2,
		);
		assert.equal(received.get('tetrad_waiting{what="to-deposit"}'), 2);
		assert.equal(received.get("tetrad_purse_behind"), 0);
		const asked = await of(town.issuer);
		const withdrawal =
			'tetrad_issuer_requests_total{asked="withdraw",outcome="issued"}';
		assert.equal(asked.get(withdrawal), 1, [...asked.keys()].join("\n"));
	});

	test("says no amount, and no name of anybody", async () => {
		for (const url of urls.values()) {
			const text = await (await fetch(`${url}/metrics`)).text();
			assert.doesNotMatch(text, /4\.20|alice|bob|mint|harbour|PLAY/);
		}
	});

	test("is asked how it is by a command, by its home or by its address", async () => {
		for (const [home, command] of [
			[homes.of("X"), X],
			[homes.of("B"), shop],
		] as const) {
			const said = await done(["health", "--home", home]);
			assert.equal(said["status"], "ok", JSON.stringify(said));
			assert.deepEqual(said["notes"], []);
			const at = (urls.get(command) ?? "").replace("http://", "");
			assert.deepEqual(await done(["health", "--at", at]), said);
		}
		await refused(["health", "--home", homes.of("A")], /without --metrics/);
		await refused(["health"], /--home FOLDER or --at ADDRESS/, 2);
	});

	test("is down when it cannot do its work, and well again when it can", async () => {
		await Y.kill();
		await shop.expect("unlinked");
		const down = await run(["health", "--home", homes.of("B"), "--json"]);
		assert.equal(down.code, 1, down.stderr);
		const { status, notes } = JSON.parse(down.stdout);
		assert.equal(status, "down");
		assert.match(notes[0], /the link with its module is down/);
		assert.equal((await of(shop)).get("tetrad_links"), 0);
		// What a process that was killed has left is nobody.
		await refused(
			["health", "--home", homes.of("Y")],
			/nobody answers at http:/,
		);
		Y = await watched(await startModule(homes, "Y", ...METRICS));
		const again = await run(buy("harbour.jpg", "5 PLAY", "again"));
		assert.equal(again.code, 0, again.stderr);
		assert.equal(
			(await done(["health", "--home", homes.of("B")]))["status"],
			"ok",
		);
	});

	test("is asked only by this machine, and by its own name", async () => {
		const url = urls.get(X) ?? "";
		for (const [path, init, status] of [
			["/metrics", { method: "POST", body: "x" }, 405],
			["/", {}, 404],
			["/metrics?all", {}, 404],
		] as const)
			assert.equal((await fetch(url + path, init)).status, status);
		const { host } = new URL(url);
		const forged = await new Promise<number>((resolve, reject) => {
			import("node:http").then(({ get }) =>
				get(
					`${url}/metrics`,
					{ headers: { host: `evil.example:${host.split(":")[1]}` } },
					(answer) => {
						answer.resume();
						resolve(answer.statusCode ?? 0);
					},
				).on("error", reject),
			);
		});
		assert.equal(forged, 403);
		await refused(
			[
				...["module", "--home", homes.spare("X"), "--metrics", "0.0.0.0:0"],
				...["--listen", homes.socket("no")],
			],
			/--unsafe-metrics-anywhere/,
			2,
		);
	});

	test("forgets where it can be asked when it stops", async () => {
		X.terminate();
		await X.exits(0);
		assert.ok(!existsSync(`${homes.of("X")}/metrics.json`));
	});
});
