/* What an audit reads in the terms of sales, without any secret of the issuer. */
import type { CryptoProvider } from "../../crypto/index.ts";
import { type TrustAnchor, validateChain } from "../../identity/index.ts";
import type { ReadTerms } from "../../money/index.ts";
import { dec, hex } from "../../wire/index.ts";
import {
	type Contract,
	parseContract,
	parsePurchaseTerms,
	verifyContract,
} from "../documents/index.ts";
import { MerchantAgents } from "./merchant-agents.ts";

/**
 * What terms say that an audit holds against the books. Their contract has to be signed by the
 * merchant's agent under the chain that stands beside it, of one of `agencies`. For an agent of an
 * agency that is trusted no more there is nothing to hold a chain against, and it is not judged.
 */
export function readSaleTerms(
	crypto: CryptoProvider,
	agencies: readonly TrustAnchor[],
): ReadTerms {
	const roots = new Set(
		agencies.map(({ certificate }) => hex(crypto.sha256(certificate.spki))),
	);
	const agents = new MerchantAgents(crypto, (chain) =>
		validateChain(crypto, chain, "agent", agencies, undefined),
	);
	return (terms) => {
		const { contract: document, chain } = parsePurchaseTerms(terms);
		const contract = parseContract(crypto, document);
		if (roots.has(rootOf(contract)))
			verifyContract(crypto, contract, agents.behind(chain));
		const { hash, keyHash } = contract;
		return { contract: hash, keyHash };
	};
}

/** The hash of the root's key, by which its merchant's agent is named; in hexadecimal. */
function rootOf({ sellerAgent }: Contract): string {
	const [root] = dec(sellerAgent, 2);
	return root === undefined ? "" : hex(root);
}
