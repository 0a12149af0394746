export {
	endpointOf,
	MINT_FAULTS,
	type MintFault,
} from "./faults.ts";
export { FaultyMint } from "./faulty-mint.ts";
export { MAX_BODY_BYTES } from "./limits.ts";
export {
	type MintRequest,
	PlayMint,
	type PlayMintOptions,
} from "./play-mint.ts";
export type { MintChange, MintTable } from "./state.ts";
