import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Pending } from "../../src/machine/index.ts";

describe("pending work", () => {
	test("is given up once, to whoever has its number", () => {
		const pending = new Pending<string>();
		const [first, second] = [pending.add("sign"), pending.add("write")];
		assert.notEqual(first, second);
		assert.equal(pending.take(second), "write");
		assert.equal(pending.take(first), "sign");
		assert.throws(() => pending.take(first), { code: "internal" });
	});

	test("is refused for a number that names none, and goes on", () => {
		const pending = new Pending<string>();
		const id = pending.add("sign");
		for (const none of [id + 1, -1, Number.NaN])
			assert.throws(() => pending.take(none), { code: "internal" });
		assert.equal(pending.take(id), "sign");
	});

	test("never names two jobs alike, also when the first is done", () => {
		const pending = new Pending<string>();
		const ids = Array.from({ length: 10 }, () => {
			const id = pending.add("sign");
			pending.take(id);
			return id;
		});
		assert.equal(new Set(ids).size, 10);
	});

	test("can be looked at, in the order in which it was asked for", () => {
		const pending = new Pending<{ readonly what: string }>();
		const first = pending.add({ what: "sign" });
		const second = pending.add({ what: "write" });
		assert.deepEqual(
			[...pending.all],
			[
				[first, { what: "sign" }],
				[second, { what: "write" }],
			],
		);
		pending.take(first);
		assert.deepEqual([...pending.all.keys()], [second]);
	});

	test("is named by its place among all that was asked for, so that the same events played again name it alike", () => {
		const play = () => {
			const pending = new Pending<string>();
			const one = pending.add("sign");
			pending.take(one);
			return [one, pending.add("write"), pending.add("sign")];
		};
		assert.deepEqual(play(), play());
	});
});
