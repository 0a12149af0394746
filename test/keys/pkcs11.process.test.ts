/* What is particular to keys in tokens: what never leaves them, PINs, and tokens that go away. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { promisify } from "node:util";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	besideKey,
	openKey,
	openKeyStore,
	Pkcs11KeyStore,
	parsePkcs11Uri,
	removeKey,
	type SecretSource,
	type StoredKey,
} from "../../src/keys/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { eventually, PIN, SoftHsm, skipUnless } from "../support/tokens.ts";
import { TroubledLibrary } from "../support/troubled-library.ts";

const run = promisify(execFile);
const MESSAGE = Uint8Array.of(1, 2, 3);
const failing = { code: "key-store-failed" };

const rightPin: SecretSource = async () => utf8(PIN);

let hsm: SoftHsm;
let troubled: TroubledLibrary;
let names = 0;
const fresh = () => `key-${names++}`;

function signsWell(key: StoredKey): Promise<void> {
	return key.sign(MESSAGE).then((signature) => {
		assert.ok(
			nodeCrypto.verify(key.algorithm, key.publicKey, MESSAGE, signature),
		);
	});
}

/** The store behind the library that makes trouble. */
function troubledStore(
	pin: SecretSource = rightPin,
	timeoutMs?: number,
): Promise<Pkcs11KeyStore> {
	const uri = `pkcs11:token=one?module-path=${troubled.modulePath}`;
	return Pkcs11KeyStore.open(uri, {
		pin,
		...(timeoutMs === undefined ? {} : { timeoutMs }),
	});
}

/** Uses the token as another program would, in a process of its own; prints what the script returns. */
async function asAnotherProgram(script: string): Promise<string> {
	const { stdout } = await run(
		process.execPath,
		[
			...["--input-type=module", "-e"],
			`import p11 from "pkcs11js";
			const library = new p11.PKCS11();
			library.load(process.env.LIBRARY);
			library.C_Initialize();
			const slot = library.C_GetSlotList(true).find((slot) =>
				library.C_GetTokenInfo(slot).label.trim() === "one");
			const session = library.C_OpenSession(slot, p11.CKF_SERIAL_SESSION | p11.CKF_RW_SESSION);
			library.C_Login(session, p11.CKU_USER, process.env.PIN);
			const find = (label, objectClass = p11.CKO_PRIVATE_KEY) => {
				library.C_FindObjectsInit(session, [
					{ type: p11.CKA_CLASS, value: objectClass },
					{ type: p11.CKA_LABEL, value: Buffer.from(label) }]);
				const found = library.C_FindObjects(session, 10);
				library.C_FindObjectsFinal(session);
				return found;
			};
			const generate = (label, change = {}, id = "01") => library.C_GenerateKeyPair(
				session, { mechanism: p11.CKM_EC_KEY_PAIR_GEN },
				[[p11.CKA_TOKEN, true], [p11.CKA_LABEL, Buffer.from(label)], [p11.CKA_ID, Buffer.from(id, "hex")],
					[p11.CKA_EC_PARAMS, Buffer.from(change.params ?? "06082a8648ce3d030107", "hex")]]
					.map(([type, value]) => ({ type, value })),
				Object.entries({ TOKEN: true, PRIVATE: true, SENSITIVE: true, EXTRACTABLE: false, SIGN: true,
					DECRYPT: false, UNWRAP: false, DERIVE: false, SIGN_RECOVER: false,
					LABEL: Buffer.from(label), ID: Buffer.from(id, "hex"), ...change.attributes })
					.map(([name, value]) => ({ type: p11["CKA_" + name], value })));
			${script}
			library.C_Finalize();`,
		],
		{
			cwd: import.meta.dirname,
			env: { ...process.env, LIBRARY: hsm.modulePath, PIN },
		},
	);
	return stdout;
}

describe("a key in a token", { skip: skipUnless("softhsm") }, () => {
	before(async () => {
		hsm = await SoftHsm.make("one");
		troubled = await TroubledLibrary.make(hsm.modulePath);
	});
	after(async () => {
		await troubled[Symbol.asyncDispose]();
		await hsm[Symbol.asyncDispose]();
	});

	beforeEach(() => troubled.make("none"));

	describe("stays there", staysContract);
	describe("is refused", refusedContract);
	describe("and its PIN", pinContract);
	describe("and its token", tokenContract);
	describe("and its library", libraryContract);
});

function staysContract(): void {
	test("it cannot be read out of it, nor wrapped, nor be made readable", async () => {
		const name = fresh();
		await using store = await Pkcs11KeyStore.open(hsm.uri());
		await store.generate(name, "P-256");
		const said = await asAnotherProgram(`
			const [key] = find("${name}");
			const code = (act) => { try { act(); return "did it"; } catch (thrown) { return /CKR_\\w+/.exec(thrown.message)[0]; } };
			console.log(code(() => library.C_GetAttributeValue(session, key, [{ type: p11.CKA_VALUE }])));
			for (const name of ["EXTRACTABLE", "SENSITIVE"])
				console.log(code(() => library.C_SetAttributeValue(session, key,
					[{ type: p11["CKA_" + name], value: name === "EXTRACTABLE" }])));
			const wrapping = library.C_GenerateKey(session, { mechanism: p11.CKM_AES_KEY_GEN },
				[{ type: p11.CKA_VALUE_LEN, value: 32 }, { type: p11.CKA_WRAP, value: true }]);
			console.log(code(() => library.C_WrapKey(session, { mechanism: p11.CKM_AES_KEY_WRAP_PAD },
				wrapping, key, Buffer.alloc(1000))));
			for (const name of ["TOKEN", "PRIVATE", "SENSITIVE", "EXTRACTABLE", "SIGN", "DECRYPT", "UNWRAP", "DERIVE", "SIGN_RECOVER", "LOCAL"])
				console.log(name, library.C_GetAttributeValue(session, key, [{ type: p11["CKA_" + name] }])[0].value[0]);`);
		assert.deepEqual(said.trim().split("\n"), [
			"CKR_ATTRIBUTE_SENSITIVE",
			"CKR_ATTRIBUTE_READ_ONLY",
			"CKR_ATTRIBUTE_READ_ONLY",
			"CKR_KEY_UNEXTRACTABLE",
			"TOKEN 1",
			"PRIVATE 1",
			"SENSITIVE 1",
			"EXTRACTABLE 0",
			"SIGN 1",
			"DECRYPT 0",
			"UNWRAP 0",
			"DERIVE 0",
			"SIGN_RECOVER 0",
			"LOCAL 1",
		]);
	});

	test("removing it leaves neither half", async () => {
		const name = fresh();
		await using store = await Pkcs11KeyStore.open(hsm.uri());
		await store.generate(name, "P-256");
		await store.remove(name);
		const said = await asAnotherProgram(
			`console.log(find("${name}").length, find("${name}", p11.CKO_PUBLIC_KEY).length);`,
		);
		assert.equal(said, "0 0\n");
	});
}

function refusedContract(): void {
	const refuses = async (name: string, gist: RegExp) => {
		await using store = await Pkcs11KeyStore.open(hsm.uri());
		await assert.rejects(store.open(name), { ...failing, message: gist });
	};

	for (const [why, change, gist] of [
		[
			"can leave the token",
			"{ attributes: { EXTRACTABLE: true } }",
			/could be read out/,
		],
		[
			"shows itself",
			"{ attributes: { SENSITIVE: false } }",
			/could be read out/,
		],
		["needs no PIN", "{ attributes: { PRIVATE: false } }", /could be read out/],
		["also decrypts", "{ attributes: { DECRYPT: true } }", /more than signing/],
		["also unwraps", "{ attributes: { UNWRAP: true } }", /more than signing/],
		["also derives", "{ attributes: { DERIVE: true } }", /more than signing/],
		["does not sign", "{ attributes: { SIGN: false } }", /more than signing/],
		["is of P-384", '{ params: "06052b81040022" }', /another algorithm/],
	] as const)
		test(`when it ${why}`, async () => {
			const name = fresh();
			const id = hex(nodeCrypto.random(4));
			await asAnotherProgram(`generate("${name}", ${change}, "${id}");`);
			await refuses(name, gist);
		});

	test("when it was brought in from outside", async () => {
		const name = fresh();
		const file = join(tmpdir(), `tetrad-import-${process.pid}.pem`);
		const { stdout } = await run("openssl", [
			...["genpkey", "-algorithm", "EC"],
			...["-pkeyopt", "ec_paramgen_curve:P-256"],
		]);
		await writeFile(file, stdout, { mode: 0o600 });
		await run("softhsm2-util", [
			...["--import", file, "--token", "one", "--pin", PIN],
			...["--label", name, "--id", "0a0b"],
		]);
		await rm(file);
		await refuses(name, /was not made in the token/);
	});

	test("when there are two of its name, until its id says which", async () => {
		const name = fresh();
		await asAnotherProgram(
			`generate("${name}", {}, "c1"); generate("${name}", {}, "c2");`,
		);
		await refuses(name, /more than one key that fits the PKCS#11 URI; add id=/);
		await using store = await Pkcs11KeyStore.open(hsm.uri());
		await assert.rejects(store.remove(name), /more than one key/);
		await assert.rejects(store.generate(name, "P-256"), /already/);
		const keys = [];
		for (const id of ["%C1", "%c2"]) {
			const pkcs11 = hsm.uri().replace("?", `;object=${name};id=${id}?`);
			await using key = await openKey({ pkcs11 }, { folder: "/" });
			await signsWell(key);
			keys.push(hex(key.publicKey));
		}
		assert.notEqual(keys[0], keys[1]);
		const first = hsm.uri().replace("?", ";id=%c1?");
		await removeKey({ pkcs11: first }, { folder: "/" });
		assert.equal(hex((await store.open(name)).publicKey), keys[1]);
		const beside = besideKey({ pkcs11: first }, "next");
		assert.ok("pkcs11" in beside);
		assert.deepEqual(parsePkcs11Uri(beside.pkcs11), {
			...parsePkcs11Uri(hsm.uri()),
			object: "next",
		});
	});

	test("when its public half is missing", async () => {
		const name = fresh();
		await asAnotherProgram(
			`const { publicKey } = generate("${name}", {}, "d1"); library.C_DestroyObject(session, publicKey);`,
		);
		await refuses(name, /exactly one public key/);
	});

	test("when its public half is another's", async () => {
		const name = fresh();
		await asAnotherProgram(
			`const one = generate("${name}", {}, "d2"), other = generate("other", {}, "d3");
			library.C_DestroyObject(session, one.publicKey);
			library.C_SetAttributeValue(session, other.publicKey, [{ type: p11.CKA_ID, value: Buffer.from("d2", "hex") }]);`,
		);
		await refuses(name, /signed wrongly/);
	});

	test("when two tokens fit the URI", async () => {
		await using two = await SoftHsm.make("same", "same");
		const uri = two.uri();
		await using store = await Pkcs11KeyStore.open(uri);
		await assert.rejects(store.list(), {
			...failing,
			message: /2 tokens fit the PKCS#11 URI; add serial=/,
		});
		Object.assign(process.env, hsm.env);
	});
}

function pinContract(): void {
	test("a wrong one is tried once, however often and by whom it is given", async () => {
		const before = await troubled.logins();
		const wrong: SecretSource = async () => utf8("wrong-pin-1");
		const first = await troubledStore(wrong);
		await assert.rejects(first.list(), {
			...failing,
			message: /refused the PIN, and it is not tried again/,
		});
		await using second = await troubledStore(wrong);
		for (const outcome of await Promise.allSettled([
			...Array.from({ length: 5 }, () => first.list()),
			second.open("nobody"),
			second.generate(fresh(), "P-256"),
		]))
			assert.match(
				String(outcome.status === "rejected" && outcome.reason.message),
				/this PIN was refused before/,
			);
		await first[Symbol.asyncDispose]();
		await using third = await troubledStore(wrong);
		await assert.rejects(third.list(), failing);
		assert.equal(await troubled.logins(), before + 1);
		await using right = await troubledStore();
		await right.list();
		assert.equal(await troubled.logins(), before + 2);
	});

	test("a wrong one given many times at once is tried once", async () => {
		const before = await troubled.logins();
		await using store = await troubledStore(async () => utf8("wrong-pin-2"));
		const asking = Array.from({ length: 10 }, () => store.list());
		for (const outcome of await Promise.allSettled(asking))
			assert.equal(outcome.status, "rejected");
		assert.equal(await troubled.logins(), before + 1);
	});

	for (const [trouble, gist] of [
		["final-try", /one wrong PIN more would lock the token/],
		["locked", /the PIN of the token is locked/],
		["pin-pad", /at a reader of its own/],
	] as const)
		test(`none is tried when the token says ${trouble}`, async () => {
			const before = await troubled.logins();
			await using store = await troubledStore();
			await troubled.make(trouble);
			await assert.rejects(store.list(), { ...failing, message: gist });
			assert.equal(await troubled.logins(), before);
			await troubled.make("none");
			await store.list();
		});

	test("one that the library crashed over is not tried again", async () => {
		const before = await troubled.logins();
		await using store = await troubledStore(async () => utf8("crashing-pin"));
		await troubled.make("crash-at-login");
		await assert.rejects(store.list(), {
			...failing,
			message: /ended unexpectedly/,
		});
		await troubled.make("none");
		await assert.rejects(store.list(), /nobody knows whether it was/);
		assert.equal(await troubled.logins(), before + 1);
	});

	test("one that failed for another reason is tried once for each time it is asked for", async () => {
		const before = await troubled.logins();
		await using store = await troubledStore();
		await troubled.make("device-error-at-login");
		await assert.rejects(store.list(), /CKR_DEVICE_ERROR in C_Login/);
		assert.equal(await troubled.logins(), before + 1);
		await troubled.make("none");
		await store.list();
		assert.equal(await troubled.logins(), before + 2);
	});

	test("it is asked for once, and wiped", async () => {
		const given: Uint8Array[] = [];
		await using store = await troubledStore(async ({ what, isNew }) => {
			assert.equal(what, "PIN of one");
			assert.equal(isNew, false);
			const pin = utf8(PIN);
			given.push(pin);
			return pin;
		});
		await store.generate(fresh(), "P-256");
		await store.list();
		assert.equal(given.length, 1);
		assert.ok(given[0]?.every((byte) => byte === 0));
	});

	test("it is needed, and is a text", async () => {
		await using none = await Pkcs11KeyStore.open(hsm.uri({ pin: false }));
		await assert.rejects(none.list(), {
			...failing,
			message: /wants its PIN; add pin-source/,
		});
		const odd = async () => Uint8Array.of(0xff, 0xfe);
		await using store = await Pkcs11KeyStore.open(hsm.uri(), { pin: odd });
		await assert.rejects(store.list(), { ...failing, message: /not UTF-8/ });
	});

	test("its file is refused when others can read it", async () => {
		await chmod(hsm.pinFile, 0o644);
		try {
			await using store = await Pkcs11KeyStore.open(hsm.uri());
			await assert.rejects(store.list(), { code: "home-unusable" });
		} finally {
			await chmod(hsm.pinFile, 0o600);
		}
	});
}

function tokenContract(): void {
	test("when it goes away signatures fail, and when it is back they go on", async () => {
		await using store = await Pkcs11KeyStore.open(hsm.uri());
		const key = await store.generate(fresh(), "P-256");
		await hsm.unplug();
		for (let i = 0; i < 3; i++)
			await assert.rejects(key.sign(MESSAGE), {
				...failing,
				message: /cannot be used .*; plug it in/,
			});
		await hsm.plugIn();
		await signsWell(key);
		await signsWell(key);
	});

	test("when another one comes back in its place its key is refused", async () => {
		const name = fresh();
		await using store = await Pkcs11KeyStore.open(hsm.uri());
		const key = await store.generate(name, "P-256");
		await hsm.unplug();
		await assert.rejects(key.sign(MESSAGE), failing);
		await hsm.initialize("one");
		await assert.rejects(key.sign(MESSAGE), /there is no key called/);
		await asAnotherProgram(`generate("${name}");`);
		await assert.rejects(key.sign(MESSAGE), {
			...failing,
			message: /holds another key under this name than before/,
		});
	});

	test("a device that is removed for a moment costs no signature", async () => {
		await using store = await troubledStore();
		const key = await store.generate(fresh(), "P-256");
		await troubled.make("once-device-removed");
		await signsWell(key);
	});

	test("one that hangs is given up, does not hold up this process, and is used again later", async () => {
		await using store = await troubledStore(rightPin, 2000);
		const key = await store.generate(fresh(), "P-256");
		await troubled.make("hang");
		const signing = key.sign(MESSAGE);
		signing.catch(() => {});
		const tick = new Promise((resolve) => setTimeout(resolve, 20, "tick"));
		assert.equal(await Promise.race([signing, tick]), "tick");
		await assert.rejects(signing, {
			...failing,
			message: /took too long and was given up/,
		});
		await troubled.make("none");
		await signsWell(key);
	});

	test("one that signs wrongly is found out", async () => {
		await using store = await troubledStore();
		const key = await store.generate(fresh(), "P-256");
		await troubled.make("wrong-signature");
		await assert.rejects(key.sign(MESSAGE), {
			...failing,
			message: /signed wrongly/,
		});
		await troubled.make("none");
		await signsWell(key);
	});

	test("more than a thousand waiting signatures are refused", async () => {
		await using store = await troubledStore();
		const key = await store.generate(fresh(), "P-256");
		const signing = Array.from({ length: 1100 }, () => key.sign(MESSAGE));
		const outcomes = await Promise.allSettled(signing);
		const refused = outcomes.filter(({ status }) => status === "rejected");
		assert.ok(refused.length >= 90 && refused.length <= 100);
		await signsWell(key);
	});

	test("a message that no device signs is refused", async () => {
		await using store = await Pkcs11KeyStore.open(hsm.uri());
		const key = await store.generate(fresh(), "Ed25519");
		await assert.rejects(key.sign(new Uint8Array(65_537)), {
			code: "invalid-argument",
		});
	});
}

function libraryContract(): void {
	test("may crash without taking the device with it", async () => {
		await using store = await troubledStore();
		const key = await store.generate(fresh(), "P-256");
		await troubled.make("crash-at-sign");
		await assert.rejects(key.sign(MESSAGE), {
			...failing,
			message: /ended unexpectedly/,
		});
		await troubled.make("none");
		await signsWell(key);
	});

	test("ends with the device, also when it hangs", async () => {
		const name = fresh();
		await using store = await troubledStore();
		await store.generate(name, "P-256");
		const pinFile = hsm.pinFile;
		const room = new URL("../../src/keys/index.ts", import.meta.url).href;
		const script = `
			const { Pkcs11KeyStore } = await import("${room}");
			const store = await Pkcs11KeyStore.open("pkcs11:token=one?module-path=${troubled.modulePath}&pin-source=${pinFile}");
			const key = await store.open("${name}");
			const { execFileSync } = await import("node:child_process");
			const { writeFileSync } = await import("node:fs");
			const children = execFileSync("pgrep", ["-P", String(process.pid), "-f", "token-process"]);
			writeFileSync(process.env.TROUBLED_FILE, "hang");
			key.sign(new Uint8Array(3));
			setTimeout(() => { process.stdout.write(children); process.exit(); }, 100);`;
		const { stdout } = await run(process.execPath, [
			...["--input-type=module", "-e", script],
		]);
		await eventually("the library's process is gone", async () =>
			run("ps", ["-o", "stat=", "-p", stdout.trim()]).then(
				({ stdout: state }) => state.startsWith("Z"),
				() => true,
			),
		);
		await troubled.make("none");
	});

	test("is refused when it is missing, no library or may be replaced by others", async () => {
		const folder = await mkdtemp(join(tmpdir(), "tetrad-library-"));
		const text = join(folder, "text.so");
		await writeFile(text, "no library");
		const open = join(folder, "open.so");
		await copyFile(hsm.modulePath, open);
		await chmod(open, 0o777);
		const uri = (path: string) => `pkcs11:token=one?module-path=${path}`;
		for (const [path, gist] of [
			[join(folder, "none.so"), /there is no PKCS#11 library/],
			[folder, /is not a file/],
			[open, /may be replaced by other users/],
		] as const)
			await assert.rejects(Pkcs11KeyStore.open(uri(path)), {
				code: "home-unusable",
				message: gist,
			});
		await using store = await Pkcs11KeyStore.open(uri(text));
		await assert.rejects(store.list(), {
			...failing,
			message: /cannot be loaded as a PKCS#11 library/,
		});
		await rm(folder, { recursive: true });
	});

	test("needs pkcs11js, and says so where it is not installed", async () => {
		const room = new URL("../../src/keys/index.ts", import.meta.url).href;
		const without = `import { registerHooks } from "node:module";
			registerHooks({ resolve(name, context, next) {
				if (name === "pkcs11js") throw new Error("not installed");
				return next(name, context);
			} });`;
		const script = `
			const { Pkcs11KeyStore } = await import("${room}");
			await using store = await Pkcs11KeyStore.open("${hsm.uri()}");
			await store.list().catch((thrown) => console.log(thrown.code, thrown.message));`;
		const { stdout } = await run(
			process.execPath,
			["--input-type=module", "-e", script],
			{
				env: {
					...process.env,
					NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(without)}`,
				},
			},
		);
		assert.match(
			stdout,
			/^key-store-failed keys in tokens need the package pkcs11js, .* npm install pkcs11js/,
		);
	});

	test("is asked for a key by a location that names none, in vain", async () => {
		await assert.rejects(openKeyStore({ pkcs11: hsm.uri() }, { folder: "/" }), {
			code: "invalid-argument",
			message: /has to name a key/,
		});
	});
}
