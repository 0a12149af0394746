/* An answer of status 402, as its client reads it. */
import {
	type PaymentRequired,
	parsePaymentRequired,
} from "../../paid/x402/index.ts";
import { allOf } from "./bounded.ts";
import { PAYMENT_REQUIRED, readField } from "./fields.ts";
import { MAX_PAYMENT_FIELD } from "./limits.ts";

/** What an answer asks to be paid with, in its header or, without one, in its body; `undefined` for one that asks for nothing that is known here. The answer can be read as before. */
export async function paymentRequiredIn(
	response: Response,
): Promise<PaymentRequired | undefined> {
	if (response.status !== 402) return undefined;
	const field = response.headers.get(PAYMENT_REQUIRED);
	if (field !== null)
		return parsePaymentRequired(readField(field, MAX_PAYMENT_FIELD));
	const type = response.headers.get("content-type") ?? "";
	if (!type.startsWith("application/json")) return undefined;
	try {
		const { body } = response.clone();
		const bytes = await allOf(body, MAX_PAYMENT_FIELD, "too long");
		return parsePaymentRequired(JSON.parse(Buffer.from(bytes).toString()));
	} catch {
		return undefined;
	}
}
