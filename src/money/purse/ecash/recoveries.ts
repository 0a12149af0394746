/*
 * What a purse restores by itself. A mint that has signed outputs before which the purse makes now
 * shows that the purse was put back, and what it made since is restored as if its owner had ordered
 * it, under a name that follows from the mint, so that there is one of it. Nothing is lost where it
 * is not begun: the mint says so again, or the owner restores.
 */
import type { CryptoProvider } from "../../../crypto/index.ts";
import { enc, hex, sameBytes, utf8 } from "../../../wire/index.ts";
import type { EcashOrderRow } from "../ecash-tables.ts";
import type { PurseCore } from "../purse-core.ts";
import type { EcashBook } from "./book.ts";
import type { Mints } from "./mints.ts";
import type { FirstCounters } from "./restore-run.ts";
import type { MadeOutput } from "./stored-swap.ts";
import { LONGEST_WAIT_MS } from "./waits.ts";

/** What is restored without an order. */
interface Recovery {
	readonly request: Uint8Array;
	readonly from: FirstCounters;
}

export class Recoveries {
	readonly #core: PurseCore;
	readonly #mints: Mints;
	readonly #book: EcashBook;
	/** By mint, in hexadecimal: when what was made in another life was looked for last, and from which counters on that is to be done again. */
	readonly #recovered = new Map<
		string,
		{ readonly at: number; readonly again: FirstCounters | undefined }
	>();

	constructor(core: PurseCore, mints: Mints, book: EcashBook) {
		this.#core = core;
		this.#mints = mints;
		this.#book = book;
	}

	/** From which counters on it is to be looked for, with what waits to be. */
	firstOf(mint: Uint8Array, outputs: readonly MadeOutput[]): FirstCounters {
		const before = this.#recovered.get(hex(mint))?.again;
		return firstOf(outputs, before);
	}

	/** What is to be restored now; nothing where that has to wait. `stateOf` says in which state an order of that name is, of which there may be none. `isOver` as in `EcashParts`. */
	due(
		mint: Uint8Array,
		first: FirstCounters,
		isOver: boolean,
		stateOf: (request: Uint8Array) => "pending" | "open" | undefined,
	): Recovery | undefined {
		const { now, options } = this.#core;
		const name = hex(mint);
		const before = this.#recovered.get(name);
		const requests = recoveryRequests(options.context.crypto, mint);
		const states = requests.map(stateOf);
		const request = requests[states.indexOf(undefined)];
		// What is pending keeps its row, and no counter.
		const isOpen = states.includes("open");
		if (request === undefined) return undefined;
		if (isOpen || !isOver) {
			const isRecent =
				before !== undefined && now < before.at + LONGEST_WAIT_MS;
			// What is under way now may have been left out.
			if (isOpen && isOver)
				this.#recovered.set(name, { at: before?.at ?? now, again: first });
			if (isOpen || isRecent) return undefined;
		}
		// Of others, what is behind all that is known to be used.
		const all = this.#mints.keysets(mint)?.all() ?? [];
		const from = new Map([
			...all.map(({ id }) => [hex(id), this.#book.next(id)] as const),
			...first,
		]);
		return { request, from };
	}

	begun(mint: Uint8Array): void {
		this.#recovered.set(hex(mint), { at: this.#core.now, again: undefined });
	}

	/** What was asked for while that order was under way; nothing for what is no recovery. */
	askedDuring({ request, mint }: EcashOrderRow): FirstCounters | undefined {
		const { crypto } = this.#core.options.context;
		const again = this.#recovered.get(hex(mint))?.again;
		if (again === undefined) return undefined;
		const names = recoveryRequests(crypto, mint);
		return names.some((name) => sameBytes(name, request)) ? again : undefined;
	}
}

const RECOVERY = utf8("tetrad/1 ecash recovery");
const REQUEST_BYTES = 16;

/** Of one mint: one is under way at a time, and the others wait for what is pending. */
const RECOVERIES = 4;

/** The names of what is restored without an order. */
function recoveryRequests(
	crypto: CryptoProvider,
	mint: Uint8Array,
): readonly Uint8Array[] {
	return Array.from({ length: RECOVERIES }, (_, number) =>
		crypto
			.sha256(enc(RECOVERY, mint, Uint8Array.of(number)))
			.subarray(0, REQUEST_BYTES),
	);
}

/** The first of these counters of each keyset. */
function firstOf(
	outputs: readonly MadeOutput[],
	before: FirstCounters = new Map(),
): FirstCounters {
	const first = new Map(before);
	for (const { keyset, counter } of outputs) {
		const name = hex(keyset);
		first.set(name, Math.min(counter, first.get(name) ?? counter));
	}
	return first;
}
