/*
 * What an agent and its own module say to each other about purchases, in session 3 or 4. The first
 * byte says which message it is; the body is `enc` of the fields below. docs/trade.md has them in
 * order. Each names its purchase by the contract's hash.
 */
import { HASH_BYTES } from "../../crypto/index.ts";
import { MAX_CHAIN_BYTES } from "../../identity/index.ts";
import {
	CONTRACT_BYTES,
	currencyCode,
	DEVICE_ID,
	MAX_REASON_BYTES,
	MAX_RECEIPT_BYTES,
	type MessageKind,
	type MoneyKind,
	moneyKind,
	type SaidRefusal,
} from "../../money/documents/index.ts";
import {
	bool,
	bytes,
	type Field,
	type Fields,
	list,
	malformed,
	mapped,
	mappedStructure,
	optional,
	PURCHASE_BYTE,
	type Structure,
	structure,
	text,
	twoForms,
	u32,
	u64,
} from "../../wire/index.ts";
import { MAX_CONTRACT_TERMS_BYTES } from "./contract.ts";
import { ITEM_SALT_BYTES, MAX_DESCRIPTION_BYTES } from "./item.ts";
import {
	MAX_CERTIFICATE_BYTES,
	MAX_CONTRACT_BYTES,
	MAX_MONEYS,
	SECRET_BYTES,
} from "./limits.ts";
import { oneOf } from "./one-of.ts";
import { type RailName, rail } from "./rail.ts";

/** A purchase, by its contract. */
interface OfContract {
	/** The contract's hash, 32 bytes. */
	readonly contract: Uint8Array;
}

/** What somebody needs to judge what is bought. */
interface ContractOfItem {
	/** The contract's document. */
	readonly document: Uint8Array;
	/** What the item's description is hashed with. */
	readonly salt: Uint8Array;
	/** The item's description, encoded. */
	readonly description: Uint8Array;
}

/** A purchase that an agent wants. */
export interface Buy extends ContractOfItem {
	/** Of the issuer, encoded: the one under which it signed the selling certificate. */
	readonly issuerChain: Uint8Array;
	/** What the merchant has said of its money, with which whoever bought it has read the price. */
	readonly money: MoneyKind;
	/** Whether the owner is asked first, whatever the limits say. */
	readonly askOwner: boolean;
	/** What a mint may ask for beside the price, in minor units, as whoever buys it has agreed to; what the owner's limits let it be unless given. */
	readonly mostFee?: bigint | undefined;
}

/** A purchase whose key has come. */
export interface Bought extends OfContract {
	/** The goods key. */
	readonly key: Uint8Array;
	/** The payee's receipt, and the chain under which it was signed. Both are empty when the key is the issuer's word, and no receipt has come. */
	readonly receipt: Uint8Array;
	readonly chain: Uint8Array;
	/** What its mint has taken beside the price, in minor units; not there where that is nothing, as of notes. */
	readonly fee?: bigint | undefined;
}

/** What became of money that bought nothing, or has not yet. */
export type NotBoughtOutcome =
	/** Nothing was paid, and nothing will be. */
	| "aborted"
	/** What was paid is void, and is the payer's again. */
	| "refunded"
	/** It is committed, and is being resolved. */
	| "in-doubt";

interface NotBought extends OfContract, SaidRefusal {
	readonly outcome: NotBoughtOutcome;
	/** What came back or is in doubt, in minor units; 0 when nothing was paid. */
	readonly amount: bigint;
	/** Of what came back: as in `Bought`. */
	readonly fee?: bigint | undefined;
}

/** How far a purchase is that was paid for. */
export type PurchaseStep =
	/** Paid, and the key has not come. */
	| "locked"
	/** The key is there. */
	| "keyed"
	/** And the agent has said that it has the goods. */
	| "closed"
	/** It was void, and its money is the payer's again. */
	| "refunded";

/** What is kept of a purchase from before it is paid: at its agent, and at its module from when it is. */
export interface Recalled extends ContractOfItem {
	/** Of the agent that signed the contract, encoded. */
	readonly sellerChain: Uint8Array;
	/** What the tetrad of the contract exported. */
	readonly exporter: Uint8Array;
}

/** All that an agent needs to have the goods of a purchase that another has made. */
export interface PurchaseSaid extends Recalled {
	readonly step: PurchaseStep;
	readonly key: Uint8Array | undefined;
	/** As in `bought`; both empty when none has come. */
	readonly receipt: Uint8Array;
	readonly chain: Uint8Array;
	/** As in `bought`. */
	readonly fee?: bigint | undefined;
}

interface Selling {
	/** Device id of the issuer for whose money is sold. */
	readonly issuer: Uint8Array;
	/** 0 for the current one. */
	readonly generation: number;
}

/** What an agent sells with. */
interface Seller {
	/** The selling certificate. */
	readonly certificate: Uint8Array;
	/** Of the issuer, encoded: the one under which it signed it. */
	readonly issuerChain: Uint8Array;
	readonly saltKey: Uint8Array;
}

interface GoodsKey {
	/** `termsHash` of the terms that it was asked for. */
	readonly termsHash: Uint8Array;
	readonly key: Uint8Array;
}

interface Unsold extends SaidRefusal {
	/** Of the terms that it was asked for; none when it answers `selling`. */
	readonly termsHash: Uint8Array | undefined;
}

interface SoldForNotes extends OfContract {
	readonly amount: bigint;
	/** The own module's receipt, and the chain under which it was signed. */
	readonly receipt: Uint8Array;
	readonly chain: Uint8Array;
}

interface Sold extends SoldForNotes {
	/** Of what was sold for ecash, where an agent may have forgotten for which; nothing for notes. */
	readonly ecash?: EcashSaid | undefined;
}

interface SoldTo extends Sold {
	/** Device id of the agent that has bought it. */
	readonly buyerAgent: Uint8Array;
}

/** Which ecash it was. */
export interface EcashSaid {
	/** What the mint has in the place of an issuer. */
	readonly issuer: Uint8Array;
	readonly currency: string;
	readonly money: MoneyKind;
}

/** What is asked about money; nothing more than which there is, unless there are prices. */
interface AskedPrices {
	readonly prices?: readonly AskedPrice[] | undefined;
}

/** One kind of money that the owner of a module has named to it. */
export interface HeldMoney {
	/** Device id of the issuer, or what a mint has in its place. */
	readonly issuer: Uint8Array;
	readonly currency: string;
	/** With which decimals, and as which kind of money, the module counts it. */
	readonly money: MoneyKind;
	readonly rail: RailName;
	/** What of it can be paid with now, in minor units. */
	readonly spendable: bigint;
	/** Of a mint: what it asks for beside the price that was asked about, with what is there now; nothing where that is not known, or was not asked about. */
	readonly fee?: bigint | undefined;
}

/** A price that is asked about. */
export interface AskedPrice {
	/** As in `HeldMoney`. */
	readonly issuer: Uint8Array;
	readonly amount: bigint;
}

const HELD: Fields<Omit<HeldMoney, "fee">> = {
	issuer: DEVICE_ID,
	currency: currencyCode,
	money: moneyKind,
	rail,
	spendable: u64,
};

const HELD_MONEY: Structure<HeldMoney> = twoForms<HeldMoney>(
	structure("what a module knows of its money", HELD),
	withField(
		structure<Omit<HeldMoney, "fee"> & { readonly fee: bigint }>(
			"what a module knows of its money",
			{ ...HELD, fee: u64 },
		),
		"fee",
	),
	({ fee }) => fee !== undefined,
);

const ASKED_PRICE: Structure<AskedPrice> = structure<AskedPrice>(
	"a price that is asked about",
	{ issuer: DEVICE_ID, amount: u64 },
);

const askedPrice: Field<AskedPrice> = mapped(bytes(1, ASKED_PRICE.maxBytes), {
	from: ASKED_PRICE.decode,
	to: ASKED_PRICE.encode,
});

const heldMoney: Field<HeldMoney> = mapped(bytes(1, HELD_MONEY.maxBytes), {
	from: HELD_MONEY.decode,
	to: HELD_MONEY.encode,
});

const contract: Field<Uint8Array> = bytes(CONTRACT_BYTES);
const hash: Field<Uint8Array> = bytes(HASH_BYTES);
const secret: Field<Uint8Array> = bytes(SECRET_BYTES);
const chain: Field<Uint8Array> = bytes(1, MAX_CHAIN_BYTES);
const anyReceipt: Field<Uint8Array> = bytes(0, MAX_RECEIPT_BYTES);
const anyChain: Field<Uint8Array> = bytes(0, MAX_CHAIN_BYTES);

const REFUSAL: Fields<SaidRefusal> = {
	code: text(1, 40),
	reason: text(0, MAX_REASON_BYTES),
};

const CONTRACT_OF_ITEM: Fields<ContractOfItem> = {
	document: bytes(1, MAX_CONTRACT_BYTES),
	salt: bytes(ITEM_SALT_BYTES),
	description: bytes(1, MAX_DESCRIPTION_BYTES),
};

const RECALLED: Fields<Recalled> = {
	...CONTRACT_OF_ITEM,
	sellerChain: chain,
	exporter: secret,
};

const outcome: Field<NotBoughtOutcome> = oneOf("outcome of a purchase", [
	"aborted",
	"refunded",
	"in-doubt",
]);

const step: Field<PurchaseStep> = oneOf("step of a purchase", [
	"locked",
	"keyed",
	"closed",
	"refunded",
]);

const BUY: Fields<Omit<Buy, "mostFee">> = {
	...CONTRACT_OF_ITEM,
	issuerChain: chain,
	money: moneyKind,
	askOwner: bool,
};

const SOLD: Fields<SoldForNotes> = {
	contract,
	amount: u64,
	receipt: bytes(1, MAX_RECEIPT_BYTES),
	chain,
};

/** Between an agent and its own module, about purchases. */
export const ABOUT_PURCHASES: {
	/** Agent: pay for this. Asked again, it is answered with where the purchase is. */
	readonly buy: MessageKind<Buy>;
	/** Module: paid, and this is the key. */
	readonly bought: MessageKind<Bought>;
	/** Module: it goes on once the owner has approved of it, and nothing is paid before. */
	readonly waiting: MessageKind<OfContract & SaidRefusal>;
	/** Module: there is no key. */
	readonly notBought: MessageKind<NotBought>;
	/** Agent: do not pay for this. It is answered by `notBought` or, once it was paid, by where the purchase is. */
	readonly cancel: MessageKind<OfContract>;
	/** Agent: I have the goods, or evidence that they are wrong, durably. */
	readonly final: MessageKind<OfContract>;
	/** Module: so nothing more is to be said about it. */
	readonly closed: MessageKind<OfContract>;
	/**
	 * Agent: tell me what was paid for, in the order of contracts, after this one or from the first.
	 * Module: that was all of it for now; ask again after this one. When it is the one that was
	 * asked for, there is nothing more.
	 */
	readonly purchases: MessageKind<{ readonly after: Uint8Array | undefined }>;
	/** Module: one of them. */
	readonly purchase: MessageKind<PurchaseSaid>;
	/** Agent: where is this purchase? */
	readonly resolve: MessageKind<OfContract>;
	/** Agent: what do I sell with? */
	readonly selling: MessageKind<Selling>;
	/** Module: this. */
	readonly seller: MessageKind<Seller>;
	/** Agent: the key for these terms (`encodeTerms`). */
	readonly sell: MessageKind<{ readonly terms: Uint8Array }>;
	/** Module: this. */
	readonly goodsKey: MessageKind<GoodsKey>;
	/** Module: no. */
	readonly unsold: MessageKind<Unsold>;
	/** Module: it is paid, and the money is ours. The other agent of this tetrad has bought it. */
	readonly sold: MessageKind<Sold>;
	/** Agent: which money do you know, and what does it cost to pay these prices with it? */
	readonly moneys: MessageKind<AskedPrices>;
	/** Module: this, in the order in which its owner has named it; mints come after issuers. */
	readonly moneysHeld: MessageKind<{ readonly moneys: readonly HeldMoney[] }>;
	/** Agent: this is a purchase that you may have forgotten. It is answered with where it is, once that is known. */
	readonly recall: MessageKind<Recalled>;
	/** Module: it is paid, as with `sold`; that agent has bought it, and not the other one of this tetrad. */
	readonly soldTo: MessageKind<SoldTo>;
} = {
	buy: {
		type: PURCHASE_BYTE.buy,
		body: twoForms<Buy>(
			structure("buy", BUY),
			withField(
				structure<Omit<Buy, "mostFee"> & { readonly mostFee: bigint }>("buy", {
					...BUY,
					mostFee: u64,
				}),
				"mostFee",
			),
			({ mostFee }) => mostFee !== undefined,
		),
	},
	bought: withFee<Bought>("bought", PURCHASE_BYTE.bought, {
		contract,
		key: secret,
		receipt: anyReceipt,
		chain: anyChain,
	}),
	waiting: kind("waiting", PURCHASE_BYTE.waiting, { contract, ...REFUSAL }),
	notBought: withFee<NotBought>("notBought", PURCHASE_BYTE.notBought, {
		contract,
		outcome,
		amount: u64,
		...REFUSAL,
	}),
	cancel: kind("cancel", PURCHASE_BYTE.cancel, { contract }),
	final: kind("final", PURCHASE_BYTE.final, { contract }),
	closed: kind("closed", PURCHASE_BYTE.closed, { contract }),
	purchases: kind("purchases", PURCHASE_BYTE.purchases, {
		after: optional(contract),
	}),
	purchase: withFee<PurchaseSaid>("purchase", PURCHASE_BYTE.purchase, {
		...RECALLED,
		step,
		key: optional(secret),
		receipt: anyReceipt,
		chain: anyChain,
	}),
	resolve: kind("resolve", PURCHASE_BYTE.resolve, { contract }),
	selling: kind<Selling>("selling", PURCHASE_BYTE.selling, {
		issuer: DEVICE_ID,
		generation: u32,
	}),
	seller: kind<Seller>("seller", PURCHASE_BYTE.seller, {
		certificate: bytes(1, MAX_CERTIFICATE_BYTES),
		issuerChain: chain,
		saltKey: secret,
	}),
	sell: kind("sell", PURCHASE_BYTE.sell, {
		terms: bytes(1, MAX_CONTRACT_TERMS_BYTES),
	}),
	goodsKey: kind<GoodsKey>("goodsKey", PURCHASE_BYTE.goodsKey, {
		termsHash: hash,
		key: secret,
	}),
	unsold: kind<Unsold>("unsold", PURCHASE_BYTE.unsold, {
		termsHash: optional(hash),
		...REFUSAL,
	}),
	sold: ofSale<Sold>("sold", PURCHASE_BYTE.sold, SOLD),
	moneys: {
		type: PURCHASE_BYTE.moneys,
		body: twoForms<AskedPrices>(
			mappedStructure(structure<object>("moneys", {}), {
				from: (): AskedPrices => ({}),
				to: () => ({}),
			}),
			withField(
				structure<{ readonly prices: readonly AskedPrice[] }>("moneys", {
					prices: list(askedPrice, 1, MAX_MONEYS),
				}),
				"prices",
			),
			({ prices }) => prices !== undefined,
		),
	},
	moneysHeld: kind("moneysHeld", PURCHASE_BYTE.moneysHeld, {
		moneys: list(heldMoney, 0, MAX_MONEYS),
	}),
	recall: kind<Recalled>("recall", PURCHASE_BYTE.recall, RECALLED),
	soldTo: ofSale<SoldTo>("soldTo", PURCHASE_BYTE.soldTo, {
		...SOLD,
		buyerAgent: DEVICE_ID,
	}),
};

const TYPES: ReadonlySet<number> = new Set(
	Object.values(ABOUT_PURCHASES).map(({ type }) => type),
);

/** Whether a message is one about purchases; any other first byte is somebody else's. */
export function isAboutPurchases(bytes: Uint8Array): boolean {
	return TYPES.has(bytes[0] ?? 0);
}

function kind<Value extends object>(
	name: string,
	type: number,
	fields: Fields<Value>,
): MessageKind<Value> {
	return { type, body: structure(name, fields) };
}

/** Without the fee where there is none, as it was before there was that. */
function withFee<Value extends { readonly fee?: bigint | undefined }>(
	name: string,
	type: number,
	fields: Fields<Omit<Value, "fee">>,
): MessageKind<Value> {
	const short = structure<Omit<Value, "fee">>(name, fields);
	const long = { ...fields, fee: u64 } as unknown as Fields<Value>;
	return {
		type,
		body: twoForms<Value>(
			short as unknown as Structure<Value>,
			structure<Value>(name, long),
			({ fee }) => fee !== undefined,
		),
	};
}

/** With which ecash it was sold for behind all else, where it was. */
function ofSale<Value extends Sold>(
	name: string,
	type: number,
	fields: Fields<Omit<Value, "ecash">>,
): MessageKind<Value> {
	type ForNotes = Omit<Value, "ecash">;
	const forEcash = {
		...fields,
		issuer: DEVICE_ID,
		currency: currencyCode,
		money: moneyKind,
	} as unknown as Fields<ForNotes & EcashSaid>;
	return {
		type,
		body: twoForms<Value>(
			structure<ForNotes>(name, fields) as unknown as Structure<Value>,
			mappedStructure(structure<ForNotes & EcashSaid>(name, forEcash), {
				from: ({ issuer, currency, money, ...sold }) =>
					({
						...sold,
						ecash: { issuer, currency, money },
					}) as unknown as Value,
				to: ({ ecash, ...sold }: Value) => {
					if (ecash === undefined) throw malformed("it was sold for notes");
					return { ...sold, ...ecash } as unknown as ForNotes & EcashSaid;
				},
			}),
			({ ecash }) => ecash !== undefined,
		),
	};
}

/** A structure with a field that is not there in the other form of its message. */
function withField<Inner extends object, Name extends keyof Inner>(
	inner: Structure<Inner>,
	name: Name,
): Structure<
	Omit<Inner, Name> & { readonly [Of in Name]?: Inner[Name] | undefined }
> {
	return mappedStructure(inner, {
		from: (value) => value,
		to: (value) => {
			if (value[name] === undefined) throw malformed("a field is not there");
			return value as unknown as Inner;
		},
	});
}
