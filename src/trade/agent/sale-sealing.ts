/* Merchandise that was measured, until it is sealed with its key. */
import type { CryptoProvider } from "../../crypto/index.ts";
import {
	type Contract,
	type ContractTerms,
	draftContract,
	keyHash,
	termsHash,
} from "../documents/index.ts";
import { type Measured, Sealing } from "../merchandise/index.ts";
import {
	type ContractTimes,
	type Seller,
	type Taken,
	termsOf,
	timesFor,
	type Wanted,
} from "./sale.ts";
import type { TradeTetrad } from "./trade-tetrad.ts";

/** What the terms of a sale were, and their key's hash to be. */
export interface Keyed {
	readonly termsHash: Uint8Array;
	readonly make: (key: Uint8Array) => Sealed;
}

/** A merchandise while it is sealed, and what ends it. */
export interface Sealed {
	readonly sealing: Sealing;
	readonly end: SealedEnd;
}

type SealedEnd =
	/** Sign a contract over the root of the ciphertext. */
	| {
			readonly kind: "sign";
			readonly draft: (ciphertextRoot: Uint8Array) => DraftOfSale;
	  }
	/** It is the contract's already. */
	| { readonly kind: "compare"; readonly contract: Contract };

export interface DraftOfSale {
	readonly draft: ReturnType<typeof draftContract>;
	readonly taken: Taken;
	readonly seller: Seller;
}

/** The terms of what was measured, and how it is sealed once the module has said its key. */
export function keyedSale(
	options: Partial<ContractTimes> & {
		readonly crypto: CryptoProvider;
		readonly tetrad: TradeTetrad;
	},
	{
		wanted,
		seller,
		measured,
	}: {
		readonly wanted: Wanted;
		readonly seller: Seller;
		readonly measured: Measured;
	},
	now: number,
): Keyed & { readonly terms: ContractTerms } {
	const { crypto, tetrad } = options;
	const { payWithinMs, bookWithinMs } = {
		...timesFor(measured.length, seller.rail),
		...options,
	};
	const times = { payWithinMs, bookWithinMs };
	const terms =
		wanted.kind === "fetched"
			? wanted.contract
			: termsOf(crypto, tetrad, wanted, seller, measured, times, now);
	const sealing = (key: Uint8Array) =>
		new Sealing(crypto, {
			key,
			measured,
			saltKey: seller.saltKey,
			contractId: terms.id,
			exporter: wanted.kind === "fetched" ? wanted.exporter : tetrad.exporter,
		});
	return {
		terms,
		termsHash: termsHash(crypto, terms),
		make: (key) => ({
			sealing: sealing(key),
			end:
				wanted.kind === "fetched"
					? { kind: "compare", contract: wanted.contract }
					: {
							kind: "sign",
							draft: (ciphertextRoot) => ({
								draft: draftContract({
									...terms,
									keyHash: keyHash(crypto, key),
									ciphertextRoot,
								}),
								taken: wanted,
								seller,
							}),
						},
		}),
	};
}
