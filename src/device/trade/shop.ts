import type { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import type { Payment } from "../../money/index.ts";
import type { Goods } from "../../trade/agent/index.ts";
import type {
	Contract,
	EcashSaid,
	ItemDescription,
	Listing,
	Offer,
} from "../../trade/documents/index.ts";
import type { MerchandiseSource } from "./merchandise-file.ts";

/** A sale whose money the own module has. */
export interface ShopSale {
	/** The contract's hash. */
	readonly contract: Uint8Array;
	/** In minor units. */
	readonly amount: bigint;
	/** The own module's receipt, and the encoded chain under which it was signed. */
	readonly receipt: Uint8Array;
	readonly chain: Uint8Array;
	/** The agent that has bought it. */
	readonly buyer: Pick<CertifiedDevice, "deviceId" | "name">;
	/** Which ecash it was sold for; nothing for notes. */
	readonly ecash?: EcashSaid;
}

/** What a merchant owes a buyer: the refund of a sale. */
export interface OwedRefund {
	readonly payment: Payment;
	/** What it is for, as `refundText` says it. */
	readonly text: string;
	/** The own module has paid it. */
	paid(): Promise<void>;
	/** It could not be paid. What the merchant is to hear of that; nothing, where it was told before. */
	refused(error: TetradError): TetradError | undefined;
}

/** What a merchant sells, for its agent to ask. What it throws goes to the buyer as "unavailable": with its sentence where it is about the buyer, and without it otherwise. */
export interface Shop {
	/** At most `limit` items after the one of that name, or the first ones; one that is sold for several kinds of money once for each. */
	list(
		after: string | undefined,
		limit: number,
	): Promise<{ readonly items: readonly Listing[]; readonly isLast: boolean }>;
	/** What an item costs, with the order in its description: once in each kind of money, in the order in which the merchant would have them. */
	price(name: string, order: string): Promise<readonly Listing[]>;
	/** That offer goes to that buyer now. */
	quoted?(offer: Offer, buyer: CertifiedDevice): void;
	/** Has merchandise ready to be read; what is made on order is made now, until `signal` says that nobody waits for it. */
	open(goods: Goods, signal: AbortSignal): Promise<MerchandiseSource>;
	/** That contract has gone to its buyer, who may pay for it or not. */
	contracted(contract: Contract, description: ItemDescription): Promise<void>;
	/** It is paid. */
	sold(sale: ShopSale): Promise<void>;
	/** What is owed to that buyer by the merchant's module of that device id, with which it has come. A buyer that has its module expect a refund asks for the catalogue, and is paid then. */
	owed?(
		buyer: CertifiedDevice,
		module: Uint8Array,
	): Promise<readonly OwedRefund[]>;
	/** The tetrad is over in which what was made on order was opened, or contracted, under contracts of those ids, and it was not heard that any of it is paid. */
	left?(contractIds: readonly Uint8Array[]): void;
	/** The same, where the merchant's own side has ended the tetrad, or has failed: it is held against nobody. Comes before the signals of what is being made. */
	cut?(contractIds: readonly Uint8Array[]): void;
}
