export { LinkMachine } from "./link.ts";
export { cipherBetween, LINK_CIPHERS, type LinkCipher } from "./link-cipher.ts";
export type { LinkEffect, LinkEvent, LinkOptions } from "./link-events.ts";
export {
	type Pairing,
	type PairingEffect,
	type PairingEnd,
	type PairingEvent,
	PairingMachine,
} from "./pairing.ts";
export { PairingTries } from "./pairing-tries.ts";
