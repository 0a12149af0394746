import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { readHome } from "../../src/device/home/home.ts";
import { suitesOfNewHome } from "../../src/device/home/policy-file.ts";
import type { TetradError } from "../../src/errors.ts";
import { hex } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";

const DAY_MS = 86_400_000;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let path: string;
let text: string;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	path = join(homes.of("A"), "policy.json");
	text = await readFile(path, "utf8");
});
after(() => folder[Symbol.asyncDispose]());
beforeEach(() => writeFile(path, text));

// biome-ignore lint/suspicious/noExplicitAny: what a test writes may be anything.
type Anything = any;

async function edit(change: (policy: Anything) => void): Promise<void> {
	const policy = JSON.parse(text);
	change(policy);
	await writeFile(path, JSON.stringify(policy));
}

async function read() {
	await using home = await readHome(homes.of("A"), "agent");
	return home.policy;
}

async function refused(expected: RegExp): Promise<void> {
	await assert.rejects(read(), (error: TetradError) => {
		assert.equal(error.code, "home-unusable", error.message);
		assert.match(error.message, expected);
		assert.ok(error.message.includes(path), error.message);
		return true;
	});
}

const someId = `00000020${"ab".repeat(32)}00000005${"61".repeat(5)}`;

describe("policy.json", () => {
	test("of a new home says everything itself, and that it demands no list", async () => {
		const written = JSON.parse(text);
		assert.deepEqual(Object.keys(written), [
			"version",
			"trust",
			"accept",
			"demands",
			"untrustedLists",
		]);
		assert.equal(written.untrustedLists, "unsafe-none-demanded");
		const policy = await read();
		assert.equal(policy.untrustedLists, undefined);
		assert.deepEqual(policy.links, ["paired"]);
		assert.deepEqual(policy.roots, ["transcript"]);
	});

	test("of a new home has two AEADs first where both are fast, and without instructions for AES none of it first", () => {
		const of = (shortAead: "AESGCM" | "ChaChaPoly", hasAes: boolean) =>
			suitesOfNewHome({ shortAead }, hasAes);
		assert.deepEqual(of("ChaChaPoly", true), [
			"hybrid-chachapoly-aesgcm",
			"hybrid-chachapoly",
			"hybrid-aesgcm",
		]);
		assert.deepEqual(of("AESGCM", true), [
			"hybrid-aesgcm",
			"hybrid-chachapoly-aesgcm",
			"hybrid-chachapoly",
		]);
		for (const aead of ["AESGCM", "ChaChaPoly"] as const)
			assert.deepEqual(of(aead, false), ["hybrid-chachapoly", "hybrid-aesgcm"]);
		assert.deepEqual(JSON.parse(text).accept.suites, suitesOfNewHome());
	});

	test("is what the device goes by", async () => {
		await edit((policy) => {
			policy.demands = {
				peerAgent: { tamperResistance: "token", allow: [someId], refuse: [] },
				ownModule: { tamperResistance: "tpm" },
				peerModule: {},
			};
			policy.untrustedLists = {
				maxAgeDays: 30,
				maxAgeOfIntermediatesDays: 400,
			};
		});
		const { demands, untrustedLists } = await read();
		assert.equal(demands?.peerAgent?.minimum, "token");
		assert.deepEqual(demands?.peerAgent?.allow?.map(hex), [someId]);
		assert.deepEqual(demands?.peerAgent?.refuse, []);
		assert.deepEqual(demands?.ownModule, { minimum: "tpm" });
		assert.deepEqual(demands?.peerModule, {});
		assert.equal(demands?.ownAgent, undefined);
		assert.deepEqual(untrustedLists, {
			maxAgeMs: 30 * DAY_MS,
			maxAgeOfIntermediatesMs: 400 * DAY_MS,
		});
	});

	test("limits what an agent does at once, where it says so", async () => {
		assert.equal((await read()).load, undefined);
		await edit((policy) => {
			policy.load = { perSecondOfAddress: 500, busyFrom: 0 };
		});
		assert.deepEqual((await read()).load, {
			perSecondOfAddress: 500,
			busyFrom: 0,
		});
	});

	test("lets tetrads be resumed only where it says so", async () => {
		assert.equal((await read()).resumption, undefined);
		await edit((policy) => {
			policy.resumption = "yes";
		});
		assert.equal((await read()).resumption, "yes");
	});

	test("that is not there means no device, and says so", async () => {
		await rm(path);
		await refused(/connects with nobody/);
	});

	const wrong: Record<string, [(policy: Anything) => void, RegExp]> = {
		"an unknown key": [(p) => (p.colour = "red"), /the file: .*"colour"/],
		"an unknown key in what it accepts": [
			(p) => (p.accept.suits = []),
			/: accept: .*"suits"/,
		],
		"an unknown place": [
			(p) => (p.demands.peerBank = {}),
			/: demands: .*"peerBank"/,
		],
		"an unknown key in a demand": [
			(p) => (p.demands.peerAgent = { minimum: "token" }),
			/: demands\.peerAgent: .*"minimum"/,
		],
		"a resumption that is neither no nor yes": [
			(p) => (p.resumption = true),
			/: resumption: /,
		],
		"an unknown limit": [
			(p) => (p.load = { halfopen: 5 }),
			/: load: .*"halfopen"/,
		],
		"a limit that lets nobody in": [
			(p) => (p.load = { working: 0 }),
			/: load\.working: /,
		],
		"an unknown level": [
			(p) => (p.demands.ownModule = { tamperResistance: "hsm" }),
			/: demands\.ownModule\.tamperResistance: /,
		],
		"a device id in capitals": [
			(p) => (p.demands.peerAgent = { allow: [someId.toUpperCase()] }),
			/: demands\.peerAgent\.allow\.0: .*hexadecimal/,
		],
		"a name in the place of a device id": [
			(p) => (p.demands.peerAgent = { refuse: [someId, "bob"] }),
			/: demands\.peerAgent\.refuse\.1: .*hexadecimal/,
		],
		"an unknown suite": [
			(p) => p.accept.suites.push("rot13"),
			/: accept\.suites\.\d: /,
		],
		"an unknown root": [
			(p) => (p.accept.roots = ["xor"]),
			/: accept\.roots\.0: /,
		],
		"nothing that it accepts": [
			(p) => (p.accept.routings = []),
			/: accept\.routings: /,
		],
		"no word of links": [(p) => delete p.accept.links, /: accept\.links: /],
		"no word of demands": [(p) => delete p.demands, /: demands: /],
		"no word of lists": [
			(p) => delete p.untrustedLists,
			/: untrustedLists: .*unsafe-none-demanded/,
		],
		"another word for no lists": [
			(p) => (p.untrustedLists = "none"),
			/: untrustedLists: .*unsafe-none-demanded/,
		],
		"an age of nothing": [
			(p) => (p.untrustedLists = { maxAgeDays: 0 }),
			/: untrustedLists/,
		],
		"no agency": [(p) => (p.trust.agencies = []), /: trust\.agencies: /],
		"roots outside the home": [
			(p) => (p.trust.banks = ["../bank/root.pem"]),
			/: trust\.banks\.0: names no file of this home/,
		],
		"roots by a whole path": [
			(p) => (p.trust.banks = ["/etc/passwd"]),
			/: trust\.banks\.0: names no file of this home/,
		],
		"another version": [(p) => (p.version = 2), /: version: /],
	};
	for (const [what, [change, expected]] of Object.entries(wrong))
		test(`with ${what} is refused, with where it stands`, async () => {
			await edit(change);
			await refused(expected);
		});

	test("is refused when a root is in the wrong list, by the file", async () => {
		await edit((p) => (p.trust.agencies = p.trust.banks));
		await assert.rejects(read(), {
			code: "home-unusable",
			message: /banks\.pem holds a root that certifies modules/,
		});
	});
});
