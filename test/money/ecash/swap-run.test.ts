/* One swap at a mint: what follows from each answer in each state. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	KnownKeysets,
	makeLockOutputs,
	makeOutputs,
	type Output,
	type Proof,
	plainInputs,
} from "../../../src/money/cashu/index.ts";
import {
	allMade,
	encodeSwap,
	makeSwap,
	parseSwap,
} from "../../../src/money/purse/ecash/stored-swap.ts";
import {
	isNeverDone,
	SwapRun,
	type SwapStep,
} from "../../../src/money/purse/ecash/swap-run.ts";
import { hex } from "../../../src/wire/index.ts";
import { ecash, json, TestKeyset } from "../cashu/test-mint.ts";

const mint = new TestKeyset();
const { keyset } = mint;
const keysets = new KnownKeysets([keyset]);
const seed = new Uint8Array(64).fill(7);

function outputsAt(counter: number, amounts: readonly bigint[]): Output[] {
	return makeOutputs(ecash, { seed, keyset: keyset.id, counter }, amounts);
}

const spends = plainInputs(mint.proofs(outputsAt(0, [4n, 8n])));
const outputs = outputsAt(10, [4n, 8n]);
const first = makeSwap(ecash, spends, outputs);
const second = makeSwap(ecash, spends, outputsAt(20, [4n, 8n]), first);

interface Answer {
	readonly status: number;
	readonly body: Uint8Array;
}

function ok(value: unknown): Answer {
	return { status: 200, body: json(value) };
}

function refusal(code: number, status = 400): Answer {
	return { status, body: json({ detail: "no", code }) };
}

/** What is said of the inputs, or of what the mint has signed. */
function states(
	run: SwapRun,
	...said: readonly ("UNSPENT" | "PENDING" | "SPENT")[]
): Answer {
	const { Ys } = asked(run);
	assert.ok(Ys);
	return ok({
		states: Ys.map((Y, i) => ({ Y, state: said[i] ?? said[0] })),
	});
}

function restored(of: readonly Output[], amount?: bigint): Answer {
	return ok({
		outputs: of.map((one) => ({
			amount: Number(amount ?? one.amount),
			id: hex(one.keyset),
			B_: hex(one.blinded),
		})),
		signatures: of.map((one) => mint.sign(amount ?? one.amount, one.blinded)),
	});
}

function asked(run: SwapRun): {
	readonly Ys?: readonly string[];
	readonly outputs?: readonly { readonly B_: string }[];
} {
	return JSON.parse(new TextDecoder().decode(run.next.body));
}

const SIGNED: Answer = { status: 200, body: mint.answer(outputs) };
const NOT_JSON: Answer = { status: 200, body: new Uint8Array([1, 2]) };
const SPENT = 11001;
const PENDING = 11002;
const SIGNED_BEFORE = 11003;
const INACTIVE = 12002;

type Turn = Answer | ((run: SwapRun) => Answer);

/** Gives these answers; all but the last lead on. */
function runWith(run: SwapRun, ...turns: readonly Turn[]): SwapStep {
	let step: SwapStep = { kind: "on" };
	for (const turn of turns) {
		assert.equal(step.kind, "on");
		step = run.answered(keysets, typeof turn === "function" ? turn(run) : turn);
	}
	return step;
}

const said =
	(
		...all: Parameters<typeof states> extends [unknown, ...infer R] ? R : never
	) =>
	(run: SwapRun) =>
		states(run, ...all);

function amounts(proofs: readonly Proof[]): string {
	return proofs.map(({ amount }) => amount).join(",");
}

/** What it comes to, in short. */
function brief(step: SwapStep): string {
	if (step.kind !== "over") return step.kind;
	const { outcome } = step;
	switch (outcome.kind) {
		case "signed":
			return `signed ${amounts(outcome.proofs)}${outcome.left.length < outcome.proofs.length ? `, left ${amounts(outcome.left)}` : ""}`;
		case "not-done":
			return `not done: ${outcome.why.kind}`;
		case "spent":
			return `spent ${outcome.states.map(({ kind }) => kind)}`;
	}
}

const TABLE: readonly (readonly [string, readonly Turn[], string])[] = [
	["signed", [SIGNED], "signed 4,8"],
	["no sense", [NOT_JSON], "later"],
	["an error of a server", [refusal(SPENT, 500)], "later"],
	["too many requests", [refusal(SPENT, 429)], "later"],
	["a status of a proxy", [{ status: 302, body: json({}) }], "later"],
	["pending inputs", [refusal(PENDING)], "later"],
	["refused", [refusal(SPENT)], "on"],
	[
		"looking: unspent",
		[refusal(INACTIVE), said("UNSPENT")],
		"not done: keyset-inactive",
	],
	["looking: pending", [refusal(SPENT), said("SPENT", "PENDING")], "later"],
	["looking: refused", [refusal(SPENT), refusal(SPENT)], "later"],
	["looking: no sense", [refusal(SPENT), NOT_JSON], "later"],
	["looking: of another", [refusal(SPENT), ok({ states: [] })], "later"],
	["looking: one spent", [refusal(SPENT), said("SPENT", "UNSPENT")], "on"],
	[
		"restoring: nothing",
		[refusal(SPENT), said("SPENT", "UNSPENT"), restored([])],
		"spent spent,unspent",
	],
	[
		"restoring: some",
		[refusal(SPENT), said("SPENT"), restored(outputs.slice(1))],
		"spent spent,spent",
	],
	[
		"restoring: for other amounts",
		[refusal(SPENT), said("SPENT"), restored(outputs, 2n)],
		"spent spent,spent",
	],
	[
		"restoring: refused",
		[refusal(SPENT), said("SPENT"), refusal(SPENT)],
		"later",
	],
	[
		"checking: unspent",
		[refusal(SPENT), said("SPENT"), restored(outputs), said("UNSPENT")],
		"signed 4,8",
	],
	[
		"checking: one spent",
		[
			refusal(SPENT),
			said("SPENT"),
			restored(outputs),
			said("UNSPENT", "SPENT"),
		],
		"signed 4,8, left 4",
	],
	[
		"checking: refused",
		[refusal(SPENT), said("SPENT"), restored(outputs), refusal(SPENT)],
		"later",
	],
];

describe("a swap at a mint", () => {
	for (const [name, turns, expected] of TABLE)
		test(`${name}: ${expected}`, () => {
			const run = new SwapRun(ecash, first, false);
			const step = runWith(run, ...turns);
			assert.equal(brief(step), expected);
			// Whatever says nothing begins anew, with the same bytes.
			if (step.kind === "later") assert.equal(run.next, first.request);
		});

	test("is sent with the same bytes when nobody has answered, wherever it was", () => {
		const run = new SwapRun(ecash, first, false);
		runWith(run, refusal(SPENT), said("SPENT"));
		run.unanswered();
		assert.equal(run.next, first.request);
	});

	test("that is from the store, and that the mint says once more to have carried out, may have been spent since", () => {
		const run = new SwapRun(ecash, first, true);
		assert.equal(brief(runWith(run, SIGNED)), "on");
		assert.equal(
			brief(runWith(run, said("UNSPENT", "SPENT"))),
			"signed 4,8, left 4",
		);
	});

	test("that was made again is asked for with the outputs of before, too, the newest first", () => {
		const run = new SwapRun(ecash, second, false);
		runWith(run, refusal(SPENT), said("SPENT"));
		assert.equal(
			asked(run).outputs?.[0]?.B_,
			hex(second.outputs[0]?.blinded ?? seed),
		);
		runWith(run, restored([]));
		assert.equal(
			asked(run).outputs?.[0]?.B_,
			hex(first.outputs[0]?.blinded ?? seed),
		);
		const step = runWith(run, restored(first.outputs), said("UNSPENT"));
		assert.equal(brief(step), "signed 4,8");
	});

	test("that was made again, and of which nothing was signed, is somebody else's", () => {
		const run = new SwapRun(ecash, second, false);
		const nothing = restored([]);
		const step = runWith(run, refusal(SPENT), said("SPENT"), nothing, nothing);
		assert.equal(brief(step), "spent spent,spent");
	});

	const lockFrom = (from: Uint8Array) => {
		const place = { seed: from, keyset: keyset.id, counter: 30 };
		const point = keyset.keys.get(1n) ?? seed;
		const terms = {
			...{
				keyHash: seed.slice(0, 32),
				payee: point,
				deadline: 1,
				refund: point,
			},
			...{ contract: seed.slice(0, 32), binding: seed.slice(0, 32) },
		};
		return makeLockOutputs(ecash, place, [4n, 8n], terms);
	};

	test("of a lock is the same when it is read, also one with counters of the purse's as they were at first", () => {
		const apart = lockFrom(new Uint8Array(64).fill(9));
		const counted = lockFrom(seed).map(
			(output): Output => ({ ...output, countedBy: "purse" }),
		);
		for (const outputs of [apart, counted]) {
			const swap = makeSwap(ecash, spends, outputs);
			const read = parseSwap(ecash, seed, encodeSwap(swap));
			assert.deepEqual(
				read.outputs.map(({ factor, blinded }) => [hex(factor), hex(blinded)]),
				outputs.map(({ factor, blinded }) => [hex(factor), hex(blinded)]),
			);
			assert.deepEqual(
				allMade(encodeSwap(swap)).map(({ counter }) => counter),
				outputs === apart ? [] : [30, 31],
			);
		}
	});

	test("of a lock of which a part is signed says nothing: nobody else has asked for that", () => {
		const lock = lockFrom(seed);
		const run = new SwapRun(ecash, makeSwap(ecash, spends, lock), false);
		const part = restored(lock.slice(1));
		assert.equal(
			brief(runWith(run, refusal(SPENT), said("SPENT"), part)),
			"later",
		);
	});

	test("is the same when it is read from where it is kept, and keeps the first before it and the last fifteen", () => {
		let swap = first;
		for (let i = 1; i <= 18; i++)
			swap = makeSwap(ecash, spends, outputsAt(10 + 10 * i, [4n, 8n]), swap);
		const read = parseSwap(ecash, seed, encodeSwap(swap));
		assert.deepEqual(read.request, swap.request);
		assert.deepEqual(read.inputs, swap.inputs);
		const names = (all: readonly (readonly Output[])[]) =>
			all.map((one) => one.map(({ blinded }) => hex(blinded)));
		assert.deepEqual(names([read.outputs]), names([swap.outputs]));
		assert.deepEqual(names(read.earlier), names(swap.earlier));
		assert.deepEqual(
			read.earlier.map(([one]) => one?.counter),
			[
				...Array.from({ length: 15 }, (_, i) => 180 - 10 * i),
				first.outputs[0]?.counter,
			],
		);
	});

	test("is made again only for what a mint never does", () => {
		const never = [INACTIVE, SIGNED_BEFORE, 12001, 12003];
		for (const code of [...never, SPENT, 11005, 0]) {
			const run = new SwapRun(ecash, first, false);
			const step = runWith(run, refusal(code), said("UNSPENT"));
			assert.ok(step.kind === "over" && step.outcome.kind === "not-done");
			assert.equal(isNeverDone(step.outcome.why), never.includes(code));
		}
	});
});
