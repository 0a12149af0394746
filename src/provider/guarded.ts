/*
 * Memory for secrets that live long. Where libsodium is there it is outside of the heap of the
 * engine, which copies and forgets: locked so that it is not swapped, left out of core dumps,
 * between pages that nobody may touch. Elsewhere, and beyond the limit, there is none.
 */
import type { Sodium } from "../crypto/index.ts";

/**
 * Secrets in guarded memory at a time. Each takes a page, which is locked as far as `ulimit -l`
 * lets it be, and three more of addresses alone: 256 KiB locked for all where a page has 4 KiB.
 */
export const MAX_GUARDED_SECRETS = 64;

let guarded = 0;

/** Memory whose owner is collected is given back by the library, wiped. */
const collected = new FinalizationRegistry<null>(() => {
	guarded--;
});

/** How many secrets are in guarded memory now. */
export function guardedSecrets(): number {
	return guarded;
}

/** A secret that nobody can read, by mistake or by a pointer gone wrong, but while it is used. */
export class GuardedSecret {
	readonly #sodium: Sodium;
	#memory: Uint8Array | undefined;
	/** Calls to which it is lent now, one within another. */
	#lent = 0;

	private constructor(sodium: Sodium, memory: Uint8Array) {
		this.#sodium = sodium;
		this.#memory = memory;
	}

	/** Memory of so many bytes, which `fill` fills; `undefined` for none, and when as much is in use as may be. */
	static make(
		sodium: Sodium,
		bytes: number,
		fill: (memory: Uint8Array) => void,
	): GuardedSecret | undefined {
		// No bytes have no address, and the library ends the process that protects what has none.
		if (bytes === 0 || guarded >= MAX_GUARDED_SECRETS) return undefined;
		const secret = new GuardedSecret(sodium, sodium.sodium_malloc(bytes));
		guarded++;
		collected.register(secret, null, secret);
		try {
			if (secret.#memory !== undefined) fill(secret.#memory);
			secret.#close();
		} catch (thrown) {
			secret.wipe();
			throw thrown;
		}
		return secret;
	}

	/** Lends the bytes to `use` for the call, which must not go on after it, to be read alone; `undefined` once they are wiped. */
	read<Result>(use: (bytes: Uint8Array) => Result): Result | undefined {
		const memory = this.#memory;
		if (memory === undefined) return undefined;
		this.#sodium.sodium_mprotect_readonly(memory);
		this.#lent++;
		try {
			return use(memory);
		} finally {
			this.#lent--;
			this.#close();
		}
	}

	/** Overwrites the bytes and gives the memory back. */
	wipe(): void {
		const memory = this.#memory;
		if (memory === undefined) return;
		this.#memory = undefined;
		this.#sodium.sodium_mprotect_readwrite(memory);
		memory.fill(0);
		this.#sodium.sodium_free(memory);
		collected.unregister(this);
		guarded--;
	}

	#close(): void {
		if (this.#memory !== undefined && this.#lent === 0)
			this.#sodium.sodium_mprotect_noaccess(this.#memory);
	}
}
