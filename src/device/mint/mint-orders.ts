/* What a process with a play mint is told and what it says, over the channel of Node.js. */
import { TetradError } from "../../errors.ts";
import type { FaultyMint, MintFault } from "../../mint/index.ts";
import type { MintServerOptions } from "./mint-server.ts";

/** What a mint in a process of its own is made with; JSON. */
export type MintSettings = Omit<MintServerOptions, "clock" | "primitives">;

/** What whoever started it may ask for. */
export type MintOrder =
	| { readonly kind: "fault"; readonly fault: MintFault }
	/** Everything is well. */
	| { readonly kind: "clear" }
	| { readonly kind: "rotate"; readonly unit: string }
	| { readonly kind: "pay"; readonly quote: string }
	| {
			readonly kind: "settle-melt";
			readonly quote: string;
			readonly isPaid: boolean;
	  };

/** Reasons are sentences. */
export type MintSaid =
	| { readonly kind: "ready"; readonly url: string }
	| { readonly kind: "failed"; readonly code: string; readonly reason: string }
	/** Orders are answered in their order. */
	| { readonly kind: "done" }
	| { readonly kind: "refused"; readonly reason: string };

/** Carries out one order. Throws what the mint throws. */
export function obey(mint: FaultyMint, order: MintOrder): void {
	switch (order.kind) {
		case "fault":
			return mint.add(order.fault);
		case "clear":
			return mint.clear();
		case "rotate":
			mint.mint.rotate(order.unit);
			return;
		case "pay":
			return mint.mint.pay(order.quote);
		case "settle-melt":
			return mint.mint.settleMelt(order.quote, order.isPaid);
		default:
			throw new TetradError("invalid-argument", "no mint knows that order");
	}
}
