import { TetradError } from "../../errors.ts";
import { MAX_PAIRING_TRIES } from "../parameters.ts";

/**
 * How many codes of a module somebody may have computed: the P2s that it has sent since it was last
 * paired or its owner last let it wait. One for all pairings of a module.
 */
export class PairingTries {
	#made: number;

	/** `made`: those of an earlier run. */
	constructor(made = 0) {
		this.#made = made;
	}

	/** The number of the next try, from 1, which counts from now on. Throws `limit-exceeded` when three were made. */
	take(): number {
		if (this.#made >= MAX_PAIRING_TRIES)
			throw new TetradError(
				"limit-exceeded",
				`${MAX_PAIRING_TRIES} pairings were tried and none was made; the owner has to let this module wait again`,
			);
		this.#made += 1;
		return this.#made;
	}

	/** The owner knows of the tries that were made and lets the module wait again. */
	allow(): void {
		this.#made = 0;
	}
}
