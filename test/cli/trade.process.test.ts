/* A folder that is sold, and what becomes of purchases, by the commands that people give: four devices, and an issuer with its agent. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { type MintTown, mintTown } from "../support/mint-town.ts";
import { Command, failureIn, run, startModule } from "../support/processes.ts";

const PHOTO = randomBytes(300_000);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let town: MintTown;
let X: Command;
let Y: Command;
let shop: Command;
let shopAt: string;

/** What a test buys goes here. */
const out = (name: string) => join(folder.path, "bought", name);
const caller = () => [
	...["--home", homes.of("A"), "--module", homes.socket("X")],
];

async function startShop(...flags: string[]): Promise<void> {
	const args = [
		...["sell", homes.at("shop"), "--json", "--home", homes.of("B")],
		...["--module", homes.socket("Y"), "--listen", "127.0.0.1:0"],
		...["--issuer-terms", town.terms, "--settle-at", town.issuerAt],
		...["--on-order", 'tr a-z A-Z; printf "$SHOP_WORD$SHOP_PIN$SHOP_MARK"'],
		...["--passphrase-env", "SHOP_WORD", "--pin-env", "SHOP_PIN"],
		...flags,
	];
	const env = { SHOP_WORD: "a secret", SHOP_PIN: "1234", SHOP_MARK: "!" };
	shop = new Command(args, { env });
	({ address: shopAt } = await shop.expect("listening"));
	await shop.expect("settled");
}

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	town = await mintTown(homes);
	[X, Y] = [await startModule(homes, "X"), await startModule(homes, "Y")];
	await done([...["purse", "withdraw", "60", ...town.owner, ...town.at("X")]]);
	await mkdir(homes.at("shop"));
	await mkdir(out(""), { recursive: true });
	await writeFile(homes.at("shop", "photo.jpg"), PHOTO);
	await writeFile(
		homes.at("shop", "catalogue.json"),
		JSON.stringify({
			version: 1,
			currency: "PLAY",
			items: [
				{
					file: "photo.jpg",
					price: "4.20",
					description: "A harbour.\u001b[2J",
				},
				{ name: "licence", text: "KEY-1234", price: "9.00" },
				{ name: "shouting", onOrder: true, price: "2.50" },
			],
		}),
	);
	await startShop();
});
after(async () => {
	for (const process of [shop, X, Y, town])
		await process?.[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

/** What a command said with --json, an object a line. */
async function said(args: readonly string[], code = 0) {
	const result = await run([...args, "--json"]);
	assert.equal(result.code, code, result.stderr + result.stdout);
	return result.stdout
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const event = (events: readonly Record<string, unknown>[], name: string) =>
	events.find((one) => one["event"] === name);

const buy = (...[item, max, to, ...flags]: string[]) => [
	...["buy", shopAt, item ?? "", "--max", max ?? "", "--out", out(to ?? "")],
	...caller(),
	...flags,
];

describe("a folder that is sold", () => {
	test("is listed, with what a merchant says made harmless", async () => {
		const items = await said(["catalogue", shopAt, ...caller()]);
		assert.deepEqual(
			items.map(({ item, amount, currency, size }) => [
				...[item, amount, currency, size],
			]),
			[
				["photo.jpg", "4.20", "PLAY", "300000"],
				["licence", "9.00", "PLAY", "8"],
				["shouting", "2.50", "PLAY", undefined],
			],
		);
		const { stdout } = await run(["catalogue", shopAt, ...caller()]);
		assert.match(stdout, /A harbour\.\\u\{1b\}\[2J/);
		assert.ok(!stdout.includes("\u001b[2J"));
	});

	test("is bought from: the file, the receipt, and the new balance", async () => {
		const receipt = out("photo.receipt");
		const events = await said(
			buy(
				...["photo.jpg", "4.20 PLAY", "photo.jpg"],
				...["--receipt", receipt, "--purse", homes.of("X")],
			),
		);
		assert.equal(event(events, "quoted")?.["rail"], "own-notes");
		const bought = event(events, "bought");
		assert.equal(bought?.["path"], out("photo.jpg"));
		assert.equal(bought?.["amount"], "4.20");
		assert.deepEqual(await readFile(out("photo.jpg")), PHOTO);
		const balance = event(events, "balance") as {
			balances: { spendable: string }[];
		};
		assert.equal(balance.balances[0]?.spendable, "55.80");
		const { contract } = bought as { contract: string };
		const proved = await done([
			...["verify", receipt, "--agency", homes.at("agency", "root.pem")],
			...["--bank", homes.at("bank", "root.pem")],
		]);
		assert.equal(proved["contract"], contract);
		assert.equal(proved["item"], "photo.jpg");
		await shop.until(
			() => shop.all("sold").some((sold) => sold.contract === contract),
			"the sale",
		);
		assert.deepEqual(
			(await readdir(out(""))).toSorted(),
			["photo.jpg", "photo.receipt"].toSorted(),
		);
	});

	test("is not empty", async () => {
		const nothing = homes.at("nothing");
		await mkdir(nothing);
		const { code, stderr } = await run([
			...["sell", nothing, "--price", "1", "--home", homes.of("B")],
			...["--module", homes.socket("Y"), "--listen", "127.0.0.1:0"],
			...["--issuer-terms", town.terms],
		]);
		assert.equal(code, 2);
		assert.match(stderr, /nothing to sell in .*--on-order COMMAND/);
	});

	test("sells small texts, and what is made on order by a command that has no secret of the agent's", async () => {
		const broken = homes.at("broken");
		await mkdir(broken);
		await writeFile(join(broken, "purse.json"), "{}");
		const { code, stderr } = await run(
			buy("licence", "9 PLAY", "licence.txt", "--purse", broken),
		);
		assert.equal(code, 1);
		assert.match(stderr, /it is bought, and what is left in the purse/);
		assert.equal(await readFile(out("licence.txt"), "utf8"), "KEY-1234");
		await said(
			buy("shouting", "2.50 PLAY", "loud.txt", "--order", "good morning"),
		);
		assert.equal(await readFile(out("loud.txt"), "utf8"), "GOOD MORNING!");
	});

	test("sells nothing for more than its buyer wants to pay, or in other money", async () => {
		const before = await readdir(out(""));
		for (const [max, why] of [
			[
				"4.19 PLAY",
				/nothing was paid: it costs 4\.20 PLAY, and --max is 4\.19/,
			],
			[
				"4.20 EUR",
				/nothing was paid: it costs PLAY, and what it may cost is in EUR/,
			],
		] as const) {
			const result = await run(buy("photo.jpg", max, "too-dear.jpg"));
			assert.equal(result.code, 1);
			assert.match(result.stderr, why);
			assert.match(result.stdout, /^not bought, and nothing paid/m);
		}
		await refused(buy("photo.jpg", "4.20", "x.jpg"), /"4\.20 EUR"/, 2);
		assert.deepEqual(await readdir(out("")), before);
	});

	test("is not asked when the goods or their receipt would have no place", async () => {
		const before = await purchasesOf("A");
		await writeFile(out("there.jpg"), "mine");
		const places: [to: string, receipt: string, why: RegExp][] = [
			["there.jpg", "r", /exists already; .* write over it with --overwrite/],
			["none/photo.jpg", "r", /there is no folder .*none \(/],
			["photo-2.jpg", "none/r", /there is no folder .*none \(/],
		];
		for (const [to, receipt, why] of places) {
			const result = await run(
				buy("photo.jpg", "9 PLAY", to, "--receipt", out(receipt)),
			);
			assert.equal(result.code, 1);
			assert.match(result.stderr, why);
			assert.doesNotMatch(result.stdout, /linked|bought "/);
		}
		assert.equal(await readFile(out("there.jpg"), "utf8"), "mine");
		assert.deepEqual(await purchasesOf("A"), before);
		await rm(out("there.jpg"));
	});

	test("says what it does not sell", async () => {
		const result = await run(buy("nothing", "1 PLAY", "nothing"));
		assert.equal(result.code, 1);
		assert.match(result.stderr, /nothing of that name is sold here/);
	});

	test("is in the history of both", async () => {
		const { purchases } = (await done([
			...["purchases", "--home", homes.of("A")],
		])) as { purchases: { item: string; state: string; amount: string }[] };
		assert.deepEqual(
			purchases.map(({ item, state, amount }) => [item, state, amount]),
			[
				["shouting", "bought", "2.50"],
				["licence", "bought", "9.00"],
				["photo.jpg", "bought", "4.20"],
			],
		);
		const sales = await run(["sales", "--home", homes.of("B"), "--csv"]);
		assert.equal(sales.code, 0, sales.stderr);
		assert.equal(sales.stdout.split("\r\n").length, 5);
		assert.match(sales.stdout, /^time,item,buyer,amount,currency,/);
		assert.match(sales.stdout, /,photo\.jpg,.*,4\.20,PLAY,true,/);
	});

	test("is in the logs of both agents, and of the buyer's module", async () => {
		const words = { A: "final", B: "sold", X: "committed" } as const;
		for (const [place, what] of Object.entries(words)) {
			const home = homes.of(place as keyof typeof words);
			const { log } = (await done(["log", "show", "--home", home])) as {
				log: { what: string }[];
			};
			assert.ok(log.filter((entry) => entry.what === what).length >= 3, place);
			const checked = await done(["log", "verify", "--home", home]);
			assert.equal(checked["holds"], true);
			assert.equal(checked["entries"], log.length);
		}
	});

	test("is bought from by two commands of one agent: whichever meets the other is told `busy`", async () => {
		const all = await Promise.all(
			[1, 2].map((number) =>
				run(buy("licence", "9 PLAY", `many-${number}.txt`, "--json")),
			),
		);
		const codes = all.map(({ code }) => code);
		assert.ok(codes.includes(0));
		for (const result of all)
			if (result.code !== 0)
				assert.equal(failureIn(result).code, "busy", result.stdout);
		const bought = (await purchasesOf("A")).filter(
			({ item }) => item === "licence",
		);
		assert.equal(bought.length, 1 + codes.filter((code) => code === 0).length);
	});
});

describe("a purchase that needs its owner", () => {
	before(async () => {
		await done([
			...["limits", "--home", homes.of("X"), "--approval-above", "2.00"],
			...town.owner,
		]);
	});
	after(async () => {
		await done([
			...["limits", "--home", homes.of("X"), "--approval-above", "none"],
			...town.owner,
		]);
	});

	test("is not waited for unless that was asked for, and says what to do", async () => {
		const result = await run(buy("photo.jpg", "4.20 PLAY", "unapproved.jpg"));
		assert.equal(result.code, 1, result.stdout);
		assert.match(result.stdout, /^not bought, and nothing paid: contract /m);
		assert.doesNotMatch(result.stdout, /tetrad approve/);
		assert.match(result.stderr, /buy it with --wait, .* \(approval-needed\)/);
		assert.ok(!(await readdir(out(""))).includes("unapproved.jpg"));
		const [last] = await purchasesOf("A");
		assert.equal(last?.state, "not-bought");
	});

	test("goes on by itself when it is approved", async () => {
		await using command = new Command(
			buy("photo.jpg", "4.20 PLAY", "approved.jpg", "--wait", "--json"),
		);
		await command.until(
			() => command.all("purchase").some(({ state }) => state === "waiting"),
			"that it waits",
		);
		const { contract = "" } =
			command.all("purchase").find(({ state }) => state === "waiting") ?? {};
		const approved = await run([
			...["approve", contract, "--home", homes.of("X")],
			...town.owner,
		]);
		assert.match(approved.stdout, /^a purchase that waits is paid now; /m);
		await command.exits(0);
		assert.deepEqual(await readFile(out("approved.jpg")), PHOTO);
	});

	test("pays nothing when whoever waits is stopped", async () => {
		const command = new Command(
			buy("photo.jpg", "4.20 PLAY", "stopped.jpg", "--wait", "--json"),
		);
		await command.until(
			() => command.all("purchase").some(({ state }) => state === "waiting"),
			"that it waits",
		);
		command.terminate();
		const { code } = await command.exited;
		assert.equal(code, 1);
		assert.equal(command.all("purchase").at(-1)?.state, "not-bought");
		await said(["resolve", town.issuerAt, ...caller()]);
		const [last] = await purchasesOf("A");
		assert.equal(last?.state, "not-bought");
	});
});

describe("what a sale was paid with", () => {
	let contract: string;
	let buyer: Command;
	let address: string;

	const startBuyer = async () => {
		buyer = new Command([
			...["agent", "--json", ...caller(), "--listen", "127.0.0.1:0"],
			...["--take-payments", "--issuer-terms", town.terms],
		]);
		({ address } = await buyer.expect("listening"));
	};
	const stopBuyer = async () => {
		buyer.terminate();
		await buyer.exits(0);
	};
	const refund = (amount: string) => [
		...["refund", contract.slice(0, 16), "--amount", amount, "--json"],
		...["--to", address, "--home", homes.of("B")],
		...["--module", homes.socket("Y")],
	];
	/** Both have in their books that so much was given back. */
	const requireRefunded = async (amount: string) => {
		await stopBuyer();
		for (const place of ["A", "B"] as const) {
			const command = place === "A" ? "purchases" : "sales";
			const shown = (await done([command, "--home", homes.of(place)]))[
				command
			] as { contract: string; refunded?: string }[];
			const one = shown.find((row) => row.contract === contract);
			assert.equal(one?.refunded, amount, command);
		}
		await startBuyer();
	};

	before(async () => {
		({ contract = "" } =
			(await purchasesOf("A")).find(({ item }) => item === "licence") ?? {});
		shop.terminate();
		await shop.exits(0);
		await done([
			...["purse", "deposit", "--home", homes.of("Y")],
			...town.at("Y").slice(2),
		]);
		await done(["purse", "withdraw", "5", ...town.owner, ...town.at("Y")]);
		await startBuyer();
	});
	after(() => buyer[Symbol.asyncDispose]());

	test("is given back by the command itself where nothing sells", async () => {
		const events = await said(refund("1.50"));
		assert.equal(event(events, "paid")?.["amount"], "1.50");
		await requireRefunded("1.50");
	});

	test("is given back by the agent that sells, and goes on", async () => {
		await startShop();
		const [paid, ...more] = await said(refund("0.50"));
		assert.deepEqual([paid?.["event"], more], ["paid", []]);
		const [by] = shop.all("paid");
		assert.deepEqual([by?.amount, by?.contract], ["0.50", paid?.["contract"]]);
		const tooMuch = await run(refund("8.00"));
		assert.match(tooMuch.stderr, /more would be given back than was paid/);
		await requireRefunded("2.00");
	});

	test("is the same refund when it is asked for again after a failure", async () => {
		await stopBuyer();
		const failed = await said(refund("0.75"), 1);
		assert.equal(event(failed, "not-paid")?.["code"], "carrier-failed");
		await startBuyer();
		const again = event(await said(refund("0.75")), "paid");
		assert.equal(again?.["contract"], event(failed, "not-paid")?.["contract"]);
		await requireRefunded("2.75");
		assert.deepEqual(await readdir(refunds()), []);
	});

	test("is given back once when the agent that sells is killed over it", async () => {
		buyer.terminate("SIGSTOP");
		await using command = new Command(refund("0.25"));
		const isTaken = async () =>
			(await readdir(refunds())).some((name) => name.endsWith(".taken"));
		while (!(await isTaken())) await wait(20);
		await shop.kill();
		buyer.terminate("SIGCONT");
		await command.exits(0);
		assert.equal(command.all("paid").length, 1);
		await requireRefunded("3.00");
		assert.deepEqual(await readdir(refunds()), []);
	});

	const refunds = () => join(homes.of("B"), "refunds");
});

interface Shown {
	readonly item: string;
	readonly state: string;
	readonly contract: string;
}

async function purchasesOf(place: "A" | "B"): Promise<readonly Shown[]> {
	const { purchases } = (await done([
		...["purchases", "--home", homes.of(place)],
	])) as { purchases: Shown[] };
	return purchases;
}
