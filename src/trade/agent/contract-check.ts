import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import {
	type Contract,
	encodeItemDescription,
	exporterHash,
	itemHash,
	type Offer,
	parseContract,
	railOfPrice,
	verifyContract,
} from "../documents/index.ts";
import {
	isMerchandiseOf,
	type ReceivedMerchandise,
} from "../merchandise/index.ts";
import type { TradeTetrad } from "./trade-tetrad.ts";

/** A purchase as its agent keeps it from before its module is asked to pay. */
export interface ProvisionalPurchase {
	readonly contract: Contract;
	/** Of the agent that signed it, encoded. */
	readonly chain: Uint8Array;
	/** Of the issuer, encoded: the one under which it signed the selling certificate. Empty where it was learned from the module, which has it. */
	readonly issuerChain: Uint8Array;
	/** What the item's description is hashed with, and the description, encoded. */
	readonly salt: Uint8Array;
	readonly description: Uint8Array;
	/** What the tetrad exported in which the contract was made. */
	readonly exporter: Uint8Array;
}

/** What a merchant sent when all chunks had come. */
interface SentContract {
	readonly document: Uint8Array;
	readonly salt: Uint8Array;
	readonly issuerChain: Uint8Array;
}

/** What the buyer knows by itself: what it took, what came, and when. */
interface Expected {
	readonly offer: Offer;
	readonly contractId: Uint8Array;
	readonly received: ReceivedMerchandise;
	readonly now: number;
}

/**
 * Checks a contract by everything that a buyer's agent can know: who signed it, the four devices
 * and the tetrad, item and price against the offer, roots and length against what came. The module
 * checks again what it is asked to pay for, and who signed the selling certificate.
 *
 * Throws `malformed`, `authentication-failed`, `payment-refused`, `merchandise-wrong` where it
 * contradicts the offer or what came, and `offer-expired`.
 */
export function checkContract(
	crypto: CryptoProvider,
	tetrad: TradeTetrad,
	sent: SentContract,
	{ offer, contractId, received, now }: Expected,
): ProvisionalPurchase {
	const { own, other, binding, exporter } = tetrad;
	const contract = parseContract(crypto, sent.document);
	verifyContract(crypto, contract, other.agent);
	if (
		!sameBytes(contract.buyerAgent, own.agent.deviceId) ||
		!sameBytes(contract.buyerModule, own.module.deviceId) ||
		!sameBytes(contract.sellerModule, other.module.deviceId)
	)
		throw wrong("it is between other devices than these four");
	if (
		!sameBytes(contract.binding, binding) ||
		!sameBytes(contract.exporterHash, exporterHash(crypto, exporter))
	)
		throw wrong("it was made in another tetrad");
	const description = encodeItemDescription(offer.description);
	if (!sameBytes(contract.item, itemHash(crypto, sent.salt, description)))
		throw wrong("it is about another item");
	if (
		!sameBytes(contract.issuer, offer.issuer) ||
		contract.currency !== offer.currency ||
		contract.amount !== offer.amount
	)
		throw wrong("its price is not the one that was offered");
	if (contract.rail !== railOfPrice(offer))
		throw wrong("it is to be paid with another kind of money");
	if (!sameBytes(contract.id, contractId))
		throw wrong("the merchandise was sealed for another one");
	if (!isMerchandiseOf(contract, received))
		throw wrong("the merchandise that came is not the one that it names");
	if (now >= contract.payBy)
		throw new TetradError(
			"offer-expired",
			"the time to pay is over; nothing was paid, and another offer has to be asked for",
		);
	return {
		contract,
		chain: other.agent.encodedChain,
		issuerChain: copy(sent.issuerChain),
		salt: copy(sent.salt),
		description: copy(description),
		exporter,
	};
}

function wrong(why: string): TetradError {
	return new TetradError(
		"merchandise-wrong",
		`the merchant's contract is refused, and nothing was paid: ${why}`,
	);
}
