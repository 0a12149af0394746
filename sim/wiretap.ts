/*
 * Somebody who has kept what went over the wires, and puts it on others: single frames on
 * connections of the same two devices, and whole connections, played again to whoever is called.
 */
import type { Stream } from "./random.ts";

/** One way of one connection. */
interface Recorded {
	readonly from: string;
	readonly to: string;
	readonly frames: Uint8Array[];
}

/** Connections that are kept, and frames of each; older ones are forgotten. */
const MAX_RECORDED = 48;
const MAX_FRAMES = 64;

export class Wiretap {
	readonly #stream: Stream;
	readonly #recorded: Recorded[] = [];

	constructor(stream: Stream) {
		this.#stream = stream;
	}

	/** Begins to keep what goes one way, and answers with what is to be called with each frame. */
	record(from: string, to: string): (bytes: Uint8Array) => void {
		const recorded: Recorded = { from, to, frames: [] };
		this.#recorded.push(recorded);
		if (this.#recorded.length > MAX_RECORDED) this.#recorded.shift();
		return (bytes) => {
			if (recorded.frames.length < MAX_FRAMES)
				recorded.frames.push(new Uint8Array(bytes));
		};
	}

	/** A frame that went the same way before, in this connection or an earlier one. */
	frame(from: string, to: string): Uint8Array | undefined {
		const before = this.#recorded.filter(
			(one) => one.from === from && one.to === to && one.frames.length > 0,
		);
		if (before.length === 0) return undefined;
		return this.#stream.pick(this.#stream.pick(before).frames);
	}

	/** All that a device was sent in one connection, by whoever calls it. */
	connection(
		to: string,
		callers: (name: string) => boolean,
	): readonly Uint8Array[] {
		const before = this.#recorded.filter(
			(one) => one.to === to && callers(one.from) && one.frames.length > 0,
		);
		return before.length === 0 ? [] : this.#stream.pick(before).frames;
	}
}
