/*
 * An answer that is given again. Stock middlewares answer nothing but JSON and HTML where no handler
 * runs, so that it stands in JSON: {"answer": base64 of what was sold}.
 */
import type { SkipHandlerDirective } from "@x402/core/server";
import { z } from "zod";
import { TetradError } from "../../errors.ts";

const keptForm = z.strictObject({ answer: z.base64() });

export function writeKept(answer: Uint8Array): SkipHandlerDirective {
	const body = { answer: Buffer.from(answer).toString("base64") };
	return { contentType: "application/json", body };
}

/** What settling says of an answer that is given again. */
export const KEPT: { readonly kept: true } = { kept: true };

const settledForm = z.looseObject({
	extra: z.looseObject({ kept: z.literal(true) }),
});

/** Whether what is said of a payment is that its answer is given again. */
export function isKept(said: unknown): boolean {
	return settledForm.safeParse(said).success;
}

/** Throws `malformed`. */
export function readKept(body: Uint8Array): Uint8Array {
	try {
		const { answer } = keptForm.parse(JSON.parse(Buffer.from(body).toString()));
		return new Uint8Array(Buffer.from(answer, "base64"));
	} catch (cause) {
		throw new TetradError(
			"malformed",
			"the server has given no answer again, though it said so",
			{ cause },
		);
	}
}
