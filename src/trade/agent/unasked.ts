import { TetradError } from "../../errors.ts";

/** A mistake of whoever runs the machine. */
export function unasked(what: string): TetradError {
	return new TetradError("internal", `${what} came that was not asked for`);
}
