import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MoneyMachine } from "../../src/money/index.ts";
import type { IssuerJob } from "../../src/money/issuer/index.ts";
import type { PurseJob } from "../../src/money/purse/index.ts";
import { hex } from "../../src/wire/index.ts";
import { DAY } from "../support/authority.ts";
import { contractOf, type Module, type Recording, Town } from "./town.ts";

type Pending = MoneyMachine<unknown>["pending"];
type Job = Pending extends ReadonlyMap<number, infer Each> ? Each : never;

interface Three {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
}

/** Ann has money in her account, and everything is recorded. */
async function three(graceDays?: number): Promise<Three> {
	const town = await Town.make(graceDays === undefined ? {} : { graceDays });
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	town.fund(mint, ann, 2000n);
	for (const module of [mint, ann, bob]) town.record(module);
	return { town, mint, ann, bob };
}

/** Ann withdraws notes of these values. */
async function withdraw(
	{ town, mint, ann }: Three,
	...values: readonly bigint[]
): Promise<void> {
	for (const value of values) await town.order(ann, mint, value);
	await town.visit(ann, mint);
}

/** Both agents agree on it, and everything that follows happens. */
async function pay(
	{ town, mint, ann, bob }: Three,
	tetrad: number,
	contract: number,
): Promise<void> {
	town.expect(bob, tetrad, contractOf(contract), 250n, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(contract), 250n, mint);
	await town.quiet();
}

/** A job in words: all that it holds but long bytes, of which the first are shown. */
function shown(value: unknown): string {
	if (value instanceof Uint8Array)
		return value.length <= 32
			? hex(value).slice(0, 8)
			: `${value.length} bytes`;
	if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
	if (typeof value === "object" && value !== null)
		return `{ ${Object.entries(value)
			.map(([name, each]) => `${name}: ${shown(each)}`)
			.join(", ")} }`;
	return String(value);
}

function shownJob({ kind, ...rest }: Job): string {
	return Object.keys(rest).length === 0 ? kind : `${kind} ${shown(rest)}`;
}

/** What was waited for after each event, without repetitions; what a machine waits for together is joined by "+". */
function story({ steps }: Recording): string[] {
	const kinds = steps.map(({ pending }) =>
		[...pending.values()].map(({ kind }) => kind).join(" + "),
	);
	return kinds.filter((each, i) => each !== "" && each !== kinds[i - 1]);
}

function recordingOf({ name, recording }: Module): Recording {
	assert.ok(recording, name);
	return recording;
}

/** Where in what hangs on a value a function is, or `undefined`. */
function functionIn(value: unknown, path: string): string | undefined {
	if (typeof value === "function") return path;
	if (typeof value !== "object" || value === null) return undefined;
	if (value instanceof Uint8Array) return undefined;
	for (const [name, each] of Object.entries(value)) {
		const found = functionIn(each, `${path}.${name}`);
		if (found !== undefined) return found;
	}
	return undefined;
}

type Step = Recording["steps"][number];

/** Effects without the functions of their transactions: what these decide is compared when they are carried out. */
function plain(effects: Step["effects"]): unknown[] {
	return effects.map((effect) => {
		if (effect.kind !== "transact") return effect;
		const { kind, id, transaction } = effect;
		return {
			kind,
			id,
			reads: transaction.kind === "read" ? transaction.reads : [],
		};
	});
}

/** Hands a fresh machine the same events, on a copy of the store that the recorded one began with. */
function requireSameAgain(town: Town, module: Module): void {
	const recording = recordingOf(module);
	const again = town.again(module);
	const { machine, store } = again;
	assert.ok(machine);
	const results = new Map<number, unknown>();
	for (const { event } of recording.steps)
		if (event.kind === "written") results.set(event.id, event.result);
	for (const { event, now, effects, pending } of recording.steps) {
		const what = `${module.name}: ${event.kind}`;
		const same = machine.handle(event, now);
		assert.deepEqual(plain(same), plain(effects), what);
		assert.deepEqual(machine.pending, pending, what);
		for (const effect of same)
			if (effect.kind === "transact" && results.has(effect.id))
				assert.deepEqual(
					store.run(effect.transaction),
					results.get(effect.id),
					what,
				);
	}
	assert.equal(store.dump(), module.store.dump(), module.name);
	assert.deepEqual(again.toDraw, [], "nothing else is drawn");
}

describe("what money waits for can be looked at", () => {
	test("by a payer: looked up, signed, committed, settled", async () => {
		const here = await three();
		const { town, ann, bob } = here;
		await withdraw(here, 1000n);
		const tetrad = await town.meet(ann, bob);
		const start = recordingOf(ann).steps.length;
		await pay(here, tetrad, 7);
		const steps = recordingOf(ann).steps.slice(start);
		const contract = hex(contractOf(7)).slice(0, 8);
		const [piece] = town.ranges(ann);
		const selection = `{ pieces: [{ noteId: ${piece}, offset: 0, amount: 250 }]`;
		const jobs = steps.flatMap(({ pending }) =>
			[...pending.values()].map(shownJob),
		);
		assert.deepEqual(jobs.length, 4, jobs.join("\n"));
		assert.equal(
			jobs[0],
			`looking-up-payment { contract: ${contract}, attempt: 0 }`,
		);
		assert.match(
			jobs[1] ?? "",
			new RegExp(
				`^signing-payment { contract: ${contract}, attempt: 0, transfer: { payer: .*, amount: 250, contract: ${contract}, .* } }$`,
			),
		);
		assert.equal(
			jobs[2]?.slice(0, jobs[2].indexOf("]") + 1),
			`committing-payment { contract: ${contract}, selection: ${selection}`,
		);
		assert.equal(jobs[3], `settling-payment { contract: ${contract} }`);
		assert.equal(ann.machine?.pending.size, 0);
	});

	test("by a payee: expected, agreed, signed, written", async () => {
		const here = await three();
		const { town, ann, bob } = here;
		await withdraw(here, 1000n);
		const tetrad = await town.meet(ann, bob);
		const start = recordingOf(bob).steps.length;
		await pay(here, tetrad, 7);
		const steps = recordingOf(bob).steps.slice(start);
		const contract = hex(contractOf(7)).slice(0, 8);
		const jobs = steps.flatMap(({ pending }) =>
			[...pending.values()].map(shownJob),
		);
		const [looking, agreeing, signing, ...others] = jobs;
		assert.match(
			looking ?? "",
			new RegExp(
				`^looking-up-expected { tetrad: ${tetrad}, expected: { contract: ${contract}, issuer: .*, currency: COIN, amount: 250, what:  } }$`,
			),
		);
		assert.match(
			agreeing ?? "",
			new RegExp(
				`^agreeing { tetrad: ${tetrad}, wanted: { contract: ${contract}, issuer: .*, currency: COIN, amount: 250 }, invoice: { payBy: ${town.now + 120_000}, tag: .* } }$`,
			),
		);
		assert.match(
			signing ?? "",
			new RegExp(
				`^signing-receipt { receipt: { contract: ${contract}, transfer: .*, payee: .*, amount: 250, accepted: ${town.now}, head: { number: 0, hash: 00000000 } } }$`,
			),
		);
		assert.deepEqual(others, [`writing-receipt { contract: ${contract} }`]);
	});

	test("by a payee that has promised it in an earlier life: looked up first", async () => {
		const here = await three();
		const { town, ann, bob } = here;
		await withdraw(here, 1000n);
		const tetrad = await town.meet(ann, bob);
		town.killAt(bob, { write: 2, when: "before" });
		await pay(here, tetrad, 7);
		town.record(bob);
		await town.meet(ann, bob);
		await town.quiet();
		assert.deepEqual(story(recordingOf(bob)), [
			"comparing-head",
			"looking-up-delivery",
			"signing-receipt",
			"writing-receipt",
		]);
	});

	test("by a purse at its issuer's, and by the issuer", async () => {
		const here = await three();
		const { town, mint, ann } = here;
		await withdraw(here, 1000n);
		assert.deepEqual(story(recordingOf(ann)), [
			"ordering",
			"comparing-head",
			"comparing-head",
			"reading-open-requests",
			"requesting-sales",
			"requesting-deposits",
			"recording-answer",
			"requesting-claims",
			"requesting-resolutions",
		]);
		assert.deepEqual(story(recordingOf(mint)), [
			"greeting",
			"looking-up",
			"signing",
			"settling",
			"greeting",
			"telling-balance",
		]);
		town.giveBack(ann, mint);
		const start = recordingOf(ann).steps.length;
		await town.visit(ann, mint);
		const steps = recordingOf(ann).steps.slice(start);
		assert.deepEqual(story({ ...recordingOf(ann), steps }).slice(-6), [
			"signing-exchange",
			"committing-exchange",
			"recording-answer",
			"closing-give-back",
			"requesting-claims",
			"requesting-resolutions",
		]);
	});

	test("and is data: no function hangs on any of it", async () => {
		const here = await three();
		await wholeStory(here);
		for (const module of [here.mint, here.ann, here.bob])
			for (const { pending } of recordingOf(module).steps)
				for (const job of pending.values())
					assert.equal(functionIn(job, job.kind), undefined);
	});

	test("an answer to nothing, or of another kind, is the caller's mistake and changes nothing", async () => {
		const here = await three();
		const { town, ann, bob } = here;
		await withdraw(here, 1000n);
		const tetrad = await town.meet(ann, bob);
		ann.isSlowToSign = true;
		await pay(here, tetrad, 7);
		const [signed] = ann.unsigned;
		assert.ok(ann.machine && signed?.kind === "signed");
		const { machine } = ann;
		const before = new Map(machine.pending);
		const { id } = signed;
		for (const wrong of [
			{ kind: "written", id, result: undefined } as const,
			{ kind: "written", id: id + 1000, result: undefined } as const,
			{ ...signed, id: id + 1000 },
		])
			assert.throws(() => machine.handle(wrong, town.now), {
				code: "internal",
			});
		assert.deepEqual(machine.pending, before);
		ann.events.push(signed);
		ann.isSlowToSign = false;
		await town.quiet();
		assert.equal(ann.last("paid").contract, hex(contractOf(7)));
	});
});

/** Withdrawals, payments, deposits, exchanges and claims, with what can go wrong on the way. */
const NO_LIMITS = {
	perPayment: undefined,
	perDay: undefined,
	perMerchantDay: undefined,
	inAll: undefined,
};

async function wholeStory(here: Three): Promise<void> {
	const { town, mint, ann, bob } = here;
	await withdraw(here, 1000n, 500n);
	const tetrad = await town.meet(ann, bob);
	await pay(here, tetrad, 1);
	await pay(here, tetrad, 1);
	// It is given up while it is signed, and begun again for whoever still asks.
	ann.isSlowToSign = true;
	town.expect(bob, tetrad, contractOf(2), 250n, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(2), 250n, mint);
	await town.quiet();
	const other = await town.meet(ann, bob);
	town.expect(bob, other, contractOf(2), 250n, mint);
	town.pay(ann, other, contractOf(2), 250n, mint);
	await town.quiet();
	town.part(ann, tetrad);
	await town.quiet();
	ann.isSlowToSign = false;
	ann.events.push(...ann.unsigned.splice(0).toReversed());
	await town.quiet();
	// Nothing is heard of it, and it is delivered again.
	town.expect(bob, other, contractOf(3), 250n, mint);
	await town.quiet();
	town.pay(ann, other, contractOf(3), 250n, mint);
	await town.deliver(); // prepare
	await town.deliver(); // prepared
	bob.store.isFull = true;
	await town.quiet();
	await town.pass(60_000);
	bob.store.isFull = false;
	town.part(ann, other);
	await town.quiet();
	// It is taken, and the receipt is lost on the way.
	const third = await town.meet(ann, bob);
	while (bob.reports.filter(({ kind }) => kind === "received").length < 3)
		await town.deliver();
	town.wire.splice(0);
	town.part(ann, third);
	await town.quiet();
	const last = await town.meet(ann, bob);
	await town.quiet();
	town.part(ann, last);
	// The owner is asked, and approves.
	const { deviceId: issuer } = mint.device;
	await town.limits(ann, {
		money: [{ ...NO_LIMITS, issuer, approvalAbove: 0n }],
	});
	const approved = await town.meet(ann, bob);
	await pay(here, approved, 4);
	const asked = {
		contract: contractOf(4),
		payee: bob,
		issuer: mint,
		amount: 250n,
	};
	await town.decide(ann, asked, true);
	town.part(ann, approved);
	await town.quiet();
	// A visit that is not answered, and one in the same tetrad that is.
	const visit = await town.meet(bob, mint);
	const held = mint.store;
	town.settle(bob, visit, mint);
	await town.work();
	const lost = town.wire.splice(0);
	assert.ok(lost.length > 0);
	await town.pass(31_000);
	town.settle(bob, visit, mint);
	await town.quiet();
	assert.equal(mint.store, held);
	town.part(bob, visit);
	await town.pass(60 * DAY);
	await town.visit(ann, mint);
	town.giveBack(ann, mint);
	await town.visit(ann, mint);
	await town.pass(200 * DAY);
	await town.visit(ann, mint);
	await town.visit(bob, mint);
}

const EVERY_KIND: readonly (PurseJob | IssuerJob)["kind"][] = [
	"agreeing",
	"asking-owner",
	"closing-give-back",
	"committing-exchange",
	"committing-payment",
	"comparing-head",
	"deciding",
	"greeting",
	"limiting",
	"looking-up",
	"looking-up-delivery",
	"looking-up-expected",
	"looking-up-payment",
	"ordering",
	"reading-open-requests",
	"recording-answer",
	"requesting-claims",
	"requesting-deposits",
	"requesting-resolutions",
	"requesting-sales",
	"settling",
	"settling-payment",
	"signing",
	"signing-exchange",
	"signing-payment",
	"signing-receipt",
	"telling-balance",
	"writing-receipt",
];

describe("a recorded life can be lived again", () => {
	test("with the same effects, the same pending jobs and the same rows", async () => {
		const here = await three(0);
		await wholeStory(here);
		const { town, mint, ann, bob } = here;
		assert.equal(town.balance(bob, mint).toDeposit, 0n);
		assert.ok(ann.reports.some(({ kind }) => kind === "in-doubt"));
		const kinds = new Set(
			[mint, ann, bob].flatMap((module) =>
				recordingOf(module).steps.flatMap(({ pending }) =>
					[...pending.values()].map(({ kind }) => kind),
				),
			),
		);
		assert.deepEqual([...kinds].toSorted(), EVERY_KIND);
		for (const module of [mint, ann, bob]) requireSameAgain(town, module);
	});

	test("with answers that come in another order", async () => {
		const here = await three();
		const { town, mint, ann, bob } = here;
		await withdraw(here, 300n, 300n, 300n);
		const tetrad = await town.meet(ann, bob);
		ann.isSlowToSign = true;
		for (const contract of [1, 2, 3]) await pay(here, tetrad, contract);
		assert.equal(ann.unsigned.length, 3);
		ann.events.push(...ann.unsigned.splice(0).toReversed());
		await town.quiet();
		assert.equal(ann.heard.filter(({ kind }) => kind === "paid").length, 3);
		for (const module of [mint, ann, bob]) requireSameAgain(town, module);
	});
});
