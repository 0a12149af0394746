import { setTimeout as wait } from "node:timers/promises";
import { asTetradError, type TetradError } from "../../errors.ts";
import type { PaidAnswer, Paying } from "../../paid/index.ts";
import { parseAnswer, responseOf } from "./answer.ts";
import { ANSWER_AFTER_FAILURE_MS } from "./limits.ts";
import {
	boughtField,
	type Fetch,
	isFailure,
	isUnpaid,
	type PaidRequest,
	refusedBy,
	type Sent,
	sent,
} from "./paying.ts";

/** What the purchase has come to. */
type Ended =
	| { readonly kind: "bought"; readonly answer: PaidAnswer }
	| { readonly kind: "not-bought"; readonly error: TetradError };

/**
 * The answer of a request that is paid sealed is what was bought, whatever HTTP says: that may lie,
 * or be lost. Where nothing is paid, a failure that the server has answered instead is the answer.
 * Throws why there is none, else.
 */
export async function sealedAnswer(
	fetch: Fetch,
	{
		request,
		terms,
		field,
		paying,
	}: PaidRequest<Paying & { readonly mode: "sealed" }>,
): Promise<Response> {
	const left = new AbortController();
	const signal = AbortSignal.any([request.signal, left.signal]);
	const http = paying.isToBeSent
		? sent(fetch(request.paidWith(field), { signal }))
		: undefined;
	const purchase = ended(paying.answer);
	const first = await Promise.race(http ? [http, purchase] : [purchase]);
	if (first.kind === "answered" && first.response.status >= 400)
		paying.giveUp(refusedBy(first.response));
	const end = await purchase;
	if (end.kind === "bought") {
		left.abort();
		const { bytes, purchase: bought } = end.answer;
		const answer = responseOf(parseAnswer(bytes), boughtField(terms, bought));
		await paying.taken();
		return answer;
	}
	paying.giveUp(end.error);
	if (isUnpaid(end.error)) {
		request.signal.throwIfAborted();
		const instead = await answeredInstead(http);
		if (instead !== undefined) return instead;
	}
	left.abort();
	throw end.error;
}

/** What a server has answered to a request for which nothing was paid. */
async function answeredInstead(
	http: Promise<Sent> | undefined,
): Promise<Response | undefined> {
	const late = wait(ANSWER_AFTER_FAILURE_MS, undefined, { ref: false });
	const come = await Promise.race([http, late]);
	const hasFailed = come?.kind === "answered" && isFailure(come.response);
	return hasFailed ? come.response : undefined;
}

async function ended(answer: Promise<PaidAnswer>): Promise<Ended> {
	try {
		return { kind: "bought", answer: await answer };
	} catch (thrown) {
		return { kind: "not-bought", error: asTetradError(thrown) };
	}
}
