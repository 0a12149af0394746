/* What a mint can make of a restore that says it has signed everything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	KnownKeysets,
	makeLockOutputs,
	makeOutputs,
	type Proof,
} from "../../../src/money/cashu/index.ts";
import {
	type RestoreLimits,
	RestoreRun,
} from "../../../src/money/purse/ecash/restore-run.ts";
import { hex, utf8 } from "../../../src/wire/index.ts";
import { STAND_IN, TestKeyset } from "../cashu/test-mint.ts";

const ecash = STAND_IN.purse;
const signer = new TestKeyset({ cryptography: STAND_IN });
const other = new TestKeyset({ name: "another", cryptography: STAND_IN });
const keysets = new KnownKeysets([signer.keyset, other.keyset]);

/** Every output is signed, and in that state. Answers what was found, and how many questions it took. */
function restored(
	limits: RestoreLimits,
	held: readonly Proof[] = [],
	state = "UNSPENT",
) {
	const run = new RestoreRun(
		ecash,
		new Uint8Array(64).fill(7),
		[signer.keyset.id, other.keyset.id],
		{ held },
		limits,
	);
	for (let asked = 1; asked < 100; asked++) {
		const { path, body = new Uint8Array() } = run.next;
		const step = run.answered(keysets, {
			status: 200,
			body: answer(path, body, state),
		});
		if (step.kind === "on") continue;
		assert.ok(step.kind === "over" && "proofs" in step.outcome);
		return { ...step.outcome, asked };
	}
	return assert.fail("it goes on for ever");
}

function answer(path: string, body: Uint8Array, state: string): Uint8Array {
	const asked = JSON.parse(Buffer.from(body).toString()) as {
		outputs: { id: string; B_: string }[];
		Ys: string[];
	};
	if (path.endsWith("checkstate"))
		return utf8(
			JSON.stringify({
				states: asked.Ys.map((Y) => ({ Y, state, witness: null })),
			}),
		);
	return utf8(
		JSON.stringify({
			outputs: asked.outputs.map(({ id, B_ }) => ({ id, B_, amount: 1 })),
			signatures: asked.outputs.map(({ id, B_ }) => ({
				id,
				amount: 1,
				C_: B_,
			})),
		}),
	);
}

test("a mint that says it has signed everything is asked for so many counters of each keyset", () => {
	const { proofs, counters, asked, isPartial } = restored({
		...{ proofs: 1000, counters: 200 },
	});
	assert.equal(isPartial, false);
	assert.equal(proofs.length, 400);
	assert.deepEqual(
		counters.map(({ next }) => next),
		[200, 200],
	);
	assert.equal(asked, 8);
});

test("and believed of so many proofs, and of others the next time", () => {
	const limits = { proofs: 150, counters: 10_000 };
	const { proofs, counters, isPartial } = restored(limits);
	assert.equal(isPartial, true);
	assert.equal(proofs.length, 200);
	assert.deepEqual(
		counters.map(({ next }) => next),
		[200],
	);
	const next = restored(limits, proofs);
	assert.equal(
		new Set([...proofs, ...next.proofs].map((one) => one.secret)).size,
		400,
	);
});

test("no more is taken out at once than can be written at once", () => {
	const { proofs } = restored({ proofs: 200, counters: 1000 });
	const limits = { proofs: 100, counters: 100 };
	const { gone, isPartial } = restored(limits, proofs, "SPENT");
	assert.equal(gone.length, 100);
	assert.equal(isPartial, true);
	const rest = proofs.filter((proof) => !gone.includes(proof));
	const second = restored(limits, rest, "SPENT");
	assert.deepEqual(second.gone, rest);
	assert.equal(second.isPartial, false);
});

test("counters that were locks do not end a keyset before the last that is known to be used", () => {
	const seed = new Uint8Array(64).fill(7);
	const { id } = signer.keyset;
	const place = { seed, keyset: id, counter: 940 };
	const made = makeOutputs(ecash, place, [1n]);
	const signed = new Set(made.map(({ blinded }) => hex(blinded)));
	const run = new RestoreRun(ecash, seed, [id], {
		...{ held: [], used: new Map([[hex(id), 650]]) },
	});
	for (let asked = 1; asked < 100; asked++) {
		const { path, body = new Uint8Array() } = run.next;
		const { outputs = [] } = JSON.parse(Buffer.from(body).toString()) as {
			outputs?: { id: string; B_: string }[];
		};
		const of = outputs.filter(({ B_ }) => signed.has(B_));
		const step = run.answered(keysets, {
			status: 200,
			body: path.endsWith("checkstate")
				? answer(path, body, "UNSPENT")
				: utf8(
						JSON.stringify({
							outputs: of.map((one) => ({ ...one, amount: 1 })),
							signatures: of.map((one) => ({
								...{ id: one.id, amount: 1, C_: one.B_ },
							})),
						}),
					),
		});
		if (step.kind === "on") continue;
		assert.ok(step.kind === "over" && "proofs" in step.outcome);
		assert.equal(step.outcome.proofs.length, 1);
		return assert.deepEqual(
			step.outcome.counters.map(({ next }) => next),
			[941],
		);
	}
	return assert.fail("it goes on for ever");
});

test("what was locked for a purchase is not found by a seed alone", () => {
	const seed = new Uint8Array(64).fill(7);
	const { id } = signer.keyset;
	const key = ecash.publicKey(new Uint8Array(32).fill(1));
	const hash = new Uint8Array(32).fill(2);
	const locked = makeLockOutputs(
		ecash,
		{ seed, keyset: id, counter: 0 },
		[1n],
		{
			...{ keyHash: hash, payee: key, refund: key, deadline: 1_900_000_000 },
			...{ contract: hash, binding: hash },
		},
	);
	const signed = new Set(locked.map(({ blinded }) => hex(blinded)));
	const run = new RestoreRun(ecash, seed, [id], { held: [] });
	for (let asked = 1; asked < 100; asked++) {
		const { body = new Uint8Array() } = run.next;
		const { outputs } = JSON.parse(Buffer.from(body).toString()) as {
			outputs: { B_: string }[];
		};
		assert.ok(outputs.every(({ B_ }) => !signed.has(B_)));
		const nothing = { outputs: [], signatures: [] };
		const step = run.answered(keysets, {
			status: 200,
			body: utf8(JSON.stringify(nothing)),
		});
		if (step.kind === "on") continue;
		assert.ok(step.kind === "over" && "proofs" in step.outcome);
		return assert.deepEqual(step.outcome.proofs, []);
	}
	return assert.fail("it goes on for ever");
});
