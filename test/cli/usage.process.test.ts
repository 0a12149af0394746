import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { writeIssuerTerms } from "../../src/device/purse/issuer-terms.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import {
	Command,
	type Result,
	run,
	startCaller,
	startModule,
	startServer,
} from "../support/processes.ts";
import { commandsOf } from "../support/program-commands.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/tetrad.js", import.meta.url));

const PROGRAM_COMMANDS = await commandsOf();
/** Every command and group, as it is typed after the name of the program. */
const COMMANDS = [...PROGRAM_COMMANDS.keys()]
	.filter((name) => name !== "tetrad")
	.map((name) => name.replace("tetrad ", ""));

const TOP_COMMANDS = COMMANDS.filter((name) => !name.includes(" "));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
/** A's module, for what comes to light only once an agent has its module. */
let module: Command;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	await writeIssuerTerms(homes.at("issuer.terms.json"), {
		issuer: new Uint8Array(41),
		name: "mint",
		currency: { code: "PLAY", exponent: 2 },
		isPlay: true,
	});
	module = await startModule(homes, "X");
});
after(async () => {
	await module[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

/** One line on standard error, nothing on standard output, and no stack. */
function oneClearLine({ stdout, stderr }: Result, expected: RegExp): void {
	assert.match(stdout, /^(linked with .*\n)?(stopped\n)?$/);
	assert.match(stderr, expected);
	assert.match(stderr, /^tetrad: .* \([a-z-]+\)\n$/);
	assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
	assert.doesNotMatch(stderr, /\(internal\)|^\s+at /m);
}

async function fails(
	code: number,
	args: readonly string[],
	expected: RegExp,
): Promise<void> {
	const result = await run(args);
	assert.equal(result.code, code, result.stderr);
	oneClearLine(result, expected);
}

const agent = (...flags: string[]) => [
	...["agent", "--home", homes.spare("A"), "--module", homes.socket("X")],
	...flags,
];

/** A start is mostly waiting for the other core. */
const TOGETHER = { concurrency: 4 };

describe("help", TOGETHER, () => {
	test("of the program exits 0, names every command and has an example", async () => {
		const { code, stdout, stderr } = await run(["--help"]);
		assert.equal(code, 0);
		assert.equal(stderr, "");
		const listed = stdout.slice(stdout.search(/^Commands:$/m));
		assert.deepEqual(
			[...listed.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name),
			[...TOP_COMMANDS, "help"],
		);
		assert.match(stdout, /Examples?:\n/);
	});

	for (const command of COMMANDS)
		test(`of ${command} exits 0 and has an example of it`, async () => {
			const { code, stdout, stderr } = await run([
				...command.split(" "),
				"--help",
			]);
			assert.equal(code, 0);
			assert.equal(stderr, "");
			assert.match(stdout, /Examples?:\n/);
			assert.match(
				stdout.slice(stdout.search(/Examples?:\n/)),
				new RegExp(`tetrad ${command}( |$)`, "m"),
			);
		});

	test("comes also by `help`, and the version by its flag", async () => {
		const [help, version] = [await run(["help", "agent"]), await run(["-V"])];
		assert.equal(help.code, 0);
		assert.match(help.stdout, /Usage: tetrad agent/);
		assert.equal(version.code, 0);
		assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
	});

	test("and nothing else comes without a command, with exit code 2", async () => {
		const { code, stdout, stderr } = await run([]);
		assert.equal(code, 2);
		assert.equal(stdout, "");
		assert.match(stderr, /Usage: tetrad/);
	});
});

describe("wrong usage exits 2 with one line about it:", TOGETHER, () => {
	const cases: [string, () => string[], RegExp][] = [
		["an unknown command", () => ["frobnicate"], /unknown command.*frobnicate/],
		[
			"an unknown command of authority",
			() => ["authority", "frobnicate"],
			/frobnicate/,
		],
		["an unknown flag", () => agent("--colour", "red"), /--colour/],
		["an argument too many", () => ["claims", "again"], /too many arguments/],
		["no home", () => ["agent", "--module", "unix:x"], /--home/],
		["nothing to do", () => agent(), /--listen ADDRESS.*--connect ADDRESS/],
		["no address", () => agent("--connect", "7000"), /"7000" has no port/],
		[
			"a port that is none",
			() => agent("--listen", "127.0.0.1:70000"),
			/port from 0 to 65535/,
		],
		[
			"an unknown routing",
			() => agent("--connect", "127.0.0.1:1", "--routing", "zigzag"),
			/zigzag.*direct, crossed/,
		],
		[
			"an unknown root",
			() => agent("--connect", "127.0.0.1:1", "--root", "unsafe-xor"),
			/transcript, xor/,
		],
		[
			"an unknown link",
			() => agent("--connect", "127.0.0.1:1", "--link", "shut"),
			/paired, open/,
		],
		[
			"a time that is none",
			() => agent("--connect", "127.0.0.1:1", "--timeout", "soon"),
			/number of seconds/,
		],
		[
			"settling so seldom that what was received could expire",
			() =>
				agent(
					...["--listen", "127.0.0.1:0", "--settle-at", "127.0.0.1:1"],
					...["--settle-every", "3600"],
				),
			/--settle-every is at most 1800 seconds/,
		],
		...["-1", "0", "1e3", "1,5", "1.", "x"].flatMap(
			(amount): [string, () => string[], RegExp][] => [
				[
					`an amount of ${amount} to credit`,
					() => [
						...["issuer", "credit", "--home", "x", "--account", "a"],
						...["--amount", amount],
					],
					/no amount/,
				],
				[
					`an amount of ${amount} to pay`,
					() => agent("--connect", "127.0.0.1:1", "--pay", amount),
					/no amount/,
				],
				[
					`an amount of ${amount} to withdraw`,
					() => ["purse", "withdraw", "--home", "x", "--", amount],
					/no amount/,
				],
			],
		),
		[
			"a limit below zero",
			() => [
				...["purse", "create", "--home", "x", "--issuer", "y"],
				...["--undeposited", "software=-1"],
			],
			/Say software/,
		],
		[
			"notes of no days",
			() => ["issuer", "init", "--home", "x", "--note-days", "0"],
			/number of days/,
		],
		["port 0 to connect to", () => agent("--connect", "127.0.0.1:0"), /port 0/],
		[
			"pairing at both ends",
			() => [
				...["pair", "--home", "x", "--listen", "unix:a"],
				...["--connect", "unix:b"],
			],
			/--listen ADDRESS.*--connect ADDRESS/,
		],
	];
	for (const [what, args, expected] of cases)
		test(what, () => fails(2, args(), expected));

	test("a keylog on an address that others can reach", async () => {
		const keylog = homes.at("keylog");
		for (const flags of [
			["--listen", "0.0.0.0:0"],
			["--connect", "192.0.2.1:7000"],
		])
			await fails(
				2,
				agent(...flags, "--unsafe-keylog", keylog),
				/keylog gives every secret away.*loopback/,
			);
		await fails(
			2,
			[
				...["module", "--home", homes.spare("X"), "--listen", "0.0.0.0:0"],
				...["--unsafe-keylog", keylog],
			],
			/keylog gives every secret away/,
		);
		await assert.rejects(rm(keylog), { code: "ENOENT" });
	});
});

describe(
	"what is not as it should be exits 1 with one line about it:",
	TOGETHER,
	() => {
		test("a file to send that is not there", () =>
			fails(
				1,
				agent("--connect", "127.0.0.1:1", "--send", homes.at("missing")),
				/cannot read the file .*missing/,
			));

		test("a folder in the place of a file", () =>
			fails(1, ["demo", "--file", homes.folder], /is not a file/));

		test("a file for the demo that is not there", () =>
			fails(1, ["demo", "--file", "missing"], /cannot read the file missing/));

		test("a home that is not there", () =>
			fails(
				1,
				["module", "--home", homes.at("nowhere"), "--listen", "unix:x"],
				/no home at .*nowhere.*tetrad authority issue/,
			));

		/** What each command that opens the home of a device needs beside it. */
		const openers = (): ReadonlyMap<string, readonly string[]> =>
			new Map([
				["recertify", ["--forget-old"]],
				["lists", []],
				["policy", ["--check"]],
				["pair", ["--listen", "unix:m"]],
				["agent", ["--module", "unix:m", "--connect", "127.0.0.1:1"]],
				["module", ["--listen", "unix:m"]],
				[
					"purse create",
					["--issuer", homes.at("issuer.terms.json"), "--unsafe-no-owner"],
				],
				["purse balance", []],
				["purse notes", []],
				["purse history", []],
				["purse withdraw", ["1"]],
				["purse deposit", []],
				["purse orders", []],
				["purse cancel", ["ab"]],
				["purse unsafe-override-behind", []],
				["purse unsafe-show-seed", ["--out", "seed"]],
				["purse archive", []],
				["purse receive", ["cashuB"]],
				["purse send", ["1"]],
				["purse take-back", ["ab"]],
				["purse mint", ["1"]],
				["purse melt", ["lnbc1", "--max-fee", "0"]],
				["purse pending", []],
				["purse backup", ["--out", "purse.backup"]],
				["balance", []],
				["limits", []],
				["approvals", []],
				["approve", ["ab"]],
				["deny", ["ab"]],
				["issuer init", []],
				["issuer run", ["--listen", "unix:m"]],
				["issuer credit", ["--account", "x", "--amount", "1"]],
				["issuer accounts", []],
				["issuer conflicts", []],
				["issuer sales", []],
				["issuer audit", []],
				[
					"sell",
					[
						...[".", "--module", "unix:m", "--listen", "127.0.0.1:0"],
						...["--issuer-terms", homes.at("issuer.terms.json")],
					],
				],
				["catalogue", ["127.0.0.1:1", "--module", "unix:m"]],
				[
					"buy",
					[
						...["127.0.0.1:1", "tea", "--module", "unix:m"],
						...["--max", "1 PLAY", "--out", "tea"],
					],
				],
				["store", []],
				["purchases", []],
				["sales", []],
				["resolve", ["127.0.0.1:1", "--module", "unix:m"]],
				[
					"refund",
					[
						...["abababab", "--amount", "1", "--module", "unix:m"],
						...["--to", "127.0.0.1:1"],
					],
				],
				["receipt", ["abababab", "--out", "tea.receipt"]],
				["dispute", ["abababab", "--out", "tea.evidence"]],
				["log verify", []],
				["log show", []],
			]);
		const opening = (home: string) =>
			[...openers()].map(([name, flags]) => [
				...name.split(" "),
				...flags,
				...["--home", home],
			]);

		/** Those whose --home is no home of a device, or not yet, or looked at only for more. */
		const OTHER_HOMES = [
			...COMMANDS.filter((name) => name.startsWith("authority ")),
			...["enroll", "config", "settle", "status", "doctor", "verify"],
			...["health", "purse restore", "serve", "up", "mcp"],
		];

		test("every command that needs a home is held to the two that follow", () =>
			assert.deepEqual(
				[...openers().keys(), ...OTHER_HOMES].toSorted(),
				COMMANDS.filter((name) =>
					PROGRAM_COMMANDS.get(`tetrad ${name}`)?.options.some(
						({ long }) => long === "--home",
					),
				).toSorted(),
			));

		test("a folder that is no home, which is not told to close itself to others", async () => {
			const home = homes.at("no-home");
			await mkdir(home, { mode: 0o755 });
			await chmod(home, 0o755);
			await writeFile(join(home, "notes.txt"), "not ours");
			const expected =
				/there is no home at .*no-home: .*no-home\/device\.json is not there/;
			await Promise.all(
				opening(home).map((command) => fails(1, command, expected)),
			);
			const authority = ["authority", "list", "--home", home];
			await fails(1, authority, /there is no authority at .*no-home/);
			const name = ["--role", "agent", "--name", "a", "--out", homes.at("csr")];
			await fails(
				1,
				["enroll", "--home", home, ...name],
				/others may read .*no-home, and it is not empty; name a new folder/,
			);
		});

		test("a home of another kind, named as what it is", async () => {
			const authority =
				/agency is the folder of an authority, and not the home of a device/;
			await Promise.all(
				opening(homes.at("agency")).map((command) =>
					fails(1, command, authority),
				),
			);
			await fails(
				1,
				["authority", "list", "--home", homes.of("A")],
				/alice is the home of a device, and not the folder of an authority/,
			);
			for (const command of [
				["purse", "balance"],
				["issuer", "audit"],
			])
				await fails(
					1,
					[...command, "--home", homes.of("A")],
					/alice is the home of an agent/,
				);
			await fails(
				1,
				["issuer", "audit", "--home", homes.of("X")],
				/there is no issuer in .*alice-purse/,
			);
		});

		test("a home that others can read, with the command that closes it", async () => {
			const open = homes.at("open");
			await cp(homes.of("X"), open, { recursive: true });
			await chmod(open, 0o755);
			await fails(
				1,
				["module", "--home", open, "--listen", homes.socket("open")],
				new RegExp(`others may read ${open}.*chmod 700 ${open}`),
			);
		});

		test("the home of the other role", () =>
			fails(
				1,
				["module", "--home", homes.of("A"), "--listen", homes.socket("other")],
				/home of an agent.*runs a module/,
			));

		test("a device that is not paired, with the command that pairs it", async () => {
			for (const [place, command, flags] of [
				["A", "agent", ["--module", "unix:m", "--connect", "127.0.0.1:1"]],
				["X", "module", ["--listen", "unix:m"]],
			] as const) {
				const home = homes.at(`unpaired-${place}`);
				await cp(homes.of(place), home, { recursive: true });
				await rm(`${home}/pairing.json`);
				await fails(
					1,
					[command, "--home", home, ...flags],
					new RegExp(`tetrad pair --home ${home} --(connect|listen) unix:m`),
				);
			}
		});

		test("a module that does not run", () =>
			fails(
				1,
				[
					...["agent", "--home", homes.spare("A"), "--connect", "127.0.0.1:1"],
					...["--module", homes.socket("nobody")],
				],
				/cannot connect to unix:.*start the other device first/,
			));

		test("another agent that does not run", async () => {
			const server = createServer().listen(0, "127.0.0.1");
			await new Promise((resolve) => server.once("listening", resolve));
			const { port } = server.address() as { port: number };
			await new Promise((resolve) => server.close(resolve));
			const result = await run(agent("--connect", `127.0.0.1:${port}`));
			assert.equal(result.code, 1);
			assert.match(
				result.stderr,
				new RegExp(`127\\.0\\.0\\.1:${port}: nobody listens there`),
			);
		});

		test("a port that is taken, by its name, for an agent and for a module", async () => {
			const first = await startServer(homes, "A", homes.socket("X"));
			await using _first = first.agent;
			const busy = await run(agent("--listen", first.address));
			assert.equal(busy.code, 1);
			assert.ok(busy.stderr.includes(first.address), busy.stderr);
			assert.match(busy.stderr, /another process listens.*choose another port/);
			// Also when there would be something else to do, every now and then.
			const settles = await run(
				agent("--listen", first.address, "--settle-at", "127.0.0.1:1"),
			);
			assert.equal(settles.code, 1);
			assert.match(settles.stderr, /another process listens/);
			const other = ["module", "--home", homes.spare("Y"), "--listen"];
			await fails(1, [...other, first.address], /choose another port/);
			await fails(1, [...other, homes.socket("X")], /another process listens/);
		});

		test("an open link over TCP", async () => {
			const home = homes.at("open-tcp");
			await cp(homes.of("A"), home, { recursive: true });
			const settings = join(home, "policy.json");
			const policy = JSON.parse(await readFile(settings, "utf8"));
			policy.accept.links = ["unsafe-open"];
			await writeFile(settings, JSON.stringify(policy));
			const server = createServer((socket) => socket.on("error", () => {}));
			server.listen(0, "127.0.0.1");
			await new Promise((resolve) => server.once("listening", resolve));
			const { port } = server.address() as { port: number };
			try {
				await using caller = new Command([
					...["agent", "--home", home, "--module", `127.0.0.1:${port}`],
					...["--link", "open", "--connect", "127.0.0.1:1"],
				]);
				const { stderr } = await caller.exits(2);
				assert.match(stderr, /open link is refused over TCP/);
			} finally {
				server.close();
			}
		});

		test("a link or a root that the device's own policy does not accept, before anything is sent", async () => {
			for (const [flag, value, name] of [
				["--link", "open", "links"],
				["--root", "xor", "roots"],
			] as const) {
				await using caller = new Command([
					...["agent", "--home", homes.spare("A"), "--module", "127.0.0.1:1"],
					...[flag, value, "--connect", "127.0.0.1:1"],
				]);
				const { stderr } = await caller.exits(2);
				assert.match(stderr, new RegExp(`accept\\.${name} of .*policy\\.json`));
			}
		});

		test("an authority or a device that is there already", async () => {
			await fails(
				1,
				[
					...["authority", "init", "--kind", "bank", "--name", "Other"],
					...["--home", homes.at("bank")],
				],
				/exists already|never overwritten/,
			);
			await fails(
				1,
				[
					...["authority", "issue", "--home", homes.at("agency")],
					...["--name", "alice", "--device", homes.of("A")],
					...["--trust", homes.at("bank")],
				],
				/never overwritten/,
			);
		});

		test("a name that cannot be certified, and the folder is not left behind half made", async () => {
			const device = homes.at("new-device");
			const result = await run([
				...["authority", "issue", "--home", homes.at("agency")],
				...["--name", "Alice & Bob", "--device", device],
				...["--trust", homes.at("bank")],
			]);
			assert.notEqual(result.code, 0);
			oneClearLine(result, /name/);
			const again = await run([
				...["authority", "issue", "--home", homes.at("agency")],
				...["--name", "alice-2", "--device", device],
				...["--trust", homes.at("bank"), "--unsafe-unsealed-key"],
			]);
			assert.equal(again.code, 0, again.stderr);
		});

		test("a log that cannot be written", async () => {
			const home = homes.at("no-log");
			await cp(homes.of("X"), home, { recursive: true });
			await rm(`${home}/log.jsonl`, { force: true });
			await mkdir(`${home}/log.jsonl`);
			await fails(
				1,
				["module", "--home", home, "--listen", homes.socket("no-log")],
				/log\.jsonl/,
			);
		});

		test("a keylog that cannot be written", async () => {
			await fails(
				1,
				[
					...[
						"module",
						"--home",
						homes.spare("X"),
						"--listen",
						homes.socket("kl"),
					],
					...["--unsafe-keylog", homes.at("missing", "keylog")],
				],
				/keylog/,
			);
		});
	},
);

describe(
	"a failure under --json is one JSON object with its code:",
	TOGETHER,
	() => {
		async function failsInJson(
			args: readonly string[],
			code: number,
			expected: string,
		): Promise<void> {
			const result = await run([...args, "--json"]);
			assert.equal(result.code, code, result.stderr);
			assert.equal(result.stdout, "");
			const said = JSON.parse(result.stderr);
			assert.equal(said.code, expected);
			assert.match(said.reason, /\S/);
		}

		for (const command of COMMANDS)
			test(`wrong usage of ${command}`, () =>
				failsInJson(
					[...command.split(" "), "--colour"],
					2,
					"invalid-argument",
				));

		test("an unknown command, and a value that is none", async () => {
			await failsInJson(["frobnicate"], 2, "invalid-argument");
			await failsInJson(agent("--connect", "7000"), 2, "invalid-argument");
		});

		test("a home that is not there", async () => {
			const home = ["--home", homes.at("nowhere")];
			for (const command of [
				["purse", "balance"],
				["policy", "--check"],
				["issuer", "audit"],
				["authority", "list"],
				["module", "--listen", "unix:x"],
			])
				await failsInJson([...command, ...home], 1, "home-unusable");
		});

		test("a module that does not run", () =>
			failsInJson(
				[
					...["agent", "--home", homes.spare("A"), "--connect", "127.0.0.1:1"],
					...["--module", homes.socket("nobody")],
				],
				1,
				"carrier-failed",
			));
	},
);

test("what a peer says cannot move the cursor: its control characters are shown", async () => {
	await using _y = await startModule(homes, "Y");
	const inbox = homes.at("inbox");
	await using server = new Command([
		...["agent", "--home", homes.spare("B"), "--module", homes.socket("Y")],
		...["--listen", "127.0.0.1:0", "--receive", inbox],
	]);
	await server.until(() => /listening on/.test(server.stdout), "listening");
	const address = /listening on (\S+)/.exec(server.stdout)?.[1] as string;
	const file = homes.at("\u001b[31mred.txt");
	await writeFile(file, "text");
	await using caller = startCaller(
		homes,
		"A",
		homes.socket("X"),
		address,
		...["--message", "a\u001b[2J\u0007\rb\u202e\u009b31m\nc"],
		...["--send", file],
	);
	await caller.exits(0);
	server.terminate();
	const { stdout, stderr } = await server.exits(0);
	assert.ok(
		stdout.includes("a\\u{1b}[2J\\u{7}\\u{d}b\\u{202e}\\u{9b}31m\\u{a}c"),
		stdout,
	);
	assert.match(stdout, /received __31mred\.txt, 4 bytes/);
	assert.doesNotMatch((stdout + stderr).replaceAll("\n", ""), /\p{Cc}|\p{Cf}/u);
});

test("a result that cannot be written is a failure, told in one sentence", {
	skip: !existsSync("/dev/full"),
}, () => {
	const { status, stderr } = spawnSync(
		"sh",
		[
			"-c",
			'exec "$0" "$1" issuer --help > /dev/full',
			process.execPath,
			PROGRAM,
		],
		{ encoding: "utf8" },
	);
	assert.equal(status, 1);
	assert.match(stderr, /^tetrad: cannot write .*ENOSPC.*\n$/);
});
