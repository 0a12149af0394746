/* What a device keeps of tetrads that may be resumed: each once, in room of its own, and wiped when it is forgotten. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	MAX_TOKENS_OF_ADDRESS,
	MAX_TOKENS_OF_PEER,
	type Place,
} from "../../src/tetrad/parameters.ts";
import type { ResumptionToken } from "../../src/tetrad/resumption-token.ts";
import { ResumptionTokens } from "../../src/tetrad/resumption-tokens.ts";
import { filled } from "../money/documents.ts";

interface Fake {
	readonly token: ResumptionToken;
	readonly isWiped: () => boolean;
}

/** One that may be used up to a time. */
function token(
	place: Place,
	number: number,
	{ at = "here", a = 1, b = 2, until = 100 } = {},
): Fake {
	let isWiped = false;
	const fake = {
		...{ place, id: filled(16, number) },
		address: place === "A" ? at : undefined,
		parties: {
			A: { deviceId: filled(44, a) },
			B: { deviceId: filled(44, b) },
		},
		isFresh: (now: number) => now < until,
		wipe: () => {
			isWiped = true;
		},
	};
	return {
		token: fake as unknown as ResumptionToken,
		isWiped: () => isWiped,
	};
}

test("a token is given out once, and by the place that it is of", () => {
	const tokens = new ResumptionTokens();
	const { token: one, isWiped } = token("B", 1);
	tokens.keep(one);
	assert.equal(tokens.size, 1);
	assert.equal(tokens.take("X", one.id, 0), undefined);
	assert.equal(tokens.take("B", one.id, 0), one);
	assert.equal(tokens.take("B", one.id, 0), undefined);
	assert.equal(tokens.size, 0);
	// Whoever takes it wipes it.
	assert.equal(isWiped(), false);
});

test("whoever calls has the newest of that address", () => {
	const tokens = new ResumptionTokens();
	const first = token("A", 1);
	const second = token("A", 2);
	const elsewhere = token("A", 3, { at: "there" });
	for (const { token: one } of [first, second, elsewhere]) tokens.keep(one);
	assert.equal(tokens.takeFor("here", 0), second.token);
	assert.equal(tokens.takeFor("here", 0), first.token);
	assert.equal(tokens.takeFor("here", 0), undefined);
	assert.equal(tokens.takeFor("there", 0), elsewhere.token);
	assert.equal(tokens.takeFor("nowhere", 0), undefined);
});

test("one whose time is over is given to nobody, and wiped", () => {
	const tokens = new ResumptionTokens();
	const old = token("Y", 1, { until: 50 });
	tokens.keep(old.token);
	assert.equal(tokens.take("Y", old.token.id, 50), undefined);
	assert.equal(old.isWiped(), true);
	assert.equal(tokens.size, 0);
});

test("one that is kept again takes the place of the first, which is wiped, and room for one", () => {
	const tokens = new ResumptionTokens();
	const [first, again] = [token("A", 1), token("A", 1)];
	tokens.keep(first.token);
	tokens.keep(again.token);
	assert.equal(first.isWiped(), true);
	assert.equal(again.isWiped(), false);
	assert.equal(tokens.size, 1);
	for (let number = 2; number <= MAX_TOKENS_OF_ADDRESS; number++)
		tokens.keep(token("A", number).token);
	assert.equal(again.isWiped(), false);
	assert.equal(tokens.size, MAX_TOKENS_OF_ADDRESS);
});

test("the oldest of an address gives way to another of it, and those of others stay", () => {
	const tokens = new ResumptionTokens();
	const other = token("A", 99, { at: "there" });
	tokens.keep(other.token);
	const all = Array.from({ length: MAX_TOKENS_OF_ADDRESS + 1 }, (_, at) =>
		token("A", at),
	);
	for (const { token: one } of all) tokens.keep(one);
	assert.deepEqual(
		all.map(({ isWiped }) => isWiped()),
		all.map((_, at) => at === 0),
	);
	assert.equal(other.isWiped(), false);
	assert.equal(tokens.size, MAX_TOKENS_OF_ADDRESS + 1);
});

test("so it is with a peer: of X that is the other agent B, of others A", () => {
	for (const [place, mine, others] of [
		["X", { b: 7 }, { b: 8, a: 7 }],
		["B", { a: 7 }, { a: 8, b: 7 }],
		["Y", { a: 7 }, { a: 8, b: 7 }],
	] as const) {
		const tokens = new ResumptionTokens();
		const other = token(place, 99, others);
		tokens.keep(other.token);
		const all = Array.from({ length: MAX_TOKENS_OF_PEER + 1 }, (_, at) =>
			token(place, at, mine),
		);
		for (const { token: one } of all) tokens.keep(one);
		assert.deepEqual(
			all.map(({ isWiped }) => isWiped()),
			all.map((_, at) => at === 0),
		);
		assert.equal(other.isWiped(), false);
	}
});

test("the oldest of all gives way when there is no more room", () => {
	const tokens = new ResumptionTokens(2);
	const all = [1, 2, 3].map((number) => token("B", number, { a: number }));
	for (const { token: one } of all) tokens.keep(one);
	assert.deepEqual(
		all.map(({ isWiped }) => isWiped()),
		[true, false, false],
	);
	assert.equal(tokens.size, 2);
});

test("what is forgotten is wiped: one, or all", () => {
	const tokens = new ResumptionTokens();
	const all = [1, 2, 3].map((number) => token("B", number));
	for (const { token: one } of all) tokens.keep(one);
	tokens.forget("B", filled(16, 2));
	tokens.forget("Y", filled(16, 1));
	assert.deepEqual(
		all.map(({ isWiped }) => isWiped()),
		[false, true, false],
	);
	tokens.wipe();
	assert.ok(all.every(({ isWiped }) => isWiped()));
	assert.equal(tokens.size, 0);
});
