import { asTetradError } from "../../errors.ts";
import type {
	AbortEvent,
	Kind,
	Machine,
	TimeEvent,
} from "../../machine/index.ts";
import type { SessionOneEffect, SessionOneEvent } from "../../talk/index.ts";
import { release } from "../../wire/index.ts";
import { type Channel, Driver, type Handlers } from "../runtime/index.ts";

/** Hands over what some work comes to, or that it failed, which ends the machine. */
export type After<Event> = (coming: Promise<Event>) => void;

/**
 * Runs a machine from what happens first until it is over. Resolves when it ended in order, and
 * rejects with why it did not.
 */
export function runTalk<Event extends Kind, Effect extends Kind>(
	machine: Machine<Event | AbortEvent | TimeEvent, Effect>,
	first: Event,
	handlers: (after: After<Event>) => Handlers<Effect>,
): Promise<void> {
	const over = Promise.withResolvers<void>();
	const after: After<Event> = (coming) => {
		coming.then(
			(event) => driver.feed(event),
			(thrown: unknown) =>
				driver.feed({ kind: "abort", error: asTetradError(thrown) }),
		);
	};
	const driver = new Driver<Event | AbortEvent, Effect>({
		machine,
		now: Date.now,
		handlers: handlers(after),
		ended: ({ error }) =>
			error === undefined ? over.resolve() : over.reject(error),
		failed: over.reject,
	});
	driver.feed(first);
	return over.promise;
}

/** How what a machine asks of session 1 is carried out. */
export function sessionOne(
	channel: Channel,
	after: After<SessionOneEvent>,
	signal?: AbortSignal,
): Handlers<SessionOneEffect> {
	const options = signal === undefined ? {} : { signal };
	return {
		"to-agent": ({ bytes }) => after(send(channel, bytes)),
		receive: () => after(heard(channel, options)),
	};
}

/** The next message of the other agent, as a machine takes it. */
export async function heard(
	channel: Channel,
	options: { readonly signal?: AbortSignal } = {},
): Promise<SessionOneEvent> {
	const bytes = await channel.receive(options);
	return bytes === undefined
		? { kind: "closed" }
		: { kind: "from-agent", bytes };
}

/** In a tetrad that is over nothing can be sent, and how it ended stands behind the last message that came. */
async function send(
	channel: Channel,
	bytes: Uint8Array,
): Promise<SessionOneEvent> {
	try {
		await channel.send(bytes);
		release(bytes);
		return { kind: "sent" };
	} catch (thrown) {
		if (asTetradError(thrown).code !== "tetrad-closed") throw thrown;
		while ((await channel.receiveMany()) !== undefined);
		return { kind: "closed" };
	}
}
