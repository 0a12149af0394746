/*
 * What the agents of a buyer and a merchant say to each other, in session 1. The first byte says
 * which message it is; the body is `enc` of the fields below. docs/trade.md has them in order.
 */
import { HASH_BYTES } from "../../crypto/index.ts";
import { MAX_CHAIN_BYTES } from "../../identity/index.ts";
import {
	DEVICE_ID,
	MAX_REASON_BYTES,
	type MessageKind,
	type SaidRefusal,
} from "../../money/documents/index.ts";
import {
	BETWEEN_AGENTS_BYTE,
	bool,
	bytes,
	type Field,
	type Fields,
	list,
	optional,
	type Structure,
	structure,
	text,
	twoForms,
	u16,
	u32,
	u64,
} from "../../wire/index.ts";
import { ITEM_SALT_BYTES, MAX_DESCRIPTION_BYTES } from "./item.ts";
import {
	CONTRACT_ID_BYTES,
	MAX_CONTRACT_BYTES,
	MAX_ITEM_NAME_BYTES,
	MAX_OFFERS,
	MAX_ORDER_TEXT_BYTES,
	MAX_PAGE_ITEMS,
	MAX_SEALED_CHUNK_BYTES,
	SEALING_BYTES,
	SECRET_BYTES,
} from "./limits.ts";
import {
	LISTING_FIELD,
	type Listing,
	OFFER_FIELD,
	type Offer,
	offerBody,
} from "./offer.ts";
import { RAILS_FIELD, type RailName } from "./rail.ts";

interface Items {
	readonly items: readonly Listing[];
	/** Whether the catalogue ends here. */
	readonly isLast: boolean;
}

interface List extends InMoney {
	readonly after: string | undefined;
}

interface Ask extends InMoney {
	/** Of the item. */
	readonly name: string;
	/** What shall be made; empty for what is there. */
	readonly order: string;
}

/** What is asked for in more than one kind of money. */
interface InMoney {
	/** The rails whose prices are wanted; notes alone unless given. Programs that know no other rail ask, and are asked, without. */
	readonly rails?: readonly RailName[] | undefined;
}

interface Offers {
	/** Of one item, one for each kind of money, in the merchant's order. */
	readonly offers: readonly Offer[];
}

/** What comes next is sealed for that contract. */
interface Merchandise {
	/** The id of the contract, 16 bytes. */
	readonly contractId: Uint8Array;
	/** Of the whole merchandise, in bytes. */
	readonly length: bigint;
}

interface Chunk {
	readonly index: number;
	/** In the tree of the plaintext. */
	readonly leaf: Uint8Array;
	readonly sealed: Uint8Array;
}

/** A contract, and what is to be known for judging it. */
interface SignedSale {
	/** The contract. */
	readonly document: Uint8Array;
	/** What the description in the offer is hashed with. */
	readonly salt: Uint8Array;
	/** Of the issuer, encoded: the one under which it signed the selling certificate. */
	readonly issuerChain: Uint8Array;
}

/** Merchandise that was paid for, once more. */
interface Fetch {
	/** The contract. */
	readonly document: Uint8Array;
	/** What the tetrad exported in which it was made. */
	readonly exporter: Uint8Array;
	readonly salt: Uint8Array;
	/** The item's description, encoded. */
	readonly description: Uint8Array;
	/** The chunk to begin with. */
	readonly from: number;
}

/** Which of a merchant's modules is looked for. */
interface Where {
	/** Its device id. */
	readonly module: Uint8Array;
}

/** Where the merchant's agent is reached with that module. */
interface There {
	/** At the host at which the buyer has called: a port of TCP, from 1. */
	readonly port: number;
}

const order: Field<string> = text(0, MAX_ORDER_TEXT_BYTES);

/** Between a buyer's agent and a merchant's. */
export const BETWEEN_AGENTS: {
	/** Buyer: what do you sell, after the item of that name or from the first? */
	readonly list: MessageKind<List>;
	/** Merchant: this, in the order of its catalogue. */
	readonly items: MessageKind<Items>;
	/** Buyer: for how much? */
	readonly ask: MessageKind<Ask>;
	/** Merchant: for this. It answers what was asked for notes alone. */
	readonly offer: MessageKind<Offer>;
	/** Buyer: I take it. */
	readonly take: MessageKind<Offer>;
	/** Merchant: it begins; its chunks follow. */
	readonly merchandise: MessageKind<Merchandise>;
	/** Merchant: the next chunk. */
	readonly chunk: MessageKind<Chunk>;
	/** Merchant, after the last chunk of what was taken: and these are our terms. */
	readonly contract: MessageKind<SignedSale>;
	/** Merchant: no, or no more; instead of any answer, and of what is left of one. */
	readonly unavailable: MessageKind<SaidRefusal>;
	/** Buyer: I have paid for this; send it again. */
	readonly fetch: MessageKind<Fetch>;
	/** Buyer: no more of it. It is answered by `unavailable`, unless the answer is over by then. */
	readonly cancel: MessageKind<object>;
	/** Merchant, to whom rails were named: for one of these. */
	readonly offers: MessageKind<Offers>;
	/** Buyer: I have to do with that module of yours; where do I meet it? */
	readonly where: MessageKind<Where>;
	/** Merchant: there. */
	readonly there: MessageKind<There>;
} = {
	list: inMoney<List>("list", BETWEEN_AGENTS_BYTE.list, {
		after: optional(text(1, MAX_ITEM_NAME_BYTES)),
	}),
	items: kind<Items>("items", BETWEEN_AGENTS_BYTE.items, {
		items: list(LISTING_FIELD, 0, MAX_PAGE_ITEMS),
		isLast: bool,
	}),
	ask: inMoney<Ask>("ask", BETWEEN_AGENTS_BYTE.ask, {
		name: text(1, MAX_ITEM_NAME_BYTES),
		order,
	}),
	offer: { type: BETWEEN_AGENTS_BYTE.offer, body: offerBody("offer") },
	take: { type: BETWEEN_AGENTS_BYTE.take, body: offerBody("take") },
	merchandise: kind<Merchandise>(
		"merchandise",
		BETWEEN_AGENTS_BYTE.merchandise,
		{ contractId: bytes(CONTRACT_ID_BYTES), length: u64 },
	),
	chunk: kind<Chunk>("chunk", BETWEEN_AGENTS_BYTE.chunk, {
		index: u32,
		leaf: bytes(HASH_BYTES),
		sealed: bytes(SEALING_BYTES, MAX_SEALED_CHUNK_BYTES),
	}),
	contract: kind<SignedSale>("contract", BETWEEN_AGENTS_BYTE.contract, {
		document: bytes(1, MAX_CONTRACT_BYTES),
		salt: bytes(ITEM_SALT_BYTES),
		issuerChain: bytes(1, MAX_CHAIN_BYTES),
	}),
	unavailable: kind<SaidRefusal>(
		"unavailable",
		BETWEEN_AGENTS_BYTE.unavailable,
		{ code: text(1, 40), reason: text(0, MAX_REASON_BYTES) },
	),
	fetch: kind<Fetch>("fetch", BETWEEN_AGENTS_BYTE.fetch, {
		document: bytes(1, MAX_CONTRACT_BYTES),
		exporter: bytes(SECRET_BYTES),
		salt: bytes(ITEM_SALT_BYTES),
		description: bytes(1, MAX_DESCRIPTION_BYTES),
		from: u32,
	}),
	cancel: kind("cancel", BETWEEN_AGENTS_BYTE.cancel, {}),
	offers: kind<Offers>("offers", BETWEEN_AGENTS_BYTE.offers, {
		offers: list(OFFER_FIELD, 1, MAX_OFFERS),
	}),
	where: kind<Where>("where", BETWEEN_AGENTS_BYTE.where, {
		module: DEVICE_ID,
	}),
	there: kind<There>("there", BETWEEN_AGENTS_BYTE.there, { port: u16 }),
};

const TYPES: ReadonlySet<number> = new Set(
	Object.values(BETWEEN_AGENTS).map(({ type }) => type),
);

/** Whether a message of session 1 is one of trade; any other first byte is somebody else's. */
export function isOfTrade(bytes: Uint8Array): boolean {
	return TYPES.has(bytes[0] ?? 0);
}

/** Without rails where notes alone are wanted, as programs ask that know nothing else. */
function inMoney<Value extends InMoney>(
	name: string,
	type: number,
	fields: Fields<Omit<Value, "rails">>,
): MessageKind<Value> {
	const long = { ...fields, rails: RAILS_FIELD } as unknown as Fields<Value>;
	return {
		type,
		body: twoForms<Value>(
			structure<Omit<Value, "rails">>(
				name,
				fields,
			) as unknown as Structure<Value>,
			structure<Value>(name, long),
			({ rails }) => rails !== undefined,
		),
	};
}

function kind<Value extends object>(
	name: string,
	type: number,
	fields: Fields<Value>,
): MessageKind<Value> {
	return { type, body: structure(name, fields) };
}
