/*
 * A contract: one sale, signed by the merchant's agent. Its terms are all of it but the hash of
 * the goods key and the root of the ciphertext, which depend on the key, and the key on the terms.
 */
import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { authenticationFailed, TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	amount,
	currencyCode,
	currencyOf,
	DEVICE_ID,
} from "../../money/documents/index.ts";
import {
	bytes,
	enc,
	type Fields,
	malformed,
	mappedStructure,
	SignedDocument,
	type Structure,
	sameBytes,
	structure,
	time,
	u64,
	utf8,
	type Verified,
} from "../../wire/index.ts";
import {
	CONTRACT_ID_BYTES,
	MAX_BOOK_WITHIN_MS,
	MAX_CERTIFICATE_BYTES,
	MAX_CONTRACT_BYTES,
	MAX_PAY_WITHIN_MS,
} from "./limits.ts";
import { type RailName, rail } from "./rail.ts";
import {
	type ContractSeller,
	parseSeller,
	railOf,
	sellerOf,
} from "./seller.ts";

/** All of a contract that the goods key is derived from. */
export interface ContractTerms {
	/** Random, 16 bytes; the merchant's agent makes it. */
	readonly id: Uint8Array;
	/** By the merchant's agent's clock; milliseconds since the epoch. */
	readonly made: number;
	/** Device ids. */
	readonly buyerAgent: Uint8Array;
	readonly buyerModule: Uint8Array;
	readonly sellerAgent: Uint8Array;
	readonly sellerModule: Uint8Array;
	/** Of the tetrad in which it was made, as transfers have it: 32 bytes. */
	readonly binding: Uint8Array;
	readonly rail: RailName;
	/** Device id of the issuer of the money. */
	readonly issuer: Uint8Array;
	readonly currency: string;
	/** The price, in minor units. */
	readonly amount: bigint;
	/** Salted hash of the item's description, 32 bytes. */
	readonly item: Uint8Array;
	/** Root of the hash tree of the merchandise, 32 bytes. */
	readonly plaintextRoot: Uint8Array;
	/** Of the merchandise, in bytes. */
	readonly length: bigint;
	/** `exporterHash` of what its tetrad exports, 32 bytes. */
	readonly exporterHash: Uint8Array;
	/** Until when it may be paid; milliseconds since the epoch. */
	readonly payBy: number;
	/** Until when what was paid may be booked; milliseconds since the epoch. */
	readonly bookBy: number;
	/** What its rail sells with: the selling certificate of the secret that its key is derived from, or the terms of a mint's money. A document. */
	readonly certificate: Uint8Array;
}

/** What a merchant's agent signs. */
export interface ContractBody extends ContractTerms {
	/** `keyHash` of the goods key, 32 bytes. */
	readonly keyHash: Uint8Array;
	/** Root of the hash tree of the sealed merchandise, 32 bytes. */
	readonly ciphertextRoot: Uint8Array;
}

/** A contract as it was read: well formed, and not yet verified. */
export interface Contract extends ContractBody {
	/** h, SHA-256(enc("tetrad/1 contract", body)), 32 bytes: what its payment is for. A signature that was encoded anew makes no second contract. */
	readonly hash: Uint8Array;
	/** `termsHash` of its terms, 32 bytes. */
	readonly termsHash: Uint8Array;
	/** As it stands in `certificate`, read and not verified. */
	readonly seller: ContractSeller;
	/** enc(body, signature). */
	readonly document: Uint8Array;
}

/** A contract that the agent signed that sells by it. Only `verifyContract` makes one. */
export type VerifiedContract = Verified<Contract>;

const TERMS: Fields<ContractTerms> = {
	id: bytes(CONTRACT_ID_BYTES),
	made: time,
	buyerAgent: DEVICE_ID,
	buyerModule: DEVICE_ID,
	sellerAgent: DEVICE_ID,
	sellerModule: DEVICE_ID,
	binding: bytes(HASH_BYTES),
	rail,
	issuer: DEVICE_ID,
	currency: currencyCode,
	amount,
	item: bytes(HASH_BYTES),
	plaintextRoot: bytes(HASH_BYTES),
	length: u64,
	exporterHash: bytes(HASH_BYTES),
	payBy: time,
	bookBy: time,
	certificate: bytes(1, MAX_CERTIFICATE_BYTES),
};

const TERMS_STRUCTURE: Structure<ContractTerms> = structure<ContractTerms>(
	"the terms of a contract",
	TERMS,
);

const BODY: Structure<ContractBody> = mappedStructure(
	structure<ContractBody>("a contract", {
		...TERMS,
		keyHash: bytes(HASH_BYTES),
		ciphertextRoot: bytes(HASH_BYTES),
	}),
	{
		from(body) {
			requireTimes(body);
			return body;
		},
		to: (body) => body,
	},
);

const CONTRACT_LABEL: Uint8Array = utf8("tetrad/1 contract");
const TERMS_LABEL: Uint8Array = utf8("tetrad/1 terms");

const CONTRACT: SignedDocument<ContractBody, Contract, CertifiedDevice> =
	new SignedDocument({
		name: "a contract",
		role: "CO",
		body: BODY,
		maxBytes: MAX_CONTRACT_BYTES,
		judge(contract, agent) {
			if (
				agent.role !== "agent" ||
				!sameBytes(contract.sellerAgent, agent.deviceId)
			)
				throw authenticationFailed();
			const { agent: seller, module, issuer } = sellerOf(contract.seller);
			if (
				!sameBytes(seller, contract.sellerAgent) ||
				!sameBytes(module, contract.sellerModule) ||
				!sameBytes(issuer, contract.issuer)
			)
				throw refused("its selling certificate is another seller's");
			if (!isIn(contract.seller, contract.currency))
				throw refused("its currency is not that of the money it is sold for");
			if (
				sameBytes(contract.buyerAgent, contract.sellerAgent) ||
				sameBytes(contract.buyerModule, contract.sellerModule)
			)
				throw refused("its buyer and its seller are the same");
			return { key: agent, proves: contract };
		},
	});

/** What the goods key is derived from beside the selling secret, 32 bytes. Throws `invalid-argument` for terms that no contract has. */
export function termsHash(
	crypto: CryptoProvider,
	terms: ContractTerms,
): Uint8Array {
	return crypto.sha256(enc(TERMS_LABEL, TERMS_STRUCTURE.encode(terms)));
}

/** The bytes that a merchant's agent signs, and how they become a contract. Throws `invalid-argument` and `malformed` for one that nobody would read. */
export function draftContract(body: ContractBody): {
	readonly toSign: Uint8Array;
	readonly sign: (crypto: CryptoProvider, signature: Uint8Array) => Contract;
} {
	const { toSign, sign } = CONTRACT.draft(body);
	return {
		toSign,
		sign: (crypto, signature) => parseContract(crypto, sign(signature)),
	};
}

/** Terms as they go from an agent to its module, `enc` of them. Throws `invalid-argument`. */
export function encodeTerms(terms: ContractTerms): Uint8Array {
	return TERMS_STRUCTURE.encode(terms);
}

/** Reads terms. Bytes in them are views. Throws `malformed`. */
export function parseTerms(encoded: Uint8Array): ContractTerms {
	const terms = TERMS_STRUCTURE.decode(encoded);
	requireTimes(terms);
	return terms;
}

/** The largest encoded terms, in bytes. */
export const MAX_CONTRACT_TERMS_BYTES: number = TERMS_STRUCTURE.maxBytes;

/** Reads a signed contract (copied). Throws `malformed`, also for a selling certificate in it that is none. */
export function parseContract(
	crypto: CryptoProvider,
	document: Uint8Array,
): Contract {
	const { signed, encoded } = CONTRACT.read(document);
	const seller = parseSeller(crypto, signed.certificate);
	if (railOf(seller) !== signed.rail)
		throw malformed("a contract names another rail than it is sold over");
	return {
		...signed,
		hash: crypto.sha256(enc(CONTRACT_LABEL, encoded)),
		termsHash: termsHash(crypto, signed),
		seller,
	};
}

/**
 * Checks that `agent` signed the contract and sells by it. Whether its four devices, its binding,
 * its price and its key are the right ones, and who signed its selling certificate, is for the
 * caller to ask. Throws `payment-refused` for a contract that contradicts itself, and
 * `authentication-failed` for another agent or a signature that does not fit.
 */
export function verifyContract(
	crypto: CryptoProvider,
	contract: Contract,
	agent: CertifiedDevice,
): VerifiedContract {
	return CONTRACT.verify(crypto, contract, agent);
}

/** Whether a seller takes a currency, where what it sells with says so; of a certified one the issuer does. */
function isIn(seller: ContractSeller, currency: string): boolean {
	return (
		seller.kind === "certified" ||
		currencyOf(seller.terms.unit).code === currency
	);
}

function requireTimes({
	made,
	payBy,
	bookBy,
}: Pick<ContractTerms, "made" | "payBy" | "bookBy">): void {
	if (!(made < payBy && payBy - made <= MAX_PAY_WITHIN_MS))
		throw malformed("a contract is to be paid too late, or before it is made");
	if (!(payBy <= bookBy && bookBy - made <= MAX_BOOK_WITHIN_MS))
		throw malformed(
			"a contract is to be booked too late, or before it is paid",
		);
}

function refused(why: string): TetradError {
	return new TetradError("payment-refused", `the contract is refused: ${why}`);
}
