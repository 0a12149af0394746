/*
 * One purchase at its buyer's agent, from its contract on.
 *
 *   keeping ─kept─▶ asked ─bought─▶ opening ─opened, or wrong─▶ concluding ─concluded─▶ final ─closed─▶ over
 *      │            │ ▲  │           │  ▲                        ▲      │
 *      │            └─┘  │    missing▼  │fetched                 │      └─concluded─▶ over
 *      │    waiting,     │          fetching                     │        (aborted, refunded)
 *      │    in doubt     └──aborted, refunded─────────────────────┘
 *      └─not kept─▶ over
 *
 * What is refunded while its goods are opened, or fetched, is concluded as well. What another tetrad
 * of the same agent has concluded meanwhile is not opened here, and counts as concluded.
 *
 * PROVISIONAL is from `kept` on, and FINAL from `concluded` on: both are durable, and what the
 * module is told follows them. One that is resumed begins in asked, with a cancel that comes to
 * nothing when it was paid, or in final. Nothing is in doubt before asked, and from opening on it
 * needs nobody.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import {
	type ErrorCode,
	isErrorCode,
	TetradError,
	unreachable,
} from "../../errors.ts";
import { message, type SaidRefusal } from "../../money/documents/index.ts";
import { copy, malformed, sameBytes } from "../../wire/index.ts";
import {
	ABOUT_PURCHASES,
	type Buy,
	keyHash,
	type NotBoughtOutcome,
} from "../documents/index.ts";
import type {
	BoughtKey,
	BuyerAnswer,
	BuyerStep,
	BuyingEffect,
	Conclusion,
	GoodsEvent,
} from "./buying-events.ts";
import type { ProvisionalPurchase } from "./contract-check.ts";

/** What a purchase needs of the machine that it is in. */
export interface PurchasePort {
	readonly crypto: CryptoProvider;
	emit(effect: BuyingEffect): void;
	toModule(bytes: Uint8Array): void;
	/** Asks the merchant for the chunks from there on, if it is at the other end; `fetched` or `notFetched` follows. */
	fetchGoods(purchase: Purchase, from: number): boolean;
	/** Asks for no more of them. Answers how much of what the disk was asked is still to be answered. */
	stopFetching(purchase: Purchase): number;
	step(ask: number, step: BuyerStep): void;
	answer(ask: number, answer: BuyerAnswer): void;
	refuse(ask: number, error: TetradError): void;
}

/** What a module said of a purchase that has no key. */
export interface SaidNotBought extends SaidRefusal {
	readonly outcome: NotBoughtOutcome;
	readonly amount: bigint;
	readonly fee?: bigint | undefined;
}

/** What the module is told of a new purchase, beside what the contract says. */
type SaidToModule = Pick<Buy, "money" | "askOwner" | "mostFee">;

type State =
	| {
			readonly kind: "keeping";
			readonly said: SaidToModule;
			readonly gaveUp: boolean;
	  }
	/** The module is to say where it is. */
	| { readonly kind: "asked"; readonly gaveUp: boolean }
	| { readonly kind: "opening"; readonly bought: BoughtKey }
	| { readonly kind: "fetching"; readonly bought: BoughtKey }
	| {
			readonly kind: "concluding";
			readonly conclusion: Conclusion;
			readonly path: string | undefined;
			/** How much of what was asked about its goods before is still to be answered, which matters no more. */
			readonly unanswered: number;
	  }
	| { readonly kind: "final" }
	| { readonly kind: "over" };

/** One purchase. */
export class Purchase {
	/** Under what it is asked for, and everything about its goods goes. */
	readonly ask: number;
	readonly kept: ProvisionalPurchase;
	readonly #port: PurchasePort;
	#state: State;
	/** Whether its module was told all of it once more, because it may have forgotten it. */
	#isRecalled = false;
	/** From which chunk on its goods were fetched again last, if they were. */
	#fetchedFrom: number | undefined;

	private constructor(
		port: PurchasePort,
		ask: number,
		kept: ProvisionalPurchase,
		state: State,
	) {
		this.#port = port;
		this.ask = ask;
		this.kept = kept;
		this.#state = state;
	}

	/** A new one, whose contract is right and all of whose chunks have come: so many. */
	static begin(
		port: PurchasePort,
		{
			ask,
			kept,
			chunks,
			money,
			askOwner,
			mostFee,
		}: SaidToModule & {
			readonly ask: number;
			readonly kept: ProvisionalPurchase;
			readonly chunks: number;
		},
	): Purchase {
		port.emit({ kind: "keep", ask, purchase: kept, count: chunks });
		const said = { money, askOwner, mostFee };
		const state = { kind: "keeping", said, gaveUp: false } as const;
		return new Purchase(port, ask, kept, state);
	}

	/** One that is kept. A contract ends with its tetrad, so that it is paid already or never will be. */
	static resume(
		port: PurchasePort,
		ask: number,
		kept: ProvisionalPurchase,
		isFinal: boolean,
	): Purchase {
		const { hash: contract } = kept.contract;
		if (isFinal) {
			port.toModule(message(ABOUT_PURCHASES.final, { contract }));
			port.answer(ask, {
				kind: "bought",
				contract: kept.contract,
				path: undefined,
			});
			return new Purchase(port, ask, kept, { kind: "final" });
		}
		port.toModule(message(ABOUT_PURCHASES.cancel, { contract }));
		return new Purchase(port, ask, kept, { kind: "asked", gaveUp: false });
	}

	get isOver(): boolean {
		return this.#state.kind === "over";
	}

	/** Whether what is still to be done needs no tetrad. */
	get isLocal(): boolean {
		const { kind } = this.#state;
		return kind === "opening" || kind === "concluding";
	}

	/** Whether more may come of its goods. */
	get needsGoods(): boolean {
		const { kind } = this.#state;
		return kind !== "final" && kind !== "over";
	}

	/** Whoever asked wants it no more. */
	giveUp(error: TetradError): void {
		const state = this.#state;
		switch (state.kind) {
			case "keeping":
				this.#state = { ...state, gaveUp: true };
				return;
			case "asked":
				if (!state.gaveUp) this.#cancel();
				return;
			case "opening":
			case "fetching":
				return this.#port.refuse(this.ask, isPaid(error));
			case "concluding":
				// Of what has come to nothing whoever asked hears as soon as that is kept.
				if (state.conclusion.kind === "final")
					this.#port.refuse(this.ask, isPaid(error));
				return;
			case "final":
			case "over":
				return;
			default:
				return unreachable(state);
		}
	}

	/** The tetrad is over; what needs none goes on. */
	closed(why: TetradError): void {
		const state = this.#state;
		switch (state.kind) {
			case "keeping":
				return this.#end(why);
			case "asked":
				return this.#end(
					new TetradError(
						"payment-in-doubt",
						"the tetrad ended before its module told whether it was paid; the next tetrad tells, and nothing is paid twice",
						{ cause: why },
					),
				);
			case "fetching":
				return this.#end(notWhole(why));
			case "final":
				this.#state = { kind: "over" };
				return;
			case "opening":
			case "concluding":
			case "over":
				return;
			default:
				return unreachable(state);
		}
	}

	// What the module says.

	/** Throws `malformed` for a key that is not the contract's. */
	bought({ key, receipt, receiptChain, fee }: BoughtKey): void {
		const { crypto } = this.#port;
		if (!sameBytes(keyHash(crypto, key), this.kept.contract.keyHash))
			throw malformed("a module told a key that is not its contract's");
		const { kind } = this.#state;
		// The module did not hear that it is final.
		if (kind === "final") return this.#tellFinal();
		if (kind !== "asked") return;
		this.#port.step(this.ask, { kind: "paid" });
		this.#open({
			key: copy(key),
			receipt: copy(receipt),
			receiptChain: copy(receiptChain),
			...(fee === undefined ? {} : { fee }),
		});
	}

	waiting(said: SaidRefusal): void {
		if (this.#state.kind !== "asked") return;
		const error = saidError(said, "approval-needed");
		this.#port.step(this.ask, { kind: "waiting", error });
	}

	notBought({ outcome, amount, fee, code, reason }: SaidNotBought): void {
		const state = this.#state;
		const { kind } = state;
		if (kind === "keeping" || kind === "concluding" || kind === "over") return;
		switch (outcome) {
			case "refunded":
				return this.#conclude({
					kind: "refunded",
					credited: amount,
					...(fee === undefined ? {} : { fee }),
					code,
					reason,
				});
			case "aborted":
				// With a key in hand it was paid, whatever a module that was put back knows of it.
				if (kind === "asked") this.#conclude({ kind: "aborted", code, reason });
				return;
			case "in-doubt": {
				if (kind !== "asked") return;
				if (code === "purse-behind" && !this.#isRecalled) return this.#recall();
				const error = new TetradError("payment-in-doubt", reason);
				if (state.gaveUp) this.#port.refuse(this.ask, error);
				else this.#port.step(this.ask, { kind: "in-doubt", error });
				return;
			}
			default:
				return unreachable(outcome);
		}
	}

	closedByModule(): void {
		if (this.#state.kind === "final") this.#state = { kind: "over" };
	}

	// What becomes of its goods.

	fetched(): void {
		if (this.#state.kind === "fetching") this.#open(this.#state.bought);
	}

	notFetched(error: TetradError): void {
		if (this.#state.kind === "fetching") this.#end(notWhole(error));
	}

	/** Throws `internal` for what was not asked for. */
	happened(event: GoodsEvent): void {
		const state = this.#state;
		if (event.kind === "not-done") return this.#notDone(event.error);
		switch (state.kind) {
			case "keeping":
				if (event.kind !== "kept") break;
				return this.#kept(state);
			case "opening":
				if (event.kind === "goods-opened")
					return this.#final(state.bought, undefined, event.path);
				if (event.kind === "goods-wrong")
					return this.#final(state.bought, event.evidence, undefined);
				if (event.kind === "over-elsewhere")
					return this.#concluded(event.conclusion, event.path);
				if (event.kind !== "goods-missing") break;
				return this.#missing(state.bought, event.from);
			case "concluding":
				if (state.unanswered > 0) return this.#answered(state);
				if (event.kind !== "concluded") break;
				return this.#concluded(state.conclusion, state.path);
			case "over":
				return;
			case "asked":
			case "fetching":
			case "final":
				break;
			default:
				return unreachable(state);
		}
		throw new TetradError(
			"internal",
			`${event.kind} came that was not asked for`,
		);
	}

	#kept({ said, gaveUp }: Extract<State, { kind: "keeping" }>): void {
		const { contract, salt, description, issuerChain } = this.kept;
		this.#state = { kind: "asked", gaveUp };
		if (gaveUp) return this.#cancel();
		this.#port.step(this.ask, { kind: "provisional", contract });
		const { document } = contract;
		this.#port.toModule(
			message(ABOUT_PURCHASES.buy, {
				document,
				salt,
				description,
				issuerChain,
				...said,
			}),
		);
	}

	#open(bought: BoughtKey): void {
		const { contract, chain, exporter } = this.kept;
		this.#state = { kind: "opening", bought };
		const goods = { contract, chain, exporter, key: bought.key };
		this.#port.emit({ kind: "open-goods", ask: this.ask, goods });
	}

	/** What is still missing when it was fetched is fetched from the beginning, once. */
	#missing(bought: BoughtKey, missingFrom: number): void {
		this.#state = { kind: "fetching", bought };
		if (this.#fetchedFrom === 0)
			return this.#end(missingFrom === 0 ? changed() : notWhole(undefined));
		const from = this.#fetchedFrom === undefined ? missingFrom : 0;
		this.#fetchedFrom = from;
		if (!this.#port.fetchGoods(this, from))
			return this.#end(notWhole(undefined));
		this.#port.step(this.ask, { kind: "fetching", from });
	}

	#final(
		bought: BoughtKey,
		evidence: Uint8Array | undefined,
		path: string | undefined,
	): void {
		this.#conclude({ kind: "final", ...bought, evidence }, path);
	}

	#conclude(conclusion: Conclusion, path?: string): void {
		const unanswered = conclusion.kind === "refunded" ? this.#stop() : 0;
		this.#state = { kind: "concluding", conclusion, path, unanswered };
		const { hash: contract } = this.kept.contract;
		this.#port.emit({
			kind: "conclude",
			ask: this.ask,
			contract,
			conclusion,
			path,
		});
	}

	#concluded(conclusion: Conclusion, path: string | undefined): void {
		const { ask, kept } = this;
		this.#port.emit({ kind: "drop-goods", ask });
		switch (conclusion.kind) {
			case "final": {
				this.#state = { kind: "final" };
				this.#tellFinal();
				const { contract } = kept;
				const { key, receipt, receiptChain, evidence } = conclusion;
				if (evidence !== undefined) return this.#port.refuse(ask, wrongGoods());
				const bought = { key, receipt, receiptChain };
				return this.#port.answer(ask, {
					kind: "bought",
					contract,
					path,
					...bought,
				});
			}
			case "aborted":
				return this.#end(saidError(conclusion, "payment-refused"));
			case "refunded":
				return this.#end(saidError(conclusion, "purchase-void"));
			default:
				return unreachable(conclusion);
		}
	}

	#notDone(error: TetradError): void {
		const state = this.#state;
		switch (state.kind) {
			case "keeping":
				// Before its module was asked nothing can have been paid.
				this.#port.emit({ kind: "drop-goods", ask: this.ask });
				return this.#end(error);
			case "opening":
				return this.#end(notKept(error));
			case "concluding":
				if (state.unanswered > 0) return this.#answered(state);
				return this.#end(
					state.conclusion.kind === "final" ? notKept(error) : error,
				);
			case "asked":
			case "fetching":
			case "final":
			case "over":
				return;
			default:
				return unreachable(state);
		}
	}

	/** What was asked first is answered first. */
	#answered(state: Extract<State, { readonly kind: "concluding" }>): void {
		this.#state = { ...state, unanswered: state.unanswered - 1 };
	}

	/** Its goods are wanted no more. Answers how much of what was asked about them is still to be answered. */
	#stop(): number {
		switch (this.#state.kind) {
			case "opening":
				return 1;
			case "fetching":
				return this.#port.stopFetching(this);
			case "keeping":
			case "asked":
			case "concluding":
			case "final":
			case "over":
				return 0;
			default:
				return unreachable(this.#state);
		}
	}

	#tellFinal(): void {
		const { hash: contract } = this.kept.contract;
		this.#port.toModule(message(ABOUT_PURCHASES.final, { contract }));
	}

	/** A module that was put back may have paid for it before, and has not got the contract. */
	#recall(): void {
		this.#isRecalled = true;
		const { contract, chain, salt, description, exporter } = this.kept;
		const { document } = contract;
		this.#port.toModule(
			message(ABOUT_PURCHASES.recall, {
				...{ document, salt, description, exporter },
				sellerChain: chain,
			}),
		);
	}

	#cancel(): void {
		this.#state = { kind: "asked", gaveUp: true };
		const { hash: contract } = this.kept.contract;
		this.#port.toModule(message(ABOUT_PURCHASES.cancel, { contract }));
	}

	/** It is over here; what is kept of it goes on with the next tetrad. */
	#end(error: TetradError): void {
		this.#state = { kind: "over" };
		this.#port.refuse(this.ask, error);
	}
}

/** What somebody said of why not; a code that is not ours becomes `unknown`. */
export function saidError(
	{ code, reason }: SaidRefusal,
	unknown: ErrorCode,
): TetradError {
	return new TetradError(
		isErrorCode(code) ? code : unknown,
		reason === "" ? "the module gave no reason" : reason,
	);
}

function isPaid(cause: TetradError): TetradError {
	return new TetradError(
		"aborted",
		"it is paid already; nobody waits for the goods any more, and they come all the same",
		{ cause },
	);
}

function wrongGoods(): TetradError {
	return new TetradError(
		"merchandise-wrong",
		"it is paid, and the merchant's agent signed for goods that do not open; the evidence is kept",
	);
}

/** Whoever reads only that a file could not be written would take it that nothing was paid. */
function notKept(cause: TetradError): TetradError {
	return new TetradError(
		cause.code,
		`it is paid, and the goods could not be kept, which is tried again in the next tetrad: ${cause.message}`,
		{ cause },
	);
}

function changed(): TetradError {
	return new TetradError(
		"merchandise-changed",
		"it is paid, and what the merchant sends now is not what its contract says",
	);
}

function notWhole(cause: TetradError | undefined): TetradError {
	return new TetradError(
		"truncated",
		"it is paid, and not all of the goods are here; they are fetched when the merchant is met again",
		{ cause },
	);
}
