import { type Aead, type CryptoProvider, TAG_BYTES } from "../crypto/index.ts";
import { authenticationFailed, TetradError } from "../errors.ts";
import {
	CONTENT,
	type ContentType,
	copy,
	FRAME,
	FRAME_HEADER_BYTES,
	frameHeader,
	parseFrame,
	release,
} from "../wire/index.ts";
import { MAX_COUNTER, NONCE_BYTES, writeNonce } from "./nonce.ts";
import { type RecordKeys, recordKeys } from "./record-keys.ts";
import { type Content, type ContentRow, parseSeveral } from "./several.ts";
import type { RecordAead } from "./suite.ts";

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

/**
 * Records under one key. The key then changes and the counter goes on. So many records of the
 * greatest length are 2³⁴ blocks, at which AES-GCM still has all that it promises (docs/protocol.md,
 * Records).
 */
export const REKEY_INTERVAL: number = 2 ** 20;

/** One direction of a session: its keys, one counter for all of them, and the rule for when they change. */
class RecordCipher {
	readonly #keys: RecordKeys;
	readonly #nonce = new Uint8Array(NONCE_BYTES);
	#counter: number;

	constructor(keys: RecordKeys, counter: number) {
		this.#keys = keys;
		this.#counter = counter;
	}

	/** `header` ‖ the parts, sealed as the next record. */
	seal(
		header: Uint8Array,
		bodyBytes: number,
		...parts: readonly Uint8Array[]
	): Uint8Array {
		return this.#next(bodyBytes).sealRecord(this.#nonce, header, ...parts);
	}

	/** The content of the next record, or `undefined` when its tag does not fit. */
	open(header: Uint8Array, body: Uint8Array): Uint8Array | undefined {
		return this.#next(body.length).open(this.#nonce, header, body);
	}

	/** Makes the nonce of the next record. Each counter is used once, whatever becomes of its record. */
	#next(bodyBytes: number): Aead {
		if (this.#counter > MAX_COUNTER)
			throw new TetradError(
				"limit-exceeded",
				"this session has carried as many records as it may; connect again",
			);
		if (this.#counter > 0 && this.#counter % REKEY_INTERVAL === 0)
			this.#keys.rekey();
		const { aead, cipher } = this.#keys.of(bodyBytes);
		writeNonce(this.#nonce, aead, this.#counter++);
		return cipher;
	}

	wipe(): void {
		this.#keys.wipe();
	}
}

/** Seals records in one direction. */
export class RecordSealer {
	#cipher: RecordCipher | undefined;

	/** `firstCounter` is for tests of exhaustion; a session starts at 0. */
	constructor(
		crypto: CryptoProvider,
		records: RecordAead,
		key: Uint8Array,
		firstCounter = 0,
	) {
		this.#cipher = new RecordCipher(
			recordKeys(crypto, records, key),
			firstCounter,
		);
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
		const bodyBytes = 1 + length + TAG_BYTES;
		const header = frameHeader(FRAME.record, bodyBytes);
		return this.#cipher.seal(header, bodyBytes, TYPE_BYTE[type], ...parts);
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
		records: RecordAead,
		key: Uint8Array,
		firstCounter = 0,
	) {
		this.#cipher = new RecordCipher(
			recordKeys(crypto, records, key),
			firstCounter,
		);
	}

	/** The content of a whole record frame that has one. Throws `authentication-failed`, now and ever after, when it does not open, and when it has several. */
	open(frame: Uint8Array): Content {
		const [content, more] = this.openAll(frame);
		if (content === undefined || more !== undefined) return this.#fail();
		return content;
	}

	/** The contents of a whole record frame, one or more, in order. Throws as `openRows`. */
	openAll(frame: Uint8Array): readonly Content[] {
		return this.openRows(frame).flatMap(({ type, all }) =>
			all.map((bytes) => ({ type, bytes })),
		);
	}

	/**
	 * The same, those of one type that follow each other together: of messages a record may hold very
	 * many. Throws as `open`, and for several that are not joined as they have to be.
	 */
	openRows(frame: Uint8Array): readonly ContentRow[] {
		const plaintext = this.#plaintext(frame);
		const type = plaintext?.[0];
		if (plaintext === undefined || type === undefined || !isContentType(type))
			return this.#fail();
		const bytes = plaintext.subarray(1);
		if (type === CONTENT.several) {
			const contents = parseSeveral(bytes) ?? this.#fail();
			// Messages of the application are copies, and nothing else refers to what was opened.
			if (contents.every((row) => row.type === CONTENT.message))
				release(plaintext);
			return contents;
		}
		// The application gets it, and must not see what else was opened.
		return [{ type, all: [type === CONTENT.message ? own(bytes) : bytes] }];
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

/** The same bytes in memory that they share with nothing but their type. */
function own(bytes: Uint8Array): Uint8Array {
	return bytes.buffer.byteLength > 1 + bytes.length ? copy(bytes) : bytes;
}

function isContentType(value: number): value is ContentType {
	return value in TYPE_BYTE;
}
