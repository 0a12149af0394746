/*
 * The mints whose ecash a purse takes, as far as it knows them. Nothing is paid or taken before a
 * mint has said that it can do what a purchase needs, and has shown its keys, from which the ids of
 * its keysets follow.
 *
 *   unknown ─asked─▶ asking: info ─▶ keysets ─▶ keys ─▶ keys of each keyset that is not active ─▶ known
 *      ▲                │                                                                          │
 *      └──after a while─┴─no answer, or one that makes no sense                 asked again after an hour
 */
import { asTetradError, TetradError, unreachable } from "../../../errors.ts";
import { sameBytes } from "../../../wire/index.ts";
import {
	INFO_REQUEST,
	KEYS_REQUEST,
	KEYSETS_REQUEST,
	type Keyset,
	type KeysetNotice,
	KnownKeysets,
	keysRequest,
	type MintRequest,
	mintRefused,
	parseKeys,
	parseKeysets,
	parseMintError,
	parseMintInfo,
	requireForPurchases,
} from "../../cashu/index.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { EcashParts, TrustedMint } from "./parts.ts";

/** How long a mint is believed to have the keysets that it had. */
const KNOWN_FOR_MS = 3_600_000;

/** After what time a mint is asked again that has not answered as it should. */
const ASK_AGAIN_MS = 10_000;

/** Keysets of one mint and unit that a purse knows the keys of. */
const MAX_KEYSETS_OF_MINT = 64;

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
	| { readonly kind: "unknown"; readonly askAt: number }
	| { readonly kind: "asking"; readonly step: Asking }
	| {
			readonly kind: "known";
			readonly until: number;
			/** Before that it is not asked anew, whatever others say of its keysets. */
			readonly notBefore: number;
	  }
	/** It cannot do what a purchase needs, or its keys are wrong. */
	| {
			readonly kind: "refused";
			readonly error: TetradError;
			readonly until: number;
	  };

interface Mint {
	readonly of: TrustedMint;
	state: State;
	/** As they were known last; they stay while it is asked anew, and what was paid before goes on with them where it is refused. */
	keysets: KnownKeysets | undefined;
}

export class Mints {
	readonly #parts: EcashParts;
	readonly #all: readonly Mint[];

	constructor(parts: EcashParts) {
		this.#parts = parts;
		this.#all = parts.options.mints.map((of) => ({
			of,
			state: { kind: "unknown", askAt: 0 },
			keysets: undefined,
		}));
	}

	/** The mint that stands for an issuer, if its owner has named it. */
	of(issuer: Uint8Array): TrustedMint | undefined {
		return this.#find(issuer)?.of;
	}

	/** Its keysets as they were known last. */
	keysets(issuer: Uint8Array): KnownKeysets | undefined {
		return this.#find(issuer)?.keysets;
	}

	/** Why nothing can be paid or taken there now, or nothing. */
	whyNot(issuer: Uint8Array): TetradError | undefined {
		const mint = this.#find(issuer);
		if (mint?.state.kind === "refused") return mint.state.error;
		return mint?.keysets === undefined ? notReached() : undefined;
	}

	/** Which keyset it signs new proofs with. Throws `busy` where that is not known, and `issuer-refused` where there is none. */
	active(issuer: Uint8Array): Keyset {
		const mint = this.#find(issuer);
		const known = mint?.keysets;
		if (mint === undefined || known === undefined) throw notReached();
		const active = known.active(mint.of.unit, this.#parts.core.now);
		if (active === undefined)
			throw new TetradError(
				"issuer-refused",
				`the mint has no keyset for ${mint.of.unit} that it signs with`,
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
		if (mint?.state.kind === "known")
			mint.state = { kind: "unknown", askAt: mint.state.notBefore };
		this.time();
	}

	/** When `time` shall be called. */
	*deadlines(): Generator<number> {
		for (const { state } of this.#all) {
			if (state.kind === "unknown") yield state.askAt;
			if (state.kind === "known" || state.kind === "refused") yield state.until;
		}
	}

	/** Asks those that are to be asked by now. */
	time(): void {
		const { now } = this.#parts.core;
		for (const mint of this.#all) {
			const { state } = mint;
			const isDue =
				(state.kind === "unknown" && state.askAt <= now) ||
				((state.kind === "known" || state.kind === "refused") &&
					state.until <= now);
			if (isDue) this.#ask(mint, { kind: "info" });
		}
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
		const until = this.#parts.core.now + ASK_AGAIN_MS;
		// What a mint cannot do, or whose keys it has, does not pass by itself.
		const isRefused =
			error.code === "issuer-refused" || error.code === "authentication-failed";
		if (isRefused) this.#parts.core.trouble(error);
		mint.state = isRefused
			? { kind: "refused", error, until }
			: { kind: "unknown", askAt: until };
		return true;
	}

	#answered(mint: Mint, step: Asking, body: Uint8Array): boolean {
		const { context } = this.#parts.core.options;
		const { crypto: ecash } = this.#parts.options;
		switch (step.kind) {
			case "info":
				requireForPurchases(parseMintInfo(body));
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
		if (next !== undefined && found.length < MAX_KEYSETS_OF_MINT)
			return this.#ask(mint, { kind: "old-keys", notices, found, next });
		const { now } = this.#parts.core;
		// Throws for one that has other keys than it had.
		mint.keysets = before(mint.keysets, found).with(found);
		mint.state = {
			kind: "known",
			until: now + KNOWN_FOR_MS,
			notBefore: now + ASK_AGAIN_MS,
		};
		return true;
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
		.slice(0, Math.max(0, MAX_KEYSETS_OF_MINT - found.length))
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
