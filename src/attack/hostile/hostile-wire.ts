import { createConnection, createServer, type Socket } from "node:net";
import {
	type Address,
	FrameSplitter,
	formatAddress,
	type TcpAddress,
} from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import { copy, parseFrame } from "../../wire/index.ts";

/** What comes next from the other end. */
export type Next =
	| {
			readonly kind: "frame";
			readonly type: number;
			/** Header included. */
			readonly bytes: Uint8Array;
	  }
	/** It closed the connection, or broke it off. */
	| { readonly kind: "closed" }
	/** Nothing in time. */
	| { readonly kind: "silent" };

/** Frames that are kept until somebody looks at them; whoever is attacked never sends so many. */
const MAX_WAITING = 10_000;

let calls = 0;

/**
 * On Linux all of 127.0.0.0/8 is this machine, and each call comes from an address of its own: a
 * merchant limits the calls of one, and would refuse most for that alone.
 */
function nextSource(host: string): { readonly localAddress?: string } {
	if (host !== "127.0.0.1" || process.platform !== "linux") return {};
	const number = calls++ % 50_000;
	return {
		localAddress: `127.1.${Math.floor(number / 250)}.${1 + (number % 250)}`,
	};
}

/** A connection in hostile hands: any bytes may be sent, and every frame that comes is kept. */
export class HostileWire implements AsyncDisposable {
	/** Where this end is, as the other end names it: "127.0.0.1:40000", and "" on a Unix socket. */
	readonly localAddress: string;
	readonly #socket: Socket;
	readonly #splitter = new FrameSplitter();
	readonly #waiting: Uint8Array[] = [];
	#isClosed = false;
	#wake: (() => void) | undefined;

	/** A socket from which nobody has read. */
	constructor(socket: Socket) {
		this.#socket = socket;
		// It is no longer known once the socket is closed.
		const { localAddress = "", localPort } = socket;
		this.localAddress =
			localPort === undefined ? "" : `${localAddress}:${localPort}`;
		socket.setNoDelay(true);
		socket.on("data", (chunk: Buffer) => this.#take(chunk));
		socket.on("error", () => {});
		socket.on("end", () => this.#close());
		socket.on("close", () => this.#close());
	}

	/** Rejects with `carrier-failed` where nobody listens, and with `aborted`. */
	static connect(address: Address, signal: AbortSignal): Promise<HostileWire> {
		const { promise, resolve, reject } = Promise.withResolvers<HostileWire>();
		const socket =
			address.kind === "unix"
				? createConnection({ path: address.path, allowHalfOpen: true })
				: createConnection({
						host: address.host,
						port: address.port,
						...nextSource(address.host),
						allowHalfOpen: true,
					});
		const onAbort = () =>
			socket.destroy(new TetradError("aborted", "interrupted"));
		if (signal.aborted) onAbort();
		signal.addEventListener("abort", onAbort, { once: true });
		socket.once("close", () => signal.removeEventListener("abort", onAbort));
		socket.once("connect", () => resolve(new HostileWire(socket)));
		socket.once("error", (cause) =>
			reject(
				new TetradError(
					"carrier-failed",
					`cannot connect to ${formatAddress(address)}: ${cause.message}`,
					{ cause },
				),
			),
		);
		return promise;
	}

	/** Bytes as they are; what cannot be sent any more is dropped. */
	send(...parts: readonly Uint8Array[]): void {
		for (const bytes of parts)
			if (!this.#socket.destroyed) this.#socket.write(bytes);
	}

	/** Says that nothing more is sent, and goes on reading. */
	end(): void {
		this.#socket.end();
	}

	/** Breaks the connection off. */
	reset(): void {
		this.#socket.resetAndDestroy();
	}

	/** The next frame or the end; `silent` when nothing comes within so many milliseconds. */
	async next(withinMs: number): Promise<Next> {
		if (this.#waiting.length === 0 && !this.#isClosed)
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, withinMs);
				this.#wake = () => {
					clearTimeout(timer);
					resolve();
				};
			});
		this.#wake = undefined;
		const bytes = this.#waiting.shift();
		if (bytes !== undefined)
			return { kind: "frame", type: parseFrame(bytes).type, bytes };
		return { kind: this.#isClosed ? "closed" : "silent" };
	}

	/** What the other end does at last: all that it says meanwhile is kept in `frames`. */
	async rest(withinMs: number): Promise<Rest> {
		const until = performance.now() + withinMs;
		const frames: Uint8Array[] = [];
		for (;;) {
			const next = await this.next(Math.max(0, until - performance.now()));
			if (next.kind !== "frame") return { frames, end: next.kind };
			frames.push(next.bytes);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#socket.destroyed) return;
		await new Promise<void>((resolve) => {
			this.#socket.once("close", () => resolve());
			this.#socket.destroy();
		});
	}

	#take(chunk: Buffer): void {
		try {
			this.#splitter.push(new Uint8Array(chunk));
			for (;;) {
				const frame = this.#splitter.next();
				if (frame === undefined) break;
				if (this.#waiting.length < MAX_WAITING) this.#waiting.push(copy(frame));
			}
		} catch {
			// What speaks no frames is no device, and is seen as one that hangs up.
			this.#socket.destroy();
		}
		this.#wake?.();
	}

	#close(): void {
		this.#isClosed = true;
		this.#wake?.();
	}
}

/** All that came, and whether the connection was closed by the other end. */
export interface Rest {
	readonly frames: readonly Uint8Array[];
	readonly end: "closed" | "silent";
}

/** Somebody hostile who is called: each connection is handed to `answer`. */
export class HostileListener implements AsyncDisposable {
	readonly address: TcpAddress;
	readonly #close: () => Promise<void>;

	private constructor(address: TcpAddress, close: () => Promise<void>) {
		this.address = address;
		this.#close = close;
	}

	/** Listens at a free port of this machine. */
	static async open(
		answer: (wire: HostileWire) => Promise<void>,
	): Promise<HostileListener> {
		const sockets = new Set<Socket>();
		const server = createServer({ allowHalfOpen: true }, (socket) => {
			sockets.add(socket);
			socket.once("close", () => sockets.delete(socket));
			// What goes wrong with the attacker is seen at whoever is attacked.
			answer(new HostileWire(socket)).catch(() => socket.destroy());
		});
		await new Promise<void>((resolve, reject) => {
			server.once("error", reject);
			server.listen(0, "127.0.0.1", resolve);
		});
		const bound = server.address();
		const port = bound !== null && typeof bound === "object" ? bound.port : 0;
		return new HostileListener(
			{ kind: "tcp", host: "127.0.0.1", port },
			async () => {
				for (const socket of sockets) socket.destroy();
				await new Promise<void>((resolve) => server.close(() => resolve()));
			},
		);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#close();
	}
}
