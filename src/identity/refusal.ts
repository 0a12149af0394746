import { TetradError } from "../errors.ts";

/** The failure for a chain that was read and is not accepted. `why` tells the owner what was wrong with it. */
export function chainRefused(why: string): TetradError {
	return new TetradError("chain-refused", why);
}
