/*
 * A file that comes from the other agent: the receiver.
 *
 *   new ─the offer─▶ creating ─created─▶ taking ⇄ writing … ─the end─▶ keeping ─kept─▶ kept
 *                                                                        kept ─acknowledge─▶ acknowledging ─sent─▶ over
 *
 * Nothing is acknowledged before it is durable. What is not whole when it ends is discarded.
 */
import type { CryptoProvider, Sha256 } from "../crypto/index.ts";
import { TetradError, unreachable } from "../errors.ts";
import {
	type Ended,
	type Machine,
	Steps,
	unexpected,
} from "../machine/index.ts";
import { body, message } from "../money/documents/index.ts";
import { FILE_MESSAGE, malformed, sameBytes } from "../wire/index.ts";
import { harmlessName } from "./file-name.ts";
import { DEFAULT_MAX_FILE_BYTES } from "./limits.ts";
import { FILE } from "./messages.ts";
import {
	cutOff,
	type SessionOneEffect,
	type SessionOneEvent,
	unasked,
} from "./session-one.ts";

/** A file that is here, whole. */
export interface ReceivedFile {
	/** The sender's, made harmless. */
	readonly name: string;
	/** In bytes. */
	readonly size: number;
	/** SHA-256 of the file, 32 bytes. */
	readonly sha256: Uint8Array;
}

/** A file that is not here, or not for good. */
export interface UnkeptFile {
	/** The sender's, made harmless. */
	readonly name: string;
	/** In bytes, as it was offered. */
	readonly size: number;
	/** So many of them have come. */
	readonly bytes: number;
}

/** What becomes of a file on the disk. */
export type FileWorkEvent =
	| { readonly kind: "created" }
	| { readonly kind: "written" }
	/** The file is durable, whole and under a name of its own; `path` is for the owner. */
	| { readonly kind: "kept"; readonly path: string };

/** What is asked of the disk. Whatever fails there is an `abort`. */
export type FileWorkEffect =
	/** Begin a file under that name or the next free one, over no other; answered by `created`. */
	| { readonly kind: "create"; readonly name: string }
	/** Add bytes to it; answered by `written`. */
	| { readonly kind: "write"; readonly bytes: Uint8Array }
	/** Make it durable and show it under its name; answered by `kept`. */
	| { readonly kind: "keep" }
	/** Leave nothing of it: it ends before it is whole. */
	| ({ readonly kind: "discard" } & UnkeptFile)
	/** So many of its bytes are here. */
	| { readonly kind: "progress"; readonly bytes: number; readonly size: number }
	/** The whole file is here. When the device is content, it goes on with `acknowledge`. */
	| {
			readonly kind: "received";
			readonly file: ReceivedFile;
			readonly path: string;
	  };

/** What happens to a file that comes. */
export type FileReceivingEvent =
	| SessionOneEvent
	| FileWorkEvent
	/** The device is content with what it got. */
	| { readonly kind: "acknowledge" };

/** What the receiver of a file asks for. */
export type FileReceivingEffect = SessionOneEffect | FileWorkEffect;

interface Offered {
	readonly name: string;
	readonly size: number;
}

type State =
	| { readonly kind: "new" }
	| { readonly kind: "creating"; readonly offered: Offered }
	/** The file is here up to `at`, and the next message is asked for. */
	| { readonly kind: "taking"; readonly offered: Offered; readonly at: number }
	| { readonly kind: "writing"; readonly offered: Offered; readonly at: number }
	| { readonly kind: "keeping"; readonly file: ReceivedFile }
	| { readonly kind: "kept"; readonly file: ReceivedFile }
	| { readonly kind: "acknowledging" };

/** What a receiver is made with. */
export interface FileReceivingOptions {
	readonly crypto: CryptoProvider;
	/** The largest file that is taken; `DEFAULT_MAX_FILE_BYTES` unless given. */
	readonly maxBytes?: number;
}

/** The receiver of one file. */
export class FileReceiving
	implements Machine<FileReceivingEvent, FileReceivingEffect>
{
	readonly #steps: Steps<FileReceivingEffect> = new Steps<FileReceivingEffect>(
		undefined,
		() => this.#failing(),
	);
	readonly #maxBytes: number;
	readonly #hash: Sha256;
	#state: State = { kind: "new" };

	constructor({
		crypto,
		maxBytes = DEFAULT_MAX_FILE_BYTES,
	}: FileReceivingOptions) {
		this.#maxBytes = maxBytes;
		this.#hash = crypto.beginSha256();
	}

	get deadline(): undefined {
		return undefined;
	}

	/** What is on the disk and not kept. */
	get unkept(): UnkeptFile | undefined {
		const state = this.#state;
		switch (state.kind) {
			case "creating":
				return { ...state.offered, bytes: 0 };
			case "taking":
			case "writing":
				return { ...state.offered, bytes: state.at };
			case "keeping": {
				const { name, size } = state.file;
				return { name, size, bytes: size };
			}
			case "new":
			case "kept":
			case "acknowledging":
				return undefined;
			default:
				return unreachable(state);
		}
	}

	handle(event: FileReceivingEvent): readonly (FileReceivingEffect | Ended)[] {
		return this.#steps.run(() => this.#handle(event));
	}

	#handle(event: FileReceivingEvent): void {
		switch (event.kind) {
			case "from-agent":
				return this.#hear(event.bytes);
			case "created":
				return this.#created();
			case "written":
				return this.#written();
			case "kept":
				return this.#kept(event.path);
			case "acknowledge":
				return this.#acknowledge();
			case "sent":
				if (this.#state.kind !== "acknowledging")
					throw unasked("room for a message");
				return this.#steps.end("self");
			case "closed":
				throw cutOff("a file");
			case "abort":
				throw event.error;
			case "time":
				return;
			default:
				return unreachable(event);
		}
	}

	#hear(bytes: Uint8Array): void {
		const state = this.#state;
		switch (state.kind) {
			case "new":
				return this.#offered(bytes);
			case "taking":
				return state.at < state.offered.size
					? this.#chunk(state.offered, state.at, bytes)
					: this.#end(state.offered, bytes);
			case "creating":
			case "writing":
			case "keeping":
			case "kept":
			case "acknowledging":
				throw unexpected("a message to the receiver of a file");
			default:
				return unreachable(state);
		}
	}

	#offered(bytes: Uint8Array): void {
		if (bytes[0] !== FILE.offer.type)
			throw malformed("this is not the offer of a file");
		const offer = body(FILE.offer, bytes);
		if (offer.size > this.#maxBytes)
			throw new TetradError(
				"limit-exceeded",
				`the peer offers a file of ${offer.size} bytes; ${this.#maxBytes} are accepted`,
			);
		const offered = {
			name: harmlessName(offer.name),
			size: Number(offer.size),
		};
		this.#steps.emit({ kind: "create", name: offered.name });
		this.#state = { kind: "creating", offered };
	}

	#created(): void {
		if (this.#state.kind !== "creating") throw unasked("a new file");
		this.#take(this.#state.offered, 0);
	}

	#take(offered: Offered, at: number): void {
		this.#steps.emit({ kind: "receive" });
		this.#state = { kind: "taking", offered, at };
	}

	#chunk(offered: Offered, at: number, bytes: Uint8Array): void {
		if (bytes[0] !== FILE_MESSAGE.fileChunk)
			throw malformed("this is not the next chunk of a file");
		const chunk = bytes.subarray(1);
		if (chunk.length === 0 || chunk.length > offered.size - at)
			throw malformed("a chunk does not fit into its file");
		this.#hash.update(chunk);
		this.#steps.emit({ kind: "write", bytes: chunk });
		this.#state = { kind: "writing", offered, at: at + chunk.length };
	}

	#written(): void {
		if (this.#state.kind !== "writing") throw unasked("a write");
		const { offered, at } = this.#state;
		this.#steps.emit({ kind: "progress", bytes: at, size: offered.size });
		this.#take(offered, at);
	}

	#end(offered: Offered, bytes: Uint8Array): void {
		if (bytes[0] !== FILE.end.type)
			throw malformed("this is not the end of a file");
		const sha256 = this.#hash.digest();
		if (!sameBytes(body(FILE.end, bytes).sha256, sha256))
			throw malformed("the file's digest is not the one announced");
		this.#steps.emit({ kind: "keep" });
		this.#state = { kind: "keeping", file: { ...offered, sha256 } };
	}

	#kept(path: string): void {
		if (this.#state.kind !== "keeping") throw unasked("a kept file");
		const { file } = this.#state;
		this.#steps.emit({ kind: "received", file, path });
		this.#state = { kind: "kept", file };
	}

	#acknowledge(): void {
		if (this.#state.kind !== "kept") throw unasked("an acknowledgement");
		const { sha256 } = this.#state.file;
		this.#steps.emit({
			kind: "to-agent",
			bytes: message(FILE.acknowledgement, { sha256 }),
		});
		this.#state = { kind: "acknowledging" };
	}

	#failing(): void {
		const { unkept } = this;
		if (unkept !== undefined) this.#steps.emit({ kind: "discard", ...unkept });
	}
}
