/* What the errors that a server reports mean for a store. */
import { TetradError } from "../errors.ts";
import type { PostgresTarget } from "./postgres-url.ts";

export type ServerError = Error & { readonly code: string };

/** serialization_failure and deadlock_detected. */
export function isConflict({ code }: ServerError): boolean {
	return code === "40001" || code === "40P01";
}

export function notTaken(cause: ServerError): TetradError {
	return new TetradError(
		"internal",
		"a row was to be inserted whose key is there, or which PostgreSQL does not take",
		{ cause },
	);
}

/** What the server's refusal of a whole batch means, once it has rolled back. */
export function refusedBy(
	{ where }: PostgresTarget,
	cause: ServerError,
): TetradError {
	const { code, message } = cause;
	// insufficient_resources, of which too_many_connections comes only before a transaction
	if (code.startsWith("53"))
		return new TetradError(
			"store-full",
			`${where} has no room (${message}); nothing was written: make room there, and the store goes on`,
			{ cause },
		);
	if (isConflict(cause) || code === "55P03")
		return new TetradError(
			"busy",
			`another program writes to the store at ${where}; nothing was written: end that program`,
			{ cause },
		);
	return new TetradError(
		"store-failed",
		`${where} refused (${code}: ${message}); check the server, then open the store again to see what is there`,
		{ cause },
	);
}
