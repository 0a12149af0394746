import { TetradError } from "../../errors.ts";
import { hex } from "../../wire/index.ts";
import type { LoadLimits } from "../parameters.ts";
import { Rate } from "./rate.ts";

const MINUTE_MS = 60_000;

/** Agents that are remembered although they have no tetrad now; the one that has been longest away is forgotten first. */
export const MAX_REMEMBERED = 4096;

interface Caller {
	readonly rate: Rate;
	tetrads: number;
}

/** What each agent has taken that has proved who it is. */
export class Callers {
	readonly #limits: LoadLimits;
	/** By device id, in hexadecimal; the one that called last comes last. */
	readonly #callers = new Map<string, Caller>();
	#tetrads = 0;

	constructor(limits: LoadLimits) {
		this.#limits = limits;
	}

	/** One more tetrad of that agent; returns what ends it. Throws `busy` when that is too much. */
	take(deviceId: Uint8Array, now: number): () => void {
		const { tetrads, tetradsOfDevice, perMinuteOfDevice } = this.#limits;
		const key = hex(deviceId);
		const caller = this.#callers.get(key) ?? {
			rate: new Rate(perMinuteOfDevice, MINUTE_MS, perMinuteOfDevice, now),
			tetrads: 0,
		};
		this.#callers.delete(key);
		this.#callers.set(key, caller);
		this.#forget();
		if (this.#tetrads >= tetrads)
			throw new TetradError("busy", `${tetrads} tetrads are open already`);
		if (caller.tetrads >= tetradsOfDevice)
			throw new TetradError(
				"busy",
				`the other agent has ${tetradsOfDevice} tetrads already`,
			);
		if (!caller.rate.take(now))
			throw new TetradError(
				"busy",
				`the other agent has called more than ${perMinuteOfDevice} times in a minute`,
			);
		this.#tetrads++;
		caller.tetrads++;
		let isOver = false;
		return () => {
			if (isOver) return;
			isOver = true;
			this.#tetrads--;
			caller.tetrads--;
		};
	}

	#forget(): void {
		if (this.#callers.size <= MAX_REMEMBERED + this.#tetrads) return;
		for (const [key, { tetrads }] of this.#callers)
			if (tetrads === 0) {
				this.#callers.delete(key);
				return;
			}
	}
}
