import assert from "node:assert/strict";
import {
	chmod,
	mkdir,
	mkdtemp,
	readdir,
	readFile,
	rm,
	stat,
	writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import {
	agentSocket,
	findSide,
	linkSocket,
	makeRunFolder,
	modulesOf,
	readSide,
	runFolder,
	SETTING_KEYS,
	type SettingKey,
	type Side,
	type SideFile,
	secretsOfSide,
	variableOf,
	writeSide,
} from "../../src/device/side/index.ts";
import type { TetradError } from "../../src/errors.ts";

let root: string;
let path: string;
let count = 0;

before(async () => {
	root = await mkdtemp(join(tmpdir(), "tetrad-test-"));
});
after(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
	path = join(root, `side-${++count}`);
	await mkdir(path, { mode: 0o700 });
});

const MINIMAL = 'kind = "buyer"\nname = "alice"\n';

const write = (text: string, folder = path) =>
	writeFile(join(folder, "tetrad.toml"), text, { mode: 0o600 });

async function read(
	text: string,
	environment: NodeJS.ProcessEnv = {},
): Promise<Side> {
	await write(text);
	return readSide(path, environment);
}

async function refusal(done: Promise<unknown>): Promise<string> {
	let message = "";
	await assert.rejects(done, (error: TetradError) => {
		assert.equal(error.code, "home-unusable", error.message);
		message = error.message;
		return true;
	});
	return message;
}

const found = ({ found }: Side, key: SettingKey | "home") => {
	const setting = found.find((one) => one.key === key);
	assert.ok(setting, key);
	return setting;
};

/** Every key but version, kind and name, each with a value that is not its default. */
const ALL: Required<
	Omit<SideFile, "version" | "kind" | "name" | "further-modules">
> = {
	agent: { home: "a", listen: "127.0.0.1:7000", processes: 3 },
	module: {
		...{ home: "m", at: "unix:links/m.sock", runs: "elsewhere" },
		// Of no use to a side with one module.
		port: 7009,
	},
	issuer: { at: "mint.example:7100", terms: "mint.json", "settle-every": 30 },
	buy: {
		folder: "bought",
		rails: "cashu, own-notes",
		avoid: "seen-by-everybody",
	},
	sell: {
		folder: "wares",
		take: "https://mint.example sat, notes",
		price: "1500, 1.50 EUR",
		"on-order": "./make.sh",
	},
	operate: {
		http: "127.0.0.1:7180",
		metrics: "[::1]:9464",
		"log-size": "500 kB",
		"log-keep": 2,
		traces: "http://127.0.0.1:4318",
	},
	secrets: {
		"agent-passphrase-file": "agent.secret",
		"agent-pin-env": "AGENT_PIN",
		"module-passphrase-env": "MODULE_PASSPHRASE",
		"module-pin-file": "/etc/pin",
	},
};

/** What those mean in the folder of a side. */
const settled = (folder: string) => ({
	agent: {
		home: join(folder, "a"),
		listen: { kind: "tcp", host: "127.0.0.1", port: 7000 },
		processes: 3,
	},
	module: {
		home: join(folder, "m"),
		at: { kind: "unix", path: join(folder, "links/m.sock") },
		runs: "elsewhere",
	},
	furtherModules: [],
	issuer: {
		at: { kind: "tcp", host: "mint.example", port: 7100 },
		termsPath: join(folder, "mint.json"),
		settleEveryMs: 30_000,
	},
	buyFolder: join(folder, "bought"),
	buyWith: { rails: ["cashu", "own-notes"], avoid: ["seen-by-everybody"] },
	sell: {
		folder: join(folder, "wares"),
		take: "https://mint.example sat, notes",
		price: "1500, 1.50 EUR",
		onOrder: "./make.sh",
	},
	operate: {
		http: { kind: "tcp", host: "127.0.0.1", port: 7180 },
		metrics: { kind: "tcp", host: "::1", port: 9464 },
		logBytes: 500_000,
		logKeep: 2,
		traces: "http://127.0.0.1:4318",
	},
	secrets: {
		agent: {
			passphrase: { file: join(folder, "agent.secret") },
			pin: { env: "AGENT_PIN" },
		},
		module: {
			passphrase: { env: "MODULE_PASSPHRASE" },
			pin: { file: "/etc/pin" },
		},
	},
});

describe("the settings of a side", () => {
	test("have defaults for all but its kind and its name", async () => {
		const { found: _, ...side } = await read(MINIMAL);
		assert.deepEqual(side, {
			kind: "buyer",
			name: "alice",
			path,
			agent: { home: join(path, "agent"), processes: 1 },
			module: {
				home: join(path, "module"),
				at: { kind: "unix", path: join(path, "run/link.sock") },
				runs: "apart",
			},
			furtherModules: [],
			buyFolder: join(path, "inbox"),
			buyWith: {},
			operate: { logBytes: 10_000_000, logKeep: 5 },
			secrets: { agent: {}, module: {} },
		});
	});

	test("of a shop have a folder that is sold, and of an issuer no folder", async () => {
		const shop = await read('kind = "shop"\nname = "bob"');
		assert.deepEqual(shop.sell, { folder: join(path, "goods") });
		assert.equal(shop.buyFolder, undefined);
		const issuer = await read('kind = "issuer"\nname = "mint"');
		assert.equal(issuer.sell, undefined);
		assert.equal(issuer.buyFolder, undefined);
	});

	test("of a shop may name further modules, each met at a port of its own", async () => {
		const written = {
			...({ kind: "shop", name: "bob" } as const),
			agent: { listen: "0.0.0.0:7000" },
			secrets: { "module-passphrase-env": "FIRST" },
			"further-modules": [
				{ home: "module-2" },
				{
					...{ home: "/srv/till", at: "127.0.0.1:7200", port: 7443 },
					...{ runs: "elsewhere" as const, "pin-file": "pin" },
				},
			],
		};
		const folder = join(root, "several");
		await writeSide(folder, written);
		const side = await readSide(folder, {});
		assert.equal(side.module.port, 7001);
		assert.deepEqual(side.furtherModules, [
			{
				home: join(folder, "module-2"),
				at: { kind: "unix", path: join(folder, "run/link-2.sock") },
				...{ runs: "apart", port: 7002, secrets: {} },
			},
			{
				...{ home: "/srv/till", runs: "elsewhere", port: 7443 },
				at: { kind: "tcp", host: "127.0.0.1", port: 7200 },
				secrets: { pin: { file: join(folder, "pin") } },
			},
		]);
		const [first, ...others] = modulesOf(side);
		assert.deepEqual(first.secrets, { passphrase: { env: "FIRST" } });
		assert.deepEqual(others, side.furtherModules);
		const told = side.found.filter(({ key }) => key.startsWith("module "));
		assert.deepEqual(
			told.map(({ key, from }) => `${key} ${from}`),
			[
				...["home file", "at default", "runs default"].map(
					(of) => `module 2: ${of}`,
				),
				...["home", "at", "runs", "port", "pin-file"].map(
					(of) => `module 3: ${of} file`,
				),
			],
		);
	});

	test("say why further modules are not taken", async () => {
		const shop =
			'kind = "shop"\nname = "bob"\n[agent]\nlisten = "127.0.0.1:7000"\n';
		const one = '[[further-modules]]\nhome = "b"\n';
		for (const [text, why] of [
			[`${MINIMAL}${one}`, /a buyer pays out of one module/],
			[`kind = "issuer"\nname = "mint"\n${one}`, /an issuer has one module/],
			[`kind = "shop"\nname = "bob"\n${one}`, /say at which host and port/],
			[
				`${shop.replace("127.0.0.1:7000", "unix:a.sock")}${one}`,
				/say at which host and port/,
			],
			[`${shop.replace(":7000", ":0")}${one}`, /say at which host and port/],
			[
				`${shop.replace(":7000", ":65534")}${one}`,
				/module 2: port: there is no port 65536/,
			],
			[
				`${shop}${one}port = 7000`,
				/module 2: port: 7000 is where the agent answers everybody/,
			],
			[`${shop}${one}port = 7001`, /module 2: port: 7001 is that of module 1/],
			[`${shop}${one}port = 0`, /not a whole number from 1 to 65535/],
			[
				`${shop}[[further-modules]]\nat = "x:1"`,
				/further-modules.0.home: is missing/,
			],
			[`${shop}${one}at = "nowhere"`, /further-modules/],
			[`${shop}${one}runs = "inside-agent"`, /none of "apart" and "elsewhere"/],
			[`${shop}${one}other = 1`, /further-modules.0.other: is no setting/],
			[`${shop}${one}pin-file = "a"\npin-env = "B"`, /say one of the two/],
			[
				`${shop}[module]\nruns = "inside-agent"\n${one}`,
				/is the only one; say "apart"/,
			],
			[`${shop}${one.repeat(16)}`, /has more than 15 of them/],
			[`${shop}${one}${one}`, /module 3: home: .*b is that of module 2/],
			[
				`${shop}${one.replace('"b"', '"./x/../module"')}`,
				/module 2: home: .*module is that of module 1/,
			],
			[
				`${shop}${one}at = "unix:run/link.sock"`,
				/module 2: at: unix:.*link.sock is that of module 1/,
			],
			[
				`${shop}[module]\nruns = "elsewhere"\nat = "127.0.0.1:9"\n[[further-modules]]\nhome = "module"\nruns = "elsewhere"\nat = "127.0.0.1:9"`,
				/module 2: at: tcp:127.0.0.1:9 is that of module 1/,
			],
		] as const)
			assert.match(await refusal(read(text)), why, text);
	});

	test("are what was written, every key of them", async () => {
		const folder = join(root, "written");
		await writeSide(folder, { kind: "shop", name: "bob", ...ALL });
		const { found: all, ...side } = await readSide(folder, {});
		assert.deepEqual(side, {
			kind: "shop",
			name: "bob",
			path: folder,
			...settled(folder),
		});
		for (const { key, from, where, value } of all) {
			if (key === "home" || value === undefined) continue;
			assert.equal(from, "file", key);
			assert.equal(where, join(folder, "tetrad.toml"));
		}
		const told = all.map(({ key }) => key);
		assert.deepEqual(told, ["home", ...SETTING_KEYS]);
	});

	test("are taken from the environment first, every key of them", async () => {
		const environment: NodeJS.ProcessEnv = {};
		for (const [table, keys] of Object.entries(ALL))
			for (const [name, value] of Object.entries(keys ?? {})) {
				const variable = variableOf(`${table}.${name}` as SettingKey);
				const isPath = name === "home" || /folder|terms|file/.test(name);
				environment[variable] = isPath
					? join("/elsewhere", String(value))
					: String(value).replace("unix:", "unix:/elsewhere/");
			}
		const { found: all, ...side } = await read(
			`${MINIMAL}[issuer]\nat = "other:1"\nsettle-every = 60\n[secrets]\nagent-passphrase-env = "OTHER"`,
			environment,
		);
		const elsewhere = settled("/elsewhere");
		assert.deepEqual(side, {
			kind: "buyer",
			name: "alice",
			path,
			...elsewhere,
			secrets: {
				...elsewhere.secrets,
				module: {
					...elsewhere.secrets.module,
					pin: { file: "/elsewhere/etc/pin" },
				},
			},
		});
		assert.equal(environment["TETRAD_ISSUER_SETTLE_EVERY"], "30");
		assert.deepEqual(
			all.find(({ key }) => key === "issuer.settle-every"),
			{
				key: "issuer.settle-every",
				value: 30,
				from: "environment",
				where: "TETRAD_ISSUER_SETTLE_EVERY",
			},
		);
	});

	test("are taken from the user's file before a default, and after the side's", async () => {
		const config = join(path, "config");
		await mkdir(join(config, "tetrad"), { recursive: true, mode: 0o700 });
		const user = join(config, "tetrad");
		await write(
			'[issuer]\nat = "mint:1"\nterms = "mint.json"\n[buy]\nfolder = "all"\n[operate]\nlog-keep = 9',
			user,
		);
		const side = await read(`${MINIMAL}[issuer]\nat = "other:2"`, {
			XDG_CONFIG_HOME: config,
		});
		assert.deepEqual(side.issuer?.at, { kind: "tcp", host: "other", port: 2 });
		assert.equal(side.issuer?.termsPath, join(user, "mint.json"));
		assert.equal(side.buyFolder, join(user, "all"));
		assert.equal(side.operate.logKeep, 9);
		const { from, where } = found(side, "operate.log-keep");
		assert.deepEqual(
			{ from, where },
			{ from: "file", where: join(user, "tetrad.toml") },
		);
	});

	test("of the user are below the home where no other folder is said", async () => {
		const user = join(path, ".config", "tetrad");
		await mkdir(user, { recursive: true, mode: 0o700 });
		await write("[operate]\nlog-keep = 7", user);
		// A relative one does not count.
		const side = await read(MINIMAL, { HOME: path, XDG_CONFIG_HOME: "x" });
		assert.equal(side.operate.logKeep, 7);
	});

	test("take an empty variable for none", async () => {
		const side = await read(MINIMAL, { TETRAD_BUY_FOLDER: "" });
		assert.equal(side.buyFolder, join(path, "inbox"));
		assert.equal(found(side, "buy.folder").from, "default");
	});

	for (const [text, complaint] of [
		["", /tetrad\.toml: kind: is missing$/],
		[
			'kind = "bank"\nname = "x"',
			/: kind: is none of "buyer", "shop" and "issuer"$/,
		],
		['kind = "buyer"', /: name: is missing$/],
		['kind = "buyer"\nname = 1', /: name: is not a text in quotes$/],
		['kind = "buyer"\nname = "Al ice"', /: name: is no name/],
		[`${MINIMAL}version = 2`, /: version: is not 1/],
		[`${MINIMAL}colour = "red"`, /: colour: is no setting/],
		[`${MINIMAL}[agent]\nHome = "x"`, /: agent\.Home: is no setting/],
		[`${MINIMAL}[wallet]`, /: wallet: is no setting/],
		[`${MINIMAL}agent = "x"`, /: agent: is not a table$/],
		[`${MINIMAL}[agent]\nhome = 1`, /: agent\.home: is not a text in quotes$/],
		[`${MINIMAL}[agent]\nhome = ""`, /: agent\.home: is empty$/],
		[
			`${MINIMAL}[agent]\nlisten = "7000"`,
			/: agent\.listen: "7000" has no port/,
		],
		[`${MINIMAL}[module]\nruns = "here"`, /: module\.runs: is none of/],
		[`${MINIMAL}[issuer]\nat = "x"`, /: issuer\.at: "x" has no port/],
		[
			`${MINIMAL}[issuer]\nat = "x:1"\nsettle-every = 0`,
			/: issuer\.settle-every: is not a whole number from 1 to 1800$/,
		],
		[
			`${MINIMAL}[issuer]\nat = "x:1"\nsettle-every = 1801`,
			/: issuer\.settle-every: is not a whole number/,
		],
		[
			`${MINIMAL}[issuer]\nat = "x:1"\nsettle-every = "30"`,
			/: issuer\.settle-every: is not a whole number/,
		],
		[`${MINIMAL}[issuer]\nterms = "x"`, /: issuer\.at: is not there; say/],
		[`${MINIMAL}[sell]\nprice = 1.5`, /: sell\.price: is not a text in quotes/],
		[`${MINIMAL}[sell]\nprice = "cheap"`, /: sell\.price: is no amount/],
		[`${MINIMAL}[sell]\nprice = "1.00, 5"`, /: sell\.price: is no amount/],
		[
			`${MINIMAL}[sell]\ntake = "https://mint.example"`,
			/: sell\.take: is no list of money/,
		],
		[
			`${MINIMAL}[buy]\nrails = "cash"`,
			/: buy\.rails: is no list of own-notes/,
		],
		[`${MINIMAL}[buy]\nrails = "cashu, cashu"`, /: buy\.rails: .* none twice/],
		[`${MINIMAL}[buy]\navoid = "debt"`, /: buy\.avoid: is no list of waits/],
		[`${MINIMAL}[operate]\nhttp = "unix:x"`, /: operate\.http: is not a host/],
		[`${MINIMAL}[operate]\nlog-size = "10"`, /: operate\.log-size: is no size/],
		[
			`${MINIMAL}[operate]\nlog-keep = 1.5`,
			/: operate\.log-keep: is not a whole/,
		],
		[
			`${MINIMAL}[operate]\ntraces = "here"`,
			/: operate\.traces: is no address/,
		],
		[
			`${MINIMAL}[operate]\ntraces = "http://me:secret@127.0.0.1:4318"`,
			/: operate\.traces: says more than.* OTEL_EXPORTER_OTLP_HEADERS(?!.*secret)/,
		],
		[
			`${MINIMAL}[operate]\ntraces = "http://127.0.0.1:4318/?token=secret"`,
			/: operate\.traces: says more than(?!.*secret)/,
		],
		[
			`${MINIMAL}[secrets]\nagent-pin-env = "A B"`,
			/: secrets\.agent-pin-env: is not the name of/,
		],
		[
			`${MINIMAL}[secrets]\nagent-pin-env = "A"\nagent-pin-file = "b"`,
			/tetrad\.toml: secrets\.agent-pin-file and secrets\.agent-pin-env: say one/,
		],
		[
			`${MINIMAL}[secrets]\nowner-passphrase-file = "x"`,
			/: secrets\.owner-passphrase-file: is no setting/,
		],
		['kind = "buyer', /tetrad\.toml, line 1, column \d+: Invalid TOML/],
	] as const)
		test(`are refused that say ${JSON.stringify(text.replace(MINIMAL, ""))}`, async () => {
			const message = await refusal(read(text));
			assert.match(message, complaint);
			assert.ok(message.startsWith(path), message);
			assert.doesNotMatch(message, /\n/);
		});

	for (const [variable, value, complaint] of [
		["TETRAD_AGENT_LISTEN", "7000", /^TETRAD_AGENT_LISTEN: "7000" has no port/],
		[
			"TETRAD_ISSUER_SETTLE_EVERY",
			"1 hour",
			/^TETRAD_ISSUER_SETTLE_EVERY: is not a whole number/,
		],
		["TETRAD_MODULE_RUNS", "there", /^TETRAD_MODULE_RUNS: is none of/],
		[
			"TETRAD_OPERATE_TRACES",
			"http://me@127.0.0.1:4318",
			/^TETRAD_OPERATE_TRACES: says more than/,
		],
	] as const)
		test(`are refused where ${variable} is "${value}"`, async () => {
			const message = await refusal(read(MINIMAL, { [variable]: value }));
			assert.match(message, complaint);
		});

	test("are refused where the paths of sockets are longer than the system takes", async () => {
		path = join(root, "x".repeat(100));
		await mkdir(path, { mode: 0o700 });
		assert.match(
			await refusal(read(MINIMAL)),
			/module\.at: "unix:.*" has a path of 1\d\d bytes, and the system takes 107; choose a shorter directory$/,
		);
		assert.match(
			await refusal(read(`${MINIMAL}[module]\nat = "unix:/run/x.sock"`)),
			/the path of the side is too long for sockets in it/,
		);
	});

	test("are refused that others may write, or that are in a folder of theirs", async () => {
		await write(MINIMAL);
		await chmod(join(path, "tetrad.toml"), 0o660);
		assert.match(
			await refusal(readSide(path, {})),
			/others may write .*; close it with: chmod go-w/,
		);
		await chmod(join(path, "tetrad.toml"), 0o644);
		await chmod(path, 0o777);
		assert.match(await refusal(readSide(path, {})), /others may write/);
		await chmod(path, 0o755);
		assert.equal((await readSide(path, {})).name, "alice");
	});

	test("that are not there are said to be missing", async () => {
		assert.match(
			await refusal(readSide(path, {})),
			/there is no side in .*; make one with: tetrad setup$/,
		);
	});
});

describe("the secrets of a side", () => {
	test("are read from where its settings say", async () => {
		await writeFile(join(path, "pin"), "1234\n", { mode: 0o600 });
		const side = await read(`${MINIMAL}[secrets]\nmodule-pin-file = "pin"`);
		const { pin, passphrase } = secretsOfSide(side, "module");
		assert.equal(passphrase, undefined);
		const secret = await pin?.({ what: "PIN", isNew: false });
		assert.equal(Buffer.from(secret ?? []).toString(), "1234");
		assert.deepEqual(secretsOfSide(side, "agent"), {});
	});

	test("are where the environment says, also in another way than the file's", async () => {
		const side = await read(
			`${MINIMAL}[secrets]\nagent-pin-file = "pin"\nmodule-pin-env = "PIN"`,
			{
				TETRAD_SECRETS_AGENT_PIN_ENV: "OTHER",
				TETRAD_SECRETS_MODULE_PIN_FILE: "/pin",
			},
		);
		assert.deepEqual(side.secrets, {
			agent: { pin: { env: "OTHER" } },
			module: { pin: { file: "/pin" } },
		});
	});

	test("are refused where the environment says both ways", async () => {
		const message = await refusal(
			read(MINIMAL, {
				TETRAD_SECRETS_AGENT_PIN_ENV: "OTHER",
				TETRAD_SECRETS_AGENT_PIN_FILE: "/pin",
			}),
		);
		assert.match(message, /say one of the two, and not both$/);
	});
});

describe("the side that a command is about", () => {
	let other: string;
	beforeEach(async () => {
		other = join(path, "other");
		await mkdir(other, { mode: 0o700 });
		await write('kind = "shop"\nname = "other"', other);
	});

	test("is the one that was named, and the home of a device is none", async () => {
		const side = await findSide(other, {}, root);
		assert.equal(side?.name, "other");
		assert.deepEqual(side && found(side, "home"), {
			key: "home",
			value: other,
			from: "flag",
			where: "--home",
		});
		await write(MINIMAL);
		assert.equal(
			await findSide(join(path, "agent"), { TETRAD_HOME: other }, path),
			undefined,
		);
	});

	test("is that of TETRAD_HOME, before that of the working folder", async () => {
		await write(MINIMAL);
		const side = await findSide(undefined, { TETRAD_HOME: "other" }, path);
		assert.equal(side?.name, "other");
		assert.equal(side && found(side, "home").where, "TETRAD_HOME");
		await refusal(findSide(undefined, { TETRAD_HOME: "none" }, path));
	});

	test("is that of the working folder, before that of the user's file", async () => {
		await write(MINIMAL);
		const user = join(path, "config", "tetrad");
		await mkdir(user, { recursive: true, mode: 0o700 });
		await write('home = "../../other"', user);
		const environment = { XDG_CONFIG_HOME: join(path, "config") };
		assert.equal((await findSide(undefined, environment, path))?.name, "alice");
		const side = await findSide(undefined, environment, root);
		assert.equal(side?.name, "other");
		assert.equal(side && found(side, "home").where, join(user, "tetrad.toml"));
	});

	test("is none where nothing names one", async () => {
		assert.equal(await findSide(undefined, {}, root), undefined);
	});
});

describe("a side that is written", () => {
	test("is never written over another, and leaves nothing else there", async () => {
		await writeSide(path, { kind: "buyer", name: "alice" });
		assert.match(
			await refusal(writeSide(path, { kind: "shop", name: "bob" })),
			/there is a side in .*, and it is never written over/,
		);
		assert.equal((await readSide(path, {})).name, "alice");
		assert.deepEqual(await readdir(path), ["tetrad.toml"]);
	});

	test("is for its owner only, and says how it is looked at", async () => {
		const folder = join(path, "new", "side");
		await writeSide(folder, { kind: "buyer", name: "alice" });
		assert.equal((await stat(folder)).mode & 0o777, 0o700);
		const file = join(folder, "tetrad.toml");
		assert.equal((await stat(file)).mode & 0o777, 0o600);
		assert.match(await readFile(file, "utf8"), /tetrad config/);
	});

	test("is refused with settings that could not be read again", async () => {
		assert.match(
			await refusal(writeSide(path, { kind: "buyer", name: "A" })),
			/^name: is no name/,
		);
		assert.deepEqual(await readdir(path), []);
	});

	test("has its sockets in a folder that nobody else may enter", async () => {
		const side = await read(MINIMAL);
		assert.equal(await makeRunFolder(side), runFolder(side));
		assert.equal((await stat(runFolder(side))).mode & 0o777, 0o700);
		assert.equal(linkSocket(side), join(path, "run", "link.sock"));
		assert.equal(agentSocket(side), join(path, "run", "agent.sock"));
		await chmod(runFolder(side), 0o755);
		assert.match(await refusal(makeRunFolder(side)), /others may read/);
	});
});
