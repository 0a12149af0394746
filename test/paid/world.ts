/* A buyer, and a merchant that is paid for answers, in one process: their homes, modules and issuer are a `ServiceTown`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { parseAddress } from "../../src/carrier/index.ts";
import type { LocalAgent } from "../../src/device/service/local-agent.ts";
import {
	type LocalHomeOptions,
	openLocalAgent,
} from "../../src/device/service/open-local-agent.ts";
import { TetradError } from "../../src/errors.ts";
import {
	PaidAnswers,
	type PaidAnswersOptions,
	PaidRequests,
	type PaidRequestsOptions,
	type Paying,
	type Priced,
	requestText,
} from "../../src/paid/index.ts";
import { ServiceTown } from "../device/service/town.ts";

/** What the answers of these tests cost. */
export const PRICE = 42n;

export const SEALED: Priced = { mode: "sealed", amount: PRICE };
export const PREPAID: Priced = { mode: "prepaid", amount: PRICE };

type SealedPaying = Extract<Paying, { readonly mode: "sealed" }>;

let asked = 0;

/** A request that was never made before. */
export function another(): string {
	return requestText({ method: "GET", url: `https://api.example/${++asked}` });
}

/** It runs until it is disposed of. */
export class PaidWorld implements AsyncDisposable {
	readonly town: ServiceTown;
	buyer: LocalAgent;
	shop: LocalAgent;
	requests: PaidRequests;

	private constructor(
		town: ServiceTown,
		buyer: LocalAgent,
		shop: LocalAgent,
		requests: PaidRequests,
	) {
		this.town = town;
		this.buyer = buyer;
		this.shop = shop;
		this.requests = requests;
	}

	static async open(options: PaidRequestsOptions = {}): Promise<PaidWorld> {
		await using open = new AsyncDisposableStack();
		const town = open.use(await ServiceTown.open());
		const buyer = open.use(await openBuyer(town));
		const shop = open.use(await openShop(town));
		// It sells with what the issuer derives for it, once it has that.
		const events = shop.events();
		const requests = open.use(
			await PaidRequests.open(shop, { listen: "127.0.0.1:0", ...options }),
		);
		for await (const event of events) if (event.event === "settled") break;
		open.move();
		return new PaidWorld(town, buyer, shop, requests);
	}

	answers(options: Partial<PaidAnswersOptions> = {}): PaidAnswers {
		return new PaidAnswers(this.buyer, {
			maximum: PRICE,
			currency: "PLAY",
			...options,
		});
	}

	/** A buyer's program asks for something sealed: what it has of the payment, and what it asks for. */
	async paying(
		request: string = another(),
		answers: PaidAnswers = this.answers(),
		price: Priced = SEALED,
	): Promise<{ readonly request: string; readonly paying: SealedPaying }> {
		const terms = this.requests.terms(request, price);
		const paying = await answers.pay(terms, request);
		assert.ok(paying.mode === "sealed");
		// Whether it is paid is looked at later.
		paying.answer.catch(() => {});
		return { request, paying };
	}

	/** What the buyer's module can still pay. */
	async spendable(): Promise<bigint> {
		const [balance] = await this.buyer.balance();
		return balance?.spendable ?? 0n;
	}

	/** The merchant's agent ends, and another process of it begins. */
	async restartShop(options: PaidRequestsOptions = {}): Promise<void> {
		await this.requests[Symbol.asyncDispose]();
		await this.shop.close();
		this.shop = await openShop(this.town);
		this.requests = await PaidRequests.open(this.shop, {
			listen: "127.0.0.1:0",
			...options,
		});
	}

	/** The buyer's agent ends, and another process of it begins. */
	async restartBuyer(options: Partial<LocalHomeOptions> = {}): Promise<void> {
		await this.buyer.close();
		this.buyer = await openBuyer(this.town, options);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.requests[Symbol.asyncDispose]();
		await this.shop.close();
		await this.buyer.close();
		await this.town[Symbol.asyncDispose]();
	}
}

/** As a program opens it: its tetrads stand for a while. */
function openBuyer(
	town: ServiceTown,
	options: Partial<LocalHomeOptions> = {},
): Promise<LocalAgent> {
	const { terms } = town;
	return town.openBuyer({ terms, standingMs: 3_600_000, ...options });
}

function openShop(town: ServiceTown): Promise<LocalAgent> {
	return openLocalAgent({
		home: town.homes.of("B"),
		module: town.module("Y"),
		link: "paired",
		issuerAt: parseAddress(town.issuerAt),
		settleEveryMs: 3_600_000,
		terms: town.terms,
	});
}

/** Resolves when a signal has aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
	if (!signal.aborted) await once(signal, "abort");
}

/** Whether it is an error of that code, and that says so. */
export function coded(
	code: string,
	message: RegExp = /./,
): (thrown: unknown) => boolean {
	return (thrown) =>
		thrown instanceof TetradError &&
		thrown.code === code &&
		message.test(thrown.message);
}
