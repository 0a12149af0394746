/* What a module with a purse does for purchases: it buys for its agents (buyer-module.ts), and sells for them (seller-module.ts). */
import { TetradError } from "../../errors.ts";
import type { Kind, Transaction } from "../../machine/index.ts";
import type {
	DeliveredSale,
	GivenSecret,
	IssuerTerms,
	MakeSalePart,
	Meeting,
	OfferedSale,
	SaleEvent,
	SalePart,
	SaleRail,
	Sold,
} from "../../money/index.ts";
import { ABOUT_PURCHASES, isAboutPurchases } from "../documents/index.ts";
import { type BuyerJob, BuyerModule } from "./buyer-module.ts";
import { Moneys, type MoneysJob } from "./moneys.ts";
import { type SellerJob, SellerModule } from "./seller-module.ts";
import type { KeptSecret, TradeState } from "./selling-secrets.ts";

/** For a purse that shall buy and sell. `state` is what `loadTrade` has read from its store. */
export function moduleTrade(state: TradeState): MakeSalePart {
	return (rail) => new ModuleTrade(rail, state);
}

class ModuleTrade implements SalePart {
	readonly #buyer: BuyerModule;
	readonly #seller: SellerModule;
	readonly #moneys: Moneys;

	constructor(rail: SaleRail, { secrets }: TradeState) {
		this.#buyer = new BuyerModule(rail);
		this.#seller = new SellerModule(rail, secrets);
		this.#moneys = new Moneys(rail);
	}

	hears(from: "agent" | "module", type: number): boolean {
		return from === "agent" && isAboutPurchases(Uint8Array.of(type));
	}

	fromAgent(meeting: Meeting, bytes: Uint8Array): void {
		switch (bytes[0]) {
			case ABOUT_PURCHASES.buy.type:
				return this.#buyer.buy(meeting, bytes);
			case ABOUT_PURCHASES.cancel.type:
				return this.#buyer.cancel(meeting, bytes);
			case ABOUT_PURCHASES.recall.type:
				return this.#buyer.recall(meeting, bytes);
			case ABOUT_PURCHASES.resolve.type:
				return this.#buyer.resolve(meeting, bytes);
			case ABOUT_PURCHASES.final.type:
				return this.#buyer.final(meeting, bytes);
			case ABOUT_PURCHASES.purchases.type:
				return this.#buyer.purchases(meeting, bytes);
			case ABOUT_PURCHASES.selling.type:
				return this.#seller.selling(meeting, bytes);
			case ABOUT_PURCHASES.sell.type:
				return this.#seller.sell(meeting, bytes);
			case ABOUT_PURCHASES.moneys.type:
				return this.#moneys.asked(meeting, bytes);
			default:
				throw unexpected("the own agent");
		}
	}

	fromModule(): void {
		throw unexpected("the other module");
	}

	opened(meeting: Meeting): void {
		this.#seller.opened(meeting);
	}

	closed(tetrad: number): void {
		this.#buyer.closed(tetrad);
		this.#seller.closed(tetrad);
	}

	deadlines(): Iterable<number> {
		return this.#buyer.deadlines();
	}

	time(): void {
		this.#buyer.time();
	}

	written(kind: Kind, result: unknown): void {
		// What `transact` was given.
		const job = kind as BuyerJob | SellerJob | MoneysJob;
		switch (job.kind) {
			case "making-secret":
				return this.#seller.written(job, result as KeptSecret);
			case "telling-moneys":
				return this.#moneys.written(job, result as readonly bigint[]);
			default:
				return this.#buyer.written(job, result);
		}
	}

	notWritten(kind: Kind, error: TetradError): void {
		const job = kind as BuyerJob | SellerJob | MoneysJob;
		switch (job.kind) {
			case "making-secret":
				return this.#seller.notWritten(job, error);
			case "telling-moneys":
				return this.#moneys.notWritten(job, error);
			default:
				return this.#buyer.notWritten(job, error);
		}
	}

	happened(event: SaleEvent): void {
		switch (event.kind) {
			case "sold":
			case "booked":
			case "refused":
				return this.#seller.happened(event);
			default:
				return this.#buyer.happened(event);
		}
	}

	judge(meeting: Meeting, sale: OfferedSale): TetradError | undefined {
		return this.#seller.judge(meeting, sale);
	}

	sell(meeting: Meeting, sale: DeliveredSale): Sold | TetradError {
		return this.#seller.keyFor(meeting, sale);
	}

	wantedSecret(meeting: Meeting, issuer: IssuerTerms): number | undefined {
		return this.#seller.wantedSecret(meeting, issuer);
	}

	keepSecret(
		meeting: Meeting,
		issuer: IssuerTerms,
		given: GivenSecret,
	): Transaction<unknown> {
		return this.#seller.keepSecret(meeting, issuer, given);
	}

	secretKept(result: unknown): void {
		// What `keepSecret` has decided.
		this.#seller.secretKept(result as KeptSecret);
	}
}

function unexpected(who: string): TetradError {
	return new TetradError(
		"unexpected-message",
		`${who} sent what is no message about purchases to a module`,
	);
}
