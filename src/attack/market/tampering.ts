/*
 * A tetrad in hostile hands: an honest machine on this side, and somebody between it and its
 * sessions who may change, drop, multiply and make up what it says and hears.
 */

import { Channel, type Tetrad } from "../../device/runtime/index.ts";
import { asTetradError } from "../../errors.ts";
import { messages, unpackMessages } from "../../money/index.ts";

/** Says something to whoever a message came from. */
export type Reply = (message: Uint8Array) => Promise<void>;

/** What becomes of one message: nothing, itself, others. */
export type Alter = (
	message: Uint8Array,
	reply: Reply,
) => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;

/** What is done to the messages of one device. What is left out goes as it came. */
export interface Tampering {
	readonly toAgent?: Alter;
	readonly fromAgent?: Alter;
	readonly toModule?: Alter;
	readonly fromModule?: Alter;
}

export const HONEST: Tampering = {};

const PASS: Alter = (message) => [message];

/** The same tetrad for its machine, which sees and says what `tampering` makes of it. */
export function tampered(tetrad: Tetrad, tampering: Tampering): Tetrad {
	const close = () => tetrad.close();
	return {
		get ended() {
			return tetrad.ended;
		},
		get isCutHere() {
			return tetrad.isCutHere;
		},
		agent: through(tetrad.agent, tampering.toAgent, tampering.fromAgent),
		module: through(tetrad.module, tampering.toModule, tampering.fromModule),
		place: tetrad.place,
		parties: tetrad.parties,
		transcript: tetrad.transcript,
		get safetyCode() {
			return tetrad.safetyCode;
		},
		closed: tetrad.closed,
		export: (label, context, length) => tetrad.export(label, context, length),
		close,
		[Symbol.asyncDispose]: close,
	};
}

function through(
	real: Channel,
	out: Alter = PASS,
	into: Alter = PASS,
): Channel {
	const reply: Reply = (message) => real.send(message);
	// What is altered while a signature is made keeps its place.
	let before: Promise<unknown> = Promise.resolve();
	const seen: Channel = new Channel({
		send(bytes) {
			const sent = before.then(async () => {
				for (const one of unpackMessages(bytes))
					for (const altered of await out(one, async (message) =>
						seen.deliver([message]),
					))
						await real.send(altered);
			});
			before = sent.catch(() => {});
			return sent;
		},
	});
	void pump(real, seen, into, reply);
	return seen;
}

async function pump(
	real: Channel,
	seen: Channel,
	into: Alter,
	reply: Reply,
): Promise<void> {
	try {
		for await (const bytes of real)
			for (const one of unpackMessages(bytes))
				for (const altered of await into(one, reply)) seen.deliver([altered]);
		seen.end(undefined);
	} catch (thrown) {
		seen.end(asTetradError(thrown));
	}
}

/** Changes messages of one kind; `undefined` drops one. All others go as they came. */
export function altering<Value>(
	kind: messages.MessageKind<Value>,
	change: (
		value: Value,
		reply: Reply,
	) => Value | undefined | Promise<Value | undefined>,
): Alter {
	return async (bytes, reply) => {
		if (bytes[0] !== kind.type) return [bytes];
		const changed = await change(messages.body(kind, bytes), reply);
		return changed === undefined ? [] : [messages.message(kind, changed)];
	};
}

/** One after another. */
export function both(first: Alter, second: Alter): Alter {
	return async (bytes, reply) => {
		const altered: Uint8Array[] = [];
		for (const one of await first(bytes, reply))
			altered.push(...(await second(one, reply)));
		return altered;
	};
}

/** Hears messages of one kind, and lets them pass. */
export function hearing<Value>(
	kind: messages.MessageKind<Value>,
	hear: (value: Value) => void,
): Alter {
	return (bytes) => {
		if (bytes[0] === kind.type) hear(messages.body(kind, bytes));
		return [bytes];
	};
}
