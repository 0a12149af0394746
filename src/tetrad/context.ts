import type { CryptoProvider } from "../crypto/index.ts";
import type { CertifiedDevice, ChainVerdicts } from "../identity/index.ts";
import type { ListMemory } from "./list-exchange.ts";
import type { LinkMode } from "./parameters.ts";
import type { Policy } from "./policy.ts";
import type { ResumptionTokens } from "./resumption-tokens.ts";

/** A chain and its hash, as a certified device holds them. */
export type NamedChain = Pick<CertifiedDevice, "chainHash" | "encodedChain">;

/** The long-lived facts of one device that every tetrad of it starts from. */
export interface DeviceContext {
	readonly crypto: CryptoProvider;
	readonly policy: Policy;
	readonly verdicts: ChainVerdicts;
	/** The own chain, judged by the own policy. */
	readonly own: CertifiedDevice;
	/** For the lists that come in all tetrads of this device; each has its own unless given. */
	readonly listMemory?: ListMemory;
	/** Where this device keeps its tokens. Without it nothing is resumed here, and no token is made. */
	readonly tokens?: ResumptionTokens;
	/** Receives every secret by name. It exists for wiretap checks and debuggers. */
	readonly unsafeKeylog?: (label: string, secret: Uint8Array) => void;
}

/** The link that a tetrad uses, as its machine sees it. */
export interface LinkContext {
	readonly mode: LinkMode;
	/** Device id of the device at the other end, from the own pairing. */
	readonly peerDeviceId: Uint8Array;
	/** The chain that the device at the other end authenticated with, or announced on an open link. */
	readonly peerChain: Uint8Array;
	/** What this tetrad takes from the link's session: 32 bytes, or none on an open link. */
	readonly secret: Uint8Array;
	/** The chain that the other end carried over this link under that hash. */
	chain(hash: Uint8Array): Uint8Array | undefined;
}
