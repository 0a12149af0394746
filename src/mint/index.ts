export {
	endpointOf,
	MINT_FAULTS,
	type MintEndpoint,
	type MintFault,
	type MintFaultKind,
	type MintWrong,
} from "./faults.ts";
export { FaultyMint, type MintReply } from "./faulty-mint.ts";
export {
	type MintAnswer,
	type MintRequest,
	PlayMint,
	type PlayMintOptions,
} from "./play-mint.ts";
export type { MintChange, MintTable } from "./state.ts";
