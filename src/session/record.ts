import {
	type Aead,
	type AeadName,
	type CryptoProvider,
	KEY_BYTES,
	TAG_BYTES,
} from "../crypto/index.ts";
import { authenticationFailed, TetradError } from "../errors.ts";
import {
	copy,
	FRAME,
	FRAME_HEADER_BYTES,
	frameHeader,
	parseFrame,
} from "../wire/index.ts";
import { MAX_COUNTER, nonceFor, rekeyNonce } from "./nonce.ts";

/** What a record carries. The type is sealed with the content, so a wire shows only lengths. */
export const CONTENT = {
	/** A flight of an establishment, a link or a pairing. */
	handshake: 0x00,
	/** A message of the application. */
	message: 0x01,
	/** A record of session 2, inside session 1. */
	nested: 0x02,
	/** The sender will send nothing more. */
	close: 0x03,
	/** A message between an agent and its module, on a link. */
	link: 0x04,
} as const;

export type ContentType = (typeof CONTENT)[keyof typeof CONTENT];

const CONTENT_TYPES: ReadonlySet<number> = new Set(Object.values(CONTENT));

export interface Content {
	readonly type: ContentType;
	readonly bytes: Uint8Array;
}

/** Content of one record, in bytes: 256 KiB. */
export const MAX_CONTENT_BYTES: number = 2 ** 18;

/** How many bytes a record adds to its content: header, type and tag. */
export const RECORD_OVERHEAD: number = FRAME_HEADER_BYTES + 1 + TAG_BYTES;

/** Records under one key. The key then changes by Noise's REKEY and the counter goes on. */
export const REKEY_INTERVAL: number = 2 ** 20;

const EMPTY = new Uint8Array();

/** One direction of a session: a key, a counter, and the rule for when the key changes. */
class RecordCipher {
	readonly #crypto: CryptoProvider;
	readonly #aead: AeadName;
	readonly #key: Uint8Array;
	#cipher: Aead;
	#counter: number;

	constructor(
		crypto: CryptoProvider,
		aead: AeadName,
		key: Uint8Array,
		counter: number,
	) {
		this.#crypto = crypto;
		this.#aead = aead;
		this.#key = copy(key);
		this.#cipher = crypto.aead(aead, this.#key);
		this.#counter = counter;
	}

	/** The cipher and the nonce of the next record. A counter is handed out once. */
	next(): { readonly cipher: Aead; readonly nonce: Uint8Array } {
		if (this.#counter > MAX_COUNTER)
			throw new TetradError(
				"limit-exceeded",
				"this session has carried as many records as it may; connect again",
			);
		if (this.#counter > 0 && this.#counter % REKEY_INTERVAL === 0)
			this.#rekey();
		return {
			cipher: this.#cipher,
			nonce: nonceFor(this.#aead, this.#counter++),
		};
	}

	wipe(): void {
		this.#key.fill(0);
	}

	#rekey(): void {
		const fresh = this.#cipher.seal(
			rekeyNonce(),
			EMPTY,
			new Uint8Array(KEY_BYTES),
		);
		this.#key.set(fresh.subarray(0, KEY_BYTES));
		fresh.fill(0);
		this.#cipher = this.#crypto.aead(this.#aead, this.#key);
	}
}

/** Seals records in one direction. */
export class RecordSealer {
	#cipher: RecordCipher | undefined;

	/** `firstCounter` is for tests of exhaustion; a session starts at 0. */
	constructor(
		crypto: CryptoProvider,
		aead: AeadName,
		key: Uint8Array,
		firstCounter = 0,
	) {
		this.#cipher = new RecordCipher(crypto, aead, key, firstCounter);
	}

	/** A whole record frame. Throws `message-too-large` over 256 KiB of content. */
	seal(type: ContentType, content: Uint8Array): Uint8Array {
		if (content.length > MAX_CONTENT_BYTES)
			throw new TetradError(
				"message-too-large",
				`a message may have ${MAX_CONTENT_BYTES} bytes; this one has ${content.length}`,
			);
		if (this.#cipher === undefined)
			throw new TetradError("tetrad-closed", "this session is over");
		const { cipher, nonce } = this.#cipher.next();
		const length = 1 + content.length + TAG_BYTES;
		const header = frameHeader(FRAME.record, length);
		return cipher.sealRecord(nonce, header, Uint8Array.of(type), content);
	}

	wipe(): void {
		this.#cipher?.wipe();
		this.#cipher = undefined;
	}
}

/** Opens records in one direction, in order. The first that does not open ends it for good. */
export class RecordOpener {
	#cipher: RecordCipher | undefined;

	constructor(
		crypto: CryptoProvider,
		aead: AeadName,
		key: Uint8Array,
		firstCounter = 0,
	) {
		this.#cipher = new RecordCipher(crypto, aead, key, firstCounter);
	}

	/** The content of a whole record frame. Throws `authentication-failed`, now and ever after, when it does not open. */
	open(frame: Uint8Array): Content {
		const plaintext = this.#plaintext(frame);
		const type = plaintext?.[0];
		if (plaintext === undefined || type === undefined || !isContentType(type)) {
			this.wipe();
			throw authenticationFailed();
		}
		return { type, bytes: plaintext.subarray(1) };
	}

	wipe(): void {
		this.#cipher?.wipe();
		this.#cipher = undefined;
	}

	#plaintext(frame: Uint8Array): Uint8Array | undefined {
		if (this.#cipher === undefined) return undefined;
		let body: Uint8Array;
		try {
			const parsed = parseFrame(frame);
			if (parsed.type !== FRAME.record) return undefined;
			body = parsed.body;
		} catch {
			return undefined;
		}
		const { cipher, nonce } = this.#cipher.next();
		return cipher.open(nonce, frame.subarray(0, FRAME_HEADER_BYTES), body);
	}
}

function isContentType(value: number): value is ContentType {
	return CONTENT_TYPES.has(value);
}
