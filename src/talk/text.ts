import { concat, parseUtf8, TEXT_MESSAGE, utf8 } from "../wire/index.ts";

/** A text that a device says to another, over any session. */
export function textMessage(text: string): Uint8Array {
	return concat(Uint8Array.of(TEXT_MESSAGE.text), utf8(text));
}

/** What a message says, or `undefined` when it is no text. Throws `malformed` for text that is not UTF-8. */
export function parseText(message: Uint8Array): string | undefined {
	return message[0] === TEXT_MESSAGE.text
		? parseUtf8(message.subarray(1))
		: undefined;
}
