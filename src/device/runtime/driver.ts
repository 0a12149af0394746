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
	/** Still to be carried out, from `#carriedOut` on. */
	readonly #effects: (Effect | Ended)[] = [];
	#carriedOut = 0;
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

	#feedAt(event: Event | TimeEvent, time: number): void {
		if (this.#stopped) return;
		this.#told = time;
		const effects = this.#options.machine.handle(event, time);
		if (effects.length > 0) this.#effects.push(...effects);
		if (this.#carryingOut) return;
		if (this.#effects.length > 0) this.#carryOut();
		this.#follow();
	}

	/** Hands over nothing more, and carries out nothing more. */
	stop(): void {
		this.#stopped = true;
		this.#effects.length = 0;
		this.#carriedOut = 0;
		clearTimeout(this.#timer);
	}

	#carryOut(): void {
		this.#carryingOut = true;
		try {
			for (
				let next = this.#takeEffect();
				next !== undefined;
				next = this.#takeEffect()
			)
				if (isEnd(next)) {
					this.stop();
					this.#options.ended(next);
				} else this.#handlerOf(next)(next);
		} catch (thrown) {
			this.#fail(thrown);
		} finally {
			this.#carryingOut = false;
		}
	}

	/** The next one; taking them out of the array one by one would move all others each time. */
	#takeEffect(): Effect | Ended | undefined {
		const next = this.#effects[this.#carriedOut++];
		if (next !== undefined) return next;
		this.#effects.length = 0;
		this.#carriedOut = 0;
		return undefined;
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
