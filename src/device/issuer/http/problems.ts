/* What is refused, as RFC 9457 says it, and the headers of every answer. */
import { asTetradError, type ErrorCode } from "../../../errors.ts";
import type { ProblemJson } from "../operator-schemas.ts";

export const SECURITY = {
	"Cache-Control": "no-store",
	"X-Content-Type-Options": "nosniff",
	"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy": "no-referrer",
} as const;

export const PROBLEM = { "Content-Type": "application/problem+json" } as const;

const TITLES: Readonly<Record<number, string>> = {
	400: "Bad Request",
	401: "Unauthorized",
	403: "Forbidden",
	404: "Not Found",
	405: "Method Not Allowed",
	413: "Content Too Large",
	415: "Unsupported Media Type",
	500: "Internal Server Error",
	503: "Service Unavailable",
};

export function problem(
	status: number,
	code: ErrorCode | "not-found" | "not-allowed",
	detail: string,
): ProblemJson {
	const title = TITLES[status] ?? "Error";
	return { type: "about:blank", title, status, detail, code };
}

/** A request that is refused by what is in it. */
export class Refused extends Error {
	readonly problem: ProblemJson;

	constructor(what: ProblemJson) {
		super(what.detail);
		this.problem = what;
	}
}

export const notFound = (what: string): Refused =>
	new Refused(problem(404, "not-found", `there is no such ${what}`));

export function problemOf(thrown: unknown): ProblemJson {
	if (thrown instanceof Refused) return thrown.problem;
	const { code, message } = asTetradError(thrown);
	switch (code) {
		case "invalid-argument":
		case "malformed":
		case "limit-exceeded":
			return problem(400, code, message);
		case "busy":
		case "store-full":
		case "store-failed":
			return problem(503, code, message);
		default:
			return problem(500, "internal", "an internal check failed");
	}
}
