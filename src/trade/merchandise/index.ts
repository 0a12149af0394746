export { chunkCount, chunkLength } from "./chunk.ts";
export { ContentCipher } from "./content.ts";
export {
	encodeMerchandiseEvidence,
	isMerchandiseEvidence,
	MAX_MERCHANDISE_EVIDENCE_BYTES,
	type MerchandiseEvidence,
	openMerchandiseEvidence,
	type WrongChunk,
} from "./evidence.ts";
export { leafSalt, plaintextLeaf, sealedLeaf } from "./leaf.ts";
export { type Measured, Measuring } from "./measuring.ts";
export { Opening } from "./opening.ts";
export {
	isMerchandiseOf,
	MerchandiseReceiver,
	type ReceivedMerchandise,
} from "./receiving.ts";
export { Sealing, type SealingOptions } from "./sealing.ts";
export type { MerchandiseTerms, SealedChunk } from "./terms.ts";
export { HashTree, rootOf } from "./tree.ts";
