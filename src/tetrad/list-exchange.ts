/*
 * How the two ends of a link, and the two agents over session 1, tell each other of untrusted
 * lists. Both ends do the same, and each direction goes on its own:
 *
 *   giving   resting ──list──▶ sending ──last part──▶ waiting ──taken──▶ resting
 *   getting  open ──list──▶ filling ──last part──▶ judging ──the driver has dealt with it──▶ open
 *                 └──list that is not needed, or no memory──▶ passing-over ──last part──▶ open
 *
 * An end says what it holds (`held`) at the start and whenever that has changed; the other end
 * then gives what is newer, one list at a time, and each list once. Whatever is to be sent waits
 * here until it is asked for with `next`, so that messages of the application go first.
 */
import { TetradError } from "../errors.ts";
import {
	encodeListNumbers,
	type ListNumber,
	MAX_BUNDLE_BYTES,
	parseListNumbers,
	type UntrustedLists,
} from "../identity/index.ts";
import { unexpected } from "../machine/index.ts";
import {
	concat,
	copy,
	hex,
	LIST_MESSAGE,
	malformed,
	sameBytes,
} from "../wire/index.ts";
import { LIST } from "./messages.ts";
import { type ListLimits, MAX_LIST_PART_BYTES } from "./parameters.ts";

/** Bytes that the bundles may take which are on their way to a device, over several exchanges. */
export class ListMemory {
	#left: number;

	constructor(bytes: number) {
		this.#left = bytes;
	}

	/** False when there is not so much left. */
	take(bytes: number): boolean {
		if (bytes > this.#left) return false;
		this.#left -= bytes;
		return true;
	}

	give(bytes: number): void {
		this.#left += bytes;
	}
}

type Giving =
	| { readonly kind: "resting" }
	| {
			readonly kind: "sending";
			readonly bundle: Uint8Array;
			readonly at: number;
	  }
	| { readonly kind: "waiting" };

type Getting =
	| { readonly kind: "open" }
	| {
			readonly kind: "filling";
			readonly claim: ListNumber;
			readonly bundle: Uint8Array;
			readonly at: number;
	  }
	| { readonly kind: "passing-over"; readonly left: number }
	| {
			readonly kind: "judging";
			readonly claim: ListNumber;
			readonly bytes: number;
	  };

export interface ListExchangeOptions {
	readonly lists: UntrustedLists;
	/** What the other end may do; this end does half as much, so that no two clocks matter. */
	readonly limits: ListLimits;
	readonly memory: ListMemory;
}

export class ListExchange {
	readonly #lists: UntrustedLists;
	readonly #memory: ListMemory;
	readonly #mine: Allowance;
	readonly #theirs: Allowance;
	#giving: Giving = { kind: "resting" };
	#getting: Getting = { kind: "open" };
	/** Whether `held` is to be sent; it is at the start. */
	#owesHeld = true;
	#owesTaken = false;
	#restless = true;
	/** What we said last that we hold, by authority. */
	#said: ReadonlyMap<string, bigint> | undefined;
	/** What the other end said last that it holds. */
	#heard: readonly ListNumber[] | undefined;
	/** The newest list of each authority that either end gave over this exchange: who brings one has it. */
	readonly #given = new Map<string, bigint>();

	constructor({ lists, limits, memory }: ListExchangeOptions) {
		this.#lists = lists;
		this.#memory = memory;
		this.#theirs = new Allowance(limits);
		this.#mine = new Allowance({
			everyMs: limits.everyMs,
			held: limits.held / 2,
			lists: limits.lists / 2,
			bytes: limits.bytes / 2,
		});
	}

	/** The lists of this device have changed. */
	changed(): void {
		this.#owesHeld = true;
		this.#restless = true;
	}

	/** Whether `next` may have something to send. */
	get waits(): boolean {
		return this.#restless;
	}

	/** The next message for the other end, or `undefined` while there is none, or too much was sent of late. */
	next(now: number): Uint8Array | undefined {
		const message = this.#next(now);
		this.#restless = message !== undefined;
		return message;
	}

	#next(now: number): Uint8Array | undefined {
		if (this.#owesTaken) {
			this.#owesTaken = false;
			return Uint8Array.of(LIST_MESSAGE.taken);
		}
		if (this.#owesHeld && this.#mine.spend(now, "held", 1)) return this.#held();
		switch (this.#giving.kind) {
			case "sending":
				return this.#part(this.#giving.bundle, this.#giving.at);
			case "resting":
				return this.#give(now);
			case "waiting":
				return undefined;
		}
	}

	/**
	 * Takes one message (copied). Returns a bundle when one is complete: the driver deals with it and
	 * says so with `dealt`. Throws `malformed` or `unexpected-message` for what is no message or
	 * out of turn, `list-refused` for a list that the other end knew to be of no use here, and
	 * `limit-exceeded` for too many.
	 */
	take(message: Uint8Array, now: number): Uint8Array | undefined {
		this.#restless = true;
		const body = message.subarray(1);
		switch (message[0]) {
			case LIST_MESSAGE.held:
				this.#theirs.require(now, "held", 1);
				this.#heard = parseListNumbers(body);
				return undefined;
			case LIST_MESSAGE.list:
				this.#begin(body, now);
				return undefined;
			case LIST_MESSAGE.part:
				return this.#fill(body);
			case LIST_MESSAGE.taken:
				if (this.#giving.kind !== "waiting" || body.length > 0)
					throw unexpected("a word about an untrusted list");
				this.#giving = { kind: "resting" };
				return undefined;
			default:
				throw malformed("a message about untrusted lists has no known type");
		}
	}

	/**
	 * The driver has dealt with the bundle. `was` is what it turned out to be, if it could be read.
	 * Throws `list-refused` when it is not the list that it was said to be.
	 */
	dealt(was: ListNumber | undefined): void {
		if (this.#getting.kind !== "judging")
			throw new TetradError("internal", "no untrusted list is judged");
		const { claim, bytes } = this.#getting;
		this.#memory.give(bytes);
		this.#getting = { kind: "open" };
		this.#owesTaken = true;
		this.#restless = true;
		if (
			was !== undefined &&
			(was.number !== claim.number ||
				!sameBytes(was.authority, claim.authority))
		)
			throw refused("an untrusted list is not the one that it was said to be");
	}

	/** Nothing more comes; gives back the memory that is in use. */
	wipe(): void {
		if (this.#getting.kind === "filling")
			this.#memory.give(this.#getting.bundle.length);
		if (this.#getting.kind === "judging")
			this.#memory.give(this.#getting.bytes);
		this.#getting = { kind: "open" };
		this.#giving = { kind: "waiting" };
		this.#restless = false;
	}

	#held(): Uint8Array {
		this.#owesHeld = false;
		const numbers = this.#lists.numbers();
		this.#said = byAuthority(numbers);
		return concat(Uint8Array.of(LIST_MESSAGE.held), encodeListNumbers(numbers));
	}

	#give(now: number): Uint8Array | undefined {
		if (this.#heard === undefined) return undefined;
		const next = this.#lists
			.missing(this.#heard)
			.find(
				({ authority, number }) =>
					number > (this.#given.get(hex(authority)) ?? 0n),
			);
		if (next === undefined) return undefined;
		const { authority, number, bundle } = next;
		if (!this.#mine.spendList(now, bundle.length)) return undefined;
		this.#given.set(hex(authority), number);
		this.#giving = { kind: "sending", bundle, at: 0 };
		const header = LIST.encode({ authority, number, length: bundle.length });
		return concat(Uint8Array.of(LIST_MESSAGE.list), header);
	}

	#part(bundle: Uint8Array, at: number): Uint8Array {
		const part = bundle.subarray(at, at + MAX_LIST_PART_BYTES);
		const end = at + part.length;
		this.#giving =
			end === bundle.length
				? { kind: "waiting" }
				: { kind: "sending", bundle, at: end };
		return concat(Uint8Array.of(LIST_MESSAGE.part), part);
	}

	#begin(body: Uint8Array, now: number): void {
		if (this.#getting.kind !== "open" || this.#said === undefined)
			throw unexpected("an untrusted list");
		const { authority, number, length } = LIST.decode(body);
		const claim = { authority: copy(authority), number };
		if (length < 1 || length > MAX_BUNDLE_BYTES)
			throw malformed("an untrusted list has an impossible length");
		this.#theirs.require(now, "lists", 1);
		this.#theirs.require(now, "bytes", length);
		const id = hex(claim.authority);
		// What came from elsewhere in the meantime is no fault; what we had said before is.
		if (claim.number <= (this.#said.get(id) ?? 0n))
			throw refused(
				`the other end sends the untrusted list ${claim.number} of an authority, and was told that this device holds a newer one or the same`,
			);
		if (claim.number > (this.#given.get(id) ?? 0n))
			this.#given.set(id, claim.number);
		const held = this.#lists.list(claim.authority)?.number ?? 0n;
		this.#getting =
			claim.number > held && this.#memory.take(length)
				? { kind: "filling", claim, bundle: new Uint8Array(length), at: 0 }
				: { kind: "passing-over", left: length };
	}

	#fill(part: Uint8Array): Uint8Array | undefined {
		const state = this.#getting;
		if (part.length < 1 || part.length > MAX_LIST_PART_BYTES)
			throw malformed("a part of an untrusted list has an impossible length");
		if (state.kind === "passing-over") {
			const left = state.left - part.length;
			if (left < 0) throw tooLong();
			if (left === 0) this.#owesTaken = true;
			this.#getting =
				left === 0 ? { kind: "open" } : { kind: "passing-over", left };
			return undefined;
		}
		if (state.kind !== "filling")
			throw unexpected("a part of an untrusted list");
		const { claim, bundle } = state;
		const end = state.at + part.length;
		if (end > bundle.length) throw tooLong();
		bundle.set(part, state.at);
		if (end < bundle.length) {
			this.#getting = { ...state, at: end };
			return undefined;
		}
		this.#getting = { kind: "judging", claim, bytes: bundle.length };
		return bundle;
	}
}

/** How much one end may still do in the period that has begun. */
class Allowance {
	readonly #limits: ListLimits;
	#since: number | undefined;
	#spent = { held: 0, lists: 0, bytes: 0 };

	constructor(limits: ListLimits) {
		this.#limits = limits;
	}

	spend(now: number, what: "held" | "lists" | "bytes", count: number): boolean {
		this.#turn(now);
		if (this.#spent[what] + count > this.#limits[what]) return false;
		this.#spent[what] += count;
		return true;
	}

	spendList(now: number, bytes: number): boolean {
		this.#turn(now);
		if (this.#spent.bytes + bytes > this.#limits.bytes) return false;
		return this.spend(now, "lists", 1) && this.spend(now, "bytes", bytes);
	}

	require(now: number, what: "held" | "lists" | "bytes", count: number): void {
		if (this.spend(now, what, count)) return;
		throw new TetradError(
			"limit-exceeded",
			"the other end sends more about untrusted lists than it may in an hour",
		);
	}

	/** A clock that was set back begins a new period as well. */
	#turn(now: number): void {
		const age = now - (this.#since ?? Number.NEGATIVE_INFINITY);
		if (age >= 0 && age < this.#limits.everyMs) return;
		this.#since = now;
		this.#spent = { held: 0, lists: 0, bytes: 0 };
	}
}

function byAuthority(numbers: readonly ListNumber[]): Map<string, bigint> {
	return new Map(
		numbers.map(({ authority, number }) => [hex(authority), number]),
	);
}

function tooLong(): TetradError {
	return malformed("an untrusted list is longer than it was said to be");
}

function refused(why: string): TetradError {
	return new TetradError("list-refused", why);
}
