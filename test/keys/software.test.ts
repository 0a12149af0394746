import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import {
	chmod,
	chown,
	link,
	mkdir,
	mkdtemp,
	readdir,
	readFile,
	rm,
	stat,
	symlink,
	writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import {
	generateSoftwareKey,
	readSoftwareKey,
	writeSoftwareKey,
} from "../../src/keys/index.ts";

const ALGORITHMS = ["P-256", "Ed25519"] as const;
const MESSAGE = Uint8Array.of(1, 2, 3);

let folder: string;
let files = 0;
before(async () => {
	folder = await mkdtemp(join(tmpdir(), "tetrad-keys-"));
});
after(() => rm(folder, { recursive: true }));

const fresh = () => join(folder, `${files++}.pem`);

async function written(): Promise<string> {
	const path = fresh();
	await writeSoftwareKey(path, generateSoftwareKey("P-256"));
	return path;
}

async function file(content: string | Uint8Array): Promise<string> {
	const path = fresh();
	await writeFile(path, content, { mode: 0o600 });
	return path;
}

/** The refusal must say which file, for which reason, and no byte of the key. */
async function refuses(
	path: string,
	code: "home-unusable" | "key-store-failed",
	gist: RegExp,
): Promise<void> {
	const content = await readFile(path, "latin1").catch(() => "");
	await assert.rejects(readSoftwareKey(path), (thrown) => {
		assert.ok(thrown instanceof TetradError, String(thrown));
		assert.equal(thrown.code, code);
		assert.match(thrown.message, gist);
		assert.ok(thrown.message.includes(path));
		for (const line of content.split("\n").filter((line) => line.length > 40))
			assert.ok(!inspect(thrown).includes(line.slice(8, 40)));
		return true;
	});
}

suite("a software key", () => {
	for (const algorithm of ALGORITHMS)
		test(`of ${algorithm} signs 64 bytes that its public key verifies`, async () => {
			const key = generateSoftwareKey(algorithm);
			for (let i = 0; i < 50; i++) {
				const signature = await key.sign(MESSAGE);
				assert.equal(signature.length, 64);
				assert.ok(
					nodeCrypto.verify(algorithm, key.publicKey, MESSAGE, signature),
				);
			}
		});

	test("shows its private half nowhere", async () => {
		const path = fresh();
		const key = generateSoftwareKey("P-256");
		await writeSoftwareKey(path, key);
		const secret = (await readFile(path, "latin1")).split("\n")[1] as string;
		const shown = [
			inspect(key, { depth: 10, showHidden: true }),
			JSON.stringify(key),
			String(key),
			...Object.getOwnPropertyNames(key).map((name) =>
				inspect(Reflect.get(key, name)),
			),
		].join();
		assert.ok(!shown.includes(secret.slice(0, 20)));
		assert.deepEqual(Object.keys(key), ["algorithm", "publicKey"]);
	});
});

suite("a key file", () => {
	for (const algorithm of ALGORITHMS)
		test(`with a key of ${algorithm} reads back as the same key`, async () => {
			const path = fresh();
			const key = generateSoftwareKey(algorithm);
			await writeSoftwareKey(path, key);
			const read = await readSoftwareKey(path);
			assert.equal(read.algorithm, algorithm);
			assert.deepEqual(read.publicKey, key.publicKey);
			const signature = await read.sign(MESSAGE);
			assert.ok(
				nodeCrypto.verify(algorithm, key.publicKey, MESSAGE, signature),
			);
		});

	test("is made for its owner only, whatever the umask", async () => {
		const old = process.umask(0);
		try {
			const { mode } = await stat(await written());
			assert.equal(mode & 0o777, 0o600);
		} finally {
			process.umask(old);
		}
	});

	test("is never overwritten", async () => {
		const path = await written();
		const before = await readFile(path);
		await assert.rejects(writeSoftwareKey(path, generateSoftwareKey("P-256")), {
			code: "home-unusable",
			message: /exists already/,
		});
		assert.deepEqual(await readFile(path), before);
	});

	test("is not written through a symbolic link", async () => {
		const path = fresh();
		const target = fresh();
		await symlink(target, path);
		await assert.rejects(writeSoftwareKey(path, generateSoftwareKey("P-256")), {
			code: "home-unusable",
			message: /exists already/,
		});
		await assert.rejects(stat(target), { code: "ENOENT" });
	});

	test("needs a folder, and says how to make one", async () => {
		const path = join(folder, "none", "key.pem");
		await assert.rejects(writeSoftwareKey(path, generateSoftwareKey("P-256")), {
			code: "home-unusable",
			message: /mkdir -p -m 700 .*none$/,
		});
	});

	test("leaves no other file beside it", async () => {
		const home = join(folder, "home");
		await mkdir(home);
		await writeSoftwareKey(join(home, "key.pem"), generateSoftwareKey("P-256"));
		assert.deepEqual(await readdir(home), ["key.pem"]);
	});
});

suite("a key file is refused", () => {
	test("when there is none", () =>
		refuses(fresh(), "home-unusable", /there is no key file/));

	for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666])
		test(`when its mode is ${mode.toString(8)}`, async () => {
			const path = await written();
			await chmod(path, mode);
			await refuses(
				path,
				"home-unusable",
				/open to other users; run: chmod 600 \//,
			);
		});

	test("but not when its mode is 400", async () => {
		const path = await written();
		await chmod(path, 0o400);
		await readSoftwareKey(path);
	});

	test("when it is a symbolic link, even to a good file", async () => {
		const path = fresh();
		await symlink(await written(), path);
		await refuses(path, "home-unusable", /is a symbolic link/);
	});

	test("when it is a folder", () =>
		refuses(folder, "home-unusable", /not a regular file/));

	test("when it is a device", async () => {
		await assert.rejects(readSoftwareKey("/dev/zero"), {
			code: "home-unusable",
			message: /not a regular file/,
		});
	});

	// On Linux the memory of a process is a regular file whose first page cannot be read.
	const linux = { skip: process.platform !== "linux" };
	test("when the disk does not give it back", linux, async () => {
		await assert.rejects(readSoftwareKey("/proc/self/mem"), {
			code: "home-unusable",
			message: /could not be read \(EIO\); check the disk/,
		});
	});

	test("when another user owns it", async () => {
		// Root can give a file away; anybody else has one of root's at hand.
		let path = "/etc/passwd";
		if (process.getuid?.() === 0) {
			path = await written();
			await chown(path, 12345, 12345);
		}
		await refuses(path, "home-unusable", /belongs to another user/);
	});

	test("when it is over 16 KiB, however it goes on", async () => {
		const pem = await readFile(await written());
		const padded = Buffer.concat([pem, Buffer.alloc(16 * 1024, "\n")]);
		await refuses(await file(padded), "home-unusable", /over 16384 bytes/);
	});

	const notOne = /not one unencrypted private key in PKCS#8 PEM/;

	test("when it is empty", async () =>
		refuses(await file(""), "key-store-failed", notOne));

	test("when it is not PEM", async () =>
		refuses(await file(nodeCrypto.random(500)), "key-store-failed", notOne));

	test("when it is encrypted", async () => {
		const { privateKey } = generateKeyPairSync("ed25519", {
			publicKeyEncoding: { format: "pem", type: "spki" },
			privateKeyEncoding: {
				format: "pem",
				type: "pkcs8",
				cipher: "aes-256-cbc",
				passphrase: "x",
			},
		});
		await refuses(await file(privateKey), "key-store-failed", notOne);
	});

	test("when it is in the older SEC 1 form", async () => {
		const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
		const pem = privateKey.export({ format: "pem", type: "sec1" });
		await refuses(await file(pem as string), "key-store-failed", notOne);
	});

	test("when it holds a public key", async () => {
		const { publicKey } = generateKeyPairSync("ed25519");
		const pem = publicKey.export({ format: "pem", type: "spki" });
		await refuses(await file(pem as string), "key-store-failed", notOne);
	});

	test("when it holds two keys", async () => {
		const pem = await readFile(await written(), "latin1");
		await refuses(await file(pem + pem), "key-store-failed", notOne);
	});

	test("when something stands before or after the key", async () => {
		const pem = await readFile(await written(), "latin1");
		await refuses(await file(`x\n${pem}`), "key-store-failed", notOne);
		await refuses(await file(`${pem}x\n`), "key-store-failed", notOne);
	});

	test("when it is damaged", async () => {
		const pem = await readFile(await written(), "latin1");
		const damaged = pem.replace(/\n.{12}/, "\nAAAAAAAAAAAA");
		await refuses(await file(damaged), "key-store-failed", /is damaged/);
	});

	test("when its public half belongs to another key", async () => {
		const [one, other] = [1, 2].map(() =>
			generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
				format: "der",
				type: "pkcs8",
			}),
		) as [Buffer, Buffer];
		other.copy(one, one.length - 64, other.length - 64);
		const base64 = one.toString("base64").replaceAll(/.{64}/g, "$&\n");
		await refuses(
			await file(
				`-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`,
			),
			"key-store-failed",
			/is damaged/,
		);
	});

	for (const [name, pair] of Object.entries({
		"P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
		secp256k1: () => generateKeyPairSync("ec", { namedCurve: "secp256k1" }),
		RSA: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
		X25519: () => generateKeyPairSync("x25519"),
		Ed448: () => generateKeyPairSync("ed448"),
	}))
		test(`when its key is of ${name}`, async () => {
			const pem = pair().privateKey.export({ format: "pem", type: "pkcs8" });
			await refuses(
				await file(pem as string),
				"key-store-failed",
				/is for another algorithm/,
			);
		});

	test("and whatever is in it, only with a TetradError", async () => {
		const pem = await readFile(await written(), "latin1");
		await fc.assert(
			fc.asyncProperty(
				fc.nat({ max: pem.length }),
				fc.nat({ max: 4 }),
				fc.string({ maxLength: 6 }),
				async (at, drop, insert) => {
					const path = await file(
						pem.slice(0, at) + insert + pem.slice(at + drop),
					);
					try {
						await readSoftwareKey(path);
					} catch (thrown) {
						assert.ok(thrown instanceof TetradError, String(thrown));
						assert.equal(thrown.code, "key-store-failed");
					}
					await rm(path);
				},
			),
			{ seed: 5, numRuns: 300 },
		);
	});

	test("is checked on the opened file: a hard link has the owner and mode of the file itself", async () => {
		const path = await written();
		const other = fresh();
		await link(path, other);
		await chmod(path, 0o644);
		await refuses(other, "home-unusable", /open to other users/);
	});
});
