/* What a server says before it is ready, in pieces of any size. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Handshake } from "../../src/store/postgres-handshake.ts";
import { int32, message } from "../support/false-postgres.ts";

suite("what a PostgreSQL server says before it is ready", () => {
	const text = (value: string) => Buffer.from(value);
	const said = Buffer.concat([
		message("R", int32(10), text("SCRAM-SHA-256\0\0")),
		message("R", int32(11), text("r=abc+/x,s=QSXCR+Q6sek8bf92==,i=4096")),
		message("R", int32(12), text("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")),
		message("R", int32(0)),
		message("S", text("server_version\0" + "16\0")),
		message("Z", text("I")),
		// Nothing is looked at any more.
		message("R"),
		text("rest"),
	]);

	test("passes whole and unchanged, in whichever pieces it comes", () => {
		for (let size = 1; size <= said.length; size++) {
			const handshake = new Handshake();
			const passed: Uint8Array[] = [];
			for (let at = 0; at < said.length; at += size)
				passed.push(handshake.pass(said.subarray(at, at + size)));
			assert.deepEqual(Buffer.concat(passed), said, `${size}`);
		}
	});

	test("is held back until its message is whole, and not passed when that is wrong", () => {
		const wrong = message("R", int32(11), text("r=abc,s=AAAA,i=9999999"));
		const handshake = new Handshake();
		assert.equal(handshake.pass(wrong.subarray(0, -1)).length, 0);
		assert.throws(() => handshake.pass(wrong.subarray(-1)), /iterations/);
	});

	test("has no message beyond 16 KiB", () => {
		const handshake = new Handshake();
		assert.throws(() =>
			handshake.pass(Buffer.concat([text("R"), int32(16_385)])),
		);
	});
});
