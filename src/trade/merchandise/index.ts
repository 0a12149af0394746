export { chunkCount, chunkLength } from "./chunk.ts";
export { ContentCipher, type ContentSecrets } from "./content.ts";
export {
	encodeMerchandiseEvidence,
	isMerchandiseEvidence,
	MAX_MERCHANDISE_EVIDENCE_BYTES,
	type MerchandiseEvidence,
	openMerchandiseEvidence,
	type WrongChunk,
} from "./evidence.ts";
export { leafSalt, plaintextLeaf, sealedLeaf } from "./leaf.ts";
export { type Measured, Measuring, type Salting } from "./measuring.ts";
export {
	type ChunkPaths,
	isMerchandiseOf,
	MerchandiseReceiver,
	type ReceivedMerchandise,
} from "./receiving.ts";
export { Sealing, type SealingOptions } from "./sealing.ts";
export type { MerchandiseTerms, SealedChunk } from "./terms.ts";
export { HashTree, rootOf, type TreePath } from "./tree.ts";
