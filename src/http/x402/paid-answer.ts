import type { Fetch, PaidRequest } from "./paying.ts";
import { prepaidAnswer } from "./prepaid-answer.ts";
import { sealedAnswer } from "./sealed-answer.ts";

/** The answer of a request that is paid. Throws why there is none. */
export function paidAnswer(
	fetch: Fetch,
	{ paying, ...paid }: PaidRequest,
): Promise<Response> {
	return paying.mode === "sealed"
		? sealedAnswer(fetch, { ...paid, paying })
		: prepaidAnswer(fetch, { ...paid, paying });
}
