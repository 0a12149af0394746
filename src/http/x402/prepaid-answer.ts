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
	refusalIn,
	refusedBy,
} from "./paying.ts";

/** A payment that is made. */
type Prepaid = Paying & { readonly mode: "prepaid" };

/**
 * The answer of a request that is paid already comes over HTTP. As long as none has come whole, the
 * same request asks for it again, and pays nothing new: that is `payment-in-doubt`. A failure that
 * the server has answered is the answer, and what was paid is taken back.
 */
export async function prepaidAnswer(
	fetch: Fetch,
	{ request, terms, field, paying }: PaidRequest<Prepaid>,
): Promise<Response> {
	const { signal } = request;
	try {
		const response = await fetch(request.paidWith(field), { signal });
		if (response.status >= 400) return await notAnswered(response, paying);
		const answer = await wholeOf(response, boughtField(terms, paying.purchase));
		await paying.taken();
		return answer;
	} catch (thrown) {
		if (thrown instanceof TetradError) throw thrown;
		throw inDoubt(thrown);
	}
}

/** An answer, whose body is read to its end. */
async function wholeOf(response: Response, paid: string): Promise<Response> {
	const body = await allOf(
		response.body,
		MAX_ANSWER_BYTES,
		`the answer has more than ${MAX_ANSWER_BYTES} bytes`,
	);
	const said = response.headers.get(PAYMENT_RESPONSE);
	return isKept(readField(said, MAX_PAYMENT_FIELD))
		? responseOf(parseAnswer(readKept(body)), paid)
		: new Response(body.length === 0 ? null : body, response);
}

/** Takes back what was paid for what is not answered. Throws `payment-in-doubt` where it may still be, and `payment-refused` where it was given back. */
async function notAnswered(
	response: Response,
	paying: Prepaid,
): Promise<Response> {
	const error = refusedBy(response);
	if (refusalIn(response) === "busy") throw inDoubt(error);
	try {
		await paying.refund();
	} catch (cause) {
		throw inDoubt(new AggregateError([error, cause]));
	}
	if (isFailure(response)) return response;
	throw new TetradError(
		"payment-refused",
		"the request was paid (prepaid) and not answered, and what was paid was given back",
		{ cause: error },
	);
}

function inDoubt(cause: unknown): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"it is paid (prepaid), and its answer has not come; the same request asks for it again, and pays nothing new",
		{ cause },
	);
}
