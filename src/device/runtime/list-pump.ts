import { asTetradError, type TetradError } from "../../errors.ts";
import type { ListNumber } from "../../identity/index.ts";
import type { ListKeeper } from "./list-keeper.ts";

/** What a pump needs of whatever carries its messages. */
export interface ListPumpPort {
	/** Sends one message about lists; `sent` is false when there was none, `room` when the way is full. */
	next(): { readonly sent: boolean; readonly room: boolean };
	drained(): Promise<void>;
}

/**
 * Sends what a machine has to say about untrusted lists, one message a turn of the event loop and
 * only while the carrier has room, so that messages of the application do not wait behind a
 * whole list.
 */
export class ListPump {
	readonly #port: ListPumpPort;
	#awake = false;
	#stopped = false;

	constructor(port: ListPumpPort) {
		this.#port = port;
	}

	/** Something has happened, and there may be something to send. */
	wake(): void {
		if (this.#awake || this.#stopped) return;
		this.#awake = true;
		setImmediate(() => void this.#run());
	}

	stop(): void {
		this.#stopped = true;
	}

	async #run(): Promise<void> {
		while (!this.#stopped) {
			const { sent, room } = this.#port.next();
			if (!sent) break;
			if (!room) await this.#port.drained();
			await new Promise((resolve) => setImmediate(resolve));
		}
		this.#awake = false;
	}
}

/** Has a bundle dealt with that came from another device, and answers what its machine is to be told. */
export function learnFor(
	lists: ListKeeper,
	bundle: Uint8Array,
	dealt: (was: ListNumber | TetradError | undefined) => void,
): void {
	lists.learn(bundle).then(
		({ was }) => dealt(was),
		(thrown: unknown) => dealt(asTetradError(thrown)),
	);
}
