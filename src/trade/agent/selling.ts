/*
 * A merchant's agent in one tetrad. It answers one question after another, and keeps nothing of a
 * sale: what is sent again, to who has paid, follows from the contract.
 *
 *   new ─begin─▶ listening ─list─▶ listing ─listed─▶ listening ⟲ where
 *                 │ │ └─ask─▶ pricing ─priced─▶ listening
 *                 │ │                  listed, priced in ecash─▶ checking ─the moneys─▶ listening
 *                 │ └─take, fetch─▶ sending (sending.ts) ─sent─▶ listening
 *                 └─closed─▶ over            (and from everywhere)
 *
 * `cancel`, and whatever cannot be had, lead from everywhere to listening with `unavailable`. Each
 * answer has a number, so that what comes too late for one is told apart from what the next needs.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { isErrorCode, TetradError, unreachable } from "../../errors.ts";
import {
	type Ended,
	type Machine,
	Pending,
	Steps,
	timedOut,
	unexpected,
} from "../../machine/index.ts";
import {
	body,
	MAX_REASON_BYTES,
	message,
	type SaidRefusal,
	unpackMessages,
} from "../../money/documents/index.ts";
import { copy, sameBytes, textWithin } from "../../wire/index.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
	copyOffer,
	type Listing,
	MAX_OFFERS,
	MAX_PAGE_ITEMS,
	OFFER_NONCE_BYTES,
	type Offer,
	offerId,
} from "../documents/index.ts";
import { OFFER_VALID_MS } from "./limits.ts";
import {
	otherMoney,
	PricesOffered,
	type RailsAsked,
} from "./prices-offered.ts";
import {
	type ContractTimes,
	fetchedSale,
	takenOffer,
	type Wanted,
} from "./sale.ts";
import { Sellers } from "./sellers.ts";
import type { SellingEffect, SellingEvent } from "./selling-events.ts";
import { type RefusedFor, Sending, type SendingParts } from "./sending.ts";
import { ToBuyer } from "./to-buyer.ts";
import type { TradeTetrad } from "./trade-tetrad.ts";
import { unasked } from "./unasked.ts";

/** What a merchant's agent sells with. */
export interface SellingOptions extends Partial<ContractTimes> {
	readonly crypto: CryptoProvider;
	readonly tetrad: TradeTetrad;
	/** `OFFER_KEY_BYTES`, random: whoever has the same knows its own offers, also in another tetrad. */
	readonly offerKey: Uint8Array;
	/** How long an offer stands, in milliseconds; `OFFER_VALID_MS` unless given. */
	readonly offerValidMs?: number;
	/** Where this agent is met with each of its modules, if it has several. */
	readonly modules?: readonly MetModule[] | undefined;
}

/** A module of an agent that has several, and the port at which the agent is reached with it. */
export interface MetModule {
	readonly deviceId: Uint8Array;
	/** From 1 to 65535. */
	readonly port: number;
}

interface Answering {
	readonly answer: number;
}

/** What a buyer wants to have prices of. */
interface Asked extends Answering {
	/** In which kinds of money; in notes alone, and in one offer, where nothing is said. */
	readonly rails: RailsAsked;
}

/** Prices as whoever has the catalogue has said them. */
type Found =
	| {
			readonly kind: "page";
			readonly items: readonly Listing[];
			readonly isLast: boolean;
	  }
	| { readonly kind: "prices"; readonly listings: readonly Listing[] };

type State =
	| { readonly kind: "new" }
	| { readonly kind: "listening" }
	| ({ readonly kind: "listing" | "pricing" } & Asked)
	/** What is priced in ecash is offered only as far as the own module knows its mint. */
	| ({ readonly kind: "checking"; readonly found: Found } & Asked)
	| ({ readonly kind: "sending"; readonly sending: Sending } & Answering);

/** A merchant's agent. */
export class Selling implements Machine<SellingEvent, SellingEffect> {
	readonly #steps: Steps<SellingEffect> = new Steps<SellingEffect>(
		undefined,
		() => this.#sending?.leave(),
	);
	readonly #toBuyer: ToBuyer = new ToBuyer(this.#steps);
	readonly #options: SellingOptions;
	readonly #sellers: Sellers = new Sellers();
	readonly #prices: PricesOffered = new PricesOffered((error) =>
		this.#steps.emit({ kind: "unavailable", error }),
	);
	/** Signatures that are waited for, by the answer that they are for. */
	readonly #signing: Pending<Answering> = new Pending<Answering>();
	readonly #sends: SendingParts;
	#state: State = { kind: "new" };
	#answers = 0;

	constructor(options: SellingOptions) {
		this.#options = options;
		this.#sends = {
			options,
			steps: this.#steps,
			sellers: this.#sellers,
			toBuyer: this.#toBuyer,
			signing: this.#signing,
			refuse: (...why) => this.#refuse(...why),
			over: () => this.#listen(),
		};
	}

	get deadline(): number | undefined {
		return this.#steps.deadline;
	}

	/** Signatures that it waits for. */
	get pending(): ReadonlyMap<number, Answering> {
		return this.#signing.all;
	}

	get #sending(): Sending | undefined {
		const state = this.#state;
		return state.kind === "sending" ? state.sending : undefined;
	}

	handle(event: SellingEvent, now: number): readonly (SellingEffect | Ended)[] {
		return this.#steps.run(() => {
			this.#handle(event, now);
			if (this.#state.kind !== "new") this.#toBuyer.receive();
		});
	}

	#handle(event: SellingEvent, now: number): void {
		switch (event.kind) {
			case "begin":
				if (this.#state.kind !== "new") throw unasked("a beginning");
				return this.#listen();
			case "from-agent":
				this.#toBuyer.received();
				return this.#hear(event.bytes, now);
			case "from-module":
				for (const one of unpackMessages(event.bytes))
					this.#hearModule(one, now);
				return;
			case "sent":
				return this.#sent(now);
			case "listed":
			case "priced":
			case "opened":
			case "read":
			case "failed":
				return this.#answered(event, now);
			case "signed": {
				const { answer } = this.#signing.take(event.id);
				const sending = this.#sending;
				if (sending?.answer === answer) sending.signed(event.signature, now);
				return;
			}
			case "not-signed": {
				const { answer } = this.#signing.take(event.id);
				return this.#fail(answer, event.error, now);
			}
			case "closed":
				this.#sending?.leave();
				return this.#steps.end("peer");
			case "abort":
				throw event.error;
			case "time":
				if (this.#steps.isDue(now))
					throw timedOut("a buyer took what it was sent");
				return;
			default:
				return unreachable(event);
		}
	}

	// Session 1.

	#tell(bytes: Uint8Array, now: number): void {
		this.#toBuyer.tell(bytes, now);
	}

	#sent(now: number): void {
		this.#toBuyer.sent(now);
		if (this.#sending?.isSealing) return this.#sending.seal(now);
		const question = this.#toBuyer.takeHeld();
		if (question !== undefined) this.#hear(question, now);
	}

	#hear(bytes: Uint8Array, now: number): void {
		const { kind } = this.#state;
		if (bytes[0] === BETWEEN_AGENTS.cancel.type) {
			body(BETWEEN_AGENTS.cancel, bytes);
			if (kind === "listening") return;
			return this.#refuse(
				new TetradError("aborted", "the buyer does not want it any more"),
				now,
			);
		}
		if (kind !== "listening")
			throw unexpected("a message to a merchant that has not answered yet");
		if (this.#toBuyer.unsent > 0) return this.#toBuyer.hold(bytes);
		switch (bytes[0]) {
			case BETWEEN_AGENTS.list.type: {
				const { after, rails } = body(BETWEEN_AGENTS.list, bytes);
				return this.#list(after, rails);
			}
			case BETWEEN_AGENTS.ask.type: {
				const answer = ++this.#answers;
				const { name, order, rails } = body(BETWEEN_AGENTS.ask, bytes);
				this.#state = { kind: "pricing", answer, rails };
				return this.#steps.emit({ kind: "price", answer, name, order });
			}
			case BETWEEN_AGENTS.take.type:
				return this.#take(bytes, now);
			case BETWEEN_AGENTS.fetch.type:
				return this.#sendAgain(bytes, now);
			case BETWEEN_AGENTS.where.type:
				return this.#tellWhere(body(BETWEEN_AGENTS.where, bytes).module, now);
			default:
				throw unexpected("a message that a merchant's agent does not know");
		}
	}

	/** It names no module that its asker does not name, and nothing that calling there would not show. */
	#tellWhere(module: Uint8Array, now: number): void {
		const { modules = [] } = this.#options;
		const found = modules.find(({ deviceId }) => sameBytes(deviceId, module));
		if (found === undefined) return this.#refuse(noSuchModule(), now);
		const { port } = found;
		this.#tell(message(BETWEEN_AGENTS.there, { port }), now);
	}

	#list(after: string | undefined, rails: RailsAsked): void {
		const answer = ++this.#answers;
		this.#state = { kind: "listing", answer, rails };
		const limit = MAX_PAGE_ITEMS;
		this.#steps.emit({ kind: "list", answer, after, limit });
	}

	#take(bytes: Uint8Array, now: number): void {
		const { crypto, tetrad, offerKey } = this.#options;
		const { id, ...offered } = copyOffer(body(BETWEEN_AGENTS.take, bytes));
		const buyer = tetrad.other.agent.deviceId;
		const own = offerId(crypto, offerKey, buyer, offered);
		if (!crypto.equal(id, own) || now > offered.validUntil)
			return this.#refuse(
				new TetradError(
					"offer-expired",
					"the offer is not valid any more; ask for another one",
				),
				now,
			);
		this.#send(takenOffer(crypto, { id, ...offered }));
	}

	#sendAgain(bytes: Uint8Array, now: number): void {
		const { crypto, tetrad } = this.#options;
		const asked = body(BETWEEN_AGENTS.fetch, bytes);
		try {
			this.#send(fetchedSale(crypto, tetrad, asked));
		} catch (thrown) {
			if (thrown instanceof TetradError && thrown.code === "payment-refused")
				return this.#refuse(thrown, now);
			throw thrown;
		}
	}

	// What is sent.

	#send(wanted: Wanted): void {
		const answer = ++this.#answers;
		const sending = new Sending(this.#sends, answer, wanted);
		this.#state = { kind: "sending", answer, sending };
		sending.begin();
	}

	#hearModule(bytes: Uint8Array, now: number): void {
		switch (bytes[0]) {
			case ABOUT_PURCHASES.seller.type:
				return this.#sellerTold(bytes);
			case ABOUT_PURCHASES.goodsKey.type: {
				const { termsHash, key } = body(ABOUT_PURCHASES.goodsKey, bytes);
				return this.#sending?.keyed(termsHash, key, now);
			}
			case ABOUT_PURCHASES.unsold.type:
				return this.#unsold(bytes, now);
			case ABOUT_PURCHASES.moneysHeld.type:
				return this.#heldTold(bytes, now);
			case ABOUT_PURCHASES.sold.type:
				return this.#soldTold(body(ABOUT_PURCHASES.sold, bytes));
			case ABOUT_PURCHASES.soldTo.type: {
				const { buyerAgent, ...sold } = body(ABOUT_PURCHASES.soldTo, bytes);
				return this.#soldTold(sold, { buyerAgent: copy(buyerAgent) });
			}
			default:
				throw unexpected("a message that modules do not send to merchants");
		}
	}

	#soldTold(
		{
			contract,
			amount,
			receipt,
			chain,
			ecash,
		}: ReturnType<typeof ABOUT_PURCHASES.sold.body.decode>,
		to: { readonly buyerAgent?: Uint8Array } = {},
	): void {
		this.#steps.emit({
			kind: "sold",
			contract: copy(contract),
			amount,
			receipt: copy(receipt),
			chain: copy(chain),
			...(ecash === undefined
				? {}
				: { ecash: { ...ecash, issuer: copy(ecash.issuer) } }),
			...to,
		});
	}

	#sellerTold(bytes: Uint8Array): void {
		const { crypto, tetrad } = this.#options;
		this.#sellers.told(crypto, bytes, tetrad.own);
		this.#sending?.sellerTold();
	}

	#unsold(bytes: Uint8Array, now: number): void {
		const said = body(ABOUT_PURCHASES.unsold, bytes);
		const error = saidError(said);
		if (said.termsHash !== undefined)
			return this.#sending?.notKeyed(said.termsHash, error, now);
		const seller = this.#sellers.refused();
		this.#sending?.notFound(seller, error, now);
	}

	// What was asked of whoever has the catalogue.

	#answered(
		event: Extract<SellingEvent, { readonly answer: number }>,
		now: number,
	): void {
		const state = this.#state;
		// An answer that is over may still be told what it has asked for.
		if (!("answer" in state) || state.answer !== event.answer) return;
		if (event.kind === "failed")
			return this.#fail(event.answer, event.error, now);
		switch (state.kind) {
			case "listing": {
				if (event.kind !== "listed") break;
				const { items, isLast } = event;
				if (items.length === 0 && !isLast)
					throw unasked("a page with nothing on it");
				return this.#check(state, { kind: "page", items, isLast }, now);
			}
			case "pricing": {
				if (event.kind !== "priced") break;
				const listings = [event.listing, ...(event.others ?? [])];
				return this.#check(state, { kind: "prices", listings }, now);
			}
			case "sending":
				return state.sending.answered(event, now);
			case "checking":
				break;
			default:
				return unreachable(state);
		}
		throw unasked(event.kind);
	}

	/** Asks the own module what it knows, once, where something would be offered for ecash. */
	#check({ answer, rails }: Asked, found: Found, now: number): void {
		const listings = found.kind === "page" ? found.items : found.listings;
		if (this.#prices.areSure(listings, rails))
			return this.#tellFound({ answer, rails }, found, now);
		this.#state = { kind: "checking", answer, rails, found };
		this.#toModule(message(ABOUT_PURCHASES.moneys, {}));
	}

	#heldTold(bytes: Uint8Array, now: number): void {
		this.#prices.held(body(ABOUT_PURCHASES.moneysHeld, bytes).moneys);
		const state = this.#state;
		// A question that was cancelled needs its answer no more.
		if (state.kind === "checking") this.#tellFound(state, state.found, now);
	}

	#tellFound(asked: Asked, found: Found, now: number): void {
		switch (found.kind) {
			case "page":
				return this.#listed(asked, found, now);
			case "prices":
				return this.#priced(asked, found.listings, now);
			default:
				return unreachable(found);
		}
	}

	#listed(
		{ rails }: Asked,
		{ items, isLast }: Extract<Found, { readonly kind: "page" }>,
		now: number,
	): void {
		const page = this.#prices.page(items, isLast, rails);
		// A page says where the next one begins, so it needs something on it.
		if (page.items.length === 0 && !page.isLast)
			return this.#list(page.last, rails);
		this.#listen();
		this.#tell(
			message(BETWEEN_AGENTS.items, { items: page.items, isLast: page.isLast }),
			now,
		);
	}

	#priced({ rails }: Asked, listings: readonly Listing[], now: number): void {
		const offered = this.#prices.offered(listings, rails).slice(0, MAX_OFFERS);
		const [first] = offered;
		if (first === undefined) return this.#refuse(otherMoney(listings), now);
		this.#listen();
		if (rails === undefined) {
			const offer = this.#offer(first, now);
			return this.#tell(message(BETWEEN_AGENTS.offer, offer), now);
		}
		const offers = offered.map((listing) => this.#offer(listing, now));
		this.#tell(message(BETWEEN_AGENTS.offers, { offers }), now);
	}

	#offer(listing: Listing, now: number): Offer {
		const { crypto, tetrad, offerKey } = this.#options;
		const { offerValidMs = OFFER_VALID_MS } = this.#options;
		const offered = {
			...listing,
			validUntil: now + offerValidMs,
			nonce: crypto.random(OFFER_NONCE_BYTES),
		};
		const buyer = tetrad.other.agent.deviceId;
		const offer = { id: offerId(crypto, offerKey, buyer, offered), ...offered };
		this.#steps.emit({ kind: "quoted", offer });
		return offer;
	}

	// How an answer ends.

	#listen(): void {
		this.#state = { kind: "listening" };
	}

	#fail(answer: number, error: TetradError, now: number): void {
		const state = this.#state;
		if ("answer" in state && state.answer === answer) this.#refuse(error, now);
	}

	/** The buyer hears the code, and the sentence only where it is about itself. */
	#refuse(
		error: TetradError,
		now: number,
		{ cannotSell = false }: RefusedFor = {},
	): void {
		this.#sending?.leave();
		this.#listen();
		const reason =
			error.family === "peer" || error.code === "aborted"
				? error.message
				: "the merchant cannot send this now";
		this.#tell(
			message(BETWEEN_AGENTS.unavailable, {
				code: error.code,
				reason: textWithin(reason, MAX_REASON_BYTES),
			}),
			now,
		);
		this.#steps.emit({
			...{ kind: "unavailable", error },
			...(cannotSell ? { cannotSell } : {}),
		});
	}

	#toModule(bytes: Uint8Array): void {
		this.#steps.emit({ kind: "to-module", bytes });
	}
}

function noSuchModule(): TetradError {
	return new TetradError(
		"payment-refused",
		"this merchant has no such module, or does not say where it is met",
	);
}

/** What a module said of why not; a code that is not ours becomes `busy`. */
function saidError({ code, reason }: SaidRefusal): TetradError {
	return new TetradError(isErrorCode(code) ? code : "busy", reason);
}
