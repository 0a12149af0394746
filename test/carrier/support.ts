import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Carrier, CarrierReceiver } from "../../src/carrier/carrier.ts";
import type { TetradError } from "../../src/errors.ts";
import { encodeFrame, FRAME } from "../../src/wire/index.ts";

/** A record frame whose body is `size` bytes, all `fill`. */
export function record(size: number, fill = 0): Uint8Array {
	return encodeFrame(FRAME.record, new Uint8Array(size).fill(fill));
}

/** A record frame that carries `number` in four bytes. */
export function numbered(number: number): Uint8Array {
	const body = new Uint8Array(4);
	new DataView(body.buffer).setUint32(0, number);
	return encodeFrame(FRAME.record, body);
}

/** What `numbered` put in. */
export function numberOf(frame: Uint8Array | undefined): number {
	if (frame === undefined) return -1;
	return new DataView(frame.buffer, frame.byteOffset).getUint32(5);
}

/** Keeps what a carrier delivers, and lets a test wait for it. */
export class Recorder implements CarrierReceiver {
	readonly frames: Uint8Array[] = [];
	/** One entry for each call of `closed`. */
	readonly ends: (TetradError | undefined)[] = [];
	#changed = Promise.withResolvers<void>();

	constructor(carrier?: Carrier) {
		carrier?.receive(this);
	}

	frame(bytes: Uint8Array): void {
		// Lent for this call.
		this.frames.push(new Uint8Array(bytes));
		this.#notify();
	}

	/** What it does when it hears of the end. */
	onClosed: () => void = () => {};

	closed(error?: TetradError): void {
		this.ends.push(error);
		this.onClosed();
		this.#notify();
	}

	async untilFrames(count: number): Promise<void> {
		while (this.frames.length < count) {
			if (this.ends.length > 0)
				throw new Error(`closed after ${this.frames.length} frames`, {
					cause: this.ends[0],
				});
			await this.#changed.promise;
		}
	}

	/** Why the carrier closed; fails the test when it is told twice. */
	async untilClosed(): Promise<TetradError | undefined> {
		while (this.ends.length === 0) await this.#changed.promise;
		await turns(5);
		if (this.ends.length > 1) throw new Error("closed was called twice");
		return this.ends[0];
	}

	#notify(): void {
		this.#changed.resolve();
		this.#changed = Promise.withResolvers<void>();
	}
}

/** Lets the event loop turn `count` times, so that what would happen has happened. */
export async function turns(count: number): Promise<void> {
	for (let i = 0; i < count; i++)
		await new Promise((resolve) => setImmediate(resolve));
}

/** A new directory, removed at the end of the scope. */
export async function temporaryDirectory(): Promise<
	{ path: string } & AsyncDisposable
> {
	const path = await mkdtemp(join(tmpdir(), "tetrad-carrier-"));
	return {
		path,
		[Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
	};
}
