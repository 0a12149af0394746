/*
 * A result that asks for payment, as x402's transport for MCP has it: an error whose structured
 * content is what has to be paid, and its text the same as JSON. Those who have an earlier form of
 * that transport put it into a wrapper, which is read and never written.
 */
import type { CallToolResult } from "@modelcontextprotocol/server";
import { z } from "zod";
import type { ErrorCode } from "../errors.ts";
import type { PaidTerms } from "../paid/index.ts";
import {
	type PaymentRequired,
	parsePaymentRequired,
	wayOf,
} from "../paid/x402/index.ts";
import { MAX_PAYMENT_TEXT } from "./limits.ts";
import { PAYMENT_RESPONSE } from "./meta.ts";

const resultForm = z.looseObject({
	isError: z.literal(true),
	structuredContent: z.unknown().optional(),
	content: z.array(z.looseObject({ text: z.string().optional() })).catch([]),
});

const wrapperForm = z.looseObject({
	"x402/error": z.looseObject({ data: z.unknown().optional() }),
});

/** How a tool asks to be paid. */
export interface Asking {
	/** Why a payment that came with the call was not taken. */
	readonly code?: ErrorCode | undefined;
	/** Whether the tool has run, and its result was not paid for. */
	readonly isUnsettled?: boolean;
	/** Whether the tool's results have a schema: the older generation of clients holds errors to it as well, so that these have no structured content then. */
	readonly hasSchema: boolean;
}

/** What a tool answers to a call that is not paid so. */
export function paymentRequired(
	tool: string,
	terms: PaidTerms,
	{ code, isUnsettled = false, hasSchema }: Asking,
): CallToolResult {
	const way = wayOf(terms);
	const { network } = way;
	const failed = {
		success: false,
		errorReason: code,
		transaction: "",
		network,
	};
	const required = {
		x402Version: 2,
		error: code ?? "this tool is paid for",
		resource: { url: `mcp://tool/${encodeURIComponent(tool)}` },
		accepts: [way],
		...(isUnsettled ? { [PAYMENT_RESPONSE]: failed } : {}),
	};
	return {
		isError: true,
		...(hasSchema ? {} : { structuredContent: required }),
		content: [{ type: "text", text: JSON.stringify(required) }],
	};
}

/** What a result asks to be paid; `undefined` for one that asks for nothing that is known here. */
export function paymentRequiredIn(
	result: unknown,
): PaymentRequired | undefined {
	const { structuredContent, content } =
		resultForm.safeParse(result).data ?? {};
	return requiredIn(structuredContent) ?? requiredIn(json(content?.[0]?.text));
}

function requiredIn(said: unknown): PaymentRequired | undefined {
	const wrapped = wrapperForm.safeParse(said).data?.["x402/error"].data;
	return parsePaymentRequired(wrapped ?? said);
}

function json(text: string | undefined): unknown {
	if (text === undefined || text.length > MAX_PAYMENT_TEXT) return undefined;
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
