/* Daily commands with nothing but their own words: what else they need is in the settings of a side. */
import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { writeSide } from "../../src/device/side/index.ts";
import { refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { type MintTown, mintTown } from "../support/mint-town.ts";
import { Command, failureIn, type Result, run } from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let town: MintTown;
let shopAt: string;
const running = new AsyncDisposableStack();

/** The side of the buyer, and that of the shop. */
const side = (name: "buyer" | "shop") => homes.at("sides", name);

/** A command about the buyer's side, which nothing but the environment names. */
const ofBuyer = (...args: string[]): Promise<Result> =>
	run(args, { env: { TETRAD_HOME: side("buyer") } });

async function json(...args: string[]): Promise<Record<string, unknown>> {
	const { code, stdout, stderr } = await ofBuyer(...args, "--json");
	assert.equal(code, 0, stderr);
	return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	town = running.use(await mintTown(homes));
	const issuer = { at: town.issuerAt, terms: town.terms, "settle-every": 60 };
	await writeSide(side("buyer"), {
		kind: "buyer",
		name: "alice",
		agent: { home: homes.of("A") },
		module: { home: homes.of("X") },
		issuer,
	});
	await writeSide(side("shop"), {
		kind: "shop",
		name: "bob",
		agent: { home: homes.of("B"), listen: "127.0.0.1:0" },
		module: { home: homes.of("Y") },
		issuer,
		sell: { price: "1.00", "on-order": "./make.sh" },
	});
	const goods = join(side("shop"), "goods");
	await mkdir(goods);
	await writeFile(join(goods, "harbour.jpg"), "a harbour");
	await writeFile(
		join(goods, "catalogue.json"),
		JSON.stringify({
			version: 1,
			items: [{ file: "harbour.jpg" }, { name: "shout", onOrder: true }],
		}),
	);
	await writeFile(
		join(side("shop"), "make.sh"),
		'#!/bin/sh\nprintf "made "; cat\n',
		{ mode: 0o755 },
	);
	for (const name of ["buyer", "shop"] as const) {
		const module = running.use(
			new Command(["module", "--home", side(name), "--json"]),
		);
		await module.expect("listening");
	}
});
after(async () => {
	await running.disposeAsync();
	await folder[Symbol.asyncDispose]();
});

describe("what daily commands need is in the settings of a side:", () => {
	test("money is withdrawn, and the balance is shown", async () => {
		const withdrawn = await json(
			...["purse", "withdraw", "20"],
			...["--owner-passphrase-file", homes.at("owner")],
		);
		assert.equal(withdrawn["settled"], true);
		const { balances } = await json("balance");
		assert.equal((balances as [{ spendable: string }])[0].spendable, "20.00");
	});

	test("a folder is sold, listed, bought from and paid in the issuer's money", async () => {
		const shop = running.use(
			new Command(["sell", "--home", side("shop"), "--json"]),
		);
		({ address: shopAt } = await shop.expect("listening"));
		await shop.expect("settled");
		shopAt = shopAt.replace("tcp:", "");
		const listed = await ofBuyer("catalogue", shopAt);
		assert.match(listed.stdout, /^ {2}harbour\.jpg +1\.00 PLAY/m);
		const { stdout, code, stderr } = await ofBuyer(
			...["buy", shopAt, "harbour.jpg", "--max", "1.50"],
		);
		assert.equal(code, 0, stderr);
		assert.match(stdout, /19\.00/, "the balance is shown");
		const inbox = join(side("buyer"), "inbox");
		assert.deepEqual(await readdir(inbox), ["harbour.jpg"]);
		assert.equal(
			await readFile(join(inbox, "harbour.jpg"), "utf8"),
			"a harbour",
		);
	});

	test("what is made on order is made in the folder of the side", async () => {
		await json("buy", shopAt, "shout", "--order", "it", "--max", "1");
		const made = join(side("buyer"), "inbox", "shout");
		assert.equal(await readFile(made, "utf8"), "made it");
	});

	test("a price above --max is not paid, and --max says its currency where no issuer is known", async () => {
		const { code, stderr } = await ofBuyer(
			...["buy", shopAt, "harbour.jpg", "--max", "0.50", "--json"],
			...["--out", homes.at("never")],
		);
		assert.equal(code, 1);
		assert.match(failureIn({ stderr }).reason, /costs 1\.00 PLAY/);
		await refused(
			[
				...["buy", shopAt, "harbour.jpg", "--max", "1", "--home"],
				...[homes.of("A"), "--module", "unix:x", "--out", "x"],
			],
			/say --max with its currency, such as "1 EUR"/,
			2,
		);
	});

	test("without --max it is asked for at a terminal, and refused elsewhere", async () => {
		await using terminal = new Command(["buy", shopAt, "harbour.jpg"], {
			terminal: true,
			env: { TETRAD_HOME: side("buyer"), TETRAD_BUY_FOLDER: homes.at("asked") },
		});
		await terminal.until(
			() =>
				/type yes to buy harbour\.jpg for 1\.00 PLAY: /.test(terminal.stdout),
			"the question",
		);
		terminal.type("no\r");
		const { code, stdout } = await terminal.exited;
		assert.equal(code, 1, stdout);
		assert.match(stdout, /nothing was paid: you did not say yes/);
		const { code: usage, stderr } = await ofBuyer("buy", shopAt, "harbour.jpg");
		assert.equal(usage, 2);
		assert.match(stderr, /say --max AMOUNT.*nobody is there to be asked/);
	});

	test("purchases, their receipt and the log are shown", async () => {
		const { purchases } = await json("purchases");
		const [bought] = purchases as [{ contract: string; state: string }];
		assert.equal(bought.state, "bought");
		const { receipt } = await json("receipt", bought.contract);
		assert.equal(
			receipt,
			join(side("buyer"), "inbox", `${bought.contract.slice(0, 16)}.receipt`),
		);
		assert.equal((await json("log", "verify"))["holds"], true);
		assert.equal((await json("log", "show"))["home"], homes.of("X"));
		assert.deepEqual(await json("resolve"), { event: "resolved", open: 0 });
	});

	test("limits, approvals and orders are those of the module", async () => {
		assert.deepEqual((await json("approvals"))["approvals"], []);
		assert.deepEqual((await json("purse", "orders"))["orders"], []);
		assert.equal((await json("limits"))["home"], homes.of("X"));
	});

	test("lists and policy are those of both devices", async () => {
		const { stdout, code } = await ofBuyer("policy", "--check", "--json");
		assert.equal(code, 0);
		const roles = stdout
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line).role);
		assert.deepEqual(roles, ["agent", "module"]);
	});
});

describe("how a side is", () => {
	test("is shown by tetrad status", async () => {
		const status = await json("status");
		const { devices, balances } = status as {
			readonly devices: readonly Record<string, unknown>[];
			readonly balances: readonly Record<string, unknown>[];
		};
		const [agent, module] = devices;
		assert.equal(agent?.["process"], undefined);
		assert.equal(typeof module?.["process"], "number");
		assert.equal(agent?.["pairedWith"], "alice-purse");
		assert.equal(balances[0]?.["spendable"], "18.00");
		assert.equal((status["link"] as { isUp: boolean }).isUp, false);
		const { stdout } = await run(["status", "--home", side("shop")]);
		assert.match(stdout, /^ {2}side +bob, of a shop, in /m);
		assert.match(
			stdout,
			/^ {2}agent +bob runs as process \d+, paired with bob-till, certified until /m,
		);
		assert.match(stdout, /^ {2}link +up at unix:.*, since /m);
		assert.match(stdout, /^ {2}issuer +mint at tcp:.*, met at /m);
	});

	test("names the library that computes, and refuses to take one that there is not", async () => {
		const status = (crypto: string, ...flags: string[]) =>
			run(["status", "--home", side("buyer"), ...flags], {
				env: { TETRAD_CRYPTO: crypto },
			});
		assert.equal(
			JSON.parse((await status("node", "--json")).stdout).crypto,
			`node:crypto on OpenSSL ${process.versions.openssl}`,
		);
		assert.match(
			(await status("node")).stdout,
			/^ {2}crypto +node:crypto on OpenSSL /m,
		);
		const failed = await status("openssl", "--json");
		assert.notEqual(failed.code, 0);
		assert.match(
			failureIn(failed).reason,
			/^TETRAD_CRYPTO names no provider of cryptography/,
		);
	});

	test("is not said to be well where its stores cannot be read", async () => {
		const [agent, module] = [homes.at("torn-agent"), homes.at("torn-module")];
		await cp(homes.of("A"), agent, { recursive: true });
		await mkdir(module, { mode: 0o700 });
		for (const name of await readdir(homes.of("X")))
			if (!/^purse\.db|sock$|^orders$/.test(name))
				await cp(join(homes.of("X"), name), join(module, name), {
					recursive: true,
				});
		await writeFile(join(agent, "agent.db"), "no database", { mode: 0o600 });
		await writeSide(homes.at("sides", "torn"), {
			kind: "buyer",
			name: "torn",
			agent: { home: agent },
			module: { home: module },
		});
		const of = ["status", "--home", homes.at("sides", "torn")];
		const shown = await run(of);
		assert.equal(shown.code, 1);
		assert.match(shown.stdout, /^ {2}agent +alice does not run, paired with /m);
		assert.match(shown.stdout, /^ {2}purse +cannot be read: /m);
		assert.match(shown.stdout, /^ {2}purchases +cannot be read, so some may/m);
		assert.match(shown.stdout, /payments may wait for you/);
		assert.doesNotMatch(shown.stdout, /none in doubt/);
		const told = await run([...of, "--json"]);
		assert.equal(told.code, 1);
		const { inDoubt, approvals, balances, unreadable } = JSON.parse(
			told.stdout,
		);
		assert.deepEqual([inDoubt, approvals, balances], [null, null, null]);
		assert.deepEqual(Object.keys(unreadable).toSorted(), [
			"approvals",
			"balances",
			"inDoubt",
		]);
	});

	test("is looked into by tetrad doctor, whose exit code says whether something is wrong", async () => {
		const well = await json("doctor");
		assert.equal(well["healthy"], true, JSON.stringify(well));
		const { stdout, code } = await run(["doctor", "--home", side("shop")], {
			env: { TETRAD_ISSUER_AT: "127.0.0.1:1" },
		});
		assert.equal(code, 1);
		assert.match(
			stdout,
			/^WRONG {2}issuer: nobody answers at tcp:127\.0\.0\.1:1$/m,
		);
		assert.match(stdout, /^fine {3}link: the module answers at unix:/m);
		assert.match(stdout, /^1 things? (is|are) wrong$/m);
	});
});

describe("tetrad config", () => {
	test("shows what holds and from where", async () => {
		const { settings, home, kind, name } = (await json("config")) as {
			readonly settings: Readonly<Record<string, object>>;
			readonly [other: string]: unknown;
		};
		assert.deepEqual([home, kind, name], [side("buyer"), "buyer", "alice"]);
		const file = join(side("buyer"), "tetrad.toml");
		assert.deepEqual(settings["home"], {
			value: side("buyer"),
			from: "environment",
			where: "TETRAD_HOME",
		});
		assert.deepEqual(settings["issuer.settle-every"], {
			value: 60,
			from: "file",
			where: file,
		});
		assert.deepEqual(settings["module.runs"], {
			value: "apart",
			from: "default",
		});
		const { stdout } = await run(["config", "--home", side("buyer")], {
			env: { TETRAD_OPERATE_LOG_KEEP: "3" },
		});
		assert.match(stdout, /^ {2}home +\S+ +--home$/m);
		assert.match(
			stdout,
			/^ {2}operate\.log-keep +3 +TETRAD_OPERATE_LOG_KEEP$/m,
		);
		assert.match(stdout, /^ {2}operate\.log-size +10 MB +default$/m);
	});

	test("refuses settings that are wrong, with their file and key", async () => {
		const wrong = homes.at("wrong");
		await mkdir(wrong);
		await writeFile(
			join(wrong, "tetrad.toml"),
			'kind = "buyer"\nname = "x"\ncolour = 1',
		);
		await refused(["config", "--home", wrong], /tetrad\.toml: colour: is no/);
		await refused(
			["config", "--home", homes.of("A")],
			/is not the folder of a side/,
			2,
		);
	});
});

describe("a command without a side", () => {
	test("says how its device is named", async () => {
		const env = { HOME: folder.path, XDG_CONFIG_HOME: "" };
		for (const command of [
			["purchases"],
			["balance"],
			["lists"],
			["catalogue", "127.0.0.1:1", "--module", "unix:x"],
		]) {
			const { code, stderr } = await run(command, { env });
			assert.equal(code, 2);
			assert.match(
				stderr,
				/say --home FOLDER: the (agent|module|device)'s home, or/,
			);
		}
	});

	test("is told of what is missing by its flag", async () => {
		await refused(
			["catalogue", "127.0.0.1:1", "--home", homes.of("A")],
			/say --module ADDRESS, where its module listens; or name a side/,
			2,
		);
	});

	test("that is about one device tells whoever names a side to name that", async () => {
		await refused(
			["recertify", "--home", side("buyer"), "--forget-old"],
			/is the folder of a side, and not the home of a device; name that of one of its devices/,
		);
	});
});
