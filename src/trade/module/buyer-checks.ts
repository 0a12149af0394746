/* What a buyer's module makes sure of by itself before it pays: neither its own agent nor the merchant can talk it into another purchase than the one that the contract says. */
import { TetradError } from "../../errors.ts";
import {
	CLOCK_TOLERANCE_MS,
	type FourIds,
	type Meeting,
	type SalePayment,
	type SaleRail,
	type saleTables,
} from "../../money/index.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import {
	type Buy,
	type Contract,
	encodePurchaseTerms,
	exporterHash,
	itemHash,
	parseItemDescription,
	type Recalled,
	verifyContract,
	verifySellingCertificate,
} from "../documents/index.ts";
import { atMintOf } from "./at-mint.ts";

/** A purchase that may be paid, as far as its contract goes. */
export interface JudgedPurchase {
	readonly payment: SalePayment;
	/** Until when it may be committed, by the own clock; milliseconds since the epoch. */
	readonly until: number;
	/** Written along with it. */
	readonly row: saleTables.PurchaseRow;
}

/**
 * Throws `payment-refused`, `authentication-failed` and what judges of chains throw for a contract
 * that is not one between these four about this item, and `offer-expired` for one that is over.
 */
export function judgePurchase(
	{ context, now, issuerOf }: SaleRail,
	{ ids, place, peer, agents, binding, exporter }: Meeting,
	contract: Contract,
	{ salt, description, issuerChain, money, askOwner, mostFee }: Buy,
): JudgedPurchase {
	const { crypto, own, judge } = context;
	verifyContract(crypto, contract, agents.other);
	if (
		!sameBytes(contract.buyerModule, own.deviceId) ||
		!sameBytes(contract.sellerModule, peer.deviceId) ||
		!sameBytes(contract.buyerAgent, place === "X" ? ids.A : ids.B)
	)
		throw refused("it is between other devices than these four");
	if (!sameBytes(contract.binding, binding))
		throw refused("it was made in another tetrad");
	if (!sameBytes(contract.exporterHash, exporterHash(crypto, exporter)))
		throw refused(
			"its merchandise is sealed with what another tetrad exports, and could not be opened",
		);
	if (!sameBytes(contract.item, itemHash(crypto, salt, description)))
		throw refused("it is about another item than the own agent says");
	const { name: item } = parseItemDescription(description);
	const terms = issuerOf(contract.issuer);
	if (terms === undefined || terms.currency.code !== contract.currency)
		throw refused(
			"it asks for money of an issuer that this module does not know, or in another currency",
		);
	if (
		money.exponent !== terms.currency.exponent ||
		money.isPlay !== terms.isPlay
	)
		throw refused(
			"the merchant has named other decimals of the currency than its issuer, or play money as other money, so that its price was misread",
		);
	// Of a seller that nobody certifies its own module has a say: it agrees to what it sells itself.
	if (contract.seller.kind === "certified")
		verifySellingCertificate(
			crypto,
			contract.seller.certificate,
			judge(issuerChain, now),
		);
	const until = contract.payBy - CLOCK_TOLERANCE_MS;
	if (now >= until) throw expired();
	const { hash, issuer, currency, amount, keyHash, payBy } = contract;
	const atMint = atMintOf(contract);
	return {
		payment: {
			...(atMint === undefined ? {} : { atMint }),
			contract: hash,
			issuer,
			currency,
			amount,
			payee: peer.deviceId,
			terms: encodePurchaseTerms({
				contract: contract.document,
				chain: agents.other.encodedChain,
			}),
			keyHash,
			payBy,
			what: item,
			askOwner,
			...(mostFee === undefined ? {} : { mostFee }),
		},
		until,
		row: {
			contract: hash,
			agent: contract.buyerAgent,
			merchant: agents.other.name,
			item,
			description: copy(description),
			salt: copy(salt),
			exporter: copy(exporter),
			state: "open",
		},
	};
}

/** A purchase that the own agent says it has made before; nothing of that is known here. */
export interface RecalledPurchase {
	readonly payment: SalePayment;
	/** The devices of its contract. */
	readonly four: FourIds;
	/** Written when it turns out to have been paid. */
	readonly row: saleTables.PurchaseRow;
}

/**
 * As it would have been judged. Nothing is paid on that word: what was paid is found, or it is not,
 * and only what this module itself locked for this very contract is. Throws `malformed`, and
 * `payment-refused` for another module's.
 */
export function recalledPurchase(
	{ context }: SaleRail,
	{ agents }: Meeting,
	contract: Contract,
	{ salt, description, sellerChain, exporter }: Recalled,
): RecalledPurchase {
	if (!sameBytes(contract.buyerModule, context.own.deviceId))
		throw refused("another module than this one was to pay for it");
	const { hash, issuer, currency, amount, keyHash, payBy } = contract;
	const { buyerAgent, buyerModule, sellerAgent, sellerModule } = contract;
	const { name: item } = parseItemDescription(description);
	const atMint = atMintOf(contract);
	const isMet = sameBytes(agents.other.deviceId, sellerAgent);
	return {
		payment: {
			...(atMint === undefined ? {} : { atMint }),
			...{ contract: hash, issuer, currency, amount, keyHash, payBy },
			payee: sellerModule,
			terms: encodePurchaseTerms({
				contract: contract.document,
				chain: copy(sellerChain),
			}),
			what: item,
		},
		// The buyer's side stands first, whichever of them has dialled.
		four: { A: buyerAgent, X: buyerModule, B: sellerAgent, Y: sellerModule },
		row: {
			contract: hash,
			agent: buyerAgent,
			merchant: isMet ? agents.other.name : "",
			item,
			description: copy(description),
			salt: copy(salt),
			exporter: copy(exporter),
			state: "open",
		},
	};
}

export function expired(): TetradError {
	return new TetradError(
		"offer-expired",
		"the time is over until which the merchant's offer could be paid; ask for a new one",
	);
}

function refused(why: string): TetradError {
	return new TetradError("payment-refused", `the contract is refused: ${why}`);
}
