/*
 * A mint of Cashu for tests and for play money: NUT-00 to 12, 14, 19 and 23, and nothing behind it.
 * An invoice is paid because somebody says so, or because somebody asked; nothing that is melted
 * reaches anybody.
 *
 * Requests in, answers out: no clock, no socket, no randomness beside the seed. Whoever runs it
 * makes what `takeChanges` hands out durable before an answer leaves.
 */
import { JSONInt } from "@cashu/cashu-ts";
import { TetradError } from "../errors.ts";
import { hex, utf8 } from "../wire/index.ts";
import { CACHED, infoOf } from "./info.ts";
import { activeKeys, keysets, keysOf } from "./key-answers.ts";
import { MeltQuotes } from "./melt-quotes.ts";
import { MintQuotes } from "./mint-quotes.ts";
import { CASHU_PRIMITIVES, type MintPrimitives } from "./primitives.ts";
import { Refusal } from "./refusal.ts";
import type { Leniency } from "./spending.ts";
import { type MintChange, MintState } from "./state.ts";
import { checkStates, restore, swap } from "./swap.ts";
import { Vault } from "./vault.ts";

/** A request of HTTP, without what HTTP is. */
export interface MintRequest {
	readonly method: string;
	/** Without a query. */
	readonly path: string;
	readonly body: Uint8Array;
}

export interface MintAnswer {
	readonly status: number;
	/** JSON. */
	readonly body: Uint8Array;
}

export interface PlayMintOptions {
	/** Units of three to eight small letters; `sat` unless given. */
	readonly units?: readonly string[];
	/** Thousandths of a unit for each proof that is spent; for keysets that are made from now on. */
	readonly inputFeePpk?: number;
	/** Whether an invoice is paid once somebody asks about its quote, as unless given, or by `pay`. */
	readonly payment?: "when-asked" | "by-hand";
	/** Whether a melt is paid at once, as unless given, or is pending until `settleMelt`. */
	readonly melting?: "at-once" | "by-hand";
	/** For how long the same request gets the same answer (NUT-19); 600 unless given. */
	readonly answersKeptSeconds?: number;
	/** What it computes with; the library's, unless given. */
	readonly primitives?: MintPrimitives;
}

export class PlayMint {
	readonly #vault: Vault;
	readonly #mintQuotes: MintQuotes;
	readonly #meltQuotes: MeltQuotes;
	readonly #units: readonly string[];
	readonly #inputFeePpk: number;
	readonly #answersKept: number;

	private constructor(state: MintState, options: PlayMintOptions) {
		const { units = ["sat"], payment = "when-asked" } = options;
		if (!units.every((unit) => /^[a-z]{3,8}$/.test(unit)))
			throw new TetradError(
				"invalid-argument",
				"a unit of a play mint has three to eight small letters",
			);
		this.#vault = new Vault(state, options.primitives ?? CASHU_PRIMITIVES);
		this.#mintQuotes = new MintQuotes(this.#vault, payment);
		this.#meltQuotes = new MeltQuotes(
			this.#vault,
			this.#mintQuotes,
			options.melting ?? "at-once",
		);
		this.#units = units;
		this.#inputFeePpk = options.inputFeePpk ?? 0;
		this.#answersKept = options.answersKeptSeconds ?? 600;
		for (const unit of units)
			if (this.#vault.active(unit) === undefined) this.rotate(unit);
	}

	/** A new mint. All its keys and ids follow from `seed`, 32 bytes. */
	static create(seed: Uint8Array, options: PlayMintOptions = {}): PlayMint {
		const state = new MintState();
		state.put("mint", "mint", { seed: hex(seed), quotes: 0 });
		return new PlayMint(state, options);
	}

	/** One that goes on where another was whose changes were kept. Throws `store-failed`. */
	static of(
		changes: Iterable<MintChange>,
		options: PlayMintOptions = {},
	): PlayMint {
		return new PlayMint(MintState.of(changes), options);
	}

	/** The same from what `exportState` made. Throws `store-failed`. */
	static importState(
		bytes: Uint8Array,
		options: PlayMintOptions = {},
	): PlayMint {
		return new PlayMint(MintState.imported(bytes), options);
	}

	/** All of it, seed included. */
	exportState(): Uint8Array {
		return this.#vault.state.exported();
	}

	/** What became otherwise since the last time, in order. */
	takeChanges(): readonly MintChange[] {
		return this.#vault.state.takeChanges();
	}

	/** Never throws for what is in a request. `now` is in milliseconds since the epoch. */
	handle(
		request: MintRequest,
		now: number,
		leniency: Leniency = {},
	): MintAnswer {
		const seconds = Math.floor(now / 1000);
		const key = this.#keyOf(request);
		const kept = key && this.#kept(key, seconds);
		if (kept !== undefined && !leniency.answersAnew)
			return { status: 200, body: utf8(kept) };
		try {
			const answer = this.#route(request, seconds, leniency);
			if (answer === undefined)
				return { status: 404, body: utf8('{"detail":"no such path"}') };
			const body = JSONInt.stringify(answer) ?? "";
			const isOver = !("state" in answer) || answer.state === "PAID";
			if (key !== undefined && isOver)
				this.#vault.state.put("answers", key, { body, at: seconds });
			return { status: 200, body: utf8(body) };
		} catch (thrown) {
			if (!(thrown instanceof Refusal)) throw thrown;
			const { code, message: detail } = thrown;
			return { status: 400, body: utf8(JSON.stringify({ detail, code })) };
		}
	}

	/** From now on outputs are signed with new keys only. Answers the id of their keyset. */
	rotate(unit: string, inputFeePpk: number = this.#inputFeePpk): string {
		return this.#vault.rotate(unit, inputFeePpk);
	}

	/** Rotates all units. */
	rotateAll(): void {
		for (const unit of this.#units) this.rotate(unit);
	}

	/** The invoice of a quote is paid. Throws `invalid-argument` when there is no such quote. */
	pay(quote: string): void {
		forOwner(() => this.#mintQuotes.pay(quote));
	}

	/** Ends a melt that is pending: paid, or not. Throws `invalid-argument` when none is. */
	settleMelt(quote: string, isPaid: boolean): void {
		forOwner(() => this.#meltQuotes.settle(quote, isPaid));
	}

	/** Y of a secret, by which its proof is known. */
	pointOf(secret: string): string {
		return this.#vault.primitives.pointOf(secret);
	}

	/** Unspent proofs are pending from now on, by their points. */
	hold(Ys: readonly string[]): void {
		for (const Y of Ys)
			if (this.#vault.state.get("proofs", Y) === undefined)
				this.#vault.setProofs([{ Y }], "PENDING");
	}

	/** Ends what `hold` began: whatever is pending and pays for nothing is unspent. */
	release(): void {
		const { state } = this.#vault;
		const paying = new Set(
			[...state.entries("meltQuotes")].flatMap(
				([, quote]) => quote.paying?.proofs.map(({ Y }) => Y) ?? [],
			),
		);
		for (const [Y, proof] of state.entries("proofs"))
			if (proof.state === "PENDING" && !paying.has(Y))
				state.remove("proofs", Y);
	}

	/** What no mint may do: other keys under the same ids; `false` puts the right ones back. */
	swapKeys(areSwapped: boolean): void {
		this.#vault.swapKeys(areSwapped);
	}

	#route(
		{ method, path, body }: MintRequest,
		now: number,
		leniency: Leniency,
	): object | undefined {
		const [, mintQuote] = /^\/v1\/mint\/quote\/bolt11\/(\w+)$/.exec(path) ?? [];
		const [, meltQuote] = /^\/v1\/melt\/quote\/bolt11\/(\w+)$/.exec(path) ?? [];
		const [, keyset] = /^\/v1\/keys\/(\w+)$/.exec(path) ?? [];
		if (method === "GET") {
			if (mintQuote !== undefined)
				return this.#mintQuotes.check(mintQuote, now);
			if (meltQuote !== undefined) return this.#meltQuotes.check(meltQuote);
			if (keyset !== undefined) return keysOf(this.#vault, keyset);
		}
		switch (`${method} ${path}`) {
			case "GET /v1/info":
				return infoOf(this.#units, this.#answersKept, now);
			case "GET /v1/keys":
				return activeKeys(this.#vault);
			case "GET /v1/keysets":
				return keysets(this.#vault);
			case "POST /v1/mint/quote/bolt11":
				return this.#mintQuotes.create(body, now);
			case "POST /v1/mint/bolt11":
				return this.#mintQuotes.issue(body, now);
			case "POST /v1/melt/quote/bolt11":
				return this.#meltQuotes.create(body, now);
			case "POST /v1/melt/bolt11":
				return this.#meltQuotes.melt(body, now, leniency);
			case "POST /v1/swap":
				return swap(this.#vault, body, now, leniency);
			case "POST /v1/checkstate":
				return checkStates(this.#vault, body);
			case "POST /v1/restore":
				return restore(this.#vault, body);
			default:
				return undefined;
		}
	}

	/** Under which an answer is kept; `undefined` where none is. */
	#keyOf({ method, path, body }: MintRequest): string | undefined {
		if (method !== "POST" || !CACHED.includes(path)) return undefined;
		return hex(this.#vault.primitives.hash(`${path} ${hex(body)}`));
	}

	/** NUT-19: the answer to a request that was answered before; forgets those that are too old. */
	#kept(key: string, now: number): string | undefined {
		const { state } = this.#vault;
		for (const [old, { at }] of state.entries("answers")) {
			if (now >= at + this.#answersKept) state.remove("answers", old);
		}
		return state.get("answers", key)?.body;
	}
}

/** What is a refusal to a client is a mistake of whoever runs the mint. */
function forOwner(work: () => void): void {
	try {
		work();
	} catch (thrown) {
		if (!(thrown instanceof Refusal)) throw thrown;
		throw new TetradError("invalid-argument", thrown.message);
	}
}
