/*
 * Who is worked for, before anything is: what stands between the connections that an agent takes
 * and its machines. One connection goes this way:
 *
 *   arrived ──▶ silent ──offer──▶ waiting ──its turn──▶ working ──flight 2──▶ answered ──▶ confirmed
 *                │  ▲               ▲                      │
 *          busy: │  └──────────another suite, or anew──────┘
 *           cookie, silent ──cookieOffer┘
 *
 * An offer costs two key exchanges and two signatures, so only so many are worked on at once, and
 * addresses take turns. While the agent is busy, an offer has to come with a cookie: whoever is not
 * at its address gets no further, and nothing is remembered of it.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import {
	type Machine,
	type TimeEvent,
	unexpected,
} from "../../machine/index.ts";
import { copy, encodeFrame, FRAME, parseFrame } from "../../wire/index.ts";
import { COOKIE, COOKIE_OFFER, F1 } from "../messages.ts";
import type { LoadLimits } from "../parameters.ts";
import { Addresses, type FromAddress } from "./addresses.ts";
import { Callers } from "./callers.ts";
import { CookieSecrets } from "./cookie-secrets.ts";
import { FairQueue } from "./fair-queue.ts";

/** What happens to connections, which their driver numbers. What is said of one that is not known does nothing. */
export type AdmissionEvent =
	| {
			readonly kind: "arrived";
			readonly id: number;
			/** For whom limits are: the address of the other end, without what one owner can change at will. */
			readonly source: string;
			/** Where exactly the other end is, port and all. */
			readonly peer: string;
	  }
	/** A whole frame, while the connection is not worked on. */
	| { readonly kind: "frame"; readonly id: number; readonly bytes: Uint8Array }
	/** The other agent was asked for another suite, or for an offer without a token. */
	| { readonly kind: "retried"; readonly id: number }
	/** Flight 2 has gone. */
	| { readonly kind: "answered"; readonly id: number }
	| { readonly kind: "confirmed"; readonly id: number }
	/** It is over, confirmed or not. */
	| { readonly kind: "gone"; readonly id: number }
	| TimeEvent;

/** What the driver of the connections is asked to do. */
export type AdmissionEffect =
	| {
			readonly kind: "send-frame";
			readonly id: number;
			readonly bytes: Uint8Array;
	  }
	/** Work on this offer frame begins. */
	| { readonly kind: "admit"; readonly id: number; readonly bytes: Uint8Array }
	/** It is over: tell the other end whether to try again, unless it may not even be told, and close. `gone` is not said of it any more. */
	| {
			readonly kind: "refuse";
			readonly id: number;
			readonly error: TetradError;
			readonly mayBeTold: boolean;
	  };

/** What was decided since the start. */
export interface AdmissionCounts {
	/** Offers that were worked on. */
	readonly admitted: number;
	/** Cookies that were asked for. */
	readonly cookies: number;
	/** Connections that were refused. */
	readonly refused: number;
	readonly halfOpen: number;
	readonly waiting: number;
	readonly working: number;
}

type State =
	| {
			readonly kind: "silent";
			readonly until: number;
			/** A cookie was sent, and none is sent again. */
			readonly isAsked: boolean;
			/** Its cookie was good, or none was needed, so that none is asked for after a retry. */
			readonly isProved: boolean;
	  }
	| {
			readonly kind: "waiting";
			readonly until: number;
			readonly offer: Uint8Array;
	  }
	| { readonly kind: "working" }
	| { readonly kind: "answered" };

interface Connection {
	readonly id: number;
	readonly from: FromAddress;
	readonly peer: string;
	state: State;
}

/** Decides whose offers an agent works on, in which order, and whose not. It ends never. */
export class Admission implements Machine<AdmissionEvent, AdmissionEffect> {
	readonly #limits: LoadLimits;
	readonly #cookies: CookieSecrets;
	readonly #addresses: Addresses;
	readonly #callers: Callers;
	readonly #queue: FairQueue;
	/** Those on which no tetrad is confirmed. */
	readonly #connections = new Map<number, Connection>();
	/** Ids with a time limit; in each, the one that began first comes first, and all take equally long. */
	readonly #silent = new Set<number>();
	readonly #waiting = new Set<number>();
	readonly #effects: AdmissionEffect[] = [];
	#working = 0;
	#admitted = 0;
	#asked = 0;
	#refused = 0;

	constructor(crypto: CryptoProvider, limits: LoadLimits) {
		this.#limits = limits;
		this.#cookies = new CookieSecrets(crypto);
		this.#addresses = new Addresses(limits);
		this.#callers = new Callers(limits);
		this.#queue = new FairQueue(limits.waiting, limits.waitingOfAddress);
	}

	get counts(): AdmissionCounts {
		return {
			admitted: this.#admitted,
			cookies: this.#asked,
			refused: this.#refused,
			halfOpen: this.#addresses.halfOpen,
			waiting: this.#queue.size,
			working: this.#working,
		};
	}

	get deadline(): number | undefined {
		const silent = this.#untilOfFirst(this.#silent);
		const until = Math.min(silent, this.#untilOfFirst(this.#waiting));
		return until === Number.POSITIVE_INFINITY ? undefined : until;
	}

	/** The times may be of any clock that does not jump. */
	handle(event: AdmissionEvent, now: number): readonly AdmissionEffect[] {
		this.#take(event, now);
		this.#begin();
		return this.#effects.splice(0);
	}

	/** Counts a tetrad of an agent that has proved who it is; returns what ends it. Throws `busy` when that is too much. */
	caller(deviceId: Uint8Array, now: number): () => void {
		return this.#callers.take(deviceId, now);
	}

	/**
	 * Why a connection from there is refused before it has arrived, and need not: nobody will be told
	 * why, because so many of them were or because `mayTell` is false. It then counts as one that came.
	 */
	turnsAway(
		source: string,
		now: number,
		mayTell: boolean,
	): TetradError | undefined {
		const from = this.#addresses.of(source, now);
		if (mayTell && from.told.has(now)) return undefined;
		const isTooMany = !from.rate.has(now);
		const why = isTooMany ? tooMany(source) : this.#hasNoRoom(from);
		if (why === undefined) return undefined;
		from.rate.take(now);
		this.#refused++;
		return why;
	}

	#take(event: AdmissionEvent, now: number): void {
		if (event.kind === "time") return this.#expire(now);
		if (event.kind === "arrived") return this.#arrived(event, now);
		const connection = this.#connections.get(event.id);
		if (connection === undefined) return;
		switch (event.kind) {
			case "frame":
				return this.#frame(connection, event.bytes, now);
			case "retried":
				this.#leave(connection);
				connection.state = this.#listening(connection.id, now, true);
				return;
			case "answered":
				this.#leave(connection);
				connection.state = { kind: "answered" };
				return;
			case "confirmed":
			case "gone":
				return this.#forget(connection);
		}
	}

	#arrived(
		{ id, source, peer }: Extract<AdmissionEvent, { kind: "arrived" }>,
		now: number,
	): void {
		const from = this.#addresses.of(source, now);
		const mayCome = from.rate.take(now);
		const why = mayCome ? this.#hasNoRoom(from) : tooMany(source);
		if (why !== undefined) return this.#refuse(id, why, from.told.take(now));
		if (this.#isFull()) {
			const oldest = this.#addresses.oldestOfMost(from.halfOpen.size);
			if (oldest !== undefined) this.#drop(oldest, this.#full());
		}
		const state = this.#listening(id, now, false);
		this.#connections.set(id, { id, from, peer, state });
		this.#addresses.open(from, id);
	}

	/** Why one more may not be half open from there. */
	#hasNoRoom({ source, halfOpen }: FromAddress): TetradError | undefined {
		if (halfOpen.size >= this.#limits.halfOpenOfAddress) return tooMany(source);
		const isFull =
			this.#isFull() &&
			this.#addresses.oldestOfMost(halfOpen.size) === undefined;
		return isFull ? this.#full() : undefined;
	}

	#isFull(): boolean {
		return this.#addresses.halfOpen >= this.#limits.halfOpen;
	}

	#full(): TetradError {
		return busy(`${this.#limits.halfOpen} connections are half open`);
	}

	#listening(id: number, now: number, isProved: boolean): State {
		this.#silent.add(id);
		const until = now + this.#limits.offerMs;
		return { kind: "silent", until, isAsked: false, isProved };
	}

	#frame(connection: Connection, bytes: Uint8Array, now: number): void {
		try {
			this.#heard(connection, bytes, now);
		} catch (thrown) {
			this.#drop(connection.id, asTetradError(thrown));
		}
	}

	#heard(connection: Connection, bytes: Uint8Array, now: number): void {
		const { state, id, peer } = connection;
		const { type, body } = parseFrame(bytes);
		if (type === FRAME.refusal)
			throw new TetradError("refused-by-peer", "the other agent gave up");
		if (state.kind !== "silent") throw unexpected("a frame of the other agent");
		if (type === FRAME.offer) {
			// Every value has one form, so that these bytes are what A sends again.
			F1.decode(body);
			if (state.isProved) return this.#wait(connection, copy(bytes), now);
			if (state.isAsked)
				throw unexpected("an offer without the cookie that was asked for");
			if (!this.#isBusy()) return this.#wait(connection, copy(bytes), now);
			this.#asked++;
			connection.state = { ...state, isAsked: true };
			const cookie = this.#cookies.make(peer, body, now);
			this.#effects.push({
				kind: "send-frame",
				id,
				bytes: encodeFrame(FRAME.cookie, COOKIE.encode({ cookie })),
			});
			return;
		}
		if (type !== FRAME.cookieOffer || state.isProved)
			throw unexpected("a frame of the other agent");
		const { cookie, ...flight } = COOKIE_OFFER.decode(body);
		const offer = F1.encode(flight);
		if (!this.#cookies.isOurs(cookie, peer, offer, now))
			throw new TetradError(
				"authentication-failed",
				"an offer came with a cookie that was not made for it here and now",
			);
		this.#wait(connection, encodeFrame(FRAME.offer, offer), now);
	}

	/** Whether an offer would have to wait, or there is so much half open that it may soon. */
	#isBusy(): boolean {
		const { working, busyFrom } = this.#limits;
		return this.#working >= working || this.#addresses.halfOpen >= busyFrom;
	}

	/** The offer frame is its own from now on. */
	#wait(connection: Connection, offer: Uint8Array, now: number): void {
		const { id, from } = connection;
		const full = () => busy("too many offers wait");
		const lost = this.#queue.push(from.source, id);
		if (lost !== undefined) this.#drop(lost, full());
		if (lost === id) return;
		this.#silent.delete(id);
		this.#waiting.add(id);
		const until = now + this.#limits.waitMs;
		connection.state = { kind: "waiting", until, offer };
	}

	/** Gives a turn to as many as may have one. */
	#begin(): void {
		const { working, workingOfAddress } = this.#limits;
		while (this.#working < working) {
			const id = this.#queue.next(
				(source) => this.#workingOf(source) < workingOfAddress,
			);
			const connection = id === undefined ? id : this.#connections.get(id);
			if (connection?.state.kind !== "waiting") return;
			const { offer } = connection.state;
			this.#waiting.delete(connection.id);
			connection.state = { kind: "working" };
			connection.from.working++;
			this.#working++;
			this.#admitted++;
			this.#effects.push({ kind: "admit", id: connection.id, bytes: offer });
		}
	}

	#workingOf(source: string): number {
		return this.#addresses.peek(source)?.working ?? 0;
	}

	#expire(now: number): void {
		for (const id of this.#silent) {
			if (this.#until(id) > now) break;
			this.#drop(
				id,
				new TetradError(
					"timed-out",
					`no offer came within ${this.#limits.offerMs / 1000} seconds`,
				),
			);
		}
		for (const id of this.#waiting) {
			if (this.#until(id) > now) break;
			this.#drop(id, busy("its turn did not come in time"));
		}
	}

	/** Asked after all that happens, so that it makes nothing. */
	#untilOfFirst(ids: ReadonlySet<number>): number {
		for (const id of ids) return this.#until(id);
		return Number.POSITIVE_INFINITY;
	}

	#until(id: number): number {
		const state = this.#connections.get(id)?.state;
		return state?.kind === "silent" || state?.kind === "waiting"
			? state.until
			: Number.POSITIVE_INFINITY;
	}

	#drop(id: number, error: TetradError): void {
		const connection = this.#connections.get(id);
		if (connection !== undefined) this.#forget(connection);
		this.#refuse(id, error);
	}

	#refuse(id: number, error: TetradError, mayBeTold = true): void {
		this.#refused++;
		this.#effects.push({ kind: "refuse", id, error, mayBeTold });
	}

	#forget(connection: Connection): void {
		const { id, from } = connection;
		this.#leave(connection);
		this.#connections.delete(id);
		this.#addresses.close(from, id);
	}

	/** It is no more where it was: in a line, or worked on. */
	#leave({ id, from, state }: Connection): void {
		this.#silent.delete(id);
		this.#waiting.delete(id);
		if (state.kind === "waiting") this.#queue.remove(from.source, id);
		if (state.kind !== "working") return;
		from.working--;
		this.#working--;
	}
}

function tooMany(source: string): TetradError {
	return busy(`too many connections come from ${source}`);
}

function busy(why: string): TetradError {
	return new TetradError(
		"busy",
		`${why}; the other agent is told to try again`,
	);
}
