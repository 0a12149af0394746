/* Many connections at once, from one address of this machine, that is not the one of honest callers. */
import { createConnection, type NetConnectOpts, type Socket } from "node:net";
import type { Address } from "../../carrier/index.ts";
import { NotTried } from "../not-tried.ts";

/** Another address of the same machine: whoever limits what one address may do lets others in meanwhile. */
const CROWD_ADDRESS = "127.0.0.2";

export class Crowd implements Disposable {
	readonly #sockets: readonly Socket[];
	#closed = 0;

	private constructor(sockets: readonly Socket[]) {
		this.#sockets = sockets;
		for (const socket of sockets) {
			socket.on("close", () => this.#closed++);
			// Who says that it says no more has cut it, too.
			socket.on("end", () => socket.destroy());
			socket.on("data", () => {});
			socket.on("error", () => {});
		}
	}

	/** So many connections. Throws `NotTried` where the machine has no second address. */
	static async connect(
		at: Address,
		count: number,
		signal: AbortSignal,
	): Promise<Crowd> {
		const options: NetConnectOpts =
			at.kind === "unix"
				? { path: at.path }
				: {
						...{ host: at.host, port: at.port },
						...(at.host === "127.0.0.1" ? { localAddress: CROWD_ADDRESS } : {}),
					};
		const sockets = Array.from({ length: count }, () =>
			createConnection({ ...options, allowHalfOpen: true }),
		);
		const crowd = new Crowd(sockets);
		const connected = sockets.map(
			(socket) =>
				new Promise<string | undefined>((resolve) => {
					socket.once("connect", () => resolve(undefined));
					socket.once("close", () => resolve(undefined));
					socket.once("error", ({ code }: NodeJS.ErrnoException) =>
						resolve(code),
					);
				}),
		);
		const onAbort = () => crowd[Symbol.dispose]();
		signal.addEventListener("abort", onAbort, { once: true });
		const codes = await Promise.all(connected);
		if (codes.includes("EADDRNOTAVAIL")) {
			crowd[Symbol.dispose]();
			throw new NotTried(
				`this machine has no address ${CROWD_ADDRESS} for a crowd to come from`,
			);
		}
		return crowd;
	}

	get size(): number {
		return this.#sockets.length;
	}

	/** How many the other end has closed, or broken off. */
	get closed(): number {
		return this.#closed;
	}

	/** Each says this, as far as it may. */
	say(bytes: Uint8Array | string): void {
		for (const socket of this.#sockets)
			if (socket.writable) socket.write(bytes);
	}

	/** Waits until all are closed by the other end, or so many milliseconds have passed. Whether they are. */
	async allClosed(withinMs: number, signal: AbortSignal): Promise<boolean> {
		const until = performance.now() + withinMs;
		while (this.#closed < this.size && performance.now() < until) {
			signal.throwIfAborted();
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		return this.#closed === this.size;
	}

	[Symbol.dispose](): void {
		for (const socket of this.#sockets) socket.destroy();
	}
}
