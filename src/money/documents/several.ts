import { concat, dec, enc, malformed, SEVERAL_BYTE } from "../../wire/index.ts";

/** First byte of a message that carries several messages of money, one after another. */
export const SEVERAL: number = SEVERAL_BYTE.several;

/** Messages that one may carry: 2 to so many. */
export const MAX_SEVERAL = 128;

/** How long one may be, in bytes; what is longer by itself goes alone. */
export const MAX_SEVERAL_BYTES = 65_536;

/**
 * What is sent to one device at the same time, in as few messages as it fits into and in the same
 * order: each message costs four seals on its way from module to module.
 */
export function packMessages(messages: readonly Uint8Array[]): Uint8Array[] {
	const packed: Uint8Array[] = [];
	let group: Uint8Array[] = [];
	let size = 0;
	const close = () => {
		const [first, second] = group;
		if (first !== undefined)
			packed.push(
				second === undefined
					? first
					: concat(Uint8Array.of(SEVERAL), enc(...group)),
			);
		group = [];
		size = 1;
	};
	close();
	for (const message of messages) {
		const cost = 4 + message.length;
		if (group.length === MAX_SEVERAL || size + cost > MAX_SEVERAL_BYTES)
			close();
		group.push(message);
		size += cost;
	}
	close();
	return packed;
}

/**
 * The messages that one message is, as views into it: itself, unless its first byte says that it
 * carries several. Throws `malformed` for less than two, for an empty one and for several within
 * several, and `limit-exceeded` for too many.
 */
export function unpackMessages(bytes: Uint8Array): readonly Uint8Array[] {
	if (bytes[0] !== SEVERAL) return [bytes];
	if (bytes.length > MAX_SEVERAL_BYTES)
		throw malformed("several messages of money are too long together");
	const messages = dec(bytes.subarray(1), MAX_SEVERAL);
	if (messages.length < 2)
		throw malformed("several messages of money are less than two");
	for (const { 0: type } of messages)
		if (type === undefined || type === SEVERAL)
			throw malformed("several messages of money hold what is none");
	return messages;
}
