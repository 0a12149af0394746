/*
 * Carriers between devices: frames arrive whole and in order, later, or not at all. A carrier that
 * breaks loses what is on its way. One that is cut one way goes on taking what is sent that way, and
 * both ends hear of it only after a while. Whoever sits on a carrier may also change, drop, repeat
 * or exchange single frames, which no network does by itself.
 */
import { TetradError } from "../src/errors.ts";
import type { Stream } from "./random.ts";
import type { Schedule } from "./schedule.ts";

/** How carriers of one kind behave; probabilities are of each frame. */
export interface Conditions {
	/** Milliseconds that a frame takes, at least and at most. */
	readonly delay: readonly [number, number];
	readonly breaks: number;
	readonly cutsOneWay: number;
	readonly flips: number;
	readonly truncates: number;
	readonly drops: number;
	readonly repeats: number;
	readonly exchanges: number;
	/** A frame that went that way before comes after it. */
	readonly injects: number;
}

export const QUIET: Conditions = {
	delay: [1, 1],
	breaks: 0,
	cutsOneWay: 0,
	flips: 0,
	truncates: 0,
	drops: 0,
	repeats: 0,
	exchanges: 0,
	injects: 0,
};

/** How long a carrier is silent before its ends take it for broken, in milliseconds. */
const SILENCE_MS = 15_000;

/** What happens at one end of a carrier. */
export interface CarrierUser {
	frame(bytes: Uint8Array): void;
	/** Called once. Without an error the other end closed it in order. */
	closed(error: TetradError | undefined): void;
}

/** What somebody sees of all carriers. */
export interface Watcher {
	sent(from: string, to: string, bytes: Uint8Array): void;
	/** Something that is no fault of either end. */
	fault(
		kind: Exclude<keyof Conditions, "delay">,
		from: string,
		to: string,
	): void;
}

export interface CarrierOptions {
	readonly schedule: Schedule;
	readonly stream: Stream;
	/** As they are now; they may change. */
	readonly conditions: () => Conditions;
	readonly watcher: Watcher;
	/** Keeps what is sent each way, if anybody does. */
	readonly record?: (from: string, to: string) => (bytes: Uint8Array) => void;
	/** A frame that went that way before. */
	readonly recorded?: (from: string, to: string) => Uint8Array | undefined;
	/** What becomes of the next frame of a device by the plan, if it says so. */
	readonly loses: (from: string) => "breaks" | "drops" | undefined;
}

/** One end of a carrier. */
export class CarrierEnd {
	readonly name: string;
	readonly #options: CarrierOptions;
	#user: CarrierUser | undefined;
	#other: CarrierEnd;
	#isClosed = false;
	/** What is sent from here does not arrive any more. */
	#isCut = false;
	/** When the last of what was sent from here arrives. */
	#arrival = 0;
	#record: ((bytes: Uint8Array) => void) | undefined;
	/** A frame that lets the next one pass. */
	#held: Uint8Array | undefined;
	/** Frames that came before anybody was there to take them. */
	readonly #early: Uint8Array[] = [];

	private constructor(name: string, options: CarrierOptions) {
		this.name = name;
		this.#options = options;
		this.#other = this;
	}

	static pair(
		one: string,
		other: string,
		options: CarrierOptions,
	): readonly [CarrierEnd, CarrierEnd] {
		const a = new CarrierEnd(one, options);
		const b = new CarrierEnd(other, options);
		a.#other = b;
		b.#other = a;
		a.#record = options.record?.(one, other);
		b.#record = options.record?.(other, one);
		return [a, b];
	}

	/** The name of the device at the other end. */
	get peer(): string {
		return this.#other.name;
	}

	get isClosed(): boolean {
		return this.#isClosed;
	}

	receive(user: CarrierUser): void {
		this.#user = user;
		for (const bytes of this.#early.splice(0)) this.#take(bytes);
	}

	send(bytes: Uint8Array): void {
		const { stream, conditions, watcher, loses } = this.#options;
		const other = this.#other;
		if (this.#isClosed) return;
		watcher.sent(this.name, other.name, bytes);
		this.#record?.(bytes);
		const lost = loses(this.name);
		if (lost !== undefined) watcher.fault(lost, this.name, other.name);
		if (this.#isCut) return;
		if (lost === "breaks") return this.break();
		if (lost === "drops") return;
		const chances = conditions();
		const fault = (kind: Parameters<Watcher["fault"]>[0]): boolean => {
			const happens = chances[kind] > 0 && stream.chance(chances[kind]);
			if (happens) watcher.fault(kind, this.name, other.name);
			return happens;
		};
		if (fault("breaks")) return this.break();
		if (fault("cutsOneWay")) return this.cutOneWay();
		if (fault("drops")) return;
		let sent = bytes;
		if (fault("flips")) {
			sent = new Uint8Array(bytes);
			const at = stream.below(sent.length);
			sent[at] = (sent[at] ?? 0) ^ (1 << stream.below(8));
		}
		if (fault("truncates")) sent = sent.slice(0, stream.below(sent.length));
		if (this.#held === undefined && fault("exchanges")) {
			this.#held = sent;
			return;
		}
		this.#pass(sent);
		if (fault("repeats")) this.#pass(sent);
		if (chances.injects > 0 && stream.chance(chances.injects)) this.inject();
		if (this.#held !== undefined) this.#pass(this.#held);
		this.#held = undefined;
	}

	/** Somebody puts a frame on the wire that went this way before. */
	inject(): void {
		const { recorded, watcher } = this.#options;
		const other = this.#other;
		const frame = this.#isClosed
			? undefined
			: recorded?.(this.name, other.name);
		if (frame === undefined) return;
		watcher.fault("injects", this.name, other.name);
		this.#pass(frame);
	}

	/** In order: the other end hears of it after everything that was sent. */
	close(): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		const other = this.#other;
		if (!this.#isCut) this.#later(() => other.#over(undefined));
	}

	/** Both ends hear of it, and what is on its way is lost. */
	break(): void {
		const other = this.#other;
		this.#isCut = true;
		other.#isCut = true;
		const { schedule, stream } = this.#options;
		for (const end of [this, other])
			schedule.after(stream.within(1, 20), () => end.#over(broken()));
	}

	/** The device at this end is gone: nothing more comes from here, and the other end hears of it. */
	abandon(): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		const { schedule, stream } = this.#options;
		const other = this.#other;
		schedule.after(stream.within(1, 20), () => other.#over(broken()));
	}

	/** Nothing that is sent from here arrives any more, and nobody hears of that for a while. */
	cutOneWay(): void {
		this.#isCut = true;
		const { schedule } = this.#options;
		for (const end of [this, this.#other])
			schedule.after(SILENCE_MS, () => end.#over(broken()));
	}

	#pass(bytes: Uint8Array): void {
		const other = this.#other;
		this.#later(() => {
			if (!this.#isCut) other.#take(bytes);
		});
	}

	#later(run: () => void): void {
		const { schedule, stream, conditions } = this.#options;
		const [least, most] = conditions().delay;
		const takes = least === most ? least : stream.within(least, most);
		this.#arrival = Math.max(this.#arrival, schedule.now + takes);
		schedule.at(this.#arrival, run);
	}

	#take(bytes: Uint8Array): void {
		if (this.#isClosed) return;
		if (this.#user === undefined) this.#early.push(bytes);
		else this.#user.frame(new Uint8Array(bytes));
	}

	#over(error: TetradError | undefined): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#user?.closed(error);
	}
}

function broken(): TetradError {
	return new TetradError("carrier-failed", "the connection broke");
}
