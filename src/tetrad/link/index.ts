export {
	type LinkEffect,
	LinkMachine,
	type LinkOptions,
	type Pairing,
} from "./link.ts";
export { type PairingEffect, PairingMachine } from "./pairing.ts";
