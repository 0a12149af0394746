import { TetradError } from "../../errors.ts";
import { whenAborted } from "./until-aborted.ts";

/** Bytes that may wait unread before the channel asks its sender to stop: 1 MiB. */
const HIGH_WATER_BYTES: number = 2 ** 20;

/** Bytes that may wait unread at all; a channel that cannot stop its sender ends its tetrad here: 8 MiB. */
const MAX_UNREAD_BYTES: number = 2 ** 23;

/** What each message costs beside its bytes, so that empty messages cannot wait without limit. */
const MESSAGE_COST = 64;

interface Waiting {
	readonly resolve: (message: Uint8Array | undefined) => void;
	readonly reject: (error: TetradError) => void;
}

/** What a channel needs of the tetrad that it belongs to. */
export interface ChannelPort {
	/** Sends one message; the promise waits while the way to the other device is full. */
	send(message: Uint8Array): Promise<void>;
	/** More waits unread than should (`true`), or again less (`false`). Absent where the sender cannot be stopped. */
	readonly full?: (isFull: boolean) => void;
}

/** Messages between this device and one other, over one session, in order. */
export class Channel implements AsyncIterable<Uint8Array> {
	readonly #port: ChannelPort;
	/** What waits unread, from `#read` on. */
	#unread: Uint8Array[] = [];
	#read = 0;
	readonly #waiting: Waiting[] = [];
	#unreadCost = 0;
	#isFull = false;
	#end: { readonly error: TetradError | undefined } | undefined;

	constructor(port: ChannelPort) {
		this.#port = port;
	}

	/**
	 * Sends one message. Resolves when there is room for the next. Rejects with `tetrad-closed`
	 * after the end and with `message-too-large` over the session's limit.
	 */
	send(message: Uint8Array): Promise<void> {
		return this.#port.send(message);
	}

	/**
	 * The next message, or `undefined` when the tetrad was closed in order; in session 2, which
	 * passes through both agents, only when the other module closed it, and `unsealed-end` otherwise.
	 * Rejects with the error that ended the tetrad, or with `aborted`. Messages that came before the
	 * end are given first.
	 */
	receive(
		options: { readonly signal?: AbortSignal } = {},
	): Promise<Uint8Array | undefined> {
		const { signal } = options;
		const message = this.#takeUnread();
		if (message !== undefined) {
			this.#charge(-message.length - MESSAGE_COST);
			return Promise.resolve(message);
		}
		if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
		if (this.#end !== undefined) return Promise.resolve(undefined);
		if (signal?.aborted) return Promise.reject(aborted(signal));
		const { promise, resolve, reject } = Promise.withResolvers<
			Uint8Array | undefined
		>();
		const waiting = { resolve, reject };
		this.#waiting.push(waiting);
		if (signal === undefined) return promise;
		const onAbort = () => {
			const at = this.#waiting.indexOf(waiting);
			if (at >= 0) this.#waiting.splice(at, 1);
			reject(aborted(signal));
		};
		signal.addEventListener("abort", onAbort, { once: true });
		return promise.finally(() => signal.removeEventListener("abort", onAbort));
	}

	/** Every message until the tetrad is closed in order; throws where `receive` rejects. */
	async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
		for (;;) {
			const message = await this.receive();
			if (message === undefined) return;
			yield message;
		}
	}

	/** For the tetrad: a message came. Throws `limit-exceeded` when too much waits unread. */
	deliver(message: Uint8Array): void {
		const waiting = this.#waiting.shift();
		if (waiting !== undefined) return waiting.resolve(message);
		if (this.#unreadCost + message.length > MAX_UNREAD_BYTES)
			throw new TetradError(
				"limit-exceeded",
				"the application does not read its messages, and too many wait",
			);
		this.#unread.push(message);
		this.#charge(message.length + MESSAGE_COST);
	}

	/** For the tetrad: nothing more will come. */
	end(error: TetradError | undefined): void {
		if (this.#end !== undefined) return;
		this.#end = { error };
		for (const { resolve, reject } of this.#waiting.splice(0))
			if (error === undefined) resolve(undefined);
			else reject(error);
	}

	/** The oldest; taking it out of the array would move all others each time, and a peer may send very many small ones. */
	#takeUnread(): Uint8Array | undefined {
		const message = this.#unread[this.#read];
		if (message === undefined) return undefined;
		this.#read++;
		if (2 * this.#read >= this.#unread.length) {
			this.#unread = this.#unread.slice(this.#read);
			this.#read = 0;
		}
		return message;
	}

	#charge(cost: number): void {
		this.#unreadCost += cost;
		const isFull = this.#unreadCost > HIGH_WATER_BYTES;
		if (isFull === this.#isFull) return;
		this.#isFull = isFull;
		this.#port.full?.(isFull);
	}
}

/** The rejection of a wait that the caller gave up. */
export function aborted(signal: AbortSignal): TetradError {
	return new TetradError("aborted", "the caller gave up waiting", {
		cause: signal.reason,
	});
}

/** What `promise` comes to, unless the caller gives up first; the promise itself goes on for others. */
export async function unlessAborted<Value>(
	promise: Promise<Value>,
	signal: AbortSignal | undefined,
	why: (signal: AbortSignal) => TetradError = aborted,
): Promise<Value> {
	if (signal === undefined) return promise;
	const gaveUp = Promise.withResolvers<never>();
	const onAbort = () => gaveUp.reject(why(signal));
	if (signal.aborted) onAbort();
	const stop = whenAborted(signal, onAbort);
	try {
		return await Promise.race([promise, gaveUp.promise]);
	} finally {
		stop();
	}
}
