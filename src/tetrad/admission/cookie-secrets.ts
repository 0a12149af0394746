import type { CryptoProvider } from "../../crypto/index.ts";
import { enc, utf8 } from "../../wire/index.ts";

/** For how long one secret makes cookies, in milliseconds; they are good for as long again. */
export const COOKIE_SECRET_MS = 10_000;

const SECRET_BYTES = 32;

const LABEL: Uint8Array = utf8("tetrad/1 cookie");

interface Secret {
	/** Which stretch of `COOKIE_SECRET_MS` it makes cookies in. */
	readonly period: number;
	readonly key: Uint8Array;
}

/**
 * Cookies that are recognised without being remembered: an HMAC under a secret that changes, over
 * the stretch of time, the address of whom it is for, and the hash of what was sent. It costs no
 * more than that to make one, and to tell a stranger's.
 */
export class CookieSecrets {
	readonly #crypto: CryptoProvider;
	/** The newest first. */
	#secrets: readonly Secret[] = [];

	constructor(crypto: CryptoProvider) {
		this.#crypto = crypto;
	}

	/** A cookie of 33 bytes for whoever sent `offer`, the body of F1, from the address `peer`, port and all. */
	make(peer: string, offer: Uint8Array, now: number): Uint8Array {
		return this.#cookie(this.#newest(now), peer, offer);
	}

	/** Whether `cookie` was made here for the same offer from the same address, and not long ago. */
	isOurs(
		cookie: Uint8Array,
		peer: string,
		offer: Uint8Array,
		now: number,
	): boolean {
		const { period } = this.#newest(now);
		const secret = this.#secrets.find(
			(one) => period - one.period <= 1 && firstByte(one) === cookie[0],
		);
		if (secret === undefined) return false;
		return this.#crypto.equal(this.#cookie(secret, peer, offer), cookie);
	}

	#newest(now: number): Secret {
		const period = Math.floor(now / COOKIE_SECRET_MS);
		const [newest] = this.#secrets;
		if (newest?.period === period) return newest;
		const secret = { period, key: this.#crypto.random(SECRET_BYTES) };
		for (const { key } of this.#secrets.slice(1)) key.fill(0);
		this.#secrets = newest === undefined ? [secret] : [secret, newest];
		return secret;
	}

	#cookie(secret: Secret, peer: string, offer: Uint8Array): Uint8Array {
		const first = Uint8Array.of(firstByte(secret));
		const tag = this.#crypto.hmac(
			secret.key,
			enc(LABEL, first, utf8(peer), this.#crypto.sha256(offer)),
		);
		const cookie = new Uint8Array(1 + tag.length);
		cookie.set(first);
		cookie.set(tag, 1);
		return cookie;
	}
}

function firstByte({ period }: Secret): number {
	return period & 0xff;
}
