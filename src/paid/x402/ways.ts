/*
 * How the terms of a paid request stand in what x402 calls payment requirements, version 2: each
 * thing once, what x402 has a place for there, and the rest under `extra`.
 */
import { z } from "zod";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { hex, utf8 } from "../../wire/index.ts";
import { MAX_WAYS } from "../limits.ts";
import {
	type PaidMode,
	type PaidTerms,
	parseTerms,
	writeTerms,
} from "../terms.ts";

/** What x402 calls a scheme: a request is paid by a purchase. */
export const SCHEME = "purchase";

/** A network of x402 (CAIP-2): all money of one issuer. */
export type TetradNetwork = `tetrad:${string}`;

/** All issuers, where x402 takes a pattern. */
export const EVERY_ISSUER: TetradNetwork = "tetrad:*";

/** How long a client has to pay, as far as x402 says so, in seconds: the order of its purchase waits no longer. */
export const TIMEOUT_SECONDS = 30;

/** Names under `extra`; others may stand beside them. */
const EXTRA = [
	...["mode", "address", "agent", "item"],
	...["exponent", "play", "issuer", "request"],
] as const;

/** One way to pay, as a server names it; it is sent back as it came, with what else it has. */
export interface Way {
	readonly scheme: string;
	readonly network: string;
	readonly amount: string;
	readonly asset: string;
	readonly payTo: string;
	readonly maxTimeoutSeconds: number;
	readonly extra?: Readonly<Record<string, unknown>> | null | undefined;
}

/** What a server asks for instead of an answer. */
export interface PaymentRequired {
	readonly error?: string | null | undefined;
	/** What it is for, as it is shown to people. */
	readonly resource?: unknown;
	readonly accepts: readonly Way[];
}

const wayForm: z.ZodType<Way> = z.looseObject({
	scheme: z.string(),
	network: z.string(),
	amount: z.string(),
	asset: z.string(),
	payTo: z.string(),
	maxTimeoutSeconds: z.number(),
	extra: z.record(z.string(), z.unknown()).nullish(),
});

const requiredForm: z.ZodType<PaymentRequired> = z.looseObject({
	x402Version: z.literal(2),
	error: z.string().nullish(),
	resource: z.unknown().optional(),
	accepts: z.array(wayForm).max(MAX_WAYS),
});

const paidForm = z.looseObject({ payload: z.unknown().optional() });

const acceptedForm = z.looseObject({
	accepted: z.looseObject({
		extra: z.looseObject({ mode: z.enum(["sealed", "prepaid"]) }),
	}),
});

const payloadForm = z.strictObject({
	payment: z.string().regex(/^[0-9a-zA-Z._-]{1,256}$/),
});

/** What the money of an issuer is called as a network: `tetrad:` and 32 hexadecimal digits of the SHA-256 of its certified name. */
export function networkOf(issuer: string): TetradNetwork {
	const reference = hex(nodeCrypto.sha256(utf8(issuer))).slice(0, 32);
	return `tetrad:${reference}`;
}

/** The terms as one way to pay. */
export function wayOf(
	terms: PaidTerms,
): Way & { readonly extra: Readonly<Record<string, unknown>> } {
	const { amount, currency, module, ...extra } = writeTerms(terms);
	return {
		scheme: SCHEME,
		network: networkOf(terms.issuer),
		amount: String(amount),
		asset: String(currency),
		payTo: String(module),
		maxTimeoutSeconds: TIMEOUT_SECONDS,
		extra,
	};
}

/** Whether it is paid by a purchase. */
export function isPurchase({ scheme, network }: Way): boolean {
	return scheme === SCHEME && network.startsWith("tetrad:");
}

/** The terms that a way to pay has. Throws `malformed` for terms that are none, and where the network is another issuer's than they name. */
export function termsOf({
	extra,
	amount,
	asset,
	payTo,
	network,
}: Way): PaidTerms {
	const said = Object.entries(extra ?? {}).filter(([name]) =>
		EXTRA.some((known) => known === name),
	);
	const terms = parseTerms({
		...Object.fromEntries(said),
		amount,
		currency: asset,
		module: payTo,
	});
	if (networkOf(terms.issuer) === network) return terms;
	throw new TetradError(
		"malformed",
		"the network that is to be paid on is not that of the issuer whose money is asked for",
	);
}

/** What asks for payment, as JSON; `undefined` where it asks for it in a way that is not known here. */
export function parsePaymentRequired(
	said: unknown,
): PaymentRequired | undefined {
	return requiredForm.safeParse(said).data;
}

/** The payment of a request, as its buyer has it. Throws `malformed`. */
export function parsePayload(said: unknown): string {
	const { data } = payloadForm.safeParse(said);
	if (data !== undefined) return data.payment;
	throw new TetradError("malformed", "that is no payment by a purchase");
}

/** The payment by a purchase that a request has with it, as JSON; `undefined` for another. */
export function paymentIn(said: unknown): string | undefined {
	const { payload } = paidForm.safeParse(said).data ?? {};
	return payloadForm.safeParse(payload).data?.payment;
}

/** The mode in which a request says that it is paid, as JSON; `undefined` where it says none. */
export function modeIn(said: unknown): PaidMode | undefined {
	return acceptedForm.safeParse(said).data?.accepted.extra.mode;
}

/** Requirements that stock x402 hands over. Throws `malformed`. */
export function parseWay(said: unknown): Way {
	const { data } = wayForm.safeParse(said);
	if (data !== undefined) return data;
	throw new TetradError("malformed", "those are no payment requirements");
}
