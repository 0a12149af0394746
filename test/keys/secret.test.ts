import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { after, before, suite, test } from "node:test";
import {
	type SecretRequest,
	secretFromEnvironment,
	secretFromFile,
	secretFromPrompt,
} from "../../src/keys/index.ts";
import { parseUtf8 } from "../../src/wire/index.ts";

const ASK: SecretRequest = { what: "passphrase of k", isNew: false };
let folder: string;
let files = 0;
before(async () => {
	folder = await mkdtemp(join(tmpdir(), "tetrad-secret-"));
});
after(() => rm(folder, { recursive: true }));

async function file(content: string | Uint8Array): Promise<string> {
	const path = join(folder, `${files++}`);
	await writeFile(path, content, { mode: 0o600 });
	return path;
}

suite("a secret from a file", () => {
	test("is its one line, without the line end of any system", async () => {
		for (const [content, secret] of [
			["s3cret", "s3cret"],
			["s3cret\n", "s3cret"],
			["s3cret\r\n", "s3cret"],
			[" a b \n", " a b "],
			["schlüssel", "schlüssel"],
			["x\r", "x\r"],
		] as const) {
			const read = await secretFromFile(await file(content))(ASK);
			assert.equal(parseUtf8(read), secret);
		}
	});

	test("is read anew each time", async () => {
		const path = await file("one");
		const source = secretFromFile(path);
		assert.equal(parseUtf8(await source(ASK)), "one");
		await writeFile(path, "two");
		assert.equal(parseUtf8(await source(ASK)), "two");
	});

	for (const [why, content, gist] of [
		["empty", "", /is empty/],
		["only a line end", "\n", /is empty/],
		["only a line end of Windows", "\r\n", /is empty/],
		["two lines", "a\nb\n", /more than one line/],
		["a line and an empty one", "a\n\n", /more than one line/],
		["a zero byte", "a\0b", /more than one line/],
		["too long", "x".repeat(1025), /over 1024 bytes/],
	] as const)
		test(`is refused when it is ${why}`, async () => {
			await assert.rejects(secretFromFile(await file(content))(ASK), {
				code: "key-store-failed",
				message: gist,
			});
		});

	test("is refused when others could read it, or it is no file of its own", async () => {
		const open = await file("x");
		await chmod(open, 0o644);
		const link = join(folder, "link");
		await symlink(await file("x"), link);
		const large = await file("x".repeat(5000));
		for (const [path, gist] of [
			[open, /open to other users; run: chmod 600/],
			[link, /is a symbolic link/],
			[folder, /not a regular file/],
			[join(folder, "none"), /there is no file with the passphrase of k/],
			[large, /over 1026 bytes/],
		] as const)
			await assert.rejects(secretFromFile(path)(ASK), {
				code: "home-unusable",
				message: gist,
			});
	});
});

suite("a secret from the environment", () => {
	test("is the variable's value at that moment", async () => {
		const source = secretFromEnvironment("TETRAD_TEST_SECRET");
		await assert.rejects(source(ASK), {
			code: "key-store-failed",
			message: /TETRAD_TEST_SECRET is to hold the passphrase of k/,
		});
		process.env["TETRAD_TEST_SECRET"] = "one";
		assert.equal(parseUtf8(await source(ASK)), "one");
		process.env["TETRAD_TEST_SECRET"] = "";
		await assert.rejects(source(ASK), { message: /is empty/ });
	});
});

/** A person at a terminal. */
function terminal() {
	const raw: boolean[] = [];
	const input = Object.assign(new PassThrough(), {
		isTTY: true,
		setRawMode: (on: boolean) => raw.push(on),
	});
	const shown: string[] = [];
	const output = new Writable({
		write(chunk, _encoding, done) {
			shown.push(String(chunk));
			done();
		},
	});
	return {
		raw,
		input,
		output,
		shown: () => shown.join(""),
		type: async (...lines: readonly string[]) => {
			for (const line of lines) {
				input.write(line);
				await new Promise((resolve) => setImmediate(resolve));
				await new Promise((resolve) => setImmediate(resolve));
			}
		},
	};
}

suite("a secret from a prompt", () => {
	test("is what was typed, which nobody sees", async () => {
		const at = terminal();
		const asking = secretFromPrompt(at)(ASK);
		await at.type("s3c", "ret", "\r");
		assert.equal(parseUtf8(await asking), "s3cret");
		assert.equal(at.shown(), "passphrase of k: \n");
		assert.deepEqual(at.raw, [true, false]);
		assert.equal(at.input.listenerCount("data"), 0);
	});

	test("can be corrected, by character and by line", async () => {
		const at = terminal();
		const asking = secretFromPrompt(at)(ASK);
		await at.type("wrong\u0015", "\u007f", "aü🗝\u007f\u007f", "b\n");
		assert.equal(parseUtf8(await asking), "ab");
	});

	test("is asked for twice when it is new", async () => {
		const at = terminal();
		const asking = secretFromPrompt(at)({ ...ASK, isNew: true });
		await at.type("same\r", "same\r");
		assert.equal(parseUtf8(await asking), "same");
		const differing = secretFromPrompt(at)({ ...ASK, isNew: true });
		differing.catch(() => {});
		await at.type("same\r", "other\r");
		await assert.rejects(differing, {
			code: "key-store-failed",
			message: /not the same twice/,
		});
	});

	for (const [key, typed] of [
		["Ctrl-C", "\u0003"],
		["Ctrl-D", "\u0004"],
	] as const)
		test(`is given up with ${key}`, async () => {
			const at = terminal();
			const asking = secretFromPrompt(at)(ASK);
			asking.catch(() => {});
			await at.type("half", typed);
			await assert.rejects(asking, { code: "aborted" });
			assert.deepEqual(at.raw, [true, false]);
		});

	test("is given up with an aborted signal, or when the terminal goes away", async () => {
		const stop = new AbortController();
		const asking = secretFromPrompt(terminal())({
			...ASK,
			signal: stop.signal,
		});
		stop.abort();
		await assert.rejects(asking, { code: "aborted" });
		const at = terminal();
		const cut = secretFromPrompt(at)(ASK);
		at.input.end();
		await assert.rejects(cut, { code: "aborted" });
	});

	test("is refused when empty, too long, or where there is no terminal", async () => {
		const at = terminal();
		for (const [typed, gist] of [
			["\r", /is empty/],
			[`${"x".repeat(2000)}\r`, /over 1024 bytes/],
		] as const) {
			const asking = secretFromPrompt(at)(ASK);
			asking.catch(() => {});
			await at.type(typed);
			await assert.rejects(asking, { code: "key-store-failed", message: gist });
		}
		const none = { input: new PassThrough(), output: new PassThrough() };
		await assert.rejects(secretFromPrompt(none)(ASK), {
			code: "key-store-failed",
			message: /there is no terminal/,
		});
	});
});
