export {
	type MintAnswer,
	type MintRequest,
	PlayMint,
	type PlayMintOptions,
} from "./play-mint.ts";
export type { MintChange, MintTable } from "./state.ts";
