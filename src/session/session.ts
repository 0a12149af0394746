import type { CryptoProvider } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { type ContentType, enc, utf8 } from "../wire/index.ts";
import type { SessionSecrets } from "./noise.ts";
import { RecordOpener, RecordSealer } from "./record.ts";
import type { Content, ContentRow } from "./several.ts";

const EXPORTER = utf8("tetrad/1 exporter");

/** Which end of the key exchange we are. */
export type SessionEnd = "initiator" | "responder";

/** A session after its key exchange: two directions of records and an exporter. */
export class Session {
	readonly #crypto: CryptoProvider;
	readonly #sealer: RecordSealer;
	readonly #opener: RecordOpener;
	#exporterSecret: Uint8Array | undefined;
	readonly #finalHash: Uint8Array;

	/** Takes the secrets over: the key buffers handed in are wiped. */
	constructor(
		crypto: CryptoProvider,
		secrets: SessionSecrets,
		end: SessionEnd,
	) {
		const { records, initiatorKey, responderKey } = secrets;
		const [ours, theirs] =
			end === "initiator"
				? [initiatorKey, responderKey]
				: [responderKey, initiatorKey];
		this.#crypto = crypto;
		this.#sealer = new RecordSealer(crypto, records, ours);
		this.#opener = new RecordOpener(crypto, records, theirs);
		this.#exporterSecret = secrets.exporterSecret;
		this.#finalHash = secrets.finalHash;
		initiatorKey.fill(0);
		responderKey.fill(0);
	}

	/** See `RecordSealer.seal`. */
	seal(type: ContentType, ...parts: readonly Uint8Array[]): Uint8Array {
		return this.#sealer.seal(type, ...parts);
	}

	/** See `RecordOpener.open`. */
	open(frame: Uint8Array): Content {
		return this.#opener.open(frame);
	}

	/** See `RecordOpener.openRows`. */
	openRows(frame: Uint8Array): readonly ContentRow[] {
		return this.#opener.openRows(frame);
	}

	/** Expand(exporter secret, enc("tetrad/1 exporter", final h, label, context), length). */
	export(label: string, context: Uint8Array, length: number): Uint8Array {
		if (this.#exporterSecret === undefined)
			throw new TetradError("tetrad-closed", "this session is over");
		const info = enc(EXPORTER, this.#finalHash, utf8(label), context);
		return this.#crypto.hkdfExpand(this.#exporterSecret, info, length);
	}

	/** Overwrites the keys that we hold; copies inside OpenSSL and the engine are out of reach. */
	wipe(): void {
		this.#sealer.wipe();
		this.#opener.wipe();
		this.#exporterSecret?.fill(0);
		this.#exporterSecret = undefined;
	}
}
