import type { ProvisionalPurchase } from "../../trade/agent/index.ts";
import type { PurchaseRow } from "../../trade/records/index.ts";

/** What is kept of a purchase whoever tells of it. */
export function provisionalRow(
	{
		contract,
		chain,
		issuerChain,
		salt,
		description,
		exporter,
	}: ProvisionalPurchase,
	now: number,
): Pick<
	PurchaseRow,
	| "contract"
	| "time"
	| "document"
	| "chain"
	| "issuer_chain"
	| "salt"
	| "description"
	| "exporter"
> {
	return {
		contract: contract.hash,
		time: BigInt(now),
		document: contract.document,
		chain,
		issuer_chain: issuerChain,
		salt,
		description,
		exporter,
	};
}
