import { TetradError } from "../../errors.ts";
import type { CertifiedDevice, UntrustedLists } from "../../identity/index.ts";

/** How far a clock may be set back without a word: 5 minutes, as time services do. */
const MAX_SET_BACK_MS = 300_000;

/** Lists may be dated so far ahead of the clock when they are taken (docs/identity.md): 10 minutes. */
const MAX_LIST_AHEAD_MS = 600_000;

/** How often the time is stored while tetrads are made. */
const STORE_EVERY_MS = 60_000;

/** Where a device has its time from, and where it keeps the last one that it saw. Times are in milliseconds since the epoch. */
export interface ClockOptions {
	/** `Date.now` unless given. */
	readonly now?: () => number;
	/** What `seen` stored last, in this process or an earlier one. */
	readonly lastSeen?: number | undefined;
	/** The last time that other processes of the device have seen, as far as that is known. */
	readonly seenElsewhere?: () => number | undefined;
	/** Stores the last time that was seen. */
	readonly seen?: (time: number) => Promise<void>;
}

/**
 * The clock of one device. Expiry and the age of lists are judged by it, so a tetrad is only
 * begun while it is believable: not behind what was seen before, not behind the lists that are
 * held, and within the validity of the device's own certificate. A time outside that validity is
 * never remembered, so a clock that runs years ahead for a while does no lasting harm.
 */
export class DeviceClock {
	readonly now: () => number;
	readonly #seen: ClockOptions["seen"];
	readonly #seenElsewhere: ClockOptions["seenElsewhere"];
	#lastSeen: number | undefined;
	#stored = Number.NEGATIVE_INFINITY;
	#storing: Promise<void> = Promise.resolve();
	#waiting = 0;
	#failure: unknown;

	constructor({
		now = Date.now,
		lastSeen,
		seenElsewhere,
		seen,
	}: ClockOptions = {}) {
		this.now = now;
		this.#seenElsewhere = seenElsewhere;
		this.#lastSeen = lastSeen;
		this.#seen = seen;
	}

	/**
	 * The time, if it is to be believed. Throws `clock-wrong` when it is not, `chain-refused` when
	 * the own certificate has expired, and what the storing of an earlier time failed with: that is
	 * tried again then, so that a device whose disk was full goes on by itself.
	 */
	believable(own: CertifiedDevice, lists: UntrustedLists): number {
		const failure = this.#failure;
		if (failure !== undefined) {
			if (this.#waiting === 0) this.#store();
			throw failure;
		}
		const now = this.now();
		requireNotBehind(now, this.#lastSeen);
		requireNotBehind(now, this.#seenElsewhere?.());
		for (const { thisUpdate, issuerText } of lists.lists())
			if (now < thisUpdate - MAX_LIST_AHEAD_MS)
				throw wrong(
					now,
					`the untrusted list of ${issuerText} that this device holds is from ${text(thisUpdate)}`,
				);
		requireWithin(now, own);
		this.#lastSeen = Math.max(now, this.#lastSeen ?? now);
		if (Math.abs(now - this.#stored) >= STORE_EVERY_MS) this.#store();
		return now;
	}

	/** Stores the last time that was seen. Rejects when that fails. */
	async close(): Promise<void> {
		if (this.#lastSeen !== this.#stored) this.#store();
		await this.#storing;
		const failure = this.#failure;
		if (failure === undefined) return;
		// Whoever closes twice has heard of it.
		this.#failure = undefined;
		this.#stored = this.#lastSeen ?? this.#stored;
		throw failure;
	}

	#store(): void {
		const time = this.#lastSeen;
		if (time === undefined || this.#seen === undefined) return;
		const seen = this.#seen;
		this.#stored = time;
		// Begun at once if nothing is under way, so that who closes the store next waits for it.
		const begin = () => seen(time);
		const storing = this.#waiting > 0 ? this.#storing.then(begin) : begin();
		this.#waiting++;
		this.#storing = storing
			.then(
				() => {
					this.#failure = undefined;
				},
				(thrown: unknown) => {
					this.#failure = thrown;
					this.#stored = Number.NEGATIVE_INFINITY;
				},
			)
			.finally(() => {
				this.#waiting--;
			});
	}
}

/** Throws `clock-wrong` when `now` is behind a time that was seen before. */
export function requireNotBehind(
	now: number,
	lastSeen: number | undefined,
): void {
	if (lastSeen === undefined || now >= lastSeen - MAX_SET_BACK_MS) return;
	throw wrong(
		now,
		`this device has seen ${text(lastSeen)} already`,
		"; if it was that time which was wrong, take lastSeen out of state.json in its home",
	);
}

/** Throws when the own certificate is not valid at `now`, with a word about the clock. */
export function requireWithin(
	now: number,
	{ notBefore, notAfter }: Pick<CertifiedDevice, "notBefore" | "notAfter">,
): void {
	if (now < notBefore)
		throw wrong(
			now,
			`the certificate of this device is valid from ${text(notBefore)} on`,
		);
	if (now > notAfter)
		throw new TetradError(
			"chain-refused",
			`the certificate of this device expired on ${text(notAfter)}, and the clock shows ${text(now)}; if the clock is right, have the device certified anew, and if not, set it right`,
		);
}

function wrong(now: number, because: string, orElse = ""): TetradError {
	return new TetradError(
		"clock-wrong",
		`the clock shows ${text(now)}, and ${because}; set the clock right${orElse}`,
	);
}

function text(time: number): string {
	return Math.abs(time) <= 8.64e15
		? new Date(time).toISOString()
		: `${time} ms after 1970`;
}
