/* What a buyer wants sent, and what follows from it. */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { copy, hex, sameBytes } from "../../wire/index.ts";
import {
	type Contract,
	type ContractTerms,
	encodeItemDescription,
	exporterHash,
	ITEM_SALT_BYTES,
	type ItemDescription,
	itemHash,
	MAX_BOOK_WITHIN_MS,
	MAX_PAY_WITHIN_MS,
	type Offer,
	parseContract,
	parseItemDescription,
	type RailName,
	sellerOf,
} from "../documents/index.ts";
import { chunkCount, type Measured } from "../merchandise/index.ts";
import {
	LOCKED_AFTER_MS,
	PAY_WITHIN_MS,
	SLOW_LINE_BYTES_PER_S,
} from "./limits.ts";
import type { TradeTetrad } from "./trade-tetrad.ts";

/** What is sent: an offer that was taken, or what was paid for before. */
export type Wanted =
	| {
			readonly kind: "taken";
			readonly offer: Offer;
			readonly contractId: Uint8Array;
			readonly salt: Uint8Array;
	  }
	| {
			readonly kind: "fetched";
			readonly contract: Contract;
			readonly exporter: Uint8Array;
			readonly description: ItemDescription;
			/** The first chunk that is sent. */
			readonly from: number;
	  };

/** An offer that was taken. */
export type Taken = Extract<Wanted, { readonly kind: "taken" }>;

/** What a merchant's agent sells with for the money of one issuer. */
export interface Seller {
	/** Over which the money comes. */
	readonly rail: RailName;
	/** The selling certificate, or the terms of a mint's money. */
	readonly certificate: Uint8Array;
	readonly issuerChain: Uint8Array;
	readonly saltKey: Uint8Array;
}

/** Which seller it is, for the own module. */
export interface SellerQuestion {
	readonly issuer: Uint8Array;
	/** 0 for the current one. */
	readonly generation: number;
}

/** By what a seller is remembered. */
export function sellerKey({ issuer, generation }: SellerQuestion): string {
	return `${hex(issuer)} ${generation}`;
}

export function takenOffer(crypto: CryptoProvider, offer: Offer): Taken {
	return {
		kind: "taken",
		offer,
		contractId: crypto.random(16),
		salt: crypto.random(ITEM_SALT_BYTES),
	};
}

/** What a buyer says it has paid for. Throws `malformed`, and `payment-refused` for what this merchant cannot have sold. */
export function fetchedSale(
	crypto: CryptoProvider,
	{ own }: TradeTetrad,
	asked: {
		readonly document: Uint8Array;
		readonly exporter: Uint8Array;
		readonly salt: Uint8Array;
		readonly description: Uint8Array;
		readonly from: number;
	},
): Wanted {
	const contract = parseContract(crypto, asked.document);
	if (
		!sameBytes(contract.sellerAgent, own.agent.deviceId) ||
		!sameBytes(contract.sellerModule, own.module.deviceId)
	)
		throw notSold("it names another merchant");
	if (!sameBytes(exporterHash(crypto, asked.exporter), contract.exporterHash))
		throw notSold("the exporter is not its tetrad's");
	const item = itemHash(crypto, asked.salt, asked.description);
	if (!sameBytes(item, contract.item))
		throw notSold("the description is not its item's");
	if (asked.from >= chunkCount(contract.length))
		throw notSold("it has no such chunk");
	return {
		kind: "fetched",
		contract,
		exporter: copy(asked.exporter),
		description: parseItemDescription(asked.description),
		from: asked.from,
	};
}

export function contractIdOf(wanted: Wanted): Uint8Array {
	return wanted.kind === "taken" ? wanted.contractId : wanted.contract.id;
}

export function descriptionOf(wanted: Wanted): ItemDescription {
	return wanted.kind === "taken"
		? wanted.offer.description
		: wanted.description;
}

/** What the own module is asked about: the current generation for a new contract, and its own for an old one. */
export function sellerQuestion(wanted: Wanted): SellerQuestion {
	if (wanted.kind === "taken")
		return { issuer: wanted.offer.issuer, generation: 0 };
	const { issuer, seller } = wanted.contract;
	return { issuer, generation: sellerOf(seller).generation };
}

/** How long buyers have, in milliseconds. */
export interface ContractTimes {
	readonly payWithinMs: number;
	readonly bookWithinMs: number;
}

/** What contracts give for merchandise of that length, unless the merchant says otherwise. */
export function timesFor(length: bigint, rail: RailName): ContractTimes {
	const sending = Number((length * 1000n) / SLOW_LINE_BYTES_PER_S);
	const payWithinMs = Math.min(PAY_WITHIN_MS + sending, MAX_PAY_WITHIN_MS);
	return {
		payWithinMs,
		bookWithinMs:
			rail === "own-notes" ? MAX_BOOK_WITHIN_MS : payWithinMs + LOCKED_AFTER_MS,
	};
}

/** The terms of a new contract. */
export function termsOf(
	crypto: CryptoProvider,
	{ own, other, binding, exporter }: TradeTetrad,
	{ offer, contractId, salt }: Taken,
	{ rail, certificate }: Seller,
	{ plaintextRoot, length }: Measured,
	{ payWithinMs, bookWithinMs }: ContractTimes,
	now: number,
): ContractTerms {
	const description = encodeItemDescription(offer.description);
	return {
		id: contractId,
		made: now,
		buyerAgent: other.agent.deviceId,
		buyerModule: other.module.deviceId,
		sellerAgent: own.agent.deviceId,
		sellerModule: own.module.deviceId,
		binding,
		rail,
		issuer: offer.issuer,
		currency: offer.currency,
		amount: offer.amount,
		item: itemHash(crypto, salt, description),
		plaintextRoot,
		length,
		exporterHash: exporterHash(crypto, exporter),
		payBy: now + payWithinMs,
		bookBy: now + bookWithinMs,
		certificate,
	};
}

function notSold(why: string): TetradError {
	return new TetradError(
		"payment-refused",
		`this contract is none of this merchant's: ${why}`,
	);
}
