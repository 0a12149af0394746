/*
 * A file that goes to the other agent: the sender.
 *
 *   new ─begin─▶ sending ─sent─▶ reading ─read─▶ sending ─sent─▶ …
 *               (the offer)                     (a chunk)
 *       … sending ─sent─▶ checking ─read nothing─▶ ending ─sent─▶ unacknowledged ─from-agent─▶ over
 *                       (the end)
 *
 * As many bytes go as were offered. A file that becomes shorter meanwhile ends the sending, and one
 * that has become longer, too, before its end is sent: what arrived was never all of it.
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
import {
	concat,
	FILE_MESSAGE,
	malformed,
	release,
	sameBytes,
} from "../wire/index.ts";
import { CHUNK_BYTES } from "./limits.ts";
import { FILE } from "./messages.ts";
import {
	cutOff,
	type SessionOneEffect,
	type SessionOneEvent,
	unasked,
} from "./session-one.ts";

/** A file that shall go. */
export interface OutgoingFile {
	/** 1 to `MAX_FILE_NAME_BYTES` of UTF-8, without its folder. */
	readonly name: string;
	/** In bytes. */
	readonly size: number;
}

/** What happens to a file that is sent. */
export type FileSendingEvent =
	| { readonly kind: "begin" }
	/** What was asked for, or less of it, which is the machine's from now on; nothing where the file has ended. */
	| { readonly kind: "read"; readonly bytes: Uint8Array }
	| SessionOneEvent;

/** What the sender of a file asks for. */
export type FileSendingEffect =
	/** Read at most so many bytes of the file from there; answered by `read`. */
	| { readonly kind: "read"; readonly at: number; readonly length: number }
	/** So many bytes are on their way. */
	| { readonly kind: "progress"; readonly bytes: number; readonly size: number }
	/** The other agent has the whole file. */
	| { readonly kind: "delivered"; readonly sha256: Uint8Array }
	| SessionOneEffect;

type State =
	| { readonly kind: "new" }
	/** A message is on its way, after which the other agent has been sent the file up to `at`. */
	| { readonly kind: "sending"; readonly at: number }
	| { readonly kind: "reading"; readonly at: number; readonly length: number }
	/** Everything was sent, and the file is looked at behind that. */
	| { readonly kind: "checking" }
	| { readonly kind: "ending"; readonly sha256: Uint8Array }
	| { readonly kind: "unacknowledged"; readonly sha256: Uint8Array };

/** The sender of one file. */
export class FileSending
	implements Machine<FileSendingEvent, FileSendingEffect>
{
	readonly #steps: Steps<FileSendingEffect> = new Steps<FileSendingEffect>(
		undefined,
		() => {},
	);
	readonly #file: OutgoingFile;
	readonly #hash: Sha256;
	#state: State = { kind: "new" };

	constructor(crypto: CryptoProvider, file: OutgoingFile) {
		this.#file = file;
		this.#hash = crypto.beginSha256();
	}

	get deadline(): undefined {
		return undefined;
	}

	handle(event: FileSendingEvent): readonly (FileSendingEffect | Ended)[] {
		return this.#steps.run(() => this.#handle(event));
	}

	#handle(event: FileSendingEvent): void {
		switch (event.kind) {
			case "begin":
				return this.#begin();
			case "sent":
				return this.#sent();
			case "read":
				return this.#read(event.bytes);
			case "from-agent":
				return this.#hear(event.bytes);
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

	#begin(): void {
		if (this.#state.kind !== "new") throw unasked("a beginning");
		const { name, size } = this.#file;
		this.#send(message(FILE.offer, { name, size: BigInt(size) }));
		this.#state = { kind: "sending", at: 0 };
	}

	#sent(): void {
		const state = this.#state;
		switch (state.kind) {
			case "sending":
				if (state.at > 0)
					this.#steps.emit({
						kind: "progress",
						bytes: state.at,
						size: this.#file.size,
					});
				return this.#next(state.at);
			case "ending":
				this.#steps.emit({ kind: "receive" });
				this.#state = { ...state, kind: "unacknowledged" };
				return;
			case "new":
			case "reading":
			case "checking":
			case "unacknowledged":
				throw unasked("room for a message");
			default:
				return unreachable(state);
		}
	}

	#next(at: number): void {
		const left = this.#file.size - at;
		if (left > 0) {
			const length = Math.min(CHUNK_BYTES, left);
			this.#steps.emit({ kind: "read", at, length });
			this.#state = { kind: "reading", at, length };
			return;
		}
		this.#steps.emit({ kind: "read", at, length: 1 });
		this.#state = { kind: "checking" };
	}

	#checked(bytes: Uint8Array): void {
		if (bytes.length > 0)
			throw new TetradError(
				"carrier-failed",
				`${this.#file.name} became longer while it was sent; send it again when nobody writes into it`,
			);
		const sha256 = this.#hash.digest();
		this.#send(message(FILE.end, { sha256 }));
		this.#state = { kind: "ending", sha256 };
	}

	#read(bytes: Uint8Array): void {
		const state = this.#state;
		if (state.kind === "checking") return this.#checked(bytes);
		if (state.kind !== "reading" || bytes.length > state.length)
			throw unasked("a part of the file");
		if (bytes.length === 0)
			throw new TetradError(
				"carrier-failed",
				`${this.#file.name} became shorter while it was sent`,
			);
		this.#hash.update(bytes);
		this.#send(concat(Uint8Array.of(FILE_MESSAGE.fileChunk), bytes));
		this.#state = { kind: "sending", at: state.at + bytes.length };
		release(bytes);
	}

	#hear(bytes: Uint8Array): void {
		if (this.#state.kind !== "unacknowledged")
			throw unexpected("a message to the sender of a file");
		if (bytes[0] !== FILE.acknowledgement.type)
			throw malformed("this is not the acknowledgement of a file");
		const { sha256 } = body(FILE.acknowledgement, bytes);
		if (!sameBytes(sha256, this.#state.sha256))
			throw new TetradError(
				"carrier-failed",
				"the file that arrived is not the file that was sent",
			);
		this.#steps.emit({ kind: "delivered", sha256: this.#state.sha256 });
		this.#steps.end("self");
	}

	#send(bytes: Uint8Array): void {
		this.#steps.emit({ kind: "to-agent", bytes });
	}
}
