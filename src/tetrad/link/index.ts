export { LinkMachine } from "./link.ts";
export type { LinkEffect, LinkEvent, LinkOptions } from "./link-events.ts";
export {
	type Pairing,
	type PairingEffect,
	type PairingEvent,
	PairingMachine,
} from "./pairing.ts";
