import { TetradError } from "../../errors.ts";
import { MAX_ANSWER_BYTES, type Paying } from "../../paid/index.ts";
import { parseAnswer, responseOf } from "./answer.ts";
import { allOf } from "./bounded.ts";
import { PAYMENT_RESPONSE, readField } from "./fields.ts";
import { isKept, readKept } from "./kept.ts";
import { MAX_PAYMENT_FIELD } from "./limits.ts";
import {
	boughtField,
	type Fetch,
	isFailure,
	type PaidRequest,
	refusedBy,
} from "./paying.ts";

/**
 * The answer of a request that is paid already comes over HTTP. As long as none has come whole, the
 * same request asks for it again, and pays nothing new: that is `payment-in-doubt`. A failure that
 * the server has answered is the answer; it refunds what it failed at.
 */
export async function prepaidAnswer(
	fetch: Fetch,
	{
		request,
		terms,
		field,
		paying,
	}: PaidRequest<Paying & { readonly mode: "prepaid" }>,
): Promise<Response> {
	const { signal } = request;
	let response: Response;
	let body: Uint8Array<ArrayBuffer>;
	try {
		response = await fetch(request.paidWith(field), { signal });
		if (isFailure(response)) return response;
		if (response.status >= 400) throw refusedBy(response);
		body = await allOf(
			response.body,
			MAX_ANSWER_BYTES,
			"the answer is too long",
		);
	} catch (cause) {
		throw unanswered(cause);
	}
	const said = readField(
		response.headers.get(PAYMENT_RESPONSE),
		MAX_PAYMENT_FIELD,
	);
	const answer = isKept(said)
		? responseOf(
				parseAnswer(readKept(body)),
				boughtField(terms, paying.purchase),
			)
		: new Response(body.length === 0 ? null : body, response);
	await paying.taken();
	return answer;
}

function unanswered(cause: unknown): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"it is paid (prepaid), and its answer has not come; the same request asks for it again, and pays nothing new",
		{ cause },
	);
}
