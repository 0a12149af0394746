import { TetradError } from "../../errors.ts";
import { whenAborted } from "./until-aborted.ts";

/** Bytes that may wait unread before the channel asks its sender to stop: 1 MiB. */
const HIGH_WATER_BYTES: number = 2 ** 20;

/** Bytes that may wait unread at all; a channel that cannot stop its sender ends its tetrad here: 8 MiB. */
const MAX_UNREAD_BYTES: number = 2 ** 23;

/** What each message costs beside its bytes, so that empty messages cannot wait without limit. */
const MESSAGE_COST = 64;

type Waiting = WaitingForOne | WaitingForMany;

interface WaitingForOne {
	readonly kind: "one";
	readonly resolve: (message: Uint8Array | undefined) => void;
	readonly reject: (error: TetradError) => void;
}

interface WaitingForMany {
	readonly kind: "many";
	readonly resolve: () => void;
	readonly reject: (error: TetradError) => void;
	/**
	 * Something has come: all that waits unread is this one's, who takes it when its turn comes and
	 * stands first until then. Neither the end nor its caller takes that back.
	 */
	isWoken: boolean;
}

/** What a channel needs of the tetrad that it belongs to. */
export interface ChannelPort {
	/** Sends one message; the promise waits while the way to the other device is full. */
	send(message: Uint8Array): Promise<void>;
	/** More waits unread than should (`true`), or again less (`false`). Absent where the sender cannot be stopped. */
	readonly full?: (isFull: boolean) => void;
}

/**
 * Messages between this device and one other, over one session, in order. What comes is received one
 * by one, or all at once that waits.
 *
 * @example
 * ```ts
 * const [one, two] = [Uint8Array.of(1), Uint8Array.of(2, 3)];
 * await tetrad.module.send(one);
 * await tetrad.module.send(two);
 *
 * const next = await tetrad.module.receive();
 * const others = await tetrad.module.receiveMany();
 * console.log(next?.length, others?.map(({ length }) => length));
 *
 * for await (const message of tetrad.module) console.log(message.length);
 * ```
 */
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
	 * end are given first. Small messages that came together share one `buffer` of at most 4 KiB:
	 * whoever transfers that of a message, as to a worker, transfers that of a `slice()`. Otherwise
	 * what is still to be read is gone, and this and every later wait rejects with `invalid-argument`.
	 */
	receive(
		options: { readonly signal?: AbortSignal } = {},
	): Promise<Uint8Array | undefined> {
		const { signal } = options;
		const message = this.#takeUnread();
		if (message !== undefined && isGivenAway(message))
			return Promise.reject(this.#lose());
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
		const waiting: Waiting = { kind: "one", resolve, reject };
		this.#waiting.push(waiting);
		if (signal === undefined) return promise;
		const stop = this.#stopsWaiting(waiting, signal);
		return promise.finally(stop);
	}

	/**
	 * All messages that wait unread, in order and at least one; where none waits, those that come
	 * next together. `undefined` at the end, and rejects, as `receive`. What was sent together is
	 * received together, up to some thousand small messages, and costs a promise once and not for each.
	 *
	 * What is handed over does not count as unread any more, and its sender may send as much again.
	 * Messages of one array may share a `buffer`: whoever transfers that of one empties others.
	 */
	async receiveMany(
		options: { readonly signal?: AbortSignal } = {},
	): Promise<Uint8Array[] | undefined> {
		const { signal } = options;
		if (this.#waiting.length === 0 && this.#read < this.#unread.length)
			return this.#takeAllUnread();
		if (this.#end?.error !== undefined) throw this.#end.error;
		if (this.#end !== undefined) return undefined;
		if (signal?.aborted) throw aborted(signal);
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const waiting: Waiting = { kind: "many", resolve, reject, isWoken: false };
		this.#waiting.push(waiting);
		const stop = signal && this.#stopsWaiting(waiting, signal);
		try {
			await promise;
		} finally {
			stop?.();
		}
		if (!waiting.isWoken) return undefined;
		this.#waiting.shift();
		return this.#takeAllUnread();
	}

	/** Every message until the tetrad is closed in order; throws where `receive` rejects. */
	async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
		for (;;) {
			const message = await this.receive();
			if (message === undefined) return;
			yield message;
		}
	}

	/**
	 * For the tetrad: these messages came, in an array that is the channel's from now on. Throws
	 * `limit-exceeded` when too much waits unread, and keeps those that came before that.
	 */
	deliver(messages: Uint8Array[]): void {
		// Nothing is given to the application behind what it has lost.
		if (this.#end !== undefined) return;
		let given = 0;
		while (given < messages.length && this.#waiting[0]?.kind === "one")
			this.#waiting.shift()?.resolve(messages[given++]);
		if (given === messages.length) return;
		let cost = 0;
		let end = given;
		for (; end < messages.length; end++) {
			const { length } = messages[end] as Uint8Array;
			if (this.#unreadCost + cost + length > MAX_UNREAD_BYTES) break;
			cost += length + MESSAGE_COST;
		}
		const isAll = given === 0 && end === messages.length;
		if (end > given)
			this.#keep(isAll ? messages : messages.slice(given, end), cost);
		if (end < messages.length)
			throw new TetradError(
				"limit-exceeded",
				"the application does not read its messages, and too many wait",
			);
	}

	#keep(messages: Uint8Array[], cost: number): void {
		if (this.#unread.length === 0) this.#unread = messages;
		else for (const message of messages) this.#unread.push(message);
		this.#charge(cost);
		const [first] = this.#waiting;
		if (first?.kind !== "many" || first.isWoken) return;
		first.isWoken = true;
		first.resolve();
	}

	/** For the tetrad: nothing more will come. */
	end(error: TetradError | undefined): void {
		if (this.#end !== undefined) return;
		this.#end = { error };
		const ended = this.#waiting.splice(this.#isTaken ? 1 : 0);
		for (const { resolve, reject } of ended)
			if (error === undefined) resolve(undefined);
			else reject(error);
	}

	/** What cannot be read any more is not passed over: what came after it would look whole. */
	#lose(): TetradError {
		this.#unread = [];
		this.#read = 0;
		this.#charge(-this.#unreadCost);
		const error = new TetradError(
			"invalid-argument",
			"the buffer of a message was transferred, and with it messages that were still to be read; transfer that of a slice()",
		);
		this.#end = { error };
		for (const { reject } of this.#waiting.splice(0)) reject(error);
		return error;
	}

	/** Whether all that waits unread is somebody's already. */
	get #isTaken(): boolean {
		const [first] = this.#waiting;
		return first?.kind === "many" && first.isWoken;
	}

	/** Lets `waiting` go when its caller gives up, unless what this returns was called before. */
	#stopsWaiting(waiting: Waiting, signal: AbortSignal): () => void {
		const onAbort = () => {
			if (waiting.kind === "many" && waiting.isWoken) return;
			const at = this.#waiting.indexOf(waiting);
			if (at >= 0) this.#waiting.splice(at, 1);
			waiting.reject(aborted(signal));
		};
		signal.addEventListener("abort", onAbort, { once: true });
		return () => signal.removeEventListener("abort", onAbort);
	}

	/** The oldest; taking it out of the array would move all others each time, and a peer may send very many small ones. */
	#takeUnread(): Uint8Array | undefined {
		if (this.#isTaken) return undefined;
		const message = this.#unread[this.#read];
		if (message === undefined) return undefined;
		this.#read++;
		if (2 * this.#read >= this.#unread.length) {
			this.#unread = this.#unread.slice(this.#read);
			this.#read = 0;
		}
		return message;
	}

	#takeAllUnread(): Uint8Array[] {
		const all =
			this.#read === 0 ? this.#unread : this.#unread.slice(this.#read);
		if (all.some(isGivenAway)) throw this.#lose();
		this.#unread = [];
		this.#read = 0;
		this.#charge(-this.#unreadCost);
		return all;
	}

	#charge(cost: number): void {
		this.#unreadCost += cost;
		const isFull = this.#unreadCost > HIGH_WATER_BYTES;
		if (isFull === this.#isFull) return;
		this.#isFull = isFull;
		this.#port.full?.(isFull);
	}
}

/** Whether somebody has transferred the memory of an array away. */
function isGivenAway({ length, buffer }: Uint8Array): boolean {
	return length === 0 && buffer instanceof ArrayBuffer && buffer.detached;
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
