import type { FacilitatorClient, x402ResourceServer } from "@x402/core/server";
import type { SchemeNetworkServer } from "@x402/core/types";
import type { AgentService } from "../../device/service/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type PaidMode,
	PaidRequests,
	type PaidRequestsOptions,
} from "../../paid/index.ts";
import {
	networkOf,
	SCHEME,
	type TetradNetwork,
	TIMEOUT_SECONDS,
} from "../../paid/x402/index.ts";
import { PurchaseFacilitator } from "./facilitator.ts";
import { PurchaseScheme } from "./scheme.ts";

/** How requests are paid for. */
export interface TetradPaymentsOptions extends PaidRequestsOptions {
	/** Scheme, host and port by which clients reach the server, such as "https://api.example": what runs behind a proxy has to say it. As each request says unless given. */
	readonly origin?: string | undefined;
	/** Names of header fields that are sold with an answer, beside those of its content. */
	readonly fields?: readonly string[] | undefined;
}

/** The price of a route, as stock middlewares take it. */
export interface TetradPrice {
	readonly scheme: string;
	readonly network: TetradNetwork;
	/** Device id of the module that is paid, in hexadecimal. */
	readonly payTo: string;
	readonly price: string;
	readonly maxTimeoutSeconds: number;
	/** With no mode it is sealed: one that is named here cannot be another for who is told to pay first. */
	readonly extra: { readonly mode?: PaidMode };
}

/**
 * What the stock middlewares of x402 need to have requests paid for by purchases. The agent sells as
 * long as this is open.
 *
 * @example
 * ```ts
 * import { TetradPayments } from "tetrad/x402";
 *
 * await using payments = await TetradPayments.open(merchant);
 * const routes = { "/weather": { accepts: payments.accepts("0.05") } };
 * const { server } = payments; // app.use(paymentMiddleware(routes, server))
 * ```
 */
export class TetradPayments implements AsyncDisposable {
	/** What x402 calls the money that is taken. */
	readonly network: TetradNetwork;
	/** For stock middlewares, as it is. */
	readonly server: x402ResourceServer;
	/** For a server of one's own, that takes other money as well: `register(network, scheme)`. */
	readonly scheme: SchemeNetworkServer;
	/** For the same: it stands among its facilitators. It pays nothing by itself. */
	readonly facilitator: FacilitatorClient;
	readonly #requests: PaidRequests;

	private constructor(
		requests: PaidRequests,
		scheme: SchemeNetworkServer,
		server: (facilitator: FacilitatorClient) => x402ResourceServer,
	) {
		this.#requests = requests;
		this.network = networkOf(requests.payee.issuer);
		this.scheme = scheme;
		this.facilitator = new PurchaseFacilitator(this.network);
		this.server = server(this.facilitator).register(this.network, scheme);
	}

	/** Begins to sell, and resolves when the issuer was met, or could not be. Rejects as `AgentService.sell` does: with `busy` where the agent sells already, or runs in another process. */
	static async open(
		agent: AgentService,
		options: TetradPaymentsOptions = {},
	): Promise<TetradPayments> {
		const { origin, fields = [] } = options;
		if (origin !== undefined) requireOrigin(origin);
		// Whoever only pays needs no package of x402.
		const { x402ResourceServer } = await import("@x402/core/server");
		const requests = await PaidRequests.open(agent, options);
		const sold = fields.map((name) => name.toLowerCase());
		const scheme = new PurchaseScheme({ requests, origin, fields: sold });
		return new TetradPayments(
			requests,
			scheme,
			(facilitator) => new x402ResourceServer(facilitator),
		);
	}

	/** Rejects with why nothing can be sold any more, and resolves once this is closed. */
	get over(): Promise<void> {
		return this.#requests.over;
	}

	/**
	 * What a route accepts: a price, as a decimal text. `sealed` unless given: an answer is paid if
	 * and only if its buyer can read it. `prepaid` is for handlers with effects, and is not atomic: a
	 * request is paid before its handler runs, once, and what fails then is given back by the module
	 * out of its purse. That of a new shop is empty: put money there with `tetrad purse withdraw`.
	 */
	accepts(price: string, mode: PaidMode = "sealed"): TetradPrice {
		return {
			...{ scheme: SCHEME, network: this.network, price },
			payTo: this.#requests.payee.module,
			maxTimeoutSeconds: TIMEOUT_SECONDS,
			extra: mode === "sealed" ? {} : { mode },
		};
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#requests[Symbol.asyncDispose]();
	}
}

/** Throws `invalid-argument` for what is more or less than an origin. */
function requireOrigin(text: string): void {
	const url = URL.parse(text);
	if (url !== null && /^https?:$/.test(url.protocol) && url.origin === text)
		return;
	throw new TetradError(
		"invalid-argument",
		`${JSON.stringify(text)} is no origin: write scheme, host and port, such as "https://api.example"`,
	);
}
