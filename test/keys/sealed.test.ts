import assert from "node:assert/strict";
import {
	argon2Sync,
	createDecipheriv,
	createPrivateKey,
	createPublicKey,
} from "node:crypto";
import {
	chmod,
	chown,
	mkdir,
	readdir,
	readFile,
	rename,
	symlink,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { inspect } from "node:util";
import { TetradError } from "../../src/errors.ts";
import {
	DEFAULT_COST,
	openKey,
	type SecretSource,
	SoftwareKeyStore,
	type StoredKey,
} from "../../src/keys/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import type { StoreUnderTest } from "./contract.ts";
import { CHEAP, sealedStore } from "./support.ts";

const ALGORITHMS = ["P-256", "Ed25519"] as const;
const PASSPHRASE = "correct horse";
const HEADER_BYTES = 57;

let under: StoreUnderTest;
let files = 0;
before(async () => {
	under = await sealedStore();
});
after(() => under[Symbol.asyncDispose]());

/** A store that is asked for its passphrase here. */
function storeWith(passphrase: SecretSource): Promise<SoftwareKeyStore> {
	return SoftwareKeyStore.open(under.folder, { passphrase, cost: CHEAP });
}

async function sealed(
	algorithm: (typeof ALGORITHMS)[number] = "P-256",
): Promise<{ name: string; path: string; content: Buffer; key: StoredKey }> {
	const name = `k${files++}`;
	const store = await under.open();
	const key = await store.generate(name, algorithm);
	const path = join(under.folder, `${name}.sealed`);
	return { name, path, content: await readFile(path), key };
}

/** Whether the content is refused, with the code and gist that are expected. */
async function refuses(
	content: Uint8Array,
	gist: RegExp,
	passphrase: SecretSource = async () => utf8(PASSPHRASE),
): Promise<void> {
	const name = `k${files++}`;
	const path = join(under.folder, `${name}.sealed`);
	await writeFile(path, content, { mode: 0o600 });
	await assert.rejects((await storeWith(passphrase)).open(name), (thrown) => {
		assert.ok(thrown instanceof TetradError, inspect(thrown));
		assert.equal(thrown.code, "key-store-failed");
		assert.match(thrown.message, gist);
		assert.equal(thrown.cause, undefined);
		return true;
	});
}

const NOT_OPENED = /the passphrase is wrong or the file was changed/;
const NO_SEALED_KEY = /is no sealed key of this version, or is damaged/;
const EITHER = new RegExp(`${NOT_OPENED.source}|${NO_SEALED_KEY.source}`);

suite("a sealed key file", () => {
	for (const algorithm of ALGORITHMS)
		test(`of ${algorithm} has the layout that is documented`, async () => {
			const { content, key } = await sealed(algorithm);
			assert.equal(content.toString("latin1", 0, 16), "tetrad/1 sealed\n");
			assert.equal(content[16], algorithm === "P-256" ? 1 : 2);
			const derived = argon2Sync("argon2id", {
				message: PASSPHRASE,
				nonce: content.subarray(29, 45),
				memory: content.readUInt32BE(17),
				passes: content.readUInt32BE(21),
				parallelism: content.readUInt32BE(25),
				tagLength: 32,
			});
			const nonce = content.subarray(45, HEADER_BYTES);
			const open = createDecipheriv("aes-256-gcm", derived, nonce);
			open.setAAD(content.subarray(0, HEADER_BYTES));
			open.setAuthTag(content.subarray(-16));
			const sealedDer = content.subarray(HEADER_BYTES, -16);
			const der = Buffer.concat([open.update(sealedDer), open.final()]);
			assert.equal(der.length, algorithm === "P-256" ? 138 : 48);
			const privateKey = createPrivateKey({
				key: der,
				format: "der",
				type: "pkcs8",
			});
			const publicKey = createPublicKey(privateKey);
			assert.deepEqual(
				Uint8Array.from(publicKey.export({ format: "raw-public" })),
				key.publicKey,
			);
		});

	test("costs what OWASP recommends unless told otherwise", async () => {
		const store = await SoftwareKeyStore.open(under.folder, {
			passphrase: async () => utf8(PASSPHRASE),
		});
		await store.generate("dear", "Ed25519");
		const content = await readFile(join(under.folder, "dear.sealed"));
		assert.equal(content.readUInt32BE(17), DEFAULT_COST.memoryKib);
		assert.equal(content.readUInt32BE(21), DEFAULT_COST.passes);
		assert.equal(content.readUInt32BE(25), DEFAULT_COST.lanes);
		await store.open("dear");
	});

	test("has a salt and a nonce of its own", async () => {
		const [one, other] = [await sealed(), await sealed()];
		for (const [from, to] of [
			[29, 45],
			[45, 57],
		])
			assert.notDeepEqual(
				one.content.subarray(from, to),
				other.content.subarray(from, to),
			);
	});

	test("is for its owner only, and nothing is left beside it", async () => {
		const folder = join(under.folder, "alone");
		await mkdir(folder, { mode: 0o700 });
		const store = await SoftwareKeyStore.open(folder, {
			passphrase: async () => utf8(PASSPHRASE),
			cost: CHEAP,
		});
		const old = process.umask(0);
		try {
			await store.generate("k", "P-256");
		} finally {
			process.umask(old);
		}
		assert.deepEqual(await readdir(folder), ["k.sealed"]);
		await openKey(
			{ file: "k.sealed" },
			{ folder, passphrase: async () => utf8(PASSPHRASE) },
		);
	});

	for (const algorithm of ALGORITHMS)
		test(`of ${algorithm} is refused when any one byte is another`, async () => {
			const { content } = await sealed(algorithm);
			for (let at = 0; at < content.length; at++) {
				const changed = Buffer.from(content);
				changed[at] = (changed[at] as number) ^ 0xff;
				await refuses(changed, EITHER);
				changed[at] = (changed[at] as number) ^ 0xfe;
				await refuses(changed, EITHER);
			}
		});

	test("is refused when it is cut anywhere, or longer", async () => {
		const { content } = await sealed("Ed25519");
		for (let length = 0; length < content.length; length++)
			await refuses(content.subarray(0, length), NO_SEALED_KEY);
		await refuses(Buffer.concat([content, Buffer.alloc(1)]), NO_SEALED_KEY);
		await refuses(Buffer.concat([content, content]), NO_SEALED_KEY);
	});

	test("that asks for too much is refused before anybody is asked for the passphrase", async () => {
		const { content } = await sealed();
		const never: SecretSource = async () => assert.fail("it was asked");
		for (const [at, value] of [
			[17, 0xffffffff],
			[17, 262_145],
			[17, 7],
			[17, 0],
			[21, 0xffffffff],
			[21, 11],
			[21, 0],
			[25, 0xffffffff],
			[25, 17],
			[25, 2],
			[25, 0],
		] as const) {
			const changed = Buffer.from(content);
			changed.writeUInt32BE(value, at);
			await refuses(changed, NO_SEALED_KEY, never);
		}
		const store = SoftwareKeyStore.open(under.folder, {
			passphrase: async () => utf8(PASSPHRASE),
			cost: { memoryKib: 2 ** 20, passes: 1, lanes: 1 },
		});
		await assert.rejects((await store).generate("too-dear", "P-256"), {
			code: "invalid-argument",
		});
	});

	test("does not tell a wrong passphrase from an altered file", async () => {
		const { content } = await sealed();
		const wrong = async () => utf8("wrong horse");
		await refuses(content, NOT_OPENED, wrong);
		const changed = Buffer.from(content);
		changed[100] = (changed[100] as number) ^ 1;
		await refuses(changed, NOT_OPENED);
	});

	test("asks once, and wipes what it got", async () => {
		const { name } = await sealed();
		for (const passphrase of [PASSPHRASE, "wrong"]) {
			const given: Uint8Array[] = [];
			const store = await storeWith(async ({ what, isNew }) => {
				assert.equal(what, `passphrase of ${join(under.folder, name)}.sealed`);
				assert.equal(isNew, false);
				const secret = utf8(passphrase);
				given.push(secret);
				return secret;
			});
			await store.open(name).catch(() => {});
			assert.equal(given.length, 1);
			assert.ok(given[0]?.every((byte) => byte === 0));
		}
	});

	test("is not sealed with an empty passphrase, or one too long", async () => {
		for (const secret of ["", "x".repeat(1025), "two\nlines"]) {
			const store = await storeWith(async () => utf8(secret));
			await assert.rejects(store.generate("never", "P-256"), {
				code: "key-store-failed",
			});
		}
		assert.ok(!(await readdir(under.folder)).includes("never.sealed"));
	});

	test("does not hold its key in clear", async () => {
		const { content, key } = await sealed();
		assert.ok(!content.includes(key.publicKey.subarray(1)));
		assert.deepEqual(Object.keys(key).sort(), [
			"algorithm",
			"location",
			"name",
			"publicKey",
		]);
	});
});

suite("a sealed key file is refused", () => {
	const refusesFile = async (name: string, gist: RegExp) =>
		assert.rejects((await under.open()).open(name), {
			code: "home-unusable",
			message: gist,
		});

	for (const mode of [0o640, 0o604, 0o620, 0o610, 0o644])
		test(`when its mode is ${mode.toString(8)}`, async () => {
			const { name, path } = await sealed();
			await chmod(path, mode);
			await refusesFile(name, /open to other users; run: chmod 600/);
		});

	test("when it is a symbolic link, even to a good file", async () => {
		const { name, path } = await sealed();
		await rename(path, `${path}.real`);
		await symlink(`${path}.real`, path);
		await refusesFile(name, /is a symbolic link/);
	});

	const root = {
		skip: process.getuid?.() !== 0 && "only root gives files away",
	};
	test("when another user owns it", root, async () => {
		const { name, path } = await sealed();
		await chown(path, 12345, 12345);
		await refusesFile(name, /belongs to another user/);
	});

	test("when others may put files into its folder", async () => {
		const folder = join(under.folder, "open");
		await mkdir(folder);
		for (const mode of [0o770, 0o707, 0o777]) {
			await chmod(folder, mode);
			await assert.rejects(
				SoftwareKeyStore.open(folder, { passphrase: async () => utf8("x") }),
				{ code: "home-unusable", message: /others may write in/ },
			);
		}
	});

	test("when its location reaches out of the home", async () => {
		const access = { folder: under.folder, passphrase: async () => utf8("x") };
		for (const file of [
			"../k.sealed",
			"/k.sealed",
			"..",
			"",
			"key.pem",
			"%6B.sealed",
		])
			await assert.rejects(openKey({ file }, access), {
				code: "invalid-argument",
			});
		await assert.rejects(
			openKey({ unsafeUnsealedFile: "../key.pem" }, access),
			{ code: "invalid-argument" },
		);
	});
});
