import { nodeCrypto } from "../../crypto/index.ts";
import { OFFER_KEY_BYTES } from "../../trade/documents/index.ts";
import { utf8 } from "../../wire/index.ts";

const LABEL: Uint8Array = utf8("tetrad offers of an agent");

/**
 * By what the agent of a home knows its own offers. It follows from the pairing key, so that all processes of
 * the agent have the same, and one that was started again: whoever was quoted a price by one buys from another.
 */
export function offerKeyOf(pairingKey: Uint8Array): Uint8Array {
	return nodeCrypto.hkdf(new Uint8Array(), pairingKey, LABEL, OFFER_KEY_BYTES);
}
