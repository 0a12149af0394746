/*
 * The buyer's module, x: what an agent of its owner's buys.
 *
 *   buy ─contract, issuer, devices right─▶ paying ─COMMIT─▶ LOCKED ─key─▶ KEYED ─final─▶ CLOSED
 *    │                                     │  ▲ │            │ │           │
 *    │                                     │  │ │            │ └───void────┴──▶ REFUNDED
 *    │                      the owner has  │  │ │            └─its ranges were spent before─▶ DECLINED
 *    │                      to approve     ▼  │ │ approved
 *    │                                  waiting │
 *    │                                     │    │ refused by the payee or the purse, cancelled, too late, denied,
 *    │                                     ▼    ▼ or the tetrad is over
 *    └─wrong─▶ (refused)                 cancelling ─▶ ABORTED
 *                                           ▲
 *   recall ─unknown─▶ recalling ─never paid─┘
 *                       └─paid before the purse was put back─▶ LOCKED
 *
 * What stands in capitals is durable. The payment has it, and a row in `purchases` that is written
 * in the transaction of COMMIT: nothing else is written before the money is given away. Nothing is
 * in doubt before COMMIT, and after it nobody can cancel; the purse delivers and resolves by itself
 * until there is a key or the money is back. A contract is paid only in the tetrad in which it was
 * made. What is in memory here is only who waits to hear: a module that starts again learns the
 * rest from its rows, when an agent asks or something happens.
 */
import { asTetradError, type TetradError, unreachable } from "../../errors.ts";
import { type Kind, put, type Write } from "../../machine/index.ts";
import {
	type Meeting,
	messages,
	type SaleEvent,
	type SalePayment,
	type SaleRail,
	saleTables,
} from "../../money/index.ts";
import { copy, hex, sameBytes } from "../../wire/index.ts";
import {
	ABOUT_PURCHASES,
	parseContract,
	parsePurchaseTerms,
} from "../documents/index.ts";
import {
	expired,
	type JudgedPurchase,
	judgePurchase,
	type RecalledPurchase,
	recalledPurchase,
} from "./buyer-checks.ts";
import { MAX_OPEN_PURCHASES } from "./limits.ts";
import {
	closePurchase,
	type FoundPurchase,
	type FoundPurchases,
	findPurchase,
	findPurchases,
} from "./purchase-rows.ts";
import { type EndEvent, TellingAgents } from "./telling-agents.ts";
import {
	cancelled,
	denied,
	noKey,
	recalling,
	resolving,
	spentBefore,
	tetradOver,
	tooMany,
	unknown,
} from "./why-not-bought.ts";

const { body } = messages;

/** A purchase that may be paid, and the tetrad in which. */
interface Payable {
	readonly tetrad: number;
	readonly payment: SalePayment;
	readonly until: number;
	readonly also: readonly Write[];
}

type PurchaseState =
	/** Whether it is known, and how far it is. What is not known is looked for where it may have been paid, if it was `recalled`. */
	| {
			readonly kind: "looking-up";
			readonly recalled: RecalledPurchase | undefined;
	  }
	/** It is not known here, and whoever makes the money is asked whether it was paid. */
	| { readonly kind: "recalling"; readonly payment: SalePayment }
	| ({ readonly kind: "paying" } & Payable)
	| ({ readonly kind: "waiting"; readonly why: TetradError } & Payable)
	/** `why` is for whoever asked for it. It may be too late, and `payment` is what it is then. */
	| {
			readonly kind: "cancelling";
			readonly why: TetradError;
			readonly payment: SalePayment | undefined;
	  }
	| { readonly kind: "locked"; readonly payment: SalePayment };

/** A purchase that somebody waits for. */
interface Purchase {
	readonly contract: Uint8Array;
	/** Tetrads whose agent wants to hear of it. */
	readonly askers: Set<number>;
	state: PurchaseState;
}

/** What a purchase's transaction is for; `what` says what follows. */
export type BuyerJob =
	| {
			readonly kind: "finding-purchase";
			readonly contract: Uint8Array;
			/** Nobody has to have asked: it is told to the agent that wanted it, and reported. */
			readonly isNews: boolean;
			/** The key that has just come, which may not be in the rows yet. */
			readonly keyed: KeyedEvent | undefined;
	  }
	| {
			readonly kind: "finding-purchases";
			readonly tetrad: number;
			readonly after: Uint8Array | undefined;
	  }
	| {
			readonly kind: "closing-purchase";
			readonly tetrad: number;
			readonly contract: Uint8Array;
	  };

type JobOf<Of extends BuyerJob["kind"]> = Extract<
	BuyerJob,
	{ readonly kind: Of }
>;

/** What happens to a sale at its payer. */
type BuyerEvent = Exclude<
	SaleEvent,
	{ readonly kind: "sold" | "booked" | "refused" }
>;

type KeyedEvent = Extract<BuyerEvent, { readonly kind: "keyed" }>;

const LOOKING_UP: PurchaseState = { kind: "looking-up", recalled: undefined };

export class BuyerModule {
	readonly #rail: SaleRail;
	readonly #agents: TellingAgents;
	/** By contract, in hexadecimal. */
	readonly #purchases = new Map<string, Purchase>();

	constructor(rail: SaleRail) {
		this.#rail = rail;
		this.#agents = new TellingAgents(rail);
	}

	// What the own agent says. Throws for what is no such message.

	buy(meeting: Meeting, bytes: Uint8Array): void {
		const asked = body(ABOUT_PURCHASES.buy, bytes);
		const { tetrad, binding } = meeting;
		const contract = parseContract(this.#rail.context.crypto, asked.document);
		const { hash } = contract;
		const known = this.#purchases.get(hex(hash));
		if (known !== undefined) return this.#join(known, meeting);
		// It can have been paid only there; if it was not, it never will be.
		if (!sameBytes(contract.binding, binding)) return this.#ask(hash, meeting);
		const purchase = this.#begin(hash, meeting, LOOKING_UP);
		if (purchase === undefined) return;
		let judged: JudgedPurchase;
		try {
			judged = judgePurchase(this.#rail, meeting, contract, asked);
		} catch (thrown) {
			const error = asTetradError(thrown);
			if (error.code !== "offer-expired") this.#report("refused", hash, error);
			return this.#cancel(purchase, error, true);
		}
		const { payment, until, row } = judged;
		const also = [put(saleTables.PURCHASES, row)];
		purchase.state = { kind: "paying", tetrad, payment, until, also };
		this.#rail.pay(tetrad, payment, also);
	}

	cancel(meeting: Meeting, bytes: Uint8Array): void {
		const { contract } = body(ABOUT_PURCHASES.cancel, bytes);
		const known = this.#purchases.get(hex(contract));
		if (known === undefined) {
			const added = this.#begin(contract, meeting, LOOKING_UP);
			if (added !== undefined) this.#cancel(added, cancelled());
			return;
		}
		known.askers.add(meeting.tetrad);
		if (known.state.kind === "paying" || known.state.kind === "waiting")
			this.#cancel(known, cancelled());
		else this.#sayWhere(known, meeting.tetrad);
	}

	/** The agent has a purchase that the purse may have forgotten. */
	recall(meeting: Meeting, bytes: Uint8Array): void {
		const said = body(ABOUT_PURCHASES.recall, bytes);
		const { crypto } = this.#rail.context;
		// It is kept for as long as a mint takes to answer.
		const contract = parseContract(crypto, copy(said.document));
		const known = this.#purchases.get(hex(contract.hash));
		if (known !== undefined) return this.#join(known, meeting);
		const recalled = recalledPurchase(this.#rail, meeting, contract, said);
		const state = { kind: "looking-up", recalled } as const;
		const added = this.#begin(contract.hash, meeting, state);
		if (added !== undefined) this.#lookUp(added);
	}

	resolve(meeting: Meeting, bytes: Uint8Array): void {
		const { contract } = body(ABOUT_PURCHASES.resolve, bytes);
		const known = this.#purchases.get(hex(contract));
		if (known === undefined) this.#ask(contract, meeting);
		else this.#join(known, meeting);
	}

	final({ tetrad }: Meeting, bytes: Uint8Array): void {
		const contract = copy(body(ABOUT_PURCHASES.final, bytes).contract);
		this.#transact(
			{ kind: "closing-purchase", tetrad, contract },
			closePurchase(this.#rail, contract),
		);
	}

	purchases({ tetrad }: Meeting, bytes: Uint8Array): void {
		const { after } = body(ABOUT_PURCHASES.purchases, bytes);
		const from = after && copy(after);
		this.#transact(
			{ kind: "finding-purchases", tetrad, after: from },
			findPurchases(this.#rail, from),
		);
	}

	// What happens to tetrads, and time.

	closed(tetrad: number): void {
		for (const purchase of [...this.#purchases.values()]) {
			const { askers, state } = purchase;
			askers.delete(tetrad);
			if (
				(state.kind === "paying" || state.kind === "waiting") &&
				state.tetrad === tetrad
			)
				this.#cancel(purchase, tetradOver());
			else if (askers.size === 0 && state.kind === "locked")
				this.#drop(purchase);
		}
	}

	/** When `time` shall be called, of each that waits for the owner. */
	*deadlines(): Generator<number> {
		for (const { state } of this.#purchases.values())
			if (state.kind === "waiting") yield state.until;
	}

	time(): void {
		for (const purchase of [...this.#purchases.values()]) {
			const { state } = purchase;
			if (state.kind === "waiting" && state.until <= this.#rail.now)
				this.#cancel(purchase, expired());
		}
	}

	// What becomes of a payment.

	happened(event: BuyerEvent): void {
		const { contract } = event;
		const purchase = this.#purchases.get(hex(contract));
		switch (event.kind) {
			case "committed":
				if (purchase !== undefined) this.#committed(purchase);
				return;
			case "keyed":
				return purchase === undefined
					? this.#findNews(contract, event)
					: this.#keyed(purchase, event);
			case "receipt-without-key":
				// Whoever waits is told that it is in doubt, which follows.
				return this.#report("no-key", contract, noKey());
			case "in-doubt":
				return this.#doubt(purchase, event.error);
			case "not-cancelled":
				if (purchase !== undefined) this.#drop(purchase);
				return this.#doubt(purchase, event.error);
			case "not-paid":
				if (purchase !== undefined) this.#notPaid(purchase, event.error);
				return;
			case "refunded":
			case "declined":
				return purchase === undefined
					? this.#findNews(contract)
					: this.#ended(purchase, event);
			case "aborted":
				if (purchase !== undefined) this.#aborted(purchase);
				return;
			case "never-paid":
				if (purchase?.state.kind === "recalling")
					this.#cancel(purchase, unknown(), true);
				return;
			case "too-late":
				if (purchase !== undefined) this.#tooLate(purchase);
				return;
			case "approved":
			case "denied":
				if (purchase !== undefined) this.#decided(purchase, event.kind);
				return;
			default:
				return unreachable(event);
		}
	}

	#committed(purchase: Purchase): void {
		const { state } = purchase;
		if (state.kind !== "recalling") {
			// It may have been cancelled too late.
			if (state.kind !== "paying" && state.kind !== "cancelling") return;
		}
		const { payment } = state;
		if (payment !== undefined) purchase.state = { kind: "locked", payment };
	}

	#keyed(purchase: Purchase, event: KeyedEvent): void {
		const { contract, state, askers } = purchase;
		this.#drop(purchase);
		this.#agents.bought(askers, event);
		// What was asked for again was reported when it came.
		if (state.kind === "locked") this.#report("bought", contract);
	}

	#doubt(purchase: Purchase | undefined, error: TetradError): void {
		if (purchase === undefined) return;
		const { contract, askers, state } = purchase;
		const amount = state.kind === "locked" ? state.payment.amount : 0n;
		for (const asker of askers)
			this.#agents.notBought(asker, contract, "in-doubt", amount, error);
	}

	/** The purse did not commit it. One that its owner has to approve waits; any other is over. */
	#notPaid(purchase: Purchase, error: TetradError): void {
		const { state, contract, askers } = purchase;
		if (state.kind !== "paying") return;
		if (error.code !== "approval-needed") return this.#cancel(purchase, error);
		purchase.state = { ...state, kind: "waiting", why: error };
		for (const asker of askers) this.#agents.waiting(asker, contract, error);
	}

	#decided(purchase: Purchase, kind: "approved" | "denied"): void {
		const { state } = purchase;
		if (state.kind !== "waiting") return;
		if (kind === "denied") return this.#cancel(purchase, denied());
		if (state.until <= this.#rail.now) return this.#cancel(purchase, expired());
		const { tetrad, payment, until, also } = state;
		purchase.state = { kind: "paying", tetrad, payment, until, also };
		this.#rail.pay(tetrad, payment, also);
	}

	#ended(purchase: Purchase, event: EndEvent): void {
		const { contract, askers } = purchase;
		this.#drop(purchase);
		for (const asker of askers) this.#agents.ends(asker, event);
		const error = event.kind === "refunded" ? undefined : event.error;
		this.#report(event.kind, contract, error);
	}

	/** That it will not be paid is durable. */
	#aborted(purchase: Purchase): void {
		const { contract, state, askers } = purchase;
		this.#drop(purchase);
		const why = state.kind === "cancelling" ? state.why : cancelled();
		for (const asker of askers)
			this.#agents.notBought(asker, contract, "aborted", 0n, why);
	}

	/** Whoever wanted to cancel it hears where it is. */
	#tooLate(purchase: Purchase): void {
		const { state, askers } = purchase;
		if (state.kind === "cancelling") return this.#find(purchase);
		for (const asker of askers) this.#sayWhere(purchase, asker);
	}

	/** What was judged, or was to be paid, is of an open tetrad, and cannot have been paid before. */
	#cancel(purchase: Purchase, why: TetradError, isJudged = false): void {
		const { state, contract } = purchase;
		if (state.kind === "cancelling") return;
		const payment = "payment" in state ? state.payment : undefined;
		purchase.state = { kind: "cancelling", why, payment };
		this.#rail.cancel(contract, isJudged || payment !== undefined);
	}

	// Where a purchase is.

	/** An agent asks for what is known. What is in doubt is delivered once more, if it can be. */
	#join(purchase: Purchase, meeting: Meeting): void {
		const { state, askers } = purchase;
		const { tetrad } = meeting;
		askers.add(tetrad);
		this.#sayWhere(purchase, tetrad);
		if (state.kind === "locked" && this.#isBetween(state.payment, meeting))
			this.#rail.pay(tetrad, state.payment, []);
	}

	/** Whether these are the four devices of a contract. */
	#isBetween(
		{ terms, payee }: SalePayment,
		{ peer, agents }: Meeting,
	): boolean {
		if (!sameBytes(payee, peer.deviceId)) return false;
		const { crypto } = this.#rail.context;
		const document = parsePurchaseTerms(terms).contract;
		const { buyerAgent, sellerAgent } = parseContract(crypto, document);
		return (
			sameBytes(buyerAgent, agents.own.deviceId) &&
			sameBytes(sellerAgent, agents.other.deviceId)
		);
	}

	/** Those that are under way are told of when there is something to say. */
	#sayWhere({ contract, state }: Purchase, tetrad: number): void {
		switch (state.kind) {
			case "looking-up":
			case "paying":
			case "cancelling":
				return;
			case "waiting":
				return this.#agents.waiting(tetrad, contract, state.why);
			case "recalling":
				return this.#agents.notBought(
					tetrad,
					contract,
					"in-doubt",
					0n,
					recalling(),
				);
			case "locked":
				return this.#agents.notBought(
					tetrad,
					contract,
					"in-doubt",
					state.payment.amount,
					resolving(),
				);
			default:
				return unreachable(state);
		}
	}

	/** An agent asks for what is not in memory. */
	#ask(contract: Uint8Array, meeting: Meeting): void {
		const added = this.#begin(contract, meeting, LOOKING_UP);
		if (added !== undefined) this.#find(added);
	}

	#begin(
		contract: Uint8Array,
		{ tetrad }: Meeting,
		state: PurchaseState,
	): Purchase | undefined {
		if (this.#purchases.size < MAX_OPEN_PURCHASES)
			return this.#add(copy(contract), tetrad, state);
		this.#agents.notBought(tetrad, contract, "in-doubt", 0n, tooMany());
		return undefined;
	}

	#find(purchase: Purchase): void {
		purchase.state = LOOKING_UP;
		this.#lookUp(purchase);
	}

	#lookUp({ contract }: Purchase): void {
		this.#transact(
			{ kind: "finding-purchase", contract, isNews: false, keyed: undefined },
			findPurchase(this.#rail, contract),
		);
	}

	/** Something has become of a purchase for which nobody in memory waits. */
	#findNews(contract: Uint8Array, keyed?: KeyedEvent): void {
		this.#transact(
			{ kind: "finding-purchase", contract, isNews: true, keyed },
			findPurchase(this.#rail, contract),
		);
	}

	#found(
		{ contract, isNews, keyed }: JobOf<"finding-purchase">,
		found: FoundPurchase | undefined,
	): void {
		const purchase = this.#purchases.get(hex(contract));
		if (isNews) {
			if (found !== undefined) this.#tellNews(withKey(found, keyed), purchase);
			return;
		}
		if (purchase?.state.kind !== "looking-up") return;
		if (found === undefined) return this.#notFound(purchase, purchase.state);
		for (const asker of purchase.askers) this.#agents.found(asker, found);
		if (found.step === "locked" && purchase.askers.size > 0)
			purchase.state = { kind: "locked", payment: found.sale.payment };
		else this.#drop(purchase);
	}

	/** It is told that it was not paid once it is sure that it never will be. */
	#notFound(
		purchase: Purchase,
		{ recalled }: Extract<PurchaseState, { readonly kind: "looking-up" }>,
	): void {
		if (recalled === undefined) return this.#cancel(purchase, unknown());
		const { payment, four, row } = recalled;
		purchase.state = { kind: "recalling", payment };
		for (const asker of purchase.askers) this.#sayWhere(purchase, asker);
		this.#rail.recall(payment, four, [put(saleTables.PURCHASES, row)]);
	}

	#tellNews(found: FoundPurchase, purchase: Purchase | undefined): void {
		const { row, step } = found;
		if (step === "locked") return;
		const tetrads = new Set(purchase?.askers);
		for (const [tetrad, { agents }] of this.#rail.meetings)
			if (sameBytes(agents.own.deviceId, row.agent)) tetrads.add(tetrad);
		for (const tetrad of tetrads) this.#agents.found(tetrad, found);
		if (purchase !== undefined) this.#drop(purchase);
		const what = step === "keyed" || step === "closed" ? "bought" : step;
		const error =
			step === "declined" ? (found.sale.why ?? spentBefore()) : undefined;
		this.#report(what, row.contract, error);
	}

	// Work.

	written(job: BuyerJob, result: unknown): void {
		switch (job.kind) {
			case "finding-purchase":
				return this.#found(job, result as FoundPurchase | undefined);
			case "finding-purchases":
				return this.#foundMany(job, result as FoundPurchases);
			case "closing-purchase":
				return this.#closed(job, result as FoundPurchase | undefined);
			default:
				return unreachable(job);
		}
	}

	/** Who asked hears nothing and asks again, but for a purchase of which it is not known where it is. */
	notWritten(job: BuyerJob, error: TetradError): void {
		const contract = "contract" in job ? job.contract : new Uint8Array();
		this.#report("trouble", contract, error);
		if (job.kind !== "finding-purchase" || job.isNews) return;
		const purchase = this.#purchases.get(hex(job.contract));
		if (purchase?.state.kind !== "looking-up") return;
		this.#drop(purchase);
		for (const asker of purchase.askers)
			this.#agents.notBought(asker, job.contract, "in-doubt", 0n, error);
	}

	#closed(
		{ tetrad, contract }: JobOf<"closing-purchase">,
		found: FoundPurchase | undefined,
	): void {
		if (found?.step === "closed") return this.#agents.closed(tetrad, contract);
		if (found !== undefined) return this.#agents.found(tetrad, found);
		const known = this.#purchases.get(hex(contract));
		if (known !== undefined) return this.#sayWhere(known, tetrad);
		// As for any other that this module knows nothing of.
		this.#cancel(this.#add(contract, tetrad, LOOKING_UP), unknown());
	}

	#foundMany(
		{ tetrad, after }: JobOf<"finding-purchases">,
		{ purchases, last }: FoundPurchases,
	): void {
		for (const purchase of purchases) this.#agents.known(tetrad, purchase);
		this.#agents.allKnown(tetrad, last ?? after);
	}

	#transact(
		job: BuyerJob,
		transaction: Parameters<SaleRail["transact"]>[1],
	): void {
		this.#rail.transact(job satisfies Kind, transaction);
	}

	#add(contract: Uint8Array, asker: number, state: PurchaseState): Purchase {
		const purchase = { contract, askers: new Set([asker]), state };
		this.#purchases.set(hex(contract), purchase);
		return purchase;
	}

	#drop({ contract }: Purchase): void {
		this.#purchases.delete(hex(contract));
	}

	#report(what: string, contract: Uint8Array, error?: TetradError): void {
		this.#rail.report({ kind: "sale", what, contract, error });
	}
}

/** As it is when its key is written down, which may still be under way. */
function withKey(
	found: FoundPurchase,
	keyed: KeyedEvent | undefined,
): FoundPurchase {
	if (keyed === undefined || found.step !== "locked") return found;
	const { key, receipt, chain } = keyed;
	return {
		...found,
		step: "keyed",
		sale: { ...found.sale, key, receipt, chain },
	};
}
