import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TetradError } from "../../../src/errors.ts";
import type {
	MintError,
	MintRequest,
	Output,
} from "../../../src/money/cashu/index.ts";
import { Conversation } from "../../../src/money/purse/ecash/conversation.ts";
import type {
	MintRun,
	RunStep,
} from "../../../src/money/purse/ecash/mint-run.ts";
import { hex } from "../../../src/wire/index.ts";
import { filled } from "../documents.ts";

const HOUR = 3_600_000;

/** About something at a mint that asks nobody, with a clock to set. */
function conversation() {
	const core = { now: 10 * HOUR };
	const parts = { core } as never;
	const job = { kind: "asking-about-order", request: new Uint8Array(16) };
	const talk = new Conversation(
		parts,
		{} as never,
		new Uint8Array(44),
		job as never,
	);
	return { core, talk };
}

describe("whoever asks a mint again after a while", () => {
	test("does so at once when the clock was ahead and is set right", () => {
		const { core, talk } = conversation();
		talk.later();
		assert.equal(talk.isDue, false);
		core.now -= HOUR;
		assert.equal(talk.isDue, true);
		assert.deepEqual([...talk.deadlines()], [core.now]);
	});

	test("and waits for somebody else first does so, too", () => {
		const { core, talk } = conversation();
		talk.after(HOUR);
		assert.equal(talk.isDue, false);
		core.now -= 2 * HOUR;
		assert.equal(talk.isDue, true);
	});

	test("waits all the same for a time that a contract names", () => {
		const { core, talk } = conversation();
		talk.later();
		talk.notBefore(core.now + HOUR);
		core.now -= HOUR;
		assert.equal(talk.isDue, false);
		assert.deepEqual([...talk.deadlines()], [core.now + 2 * HOUR]);
	});
});

const MINT = filled(44, 9);
const REQUEST: MintRequest = {
	...{ method: "GET", path: "/v1/info", body: new Uint8Array() },
};

/** What the purse knows of the mint, and what is asked and said of it. */
class Scene {
	readonly core = { now: 10 * HOUR };
	readonly said: string[] = [];
	isNamed = true;
	hasKeysets = true;
	isKnown = true;
	readonly talk: Conversation;

	constructor() {
		const mints = {
			of: () => (this.isNamed ? { url: "https://mint.example" } : undefined),
			keysets: () => (this.hasKeysets ? {} : undefined),
			isKnown: () => this.isKnown,
			askAnew: (mint: Uint8Array) =>
				this.said.push(`ask ${hex(mint.subarray(0, 1))} anew`),
		};
		const parts = {
			core: this.core,
			ask: (job: { kind: string }, url: string, { path }: MintRequest) =>
				this.said.push(`${job.kind}: ${url}${path}`),
			signedBefore: (
				_mint: Uint8Array,
				outputs: readonly Pick<Output, "keyset" | "counter">[],
				isOver: boolean,
			) =>
				this.said.push(
					`signed before: ${outputs.map(({ counter, keyset }) => `${counter} of ${keyset[0]}`)}${isOver ? ", over" : ""}`,
				),
		};
		const job = { kind: "asking-about-order", request: new Uint8Array(16) };
		this.talk = new Conversation(
			...([parts, mints, MINT, job] as unknown as ConstructorParameters<
				typeof Conversation
			>),
		);
	}

	/** In how many milliseconds it goes on; nothing while something is under way. */
	get waits(): readonly number[] {
		return [...this.talk.deadlines()].map((at) => at - this.core.now);
	}
}

function output(keyset: number, counter: number): Output {
	return { keyset: filled(33, keyset), counter } as Output;
}

/** A swap that spends nothing. */
const made = (...outputs: readonly Output[]) => ({ outputs, spends: [] });

const refusal = (kind: MintError["kind"]): MintError => ({
	...{ kind, code: 0, detail: "" },
});

describe("a mint that brings nothing", () => {
	test("is asked again after a second, and then after twice as long each time, up to ten minutes", () => {
		const { talk, core } = new Scene();
		const waited: number[] = [];
		for (let times = 0; times < 12; times++) {
			talk.later();
			const [at = 0] = talk.deadlines();
			waited.push((at - core.now) / 1000);
			core.now = at;
		}
		assert.deepEqual(waited, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
		talk.afresh();
		talk.later();
		assert.equal([...talk.deadlines()][0], core.now + 1000);
	});

	test("is asked at once when somebody waits for it, and not later than when it is told", () => {
		const scene = new Scene();
		scene.talk.later();
		scene.talk.later();
		assert.deepEqual(scene.waits, [2000]);
		scene.talk.before(scene.core.now + 3000);
		assert.deepEqual(scene.waits, [2000]);
		scene.talk.before(scene.core.now + 500);
		assert.deepEqual(scene.waits, [500]);
		assert.equal(scene.talk.isDue, false);
		scene.talk.now();
		assert.deepEqual(scene.waits, [0]);
		assert.equal(scene.talk.isDue, true);
	});
});

describe("whatever is under way at a mint", () => {
	test("is one thing at a time: a question, or a write", () => {
		const scene = new Scene();
		const { talk } = scene;
		assert.equal(talk.ready(), "ask");
		assert.equal(talk.heard(), false);
		talk.ask(REQUEST);
		assert.deepEqual(scene.said, [
			"asking-about-order: https://mint.example/v1/info",
		]);
		assert.equal(talk.ready(), undefined);
		assert.deepEqual(scene.waits, []);
		assert.equal(talk.heard(), true);
		assert.equal(talk.heard(), false);
		assert.equal(talk.ready(), "ask");
		assert.equal(talk.isWriting, false);
		talk.writing();
		assert.equal(talk.isWriting, true);
		// What comes of a question that was asked before is late.
		assert.equal(talk.heard(), false);
		assert.equal(talk.isWriting, true);
		assert.equal(talk.ready(), undefined);
		assert.deepEqual(scene.waits, []);
		talk.written();
		assert.equal(talk.ready(), "ask");
		talk.writing();
		talk.notWritten();
		assert.equal(talk.isWriting, false);
		assert.deepEqual(scene.waits, [1000]);
	});

	test("waits while its owner names the mint no more, and while nothing is known of its keysets", () => {
		const scene = new Scene();
		scene.isNamed = false;
		scene.talk.ask(REQUEST);
		assert.deepEqual(scene.said, []);
		assert.deepEqual(scene.waits, [1000]);
		scene.isNamed = true;
		scene.hasKeysets = false;
		scene.core.now += 1000;
		assert.equal(scene.talk.ready(), undefined);
		assert.deepEqual(scene.waits, [2000]);
		scene.hasKeysets = true;
		scene.core.now += 2000;
		assert.equal(scene.talk.ready(), "ask");
	});

	test("is made anew when the mint can never do it, and has said again what it is", () => {
		const scene = new Scene();
		const { talk } = scene;
		talk.notDone(refusal("keyset-inactive"), made());
		assert.deepEqual(scene.said, ["ask 09 anew"]);
		assert.deepEqual(scene.waits, [1000]);
		scene.core.now += 1000;
		scene.isKnown = false;
		assert.equal(talk.ready(), undefined);
		assert.deepEqual(scene.waits, [2000]);
		scene.core.now += 2000;
		scene.isKnown = true;
		assert.equal(talk.ready(), "make-anew");
		talk.madeAnew();
		assert.equal(talk.ready(), "ask");
	});

	test("is asked for as it is when the mint has refused it and may do it", () => {
		const scene = new Scene();
		scene.talk.notDone(refusal("already-spent"), made());
		assert.deepEqual(scene.said, []);
		assert.deepEqual(scene.waits, [1000]);
		scene.core.now += 1000;
		assert.equal(scene.talk.ready(), "ask");
	});

	test("has its outputs looked for that were signed before, and the first of each keyset once more when it is over", () => {
		const scene = new Scene();
		const { talk } = scene;
		talk.over();
		assert.deepEqual(scene.said, []);
		talk.notDone(refusal("already-signed"), made(output(1, 7), output(2, 4)));
		talk.notDone(refusal("already-signed"), made(output(1, 9), output(2, 3)));
		// What was refused for something else was not signed before.
		talk.notDone(refusal("keyset-inactive"), made(output(1, 1)));
		talk.over();
		assert.deepEqual(scene.said, [
			"signed before: 7 of 1,4 of 2",
			"ask 09 anew",
			"signed before: 9 of 1,3 of 2",
			"ask 09 anew",
			"ask 09 anew",
			"signed before: 7 of 1,3 of 2, over",
		]);
	});
});

describe("an answer of a mint", () => {
	/** What comes of one that leads to that step, and how it goes on. */
	function followed(step: RunStep<string>, scene = new Scene()) {
		const run = { answered: () => step } as unknown as MintRun<string>;
		const answer = { status: 200, body: new Uint8Array() };
		const heard: string[] = [];
		const outcome = scene.talk.follow(
			...[run, answer, () => heard.push("on")],
			({ code }) => heard.push(code),
		);
		return { outcome, heard, waits: scene.waits };
	}

	test("says what came of it, or that it goes on now, or after a while", () => {
		assert.deepEqual(followed({ kind: "over", outcome: "done" }), {
			...{ outcome: "done", heard: [], waits: [0] },
		});
		assert.deepEqual(followed({ kind: "on" }), {
			...{ outcome: undefined, heard: ["on"], waits: [0] },
		});
		const error = new TetradError("busy", "later");
		assert.deepEqual(followed({ kind: "later", error }), {
			...{ outcome: undefined, heard: ["busy"], waits: [1000] },
		});
	});

	test("says nothing while nothing is known of its keysets", () => {
		const scene = new Scene();
		scene.hasKeysets = false;
		assert.deepEqual(followed({ kind: "over", outcome: "done" }, scene), {
			...{ outcome: undefined, heard: [], waits: [1000] },
		});
	});
});
