/* Secrets in libsodium's own memory, in processes of their own: what must not be read ends whoever reads it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { suite, test } from "node:test";
import { promisify } from "node:util";
import { choose, loadSodium } from "../../src/provider/choose.ts";

const run = promisify(execFile);
const { CI } = process.env;
const skip =
	choose({}, loadSodium).kind === "node" &&
	CI !== "true" &&
	"NO SODIUM: sodium-native does not load here";

const BEGIN = `
	import { readFileSync } from "node:fs";
	import { generateSoftwareKey } from "./src/keys/index.ts";
	import { nodeCrypto } from "./src/crypto/index.ts";
	import { holdSecret, providing } from "./src/provider/index.ts";
	import { loadSodium } from "./src/provider/choose.ts";
	import { guardedSecrets } from "./src/provider/guarded.ts";
	const say = (value) => console.log(JSON.stringify(value));
	const message = new Uint8Array(100).fill(3);
	const verifies = (key, signature) =>
		nodeCrypto.verify("Ed25519", key.publicKey, message, signature);
`;

/** What a program says, in which device code runs. */
async function said(
	program: string,
	{ crypto = "", shell = "" } = {},
): Promise<unknown> {
	const { stdout } = await run(
		"bash",
		[
			"-c",
			`${shell} exec "$0" --input-type=module --expose-gc --eval "$1"`,
			process.execPath,
			BEGIN + program,
		],
		{
			cwd: new URL("../..", import.meta.url),
			env: { ...process.env, TETRAD_CRYPTO: crypto },
		},
	);
	return JSON.parse(stdout);
}

const SIGNED_BEFORE_AND_AFTER = `
	const key = generateSoftwareKey("Ed25519");
	const before = await key.sign(message);
	const alone = guardedSecrets();
	providing();
	const after = await key.sign(message);
	say([alone, guardedSecrets(), verifies(key, before), verifies(key, after)]);
`;

suite("an Ed25519 key", { skip }, () => {
	test("signs from guarded memory once a device has settled on libsodium", async () => {
		assert.deepEqual(await said(SIGNED_BEFORE_AND_AFTER), [0, 1, true, true]);
	});

	test("stays in OpenSSL's memory where the owner wants OpenSSL", async () => {
		assert.deepEqual(await said(SIGNED_BEFORE_AND_AFTER, { crypto: "node" }), [
			0,
			0,
			true,
			true,
		]);
	});

	test("signs where no memory may be locked", async () => {
		assert.deepEqual(
			await said(SIGNED_BEFORE_AND_AFTER, { shell: "ulimit -l 0;" }),
			[0, 1, true, true],
		);
	});

	test("signs beyond the limit, and makes room when it is wiped or collected", async () => {
		const outcome = await said(`
			providing();
			let keys = Array.from({ length: 70 }, () => generateSoftwareKey("Ed25519"));
			let all = true;
			for (const key of keys) all &&= verifies(key, await key.sign(message));
			const most = guardedSecrets();
			keys[0].wipe();
			const wiped = guardedSecrets();
			const refused = await keys[0].sign(message).catch(({ code }) => code);
			keys = undefined;
			for (let i = 0; i < 100 && guardedSecrets() > 8; i++) {
				gc();
				await new Promise((resolve) => setTimeout(resolve, 10));
			}
			say([all, most, wiped, refused, guardedSecrets() <= 8]);
		`);
		assert.deepEqual(outcome, [true, 64, 63, "key-store-failed", true]);
	});
});

suite("a secret that is held", { skip }, () => {
	const HELD = `
		const bytes = new Uint8Array(32).fill(9);
		const held = holdSecret(bytes);
		const first = held.read((lent) => lent[31]);
		const count = guardedSecrets();
		held.wipe();
		say([bytes[0], first, count, held.read(() => 1) ?? null, guardedSecrets()]);
	`;

	test("is taken over, lent and wiped, with libsodium and without", async () => {
		assert.deepEqual(await said(HELD), [0, 9, 1, null, 0]);
		assert.deepEqual(await said(HELD, { crypto: "node" }), [0, 9, 0, null, 0]);
	});

	test("can be empty, and be lent twice at once", async () => {
		const program = `
			const empty = holdSecret(new Uint8Array(0));
			const held = holdSecret(new Uint8Array(32).fill(9));
			const twice = held.read((outer) => held.read((inner) => inner[0]) + outer[31]);
			say([empty.read((lent) => lent.length), twice, guardedSecrets()]);
			empty.wipe();
		`;
		assert.deepEqual(await said(program), [0, 18, 1]);
		assert.deepEqual(await said(program, { crypto: "node" }), [0, 18, 0]);
	});

	test("ends the process that reads it while it is not lent", async () => {
		const program = `
			const { sodium } = loadSodium();
			let memory;
			const { sodium_malloc } = sodium;
			providing().sodium.sodium_malloc = (bytes) => (memory = sodium_malloc(bytes));
			const held = holdSecret(new Uint8Array(32).fill(9));
			held.read((lent) => lent[0]);
			say(memory[0]);
		`;
		await assert.rejects(
			said(program, { shell: "ulimit -c 0;" }),
			({ code, signal, stdout }: never) => {
				assert.equal(stdout, "");
				assert.ok(
					signal === "SIGSEGV" || signal === "SIGBUS" || Number(code) > 128,
				);
				return true;
			},
		);
	});
});
