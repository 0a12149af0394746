import { TetradError } from "../../errors.ts";
import { MAX_MINT_ANSWER_BYTES } from "./limits.ts";

/** Throws `limit-exceeded` for an answer that is too large to be read. */
export function requireSize(answer: Uint8Array): void {
	if (answer.length > MAX_MINT_ANSWER_BYTES)
		throw new TetradError(
			"limit-exceeded",
			`an answer of the mint has ${answer.length} bytes, and ${MAX_MINT_ANSWER_BYTES} are read`,
		);
}
