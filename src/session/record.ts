import {
	type Aead,
	type AeadName,
	type CryptoProvider,
	KEY_BYTES,
	TAG_BYTES,
} from "../crypto/index.ts";
import { authenticationFailed, TetradError } from "../errors.ts";
import {
	CONTENT,
	type ContentType,
	copy,
	FRAME,
	FRAME_HEADER_BYTES,
	frameHeader,
	parseFrame,
} from "../wire/index.ts";
import { MAX_COUNTER, NONCE_BYTES, rekeyNonce, writeNonce } from "./nonce.ts";
import { type Content, parseSeveral } from "./several.ts";

/** The type as the first byte of a content. */
const TYPE_BYTE: Readonly<Record<ContentType, Uint8Array>> = {
	0: Uint8Array.of(CONTENT.handshake),
	1: Uint8Array.of(CONTENT.message),
	2: Uint8Array.of(CONTENT.nested),
	3: Uint8Array.of(CONTENT.close),
	4: Uint8Array.of(CONTENT.link),
	5: Uint8Array.of(CONTENT.lists),
	6: Uint8Array.of(CONTENT.several),
};

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
	readonly #nonce = new Uint8Array(NONCE_BYTES);
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

	/** `header` ‖ the parts, sealed as the next record. */
	seal(header: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
		this.#advance();
		return this.#cipher.sealRecord(this.#nonce, header, ...parts);
	}

	/** The content of the next record, or `undefined` when its tag does not fit. */
	open(header: Uint8Array, body: Uint8Array): Uint8Array | undefined {
		this.#advance();
		return this.#cipher.open(this.#nonce, header, body);
	}

	/** Makes the nonce of the next record. Each counter is used once, whatever becomes of its record. */
	#advance(): void {
		if (this.#counter > MAX_COUNTER)
			throw new TetradError(
				"limit-exceeded",
				"this session has carried as many records as it may; connect again",
			);
		if (this.#counter > 0 && this.#counter % REKEY_INTERVAL === 0)
			this.#rekey();
		writeNonce(this.#nonce, this.#aead, this.#counter++);
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

	/** A whole record frame with the parts one after another. Throws `message-too-large` over 256 KiB of content. */
	seal(type: ContentType, ...parts: readonly Uint8Array[]): Uint8Array {
		let length = 0;
		for (const part of parts) length += part.length;
		if (length > MAX_CONTENT_BYTES)
			throw new TetradError(
				"message-too-large",
				`a message may have ${MAX_CONTENT_BYTES} bytes; this one has ${length}`,
			);
		if (this.#cipher === undefined)
			throw new TetradError("tetrad-closed", "this session is over");
		const header = frameHeader(FRAME.record, 1 + length + TAG_BYTES);
		return this.#cipher.seal(header, TYPE_BYTE[type], ...parts);
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

	/** The content of a whole record frame that has one. Throws `authentication-failed`, now and ever after, when it does not open, and when it has several. */
	open(frame: Uint8Array): Content {
		const [content, more] = this.openAll(frame);
		if (content === undefined || more !== undefined) return this.#fail();
		return content;
	}

	/** The contents of a whole record frame, one or more, in order. Throws as `open`, and for several that are not joined as they have to be. */
	openAll(frame: Uint8Array): readonly Content[] {
		const plaintext = this.#plaintext(frame);
		const type = plaintext?.[0];
		if (plaintext === undefined || type === undefined || !isContentType(type))
			return this.#fail();
		const bytes = plaintext.subarray(1);
		if (type !== CONTENT.several) return [{ type, bytes }];
		return parseSeveral(bytes) ?? this.#fail();
	}

	wipe(): void {
		this.#cipher?.wipe();
		this.#cipher = undefined;
	}

	#fail(): never {
		this.wipe();
		throw authenticationFailed();
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
		return this.#cipher.open(frame.subarray(0, FRAME_HEADER_BYTES), body);
	}
}

function isContentType(value: number): value is ContentType {
	return value in TYPE_BYTE;
}
