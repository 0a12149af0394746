/* What stock @x402/core asks of a scheme, on the side of a server, answered by purchases. */
import type {
	HTTPTransportContext,
	SettleContext,
	SkipHandlerDirective,
	VerifiedPaymentCanceledContext,
	VerifyContext,
} from "@x402/core/server";
import type {
	AssetAmount,
	PaymentFlowConfig,
	PaymentRequirements,
	Price,
	SchemeNetworkServer,
	SchemePaymentRequiredContext,
	SchemeServerHooks,
	SettleResponse,
	VerifyResponse,
} from "@x402/core/types";
import { asTetradError, TetradError } from "../../errors.ts";
import { type Currency, parseAmount } from "../../money/index.ts";
import {
	type Admitted,
	type PaidMode,
	type PaidRequests,
	PaysFirst,
	requestText,
} from "../../paid/index.ts";
import {
	modeIn,
	networkOf,
	parsePayload,
	parseWay,
	SCHEME,
	type TetradNetwork,
	termsOf,
	wayOf,
} from "../../paid/x402/index.ts";
import { encodeAnswer, FIELDS_SOLD, WITHOUT_BODY } from "./answer.ts";
import { cutOff, incoming, noteStatus, statusOf } from "./incoming.ts";
import { KEPT, writeKept } from "./kept.ts";

/** What the scheme of a server is made of. */
export interface PurchaseSchemeOptions {
	readonly requests: PaidRequests;
	/** Scheme, host and port by which clients reach the server; as each request says unless given. */
	readonly origin: string | undefined;
	/** Names of header fields that are sold with an answer beside those that always are, in lower case. */
	readonly fields: readonly string[];
}

/** A request whose handler runs, or has run, and what it costs. */
interface Open {
	readonly admitted: Admitted;
	readonly amount: string;
}

/** What was paid, as core says it. */
type Settled = Omit<SettleResponse, "success" | "transaction">;

const NOT_ADMITTED = new TetradError(
	"payment-refused",
	"a request was answered that was not admitted",
);

/**
 * A request is admitted before its handler runs, and what that answers is sold after it. Core calls
 * the hooks with what it knows of the request. It would go on to a facilitator without them, which
 * refuses everything.
 */
export class PurchaseScheme implements SchemeNetworkServer {
	readonly scheme: string = SCHEME;
	readonly defaultAssetTransferMethod = "default";
	readonly paymentFlows: Readonly<Record<string, PaymentFlowConfig>> = {
		default: { supported: ["authorization"], default: "authorization" },
	};
	/** What is sold sealed is sold prepaid as well, to who is told to pay first. */
	readonly dynamicExtraFields: string[] = ["mode", "item"];
	readonly schemeHooks: SchemeServerHooks = {
		onBeforeVerify: (context) => this.#verify(context),
		onAfterVerify: (context) => this.#giveAgain(context),
		onBeforeSettle: (context) => this.#settle(context),
		onVerifiedPaymentCanceled: (context) => this.#cancel(context),
	};
	readonly #options: PurchaseSchemeOptions;
	readonly #network: TetradNetwork;
	readonly #currency: Currency;
	/** By what core has parsed of a request, which it hands over for as long as that goes on. */
	readonly #open = new WeakMap<object, Open>();
	/** Requests of buyers who are told to pay first, as core has them. */
	readonly #payingFirst = new WeakSet<object>();

	constructor(options: PurchaseSchemeOptions) {
		this.#options = options;
		const { issuer, currency: code, exponent } = options.requests.payee;
		this.#network = networkOf(issuer);
		this.#currency = { code, exponent };
	}

	/** Prices are decimal texts, such as "0.05", or amounts in minor units of the currency. */
	async parsePrice(price: Price): Promise<AssetAmount> {
		const currency = this.#currency;
		if (typeof price !== "object") {
			const amount = parseAmount(String(price), currency);
			return { amount: String(amount), asset: currency.code };
		}
		if (price.asset === currency.code) return price;
		throw new TetradError(
			"invalid-argument",
			`nothing is sold here for ${price.asset}: the money that is taken is ${currency.code}`,
		);
	}

	getAssetDecimals(): number {
		return this.#currency.exponent;
	}

	async enhancePaymentRequirements(
		requirements: PaymentRequirements,
	): Promise<PaymentRequirements> {
		modeOf(requirements);
		return requirements;
	}

	/** Names the request that is to be paid. */
	async enrichPaymentRequiredResponse({
		requirements,
		transportContext,
	}: SchemePaymentRequiredContext): Promise<PaymentRequirements[]> {
		const { requests, origin } = this.#options;
		const { request } = httpContext(transportContext);
		const text = requestText(await incoming(request, origin));
		return requirements.map((way) => {
			if (way.scheme !== SCHEME || way.network !== this.#network) return way;
			const amount = BigInt(way.amount);
			const mode = this.#payingFirst.has(request) ? "prepaid" : modeOf(way);
			const { extra } = wayOf(requests.terms(text, { amount, mode }));
			return { ...way, extra: { ...way.extra, ...extra } };
		});
	}

	/** Lets a request in, once, when the order that it names has come. */
	async #verify({
		paymentPayload,
		requirements,
		transportContext,
	}: VerifyContext): Promise<
		| { readonly skip: true; readonly result: VerifyResponse }
		| { readonly abort: true; readonly reason: string }
	> {
		try {
			const { request, amount, ...asked } = termsOf(parseWay(requirements));
			const payment = paymentOf(paymentPayload);
			const mode =
				asked.mode === "sealed"
					? (modeIn(paymentPayload) ?? asked.mode)
					: asked.mode;
			const admitted = await this.#options.requests.admit(payment, request, {
				amount,
				mode,
			});
			this.#begin(paymentPayload, httpContext(transportContext), {
				...{ admitted, amount: requirements.amount },
			});
			return {
				skip: true,
				result: { isValid: true, payer: admitted.buyer.id },
			};
		} catch (thrown) {
			if (thrown instanceof PaysFirst)
				this.#payingFirst.add(httpContext(transportContext).request);
			return { abort: true, reason: asTetradError(thrown).code };
		}
	}

	/** Its handler runs from now on, and no longer than anybody waits for the answer. */
	#begin(payment: object, { request }: HTTPTransportContext, open: Open): void {
		this.#open.set(payment, open);
		noteStatus(request);
		open.admitted.signal.addEventListener("abort", () => {
			if (this.#open.delete(payment)) cutOff(request);
		});
	}

	/** What a prepaid request was answered is given again, and its handler is left alone. */
	async #giveAgain({
		paymentPayload,
	}: VerifyContext): Promise<
		| { readonly skipHandler: true; readonly response: SkipHandlerDirective }
		| undefined
	> {
		const kept = this.#open.get(paymentPayload)?.admitted.kept;
		return kept && { skipHandler: true, response: writeKept(kept) };
	}

	async #settle(
		context: SettleContext,
	): Promise<{ readonly skip: true; readonly result: SettleResponse }> {
		const network = this.#network;
		const open = this.#open.get(context.paymentPayload);
		this.#open.delete(context.paymentPayload);
		if (open === undefined)
			return { skip: true, result: failed({ network }, NOT_ADMITTED) };
		const { amount, admitted } = open;
		const of = { network, amount, payer: admitted.buyer.id };
		try {
			const sold = await this.#sell(open, context);
			return { skip: true, result: { ...of, ...sold, success: true } };
		} catch (thrown) {
			const error = asTetradError(thrown);
			await admitted.fail(error);
			return { skip: true, result: failed(of, error) };
		}
	}

	/** Sells what the handler has answered, under the contract that it returns. */
	async #sell(
		{ admitted, amount }: Open,
		{ requirements, transportContext }: SettleContext,
	): Promise<Pick<SettleResponse, "transaction" | "extra">> {
		if (requirements.amount !== amount)
			throw new TetradError(
				"invalid-argument",
				"an answer costs what its request was told: a handler cannot change that",
			);
		const { kept } = admitted;
		const bytes = kept ?? this.#answerIn(httpContext(transportContext));
		const { contract } = await admitted.answer(bytes);
		return { transaction: contract, ...(kept && { extra: KEPT }) };
	}

	#answerIn({
		request,
		responseBody = Buffer.of(),
		responseHeaders = {},
	}: HTTPTransportContext): Uint8Array {
		const sold = [...FIELDS_SOLD, ...this.#options.fields];
		const fields = Object.entries(responseHeaders);
		if (fields.some(([name]) => name === "content-encoding"))
			throw new TetradError(
				"invalid-argument",
				"an answer with a content coding is not sold: mount what compresses in front of what is paid",
			);
		const status = statusOf(request);
		// What a handler says all the same, no server sends.
		const isEmpty = request.method === "HEAD" || WITHOUT_BODY.has(status);
		return encodeAnswer({
			status,
			fields: fields.filter(([name]) => sold.includes(name)),
			body: isEmpty ? new Uint8Array() : responseBody,
		});
	}

	/** Nothing is sold of a handler that threw, or answered that it failed. */
	async #cancel({
		paymentPayload,
		responseStatus,
		error,
	}: VerifiedPaymentCanceledContext): Promise<void> {
		const open = this.#open.get(paymentPayload);
		this.#open.delete(paymentPayload);
		await open?.admitted.fail(
			new TetradError(
				"refused-by-peer",
				responseStatus === undefined
					? "the request could not be answered"
					: `the request was answered with status ${responseStatus}`,
				{ cause: error },
			),
		);
	}
}

/** Throws `invalid-argument` for requirements that name another mode than there is. */
function modeOf({ extra }: PaymentRequirements): PaidMode {
	const { mode = "sealed" }: { mode?: unknown } = extra;
	if (mode === "sealed" || mode === "prepaid") return mode;
	throw new TetradError(
		"invalid-argument",
		'a request is paid "sealed" or "prepaid"',
	);
}

/** Throws `malformed` for a payment of an older version of x402, which core holds to less. */
function paymentOf({
	x402Version,
	payload,
}: VerifyContext["paymentPayload"]): string {
	if (x402Version === 2) return parsePayload(payload);
	throw new TetradError("malformed", "a payment is of version 2 of x402");
}

/** Throws `invalid-argument` for a request of another protocol than HTTP. */
function httpContext(context: unknown): HTTPTransportContext {
	if (isHttp(context)) return context;
	throw new TetradError(
		"invalid-argument",
		"only requests of HTTP are paid here",
	);
}

function isHttp(context: unknown): context is HTTPTransportContext {
	return (
		typeof context === "object" &&
		context !== null &&
		"request" in context &&
		typeof context.request === "object" &&
		context.request !== null &&
		"adapter" in context.request
	);
}

/** A client is told the code, and the rest is for whoever serves it. */
function failed(of: Settled, { code }: TetradError): SettleResponse {
	return {
		...of,
		success: false,
		transaction: "",
		errorReason: code,
	};
}
