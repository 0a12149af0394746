/*
 * Runs any machine in a simulated device, as the drivers of `src/device/runtime` do: effects in
 * order, one timer, and the end. Before each effect the device may crash.
 */
import { asTetradError, type TetradError } from "../src/errors.ts";
import type {
	Ended,
	Kind,
	Machine,
	SignEffect,
	SignedEvent,
	TimeEvent,
} from "../src/machine/index.ts";
import type { Device } from "./device.ts";
import { carryOut, type Handlers, isEnd } from "./routing.ts";
import type { Scheduled } from "./schedule.ts";

export interface DriverOptions<Event extends Kind, Effect extends Kind> {
	readonly device: Device;
	readonly machine: Machine<Event | TimeEvent, Effect>;
	readonly handlers: Handlers<Effect>;
	/** Carries out the machine's last effect. The driver has stopped. */
	readonly ended: (end: Ended) => void;
	/** A handler threw, or the machine did when its time came. The driver has stopped. */
	readonly failed: (error: TetradError) => void;
}

export class Driver<Event extends Kind, Effect extends Kind> {
	readonly #options: DriverOptions<Event, Effect>;
	readonly #effects: (Effect | Ended)[] = [];
	#isCarryingOut = false;
	#timer: Scheduled | undefined;
	#armedFor: number | undefined;
	/** When the timer is over however the clock is set. */
	#due = 0;
	/** The time that the machine was told last. */
	#told: number;
	#isStopped = false;

	constructor(options: DriverOptions<Event, Effect>) {
		this.#options = options;
		this.#told = options.device.now();
		options.device.drivers.add(this as unknown as AnyDriver);
		this.#follow();
	}

	get stopped(): boolean {
		return this.#isStopped;
	}

	/** Throws what the machine throws, which is a mistake of the caller's. */
	feed(event: Event | TimeEvent): void {
		this.#feedAt(event, this.#options.device.now());
	}

	stop(): void {
		this.#isStopped = true;
		this.#effects.length = 0;
		this.#timer?.cancel();
		this.#options.device.drivers.delete(this as unknown as AnyDriver);
	}

	/** The device's clock was set. */
	clockChanged(): void {
		this.#armedFor = undefined;
		this.#follow(this.#due);
	}

	#feedAt(event: Event | TimeEvent, time: number): void {
		if (this.#isStopped) return;
		this.#told = time;
		this.#effects.push(...this.#options.machine.handle(event, time));
		if (this.#isCarryingOut) return;
		this.#carryOut();
		this.#follow();
	}

	#carryOut(): void {
		const { device, handlers, ended } = this.#options;
		this.#isCarryingOut = true;
		try {
			for (
				let next = this.#effects.shift();
				next !== undefined;
				next = this.#effects.shift()
			) {
				if (device.mayCrash(next.kind)) return;
				if (isEnd(next)) {
					this.stop();
					ended(next);
				} else {
					carryOut(next, handlers);
				}
			}
		} catch (thrown) {
			this.#fail(thrown);
		} finally {
			this.#isCarryingOut = false;
		}
	}

	#follow(due?: number): void {
		const { machine, device } = this.#options;
		const { deadline } = machine;
		if (this.#isStopped || deadline === this.#armedFor) return;
		this.#timer?.cancel();
		this.#armedFor = deadline;
		if (deadline === undefined) return;
		const { schedule } = device.world;
		this.#due = due ?? schedule.now + deadline - this.#told;
		const left = Math.min(deadline - device.now(), this.#due - schedule.now);
		this.#timer = schedule.after(Math.max(1, left), () => {
			this.#armedFor = undefined;
			try {
				this.#feedAt({ kind: "time" }, Math.max(deadline, device.now()));
			} catch (thrown) {
				this.#fail(thrown);
			}
		});
	}

	#fail(thrown: unknown): void {
		this.stop();
		this.#options.failed(asTetradError(thrown));
	}
}

/** What a device needs of its drivers. */
export interface AnyDriver {
	stop(): void;
	clockChanged(): void;
}

/** Signs with a key of the device, a moment later. */
export function signLater(
	device: Device,
	{ id, content, under }: SignEffect,
	answer: (event: SignedEvent) => void,
): void {
	const signature = device.sign(content, under);
	device.later(() => answer({ kind: "signed", id, signature }));
}
