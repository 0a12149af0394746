import assert from "node:assert/strict";
import {
	chmod,
	cp,
	mkdir,
	mkdtemp,
	readdir,
	readFile,
	rename,
	rm,
	stat,
	symlink,
	writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { Authority } from "../../src/device/authority/authority.ts";
import { readRoots } from "../../src/device/authority/authority-home.ts";
import {
	createAuthorityHome,
	issueDeviceHome,
} from "../../src/device/authority/issue-device-home.ts";
import { replaceFile } from "../../src/device/home/files.ts";
import { type Home, readHome } from "../../src/device/home/home.ts";
import { viewPairings, writePairing } from "../../src/device/home/pairings.ts";
import { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";
import type { TetradError } from "../../src/errors.ts";
import { hex } from "../../src/wire/index.ts";

let root: string;
let template: string;
let home: string;
let count = 0;

const at = (...parts: string[]) => join(home, ...parts);

before(async () => {
	root = await mkdtemp(join(tmpdir(), "tetrad-test-"));
	const agency = await createAuthorityHome(
		join(root, "agency"),
		"agency",
		"Test Agency",
		"P-256",
	);
	await createAuthorityHome(join(root, "bank"), "bank", "Test Bank", "Ed25519");
	template = join(root, "template");
	await issueDeviceHome(agency, {
		home: template,
		name: "alice",
		algorithm: "P-256",
		trust: await readRoots(join(root, "bank")),
	});
});
after(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
	home = join(root, `home-${++count}`);
	await cp(template, home, { recursive: true, preserveTimestamps: true });
});

/** A pairing with another module. */
const other = (number: number) => ({
	...pairing,
	peerDeviceId: pairing.peerDeviceId.with(0, number),
});

/** Reads the home and closes it again. */
async function open(): Promise<{ read: Home }> {
	await using read = await readHome(home, "agent");
	return { read };
}

async function editPolicy(
	// biome-ignore lint/suspicious/noExplicitAny: what a test writes may be anything.
	edit: (policy: any) => void,
): Promise<void> {
	const path = at("policy.json");
	const policy = JSON.parse(await readFile(path, "utf8"));
	edit(policy);
	await writeFile(path, JSON.stringify(policy));
}

/** Reading the home fails so; the message is returned. */
async function refusal(
	code: TetradError["code"] = "home-unusable",
	role: "agent" | "module" = "agent",
): Promise<string> {
	let message = "";
	await assert.rejects(readHome(home, role), (error: TetradError) => {
		assert.equal(error.code, code, error.message);
		message = error.message;
		return true;
	});
	return message;
}

const pairing = {
	peerDeviceId: new Uint8Array(60).fill(0xab),
	key: new Uint8Array(32).fill(0xcd),
};
const KEY_HEX = "cd".repeat(32);

describe("a home", () => {
	test("is read as it was made, and makes an agent", async () => {
		await using read = await readHome(home, "agent");
		assert.equal(read.name, "alice");
		assert.equal(read.role, "agent");
		assert.equal(read.pairing, undefined);
		assert.deepEqual(read.policy.links, ["paired"]);
		assert.equal(new TrustedAgent(read).device.name, "alice");
	});

	test("keeps what its policy says", async () => {
		await editPolicy((policy) => {
			policy.accept.suites = ["classical-aesgcm"];
			policy.accept.routings = ["crossed"];
		});
		await using read = await readHome(home, "agent");
		const { policy } = read;
		assert.deepEqual(policy.suites, ["classical-aesgcm"]);
		assert.deepEqual(policy.routings, ["crossed"]);
		assert.deepEqual(policy.roots, ["transcript"]);
	});

	test("keeps a pairing with each of several modules of an agent, in order", async () => {
		for (const number of [2, 3])
			await assert.rejects(writePairing(home, pairing, "till", number), {
				code: "invalid-argument",
				message: /paired with no module yet/,
			});
		await writePairing(home, pairing, "till");
		await assert.rejects(writePairing(home, other(3), "till-3", 3), {
			code: "invalid-argument",
			message: /has 1 module; the next is number 2/,
		});
		await assert.rejects(writePairing(home, pairing, "till", 2), {
			code: "invalid-argument",
			message: /till is module 1 .* cannot be module 2 as well/,
		});
		for (let number = 2; number <= 16; number++)
			await writePairing(home, other(number), `till-${number}`, number);
		await assert.rejects(writePairing(home, other(17), "till-17", 17), {
			code: "invalid-argument",
			message: /has 16 modules, and more than that/,
		});
		const newer = { ...other(2), key: new Uint8Array(32).fill(9) };
		await writePairing(home, newer, "till-2", 2);
		const { read } = await open();
		assert.deepEqual(read.pairing, pairing);
		assert.equal(read.pairings.length, 16);
		assert.deepEqual(read.pairings.slice(0, 2), [pairing, newer]);
		assert.deepEqual(
			(await viewPairings(home)).slice(0, 3).map(({ peerName }) => peerName),
			["till", "till-2", "till-3"],
		);
		const { mode } = await stat(at("pairing-2.json"));
		assert.equal(mode & 0o077, 0);
	});

	test("leaves out no pairing that there is", async () => {
		await writePairing(home, pairing, "till");
		for (const number of [2, 3])
			await writePairing(home, other(number), `till-${number}`, number);
		for (const [gone, found] of [
			["pairing-2.json", "pairing-3.json"],
			["pairing.json", "pairing-3.json"],
		] as const) {
			await rm(at(gone));
			const refused = { code: "home-unusable", message: new RegExp(found) };
			await assert.rejects(open(), refused);
			await assert.rejects(viewPairings(home), refused);
			await assert.rejects(writePairing(home, other(4), "till-4"), refused);
		}
		await rm(at("pairing-3.json"));
		assert.deepEqual(await viewPairings(home), []);
	});

	test("keeps a pairing, and a newer one in its place, for its owner alone", async () => {
		await writePairing(home, { ...pairing, key: new Uint8Array(32) }, "old");
		await writePairing(home, pairing, "alice-purse");
		await using read = await readHome(home, "agent");
		assert.equal(hex(read.pairing?.key ?? new Uint8Array()), KEY_HEX);
		assert.deepEqual(read.pairing?.peerDeviceId, pairing.peerDeviceId);
		const { mode } = await stat(at("pairing.json"));
		assert.equal(mode & 0o777, 0o600);
		await assert.rejects(stat(at("pairing.json.new")), { code: "ENOENT" });
	});

	test("is made for its owner alone, with every file in it", async () => {
		for (const [name, mode] of [
			["", 0o700],
			["trust", 0o700],
			["device.json", 0o600],
			["policy.json", 0o600],
			["key.pem", 0o600],
			["chain.pem", 0o600],
			["trust/agencies.pem", 0o600],
			["trust/banks.pem", 0o600],
		] as const)
			assert.equal((await stat(join(template, name))).mode & 0o777, mode, name);
	});

	test("keeps no draft of a file that could not be written", async () => {
		const folder = await mkdtemp(join(root, "draft-"));
		await mkdir(join(folder, "file"));
		await assert.rejects(replaceFile(join(folder, "file"), "text"), {
			code: "home-unusable",
		});
		assert.deepEqual(await readdir(folder), ["file"]);
	});

	test("is not made where there is one", async () => {
		const agency = await Authority.open(join(root, "agency"));
		const before = await readFile(at("key.pem"));
		await assert.rejects(
			issueDeviceHome(agency, {
				home,
				name: "alice",
				algorithm: "P-256",
				trust: await readRoots(join(root, "bank")),
			}),
			{ code: "home-unusable", message: /never overwritten/ },
		);
		assert.ok((await readFile(at("key.pem"))).equals(before));
	});
});

describe("a home is refused", () => {
	test("that is not there, with the command that makes one", async () => {
		await rm(home, { recursive: true });
		const message = await refusal();
		assert.ok(message.includes(home));
		assert.match(message, /tetrad authority issue/);
	});

	test("that is a file", async () => {
		await rm(home, { recursive: true });
		await writeFile(home, "");
		assert.match(await refusal(), /not a folder/);
	});

	for (const mode of [0o750, 0o705, 0o711, 0o777])
		test(`that others may enter (${mode.toString(8)}), with the command that closes it`, async () => {
			await chmod(home, mode);
			assert.ok((await refusal()).includes(`chmod 700 ${home}`));
			await chmod(home, 0o700);
			await open();
		});

	for (const mode of [0o640, 0o604, 0o644])
		test(`whose key others may read (${mode.toString(8)}), with the command that closes it`, async () => {
			await chmod(at("key.pem"), mode);
			assert.ok((await refusal()).includes(`chmod 600 ${at("key.pem")}`));
		});

	test("whose pairing others may read, with the command that closes it", async () => {
		await writePairing(home, pairing, "alice-purse");
		await chmod(at("pairing.json"), 0o644);
		assert.ok((await refusal()).includes(`chmod 600 ${at("pairing.json")}`));
	});

	for (const name of [
		"device.json",
		"policy.json",
		"key.pem",
		"chain.pem",
		"trust/agencies.pem",
		"trust/banks.pem",
	]) {
		test(`whose ${name} is missing, by its path`, async () => {
			await rm(at(name));
			assert.ok((await refusal()).includes(at(name)));
		});

		test(`whose ${name} is a symbolic link, by its path`, async () => {
			const elsewhere = at("elsewhere");
			await rename(at(name), elsewhere);
			await symlink(elsewhere, at(name));
			const message = await refusal();
			assert.ok(message.includes(at(name)));
			assert.match(message, /symbolic link/);
		});

		test(`whose ${name} is a folder, by its path`, async () => {
			await rm(at(name));
			await mkdir(at(name));
			assert.ok((await refusal()).includes(at(name)));
		});

		if (name !== "key.pem")
			test(`whose ${name} is far too large, by its path`, async () => {
				await writeFile(at(name), new Uint8Array(300_000).fill(0x20), {
					mode: 0o600,
				});
				const message = await refusal();
				assert.ok(message.includes(at(name)));
				assert.match(message, /too large/);
			});
	}

	test("of which another file of a pairing is broken, or open to others", async () => {
		await writePairing(home, pairing, "till");
		await writePairing(home, other(2), "till-2", 2);
		await chmod(at("pairing-2.json"), 0o644);
		assert.ok((await refusal()).includes(`chmod 600 ${at("pairing-2.json")}`));
		await writeFile(at("pairing-2.json"), "{}", { mode: 0o600 });
		await chmod(at("pairing-2.json"), 0o600);
		assert.ok((await refusal()).includes("pairing-2.json"));
	});

	test("whose pairing is a symbolic link", async () => {
		await writePairing(home, pairing, "alice-purse");
		await rename(at("pairing.json"), at("elsewhere"));
		await symlink(at("elsewhere"), at("pairing.json"));
		assert.match(await refusal(), /symbolic link/);
	});

	test("of the other role, saying which and which is wanted", async () => {
		const message = await refusal("home-unusable", "module");
		assert.match(message, /home of an agent.*runs a module/);
	});

	const key = { unsafeUnsealedFile: "key.pem" };
	const device = { version: 2, role: "agent", name: "alice", key };
	const wrong: Record<string, [object, RegExp]> = {
		"an unknown key": [{ ...device, colour: "red" }, /the file: .*"colour"/],
		"another version": [{ ...device, version: 3 }, /device\.json: version: /],
		"the version before": [
			{ version: 1, role: "agent", name: "alice" },
			/device\.json is from before.*tetrad authority issue.*pair it again/,
		],
		"no role": [{ version: 2, name: "alice", key }, /device\.json: role: /],
		"no key": [{ ...device, key: undefined }, /device\.json: key: /],
		"a key in two places": [
			{ ...device, key: { ...key, file: "key.sealed" } },
			/device\.json: key: .*pkcs11/,
		],
		"a name that is none": [{ ...device, name: 7 }, /device\.json: name: /],
		"a list in the place of the object": [[], /device\.json: the file: /],
	};
	for (const [what, [content, expected]] of Object.entries(wrong))
		test(`whose device.json has ${what}, with where it is`, async () => {
			await writeFile(at("device.json"), JSON.stringify(content));
			assert.match(await refusal(), expected);
		});

	test("whose JSON is broken, without a word of what is in it", async () => {
		const secret = "c0ffee".repeat(10);
		for (const name of ["device.json", "policy.json", "pairing.json"])
			for (const text of [
				`{"key": "${secret}",`,
				`${secret}`,
				`{"version": 1 "${secret}"}`,
				"",
				`"${secret}`,
			]) {
				await cp(template, home, { recursive: true, force: true });
				await rm(at("pairing.json"), { force: true });
				await writeFile(at(name), text, { mode: 0o600 });
				let seen: unknown;
				await readHome(home, "agent").catch((error) => {
					seen = error;
				});
				const { code, message, stack = "", cause } = seen as TetradError;
				assert.equal(code, "home-unusable");
				assert.ok(message.includes(at(name)));
				for (const told of [message, stack, String(cause)])
					assert.ok(!told.includes("c0ffee"), told);
			}
	});

	test("whose pairing is not one, without a word of its key", async () => {
		const good = {
			version: 1,
			peerName: "alice-purse",
			peerDeviceId: "ab".repeat(60),
			key: KEY_HEX,
		};
		const bad: [object, RegExp][] = [
			[{ ...good, key: KEY_HEX.slice(2) }, /pairing\.json: key: /],
			[{ ...good, key: `${KEY_HEX}cd` }, /pairing\.json: key: /],
			[{ ...good, key: KEY_HEX.toUpperCase() }, /pairing\.json: key: /],
			[{ ...good, peerDeviceId: "abc" }, /pairing\.json: peerDeviceId: /],
			[{ ...good, extra: KEY_HEX }, /pairing\.json: the file: .*"extra"/],
			[{ version: 1 }, /pairing\.json: /],
		];
		for (const [content, expected] of bad) {
			await writeFile(at("pairing.json"), JSON.stringify(content), {
				mode: 0o600,
			});
			const message = await refusal();
			assert.match(message, expected);
			assert.ok(!message.toLowerCase().includes("cdcd"));
		}
		await writeFile(at("pairing.json"), JSON.stringify(good), { mode: 0o600 });
		await open();
	});

	test("whose key file holds something else, without a word of it", async () => {
		const pem = await readFile(at("key.pem"), "utf8");
		const body = pem.split("\n")[1] as string;
		for (const text of [
			"",
			"no key",
			pem.replace(body, body.slice(4)),
			pem + pem,
		]) {
			await writeFile(at("key.pem"), text, { mode: 0o600 });
			const message = await refusal("key-store-failed");
			assert.ok(message.includes(at("key.pem")));
			assert.ok(!message.includes(body.slice(8, 24)));
		}
	});

	for (const name of ["chain.pem", "trust/agencies.pem", "trust/banks.pem"])
		test(`whose ${name} holds no certificate, by its path`, async () => {
			for (const text of [
				"",
				"nothing",
				"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
			]) {
				await writeFile(at(name), text);
				let told = "";
				await assert.rejects(
					open().then(({ read }) => new TrustedAgent(read)),
					(error: TetradError) => {
						told = `${error.code}: ${error.message}`;
						return error.family === "environment" || error.family === "peer";
					},
				);
				if (name !== "chain.pem") assert.ok(told.includes(at(name)), told);
			}
		});

	test("that trusts a bank as an agency, by the path of the file", async () => {
		await cp(at("trust", "banks.pem"), at("trust", "agencies.pem"));
		const message = await refusal();
		assert.ok(message.includes(at("trust", "agencies.pem")), message);
	});
});

describe("an authority's home", () => {
	test("is refused when others may enter it, or its root is missing", async () => {
		const authority = join(home, "authority");
		await cp(join(root, "agency"), authority, { recursive: true });
		await chmod(authority, 0o755);
		await assert.rejects(Authority.open(authority), {
			code: "home-unusable",
			message: new RegExp(`chmod 700 ${authority}`),
		});
		await chmod(authority, 0o700);
		assert.equal((await Authority.open(authority)).kind, "agency");
		await rm(join(authority, "root.pem"));
		await assert.rejects(Authority.open(authority), {
			code: "home-unusable",
			message: /root\.pem/,
		});
	});

	test("is not made where there is one", async () => {
		await assert.rejects(
			createAuthorityHome(join(root, "agency"), "agency", "Other", "P-256"),
			{ code: "home-unusable" },
		);
	});
});
