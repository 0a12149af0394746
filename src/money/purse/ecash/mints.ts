/*
 * The mints whose ecash a purse takes, as far as it knows them. Nothing is paid or taken before a
 * mint has said that it can do what a purchase needs, and has shown its keys, from which the ids of
 * its keysets follow.
 *
 *   unknown ─asked─▶ asking: info ─▶ keysets ─▶ keys ─▶ keys of each keyset that is not active ─▶ known
 *      ▲                │                                                                          │
 *      └──after a while─┴─no answer, or one that makes no sense                 asked again after an hour
 *
 * That while is twice as long each time. Who needs the mint has it asked at once, and often again.
 *
 * A keyset is of one mint. Its counters are used once, whoever shows it, so another mint that shows it
 * as well, or one of which the same outputs follow, could use them up, and say of what it was never
 * asked for that it has signed it. It does not have that keyset here.
 */
import { asTetradError, TetradError, unreachable } from "../../../errors.ts";
import { put, remove } from "../../../machine/index.ts";
import { hex, sameBytes } from "../../../wire/index.ts";
import {
	encodeKeyset,
	INFO_REQUEST,
	isSamePlace,
	KEYS_REQUEST,
	KEYSETS_REQUEST,
	type Keyset,
	type KeysetNotice,
	KnownKeysets,
	keysRequest,
	MAX_KEYSETS,
	type MintInfo,
	type MintRequest,
	mintRefused,
	parseKeys,
	parseKeyset,
	parseKeysets,
	parseMintError,
	parseMintInfo,
	requireForPurchases,
} from "../../cashu/index.ts";
import type { MintAnswer } from "../ecash-part.ts";
import { KEYSETS, type KeysetRow } from "../ecash-tables.ts";
import { changing } from "../purse-tables.ts";
import type { EcashBook } from "./book.ts";
import type { EcashJobOf } from "./jobs.ts";
import type { EcashParts, TrustedMint } from "./parts.ts";
import { LONGEST_WAIT_MS } from "./waits.ts";

/** How long a mint is believed to have the keysets that it had. */
const KNOWN_FOR_MS = 3_600_000;

/** After what time a mint is asked again that has not answered as it should: twice as long each time, up to `LONGEST_WAIT_MS`. */
const ASK_AGAIN_MS = 10_000;

/** How soon after an answer that was none a mint is asked for somebody who needs it, whoever makes others need it. */
const NEEDED_AGAIN_MS = 1_000;

/** What a mint cannot do, whose keys it has, and that it says more than is read, does not pass by itself. */
const LASTING: ReadonlySet<TetradError["code"]> = new Set([
	...(["issuer-refused", "authentication-failed", "limit-exceeded"] as const),
]);

type Asking =
	| { readonly kind: "info" }
	| { readonly kind: "keysets" }
	| { readonly kind: "keys"; readonly notices: readonly KeysetNotice[] }
	| {
			readonly kind: "old-keys";
			readonly notices: readonly KeysetNotice[];
			readonly found: readonly Keyset[];
			readonly next: KeysetNotice;
	  };

type State =
	| ({ readonly kind: "unknown" } & Wait)
	| { readonly kind: "asking"; readonly step: Asking }
	| ({ readonly kind: "known" } & Wait)
	/** It cannot do what a purchase needs, its keys are wrong, or it says more than is read. */
	| ({ readonly kind: "refused"; readonly error: TetradError } & Wait);

interface Wait {
	/** By the clock as it is now: when that was ahead, and is set right, no wait gets longer. */
	readonly since: number;
	/** When the mint is asked the next time. */
	readonly askAt: number;
	/** Before that it is not asked, whoever needs it, and whatever others say of its keysets. */
	readonly notBefore: number;
}

interface Mint {
	readonly of: TrustedMint;
	state: State;
	/** How long it is left alone when it does not answer the next time. */
	wait: number;
	/** As they were known last; they stay while it is asked anew, and what was paid before goes on with them where it is refused. */
	keysets: KnownKeysets | undefined;
	/** Why it does not have all keysets that it shows. */
	others: TetradError | undefined;
	/** What it has said of itself in this life of the purse, and whether it has shown its keys after that. */
	info: MintInfo | undefined;
	hasSaid: boolean;
	/** What is durable of each keyset, by its id in hexadecimal. */
	readonly kept: Map<string, KeysetRow>;
}

export class Mints {
	readonly #parts: EcashParts;
	readonly #book: EcashBook;
	/** In the order in which the owner has named them. */
	readonly #all: readonly Mint[];

	/** `kept` are the keysets that mints had shown before. */
	constructor(parts: EcashParts, kept: readonly KeysetRow[], book: EcashBook) {
		this.#parts = parts;
		this.#book = book;
		const shown = parts.options.mints.map((of) => ({
			of,
			all: kept
				.filter(({ mint }) => sameBytes(mint, of.issuer))
				.map((row) => ({ row, keyset: parseKeyset(row.said) }))
				.filter(({ keyset }) => keyset.unit === of.unit),
		}));
		// Programs before kept some for two mints: each is of the one whose proofs the purse has.
		const isHeld = ({ issuer }: TrustedMint, id: Uint8Array) =>
			book.of(issuer).some(({ keyset }) => isSamePlace(keyset, id));
		const ownerOf = (id: Uint8Array) => {
			const both = shown
				.filter(({ all }) => all.some((one) => isSamePlace(one.keyset.id, id)))
				.map(({ of }) => of);
			if (both.length < 2) return both[0];
			return both.find((of) => isHeld(of, id)) ?? both[0];
		};
		this.#all = shown.map(({ of, all }) => {
			const known = all
				.map(({ keyset }) => keyset)
				.filter(({ id }) => ownerOf(id) === of);
			return {
				of,
				state: { kind: "unknown", since: 0, askAt: 0, notBefore: 0 },
				wait: ASK_AGAIN_MS,
				keysets: known.length === 0 ? undefined : new KnownKeysets(known),
				...{ others: undefined, info: undefined, hasSaid: false },
				kept: new Map(all.map(({ row }) => [hex(row.keyset), row])),
			};
		});
	}

	/** The mint that stands for an issuer, if its owner has named it. */
	of(issuer: Uint8Array): TrustedMint | undefined {
		return this.#find(issuer)?.of;
	}

	/** Its keysets as they were known last, also in an earlier life of the purse. */
	keysets(issuer: Uint8Array): KnownKeysets | undefined {
		return this.#find(issuer)?.keysets;
	}

	/** What it has said of itself last; nothing before it has. */
	info(issuer: Uint8Array): MintInfo | undefined {
		return this.#find(issuer)?.info;
	}

	/** Why nothing can be paid or taken there now, or nothing. */
	whyNot(issuer: Uint8Array): TetradError | undefined {
		const mint = this.#find(issuer);
		if (mint?.state.kind === "refused") return mint.state.error;
		return mint?.hasSaid === true ? undefined : notReached();
	}

	/** Why it does not have all keysets that it shows; nothing where it has. What it has signed with the others is not known. */
	lacks(issuer: Uint8Array): TetradError | undefined {
		return this.#find(issuer)?.others;
	}

	/** Which keyset it signs new proofs with. Throws `busy` where that is not known, and `issuer-refused` where there is none. */
	active(issuer: Uint8Array): Keyset {
		const mint = this.#find(issuer);
		const known = mint?.keysets;
		if (mint === undefined || known === undefined) throw notReached();
		const active = known.active(mint.of.unit, this.#parts.core.now);
		if (active === undefined)
			throw (
				mint.others ??
				new TetradError(
					"issuer-refused",
					`the mint has no keyset for ${mint.of.unit} that it signs with`,
				)
			);
		return active;
	}

	/** Whether it has said what it is, and nothing has called that into question since. */
	isKnown(issuer: Uint8Array): boolean {
		return this.#find(issuer)?.state.kind === "known";
	}

	/** Its keysets may have changed: it is asked anew, and if it was just now, in a while. */
	askAnew(issuer: Uint8Array): void {
		const mint = this.#find(issuer);
		const state = mint && this.#stateOf(mint);
		if (mint !== undefined && state?.kind === "known") {
			const { since, notBefore } = state;
			mint.state = { kind: "unknown", since, askAt: notBefore, notBefore };
		}
		this.time();
	}

	/** Somebody waits for what it says: it is asked at once, and soon again when it does not answer. */
	need(issuer: Uint8Array): void {
		const mint = this.#find(issuer);
		if (mint !== undefined) {
			const state = this.#stateOf(mint);
			mint.wait = ASK_AGAIN_MS;
			if (state.kind === "unknown" || state.kind === "refused") {
				const askAt = Math.min(state.askAt, state.notBefore);
				mint.state = { ...state, askAt };
			}
		}
		this.time();
	}

	/** When `time` shall be called. */
	*deadlines(): Generator<number> {
		for (const mint of this.#all) {
			const state = this.#stateOf(mint);
			if (state.kind !== "asking") yield state.askAt;
		}
	}

	/** Asks those that are to be asked by now. */
	time(): void {
		const { now } = this.#parts.core;
		for (const mint of this.#all) {
			const state = this.#stateOf(mint);
			if (state.kind !== "asking" && state.askAt <= now)
				this.#ask(mint, { kind: "info" });
		}
	}

	#stateOf(mint: Mint): State {
		const { state } = mint;
		const { now } = this.#parts.core;
		if (state.kind === "asking" || state.since <= now) return state;
		const ahead = state.since - now;
		mint.state = {
			...{ ...state, since: now },
			askAt: state.askAt - ahead,
			notBefore: state.notBefore - ahead,
		};
		return mint.state;
	}

	// What mints answer.

	/** Whether something is known of it now, or known not to be. */
	answered(issuer: Uint8Array, answer: MintAnswer): boolean {
		const mint = this.#find(issuer);
		if (mint?.state.kind !== "asking") return false;
		try {
			const { status, body } = answer;
			return status === 200
				? this.#answered(mint, mint.state.step, body)
				: this.#notSaid(mint, mint.state.step, status, body);
		} catch (thrown) {
			return this.notAnswered(issuer, asTetradError(thrown));
		}
	}

	notAnswered(issuer: Uint8Array, error: TetradError): boolean {
		const mint = this.#find(issuer);
		if (mint?.state.kind !== "asking") return false;
		const { now } = this.#parts.core;
		const waits = { since: now, askAt: now + mint.wait };
		mint.wait = Math.min(2 * mint.wait, LONGEST_WAIT_MS);
		const isRefused = LASTING.has(error.code);
		if (isRefused) this.#parts.core.trouble(error);
		mint.state = isRefused
			? { kind: "refused", error, ...waits, notBefore: now + ASK_AGAIN_MS }
			: { kind: "unknown", ...waits, notBefore: now + NEEDED_AGAIN_MS };
		return true;
	}

	#answered(mint: Mint, step: Asking, body: Uint8Array): boolean {
		const { context } = this.#parts.core.options;
		const { crypto: ecash } = this.#parts.options;
		switch (step.kind) {
			case "info":
				mint.info = parseMintInfo(body);
				requireForPurchases(mint.info);
				return this.#ask(mint, { kind: "keysets" });
			case "keysets": {
				const notices = parseKeysets(body).filter(
					({ unit }) => unit === mint.of.unit,
				);
				return this.#ask(mint, { kind: "keys", notices });
			}
			case "keys": {
				const { notices } = step;
				const found = parseKeys(context.crypto, ecash, body, notices);
				return this.#next(mint, notices, found);
			}
			case "old-keys": {
				const { notices, next } = step;
				const more = parseKeys(context.crypto, ecash, body, [next]);
				// One that has no keys any more is left out.
				const rest = notices.filter((one) => one !== next);
				return this.#next(mint, rest, [...step.found, ...more]);
			}
			default:
				return unreachable(step);
		}
	}

	/** That it does not say now what it is says nothing of what it can do; that it has no keys of an old keyset leaves that out. */
	#notSaid(
		mint: Mint,
		step: Asking,
		status: number,
		body: Uint8Array,
	): boolean {
		const why = parseMintError(body);
		if (step.kind !== "old-keys" || status !== 400)
			throw new TetradError("busy", mintRefused(why).message);
		const { notices, found, next } = step;
		return this.#next(
			mint,
			notices.filter((one) => one !== next),
			found,
		);
	}

	/** Asks for the keys of a keyset that are not there yet, or knows the mint. */
	#next(
		mint: Mint,
		notices: readonly KeysetNotice[],
		found: readonly Keyset[],
	): boolean {
		const isFound = ({ id }: KeysetNotice) =>
			found.some((keyset) => sameBytes(keyset.id, id));
		const next = notices.find((notice) => !isFound(notice));
		if (next !== undefined)
			return this.#ask(mint, { kind: "old-keys", notices, found, next });
		const { now } = this.#parts.core;
		const own = this.#ownOf(mint, found);
		// Throws for one that has other keys than it had.
		mint.keysets = before(mint.keysets, own).with(own);
		for (const { id } of own) this.#takeFromOthers(mint, id);
		mint.hasSaid = true;
		mint.wait = ASK_AGAIN_MS;
		mint.state = {
			kind: "known",
			since: now,
			askAt: now + KNOWN_FOR_MS,
			notBefore: now + ASK_AGAIN_MS,
		};
		this.#keep(mint);
		return true;
	}

	/** Those of what it shows that are not of others; its owner is told of these once. Throws where that is all of them. */
	#ownOf(mint: Mint, found: readonly Keyset[]): readonly Keyset[] {
		const ownerOf = ({ id }: Keyset) => this.#ownerOf(mint, id);
		const own = found.filter((keyset) => ownerOf(keyset) === undefined);
		const [other] = found.flatMap((keyset) => ownerOf(keyset) ?? []);
		const before = mint.others;
		mint.others = other && ofAnother(mint, other);
		if (mint.others === undefined) return own;
		if (own.length === 0) throw mint.others;
		if (before === undefined) this.#parts.core.trouble(mint.others);
		return own;
	}

	/** Which other mint a keyset is of. What nobody has used is of whoever is named first, and what the purse has something of, if only a lock, stays whose it is. */
	#ownerOf(mint: Mint, id: Uint8Array): Mint | undefined {
		return this.#all.find((other) => {
			const same = other === mint ? undefined : sameIn(other, id);
			if (same === undefined) return false;
			const isBefore = this.#all.indexOf(other) < this.#all.indexOf(mint);
			return isBefore || this.#book.isUsed(same.id);
		});
	}

	/** They are asked anew, and told of then. */
	#takeFromOthers(mint: Mint, id: Uint8Array): void {
		const { now } = this.#parts.core;
		for (const other of this.#all) {
			if (other === mint || sameIn(other, id) === undefined) continue;
			const left = other.keysets?.all() ?? [];
			other.keysets = new KnownKeysets(
				left.filter((one) => !isSamePlace(one.id, id)),
			);
			other.others = ofAnother(other, mint);
			this.#keep(other);
			if (other.state.kind === "known")
				other.state = {
					kind: "unknown",
					...{ since: now, askAt: now, notBefore: now },
				};
		}
	}

	/** What is new of its keysets is written down, and what is known no more is taken out. */
	#keep({ of, keysets, kept }: Mint): void {
		const { core } = this.#parts;
		const all = keysets?.all() ?? [];
		const names = new Set(all.map(({ id }) => hex(id)));
		const gone = [...kept]
			.filter(([name]) => !names.has(name))
			.map(([, { mint, keyset }]) => ({ mint, keyset }));
		const rows = all
			.map((keyset) => ({
				...{ mint: of.issuer, keyset: keyset.id },
				said: encodeKeyset(keyset),
			}))
			.filter(({ keyset, said }) => {
				const before = kept.get(hex(keyset));
				return before === undefined || !sameBytes(before.said, said);
			});
		if (rows.length === 0 && gone.length === 0) return;
		this.#parts.transact<"keeping-keysets">(
			{ kind: "keeping-keysets", rows, gone },
			changing(core.options.context.crypto, core.now, [], () => ({
				entries: [],
				writes: [
					...rows.map((row) => put(KEYSETS, row)),
					...gone.map((key) => remove(KEYSETS, key)),
				],
				result: undefined,
			})),
		);
	}

	/** That is durable. Where it was not, it is written when they are asked for the next time. */
	keysetsKept({ rows, gone }: EcashJobOf<"keeping-keysets">): void {
		for (const { mint, keyset } of gone)
			this.#find(mint)?.kept.delete(hex(keyset));
		for (const row of rows)
			this.#find(row.mint)?.kept.set(hex(row.keyset), row);
	}

	#ask(mint: Mint, step: Asking): false {
		mint.state = { kind: "asking", step };
		const { issuer, url } = mint.of;
		const job = { kind: "asking-mint", mint: issuer } as const;
		this.#parts.ask(job, url, requestOf(step));
		return false;
	}

	#find(issuer: Uint8Array): Mint | undefined {
		return this.#all.find(({ of }) => sameBytes(of.issuer, issuer));
	}
}

/** Of which the outputs of a purse are the same. */
function sameIn({ keysets }: Mint, id: Uint8Array): Keyset | undefined {
	return keysets?.all().find((one) => isSamePlace(one.id, id));
}

function ofAnother({ of }: Mint, other: Mint): TetradError {
	return new TetradError(
		"issuer-refused",
		`the mint ${of.name} shows a keyset that the mint ${other.of.name} has shown, and does not have it here: either both are one mint, of which name one address, or one of them does not tell the truth`,
	);
}

/** Those that a mint says nothing of any more: it signs with none of them, and what was signed may still be asked for. */
function before(
	known: KnownKeysets | undefined,
	found: readonly Keyset[],
): KnownKeysets {
	const all = known?.all() ?? [];
	const isFound = ({ id }: Keyset) =>
		found.some((keyset) => sameBytes(keyset.id, id));
	const gone = all
		.filter((keyset) => !isFound(keyset))
		.slice(0, Math.max(0, MAX_KEYSETS - found.length))
		.map((keyset) => ({ ...keyset, isActive: false }));
	return new KnownKeysets([...all.filter(isFound), ...gone]);
}

function requestOf(step: Asking): MintRequest {
	switch (step.kind) {
		case "info":
			return INFO_REQUEST;
		case "keysets":
			return KEYSETS_REQUEST;
		case "keys":
			return KEYS_REQUEST;
		case "old-keys":
			return keysRequest(step.next.id);
		default:
			return unreachable(step);
	}
}

function notReached(): TetradError {
	return new TetradError(
		"busy",
		"the mint has not been reached yet, or has not said what it can do; it is asked again, so try again in a while",
	);
}
