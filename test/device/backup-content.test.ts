import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	type BackupContent,
	encodeBackup,
	parseBackup,
} from "../../src/device/purse/backup-content.ts";
import { concat, utf8 } from "../../src/wire/index.ts";

const CONTENT: BackupContent = {
	module: "ab".repeat(40),
	made: new Date("2026-11-28T20:00:00.000Z"),
	changes: 17n,
	files: [
		{ name: "device.json", bytes: utf8("{}") },
		{ name: "trust/banks.pem", bytes: utf8("") },
		{ name: "purse.db", bytes: utf8("a database") },
	],
};

/** A backup whose header is this text. */
function withHeader(text: string, ...bytes: Uint8Array[]): Uint8Array {
	const head = utf8(text);
	const length = new Uint8Array(4);
	new DataView(length.buffer).setUint32(0, head.length);
	return concat(length, head, ...bytes);
}

const header = (changed: object): string =>
	JSON.stringify({
		...{ version: 1, module: CONTENT.module, changes: "17" },
		...{ made: "2026-11-28T20:00:00.000Z" },
		files: [{ name: "purse.db", bytes: 1 }],
		...changed,
	});

describe("what is sealed in a backup", () => {
	test("comes out as it went in", () => {
		assert.deepEqual(parseBackup(encodeBackup(CONTENT)), CONTENT);
		assert.ok(parseBackup(withHeader(header({}), utf8("x"))));
	});

	test("is whole, and has nothing behind it", () => {
		const encoded = encodeBackup(CONTENT);
		for (let length = 0; length < encoded.length; length++)
			assert.throws(() => parseBackup(encoded.subarray(0, length)), {
				code: "file-unusable",
			});
		assert.throws(() => parseBackup(concat(encoded, utf8("x"))), {
			code: "file-unusable",
		});
	});

	test("names no file outside a home, none twice, and nothing else", () => {
		const one = (name: string) => ({ files: [{ name, bytes: 1 }] });
		for (const changed of [
			...["../purse.db", "/etc/passwd", "a/b/c", ".ssh", "trust/../x", ""].map(
				one,
			),
			...["a\\b", "a\0b", "trust/", "x".repeat(300)].map(one),
			{ files: [] },
			{ files: [{ name: "a", bytes: -1 }] },
			{ files: [{ name: "a", bytes: 0.5 }] },
			{
				files: [
					{ name: "a", bytes: 0 },
					{ name: "a", bytes: 1 },
				],
			},
			{ version: 2 },
			{ changes: "-1" },
			{ made: "yesterday" },
			{ module: "ab" },
			{ more: true },
		])
			assert.throws(
				() => parseBackup(withHeader(header(changed), utf8("x"))),
				{ code: "file-unusable" },
				JSON.stringify(changed),
			);
	});
});
