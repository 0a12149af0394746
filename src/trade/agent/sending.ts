/*
 * One merchandise on its way to its buyer. It is read twice: measured to be keyed, and sealed as it
 * is sent.
 *
 *   begin ─▶ finding ─the seller─▶ opening ─opened─▶ measuring ⟳ ─the last chunk─▶ keying
 *                                                                                   │
 *            (over) ◀─signed─ signing ◀─the last chunk that was taken─ sealing ⟳ ◀─the key
 *            (over) ◀───────────────────the last chunk that was fetched──┘
 *
 * Whatever cannot be had, and whoever is asked for it no more, ends it from everywhere.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError, unreachable } from "../../errors.ts";
import type { Pending, Steps } from "../../machine/index.ts";
import { message } from "../../money/documents/index.ts";
import { copy, release, releaseAround, sameBytes } from "../../wire/index.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
	CHUNK_BYTES,
	type Contract,
	encodeTerms,
	keyHash,
} from "../documents/index.ts";
import {
	chunkCount,
	chunkLength,
	type Measured,
	Measuring,
} from "../merchandise/index.ts";
import { READ_AHEAD_CHUNKS, SENT_AHEAD_CHUNKS } from "./limits.ts";
import {
	type ContractTimes,
	contractIdOf,
	descriptionOf,
	type Seller,
	sellerKey,
	sellerQuestion,
	type Wanted,
} from "./sale.ts";
import {
	type DraftOfSale,
	type Keyed,
	keyedSale,
	type Sealed,
} from "./sale-sealing.ts";
import type { Sellers } from "./sellers.ts";
import type { SellingEffect, SellingEvent } from "./selling-events.ts";
import type { ToBuyer } from "./to-buyer.ts";
import type { TradeTetrad } from "./trade-tetrad.ts";
import { unasked } from "./unasked.ts";

/** Whether the own module sells nothing for that money now, to nobody. */
export interface RefusedFor {
	readonly cannotSell?: boolean;
}

/** What it is sent with. */
export interface SendingParts {
	readonly options: Partial<ContractTimes> & {
		readonly crypto: CryptoProvider;
		readonly tetrad: TradeTetrad;
	};
	readonly steps: Steps<SellingEffect>;
	readonly sellers: Sellers;
	readonly toBuyer: ToBuyer;
	/** Signatures that are waited for, by the answer that they are for. */
	readonly signing: Pending<{ readonly answer: number }>;
	/** It cannot be had. */
	readonly refuse: (error: TetradError, now: number, why?: RefusedFor) => void;
	/** Nothing more comes of it. */
	readonly over: () => void;
}

/** Reads a source once, some chunks ahead. */
interface Pass {
	readonly length: bigint;
	/** The chunk that is read next. */
	readonly next: number;
	/** Chunks that were asked for and have not come. */
	readonly asked: number;
}

type State =
	| { readonly kind: "finding"; readonly seller: string }
	| { readonly kind: "opening"; readonly seller: Seller }
	| {
			readonly kind: "measuring";
			readonly seller: Seller;
			readonly measuring: Measuring;
			readonly pass: Pass;
	  }
	| {
			readonly kind: "keying";
			readonly keyed: Keyed;
			readonly length: bigint;
	  }
	| {
			readonly kind: "sealing";
			readonly sealed: Sealed;
			readonly pass: Pass;
			/** Chunks that were read and have not been sealed. */
			readonly held: readonly Uint8Array[];
			/** The chunk that is sealed next. */
			readonly at: number;
	  }
	| { readonly kind: "signing"; readonly draft: DraftOfSale };

export class Sending {
	readonly answer: number;
	readonly #parts: SendingParts;
	readonly #wanted: Wanted;
	#state: State;

	/** Under that number, of which everything that it asks for has to be told. */
	constructor(parts: SendingParts, answer: number, wanted: Wanted) {
		this.#parts = parts;
		this.answer = answer;
		this.#wanted = wanted;
		const seller = sellerKey(sellerQuestion(wanted));
		this.#state = { kind: "finding", seller };
	}

	// What it is sold with.

	begin(): void {
		const { sellers } = this.#parts;
		const question = sellerQuestion(this.#wanted);
		const key = sellerKey(question);
		const known = sellers.get(key);
		if (known !== undefined) return this.#open(known);
		sellers.asked(key);
		this.#toModule(message(ABOUT_PURCHASES.selling, question));
	}

	#open(seller: Seller): void {
		const { steps, options } = this.#parts;
		const wanted = this.#wanted;
		this.#state = { kind: "opening", seller };
		steps.emit({
			kind: "open",
			answer: this.answer,
			goods: {
				description: descriptionOf(wanted),
				itemKind: wanted.kind === "taken" ? wanted.offer.kind : undefined,
				contractId: contractIdOf(wanted),
				offer: wanted.kind === "taken" ? wanted.offer.id : undefined,
				buyer: options.tetrad.other.agent,
			},
		});
	}

	/** Chunks are sent, as far as there is room for them on the way. */
	get isSealing(): boolean {
		return this.#state.kind === "sealing";
	}

	/** The own module has told of a seller. */
	sellerTold(): void {
		const state = this.#state;
		if (state.kind !== "finding") return;
		const seller = this.#parts.sellers.get(state.seller);
		if (seller !== undefined) this.#open(seller);
	}

	/** The own module has no seller of that name. */
	notFound(seller: string, error: TetradError, now: number): void {
		const state = this.#state;
		if (state.kind !== "finding" || state.seller !== seller) return;
		// For which money and generation goods are sent again is their buyer's word.
		const cannotSell = this.#wanted.kind === "taken";
		this.#parts.refuse(error, now, { cannotSell });
	}

	/** The own module has no key for terms of that hash. */
	notKeyed(termsHash: Uint8Array, error: TetradError, now: number): void {
		const state = this.#state;
		if (state.kind === "keying" && sameBytes(state.keyed.termsHash, termsHash))
			this.#refuse(error, now);
	}

	/** What was asked of whoever has the merchandise. */
	answered(
		event: Exclude<
			Extract<SellingEvent, { readonly answer: number }>,
			{ readonly kind: "failed" }
		>,
		now: number,
	): void {
		const state = this.#state;
		switch (state.kind) {
			case "opening":
				if (event.kind !== "opened") break;
				return this.#opened(state, event.length, now);
			case "measuring":
				if (event.kind !== "read") break;
				return this.#measure(state, event.bytes, now);
			case "sealing":
				if (event.kind !== "read") break;
				return this.#hold(state, event.bytes, now);
			case "finding":
			case "keying":
			case "signing":
				break;
			default:
				return unreachable(state);
		}
		throw unasked(event.kind);
	}

	// The first pass.

	#opened(
		{ seller }: Extract<State, { kind: "opening" }>,
		length: bigint,
		now: number,
	): void {
		const wanted = this.#wanted;
		if (length !== expectedLength(wanted, length))
			return this.#refuse(changed(), now);
		const measuring = new Measuring(this.#parts.options.crypto, {
			saltKey: seller.saltKey,
			contractId: contractIdOf(wanted),
		});
		const pass = this.#ahead({ length, next: 0, asked: 0 });
		this.#state = { kind: "measuring", seller, measuring, pass };
	}

	/** Asks for as many chunks as may be read ahead. */
	#ahead({ length, next, asked }: Pass, held = 0): Pass {
		const { steps } = this.#parts;
		const { answer } = this;
		let at = next;
		let more = asked;
		while (more + held < READ_AHEAD_CHUNKS) {
			const bytes = chunkLength(length, at);
			if (bytes === undefined) break;
			const from = at * CHUNK_BYTES;
			steps.emit({ kind: "read", answer, at: from, length: bytes });
			at++;
			more++;
		}
		return { length, next: at, asked: more };
	}

	#measure(
		state: Extract<State, { kind: "measuring" }>,
		bytes: Uint8Array,
		now: number,
	): void {
		const { measuring, pass } = state;
		const at = pass.next - pass.asked;
		if (bytes.length !== chunkLength(pass.length, at))
			return this.#refuse(changed(), now);
		measuring.add(bytes);
		release(bytes);
		if (at + 1 < chunkCount(pass.length)) {
			const rest = { ...pass, asked: pass.asked - 1 };
			this.#state = { ...state, pass: this.#ahead(rest) };
			return;
		}
		this.#askForKey(state, measuring.finish(), now);
	}

	#askForKey(
		{ seller }: Extract<State, { kind: "measuring" }>,
		measured: Measured,
		now: number,
	): void {
		const wanted = this.#wanted;
		if (
			wanted.kind === "fetched" &&
			!sameBytes(measured.plaintextRoot, wanted.contract.plaintextRoot)
		)
			return this.#refuse(changed(), now);
		const what = { wanted, seller, measured };
		const { terms, ...keyed } = keyedSale(this.#parts.options, what, now);
		const { length } = measured;
		this.#state = { kind: "keying", keyed, length };
		this.#toModule(
			message(ABOUT_PURCHASES.sell, { terms: encodeTerms(terms) }),
		);
	}

	// The second pass.

	/** The own module has told the key of terms of that hash. */
	keyed(of: Uint8Array, key: Uint8Array, now: number): void {
		const state = this.#state;
		// A sale that was cancelled needs its key no more.
		if (state.kind !== "keying" || !sameBytes(state.keyed.termsHash, of))
			return;
		const { keyed, length } = state;
		const wanted = this.#wanted;
		if (wanted.kind === "fetched") {
			const { crypto } = this.#parts.options;
			if (!sameBytes(keyHash(crypto, key), wanted.contract.keyHash))
				return this.#refuse(neverSold(), now);
		}
		const sealed = keyed.make(copy(key));
		const contractId = contractIdOf(wanted);
		this.#parts.toBuyer.tell(
			message(BETWEEN_AGENTS.merchandise, { contractId, length }),
			now,
		);
		const pass = this.#ahead({ length, next: 0, asked: 0 });
		this.#state = { kind: "sealing", sealed, pass, held: [], at: 0 };
	}

	#hold(
		state: Extract<State, { kind: "sealing" }>,
		bytes: Uint8Array,
		now: number,
	): void {
		const pass = { ...state.pass, asked: state.pass.asked - 1 };
		this.#state = { ...state, pass, held: [...state.held, bytes] };
		this.seal(now);
	}

	/** Seals and sends as long as there are chunks, and room for them on the way. */
	seal(now: number): void {
		const { toBuyer } = this.#parts;
		const wanted = this.#wanted;
		for (;;) {
			const state = this.#state;
			if (state.kind !== "sealing" || toBuyer.unsent >= SENT_AHEAD_CHUNKS)
				return;
			const { held, at, sealed } = state;
			const [chunk, ...rest] = held;
			if (chunk === undefined) return;
			const { length } = state.pass;
			try {
				const one = sealed.sealing.seal(chunk);
				const isLast = at + 1 === chunkCount(length);
				const root = isLast ? sealed.sealing.finish() : undefined;
				if (root !== undefined && sealed.end.kind === "compare")
					requireRoot(root, sealed.end.contract);
				if (wanted.kind === "taken" || at >= wanted.from)
					toBuyer.tell(message(BETWEEN_AGENTS.chunk, one), now);
				release(chunk);
				releaseAround(one.sealed);
				this.#progress(at, length);
				if (root !== undefined) return this.#sealedAll(state, root);
			} catch (thrown) {
				if (
					thrown instanceof TetradError &&
					thrown.code === "merchandise-changed"
				)
					return this.#refuse(thrown, now);
				throw thrown;
			}
			const pass = this.#ahead(state.pass, rest.length);
			this.#state = { ...state, pass, held: rest, at: at + 1 };
		}
	}

	#progress(at: number, length: bigint): void {
		const end = BigInt(at + 1) * BigInt(CHUNK_BYTES);
		const bytes = end < length ? end : length;
		const { answer } = this;
		this.#parts.steps.emit({ kind: "progress", answer, bytes, length });
	}

	#sealedAll(
		{ sealed }: Extract<State, { kind: "sealing" }>,
		root: Uint8Array,
	): void {
		const { end } = sealed;
		if (end.kind === "compare") {
			this.leave();
			return this.#parts.over();
		}
		const draft = end.draft(root);
		this.leave();
		this.#state = { kind: "signing", draft };
		const { steps, signing } = this.#parts;
		const id = signing.add({ answer: this.answer });
		const content = draft.draft.toSign;
		steps.emit({ kind: "sign", id, content });
	}

	signed(signature: Uint8Array, now: number): void {
		const state = this.#state;
		if (state.kind !== "signing") return;
		const { options, steps, toBuyer, over } = this.#parts;
		const { draft, taken, seller } = state.draft;
		const contract = draft.sign(options.crypto, signature);
		over();
		toBuyer.tell(
			message(BETWEEN_AGENTS.contract, {
				document: contract.document,
				salt: taken.salt,
				issuerChain: seller.issuerChain,
			}),
			now,
		);
		const { description } = taken.offer;
		steps.emit({ kind: "contracted", contract, description });
	}

	/** Lets go of what the state holds open. */
	leave(): void {
		const { steps } = this.#parts;
		const { answer } = this;
		const state = this.#state;
		switch (state.kind) {
			case "sealing":
				state.sealed.sealing.wipe();
				return steps.emit({ kind: "release", answer });
			case "opening":
			case "measuring":
			case "keying":
				return steps.emit({ kind: "release", answer });
			case "finding":
			case "signing":
				return;
			default:
				return unreachable(state);
		}
	}

	#refuse(error: TetradError, now: number): void {
		this.#parts.refuse(error, now);
	}

	#toModule(bytes: Uint8Array): void {
		this.#parts.steps.emit({ kind: "to-module", bytes });
	}
}

/** The length that was offered or sold, where it is known. */
function expectedLength(wanted: Wanted, actual: bigint): bigint {
	return wanted.kind === "taken"
		? (wanted.offer.length ?? actual)
		: wanted.contract.length;
}

function requireRoot(root: Uint8Array, { ciphertextRoot }: Contract): void {
	if (!sameBytes(root, ciphertextRoot)) throw changed();
}

function changed(): TetradError {
	return new TetradError(
		"merchandise-changed",
		"what is sold is not what it was when it was offered",
	);
}

function neverSold(): TetradError {
	return new TetradError(
		"payment-refused",
		"this contract is none of this merchant's: its key is another one",
	);
}
