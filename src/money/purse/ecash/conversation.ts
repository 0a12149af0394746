/*
 * A conversation with a mint about one piece of stored work, such as a payment, a claim, or ecash
 * that the owner put into the purse. One thing is under way at a time, a question or a write. What
 * brings nothing is asked again after a while, twice as long each time, and what the mint can never
 * carry out is made anew once the mint has said again what it is. So is what it calls unbalanced,
 * where it is by what the mint has said then; where it is not, the same is asked for again.
 */
import { TetradError, unreachable } from "../../../errors.ts";
import { hex } from "../../../wire/index.ts";
import type { MintError, MintRequest } from "../../cashu/index.ts";
import { checked } from "../checked.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { MintRun } from "./mint-run.ts";
import type { Mints } from "./mints.ts";
import { isBalanced } from "./own-outputs.ts";
import type { EcashParts, MintJob } from "./parts.ts";
import type { MadeOutput, RefusedSwap } from "./stored-swap.ts";
import { isNeverDone } from "./swap-run.ts";
import { FIRST_WAIT_MS, LONGEST_WAIT_MS } from "./waits.ts";

/** What is asked for next: the same once more; something else, since it can never be had; or something else where the sums are not those that the mint asks for. */
type Next =
	| { readonly kind: "the-same" }
	| { readonly kind: "anew" }
	| { readonly kind: "anew-if-unbalanced"; readonly swap: RefusedSwap };

const THE_SAME: Next = { kind: "the-same" };

const NOTHING_MADE = (): readonly MadeOutput[] => [];

export class Conversation {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	readonly #mint: Uint8Array;
	readonly #job: MintJob;
	/** An answer of the mint to what was asked before something is written is late, and says nothing more. */
	#doing: "nothing" | "asking" | "writing" = "nothing";
	/** When the mint is asked next, and how long to wait when that brings nothing. */
	#askAt: number;
	/** From when on it waits for that; nothing where it is a time of its own. */
	#since: number | undefined;
	#wait: number = FIRST_WAIT_MS;
	#next: Next = THE_SAME;
	#isTroubleTold = false;

	/** Of each keyset, in hexadecimal, the first output that was made here and that the mint had signed before, as it says. */
	readonly #signedBefore = new Map<string, MadeOutput>();

	/** What was made for the same before the purse was started. */
	#madeBefore: () => readonly MadeOutput[];

	/** Every question is a `job`. Of what was `madeBefore` for the same, before the purse was started, the mint may have said so. */
	constructor(
		parts: EcashParts,
		mints: Mints,
		mint: Uint8Array,
		job: MintJob,
		madeBefore: () => readonly MadeOutput[] = NOTHING_MADE,
	) {
		this.#parts = parts;
		this.#madeBefore = madeBefore;
		this.#mints = mints;
		this.#mint = mint;
		this.#job = job;
		this.#askAt = parts.core.now;
	}

	/** It is over: what its outputs had been signed for before is no part of what is under way any more. */
	over(): void {
		const outputs = [...this.#signedBefore.values(), ...this.#madeBefore()];
		this.#signedBefore.clear();
		this.#madeBefore = NOTHING_MADE;
		if (outputs.length > 0) this.#parts.signedBefore(this.#mint, outputs, true);
	}

	/** The mint says that it has signed some of these outputs before: in an earlier life of the purse, for something else. */
	signedBefore(outputs: readonly MadeOutput[]): void {
		if (outputs.length === 0) return;
		this.lookFor(outputs);
		this.#parts.signedBefore(this.#mint, outputs, false);
	}

	/** Once it is over, what was made from there on is looked for. */
	lookFor(outputs: readonly MadeOutput[]): void {
		for (const { keyset, counter } of outputs) {
			const known = this.#signedBefore.get(hex(keyset));
			if (known === undefined || counter < known.counter)
				this.#signedBefore.set(hex(keyset), { keyset, counter });
		}
	}

	get isWriting(): boolean {
		return this.#doing === "writing";
	}

	/** Nothing is under way, and it is time. */
	get isDue(): boolean {
		return this.#doing === "nothing" && this.#dueAt <= this.#parts.core.now;
	}

	*deadlines(): Generator<number> {
		if (this.#doing === "nothing") yield this.#dueAt;
	}

	/** A wait that began at a time to come began before a clock was set right, and is over. */
	get #dueAt(): number {
		const { now } = this.#parts.core;
		if (this.#since !== undefined && this.#since > now) this.now();
		return this.#askAt;
	}

	/** What is to be done by now: the next question, or another request in place of one that the mint never carries out. Nothing when it is to wait. */
	ready(): "ask" | "make-anew" | undefined {
		if (!this.isDue) return undefined;
		const found = this.#found();
		// What is not known of a mint is asked by itself, and this goes on then.
		if (found === undefined) this.later();
		return found;
	}

	/** Nothing while what the mint says of its keysets is not known. */
	#found(): "ask" | "make-anew" | undefined {
		const next = this.#next;
		if (this.#mints.keysets(this.#mint) === undefined) return undefined;
		if (next.kind === "the-same") return "ask";
		// With the keysets that the mint has now.
		if (!this.#mints.isKnown(this.#mint)) return undefined;
		if (next.kind === "anew") return "make-anew";
		const { swap } = next;
		const balanced = checked(() => isBalanced(this.#mints, this.#mint, swap));
		if (balanced.kind === "failed") return undefined;
		if (!balanced.value) return "make-anew";
		this.#next = THE_SAME;
		return "ask";
	}

	/** Goes on at once. */
	now(): void {
		this.#askAt = this.#parts.core.now;
		this.#since = undefined;
	}

	/** Goes on then, if it would wait longer. */
	before(at: number): void {
		this.#askAt = Math.min(this.#askAt, at);
	}

	/** Goes on at that time, and not before. */
	notBefore(at: number): void {
		this.#askAt = at;
		this.#since = undefined;
	}

	/** Goes on after so many milliseconds. */
	after(milliseconds: number): void {
		const { now } = this.#parts.core;
		this.#since = now;
		this.#askAt = now + milliseconds;
	}

	/** Goes on after a while. */
	later(): void {
		this.after(this.#wait);
		this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS);
	}

	/** Something was carried out: what comes now is not asked for less often than anything else. */
	afresh(): void {
		this.#wait = FIRST_WAIT_MS;
	}

	ask(request: MintRequest): void {
		const url = this.#mints.of(this.#mint)?.url;
		// The owner names that mint no more: it stays as it is until it is named again.
		if (url === undefined) return this.later();
		this.#doing = "asking";
		this.#parts.ask(this.#job, url, request);
	}

	/** The mint has answered, or has not. Whether that is to what it was asked last. */
	heard(): boolean {
		if (this.#doing !== "asking") return false;
		this.#doing = "nothing";
		return true;
	}

	/** What has come of a run by an answer that was `heard`; nothing while it goes on, with `on` when it does at once, and with `later` after a while, when that is not the purse's own doing. */
	follow<Outcome>(
		run: MintRun<Outcome>,
		answer: MintAnswer,
		on: () => void,
		later: (why: TetradError) => void = () => {},
	): Outcome | undefined {
		const keysets = this.#mints.keysets(this.#mint);
		const step =
			keysets === undefined ? undefined : run.answered(keysets, answer);
		switch (step?.kind) {
			case "on":
				on();
				return undefined;
			case "later":
				later(step.error);
				this.later();
				return undefined;
			case undefined:
				this.later();
				return undefined;
			case "over":
				return step.outcome;
			default:
				return unreachable(step);
		}
	}

	/** The mint has refused it for this, and it is not done: it is asked for again after a while, as it is, or made anew. */
	notDone(why: MintError, swap: RefusedSwap): void {
		if (why.kind === "already-signed") this.signedBefore(swap.outputs);
		this.#next = nextAfter(why, swap);
		if (this.#next.kind !== "the-same") this.#mints.askAnew(this.#mint);
		this.later();
	}

	writing(): void {
		this.#doing = "writing";
	}

	written(): void {
		this.#doing = "nothing";
	}

	/** It is durable that another request takes the place of the last. */
	madeAnew(): void {
		this.#next = THE_SAME;
	}

	/** It was to be made anew, and cannot be now. Where that may be so for good, the last request goes on being asked for, of which the mint may say more, and its owner is told once. */
	notMadeAnew(error: TetradError): void {
		if (error.code === "insufficient-funds") {
			if (!this.#isTroubleTold) this.#parts.core.trouble(worthNothing());
			this.#isTroubleTold = true;
			this.#next = THE_SAME;
		}
		this.later();
	}

	/** As it was before, and after a while. */
	notWritten(): void {
		this.#doing = "nothing";
		this.later();
	}
}

function nextAfter(why: MintError, swap: RefusedSwap): Next {
	if (isNeverDone(why)) return { kind: "anew" };
	// The mint may ask for more than when it was made. What spends nothing has no sum that it could have.
	if (why.kind === "not-balanced" && swap.spends.length > 0)
		return { kind: "anew-if-unbalanced", swap };
	return THE_SAME;
}

/** What comes of ecash that a mint has to give, as long as that costs all of it. */
export function worthNothing(): TetradError {
	return new TetradError(
		"insufficient-funds",
		"a mint asks for as much as ecash is worth that it is to give this purse, so that nothing of it can be had now; it comes once the mint asks for less, and the mint is asked again: ask whoever runs it",
	);
}
