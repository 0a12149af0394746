import { asTetradError, type TetradError } from "../../errors.ts";
import { packMessages } from "../../money/index.ts";
import type { Channel } from "./channel.ts";

/** Sends messages of money over one channel: those of one turn of the event loop together. */
export class MoneySender {
	readonly #channel: Channel;
	/** Hears when so many messages have found room, or why the last ones did not. */
	readonly #sent: (count: number, error?: TetradError) => void;
	#waiting: Uint8Array[] = [];

	constructor(
		channel: Channel,
		sent: (count: number, error?: TetradError) => void = () => {},
	) {
		this.#channel = channel;
		this.#sent = sent;
	}

	send(bytes: Uint8Array): void {
		this.#waiting.push(bytes);
		if (this.#waiting.length === 1) queueMicrotask(() => this.flush());
	}

	/** Sends what waits now, before the tetrad is closed for instance. */
	flush(): void {
		const messages = this.#waiting;
		if (messages.length === 0) return;
		this.#waiting = [];
		const sends = packMessages(messages).map((bytes) =>
			this.#channel.send(bytes),
		);
		const { length } = messages;
		Promise.all(sends).then(
			() => this.#sent(length),
			(thrown: unknown) => this.#sent(length, asTetradError(thrown)),
		);
	}
}
