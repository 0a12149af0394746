import { TetradError } from "../errors.ts";
import { copy } from "../wire/index.ts";
import type { Carrier } from "./carrier.ts";
import { FrameCarrier, type Pipe } from "./frame-carrier.ts";
import { CARRIER_LIMITS, type CarrierLimits } from "./limits.ts";
import type { Part } from "./send-queue.ts";

/**
 * Two carriers inside one process, each the other end of the other. They behave like sockets:
 * bytes are copied, arrive in a later turn of the event loop, and wait when the reader pauses.
 *
 * @example
 * ```ts
 * import { memoryCarriers } from "tetrad";
 *
 * const [left, right] = memoryCarriers();
 * const calling = agent.connect(left);
 * const answered = await other.accept(right);
 * const tetrad = await calling;
 * console.log(tetrad.safetyCode === answered.safetyCode); // true
 * ```
 */
export function memoryCarriers(
	limits: Partial<CarrierLimits> = {},
): [Carrier, Carrier] {
	const left = new MemoryPipe("memory:right", limits);
	const right = new MemoryPipe("memory:left", limits);
	left.other = right;
	right.other = left;
	return [left.carrier, right.carrier];
}

/** Deliveries, and bytes, before the event loop gets a turn, so that busy ends starve nobody and outrun no socket. */
const MAX_DELIVERIES_A_TURN = 64;
const MAX_BYTES_A_TURN: number = 2 ** 18;

let deliveries = 0;
let bytes = 0;

/** Later, but in this turn of the event loop while that is fair: a turn costs as much as a delivery. */
function soon(size: number, deliver: () => void): void {
	if (deliveries === 0)
		setImmediate(() => {
			deliveries = 0;
			bytes = 0;
		});
	deliveries++;
	bytes += size;
	if (deliveries <= MAX_DELIVERIES_A_TURN && bytes <= MAX_BYTES_A_TURN)
		process.nextTick(deliver);
	else setImmediate(deliver);
}

class MemoryPipe implements Pipe {
	readonly gathers = false;
	readonly carrier: FrameCarrier;
	other: MemoryPipe | undefined;

	/** What the other end has written and this one has not read, in order. */
	#unread: Uint8Array[] = [];
	#unreadBytes = 0;
	/** Tells the writer that its write is done, once there is room for another. */
	#room: (() => void) | undefined;
	/** How the other end finished writing, once it has. */
	#ending: "end" | "break" | undefined;

	#paused = true;
	#scheduled = false;
	#ended = false;
	#destroyed = false;

	constructor(peer: string, limits: Partial<CarrierLimits>) {
		this.carrier = new FrameCarrier("memory", peer, this, {
			...CARRIER_LIMITS,
			...limits,
		});
	}

	write(parts: readonly Part[], done: () => void): void {
		this.other?.take(parts, done);
	}

	pause(): void {
		this.#paused = true;
	}

	resume(): void {
		if (!this.#paused) return;
		this.#paused = false;
		this.#schedule();
	}

	end(): void {
		this.#ended = true;
		this.other?.finish("end");
	}

	destroy(abrupt: boolean): void {
		this.#destroyed = true;
		this.#unread = [];
		this.#room = undefined;
		this.other?.finish(abrupt ? "break" : "end");
	}

	/** Called by the other end. */
	take(parts: readonly Part[], done: () => void): void {
		if (this.#destroyed) return;
		for (const { bytes, owned } of parts) {
			// Copied, because this end gives the memory back, and the sender may send the bytes again.
			const part = owned ? bytes : copy(bytes);
			// Most wait alone, and an empty array that is pushed to takes room for many.
			if (this.#unread.length === 0) this.#unread = [part];
			else this.#unread.push(part);
			this.#unreadBytes += bytes.length;
		}
		this.#room = done;
		this.#schedule();
	}

	/** Called by the other end. */
	finish(ending: "end" | "break"): void {
		this.#ending ??= ending;
		this.#schedule();
	}

	#schedule(): void {
		if (this.#scheduled || this.#destroyed) return;
		this.#scheduled = true;
		soon(this.#unreadBytes, () => {
			this.#scheduled = false;
			this.#deliver();
		});
	}

	#deliver(): void {
		if (this.#ending === "break") {
			this.carrier.failed(
				new TetradError("carrier-failed", "the other end broke off"),
			);
			return;
		}
		this.#deliverUnread();
		if (this.#unreadBytes <= BUFFER_BYTES) this.#makeRoom();
		if (this.#paused || this.#destroyed) return;
		if (this.#ending === undefined) return;
		this.carrier.ended();
		if (this.#ended) this.carrier.gone();
	}

	/** Taken first, because the writer writes again at once. */
	#makeRoom(): void {
		const room = this.#room;
		this.#room = undefined;
		room?.();
	}

	#deliverUnread(): void {
		let count = 0;
		while (!this.#paused && count < this.#unread.length) {
			const part = this.#unread[count++] as Uint8Array;
			this.#unreadBytes -= part.length;
			this.carrier.arrived(part);
		}
		this.#unread.splice(0, count);
	}
}

/** What a reader that does not read may hold before the writer waits, as a socket's buffer would. */
const BUFFER_BYTES = 2 ** 18;
