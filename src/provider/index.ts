export { hasAesInstructions } from "./aes.ts";
export {
	chosenCrypto,
	libraryOf,
	type Providing,
	providing,
} from "./choose.ts";
export { loadEcash } from "./load-ecash.ts";
export {
	ed25519Guard,
	type GuardedEd25519,
	type HeldSecret,
	holdSecret,
} from "./secrets.ts";
