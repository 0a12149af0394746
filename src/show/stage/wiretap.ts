import { createWriteStream, type WriteStream } from "node:fs";
import {
	createConnection,
	createServer,
	type Server,
	type Socket,
} from "node:net";
import { join } from "node:path";
import type { Writable } from "node:stream";
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

/** What becomes of bytes that a tap holds back: they go on, or the wire is cut before them. */
export type Verdict = "pass" | "cut";

/** Asked before each piece of what goes one way, which is held back until it has said. */
type Gate = () => Promise<Verdict>;

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
	readonly #gates: [Gate?, Gate?] = [];

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

	/** From now on nothing that `from` sends goes on before `gate` has judged it; it is captured either way. */
	hold(from: Place, gate: Gate): void {
		this.#gates[from === this.captured[0].from ? 0 : 1] = gate;
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
		const waitFor = (full: Writable) => {
			source.pause();
			full.once("drain", () => source.resume());
		};
		const held = (chunk: string | Buffer, filed: boolean, gate: Gate) => {
			source.pause();
			const cut = () => {
				source.destroy();
				sink.destroy();
			};
			gate().then((verdict) => {
				if (verdict === "cut") return cut();
				const room = sink.write(chunk);
				if (room && filed) source.resume();
				else waitFor(room ? file : sink);
			}, cut);
		};
		this.#sockets.add(source);
		source.on("data", (chunk) => {
			if (captured.arrivals.length < MAX_ARRIVALS)
				captured.arrivals.push({
					offset: captured.bytes,
					at: performance.now(),
				});
			captured.bytes += chunk.length;
			const filed = file.write(chunk);
			const gate = this.#gates[direction];
			if (gate !== undefined) return held(chunk, filed, gate);
			const room = sink.write(chunk);
			if (!room || !filed) waitFor(room ? file : sink);
		});
		source.on("end", () => sink.end());
		source.on("error", () => sink.destroy());
		source.on("close", () => {
			this.#sockets.delete(source);
			sink.end();
		});
	}
}
