import { TetradError } from "../errors.ts";
import { hex } from "../wire/index.ts";

/** A module remembers at least this many handshake hashes: 2¹⁵. */
const MIN_REMEMBERED: number = 2 ** 15;

/**
 * The handshake hashes of session 1 that a module has signed for. It signs for each once, so a
 * corrupt agent cannot make it vouch for one conversation in two tetrads. It is a second line of
 * defence: the oldest half is forgotten when both halves are full, and all of them at a restart.
 */
export class SignedHashes {
	#recent = new Set<string>();
	#older = new Set<string>();

	/** Throws `unexpected-message` when the module has signed for this hash before. */
	claim(outerHash: Uint8Array): void {
		const key = hex(outerHash);
		if (this.#recent.has(key) || this.#older.has(key))
			throw new TetradError(
				"unexpected-message",
				"the agent asks for a second signature for one conversation",
			);
		if (this.#recent.size === MIN_REMEMBERED) {
			this.#older = this.#recent;
			this.#recent = new Set();
		}
		this.#recent.add(key);
	}
}
