/*
 * Ecash that the owner puts into the purse: the proofs of a token, which whoever gave it still has.
 * They are the purse's when the mint has signed new ones for them.
 *
 *   asked ─▶ finding mint ─known─▶ writing ─durable─▶ SWAPPING ─signed─▶ RECEIVED
 *              │ └─no ecash of that mint─▶ REFUSED        └─spent by somebody else, or never to be had─▶ REFUSED
 *              └─not known in time─▶ (refused)
 *
 * What a mint refuses goes on to be asked for where that may change, and until then nothing of it is
 * lost. Where it cannot change, that is written down with why, and its owner is told.
 *
 * What stands in capitals is durable, under the name that the owner gave it: asked for again, it is
 * taken once, and told of again.
 */
import { TetradError, unreachable } from "../../../errors.ts";
import { byKey, insert, put } from "../../../machine/index.ts";
import { copy, hex, sameBytes } from "../../../wire/index.ts";
import {
	type MintError,
	type MintFailure,
	type Proof,
	parseToken,
	resolveKeysets,
	sumOf,
	type Token,
} from "../../cashu/index.ts";
import { mintId } from "../../documents/index.ts";
import { checked } from "../checked.ts";
import type { MintAnswer } from "../ecash-part.ts";
import { RECEIVED, type ReceivedRow } from "../ecash-tables.ts";
import { ANSWER_WITHIN_MS, MAX_OPEN_REQUESTS } from "../purse-limits.ts";
import { type Change, changing, unchanged } from "../purse-tables.ts";
import type { EcashBook } from "./book.ts";
import { Conversation } from "./conversation.ts";
import { countersOf } from "./counters.ts";
import type { EcashJobOf } from "./jobs.ts";
import type { Mints } from "./mints.ts";
import { keptWhy, notAnswered, whyRefused } from "./order-refusals.ts";
import { intoOwn } from "./own-outputs.ts";
import type { EcashParts } from "./parts.ts";
import { isForGood, notYet, whyNever, whySpent } from "./receiving-refusals.ts";
import {
	encodeSwap,
	type MadeOutput,
	madeBefore,
	parseSwap,
	type StoredSwap,
} from "./stored-swap.ts";
import { isNeverDone, type SwapOutcome, SwapRun } from "./swap-run.ts";

/** What an owner has put before the purse. */
interface Asked {
	/** 16 bytes; it names this for ever. */
	readonly request: Uint8Array;
	/** What stands for its mint. */
	readonly mint: Uint8Array;
	readonly token: Token;
}

type Receiving =
	| { readonly kind: "looking-up"; readonly asked: Asked }
	| FindingMint
	| { readonly kind: "writing"; readonly asked: Asked }
	| Swapping;

interface FindingMint {
	readonly kind: "finding-mint";
	readonly asked: Asked;
	readonly until: number;
	/** Whether it was asked again because of a keyset in the token that it had not shown. */
	readonly isAnew: boolean;
}

interface Swapping {
	readonly kind: "swapping";
	readonly row: ReceivedRow;
	readonly swap: StoredSwap;
	readonly run: SwapRun;
	readonly talk: Conversation;
	/** Why it was made anew last, or is to be if that helps. */
	readonly anewFor: MintFailure | undefined;
	/** Whether its owner was told that it is refused for now: that is said once. */
	readonly isTold: boolean;
}

export class Receivings {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	readonly #book: EcashBook;
	/** By request, in hexadecimal. */
	readonly #all = new Map<string, Receiving>();

	constructor(
		parts: EcashParts,
		mints: Mints,
		book: EcashBook,
		open: readonly ReceivedRow[],
	) {
		this.#parts = parts;
		this.#mints = mints;
		this.#book = book;
		const { crypto: ecash, seed } = parts.options;
		for (const row of open) {
			const swap = parseSwap(ecash, seed, row.swap);
			const talk = this.#talkAbout(row, () => madeBefore(row.swap));
			const run = new SwapRun(ecash, swap, true);
			this.#all.set(hex(row.request), {
				...{ kind: "swapping", row, swap, run, talk },
				...{ anewFor: undefined, isTold: false },
			});
		}
	}

	/** The owner wants what is in a token in the purse. What comes of it is reported. */
	receive(named: Uint8Array, written: string): void {
		const { core } = this.#parts;
		const request = copy(named);
		if (this.#all.has(hex(request))) return;
		const read = checked(() => this.#read(written));
		if (read.kind === "failed") return this.#report(request, read.error);
		const asked = { request, ...read.value };
		this.#all.set(hex(request), { kind: "looking-up", asked });
		this.#parts.transact<"looking-up-received">(
			{ kind: "looking-up-received", request: asked.request },
			changing(
				core.options.context.crypto,
				core.now,
				[byKey(RECEIVED, { request: asked.request })],
				([[row]]): Change<ReceivedRow | undefined> => unchanged(row),
			),
		);
	}

	/** Throws for what is no token, and for one of another mint or unit than the owner has named. */
	#read(written: string): Pick<Asked, "mint" | "token"> {
		const token = parseToken(written);
		const { crypto } = this.#parts.core.options.context;
		const mint = mintId(crypto, token.mint);
		if (this.#mints.of(mint)?.unit !== token.unit) throw notNamed();
		if (this.#all.size >= MAX_OPEN_REQUESTS)
			throw new TetradError("busy", "too much ecash is being received");
		return { mint, token };
	}

	lookedUp(
		{ request }: EcashJobOf<"looking-up-received">,
		row: ReceivedRow | undefined,
	): void {
		const one = this.#all.get(hex(request));
		if (one?.kind !== "looking-up") return;
		const { asked } = one;
		if (row !== undefined) {
			this.#all.delete(hex(request));
			return this.#tell(row);
		}
		const until = this.#parts.core.now + ANSWER_WITHIN_MS;
		const { mint } = asked;
		const finding = { asked, until, isAnew: false } as const;
		this.#all.set(hex(request), { kind: "finding-mint", ...finding });
		this.#mints.need(mint);
		this.#begin({ kind: "finding-mint", ...finding });
	}

	notLookedUp(
		{ request }: EcashJobOf<"looking-up-received">,
		error: TetradError,
	): void {
		const one = this.#all.get(hex(request));
		if (one?.kind === "looking-up") this.#giveUp(one.asked, error);
	}

	/** Its mint is known now, or known not to be. */
	mintAsked(mint: Uint8Array): void {
		for (const one of [...this.#all.values()]) {
			if (one.kind === "finding-mint" && sameBytes(one.asked.mint, mint))
				this.#begin(one);
			else if (one.kind === "swapping" && sameBytes(one.row.mint, mint))
				this.#drive(one);
		}
	}

	*deadlines(): Generator<number> {
		for (const one of this.#all.values()) {
			if (one.kind === "finding-mint") yield one.until;
			if (one.kind === "swapping") yield* one.talk.deadlines();
		}
	}

	time(): void {
		const { now } = this.#parts.core;
		for (const one of [...this.#all.values()]) {
			if (one.kind === "finding-mint" && one.until <= now)
				this.#giveUp(
					one.asked,
					this.#mints.whyNot(one.asked.mint) ?? notAnswered(),
				);
			else if (one.kind === "swapping") this.#drive(one);
		}
	}

	/** Unless its mint is still to answer. */
	#begin(finding: FindingMint): void {
		const { core, options } = this.#parts;
		const { asked, isAnew } = finding;
		const { request, mint, token } = asked;
		const why = this.#mints.whyNot(mint);
		if (why?.code === "busy") return;
		if (why !== undefined) return this.#giveUp(asked, why);
		const keysets = this.#mints.keysets(mint);
		const isShown = token.proofs.every(
			({ keyset }) => keysets?.named(keyset).length !== 0,
		);
		if (!isShown && !isAnew) {
			// It may be newer than what the mint has said.
			this.#all.set(hex(request), { ...finding, isAnew: true });
			return this.#mints.askAnew(mint);
		}
		if (!isShown && !this.#mints.isKnown(mint)) return;
		// It may be one that its mint shows, and does not have here: that may change.
		const lacks = isShown ? undefined : this.#mints.lacks(mint);
		if (lacks !== undefined) return this.#giveUp(asked, lacks);
		const made = checked(() => {
			const inputs =
				keysets === undefined ? [] : resolveKeysets(token, keysets);
			const spent = { inputs, proofs: inputs };
			return intoOwn(options, this.#mints, this.#book, spent, mint);
		});
		const row: ReceivedRow = {
			...{ request, mint },
			amount: sumOf(token.proofs),
			swap: new Uint8Array(),
			...{ code: "", reason: "" },
			asked: BigInt(core.now),
			state: "swapping",
		};
		if (made.kind === "ok") {
			const swap = made.value;
			const amount = sumOf(swap.outputs);
			this.#all.set(hex(request), { kind: "writing", asked });
			const to = { ...row, amount, swap: encodeSwap(swap) };
			return this.#write(to, swap, "insert");
		}
		if (!isForGood(made.error)) return this.#giveUp(asked, made.error);
		this.#all.set(hex(request), { kind: "writing", asked });
		this.#move(refusedRow(row, made.error), []);
	}

	#write(row: ReceivedRow, swap: StoredSwap, how: "insert" | "put"): void {
		const { core } = this.#parts;
		this.#parts.transact<"receiving">(
			{ kind: "receiving", row, swap },
			changing(core.options.context.crypto, core.now, [], () => ({
				entries: [],
				writes: [
					how === "insert" ? insert(RECEIVED, row) : put(RECEIVED, row),
					...countersOf(this.#book, swap.outputs),
				],
				result: undefined,
			})),
		);
	}

	written({ row, swap }: EcashJobOf<"receiving">): void {
		const before = this.#all.get(hex(row.request));
		const {
			talk = this.#talkAbout(row),
			anewFor = undefined,
			isTold = false,
		} = before?.kind === "swapping" ? before : {};
		// What is made again and again is so less and less often.
		talk.written();
		talk.madeAnew();
		talk.now();
		const run = new SwapRun(this.#parts.options.crypto, swap, false);
		const open = { row, swap, run, talk, anewFor, isTold };
		const swapping: Swapping = { kind: "swapping", ...open };
		this.#all.set(hex(row.request), swapping);
		this.#drive(swapping);
	}

	notWritten({ row }: EcashJobOf<"receiving">, error: TetradError): void {
		const one = this.#all.get(hex(row.request));
		if (one?.kind === "writing") return this.#giveUp(one.asked, error);
		if (one?.kind === "swapping") one.talk.notWritten();
	}

	#talkAbout(
		{ request, mint }: ReceivedRow,
		made?: () => readonly MadeOutput[],
	): Conversation {
		const job = { kind: "asking-about-received", request } as const;
		return new Conversation(this.#parts, this.#mints, mint, job, made);
	}

	#drive(one: Swapping): void {
		const what = one.talk.ready();
		if (what === "ask") one.talk.ask(one.run.next);
		else if (what === "make-anew") this.#makeAnew(one);
	}

	mintAnswered(request: Uint8Array, answer: MintAnswer): void {
		const one = this.#all.get(hex(request));
		if (one?.kind !== "swapping" || !one.talk.heard()) return;
		const outcome = one.talk.follow(one.run, answer, () => this.#drive(one));
		if (outcome !== undefined) this.#over(one, outcome);
	}

	mintNotAnswered(request: Uint8Array): void {
		const one = this.#all.get(hex(request));
		if (one?.kind !== "swapping" || !one.talk.heard()) return;
		one.run.unanswered();
		one.talk.later();
	}

	#over(one: Swapping, outcome: SwapOutcome): void {
		const { row, swap, run, talk } = one;
		switch (outcome.kind) {
			case "signed": {
				const amount = sumOf(outcome.proofs);
				const to = { ...row, amount, state: "received" } as const;
				talk.writing();
				return this.#move(to, outcome.left);
			}
			case "not-done": {
				const { why } = outcome;
				const { now } = this.#parts.core;
				const isAgain = one.anewFor === why.kind;
				const never = whyNever({ why, spends: swap.spends, now, isAgain });
				if (never !== undefined) return this.#refuse(one, never);
				run.unanswered();
				this.#refusedForNow(one, why);
				return talk.notDone(why, swap);
			}
			case "spent":
				return this.#refuse(one, whySpent(swap.spends, outcome.states));
			default:
				return unreachable(outcome);
		}
	}

	/** It is made anew, or its owner is told that nothing comes of it for now. */
	#refusedForNow(one: Swapping, why: MintError): void {
		const name = hex(one.row.request);
		// What it calls unbalanced may be made anew, and its owner hears of it when that did not help.
		const isFirst = why.kind === "not-balanced" && one.anewFor !== why.kind;
		if (isNeverDone(why) || isFirst)
			this.#all.set(name, { ...one, anewFor: why.kind });
		else if (!one.isTold) {
			this.#all.set(name, { ...one, isTold: true });
			this.#parts.core.trouble(notYet(why));
		}
	}

	/** With other outputs, of the same proofs. */
	#makeAnew(one: Swapping): void {
		const { options } = this.#parts;
		const { row, swap: before, talk } = one;
		const { spends } = before;
		const made = checked(() => {
			const spent = { inputs: spends, proofs: spends, before };
			return intoOwn(options, this.#mints, this.#book, spent, row.mint);
		});
		if (made.kind === "ok") {
			const swap = made.value;
			talk.writing();
			return this.#write({ ...row, swap: encodeSwap(swap) }, swap, "put");
		}
		const { error } = made;
		// Of what was made before, the mint may have carried out any: that many are asked about for good.
		if (error.code !== "limit-exceeded" && isForGood(error))
			this.#refuse(one, error);
		else talk.notMadeAnew(error);
	}

	/** It is over, and nothing of it will be received. */
	#refuse({ row, talk }: Swapping, error: TetradError): void {
		talk.writing();
		this.#move(refusedRow(row, error), []);
	}

	#move(to: ReceivedRow, proofs: readonly Proof[]): void {
		const { core } = this.#parts;
		const { request: subject, mint, amount } = to;
		this.#parts.transact<"received">(
			{ kind: "received", to, proofs },
			changing(core.options.context.crypto, core.now, [], () => ({
				entries:
					to.state === "received"
						? [{ what: "received", subject, amount, peer: mint }]
						: [],
				writes: [put(RECEIVED, to), ...this.#book.writeNew(mint, proofs)],
				result: undefined,
			})),
		);
	}

	moved({ to, proofs }: EcashJobOf<"received">): void {
		this.#book.add(to.mint, proofs);
		const one = this.#all.get(hex(to.request));
		if (one?.kind === "swapping") one.talk.over();
		this.#all.delete(hex(to.request));
		this.#tell(to);
	}

	notMoved({ to }: EcashJobOf<"received">, error: TetradError): void {
		const one = this.#all.get(hex(to.request));
		// Its mint was not asked for it.
		if (one?.kind === "writing") return this.#giveUp(one.asked, error);
		this.#parts.core.trouble(error);
		if (one?.kind !== "swapping") return;
		one.run.unanswered();
		one.talk.notWritten();
	}

	#tell(row: ReceivedRow): void {
		const { request, mint: issuer, amount } = row;
		const why = whyRefused(row);
		if (why !== undefined) return this.#report(request, why);
		this.#parts.core.report({
			...{ kind: "ecash-received", request, issuer, amount },
		});
	}

	#giveUp({ request }: Asked, error: TetradError): void {
		this.#all.delete(hex(request));
		this.#report(request, error);
	}

	#report(request: Uint8Array, error: TetradError): void {
		this.#parts.core.report({ kind: "ecash-refused", request, error });
	}
}

function notNamed(): TetradError {
	return new TetradError(
		"payment-refused",
		"the owner of this purse has not named that mint and unit",
	);
}

function refusedRow(row: ReceivedRow, error: TetradError): ReceivedRow {
	return { ...row, ...keptWhy(error), state: "refused" };
}
