import { TetradError } from "../../errors.ts";
import { concat } from "../../wire/index.ts";

/** All of a stream. Throws `message-too-large`, with `why`, for one of more than `max` bytes, and what the stream throws. */
export async function allOf(
	stream: ReadableStream<Uint8Array> | null,
	max: number,
	why: string,
): Promise<Uint8Array<ArrayBuffer>> {
	const pieces: Uint8Array[] = [];
	let length = 0;
	for await (const piece of stream ?? []) {
		length += piece.length;
		if (length > max) throw new TetradError("message-too-large", why);
		pieces.push(piece);
	}
	return new Uint8Array(concat(...pieces));
}
