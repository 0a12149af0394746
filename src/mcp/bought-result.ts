/* A result that was paid for, as its buyer has it. */
import {
	type CallToolResult,
	isCallToolResult,
} from "@modelcontextprotocol/server";
import type { Purchase } from "../device/service/index.ts";
import { TetradError } from "../errors.ts";
import type { Judged } from "../paid/index.ts";
import { refusalIn, settledOf } from "../paid/x402/index.ts";
import type { KnownTool } from "./known-tools.ts";
import { PAYMENT_RESPONSE, RECEIPT } from "./meta.ts";
import { paymentRequiredIn } from "./payment-required.ts";

/** What a server says to a call that has its payment. Its own words are not repeated. */
export function judge(result: unknown): Judged {
	if (!isCallToolResult(result) || result.isError !== true)
		return { kind: "answer" };
	const required = paymentRequiredIn(result);
	if (required === undefined)
		return { kind: "failure", error: refused("the tool has failed") };
	const code = refusalIn(required);
	const error = refused(
		`the server has not taken the payment of this call${code === undefined ? "" : ` (${code})`}`,
	);
	return { kind: code === "busy" ? "busy" : "refusal", code, error };
}

/** Holds a result to what its tool was listed with, as clients do. Throws `malformed`. */
export function checked(tool: KnownTool, result: unknown): CallToolResult {
	if (!isCallToolResult(result))
		throw malformed("what was answered is no result of a tool");
	const { structuredContent, isError = false } = result;
	if (tool.validate === undefined || isError) return result;
	if (structuredContent === undefined)
		throw malformed(
			"the result has no structured content, which its tool's schema asks for",
		);
	if (!tool.validate(structuredContent).valid)
		throw malformed(
			"the structured content of the result is not what its tool's schema allows",
		);
	return result;
}

/** With what it was bought by, which is not its server's word. */
export function withReceipt(
	result: CallToolResult,
	purchase: Purchase,
): CallToolResult {
	const { contract, merchant, merchantId, module } = purchase;
	const { amount, currency, exponent, play, issuer } = purchase;
	const _meta = {
		...result._meta,
		[PAYMENT_RESPONSE]: settledOf(purchase, contract),
		[RECEIPT]: {
			...{ contract, merchant, merchantId, module },
			...{ amount: `${amount}`, currency, exponent, play, issuer },
		},
	};
	return { ...result, _meta };
}

function refused(why: string): TetradError {
	return new TetradError("refused-by-peer", why);
}

function malformed(why: string): TetradError {
	return new TetradError("malformed", why);
}
