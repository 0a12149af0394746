/* One thing after the other is made wrong in a side that is well, and the doctor says which. */
import assert from "node:assert/strict";
import { chmod, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { Authority } from "../../src/device/authority/authority.ts";
import type { Machine } from "../../src/device/doctor/check.ts";
import {
	type Examined,
	examine,
	findPatient,
	statusOf,
} from "../../src/device/doctor/index.ts";
import {
	HomeLock,
	importList,
	writePairing,
} from "../../src/device/home/index.ts";
import { writePairingTries } from "../../src/device/home/pairing-tries.ts";
import { writeIssuerTerms } from "../../src/device/purse/issuer-terms.ts";
import { createPurse, moduleIdOf } from "../../src/device/purse/purse-home.ts";
import { type Side, writeSide } from "../../src/device/side/index.ts";
import { TetradError } from "../../src/errors.ts";
import { choose } from "../../src/provider/choose.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";

const DAY_MS = 86_400_000;
const GB = 1_000_000_000n;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let path: string;
let count = 0;
let machine: Machine;

const agent = (...names: string[]) => join(path, "agent", ...names);
const module = (...names: string[]) => join(path, "module", ...names);

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	await writeIssuerTerms(homes.at("issuer.terms.json"), {
		issuer: await moduleIdOf(homes.of("Y")),
		name: "mint",
		currency: { code: "PLAY", exponent: 2 },
		isPlay: true,
	});
	const none = { software: 0n, token: 0n, tpm: 0n };
	const terms = {
		issuer: await moduleIdOf(homes.of("Y")),
		name: "mint",
		currency: { code: "PLAY", exponent: 2 },
		isPlay: true,
	};
	await createPurse(
		homes.of("X"),
		[{ terms, undeposited: none }],
		() => "unsafe-no-owner",
	);
});
after(() => folder[Symbol.asyncDispose]());

beforeEach(async () => {
	path = homes.at(`side-${++count}`);
	await mkdir(path, { mode: 0o700 });
	await cp(homes.of("A"), agent(), { recursive: true });
	await cp(homes.of("X"), module(), { recursive: true });
	await writeSide(path, {
		kind: "buyer",
		name: "alice",
		issuer: { at: "127.0.0.1:7100", terms: homes.at("issuer.terms.json") },
	});
	machine = {
		now: Date.now,
		node: "26.1.0",
		providing: () => choose({ TETRAD_CRYPTO: "node" }, () => assert.fail()),
		hasAes: () => true,
		freeBytes: async () => 5n * GB,
		isReached: async () => true,
		holder: async () => 4711,
		holders: async () => [{ process: 4711 }],
	};
});

async function everything(): Promise<Examined[]> {
	const patient = await findPatient(path, {}, machine);
	assert.ok(patient);
	const findings: Examined[] = [];
	for await (const finding of examine(patient)) findings.push(finding);
	assert.ok(findings.some(({ kind }) => kind === "fine"));
	return findings;
}

/** What is found, but what is fine. */
async function found(): Promise<Examined[]> {
	return (await everything()).filter(({ kind }) => kind !== "fine");
}

/** What is wrong, beside what every side of these tests has worth knowing. */
async function wrong(): Promise<Examined[]> {
	return (await found()).filter(({ kind }) => kind === "wrong");
}

/** One thing is wrong, of that check. */
async function isWrong(check: string, what: RegExp): Promise<Examined> {
	const all = await wrong();
	const [first] = all;
	assert.equal(all.length, 1, JSON.stringify(all, null, 1));
	assert.equal(first?.check, check);
	assert.match(first.what, what);
	return first as Examined;
}

async function isNoted(check: string, what: RegExp): Promise<void> {
	assert.deepEqual(await wrong(), []);
	const note = (await found()).find(
		(finding) => finding.check === check && what.test(finding.what),
	);
	assert.ok(note, JSON.stringify(await found()));
}

async function editPolicy(
	home: string,
	// biome-ignore lint/suspicious/noExplicitAny: what a test writes may be anything.
	edit: (policy: any) => void,
): Promise<void> {
	const file = join(home, "policy.json");
	const policy = JSON.parse(await readFile(file, "utf8"));
	edit(policy);
	await writeFile(file, JSON.stringify(policy));
}

describe("the doctor", () => {
	test("finds nothing wrong with a side that is well, and says what is worth knowing", async () => {
		assert.deepEqual(
			(await found()).map(({ check, kind }) => [check, kind]),
			[
				["untrusted lists", "note"],
				["untrusted lists", "note"],
				["purse", "note"],
			],
		);
	});

	test("finds a Node that is too old", async () => {
		machine = { ...machine, node: "24.20.9" };
		await isWrong("Node", /24\.20\.9, and 24\.21 is the oldest/);
	});

	test("a library of cryptography that is not there is noted, and one that was asked for is missed", async () => {
		machine = {
			...machine,
			providing: () =>
				choose({}, () => {
					throw new Error("no such package");
				}),
		};
		const [noted] = await found();
		assert.equal(noted?.check, "crypto");
		assert.equal(noted.kind, "note");
		assert.match(noted.what, /since sodium-native does not load$/);
		machine = {
			...machine,
			providing: () => {
				throw new TetradError("invalid-argument", "TETRAD_CRYPTO is sodium");
			},
		};
		await isWrong("crypto", /TETRAD_CRYPTO is sodium/);
	});

	test("finds a disk with little room, and one with next to none", async () => {
		machine = { ...machine, freeBytes: async () => GB / 2n };
		await isNoted("disk", /500 MB are free/);
		machine = { ...machine, freeBytes: async () => GB / 20n };
		await isWrong("disk", /50 MB are free/);
	});

	test("a policy that has AES first, on a processor without instructions for it, is noted", async () => {
		machine = { ...machine, hasAes: () => false };
		for (const [suites, count] of [
			[["hybrid-chachapoly-aesgcm", "hybrid-chachapoly"], 1],
			[["hybrid-aesgcm", "hybrid-chachapoly"], 1],
			[["hybrid-chachapoly", "hybrid-aesgcm"], 0],
			// Whoever takes nothing else has said so.
			[["hybrid-aesgcm"], 0],
		] as const) {
			for (const home of [agent(), module()])
				await editPolicy(home, ({ accept }) => {
					accept.suites = suites;
				});
			const noted = (await found()).filter(({ what }) =>
				/would rather have/.test(what),
			);
			assert.equal(noted.length, 2 * count, suites.join());
		}
	});

	test("says what seals the link, and notes AES on it that neither device has to have", async () => {
		for (const [ofAgent, ofModule, hasAes, kind, sealed] of [
			["hybrid-aesgcm", "hybrid-chachapoly", true, "fine", "AES-256-GCM"],
			["hybrid-aesgcm", "hybrid-aesgcm", false, "fine", "AES-256-GCM"],
			["hybrid-chachapoly", undefined, false, "fine", "ChaCha20-Poly1305"],
			[
				undefined,
				undefined,
				true,
				"fine",
				"ChaCha20-Poly1305, and what is longer than 8 KiB with AES-256-GCM",
			],
			[
				undefined,
				undefined,
				false,
				"note",
				"ChaCha20-Poly1305, and what is longer than 8 KiB with AES-256-GCM, and this processor has no instructions for AES that are known of",
			],
		] as const) {
			machine = { ...machine, hasAes: () => hasAes };
			for (const [home, suite] of [
				[agent(), ofAgent],
				[module(), ofModule],
			] as const)
				await editPolicy(home, ({ accept }) => {
					// The second choice of both, of which a link takes the first.
					accept.suites =
						suite === undefined
							? ["hybrid-chachapoly", "hybrid-chachapoly-aesgcm"]
							: [suite];
				});
			const said = (await everything()).filter(({ what }) =>
				what.startsWith("agent and module seal"),
			);
			assert.deepEqual(
				said.map((one) => [one.check, one.kind, one.what]),
				[["policy", kind, `agent and module seal their link with ${sealed}`]],
			);
		}
	});

	test("finds a home that others may read", async () => {
		await chmod(module(), 0o755);
		await isWrong("folders", /others may read .*module; close it with: chmod/);
	});

	test("finds a home that is gone, and says it once", async () => {
		await rm(module(), { recursive: true });
		await isWrong("folders", /there is no home at .*module/);
	});

	test("finds a secret that others may read, and one that is not there", async () => {
		await writeFile(
			join(path, "tetrad.toml"),
			`${await readFile(join(path, "tetrad.toml"), "utf8")}\n[secrets]\nagent-passphrase-file = "word"\n`,
		);
		await isWrong("secrets", /there is no .*word/);
		await writeFile(join(path, "word"), "word", { mode: 0o644 });
		await isWrong("secrets", /others may read .*word/);
		await chmod(join(path, "word"), 0o600);
		assert.deepEqual(await wrong(), []);
	});

	test("finds a clock that is behind what the device has seen", async () => {
		await writeFile(
			agent("state.json"),
			JSON.stringify({ version: 1, lastSeen: Date.now() + DAY_MS, lists: {} }),
		);
		await isWrong("clock", /agent: the clock shows .*; set the clock right/);
	});

	test("finds a certificate that ends soon, and one that has ended", async () => {
		const now = Date.now();
		const ends = await endOf("module");
		machine = { ...machine, now: () => ends - 10 * DAY_MS };
		assert.ok(ends > now);
		await isNoted("certificate", /module: it ends on .*, in (9|10) days/);
		machine = { ...machine, now: () => ends + DAY_MS };
		const all = await wrong();
		assert.ok(
			all.some(
				({ check, what }) =>
					check === "certificate" && /has expired/.test(what),
			),
		);
	});

	test("finds a list that is too old, and one that names the own module", async () => {
		const bank = await Authority.open(homes.at("bank"));
		await importList(agent(), (await bank.publish({})).bundle);
		await editPolicy(agent(), (policy) => {
			policy.untrustedLists = { maxAgeDays: 2 };
		});
		const stale = (await wrong()).find(
			({ check }) => check === "untrusted lists",
		);
		assert.match(stale?.what ?? "", /agent: .*(no|list)/);
		const agency = await Authority.open(homes.at("agency"));
		await importList(agent(), (await agency.publish({})).bundle);
		assert.deepEqual(await wrong(), []);
		machine = { ...machine, now: () => Date.now() + 3 * DAY_MS };
		const old = await isWrong("untrusted lists", /agent: .*list/);
		assert.match("todo" in old ? (old.todo ?? "") : "", /tetrad lists --home/);
		machine = { ...machine, now: Date.now };
		await bank.revoke({ name: "alice-purse" }, undefined);
		await importList(agent(), (await bank.publish({})).bundle);
		await isWrong("untrusted lists", /agent: .*alice-purse|untrusted/);
	});

	test("finds a policy that accepts no paired link", async () => {
		await editPolicy(module(), (policy) => {
			policy.accept.links = ["unsafe-open"];
		});
		await isWrong("policy", /module: does not accept paired links/);
	});

	test("finds devices that are not paired, or not with each other", async () => {
		const other = { peerDeviceId: new Uint8Array(60), key: new Uint8Array(32) };
		await writePairing(agent(), other, "mallory");
		await isWrong(
			"pairing",
			/agent: is paired with another module .*, mallory/,
		);
		await rm(agent("pairing.json"));
		await isWrong("pairing", /agent: is paired with nobody/);
	});

	test("finds tries to pair", async () => {
		await writePairingTries(module(), 2);
		await isNoted("pairing", /2 of 3 tries to pair/);
		await writePairingTries(module(), 3);
		await isWrong("pairing", /3 of 3 tries to pair/);
	});

	test("finds a module that runs and does not answer, and none that does not run", async () => {
		machine = { ...machine, isReached: async ({ kind }) => kind === "tcp" };
		await isWrong("link", /the module runs, and does not answer at unix:/);
		machine = {
			...machine,
			holder: async () => undefined,
			holders: async () => [],
		};
		await isNoted("processes", /the module does not run/);
	});

	test("finds an issuer that does not answer, and one that is not said", async () => {
		machine = { ...machine, isReached: async ({ kind }) => kind === "unix" };
		await isWrong("issuer", /nobody answers at tcp:127\.0\.0\.1:7100/);
		await writeFile(join(path, "tetrad.toml"), 'kind = "buyer"\nname = "a"');
		await isWrong("issuer", /do not say where it answers/);
	});

	test("finds terms of an issuer whose money the purse does not take", async () => {
		const terms = join(path, "other.json");
		await writeIssuerTerms(terms, {
			issuer: await moduleIdOf(homes.of("X")),
			name: "other",
			currency: { code: "EUR", exponent: 2 },
			isPlay: false,
		});
		await writeFile(
			join(path, "tetrad.toml"),
			`kind = "buyer"\nname = "a"\n[issuer]\nat = "x:1"\nterms = "other.json"`,
		);
		await isWrong(
			"issuer's terms",
			/the money of other, and the purse takes none/,
		);
		await rm(terms);
		await isWrong("issuer's terms", /cannot read .*other\.json/);
	});

	test("finds a module without a purse", async () => {
		await rm(module("purse.json"));
		await isWrong("purse", /there is none in the module's home/);
	});

	test("finds a shop that nobody can come to and that has nothing to sell", async () => {
		const write = (more: string) =>
			writeFile(
				join(path, "tetrad.toml"),
				`kind = "shop"\nname = "a"\n${more}[issuer]\nat = "x:1"\nterms = "${homes.at("issuer.terms.json")}"\n[sell]\nprice = "1"`,
			);
		await mkdir(join(path, "goods"));
		await write("");
		await isWrong("address", /do not say where its agent answers/);
		await write('[agent]\nlisten = "127.0.0.1:7000"\n');
		await isNoted("goods", /nothing to sell/);
		await rm(join(path, "goods"), { recursive: true });
		await isWrong("goods", /there is no folder .*goods/);
	});

	test("looks at one device alone", async () => {
		const patient = await findPatient(agent(), {}, machine);
		assert.ok(patient);
		const checks = new Set<string>();
		for await (const { check, kind } of examine(patient)) {
			assert.notEqual(kind, "wrong");
			checks.add(check);
		}
		assert.ok(checks.has("clock") && !checks.has("purse"));
		assert.equal(await findPatient(undefined, {}, machine), undefined);
	});
});

async function endOf(role: "agent" | "module"): Promise<number> {
	const patient = await findPatient(path, {}, machine);
	assert.ok(patient?.side);
	const { devices } = await statusOf(patient.side, patient);
	return devices.find((device) => device.role === role)?.certificateEnds ?? 0;
}

describe("the status of a side", () => {
	test("is read from its homes", async () => {
		const patient = await findPatient(path, {}, machine);
		assert.ok(patient?.side);
		await writeFile(
			agent("log.jsonl"),
			`{"time":"2026-05-01T10:00:00.000Z","event":"settled","issuer":"mint"}\n{"time":1,"event":"linked"}\n{"tim`,
		);
		await writeFile(
			module("log.jsonl"),
			'{"time":1000,"event":"listening"}\n{"time":2000,"event":"linked"}\n{"time":3000,"event":"bound"}\n',
		);
		const { devices, ...rest } = await statusOf(patient.side, patient);
		assert.deepEqual(rest, {
			link: { isUp: true, since: 2000 },
			settled: { time: Date.parse("2026-05-01T10:00:00Z"), issuer: "mint" },
			crypto: `node:crypto on OpenSSL ${process.versions.openssl}`,
			inDoubt: { kind: "counted", count: 0 },
			approvals: { kind: "counted", count: 0 },
		});
		assert.deepEqual(
			devices.map(({ role, name, process, pairedWith }) => ({
				role,
				name,
				process,
				pairedWith,
			})),
			[
				{
					role: "agent",
					name: "alice",
					process: 4711,
					pairedWith: "alice-purse",
				},
				{
					role: "module",
					name: "alice-purse",
					process: 4711,
					pairedWith: "alice",
				},
			],
		);
	});

	test("has no link while the module does not run, or after it was started anew", async () => {
		const log = '{"time":2000,"event":"linked"}\n';
		await writeFile(module("log.jsonl"), log);
		const patient = await findPatient(path, {}, machine);
		assert.ok(patient?.side);
		const isUp = async (holder: number | undefined) =>
			(
				await statusOf(patient.side as Side, {
					...patient,
					machine: {
						...machine,
						holder: async () => holder,
						holders: async () =>
							holder === undefined ? [] : [{ process: holder }],
					},
				})
			).link?.isUp;
		assert.equal(await isUp(4711), true);
		assert.equal(await isUp(undefined), false);
		await writeFile(
			module("log.jsonl"),
			`${log}{"time":3000,"event":"listening"}\n`,
		);
		assert.equal(await isUp(4711), false);
	});

	test("says of a home that cannot be read why", async () => {
		await rm(agent("policy.json"));
		const patient = await findPatient(path, {}, machine);
		assert.ok(patient?.side);
		const { devices } = await statusOf(patient.side, patient);
		assert.match(devices[0]?.trouble ?? "", /there is no .*policy\.json/);
	});
});

describe("who has a home", () => {
	test("is known while it is had, and nobody is kept out by looking", async () => {
		assert.equal(await HomeLock.holder(agent()), undefined);
		using lock = await HomeLock.take(agent());
		assert.equal(await HomeLock.holder(agent()), process.pid);
		lock[Symbol.dispose]();
		assert.equal(await HomeLock.holder(agent()), undefined);
		using _ = await HomeLock.take(agent());
	});
});
