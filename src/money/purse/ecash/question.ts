/* One question to a mint, whose answer changes nothing there. */
import { TetradError } from "../../../errors.ts";
import {
	type KnownKeysets,
	type MintRequest,
	mintRefused,
	parseMintError,
} from "../../cashu/index.ts";
import { checked } from "../checked.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { MintRun, RunStep } from "./mint-run.ts";
import { isDone, isPassing } from "./swap-run.ts";

export class Question<Answer> implements MintRun<Answer | TetradError> {
	readonly next: MintRequest;
	readonly #parse: (body: Uint8Array) => Answer;

	/** `parse` throws for what is no answer to it. */
	constructor(next: MintRequest, parse: (body: Uint8Array) => Answer) {
		this.next = next;
		this.#parse = parse;
	}

	unanswered(): void {
		// It is asked again.
	}

	/** What comes of it is the answer, or why the mint refuses to give one. */
	answered(
		_keysets: KnownKeysets,
		{ status, body }: MintAnswer,
	): RunStep<Answer | TetradError> {
		const read = checked(() => {
			if (isDone(status)) return this.#parse(body);
			const why = parseMintError(body);
			if (isPassing(status, why))
				throw new TetradError("busy", mintRefused(why).message);
			return mintRefused(why);
		});
		return read.kind === "ok"
			? { kind: "over", outcome: read.value }
			: { kind: "later", error: read.error };
	}
}
