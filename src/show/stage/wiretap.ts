import { createWriteStream, type WriteStream } from "node:fs";
import {
	createConnection,
	createServer,
	type Server,
	type Socket,
} from "node:net";
import { join } from "node:path";
import type { Address } from "../../carrier/index.ts";
import type { Place } from "../../tetrad/index.ts";

/** The three wires between four devices. */
export type Wire = "network" | "link A–X" | "link B–Y";

/** Who calls on a wire, and who answers. */
export const ENDS: Readonly<Record<Wire, readonly [Place, Place]>> = {
	network: ["A", "B"],
	"link A–X": ["A", "X"],
	"link B–Y": ["B", "Y"],
};

/** Bytes that arrived together. */
interface Arrival {
	/** Offset in the direction's file. */
	readonly offset: number;
	/** Milliseconds, by `performance.now`. */
	readonly at: number;
}

/** What crossed a wire in one direction, in a file. */
export interface Captured {
	readonly wire: Wire;
	readonly from: string;
	readonly to: string;
	readonly file: string;
	bytes: number;
	readonly arrivals: Arrival[];
}

/** Arrivals whose time is kept; later bytes count as arriving with the last of them. */
const MAX_ARRIVALS = 100_000;

/** Connections that a tap lets through at a time; a tap stands on one wire between two processes. */
const MAX_CONNECTIONS = 8;

/**
 * A tap on a wire between two processes: it listens where the caller connects, passes every byte
 * on to where the other end listens, and keeps a copy of each. It has no keys.
 */
export class Wiretap implements AsyncDisposable {
	readonly captured: readonly [Captured, Captured];
	readonly #server: Server;
	readonly #target: Address;
	readonly #sockets = new Set<Socket>();
	readonly #files: readonly [WriteStream, WriteStream];

	private constructor(wire: Wire, folder: string, target: Address) {
		const [caller, answerer] = ENDS[wire];
		const direction = (from: string, to: string): Captured => ({
			wire,
			from,
			to,
			file: join(folder, `${from}-to-${to}.bin`),
			bytes: 0,
			arrivals: [],
		});
		this.captured = [direction(caller, answerer), direction(answerer, caller)];
		this.#files = [
			createWriteStream(this.captured[0].file, { mode: 0o600 }),
			createWriteStream(this.captured[1].file, { mode: 0o600 }),
		];
		this.#target = target;
		this.#server = createServer((socket) => this.#pass(socket));
		this.#server.maxConnections = MAX_CONNECTIONS;
	}

	/** Stands between whoever connects to `at` and `target`. */
	static async place(
		wire: Wire,
		folder: string,
		at: Address,
		target: Address,
	): Promise<{ tap: Wiretap; address: Address }> {
		const tap = new Wiretap(wire, folder, target);
		const server = tap.#server;
		await new Promise<void>((resolve, reject) => {
			server.once("error", reject);
			if (at.kind === "unix") server.listen(at.path, resolve);
			else server.listen(at.port, at.host, resolve);
		});
		const bound = server.address();
		const address: Address =
			at.kind === "tcp" && bound !== null && typeof bound === "object"
				? { ...at, port: bound.port }
				: at;
		return { tap, address };
	}

	/** Waits until everything that was captured is in its file. */
	async flush(): Promise<void> {
		await Promise.all(
			this.#files.map(
				(file) =>
					new Promise<void>((resolve, reject) =>
						file.write("", (error) => (error ? reject(error) : resolve())),
					),
			),
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		await new Promise((resolve) => this.#server.close(resolve));
		for (const file of this.#files)
			await new Promise<void>((resolve) => file.end(() => resolve()));
	}

	#pass(caller: Socket): void {
		const answerer =
			this.#target.kind === "unix"
				? createConnection(this.#target.path)
				: createConnection(this.#target.port, this.#target.host);
		caller.setNoDelay();
		answerer.setNoDelay();
		this.#copy(caller, answerer, 0);
		this.#copy(answerer, caller, 1);
	}

	#copy(source: Socket, sink: Socket, direction: 0 | 1): void {
		const captured = this.captured[direction];
		const file = this.#files[direction];
		this.#sockets.add(source);
		source.on("data", (chunk) => {
			if (captured.arrivals.length < MAX_ARRIVALS)
				captured.arrivals.push({
					offset: captured.bytes,
					at: performance.now(),
				});
			captured.bytes += chunk.length;
			const room = sink.write(chunk);
			const filed = file.write(chunk);
			if (room && filed) return;
			source.pause();
			const waiting = room ? file : sink;
			waiting.once("drain", () => source.resume());
		});
		source.on("end", () => sink.end());
		source.on("error", () => sink.destroy());
		source.on("close", () => {
			this.#sockets.delete(source);
			sink.end();
		});
	}
}
