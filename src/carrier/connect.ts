import { createConnection, type Socket } from "node:net";
import { TetradError } from "../errors.ts";
import { type Address, asAddress, formatAddress } from "./address.ts";
import type { Carrier } from "./carrier.ts";
import {
	CARRIER_LIMITS,
	type CarrierLimits,
	DEFAULT_CONNECT_MS,
	seconds,
	startLimit,
} from "./limits.ts";
import { streamCarrier } from "./stream.ts";

/** How a listener is called. */
export interface ConnectOptions {
	/** Gives up with `aborted`. It has no effect once connected. */
	readonly signal?: AbortSignal;
	/** How long to try, in milliseconds; 10 seconds when absent. */
	readonly timeoutMs?: number;
	readonly limits?: Partial<CarrierLimits>;
}

/**
 * Connects to a listener. Rejects with `carrier-failed` (nobody there, or no way there),
 * `timed-out`, `aborted`, or `invalid-argument` for an address that is none.
 *
 * @example
 * ```ts
 * import { connect } from "tetrad";
 *
 * const carrier = await connect("shop.example:7000", { timeoutMs: 5000 });
 * const tetrad = await agent.connect(carrier);
 * ```
 */
export async function connect(
	address: Address | string,
	options: ConnectOptions = {},
): Promise<Carrier> {
	const target = asAddress(address);
	const name = formatAddress(target);
	if (target.kind === "tcp" && target.port === 0)
		throw new TetradError(
			"invalid-argument",
			`nobody can be reached at port 0 of ${name}; name the port it listens on`,
		);
	if (options.signal?.aborted) throw aborted(name, options.signal);
	const socket = createConnection(
		target.kind === "tcp"
			? { host: target.host, port: target.port, allowHalfOpen: true }
			: { path: target.path, allowHalfOpen: true },
	);
	return connected(socket, target, options);
}

/** Waits for the connection; whatever happens instead destroys the socket. */
function connected(
	socket: Socket,
	target: Address,
	{ signal, timeoutMs = DEFAULT_CONNECT_MS, limits }: ConnectOptions,
): Promise<Carrier> {
	const name = formatAddress(target);
	const { promise, resolve, reject } = Promise.withResolvers<Carrier>();
	const fail = (error: TetradError) => {
		// A late error of a destroyed socket has nobody to go to.
		socket.on("error", () => {});
		socket.destroy();
		reject(error);
	};
	// In the event itself, so that no error of the socket falls between two listeners.
	const onConnect = () =>
		resolve(
			streamCarrier(socket, target.kind, name, {
				...CARRIER_LIMITS,
				...limits,
			}),
		);
	const onError = (cause: Error) => fail(unreachablePeer(target, cause));
	const onAbort = () => fail(aborted(name, signal));
	const limit = startLimit(timeoutMs, () =>
		fail(
			new TetradError(
				"timed-out",
				`${name} did not answer within ${seconds(timeoutMs)}; check the address and the network`,
			),
		),
	);
	socket.once("connect", onConnect);
	socket.once("error", onError);
	signal?.addEventListener("abort", onAbort);
	return promise.finally(() => {
		clearTimeout(limit);
		socket.off("connect", onConnect);
		socket.off("error", onError);
		signal?.removeEventListener("abort", onAbort);
	});
}

function aborted(name: string, signal: AbortSignal | undefined): TetradError {
	return new TetradError("aborted", `connecting to ${name} was aborted`, {
		cause: signal?.reason,
	});
}

function unreachablePeer(
	target: Address,
	cause: Error & { code?: string },
): TetradError {
	const name = formatAddress(target);
	const code = cause.code ?? "unknown";
	return new TetradError(
		"carrier-failed",
		`cannot connect to ${name}: ${ADVICE[code] ?? `the system says ${code}`}`,
		{ cause },
	);
}

const ADVICE: Readonly<Record<string, string>> = {
	ECONNREFUSED: "nobody listens there; start the other device first",
	ECONNRESET: "it hung up at once; it may have too many connections",
	ENOENT: "there is no such socket; start the other device first",
	ENOTFOUND: "this host name is unknown; check its spelling",
	EAI_AGAIN: "the host name cannot be looked up now; check the network",
	EACCES: "this user may not open it; check who owns the socket",
	EHOSTUNREACH: "there is no way to that host; check the network",
	ENETUNREACH: "there is no way to that network; check the network",
	ETIMEDOUT: "it did not answer; check the address and the network",
	EAGAIN: "it is too busy to answer; try again",
};
