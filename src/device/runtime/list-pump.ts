import { asTetradError, type TetradError } from "../../errors.ts";
import type { ListNumber } from "../../identity/index.ts";
import type { ListKeeper } from "./list-keeper.ts";

/** What a pump needs of whatever carries its messages. */
export interface ListPumpPort {
	/** Whether there may be a message about lists to send. */
	waits(): boolean;
	/** Sends it; false when the way is full then. */
	next(): boolean;
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

	/** To be called after each event: there may be something to send now. */
	wake(): void {
		if (this.#awake || this.#stopped || !this.#port.waits()) return;
		this.#awake = true;
		setImmediate(() => void this.#run());
	}

	stop(): void {
		this.#stopped = true;
	}

	async #run(): Promise<void> {
		while (!this.#stopped && this.#port.waits()) {
			if (!this.#port.next()) await this.#port.drained();
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
