/*
 * What a merchant's agent says that it sells. It is not signed: session 1 says whose word it is,
 * and what binds the merchant is the contract. An offer carries a tag that only its merchant can
 * make, so that one which is taken needs not be remembered.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import {
	amount,
	currencyCode,
	currencyOf,
	DEVICE_ID,
	isUnit,
	MAX_MINT_URL_BYTES,
	MAX_UNIT_LENGTH,
	mintId,
	moneyKind,
	requireMintUrl,
} from "../../money/documents/index.ts";
import {
	bytes,
	copy,
	enc,
	type Field,
	type Fields,
	malformed,
	mapped,
	mappedStructure,
	optional,
	type Structure,
	sameBytes,
	structure,
	text,
	time,
	twoForms,
	u64,
	utf8,
} from "../../wire/index.ts";
import {
	encodeItemDescription,
	type ItemDescription,
	MAX_DESCRIPTION_BYTES,
	parseItemDescription,
} from "./item.ts";
import { oneOf } from "./one-of.ts";
import type { RailName } from "./rail.ts";

/** What names an offer, in bytes. */
const OFFER_ID_BYTES = 16;

/** What tells offers of one item apart, in bytes. */
export const OFFER_NONCE_BYTES = 8;

/** Of the key that a merchant's agent makes the tags of its offers with, in bytes. */
export const OFFER_KEY_BYTES = 32;

/** Where merchandise comes from: it is there as a file, it is a licence or a small text, or it is made when somebody takes it. */
export type ItemKind = "file" | "inline" | "made-on-order";

/** Where ecash is from. */
export interface MintOfPrice {
	/** The address of the mint, written in the one way. */
	readonly url: string;
	/** The mint's name of its unit, as `sat`. */
	readonly unit: string;
}

/** A price, and all that has to be known of its money. */
interface Price {
	/** Device id of the issuer, or what a mint has in its place. */
	readonly issuer: Uint8Array;
	/** Its currency's code. */
	readonly currency: string;
	/** Decimals of the currency, and whether it is play money. */
	readonly money: { readonly exponent: number; readonly isPlay: boolean };
	/** In minor units. */
	readonly amount: bigint;
	/** There where it is a price in ecash; nothing for notes. */
	readonly mint?: MintOfPrice;
}

/** One thing in a catalogue, at a price: what is sold for several kinds of money is listed once for each. */
export interface Listing extends Price {
	/** A name is one item's in its catalogue. */
	readonly description: ItemDescription;
	readonly kind: ItemKind;
	/** In bytes; `undefined` for what is still to be made. */
	readonly length: bigint | undefined;
}

/** One thing at a price that its merchant stands by. */
export interface Offer extends Listing {
	/** `offerId` of the rest, 16 bytes. */
	readonly id: Uint8Array;
	/** By the merchant's clock; milliseconds since the epoch. */
	readonly validUntil: number;
	/** Random, 8 bytes: an item that is offered twice at one moment can be bought twice. */
	readonly nonce: Uint8Array;
}

/** How one text, or one list of them, is a field. */
const description: Field<ItemDescription> = mapped(
	bytes(1, MAX_DESCRIPTION_BYTES),
	{ from: parseItemDescription, to: encodeItemDescription },
);

/** Fields of what has a price in notes; in ecash, two further ones say of which mint. */
type InNotes<Of extends Price> = Omit<Of, "mint">;
type InEcash<Of extends Price> = InNotes<Of> & {
	readonly mintUrl: string;
	readonly unit: string;
};

const LISTING: Fields<InNotes<Listing>> = {
	description,
	kind: oneOf<ItemKind>("kind of item", ["file", "inline", "made-on-order"]),
	length: optional(u64),
	issuer: DEVICE_ID,
	currency: currencyCode,
	money: moneyKind,
	amount,
};

const OFFERED_FIELDS: Fields<InNotes<Omit<Offer, "id">>> = {
	...LISTING,
	validUntil: time,
	nonce: bytes(OFFER_NONCE_BYTES),
};

/** The same fields in two forms, with a mint and without. */
function priced<Of extends Price>(
	name: string,
	fields: Fields<InNotes<Of>>,
): Structure<Of> {
	// A price in notes has all fields of what it is a part of, and one in ecash two more.
	const inEcash = {
		...fields,
		mintUrl: text(1, MAX_MINT_URL_BYTES),
		unit: text(1, MAX_UNIT_LENGTH),
	} as unknown as Fields<InEcash<Of>>;
	return twoForms<Of>(
		structure<InNotes<Of>>(name, fields) as unknown as Structure<Of>,
		mappedStructure<InEcash<Of>, Of>(structure<InEcash<Of>>(name, inEcash), {
			from({ mintUrl, unit, ...rest }) {
				requireMintUrl(mintUrl);
				if (!isUnit(unit)) throw malformed(`${name} is in no currency`);
				return { ...rest, mint: { url: mintUrl, unit } } as unknown as Of;
			},
			to: ({ mint, ...rest }) =>
				({
					...rest,
					mintUrl: mint?.url ?? "",
					unit: mint?.unit ?? "",
				}) as unknown as InEcash<Of>,
		}),
		({ mint }) => mint !== undefined,
	);
}

/** What an offer has after its id. */
const OFFERED: Structure<Omit<Offer, "id">> = priced<Omit<Offer, "id">>(
	"what is offered",
	OFFERED_FIELDS,
);

/** An offer as a message of that name has it. */
export function offerBody(name: string): Structure<Offer> {
	return priced<Offer>(name, { id: bytes(OFFER_ID_BYTES), ...OFFERED_FIELDS });
}

const AN_OFFER: Structure<Offer> = offerBody("an offer");

/** An offer as one field. */
export const OFFER_FIELD: Field<Offer> = mapped(bytes(1, AN_OFFER.maxBytes), {
	from: AN_OFFER.decode,
	to: AN_OFFER.encode,
});

const LISTING_STRUCTURE: Structure<Listing> = priced<Listing>(
	"an item of a catalogue",
	LISTING,
);

/** A listing as one field. */
export const LISTING_FIELD: Field<Listing> = mapped(
	bytes(1, LISTING_STRUCTURE.maxBytes),
	{ from: LISTING_STRUCTURE.decode, to: LISTING_STRUCTURE.encode },
);

/** The rail over which a price is paid. */
export function railOfPrice({ mint }: Pick<Price, "mint">): RailName {
	return mint === undefined ? "own-notes" : "cashu";
}

/** Whether a price in ecash says of its mint and unit what follows from them; one in notes has neither. */
export function isConsistent(
	crypto: CryptoProvider,
	{ issuer, currency, money, mint }: Omit<Price, "amount">,
): boolean {
	if (mint === undefined) return true;
	const { code, exponent } = currencyOf(mint.unit);
	return (
		sameBytes(issuer, mintId(crypto, mint.url)) &&
		currency === code &&
		money.exponent === exponent
	);
}

/** How many bytes a listing takes in a page. Throws `invalid-argument` for one that nobody would read. */
export function listingSize(listing: Listing): number {
	return LISTING_FIELD.size(listing);
}

const OFFER: Uint8Array = utf8("tetrad/1 offer");

/**
 * What names an offer and proves to its merchant that it made it to that buyer: the beginning of
 * HMAC-SHA-256 under a key of its own over enc("tetrad/1 offer", buyer's agent, the rest of it).
 */
export function offerId(
	crypto: CryptoProvider,
	key: Uint8Array,
	buyerAgent: Uint8Array,
	offered: Omit<Offer, "id">,
): Uint8Array {
	const tag = crypto.hmac(key, enc(OFFER, buyerAgent, OFFERED.encode(offered)));
	return copy(tag.subarray(0, OFFER_ID_BYTES));
}

/** An offer of its own, of what a message that has one says. */
export function copyOffer(offer: Offer): Offer {
	return {
		id: copy(offer.id),
		description: offer.description,
		kind: offer.kind,
		length: offer.length,
		issuer: copy(offer.issuer),
		currency: offer.currency,
		money: offer.money,
		amount: offer.amount,
		validUntil: offer.validUntil,
		nonce: copy(offer.nonce),
		...(offer.mint === undefined ? {} : { mint: offer.mint }),
	};
}
