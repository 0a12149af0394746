/*
 * What this process and the process of a PKCS#11 library say to each other. Each request names
 * its token and its key in full, so that a new process can go on where another one ended.
 */
import type { SignatureAlgorithm } from "../crypto/index.ts";
import type { TokenSelector } from "./pkcs11-uri.ts";

/** At least one of the two is given; the key is the only one that fits. */
export interface KeySelector {
	readonly object?: string;
	/** In hexadecimal. */
	readonly id?: string;
}

/** What a token tells of a key. */
export interface TokenKey {
	readonly algorithm: SignatureAlgorithm;
	/** Raw, as a `Signer` has it. */
	readonly publicKey: Uint8Array;
	readonly object: string;
}

export type TokenJob =
	| { readonly kind: "list" }
	| {
			readonly kind: "generate";
			readonly object: string;
			readonly id: Uint8Array;
			readonly algorithm: SignatureAlgorithm;
	  }
	| { readonly kind: "find"; readonly key: KeySelector }
	| {
			readonly kind: "sign";
			readonly key: KeySelector;
			/** The key has to be this one still. */
			readonly publicKey: Uint8Array;
			/** The message for Ed25519, its SHA-256 for P-256. */
			readonly input: Uint8Array;
	  }
	| { readonly kind: "remove"; readonly key: KeySelector };

export interface TokenRequest {
	readonly modulePath: string;
	readonly token: TokenSelector;
	readonly job: TokenJob;
	/** Load the library anew first: some see what other processes changed in a token only then. */
	readonly anew?: boolean;
	/** UTF-8. Left out until it is asked for. */
	readonly pin?: Uint8Array;
}

export type TokenReply =
	| { readonly kind: "keys"; readonly names: readonly string[] }
	| { readonly kind: "key"; readonly key: TokenKey }
	| { readonly kind: "signature"; readonly signature: Uint8Array }
	| { readonly kind: "removed" }
	/** The request has to come again with the PIN of this token. */
	| { readonly kind: "pin-needed"; readonly identity: string }
	| { readonly kind: "pin-wrong" }
	| { readonly kind: "taken" }
	| { readonly kind: "unknown" }
	/** More than one key fits. */
	| { readonly kind: "ambiguous" }
	/** No other try will change it. */
	| { readonly kind: "refused"; readonly why: string }
	/** The token or the library failed; a new process may have more luck. `begun` when the token may have changed already. */
	| {
			readonly kind: "failed";
			readonly why: string;
			readonly begun: boolean;
	  };
