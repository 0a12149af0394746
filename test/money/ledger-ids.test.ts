/* The name in a device id, as a ledger shows it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nameInDeviceId } from "../../src/money/issuer/ledger-ids.ts";
import { enc, utf8 } from "../../src/wire/index.ts";
import { filled, idOf } from "./documents.ts";

test("a device id has a name in it, and nothing else has one", () => {
	const root = filled(32, 1);
	assert.equal(nameInDeviceId(idOf("alice")), "alice");
	for (const wrong of [
		new Uint8Array(),
		filled(44, 1),
		enc(root),
		enc(filled(31, 1), utf8("alice")),
		enc(root, utf8("alice"), utf8("bob")),
		enc(root, new Uint8Array()),
		enc(root, utf8("alice\n")),
		enc(root, Uint8Array.of(0xff)),
		idOf("alice").slice(0, -1),
	])
		assert.throws(() => nameInDeviceId(wrong), { code: "invalid-argument" });
});
