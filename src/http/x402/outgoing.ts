/* A request that may have to be made twice: unpaid, and paid. */
import { allOf } from "./bounded.ts";
import { PAYMENT_SIGNATURE } from "./fields.ts";
import { MAX_BODY_BYTES } from "./limits.ts";

/** What can be asked for, in whichever form. */
export type FetchInput = Parameters<typeof fetch>[0];

const TOO_LARGE = `a request that may have to be paid has a body of at most ${MAX_BODY_BYTES} bytes, which is kept until it is paid; send a larger one with another fetch`;

/** What `fetch` was asked for, with its whole body. */
export interface Outgoing {
	readonly method: string;
	/** With a fragment, which is not sent, where it has one. */
	readonly url: string;
	readonly body: Uint8Array;
	readonly headers: Headers;
	readonly signal: AbortSignal;
	/** The same request, as often as it is needed. */
	again(): Request;
	/** The same with a payment, which goes nowhere else. */
	paidWith(field: string): Request;
}

/**
 * Reads all of a request. Throws `message-too-large` for a body of more than `MAX_BODY_BYTES`, and
 * what `Request` throws.
 */
export async function outgoing(
	input: FetchInput,
	init: RequestInit | undefined,
): Promise<Outgoing> {
	const asked = new Request(input, init);
	const body =
		asked.body === null
			? undefined
			: await allOf(asked.body, MAX_BODY_BYTES, TOO_LARGE);
	// The body of `asked` is read, and `Request` takes another in its place.
	const sent = body === undefined ? {} : { body };
	return {
		method: asked.method,
		url: asked.url,
		body: body ?? new Uint8Array(),
		headers: asked.headers,
		signal: asked.signal,
		again: () => new Request(asked, sent),
		paidWith(field) {
			const headers = new Headers(asked.headers);
			headers.set(PAYMENT_SIGNATURE, field);
			return new Request(asked, { ...sent, headers, redirect: "manual" });
		},
	};
}
