import type { IdentityAway } from "../../test/support/device-market.ts";
import type { TlsIdentity } from "../nested-tls.ts";

/** A side whose keys were made elsewhere. */
export interface SideAway {
	readonly agent: IdentityAway;
	readonly module: IdentityAway;
	/** In DER. */
	readonly anchors: { readonly agency: Uint8Array; readonly bank: Uint8Array };
}

/** What the processes are asked that hold connections on which nothing is said. */
export type IdleQuestion =
	| { readonly kind: "open-side"; readonly side: SideAway }
	| { readonly kind: "open-tls"; readonly identities: readonly TlsIdentity[] }
	/** Be called, there. Answered with the port. */
	| { readonly kind: "listen" }
	/** Call that port until so many more are held. */
	| { readonly kind: "hold"; readonly port: number; readonly count: number }
	| { readonly kind: "memory" };

export type IdleAnswer =
	| { readonly kind: "done" }
	| { readonly kind: "listening"; readonly port: number }
	/** After a collection, in bytes: of the process, and what of it JavaScript holds. */
	| { readonly kind: "memory"; readonly rss: number; readonly heap: number };
