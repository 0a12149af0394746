import type { Socket } from "node:net";
import { TetradError } from "../errors.ts";
import { release } from "../wire/index.ts";
import type { Carrier } from "./carrier.ts";
import { FrameCarrier, type Pipe } from "./frame-carrier.ts";
import type { CarrierLimits } from "./limits.ts";
import type { Part } from "./send-queue.ts";

/**
 * A carrier over a connected socket that nobody has read from yet. The socket should be made
 * with `allowHalfOpen`, so that its end is not written before what is queued.
 */
export function streamCarrier(
	socket: Socket,
	kind: "unix" | "tcp",
	peer: string,
	limits: CarrierLimits,
	source?: string,
): Carrier {
	return new SocketPipe(socket, kind, peer, limits, source).carrier;
}

class SocketPipe implements Pipe {
	readonly gathers = true;
	readonly carrier: FrameCarrier;
	readonly #socket: Socket;
	readonly #kind: "unix" | "tcp";
	/**
	 * What is done to the socket later: nothing any more once it is closed, for a timer holds all that
	 * this connection was for as long as it runs.
	 */
	#later: NodeJS.Timeout | undefined;

	constructor(
		socket: Socket,
		kind: "unix" | "tcp",
		peer: string,
		limits: CarrierLimits,
		source: string | undefined,
	) {
		this.#socket = socket;
		this.#kind = kind;
		this.carrier = new FrameCarrier(kind, peer, this, limits, source);
		const { carrier } = this;
		// Paused first, because listening for data would start the flow.
		socket.pause();
		socket.on("data", (chunk: Buffer) => carrier.arrived(chunk));
		socket.on("end", () => carrier.ended());
		socket.on("error", (error) => carrier.failed(broken(error)));
		socket.on("close", () => {
			clearTimeout(this.#later);
			carrier.gone();
		});
		if (kind === "tcp") {
			// The queue joins small frames itself, and an answer must not wait for an acknowledgement.
			socket.setNoDelay(true);
			// Otherwise a machine that lost its power would look idle for ever. Not at once, because it
			// takes the system several calls and most connections are shorter than that silence.
			this.#later = setTimeout(
				() => socket.setKeepAlive(true, KEEP_ALIVE_MS),
				KEEP_ALIVE_MS,
			).unref();
		}
	}

	write(parts: readonly Part[], done: () => void): void {
		const socket = this.#socket;
		const last = parts.length - 1;
		if (last > 0) socket.cork();
		// A failed write is told by the socket's error event.
		for (const [at, { bytes, owned }] of parts.entries())
			socket.write(bytes, (error) => {
				if (owned) release(bytes);
				if (at === last && !error) done();
			});
		if (last > 0) socket.uncork();
	}

	pause(): void {
		this.#socket.pause();
	}

	resume(): void {
		this.#socket.resume();
	}

	end(): void {
		this.#socket.end();
		// An honest end closes at once. One that does not keeps no process alive for longer than this,
		// in which what still comes is read: once the process is gone, whatever comes is answered by a
		// reset, which takes with it what was written last and is still on its way. No socket says when
		// the other end has that, so there is nothing to wait for but its own end, or this time.
		clearTimeout(this.#later);
		this.#later = setTimeout(() => this.#socket.unref(), LINGER_MS).unref();
	}

	destroy(abrupt: boolean): void {
		// A reset tells the other end that this is no orderly end, and leaves nothing in the kernel.
		if (abrupt && this.#kind === "tcp") this.#socket.resetAndDestroy();
		else this.#socket.destroy();
	}
}

function broken(cause: Error & { code?: string }): TetradError {
	return new TetradError(
		"carrier-failed",
		cause.code === "ECONNRESET" || cause.code === "EPIPE"
			? "the other end broke the connection off"
			: `the connection failed (${cause.code ?? "unknown"})`,
		{ cause },
	);
}

/** How long a process that has nothing else to do waits for the other end to close too, in milliseconds. */
const LINGER_MS = 1000;

/** Silence in milliseconds after which TCP asks whether the other end is still there. */
const KEEP_ALIVE_MS = 30_000;
