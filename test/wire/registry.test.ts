import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { REGISTRY, type WirePlace } from "../../src/wire/index.ts";

const places: readonly WirePlace[] = [
	...new Set(REGISTRY.flatMap((message) => message.places)),
];

describe("registry", () => {
	test("every message is one byte, has a name, and travels somewhere", () => {
		assert.ok(REGISTRY.length > 60);
		for (const { name, byte, places: its } of REGISTRY) {
			assert.ok(Number.isInteger(byte) && byte >= 0 && byte <= 0xff, name);
			assert.match(name, /^[a-z][A-Za-z]*$/);
			assert.ok(its.length > 0, name);
			assert.equal(new Set(its).size, its.length, name);
		}
	});

	for (const place of places)
		test(`no two messages begin alike: ${place}`, () => {
			const names = new Map<number, string>();
			for (const { name, byte } of REGISTRY.filter((message) =>
				message.places.includes(place),
			)) {
				assert.equal(names.get(byte), undefined, `${name}: ${byte}`);
				names.set(byte, name);
			}
			assert.ok(names.size > 0);
		});

	test("the places are those that a frame, a record, a link and a session have", () => {
		assert.deepEqual(places.toSorted(), [
			"about lists",
			"inside session 1",
			"link message",
			"network",
			"open link",
			"paired link",
			"pairing",
			"record",
			"session 1",
			"session 2",
			"session 3 or 4",
		]);
	});
});
