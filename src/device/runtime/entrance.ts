import type { Carrier, CarrierReceiver } from "../../carrier/index.ts";
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	Admission,
	type AdmissionCounts,
	type AdmissionEffect,
	type AdmissionEvent,
	type LoadLimits,
} from "../../tetrad/index.ts";
import { encodeFrame, FRAME, REFUSAL } from "../../wire/index.ts";
import { Driver } from "./driver.ts";

/** How long whoever is refused may take to hear it and hang up, in milliseconds. */
const LINGER_MS = 1_000;

/** Connections that are told why they are refused, at once: of all and of one address. Any more are cut off. */
const MAX_TOLD = 64;
const MAX_TOLD_OF_ADDRESS = 4;

/** A clock that nobody sets. */
const now = (): number => performance.now();

/** Where connections from a network wait until their offer is worked on. */
export class Entrance {
	readonly #admission: Admission;
	readonly #driver: Driver<AdmissionEvent, AdmissionEffect>;
	readonly #visitors = new Map<number, Visitor>();
	/** By address. */
	readonly #told = new Map<string, number>();
	#toldOfAll = 0;
	/** What may be worked on; the first is. */
	readonly #entering: { readonly id: number; readonly offer: Uint8Array }[] =
		[];
	#taken = 0;
	#failure: TetradError | undefined;

	constructor(crypto: CryptoProvider, limits: LoadLimits) {
		this.#admission = new Admission(crypto, limits);
		this.#driver = new Driver<AdmissionEvent, AdmissionEffect>({
			machine: this.#admission,
			now,
			handlers: {
				"send-frame": ({ id, bytes }) => this.#visitors.get(id)?.reply(bytes),
				admit: ({ id, bytes }) => this.#admit(id, bytes),
				refuse: ({ id, error, mayBeTold }) =>
					this.#visitors.get(id)?.refuse(error, mayBeTold),
			},
			ended: () => {},
			failed: (error) => {
				this.#failure = error;
				for (const visitor of [...this.#visitors.values()])
					visitor.refuse(error);
			},
		});
	}

	get counts(): AdmissionCounts {
		return this.#admission.counts;
	}

	/** Why a connection from there, which nobody has made anything for yet, is not worth taking in: it would be cut off. */
	turnsAway(source: string): TetradError | undefined {
		return (
			this.#failure ??
			this.#admission.turnsAway(source, now(), this.#hasRoomToTell(source))
		);
	}

	/** Takes a connection in; it is to be closed by whoever gets it. Throws what has stopped this. */
	take(carrier: Carrier, source: string): Visitor {
		if (this.#failure !== undefined) throw this.#failure;
		const id = ++this.#taken;
		const visitor = new Visitor(carrier, {
			happened: (kind) => this.#driver.feed({ kind, id }),
			heard: (bytes) => this.#driver.feed({ kind: "frame", id, bytes }),
			caller: (peer) => this.#admission.caller(peer.deviceId, now()),
			mayTell: () => this.#mayTell(source),
			over: () => this.#visitors.delete(id),
		});
		this.#visitors.set(id, visitor);
		this.#driver.feed({ kind: "arrived", id, source, peer: carrier.peer });
		return visitor;
	}

	#admit(id: number, offer: Uint8Array): void {
		this.#entering.push({ id, offer });
		if (this.#entering.length === 1) setImmediate(this.#enterOne);
	}

	/**
	 * One after another, with a pause after each that is as long as it took: an offer costs more than
	 * all else, as many come as somebody likes, and what is said in the tetrads that there are has at
	 * least half of the time.
	 */
	readonly #enterOne = (): void => {
		const began = now();
		const next = this.#entering[0];
		if (next !== undefined) this.#visitors.get(next.id)?.enter(next.offer);
		// What it leads to here goes on in the next turn.
		setImmediate(() =>
			setImmediate(() => {
				this.#entering.shift();
				if (this.#entering.length > 0)
					setTimeout(this.#enterOne, now() - began);
			}),
		);
	};

	#hasRoomToTell(source: string): boolean {
		const told = this.#told.get(source) ?? 0;
		return this.#toldOfAll < MAX_TOLD && told < MAX_TOLD_OF_ADDRESS;
	}

	/** Whether one more of that address may be told why it is refused; returns what gives its place back. */
	#mayTell(source: string): (() => void) | undefined {
		if (!this.#hasRoomToTell(source)) return undefined;
		this.#toldOfAll++;
		this.#told.set(source, (this.#told.get(source) ?? 0) + 1);
		return () => {
			this.#toldOfAll--;
			const left = (this.#told.get(source) ?? 1) - 1;
			if (left === 0) this.#told.delete(source);
			else this.#told.set(source, left);
		};
	}
}

/** What a visitor tells and asks of its entrance. */
interface Hall {
	happened(kind: "retried" | "answered" | "confirmed" | "gone"): void;
	heard(bytes: Uint8Array): void;
	caller(peer: CertifiedDevice): () => void;
	mayTell(): (() => void) | undefined;
	over(): void;
}

/**
 * A connection as its agent sees it: from the first offer that may be worked on. What comes before
 * that is between the entrance and the other end.
 */
export class Visitor implements Carrier {
	readonly kind: Carrier["kind"];
	readonly peer: string;
	/** Resolves when its offer may be worked on. Rejects with why it is not. */
	readonly admitted: Promise<void>;
	readonly #carrier: Carrier;
	readonly #hall: Hall;
	readonly #entering: PromiseWithResolvers<void>;
	#isInside = false;
	/** It was let in, and whoever waited for that knows. */
	#hasEntered = false;
	#isConfirmed = false;
	/** The receiver has heard of the end. */
	#isTold = false;
	#receiver: CarrierReceiver | undefined;
	/** The offer, until there is a receiver for it. */
	#offer: Uint8Array | undefined;
	#closed: { readonly error: TetradError | undefined } | undefined;
	#leave: (() => void) | undefined;
	#wasTold: (() => void) | undefined;

	constructor(carrier: Carrier, hall: Hall) {
		this.kind = carrier.kind;
		this.peer = carrier.peer;
		this.#carrier = carrier;
		this.#hall = hall;
		this.#entering = Promise.withResolvers();
		this.admitted = this.#entering.promise;
		// Whoever has given up does not look at it any more.
		this.admitted.catch(() => {});
		carrier.receive({
			frame: (bytes) => {
				if (this.#isInside) this.#deliver(bytes);
				else hall.heard(bytes);
			},
			closed: (error) => this.#over(error),
		});
	}

	/** Who the other agent is, once that is proved. Throws `busy` when it has too much of this agent. */
	readonly caller = (peer: CertifiedDevice): void => {
		this.#leave = this.#hall.caller(peer);
	};

	confirmed(): void {
		this.#isConfirmed = true;
		this.#hall.happened("confirmed");
	}

	/** From the entrance. */
	reply(bytes: Uint8Array): void {
		this.#carrier.send(bytes, "owned");
	}

	/** From the entrance: this offer is worked on now. */
	enter(offer: Uint8Array): void {
		this.#isInside = true;
		this.#hasEntered = true;
		this.#entering.resolve();
		if (this.#receiver !== undefined) this.#receiver.frame(offer);
		else this.#offer = offer;
	}

	/** Nobody waits for it any more. */
	abandon(error: TetradError): void {
		this.#entering.reject(error);
	}

	/** From the entrance: it is over. */
	refuse(error: TetradError, mayBeTold = true): void {
		this.#entering.reject(error);
		// Whoever has begun with it says so itself.
		if (this.#receiver !== undefined) return this.#tell(error);
		if (mayBeTold) this.#wasTold = this.#hall.mayTell();
		if (this.#wasTold === undefined) return this.#carrier.destroy(error);
		const why = error.code === "busy" ? REFUSAL.busy : REFUSAL.stopped;
		this.#carrier.send(encodeFrame(FRAME.refusal, Uint8Array.of(why)));
		this.#carrier.close(LINGER_MS);
	}

	receive(receiver: CarrierReceiver): void {
		this.#receiver = receiver;
		process.nextTick(() => {
			const offer = this.#offer;
			this.#offer = undefined;
			if (offer !== undefined) receiver.frame(offer);
			if (this.#closed !== undefined) this.#tell(this.#closed.error);
		});
	}

	send(bytes: Uint8Array, owned?: "owned"): boolean {
		const [type] = bytes;
		const hasRoom = this.#carrier.send(bytes, owned);
		if (type === FRAME.answer) this.#hall.happened("answered");
		else if (type === FRAME.retry || type === FRAME.anew) {
			this.#isInside = false;
			this.#hall.happened("retried");
		}
		return hasRoom;
	}

	drained(): Promise<void> {
		return this.#carrier.drained();
	}

	written(): Promise<void> | undefined {
		return this.#carrier.written();
	}

	pause(): void {
		this.#carrier.pause();
	}

	resume(): void {
		this.#carrier.resume();
	}

	close(lingerMs?: number): void {
		this.#gone();
		this.#carrier.close(this.#isConfirmed ? lingerMs : LINGER_MS);
	}

	destroy(error?: TetradError): void {
		this.#gone();
		this.#carrier.destroy(error);
	}

	#deliver(bytes: Uint8Array): void {
		// Nothing may come before the offer was answered, but a refusal.
		if (this.#receiver !== undefined) this.#receiver.frame(bytes);
		else this.destroy(outOfTurn());
	}

	#over(error: TetradError | undefined): void {
		this.#closed = { error };
		this.#gone();
		this.#wasTold?.();
		if (!this.#hasEntered)
			this.#entering.reject(
				error ??
					new TetradError(
						"truncated",
						"the other end went away without an offer",
					),
			);
		this.#tell(error);
	}

	#tell(error: TetradError | undefined): void {
		if (this.#receiver === undefined || this.#isTold) return;
		this.#isTold = true;
		this.#receiver.closed(error);
	}

	#gone(): void {
		this.#leave?.();
		this.#leave = undefined;
		this.#hall.over();
		this.#hall.happened("gone");
	}
}

function outOfTurn(): TetradError {
	return new TetradError(
		"unexpected-message",
		"the other agent went on before its offer was answered",
	);
}
