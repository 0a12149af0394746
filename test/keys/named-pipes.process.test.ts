/* What is read as a secret is a file. A named pipe in its place, which a program makes, holds nobody up. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { readSoftwareKey, secretFromFile } from "../../src/keys/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { sealedStore } from "./support.ts";

const refused = { code: "home-unusable", message: /not a regular file/ };
const makePipe = (path: string) =>
	promisify(execFile)("mkfifo", ["-m", "600", path]);

suite("a named pipe is refused, without waiting for a writer", () => {
	let folder: Awaited<ReturnType<typeof temporaryFolder>>;
	let pipe: string;
	before(async () => {
		folder = await temporaryFolder();
		pipe = join(folder.path, "pipe");
		await makePipe(pipe);
	});
	after(() => folder[Symbol.asyncDispose]());

	test("as a sealed key file", async () => {
		await using under = await sealedStore();
		await makePipe(join(under.folder, "pipe.sealed"));
		await assert.rejects((await under.open()).open("pipe"), refused);
	});

	test("as a key file", () => assert.rejects(readSoftwareKey(pipe), refused));

	test("as a file with a passphrase", () =>
		assert.rejects(
			secretFromFile(pipe)({ what: "passphrase of k", isNew: false }),
			refused,
		));
});
