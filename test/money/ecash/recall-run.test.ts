/* The proofs of a lock that a purse has forgotten, looked for at its mint. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	KnownKeysets,
	type LockTerms,
	lockSeed,
	makeLockOutputs,
	sumOf,
} from "../../../src/money/cashu/index.ts";
import { CountedRecallRun } from "../../../src/money/purse/ecash/counted-recall-run.ts";
import type { FoundLock } from "../../../src/money/purse/ecash/found-lock.ts";
import type { MintRun } from "../../../src/money/purse/ecash/mint-run.ts";
import { RecallRun } from "../../../src/money/purse/ecash/recall-run.ts";
import { hex } from "../../../src/wire/index.ts";
import { crypto, json, STAND_IN, TestKeyset } from "../cashu/test-mint.ts";

const ecash = STAND_IN.purse;
const { keyset } = new TestKeyset({ cryptography: STAND_IN });
const keysets = new KnownKeysets([keyset]);
const SEED = new Uint8Array(64).fill(7);
const TERMS: LockTerms = {
	keyHash: new Uint8Array(32).fill(1),
	payee: ecash.publicKey(new Uint8Array(32).fill(2)),
	deadline: 1_800_000_000,
	refund: ecash.publicKey(new Uint8Array(32).fill(3)),
	contract: new Uint8Array(32).fill(4),
	binding: new Uint8Array(32).fill(5),
};

/** Six proofs of 1 each, from that counter of the purse's on. */
function lockAt(counter: number): readonly string[] {
	return lockOf(SEED, counter, 6);
}

const LOCK_SEED = lockSeed(crypto, SEED, TERMS.contract);

function lockOf(
	seed: Uint8Array,
	counter: number,
	count: number,
): readonly string[] {
	const place = { seed, keyset: keyset.id, counter };
	const amounts = Array.from({ length: count }, () => 1n);
	return makeLockOutputs(ecash, place, amounts, TERMS).map(({ blinded }) =>
		hex(blinded),
	);
}

/** The outcome at a mint that has signed these, or why it is asked again; `next` counters are known to be used. */
function recalled(
	signed: readonly string[],
	{ next, beyond = 1000 }: { readonly next: number; readonly beyond?: number },
) {
	return outcomeOf(olderRun(next, beyond), signed);
}

function olderRun(next: number, beyond = 1000): CountedRecallRun {
	const counted = [{ keyset: keyset.id, next }];
	return new CountedRecallRun(ecash, SEED, counted, TERMS, 6n, beyond);
}

/** The same of a lock that has no counters of the purse's. */
function recalledApart(signed: readonly string[], older?: CountedRecallRun) {
	const lock = { terms: TERMS, seed: LOCK_SEED, amount: 6n };
	return outcomeOf(new RecallRun(ecash, [keyset.id], lock, older), signed);
}

function outcomeOf(run: MintRun<FoundLock>, signed: readonly string[]) {
	const first = hex(run.next.body);
	for (let asked = 1; asked < 30; asked++) {
		const { outputs } = JSON.parse(Buffer.from(run.next.body).toString()) as {
			outputs: { id: string; B_: string }[];
		};
		const found = outputs.filter(({ B_ }) => signed.includes(B_));
		const body = json({
			outputs: found.map(({ id, B_ }) => ({ id, B_, amount: 1 })),
			signatures: found.map(({ id, B_ }) => ({ id, amount: 1, C_: B_ })),
		});
		const step = run.answered(keysets, { status: 200, body });
		if (step.kind === "on") continue;
		if (step.kind === "over") return { ...step.outcome, asked };
		return { error: step.error, isAnew: hex(run.next.body) === first };
	}
	return assert.fail("it goes on for ever");
}

test("a lock is found whole, also where it ends in the next counters that are asked for", () => {
	for (const counter of [0, 97, 194, 195]) {
		const found = recalled(lockAt(counter), { next: 100 });
		assert.ok("proofs" in found);
		assert.equal(sumOf(found.proofs), 6n);
		assert.equal(found.begins?.counter, counter);
	}
});

test("counters are looked at as far as any are known to be used, however many that are", () => {
	const found = recalled(lockAt(430), { next: 450, beyond: 200 });
	assert.ok("proofs" in found);
	assert.equal(found.proofs.length, 6);
});

test("what is not found there is told as such once a thousand counters are empty, since it may be behind them", () => {
	const found = recalled([], { next: 150, beyond: 2000 });
	assert.ok("kind" in found);
	assert.deepEqual(found, { kind: "not-within", empty: 1000, asked: 10 });
});

test("a lock is found in one question for each keyset, whatever was made before it", () => {
	for (const count of [6, 64]) {
		const found = recalledApart(lockOf(LOCK_SEED, 0, count));
		assert.ok("proofs" in found);
		assert.equal(sumOf(found.proofs), BigInt(count));
		assert.deepEqual([found.begins, found.asked], [undefined, 1]);
	}
});

test("that nothing was locked is known when no keyset has it, but for a seed that is older", () => {
	assert.deepEqual(recalledApart([]), { kind: "none", asked: 1 });
	const found = recalledApart([], olderRun(0));
	assert.deepEqual(found, { kind: "not-within", empty: 1000, asked: 11 });
});

test("a seed that is older finds the locks of both kinds", () => {
	const apart = recalledApart(lockOf(LOCK_SEED, 0, 6), olderRun(0));
	assert.ok("proofs" in apart);
	assert.equal(apart.begins, undefined);
	const counted = recalledApart(lockAt(430), olderRun(450));
	assert.ok("proofs" in counted);
	assert.equal(counted.begins?.counter, 430);
});

for (const [what, signed] of [
	["a part of it", lockOf(LOCK_SEED, 0, 5)],
	["what does not begin with its first", lockOf(LOCK_SEED, 1, 8)],
	["more than a lock has", lockOf(LOCK_SEED, 0, 65)],
] as const)
	test(`${what} says nothing of such a lock, and all of it is asked for again`, () => {
		const found = recalledApart(signed);
		assert.ok("error" in found);
		assert.equal(found.error.code, "issuer-refused");
		assert.ok(found.isAnew);
	});

test("a part of it says nothing, and all of it is asked for again", () => {
	const found = recalled(lockAt(20).slice(0, 5), { next: 100 });
	assert.ok("error" in found);
	assert.equal(found.error.code, "issuer-refused");
	assert.ok(found.isAnew);
});

test("more than a lock has is no lock, and is asked for again", () => {
	const all = Array.from({ length: 11 }, (_, i) => lockAt(20 + 6 * i));
	const found = recalled(all.flat(), { next: 100 });
	assert.ok("error" in found);
	assert.equal(found.error.code, "issuer-refused");
	assert.ok(found.isAnew);
	const largest = recalled(all.slice(0, 10).flat(), { next: 100 });
	assert.ok("proofs" in largest);
	assert.equal(largest.proofs.length, 60);
});
