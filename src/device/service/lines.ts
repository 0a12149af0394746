import { TetradError } from "../../errors.ts";
import { MAX_LINE_BYTES } from "./limits.ts";

const NEWLINE = 0x0a;

/** Cuts what comes over a socket into lines, none of them longer than `MAX_LINE_BYTES`. */
export class LineSplitter {
	readonly #pieces: Uint8Array[] = [];
	#length = 0;

	/** The lines that are whole now, without their ends. Throws `limit-exceeded` for one that is too long, and `malformed` for what is not UTF-8. */
	push(chunk: Uint8Array): string[] {
		const lines: string[] = [];
		let from = 0;
		for (;;) {
			const end = chunk.indexOf(NEWLINE, from);
			this.#keep(chunk.subarray(from, end < 0 ? chunk.length : end));
			if (end < 0) return lines;
			lines.push(this.#take());
			from = end + 1;
		}
	}

	#keep(piece: Uint8Array): void {
		this.#length += piece.length;
		if (this.#length > MAX_LINE_BYTES)
			throw new TetradError(
				"limit-exceeded",
				`a line has more than ${MAX_LINE_BYTES} bytes`,
			);
		if (piece.length > 0) this.#pieces.push(piece);
	}

	#take(): string {
		const bytes = Buffer.concat(this.#pieces.splice(0));
		this.#length = 0;
		try {
			return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
		} catch (cause) {
			throw new TetradError("malformed", "a line is not UTF-8", { cause });
		}
	}
}
