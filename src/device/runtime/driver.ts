import { asTetradError, type TetradError } from "../../errors.ts";
import type { Ended, Kind, Machine, TimeEvent } from "../../machine/index.ts";

/** The longest that a timer of Node.js can wait, in milliseconds: 24.8 days. */
const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** How each effect is carried out, by its kind. What one of them throws stops the driver. */
export type Handlers<Effect extends Kind> = {
	readonly [Of in Effect["kind"]]: (
		effect: Effect & { readonly kind: Of },
	) => void;
};

export interface DriverOptions<Event extends Kind, Effect extends Kind> {
	readonly machine: Machine<Event | TimeEvent, Effect>;
	/** The clock that the machine's deadlines are of, in milliseconds since the epoch. */
	readonly now: () => number;
	readonly handlers: Handlers<Effect>;
	/** Carries out the machine's last effect. The driver has stopped. */
	readonly ended: (end: Ended) => void;
	/** A handler threw, or the machine when its time came. The driver has stopped, and what was still to be carried out is dropped. */
	readonly failed: (error: TetradError) => void;
}

/**
 * Runs any machine: hands it what happens, carries out what it answers, in order, and tells it when
 * its time has come. It stops with the machine's last effect, or when something throws.
 */
export class Driver<Event extends Kind, Effect extends Kind> {
	readonly #options: DriverOptions<Event, Effect>;
	/** What was answered while effects were carried out, and comes after them. */
	#later: (Effect | Ended)[] = [];
	#carryingOut = false;
	#timer: NodeJS.Timeout | undefined;
	#armedFor: number | undefined;
	/** The time that the machine was told last, of which its deadlines are. */
	#told: number;
	#stopped = false;

	constructor(options: DriverOptions<Event, Effect>) {
		this.#options = options;
		this.#told = options.now();
		this.#follow();
	}

	/** Whether nothing is handed over any more. */
	get stopped(): boolean {
		return this.#stopped;
	}

	/**
	 * Hands over what happened. What it leads to is carried out before this returns, unless it is
	 * called while an effect is carried out: then after all effects that were there before. Throws
	 * what the machine throws, which is a mistake of the caller's that changed nothing. A driver
	 * that has stopped hands over nothing.
	 */
	feed(event: Event | TimeEvent): void {
		this.#feedAt(event, this.#options.now());
	}

	/**
	 * As `feed`, for an event of which its machine does not care when it happened: it is handed over
	 * with the time that the machine was told last. In a burst of small messages to ask the clock for
	 * each is a tenth of all that they cost.
	 */
	feedWhenever(event: Event): void {
		this.#feedAt(event, this.#told);
	}

	#feedAt(event: Event | TimeEvent, time: number): void {
		if (this.#stopped) return;
		this.#told = time;
		const effects = this.#options.machine.handle(event, time);
		if (this.#carryingOut) {
			this.#later.push(...effects);
			return;
		}
		if (effects.length > 0) this.#carryOut(effects);
		this.#follow();
	}

	/** Hands over nothing more, and carries out nothing more. */
	stop(): void {
		this.#stopped = true;
		this.#later = [];
		clearTimeout(this.#timer);
	}

	#carryOut(first: readonly (Effect | Ended)[]): void {
		this.#carryingOut = true;
		try {
			for (let effects = first; effects.length > 0; effects = this.#takeLater())
				for (const effect of effects) {
					if (this.#stopped) return;
					this.#carry(effect);
				}
		} catch (thrown) {
			this.#fail(thrown);
		} finally {
			this.#carryingOut = false;
		}
	}

	#takeLater(): readonly (Effect | Ended)[] {
		const later = this.#later;
		if (later.length > 0) this.#later = [];
		return later;
	}

	#carry(effect: Effect | Ended): void {
		if (isEnd(effect)) {
			this.stop();
			this.#options.ended(effect);
		} else this.#handlerOf(effect)(effect);
	}

	#handlerOf(effect: Effect): (effect: Effect) => void {
		// By construction the handler of this kind, which the compiler cannot follow.
		const kind: Effect["kind"] = effect.kind;
		return this.#options.handlers[kind] as (effect: Effect) => void;
	}

	#follow(): void {
		const { deadline } = this.#options.machine;
		if (this.#stopped || deadline === this.#armedFor) return;
		clearTimeout(this.#timer);
		this.#armedFor = deadline;
		if (deadline !== undefined)
			this.#await(deadline, performance.now() + deadline - this.#told);
	}

	/**
	 * The deadline has come by the clock, or when as much time has passed as there was until then:
	 * a clock that is set back holds nothing up. It may be further away than a timer reaches, and a
	 * timer may be early.
	 */
	#await(deadline: number, due: number): void {
		const left = () =>
			Math.min(deadline - this.#options.now(), due - performance.now());
		this.#timer = setTimeout(
			() => {
				if (left() > 0) return this.#await(deadline, due);
				this.#armedFor = undefined;
				this.#timeHasCome(deadline);
			},
			Math.min(Math.max(1, left()), MAX_TIMER_MS),
		);
	}

	#timeHasCome(deadline: number): void {
		try {
			const time = Math.max(deadline, this.#options.now());
			this.#feedAt({ kind: "time" }, time);
		} catch (thrown) {
			this.#fail(thrown);
		}
	}

	#fail(thrown: unknown): void {
		this.stop();
		this.#options.failed(asTetradError(thrown));
	}
}

function isEnd<Effect extends Kind>(effect: Effect | Ended): effect is Ended {
	return effect.kind === "ended";
}
