import { type CryptoProvider, KEY_BYTES } from "../crypto/index.ts";
import { authenticationFailed, TetradError } from "../errors.ts";
import {
	type RecordAead,
	RecordOpener,
	RecordSealer,
} from "../session/index.ts";
import { copy, enc, utf8 } from "../wire/index.ts";
import { FIN_BYTES, type Place, TOKEN_ID_BYTES } from "./parameters.ts";
import { SAFETY_CODE_BYTES, safetyWords } from "./safety-code.ts";
import { type Transcript, transcriptHash } from "./transcript.ts";

/** The direction of a session between an agent and its module. */
export type LocalDirection = "AX" | "XA" | "BY" | "YB";

const LABEL = {
	fin: utf8("tetrad/1 fin"),
	link: utf8("tetrad/1 link"),
	exporter: utf8("tetrad/1 exporter"),
	code: utf8("tetrad/1 code"),
	resumption: utf8("tetrad/1 resumption"),
} as const;

const PLACE_NAME: Readonly<Record<Place, Uint8Array>> = {
	A: utf8("A"),
	B: utf8("B"),
	X: utf8("X"),
	Y: utf8("Y"),
};

const DIRECTION_NAME: Readonly<Record<LocalDirection, Uint8Array>> = {
	AX: utf8("AX"),
	XA: utf8("XA"),
	BY: utf8("BY"),
	YB: utf8("YB"),
};

/** K, the one key that all four devices form, together with T, without which nothing is derived from it. */
export class RootKey {
	readonly #crypto: CryptoProvider;
	#k: Uint8Array | undefined;
	readonly #t: Uint8Array;
	readonly #fins = new Map<Place, Uint8Array>();

	private constructor(crypto: CryptoProvider, k: Uint8Array, t: Uint8Array) {
		this.#crypto = crypto;
		this.#k = k;
		this.#t = t;
	}

	/**
	 * K = HKDF-Extract(T, R1 ⊕ R2), or R1 ⊕ R2 for root `unsafe-xor` (claim 3). Throws
	 * `authentication-failed` when R1 = R2, since somebody then chose one after seeing the other.
	 */
	static form(
		crypto: CryptoProvider,
		transcript: Transcript,
		r1: Uint8Array,
		r2: Uint8Array,
		log: (label: string, secret: Uint8Array) => void,
	): RootKey {
		if (crypto.equal(r1, r2)) throw authenticationFailed();
		const t = transcriptHash(crypto, transcript);
		const xor = r1.map((byte, i) => byte ^ (r2[i] as number));
		let k: Uint8Array = xor;
		if (transcript.offer.root === "transcript") {
			k = crypto.hkdfExtract(t, xor);
			xor.fill(0);
		}
		log("OUTER_HASH", transcript.outerHash);
		log("INNER_HASH", transcript.innerHash);
		log("T", t);
		log("R1", r1);
		log("R2", r2);
		log("K", k);
		return new RootKey(crypto, k, t);
	}

	/** fin_P: the proof that the device at `place` formed this key over this transcript. */
	fin(place: Place): Uint8Array {
		return copy(this.#fin(place));
	}

	#fin(place: Place): Uint8Array {
		const known = this.#fins.get(place);
		if (known !== undefined) return known;
		const key = this.#expand(LABEL.fin, FIN_BYTES, PLACE_NAME[place], this.#t);
		const fin = this.#crypto.hmac(key, this.#t);
		key.fill(0);
		this.#fins.set(place, fin);
		return fin;
	}

	/** Throws `authentication-failed` unless `fin` is that of `place`. */
	check(place: Place, fin: Uint8Array): void {
		if (!this.#crypto.equal(this.#fin(place), fin))
			throw authenticationFailed();
	}

	/** Session 3 or 4: records under a key for each direction. `linkSecret` is empty on an open link. */
	localSession(
		records: RecordAead,
		linkSecret: Uint8Array,
		sends: LocalDirection,
		log: (label: string, secret: Uint8Array) => void,
	): LocalSession {
		const receives = OPPOSITE[sends];
		log("LINK_SECRET", linkSecret);
		const prk = this.#crypto.hkdfExtract(this.#key(), linkSecret);
		const key = (direction: LocalDirection) => {
			const bytes = this.#crypto.hkdfExpand(
				prk,
				enc(LABEL.link, DIRECTION_NAME[direction], this.#t),
				KEY_BYTES,
			);
			log(`LOCAL_${direction}`, bytes);
			return bytes;
		};
		const sendKey = key(sends);
		const receiveKey = key(receives);
		prk.fill(0);
		const session = new LocalSession(
			new RecordSealer(this.#crypto, records, sendKey),
			new RecordOpener(this.#crypto, records, receiveKey),
		);
		sendKey.fill(0);
		receiveKey.fill(0);
		return session;
	}

	/** A key for the application, the same on all four devices: Expand(K, enc("tetrad/1 exporter", T, label, context), length). */
	export(label: string, context: Uint8Array, length: number): Uint8Array {
		return this.#expand(LABEL.exporter, length, this.#t, utf8(label), context);
	}

	/** Six words for a person to compare, the same on all four devices. */
	safetyCode(): string {
		return safetyWords(this.safetyCodeBytes());
	}

	/** The safety code before it is put into words. */
	safetyCodeBytes(): Uint8Array {
		return this.#expand(LABEL.code, SAFETY_CODE_BYTES, this.#t);
	}

	/** T, of which nothing is secret. */
	get transcript(): Uint8Array {
		return copy(this.#t);
	}

	/** What names the resumption token of this tetrad: the four know it, and nobody else before it is used. */
	tokenId(): Uint8Array {
		return this.#expand(LABEL.resumption, TOKEN_ID_BYTES, this.#t);
	}

	/** Forgets the key; every derivation throws `tetrad-closed` from then on. */
	wipe(): void {
		this.#k?.fill(0);
		this.#k = undefined;
		for (const fin of this.#fins.values()) fin.fill(0);
		this.#fins.clear();
	}

	#key(): Uint8Array {
		if (this.#k === undefined)
			throw new TetradError("tetrad-closed", "this tetrad is over");
		return this.#k;
	}

	#expand(
		label: Uint8Array,
		length: number,
		...fields: readonly Uint8Array[]
	): Uint8Array {
		return this.#crypto.hkdfExpand(this.#key(), enc(label, ...fields), length);
	}
}

const OPPOSITE: Readonly<Record<LocalDirection, LocalDirection>> = {
	AX: "XA",
	XA: "AX",
	BY: "YB",
	YB: "BY",
};

/** Session 3 or 4, at one of its ends. */
export class LocalSession {
	readonly sealer: RecordSealer;
	readonly opener: RecordOpener;

	constructor(sealer: RecordSealer, opener: RecordOpener) {
		this.sealer = sealer;
		this.opener = opener;
	}

	wipe(): void {
		this.sealer.wipe();
		this.opener.wipe();
	}
}
