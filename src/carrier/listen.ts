import {
	BlockList,
	createServer,
	type ListenOptions as NodeListenOptions,
	type Server,
	type Socket,
	type SocketAddress,
} from "node:net";
import { asTetradError, TetradError } from "../errors.ts";
import { type Address, asAddress, formatAddress } from "./address.ts";
import type { Carrier } from "./carrier.ts";
import {
	type CarrierLimits,
	DEFAULT_MAX_CONNECTIONS,
	LISTENER_LIMITS,
} from "./limits.ts";
import { sourceOf } from "./source.ts";
import { streamCarrier } from "./stream.ts";
import {
	clearStaleSocket,
	pathInUse,
	withPrivateFiles,
} from "./unix-socket.ts";

/** Connections that wait to be taken, as far as the system allows it. Beyond them the system lets callers wait who are nobody's to cut. */
const MAX_BACKLOG = 4096;

/** How a listener takes connections. */
export interface ListenOptions {
	/** Open connections at a time; more are closed at once. 2048 when absent. */
	readonly maxConnections?: number;
	readonly limits?: Partial<CarrierLimits>;
	/**
	 * Asked for the source of each connection that comes over TCP (`Carrier.source`), before anything is made for it
	 * but what the system has. True cuts it off at once, and nothing else is said of it.
	 */
	readonly turnsAway?: (source: string) => boolean;
	/**
	 * Lets other processes of this user listen at the same address that say so, too: the system gives each connection to
	 * one of them, by where it comes from, port and all (SO_REUSEPORT). For TCP at a port that is named, on Linux.
	 */
	readonly isShared?: boolean;
	/** For logs: a connection that was not taken, and why. */
	readonly onRefused?: (error: TetradError) => void;
}

/** An address that takes connections until it is closed. */
export interface Listener extends AsyncDisposable {
	/** Where it really listens: the port that the system chose, for port 0. */
	readonly address: Address;
	/** Takes no more connections, and removes a Unix socket's file. Its carriers stay open. Idempotent. */
	close(): Promise<void>;
}

/**
 * Listens, and calls `onCarrier` for each connection; when that throws, the connection is
 * dropped. A Unix socket is for this user alone, and replaces the file of a process that is gone.
 * Rejects with `address-in-use`, `carrier-failed` or `invalid-argument`.
 *
 * @example
 * ```ts
 * import { listen } from "tetrad";
 *
 * await using listener = await listen("0.0.0.0:7000", async (carrier) => {
 * 	await using tetrad = await agent.accept(carrier);
 * 	for await (const message of tetrad.agent) await tetrad.agent.send(message);
 * });
 * ```
 */
export async function listen(
	address: Address | string,
	onCarrier: (carrier: Carrier) => void,
	options: ListenOptions = {},
): Promise<Listener> {
	const wanted = asAddress(address);
	const maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS;
	if (!Number.isSafeInteger(maxConnections) || maxConnections < 1)
		throw new TetradError(
			"invalid-argument",
			"maxConnections is a whole number from 1",
		);
	const { turnsAway } = options;
	const server = createServer({
		...{ allowHalfOpen: true, pauseOnConnect: true },
		...(turnsAway === undefined
			? {}
			: { blockList: new Gate(turnsAway, options.onRefused) }),
	});
	server.maxConnections = maxConnections;
	await bind(server, wanted, options.isShared);
	const bound = boundAddress(server, wanted);
	takeConnections(server, bound, onCarrier, options);
	return listener(server, bound);
}

/**
 * What Node asks before it makes a socket of a connection, which costs several kilobytes and lives
 * until the other end has heard. A Node that does not ask makes all of them, as without it.
 */
class Gate extends BlockList {
	readonly #turnsAway: (source: string) => boolean;
	readonly #refused: (error: TetradError) => void;

	constructor(
		turnsAway: (source: string) => boolean,
		refused: (error: TetradError) => void = () => {},
	) {
		super();
		this.#turnsAway = turnsAway;
		this.#refused = refused;
	}

	override check(address: string | SocketAddress): boolean {
		const text = typeof address === "string" ? address : address.address;
		try {
			return this.#turnsAway(sourceOf(text));
		} catch (thrown) {
			// Nobody above this would catch it.
			this.#refused(asTetradError(thrown));
			return true;
		}
	}
}

function takeConnections(
	server: Server,
	bound: Address,
	onCarrier: (carrier: Carrier) => void,
	options: ListenOptions,
): void {
	const limits = { ...LISTENER_LIMITS, ...options.limits };
	const refused = (error: TetradError) => options.onRefused?.(error);
	server.on("connection", (socket: Socket) => {
		const carrier = streamCarrier(
			socket,
			bound.kind,
			peerName(socket, bound),
			limits,
			// One that is gone already is as good as any other of its kind.
			bound.kind === "tcp" ? sourceOf(socket.remoteAddress ?? "") : undefined,
		);
		try {
			onCarrier(carrier);
		} catch (thrown) {
			const error = asTetradError(thrown);
			carrier.destroy(error);
			refused(error);
		}
	});
	server.on("drop", () =>
		refused(
			new TetradError(
				"limit-exceeded",
				`${formatAddress(bound)} has as many connections as it may`,
			),
		),
	);
	// Out of file descriptors, for example: the listener goes on, and takes connections again later.
	server.on("error", (cause) =>
		refused(
			new TetradError(
				"carrier-failed",
				`${formatAddress(bound)} could not take a connection`,
				{ cause },
			),
		),
	);
}

function listener(server: Server, address: Address): Listener {
	// Only the listening ends here; waiting for the carriers is for whoever holds them.
	const close = async () => {
		if (server.listening) server.close();
	};
	return { address, close, [Symbol.asyncDispose]: close };
}

/**
 * Makes a server listen at a Unix socket for this user alone, in the place of the file of a process
 * that is gone. Rejects with `address-in-use`, `carrier-failed` or `invalid-argument`.
 */
export function bindPrivately(server: Server, path: string): Promise<void> {
	return bind(server, asAddress({ kind: "unix", path }));
}

async function bind(
	server: Server,
	address: Address,
	isShared = false,
): Promise<void> {
	if (isShared && (address.kind !== "tcp" || address.port === 0))
		throw new TetradError(
			"invalid-argument",
			`several processes listen together at a host and a port that is named, and not at ${formatAddress(address)}`,
		);
	// Exclusive: a cluster of processes must not share what looks like one device, unless it is one.
	if (address.kind === "tcp") {
		const { host, port } = address;
		const how = { host, port, backlog: MAX_BACKLOG, exclusive: true };
		return bindOnce(server, address, { ...how, reusePort: isShared });
	}
	const { path } = address;
	await clearStaleSocket(path);
	return bindOnce(server, address, { path, exclusive: true });
}

async function bindOnce(
	server: Server,
	address: Address,
	options: NodeListenOptions,
): Promise<void> {
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	const onError = (cause: Error) => reject(cannotListen(address, cause));
	server.once("listening", resolve);
	server.once("error", onError);
	if (address.kind === "tcp") server.listen(options);
	// A path is bound inside this call, so no other code runs under the changed mask.
	else withPrivateFiles(() => server.listen(options));
	await promise;
	server.off("error", onError);
}

function boundAddress(server: Server, wanted: Address): Address {
	const bound = server.address();
	if (wanted.kind === "unix" || bound === null || typeof bound === "string")
		return wanted;
	return { kind: "tcp", host: bound.address, port: bound.port };
}

function peerName(socket: Socket, bound: Address): string {
	const { remoteAddress: host, remotePort: port } = socket;
	if (bound.kind === "unix") return formatAddress(bound);
	return host === undefined || port === undefined
		? "tcp:unknown"
		: formatAddress({ kind: "tcp", host, port });
}

function cannotListen(
	address: Address,
	cause: Error & { code?: string },
): TetradError {
	const name = formatAddress(address);
	if (cause.code === "EADDRINUSE")
		return address.kind === "unix"
			? pathInUse(address.path)
			: new TetradError(
					"address-in-use",
					`another process listens at ${name}; stop it or choose another port`,
					{ cause },
				);
	const code = cause.code ?? "unknown";
	const advice = ADVICE[code] ?? `the system says ${code}`;
	return new TetradError(
		"carrier-failed",
		`cannot listen at ${name}: ${advice}`,
		{ cause },
	);
}

const ADVICE: Readonly<Record<string, string>> = {
	EACCES:
		"this user may not; check that the directory exists and is yours, or take a port from 1024",
	EADDRNOTAVAIL: "this machine does not have that address",
	ENOTFOUND: "this host name is unknown; check its spelling",
	ENOTSUP: "this system does not let several processes share it; run one",
};
