/*
 * What a mint can do that costs somebody money whatever a purse does (docs/cashu.md): what became of
 * proofs is what it says, and what it has signed is what it gives. Of a mint that ever did one of
 * these, nothing is said of who has the money in the end. All its other faults cost time.
 */
import type { MintFault } from "../../src/mint/index.ts";
import type { SimulatedMint } from "../mint.ts";
import type { World } from "../world.ts";

const COSTLY: readonly (readonly MintFault["kind"][])[] = [
	// It says that money is spent that is not, or the other way round.
	["state-lied"],
	// It says that it has signed nothing for what it took.
	["signatures-forgotten"],
	// It says that it has signed other amounts, which is for something else.
	["amount-wrong"],
	// It takes what it has taken before.
	["spent-twice"],
	// It signs with what it does not take afterwards.
	["keys-swapped"],
	// What it restores may be without proof, and is none then.
	["dleq-dropped", "signature-wrong"],
];

export function isCostly({ sins }: SimulatedMint): boolean {
	return COSTLY.some((kinds) => kinds.every((kind) => sins.has(kind)));
}

/** Whether the money of an issuer is that of such a mint. */
export function isOfCostlyMint(world: World, issuer: Uint8Array): boolean {
	const mint = world.mints.of(issuer);
	return mint !== undefined && isCostly(mint);
}

/** Whether a mint may hear now what a purse has asked before it was put back: nobody knows then what is unspent. */
export function isAskedLate({ plan: { mints } }: World): boolean {
	return (
		mints !== undefined && mints.network.isLate + mints.network.doubles > 0
	);
}
