/*
 * A play mint with faults to switch on. The mint inside stays as it is: a fault keeps a request
 * from it, asks it twice or at another time, or changes what it answers.
 */
import { JSONInt } from "@cashu/cashu-ts";
import { TetradError } from "../errors.ts";
import { parseUtf8, utf8 } from "../wire/index.ts";
import {
	endpointOf,
	MINT_FAULTS,
	type MintEndpoint,
	type MintFault,
	Wrongs,
} from "./faults.ts";
import { locktimeOf } from "./locks.ts";
import type { MintAnswer, MintRequest, PlayMint } from "./play-mint.ts";
import { REFUSED } from "./refusal.ts";
import { fieldsIn, type Input, inputsIn } from "./requests.ts";
import { altered, disfigured } from "./tampering.ts";

/** What becomes of a request. */
export type MintReply =
	| ({
			readonly kind: "answer";
			/** For how long it is held back, in milliseconds. */
			readonly delayMs: number;
	  } & MintAnswer)
	/** The connection breaks. */
	| { readonly kind: "silence" };

export class FaultyMint {
	readonly mint: PlayMint;
	#faults: { readonly fault: MintFault; left: number }[] = [];
	/** Witnesses of claims that failed, by point. */
	readonly #failed = new Map<string, string>();

	constructor(mint: PlayMint) {
		this.mint = mint;
	}

	/** Switches a fault on. Throws `invalid-argument` for one that cannot be where it is asked for. */
	add(fault: MintFault): void {
		const { kind, at, times } = fault;
		if (at !== undefined && !MINT_FAULTS[kind].includes(at))
			throw new TetradError("invalid-argument", `${kind} cannot be at ${at}`);
		this.#faults.push({ fault, left: times ?? Number.POSITIVE_INFINITY });
		if (kind === "keys-swapped") this.mint.swapKeys(true);
	}

	/** Everything is well from now on, and what was stuck is free again. */
	clear(): void {
		this.mint.swapKeys(false);
		this.mint.release();
		this.#failed.clear();
		this.#faults = [];
	}

	/** Those that are still to strike. */
	get faults(): readonly MintFault[] {
		return this.#faults.map(({ fault }) => fault);
	}

	/** Never throws for what is in a request. `now` is in milliseconds since the epoch. */
	handle(request: MintRequest, now: number): MintReply {
		const wrongs = this.#strike(endpointOf(request.path));
		if (wrongs.has("down")) return { kind: "silence" };
		const answer = this.#answer(request, now, wrongs);
		if (wrongs.has("answer-lost")) return { kind: "silence" };
		const delayMs = wrongs.get("slow")?.ms ?? 0;
		return { kind: "answer", delayMs, ...disfigured(answer, wrongs) };
	}

	#answer(request: MintRequest, now: number, wrongs: Wrongs): MintAnswer {
		const inputs = inputsOf(request);
		const at = now + (wrongs.get("clock-skewed")?.seconds ?? 0) * 1000;
		if (wrongs.has("keyset-rotated")) this.mint.rotateAll();
		if (wrongs.has("stuck-pending"))
			this.mint.hold(inputs.map(({ secret }) => this.mint.pointOf(secret)));
		if (
			wrongs.has("early-claim-refused") &&
			inputs.some((input) => isEarlyClaim(input, at))
		)
			return refused("this lock is still running");
		const isAgain = wrongs.has("handled-twice");
		const leniency = {
			ignoresLocks: wrongs.has("locks-ignored"),
			ignoresSpent: wrongs.has("spent-twice"),
			answersAnew:
				isAgain || wrongs.has("spent-twice") || wrongs.has("answers-forgotten"),
		};
		if (isAgain) this.mint.handle(request, at, leniency);
		const answer = this.mint.handle(request, at, leniency);
		if (answer.status !== 200)
			for (const { secret, witness } of inputs)
				if (witness !== undefined && wrongs.has("witness-of-failure-shown"))
					this.#failed.set(this.mint.pointOf(secret), witness);
		const parsed = JSONInt.parse(parseUtf8(answer.body)) as object;
		const body = altered(parsed, wrongs, this.#failed);
		return { ...answer, body: utf8(JSONInt.stringify(body) ?? "") };
	}

	/** What goes wrong with this request; a fault that has struck often enough is over. */
	#strike(endpoint: MintEndpoint | undefined): Wrongs {
		const wrongs = new Wrongs();
		for (const one of this.#faults) {
			const { kind, at } = one.fault;
			const concerns = at === undefined ? MINT_FAULTS[kind] : [at];
			if (endpoint === undefined || !concerns.includes(endpoint)) continue;
			one.left--;
			wrongs.add(one.fault);
		}
		this.#faults = this.#faults.filter(({ left }) => left > 0);
		return wrongs;
	}
}

function inputsOf({ path, body }: MintRequest): readonly Input[] {
	if (!MINT_FAULTS["stuck-pending"].some((one) => one === endpointOf(path)))
		return [];
	try {
		return inputsIn(fieldsIn(body));
	} catch {
		return [];
	}
}

/** Whether a preimage is shown before the deadline of its lock. `now` is in milliseconds. */
function isEarlyClaim({ secret, witness = "" }: Input, now: number): boolean {
	try {
		const locktime = locktimeOf(secret) ?? Number.POSITIVE_INFINITY;
		return witness.includes('"preimage"') && now < locktime * 1000;
	} catch {
		return false;
	}
}

function refused(detail: string): MintAnswer {
	const body = utf8(JSON.stringify({ detail, code: REFUSED.proof }));
	return { status: 400, body };
}
