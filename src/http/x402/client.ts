import type {
	PaymentPayloadContext,
	PaymentPayloadResult,
	PaymentRequirements,
	SchemeNetworkClient,
} from "@x402/core/types";
import { TetradError } from "../../errors.ts";
import {
	PaidAnswers,
	type PaidTerms,
	type Paying,
	requestText,
	writeTerms,
} from "../../paid/index.ts";
import {
	EVERY_ISSUER,
	isPurchase,
	parseWay,
	paymentIn,
	SCHEME,
	termsOf,
} from "../../paid/x402/index.ts";
import { PAYMENT_SIGNATURE, readField } from "./fields.ts";
import { MAX_PAYMENT_FIELD, MAX_SEEN_TERMS } from "./limits.ts";
import { type Outgoing, outgoing } from "./outgoing.ts";
import { paidAnswer } from "./paid-answer.ts";
import type { Fetch } from "./paying.ts";
import { paymentRequiredIn } from "./reading.ts";
import type { TetradFetchOptions } from "./wrap-fetch.ts";

/** What a client of stock x402 is given, to pay by purchases among other ways. */
export interface TetradClient {
	/** For `register(network, scheme)` of an `x402Client`. */
	readonly scheme: SchemeNetworkClient;
	readonly network: typeof EVERY_ISSUER;
	/** What `wrapFetchWithPayment` wraps: it holds terms to the request that was made, and answers with what was bought. */
	readonly fetch: Fetch;
}

/** A payment that stock x402 has asked for, and not sent yet. */
interface Waiting {
	readonly terms: PaidTerms;
	readonly paying: Paying;
}

/**
 * A scheme for the client of stock x402, and the `fetch` that goes with it: without that, nothing is
 * paid, since a scheme is not told what was asked for. The asset stands in the client's
 * `spendControls.allowedAssets`; what is said there as the most that may be paid holds beside
 * `maximum`. Rejects as `wrapFetchWithTetrad`.
 */
export function tetradClient(
	fetch: Fetch,
	{ agent, ...options }: TetradFetchOptions,
): TetradClient {
	const client = new PurchaseClient(fetch, new PaidAnswers(agent, options));
	return {
		scheme: client,
		network: EVERY_ISSUER,
		fetch: (input, init) => client.fetch(input, init),
	};
}

class PurchaseClient implements SchemeNetworkClient {
	readonly scheme = SCHEME;
	readonly #fetch: Fetch;
	readonly #answers: PaidAnswers;
	/** Terms of requests that were made, as JSON, and how each is stopped. */
	readonly #seen = new Map<string, AbortSignal>();
	/** By what names the payment in a request. */
	readonly #waiting = new Map<string, Waiting>();

	constructor(fetch: Fetch, answers: PaidAnswers) {
		this.#fetch = fetch;
		this.#answers = answers;
	}

	async createPaymentPayload(
		x402Version: number,
		requirements: PaymentRequirements,
		{ maxAmountPerPayment }: PaymentPayloadContext = {},
	): Promise<PaymentPayloadResult> {
		const terms = termsOf(parseWay(requirements));
		const signal = this.#seen.get(nameOf(terms));
		if (signal === undefined)
			throw new TetradError(
				"payment-refused",
				"nothing was paid: no request was made that is to be paid so; give the fetch of tetradClient to wrapFetchWithPayment",
			);
		if (BigInt(maxAmountPerPayment ?? terms.amount) < terms.amount)
			throw new TetradError(
				"payment-refused",
				"nothing was paid: it costs more than spendControls allow",
			);
		const paying = await this.#answers.pay(terms, terms.request, { signal });
		this.#waiting.set(paying.id, { terms, paying });
		for (const oldest of this.#waiting.keys())
			if (this.#waiting.size > MAX_SEEN_TERMS) this.#waiting.delete(oldest);
		return { x402Version, payload: { payment: paying.id } };
	}

	async fetch(
		input: Parameters<Fetch>[0],
		init: RequestInit | undefined,
	): Promise<Response> {
		const request = await outgoing(input, init);
		const waiting = this.#take(request);
		if (waiting !== undefined) return this.#pay(request, waiting);
		const response = await this.#fetch(request.again());
		const required = await paymentRequiredIn(response);
		for (const way of required?.accepts.filter(isPurchase) ?? [])
			this.#see(termsOf(way), request);
		return response;
	}

	/** Terms that name another request than was made are never paid. */
	#see(terms: PaidTerms, request: Outgoing): void {
		if (terms.request !== requestText(request)) return;
		this.#seen.delete(nameOf(terms));
		this.#seen.set(nameOf(terms), request.signal);
		for (const oldest of this.#seen.keys())
			if (this.#seen.size > MAX_SEEN_TERMS) this.#seen.delete(oldest);
	}

	/** The payment that a request has with it. */
	#take({ headers }: Outgoing): Waiting | undefined {
		const said = readField(headers.get(PAYMENT_SIGNATURE), MAX_PAYMENT_FIELD);
		const payment = paymentIn(said);
		return payment === undefined ? undefined : this.#waiting.get(payment);
	}

	#pay(request: Outgoing, { terms, paying }: Waiting): Promise<Response> {
		const field = request.headers.get(PAYMENT_SIGNATURE);
		if (field !== null && terms.request === requestText(request))
			return paidAnswer(this.#fetch, { request, terms, field, paying });
		const error = new TetradError(
			"invalid-argument",
			"a payment was sent with another request than it is for",
		);
		paying.giveUp(error);
		return Promise.reject(error);
	}
}

function nameOf(terms: PaidTerms): string {
	return JSON.stringify(writeTerms(terms));
}
