import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { sendFile } from "../../src/device/process/outgoing-file.ts";
import { Channel } from "../../src/device/runtime/channel.ts";
import { TetradError } from "../../src/errors.ts";
import { temporaryFolder } from "../support/folders.ts";

/** Node has no call for it. */
const MAKE_PIPE = "mkfifo";

test("a sender refuses a named pipe by its path, and says nothing to the receiver", async () => {
	await using folder = await temporaryFolder();
	const pipe = join(folder.path, "pipe");
	execFileSync(MAKE_PIPE, [pipe]);
	const said: Uint8Array[] = [];
	const channel = new Channel({
		send: async (message) => void said.push(message),
		full: () => {},
	});
	await assert.rejects(
		sendFile(channel, pipe, () => {}),
		(error) => {
			assert.ok(error instanceof TetradError);
			assert.equal(error.code, "file-unusable");
			assert.ok(error.message.includes(pipe));
			return true;
		},
	);
	assert.deepEqual(said, []);
});
