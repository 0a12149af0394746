import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { finishRecertification } from "../../src/device/authority/recertification.ts";
import { readCertificates } from "../../src/device/home/files.ts";
import { readHome } from "../../src/device/home/home.ts";
import { lockHome } from "../../src/device/home/work-lock.ts";
import { makeDevice } from "../../src/device/runtime/identity.ts";
import { secretFromFile } from "../../src/keys/index.ts";
import { hex } from "../../src/wire/index.ts";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { startCaller, startModule, startServer } from "../support/processes.ts";
import { SoftHsm, skipUnless } from "../support/tokens.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let count = 0;

const at = (...names: string[]) => join(folder.path, ...names);
const fresh = (name: string) => at(`${name}-${++count}`);
const text = (path: string) => readFile(path, "utf8");
const SEALED = () => ["--passphrase-file", at("pass")];

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	await writeFile(at("pass"), "correct horse\n", { mode: 0o600 });
});
after(() => folder[Symbol.asyncDispose]());

/** A device with a sealed key of its own. */
async function sealedDevice(name: string): Promise<string> {
	const home = fresh("home");
	await done([
		...["authority", "issue", "--home", at("agency"), "--name", name],
		...["--device", home, "--trust", at("bank")],
		...["--device-passphrase-file", at("pass")],
	]);
	return home;
}

async function renewed(renewal: string, ...flags: string[]): Promise<string> {
	const out = fresh("chain");
	await done([
		...["authority", "issue", "--home", at("agency"), "--renewal", renewal],
		...["--out", out, ...flags],
	]);
	return out;
}

async function ownOf(home: string) {
	await using read = await readHome(home, "agent", {
		passphrase: secretFromFile(at("pass")),
	});
	return makeDevice("agent", read).context.own;
}

const asking = (home: string) => [
	...["recertify", "--home", home, "--out", `${home}.renewal`, ...SEALED()],
];
const goingOver = (home: string, chain: string) => [
	...["recertify", "--home", home, "--certificate", chain],
];

/** A start is mostly waiting for the other core. */
const TOGETHER = { concurrency: 3 };

describe("recertification", TOGETHER, () => {
	test("makes a new key in the same store under the same device id, and keeps the old one until it is forgotten", async () => {
		const home = await sealedDevice("carol");
		const before = await ownOf(home);
		await writeFile(join(home, "pairing.json"), "kept", { mode: 0o600 });
		const { sha256 } = await done(asking(home));
		assert.equal((await done(asking(home)))["sha256"], sha256, "the same key");
		const chain = await renewed(`${home}.renewal`);
		const said = await done(goingOver(home, chain));
		assert.equal(said["deviceId"], hex(before.deviceId));
		assert.deepEqual(await done(goingOver(home, chain)), said);
		assert.equal(await text(join(home, "pairing.json")), "kept");
		await rm(join(home, "pairing.json"));
		const after = await ownOf(home);
		assert.deepEqual(after.deviceId, before.deviceId);
		assert.notDeepEqual(after.publicKey, before.publicKey);
		assert.ok((await readdir(home)).includes("key.sealed"));
		const forget = ["recertify", "--home", home, "--forget-old"];
		assert.equal((await done(forget))["forgotten"], 1);
		assert.equal((await done(forget))["forgotten"], 0);
		const kept = (await readdir(home)).filter(
			(name) => !/lock|state/.test(name),
		);
		assert.deepEqual(kept.toSorted(), [
			...["chain-2.pem", "device.json", "key-2.sealed", "policy.json"],
			"trust",
		]);
		await done(asking(home));
		await done(goingOver(home, await renewed(`${home}.renewal`)));
		assert.match(await text(join(home, "device.json")), /key-3\.sealed/);
		await ownOf(home);
	});

	test("goes on without downtime: who runs with the old key goes on, and who starts has the new one, still paired", async () => {
		await using x = await startModule(homes, "X");
		await using y = await startModule(homes, "Y");
		const server = await startServer(homes, "B", homes.socket("Y"));
		await using _server = server.agent;
		const call = async () => {
			await using caller = startCaller(
				homes,
				"A",
				homes.socket("X"),
				server.address,
			);
			await caller.expect("confirmed");
			await caller.exits(0);
		};
		await call();
		for (const [place, authority] of [
			["A", "agency"],
			["Y", "bank"],
		] as const) {
			const home = homes.of(place);
			await done(["recertify", "--home", home, "--out", `${home}.renewal`]);
			const out = fresh("chain");
			await done([
				...["authority", "issue", "--home", at(authority)],
				...["--renewal", `${home}.renewal`, "--out", out],
			]);
			await done(goingOver(home, out));
			// Y runs with its old key, and A begins with its new one.
			await call();
		}
		assert.equal(x.gone || y.gone, false);
	});

	test("refuses a certificate for another key, for the current one, or of another device", async () => {
		const home = await sealedDevice("dave");
		const current = join(home, "chain.pem");
		await refused(
			goingOver(home, homes.at("alice", "chain.pem")),
			/asked for no new certificate/,
		);
		await done(goingOver(home, current));
		await done(asking(home));
		await refused(goingOver(home, current), /for another key than the one/);
		await refused(goingOver(home, homes.at("bob", "chain.pem")), /is of "bob"/);
		await refused(goingOver(home, homes.at("alice-purse", "chain.pem")), /\(/);
		await refused(
			["recertify", "--home", home],
			/one step: --out FILE, then --certificate FILE/,
			2,
		);
		await ownOf(home);
	});

	test("refuses a wrong passphrase, and leaves all as it was", async () => {
		const home = await sealedDevice("erin");
		const before = await readdir(home);
		const wrong = fresh("pass");
		await writeFile(wrong, "incorrect horse\n", { mode: 0o600 });
		await refused(
			[
				...["recertify", "--home", home, "--out", fresh("renewal")],
				...["--passphrase-file", wrong],
			],
			/the passphrase is wrong/,
		);
		const lockless = (names: string[]) =>
			names.filter((name) => !/lock/.test(name)).toSorted();
		assert.deepEqual(lockless(await readdir(home)), lockless(before));
	});

	test("is gone over to by two at once, of which one waits and finds it done", async () => {
		const home = await sealedDevice("olivia");
		await done(asking(home));
		const path = await renewed(`${home}.renewal`);
		const chain = await readCertificates(path);
		const held = await lockHome(home);
		const both = Promise.all([
			finishRecertification(home, chain),
			finishRecertification(home, chain),
		]);
		// Both have read by then what one of them is about to change.
		await Promise.race([both, pause(200)]);
		await held[Symbol.asyncDispose]();
		const [one, other] = await both;
		assert.deepEqual(one.deviceId, other.deviceId);
		assert.match(await text(join(home, "device.json")), /key-2\.sealed/);
	});

	test("is made by one process at a time", async () => {
		const home = await sealedDevice("frank");
		await using _ = await lockHome(home);
		await refused(asking(home), /another process is at work.*\(busy\)/);
	});

	const withoutHsm = skipUnless("softhsm");
	test("makes the new key in the same token, and never takes one that is there", {
		skip: withoutHsm,
	}, async () => {
		await using hsm = await SoftHsm.make("vault");
		const uri = (object: string) =>
			hsm.uri().replace("?", `;object=${object}?`);
		const make = async (name: string, object: string) => {
			const home = fresh("home");
			const csr = fresh("csr");
			await done([
				...["enroll", "--home", home, "--role", "agent", "--name", name],
				...["--key", uri(object), "--out", csr],
			]);
			const out = fresh("chain");
			await done([
				...["authority", "issue", "--home", at("agency"), "--request", csr],
				...["--out", out],
			]);
			await done([
				...["enroll", "--home", home, "--certificate", out],
				...["--trust-agency", at("agency"), "--trust-bank", at("bank")],
			]);
			return home;
		};
		const home = await make("grace", "grace");
		await make("heidi", "grace-2");
		await refused(
			[
				...["enroll", "--home", fresh("home"), "--role", "agent"],
				...["--name", "ivan", "--key", uri("grace"), "--out", fresh("csr")],
			],
			/there is a key called grace already/,
		);
		await done(["recertify", "--home", home, "--out", `${home}.renewal`]);
		await done(goingOver(home, await renewed(`${home}.renewal`)));
		assert.match(await text(join(home, "device.json")), /object=grace-3/);
		await ownOf(home);
		const forgotten = await done([
			...["recertify", "--home", home, "--forget-old"],
		]);
		assert.equal(forgotten["forgotten"], 1);
		await ownOf(home);
	});
});
