import type { TetradError } from "../../errors.ts";
import {
	MAX_REASON_BYTES,
	type SaidRefusal,
} from "../../money/documents/index.ts";
import { textWithin } from "../../wire/index.ts";

/** An error as an agent hears of it. */
export function said({ code, message: reason }: TetradError): SaidRefusal {
	return { code, reason: textWithin(reason, MAX_REASON_BYTES) };
}
