import { authenticationFailed } from "../../errors.ts";
import { CONTENT } from "../../wire/index.ts";
import { demandSize, MAX_MODULE_MESSAGE_BYTES } from "../parameters.ts";
import type { LocalSession } from "../root-key.ts";

/** Seals a message for the other device of this side. Throws `message-too-large`. */
export function sealLocal(
	{ sealer }: LocalSession,
	message: Uint8Array,
): Uint8Array {
	demandSize(message, MAX_MODULE_MESSAGE_BYTES);
	return sealer.seal(CONTENT.message, message);
}

/** Opens a record of session 3 or 4, which carries messages and nothing else. */
export function openLocal(
	{ opener }: LocalSession,
	record: Uint8Array,
): Uint8Array {
	const content = opener.open(record);
	if (content.type !== CONTENT.message) throw authenticationFailed();
	return content.bytes;
}
