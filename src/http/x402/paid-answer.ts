import { MAX_ANSWER_BYTES, replyTo } from "../../paid/index.ts";
import { settledOf } from "../../paid/x402/index.ts";
import { parseAnswer, responseOf } from "./answer.ts";
import { allOf } from "./bounded.ts";
import { PAYMENT_RESPONSE, readField, writeField } from "./fields.ts";
import { isKept, readKept } from "./kept.ts";
import { MAX_PAYMENT_FIELD } from "./limits.ts";
import { type Fetch, judge, type PaidRequest } from "./paying.ts";

/** The answer of a request that is paid. Rejects as `replyTo`. */
export function paidAnswer(
	fetch: Fetch,
	{ request, terms, field, paying, refused }: PaidRequest,
): Promise<Response> {
	const bought = (bytes: Uint8Array, contract: string) =>
		responseOf(parseAnswer(bytes), writeField(settledOf(terms, contract)));
	return replyTo(paying, {
		signal: request.signal,
		async send(signal) {
			const response = await fetch(request.paidWith(field), { signal });
			if (response.status === 402) refused?.(response);
			if (paying.mode === "sealed" || response.status >= 400) return response;
			const whole = await wholeOf(response);
			return whole.kept === undefined
				? new Response(whole.body, response)
				: bought(whole.kept, paying.purchase.contract);
		},
		judge,
		read: ({ bytes, purchase }) => bought(bytes, purchase.contract),
	});
}

/** The body, read to its end, or the answer that was given again. */
async function wholeOf(
	response: Response,
): Promise<
	| { readonly body: Uint8Array<ArrayBuffer> | null; readonly kept?: undefined }
	| { readonly kept: Uint8Array }
> {
	const body = await allOf(
		response.body,
		MAX_ANSWER_BYTES,
		`the answer has more than ${MAX_ANSWER_BYTES} bytes`,
	);
	const said = response.headers.get(PAYMENT_RESPONSE);
	if (isKept(readField(said, MAX_PAYMENT_FIELD)))
		return { kept: readKept(body) };
	return { body: body.length === 0 ? null : body };
}
