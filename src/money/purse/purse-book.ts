/*
 * The notes of which something is left, and which ranges of them are promised to a payment that
 * is not durable yet.
 *
 *   0 ────── given away ────── spent ────── reserved ────── taken ────── free ────── value
 *
 * A note is given away from its front, so one offset says what is left. Ranges that were reserved
 * become durable in the order in which they were reserved. When one is given up instead, those
 * behind it on the same note cannot follow: they are given up too, and paid out of other ranges,
 * which is signed anew. No body with the old ranges has left the module then. The store holds this
 * line once more: a transfer is committed only if its ranges begin where the note is spent up to.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	type HolderKey,
	MAX_AMOUNT,
	MAX_ISSUER_CHAINS,
	MAX_PIECES,
	type Note,
	type Piece,
	parseNote,
} from "../documents/index.ts";
import { EXCHANGE_PART_OF_LIFE, EXCHANGE_WITHIN_MS } from "./purse-limits.ts";
import type { NoteRow } from "./purse-tables.ts";

interface LiveNote {
	readonly note: Note;
	/** Hash of its issuer's chain. */
	readonly chain: Uint8Array;
	/** In hexadecimal, as `issuer`: what is compared for each note of a purse whenever it pays. */
	readonly chainId: string;
	readonly issuer: string;
	/** Whether the key that payments are signed with holds it. */
	readonly isOwn: boolean;
	spent: bigint;
	/** Where the next reservation begins. */
	taken: bigint;
	/** Reservations that are neither durable nor given up. */
	reservations: number;
	/** A reservation was given up below another: nothing more is reserved until none is left. */
	isBroken: boolean;
}

/** Ranges for one transfer, in the order of its pieces. */
export interface Selection {
	readonly pieces: readonly Piece[];
	/** Documents, one for each piece. */
	readonly notes: readonly Uint8Array[];
	/** Hashes of the issuer's chains that they need. */
	readonly chains: readonly Uint8Array[];
}

export type Selected =
	| { readonly kind: "selected"; readonly selection: Selection }
	/** There is not so much. Of `unjudged` notes there may be more: their issuer's chain is refused now. */
	| {
			readonly kind: "insufficient";
			readonly available: bigint;
			readonly unjudged: bigint;
	  }
	/** There is so much, in more pieces or under more chains than one transfer may have. */
	| { readonly kind: "scattered" }
	/** Some ranges will be free again soon. */
	| { readonly kind: "wait" };

/** Who pays with what. */
export interface Wanted {
	/** Device id. */
	readonly issuer: Uint8Array;
	readonly currency: string;
	readonly amount: bigint;
	/** Notes that expire at this time or earlier are left out; milliseconds since the epoch. */
	readonly expiresAfter: number;
	/** Whether notes under the issuer's chain of that hash are good to pay with. */
	readonly isTrusted: (chain: Uint8Array) => boolean;
}

/** What narrows a selection. */
export interface Narrowing {
	/** Only notes of this earlier selection. */
	readonly among?: Selection;
	/** Nothing that these have selected and not reserved. */
	readonly beside?: readonly Selection[];
}

export class PurseBook {
	readonly #crypto: CryptoProvider;
	/** Payments are signed with this one; notes that were made for an earlier key are exchanged, or claimed. */
	readonly #key: HolderKey;
	readonly #notes = new Map<string, LiveNote>();

	constructor(
		crypto: CryptoProvider,
		key: HolderKey,
		rows: readonly NoteRow[],
	) {
		this.#crypto = crypto;
		this.#key = key;
		for (const row of rows) this.add(row);
	}

	add(row: NoteRow): void {
		const { chain, spent } = row;
		const note = noteOf(this.#crypto, row);
		this.#notes.set(hex(note.id), {
			note,
			chain,
			chainId: hex(chain),
			issuer: hex(note.issuer),
			isOwn: isHeldUnder(note, this.#key),
			spent,
			taken: spent,
			reservations: 0,
			isBroken: false,
		});
	}

	/** The rest of that note is the issuer's again. */
	drop(noteId: Uint8Array): void {
		this.#notes.delete(hex(noteId));
	}

	/** So much of the front of that note is the issuer's again. */
	takeBack(noteId: Uint8Array, spent: bigint): void {
		const live = this.#notes.get(hex(noteId));
		if (live === undefined) return;
		live.spent = spent;
		mend(live);
	}

	/** Selects ranges: of notes that expire first, then in the fewest pieces. Reserves nothing. */
	select(wanted: Wanted, { among, beside = [] }: Narrowing = {}): Selected {
		const only =
			among && new Set(among.pieces.map(({ noteId }) => hex(noteId)));
		const taken = sumByNote(beside);
		const issuer = hex(wanted.issuer);
		const all: Portion[] = [];
		for (const [id, live] of this.#notes) {
			if (only?.has(id) === false || !isUsable(live, wanted, issuer)) continue;
			const amount = leftOf(live) - (taken.get(id) ?? 0n);
			if (amount > 0n) all.push({ live, amount });
		}
		const usable = trustedOf(all, wanted.isTrusted);
		const free = usable.filter(({ live }) => !live.isBroken);
		// Mostly one note has enough, and there is nothing to sort.
		const first = firstOf(free, byExpiry);
		if (first !== undefined && first.amount >= wanted.amount)
			return {
				kind: "selected",
				selection: selectionOf([{ live: first.live, amount: wanted.amount }]),
			};
		const available = sum(free);
		if (available < wanted.amount)
			return free.length < usable.length
				? { kind: "wait" }
				: {
						kind: "insufficient",
						available,
						unjudged: sum(all) - sum(usable),
					};
		const chosen =
			take(free.toSorted(byExpiry), wanted.amount) ??
			take(free.toSorted(byLeft), wanted.amount) ??
			take(ofFewestChains(free).toSorted(byLeft), wanted.amount);
		return chosen === undefined
			? { kind: "scattered" }
			: { kind: "selected", selection: selectionOf(chosen) };
	}

	/** The whole rest of notes under one key that nothing is reserved of, as far as one transfer can hold them. */
	selectWhole(
		issuer: Uint8Array,
		key: HolderKey,
		isWanted: (note: Note, chain: Uint8Array) => boolean,
	): { readonly selection: Selection; readonly currency: string } | undefined {
		const chains = new Set<string>();
		const chosen: Portion[] = [];
		let whole = 0n;
		for (const live of this.#notes.values()) {
			const { note, reservations, taken } = live;
			const left = note.value - taken;
			if (chosen.length === MAX_PIECES) break;
			if (reservations > 0 || !sameBytes(note.issuer, issuer)) continue;
			if (!isHeldUnder(note, key) || !isWanted(note, live.chain)) continue;
			if (chains.size === MAX_ISSUER_CHAINS && !chains.has(live.chainId))
				continue;
			if (whole + left > MAX_AMOUNT) continue;
			chains.add(live.chainId);
			chosen.push({ live, amount: left });
			whole += left;
		}
		const [first] = chosen;
		if (first === undefined) return undefined;
		const { code } = first.live.note.currency;
		return { selection: selectionOf(chosen), currency: code };
	}

	/** Notes of that issuer that have expired. */
	expired(issuer: Uint8Array, now: number): Note[] {
		return [...this.#notes.values()]
			.map(({ note }) => note)
			.filter((note) => sameBytes(note.issuer, issuer) && note.expires <= now);
	}

	reserve({ pieces }: Selection): void {
		for (const { noteId, amount } of pieces) {
			const live = this.#notes.get(hex(noteId)) as LiveNote;
			live.taken += amount;
			live.reservations++;
		}
	}

	/** Whether these ranges can still become durable. */
	canCommit({ pieces }: Selection): boolean {
		return pieces.every(({ noteId, offset }) => {
			const live = this.#notes.get(hex(noteId));
			return live !== undefined && !live.isBroken && offset >= live.spent;
		});
	}

	/** These reserved ranges certainly were not written. */
	release({ pieces }: Selection): void {
		for (const { noteId, offset, amount } of pieces) {
			const live = this.#notes.get(hex(noteId));
			if (live === undefined) continue;
			live.reservations--;
			if (!live.isBroken && live.taken === offset + amount) live.taken = offset;
			else live.isBroken = true;
			mend(live);
		}
	}

	/** These reserved ranges are durably given away. */
	commit({ pieces }: Selection): void {
		for (const { noteId, offset, amount } of pieces) {
			const live = this.#notes.get(hex(noteId));
			if (live === undefined) continue;
			live.reservations--;
			live.spent = offset + amount;
			mend(live);
			if (live.spent === live.note.value) this.#notes.delete(hex(noteId));
		}
	}
}

/** Whether a note is in the last part of its life, and should become a new one. */
export function isToExchange(
	{ issued, expires }: Note,
	payableUntil: number,
	now: number,
): boolean {
	const part = Math.min(
		(expires - issued) / EXCHANGE_PART_OF_LIFE,
		EXCHANGE_WITHIN_MS,
	);
	return payableUntil < expires && expires - now <= part;
}

interface Portion {
	readonly live: LiveNote;
	readonly amount: bigint;
}

/** With no reservation left, what is not spent is free. */
function mend(live: LiveNote): void {
	if (live.reservations > 0) return;
	live.taken = live.spent;
	live.isBroken = false;
}

function isUsable(
	live: LiveNote,
	{ currency, expiresAfter }: Wanted,
	issuer: string,
): boolean {
	const { note, taken } = live;
	return (
		live.isOwn &&
		taken < note.value &&
		note.expires > expiresAfter &&
		note.currency.code === currency &&
		live.issuer === issuer
	);
}

/** Those under chains that are good now, each of which is asked about once. */
function trustedOf(
	portions: readonly Portion[],
	isTrusted: Wanted["isTrusted"],
): Portion[] {
	const judged = new Map<string, boolean>();
	return portions.filter(({ live: { chain, chainId } }) => {
		const known = judged.get(chainId);
		if (known !== undefined) return known;
		const isGood = isTrusted(chain);
		judged.set(chainId, isGood);
		return isGood;
	});
}

/** What sorting them would put first. */
function firstOf(
	portions: readonly Portion[],
	order: (a: Portion, b: Portion) => number,
): Portion | undefined {
	let first: Portion | undefined;
	for (const one of portions)
		if (first === undefined || order(one, first) < 0) first = one;
	return first;
}

/** Whether that key signs for a note. */
export function isHeldUnder(
	{ holderKey }: Pick<Note, "holderKey">,
	key: HolderKey,
): boolean {
	return (
		holderKey.algorithm === key.algorithm &&
		sameBytes(holderKey.publicKey, key.publicKey)
	);
}

function sum(portions: readonly Portion[]): bigint {
	return portions.reduce((sum, { amount }) => sum + amount, 0n);
}

/** How much of each note selections have, by its id in hexadecimal. */
function sumByNote(selections: readonly Selection[]): Map<string, bigint> {
	const all = new Map<string, bigint>();
	for (const { pieces } of selections)
		for (const { noteId, amount } of pieces)
			all.set(hex(noteId), (all.get(hex(noteId)) ?? 0n) + amount);
	return all;
}

function leftOf({ note, taken }: LiveNote): bigint {
	return note.value - taken;
}

function byExpiry(a: Portion, b: Portion): number {
	return a.live.note.expires - b.live.note.expires || byLeft(a, b);
}

function byLeft(a: Portion, b: Portion): number {
	return Number(b.amount > a.amount) - Number(b.amount < a.amount);
}

/** Takes from the first on, or `undefined` when that is more than one transfer may have. */
function take(
	portions: readonly Portion[],
	amount: bigint,
): Portion[] | undefined {
	const chosen: Portion[] = [];
	const chains = new Set<string>();
	let missing = amount;
	for (const { live, amount: left } of portions) {
		if (missing === 0n) break;
		const portion = left < missing ? left : missing;
		chosen.push({ live, amount: portion });
		chains.add(live.chainId);
		missing -= portion;
	}
	return missing === 0n &&
		chosen.length <= MAX_PIECES &&
		chains.size <= MAX_ISSUER_CHAINS
		? chosen
		: undefined;
}

/** The notes under those chains that hold the most. */
function ofFewestChains(portions: readonly Portion[]): Portion[] {
	const byChain = [
		...Map.groupBy(portions, ({ live }) => live.chainId).values(),
	];
	const most = byChain.toSorted((a, b) => (sum(b) > sum(a) ? 1 : -1));
	return most.slice(0, MAX_ISSUER_CHAINS).flat();
}

function selectionOf(chosen: readonly Portion[]): Selection {
	const chains = new Map(
		chosen.map(({ live: { chain, chainId } }) => [chainId, chain]),
	);
	return {
		pieces: chosen.map(({ live: { note, taken }, amount }) => ({
			noteId: note.id,
			offset: taken,
			amount,
		})),
		notes: chosen.map(({ live: { note } }) => note.document),
		chains: [...chains.values()],
	};
}

/** Throws `store-failed` when the document is not the one that was written: nobody would take it, and no row is kept under its name. */
function noteOf(crypto: CryptoProvider, { id, document }: NoteRow): Note {
	const changed = (cause?: unknown) =>
		new TetradError(
			"store-failed",
			`the note ${hex(id).slice(0, 8)} in the purse's store is not what was written there: put the purse back from a backup`,
			{ cause },
		);
	let note: Note;
	try {
		note = parseNote(crypto, document);
	} catch (cause) {
		throw changed(cause);
	}
	if (!sameBytes(note.id, id)) throw changed();
	return note;
}
