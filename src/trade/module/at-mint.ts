import type { AtMint } from "../../money/index.ts";
import type { Contract } from "../documents/index.ts";

/** What the lock of a contract's price is made of; nothing for one that is paid with notes. */
export function atMintOf(contract: Contract): AtMint | undefined {
	const { seller, termsHash, binding, bookBy } = contract;
	if (seller.kind !== "at-mint") return undefined;
	const { unit, agent, payeeKey } = seller.terms;
	return { unit, termsHash, binding, bookBy, agent, payeeKey };
}
