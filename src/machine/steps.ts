import { asTetradError, TetradError } from "../errors.ts";
import type { ClosedBy, Ended, Kind } from "./machine.ts";

/** What a step without effects answers. */
const NONE: readonly never[] = [];

/** Something secret that must be overwritten when its machine ends. */
export interface Wipeable {
	wipe(): void;
}

/**
 * What a machine that can end is made with: it collects the effects of a step in order, lets the
 * first failure end the machine for good, keeps the deadline, and wipes what the machine owns when
 * it is over.
 */
export class Steps<Effect extends Kind> {
	#effects: (Effect | Ended)[] = [];
	#deadline: number | undefined;
	#ended = false;
	readonly #owned = new Set<Wipeable>();
	readonly #failing: (error: TetradError) => void;

	/** `failing` may still `emit` what others must hear about a failure. `deadline` is in milliseconds since the epoch. Throws `invalid-argument` for one that is NaN. */
	constructor(
		deadline: number | undefined,
		failing: (error: TetradError) => void,
	) {
		if (Number.isNaN(deadline))
			throw new TetradError(
				"invalid-argument",
				"the time that this may take is not a number, and would never be over",
			);
		this.#deadline = deadline;
		this.#failing = failing;
	}

	get deadline(): number | undefined {
		return this.#ended ? undefined : this.#deadline;
	}

	set deadline(at: number | undefined) {
		this.#deadline = at;
	}

	get ended(): boolean {
		return this.#ended;
	}

	/** Whether the deadline has come at `now`. */
	isDue(now: number): boolean {
		return this.#deadline !== undefined && now >= this.#deadline;
	}

	/**
	 * Runs one step, and returns its effects. What it emitted before it failed is dropped. An ended
	 * machine takes no step. A `body` that is given what it needs can be made once, and not for each step.
	 */
	run(body: () => void): readonly (Effect | Ended)[];
	run<Given>(
		body: (given: Given) => void,
		given: Given,
	): readonly (Effect | Ended)[];
	run<Given>(
		body: (given: Given) => void,
		given?: Given,
	): readonly (Effect | Ended)[] {
		if (this.#ended) return [];
		try {
			body(given as Given);
		} catch (thrown) {
			const error = asTetradError(thrown);
			this.#effects = [];
			this.#ended = true;
			this.#failing(error);
			this.#effects.push({ kind: "ended", error });
			this.#wipe();
		}
		const effects = this.#effects;
		if (effects.length === 0) return NONE;
		this.#effects = [];
		return effects;
	}

	emit(effect: Effect): void {
		// Most steps have one effect, and an array that grows takes room for many.
		if (this.#effects.length === 0) this.#effects = [effect];
		else this.#effects.push(effect);
	}

	/** Ends the machine in order; nothing may be emitted after it. */
	end(by: ClosedBy): void {
		this.#ended = true;
		this.#effects.push({ kind: "ended", by });
		this.#wipe();
	}

	/** The machine wipes `secret` when it ends, however far the step that made it came. */
	own<Secret extends Wipeable>(secret: Secret): Secret {
		this.#owned.add(secret);
		return secret;
	}

	/** As `own`, for bytes. */
	ownBytes(bytes: Uint8Array): Uint8Array {
		this.#owned.add({ wipe: () => bytes.fill(0) });
		return bytes;
	}

	#wipe(): void {
		for (const secret of this.#owned) secret.wipe();
		this.#owned.clear();
	}
}
