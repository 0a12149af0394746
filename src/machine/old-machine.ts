import { asTetradError, TetradError } from "../errors.ts";
import type { ClosedBy, Ended } from "./machine.ts";

/** Something secret that must be overwritten when its machine ends. */
interface Wipeable {
	wipe(): void;
}

/**
 * The part that all machines share: effects are collected in order, the first failure ends the
 * machine for good, and a deadline ends what does not finish.
 */
export abstract class OldMachine<E extends { readonly kind: string }> {
	#effects: (E | Ended)[] = [];
	#deadline: number | undefined;
	#ended = false;
	readonly #owned = new Set<Wipeable>();

	/** `deadline` is in milliseconds since the epoch. */
	constructor(deadline: number) {
		this.#deadline = deadline;
	}

	/** When `time` should be called next, in milliseconds since the epoch; `undefined` when nothing is waited for. */
	get deadline(): number | undefined {
		return this.#ended ? undefined : this.#deadline;
	}

	get ended(): boolean {
		return this.#ended;
	}

	/** Tells the time. Ends the machine with `timed-out` when its deadline has come. */
	time(now: number): (E | Ended)[] {
		return this.step(() => {
			if (this.#deadline !== undefined && now >= this.#deadline) this.expired();
		});
	}

	/** Ends the machine because of something outside it: a lost carrier, a signer that failed, an abort by the caller. */
	abort(error: TetradError): (E | Ended)[] {
		return this.step(() => {
			throw error;
		});
	}

	/** Runs one step. What it emitted before it failed is dropped. */
	protected step(body: () => void): (E | Ended)[] {
		if (this.#ended) return [];
		try {
			body();
		} catch (thrown) {
			const error = asTetradError(thrown);
			this.#effects = [];
			this.#ended = true;
			this.tellOthers(error);
			this.#effects.push({ kind: "ended", error });
			this.#wipe();
		}
		const effects = this.#effects;
		this.#effects = [];
		return effects;
	}

	protected emit(effect: E): void {
		this.#effects.push(effect);
	}

	protected setDeadline(deadline: number | undefined): void {
		this.#deadline = deadline;
	}

	protected endInOrder(by: ClosedBy): void {
		this.#ended = true;
		this.#effects.push({ kind: "ended", by });
		this.#wipe();
	}

	/** The machine wipes `secret` when it ends, however far the step that made it came. */
	protected own<Secret extends Wipeable>(secret: Secret): Secret {
		this.#owned.add(secret);
		return secret;
	}

	/** As `own`, for bytes. */
	protected ownBytes(bytes: Uint8Array): Uint8Array {
		this.#owned.add({ wipe: () => bytes.fill(0) });
		return bytes;
	}

	/** The deadline has come. */
	protected expired(): void {
		throw new TetradError(
			"timed-out",
			`no answer in time while ${this.waitingFor()}`,
		);
	}

	/** Ends a sentence that begins with "no answer in time while". */
	protected abstract waitingFor(): string;
	/** Emits what the other devices must hear about a failure. */
	protected abstract tellOthers(error: TetradError): void;

	#wipe(): void {
		for (const secret of this.#owned) secret.wipe();
		this.#owned.clear();
	}
}
