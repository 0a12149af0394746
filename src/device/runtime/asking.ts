import { asTetradError, TetradError } from "../../errors.ts";
import type { AskEffect, AskedEvent } from "../../machine/index.ts";

/** How a driver asks servers for its machine. It answers for each, and never rejects. */
export type Ask = (
	asked: AskEffect,
	signal: AbortSignal,
) => Promise<AskedEvent>;

/** After so long a server is taken not to answer: half a minute. */
const PATIENCE_MS = 30_000;

/** Of an answer, in bytes: as much as the machines that ask read of one. */
const MAX_ANSWER_BYTES: number = 2 ** 22;

/**
 * Over HTTP, with `fetch`. A redirection is no answer: a server that sends requests with money
 * elsewhere is not the one that the owner has named.
 */
export const askOverHttp: Ask = async (
	{ id, server, method, path, body },
	signal,
) => {
	try {
		const response = await fetch(`${server}${path}`, {
			method,
			redirect: "error",
			headers: {
				accept: "application/json",
				...(method === "POST" ? { "content-type": "application/json" } : {}),
			},
			...(method === "POST" ? { body: new Uint8Array(body) } : {}),
			signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
		});
		const { status } = response;
		return { kind: "answered", id, status, body: await readWithin(response) };
	} catch (thrown) {
		return { kind: "not-answered", id, error: whyNot(server, thrown) };
	}
};

/** The whole body. Throws `limit-exceeded` for a larger one than is read. */
async function readWithin(response: Response): Promise<Uint8Array> {
	const parts: Uint8Array[] = [];
	let length = 0;
	for await (const part of response.body ?? []) {
		length += part.length;
		if (length > MAX_ANSWER_BYTES)
			throw new TetradError(
				"limit-exceeded",
				`the server's answer is longer than ${MAX_ANSWER_BYTES} bytes`,
			);
		parts.push(part);
	}
	return Buffer.concat(parts);
}

function whyNot(server: string, thrown: unknown): TetradError {
	if (thrown instanceof TetradError) return thrown;
	if (thrown instanceof DOMException && thrown.name === "TimeoutError")
		return new TetradError("timed-out", `${server} has not answered in time`);
	return new TetradError(
		"carrier-failed",
		`${server} could not be asked; see that it runs and can be reached from here`,
		{ cause: asTetradError(thrown) },
	);
}
