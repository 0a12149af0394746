import { TetradError } from "../errors.ts";
import { hex } from "../wire/index.ts";

/** How many handshake hashes a module remembers: 2¹⁶. */
const MAX_REMEMBERED: number = 2 ** 16;

/**
 * The handshake hashes of session 1 that a module has signed for. It signs for each once, so
 * a corrupt agent cannot make it vouch for one conversation in two tetrads. The oldest are
 * forgotten first, and all of them at a restart.
 */
export class SignedHashes {
	readonly #hashes = new Set<string>();

	/** Throws `unexpected-message` when the module has signed for this hash before. */
	claim(outerHash: Uint8Array): void {
		const key = hex(outerHash);
		if (this.#hashes.has(key))
			throw new TetradError(
				"unexpected-message",
				"the agent asks for a second signature for one conversation",
			);
		if (this.#hashes.size === MAX_REMEMBERED) {
			const [oldest] = this.#hashes;
			if (oldest !== undefined) this.#hashes.delete(oldest);
		}
		this.#hashes.add(key);
	}
}
