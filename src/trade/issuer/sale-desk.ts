/*
 * What an issuer does for sales. It keeps nothing of them: each merchant's selling secret and each
 * goods key is derived from one master secret whenever it is asked for.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import type {
	JudgedSale,
	MarkedTransfer,
	SaleJudge,
	Seller,
	SellingSecret,
} from "../../money/index.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import {
	type Contract,
	draftSellingCertificate,
	GENERATION_MS,
	goodsKey,
	keyHash,
	parseContract,
	parsePurchaseTerms,
	type SellingCertificateBody,
	secretHash,
	sellingSecret,
	verifyContract,
} from "../documents/index.ts";
import { MerchantAgents } from "./merchant-agents.ts";

/** What the module of an issuer gives. */
export interface SaleContext {
	readonly crypto: CryptoProvider;
	/** The issuer's module. */
	readonly own: CertifiedDevice;
	/** Whom a trusted agency certified under a chain, whenever that was. Throws as `ChainVerdicts.certified`. */
	readonly certifiedAgent: (encodedChain: Uint8Array) => CertifiedDevice;
}

export class SaleDesk implements SaleJudge {
	readonly #context: SaleContext;
	readonly #master: Uint8Array;
	readonly #agents: MerchantAgents;

	/** `master` is the lasting secret of the issuer, 32 bytes. */
	constructor(context: SaleContext, master: Uint8Array) {
		this.#context = context;
		this.#master = copy(master);
		this.#agents = new MerchantAgents(context.crypto, context.certifiedAgent);
	}

	seller(
		{ module, agent }: Pick<Seller, "module" | "agent">,
		generation: number,
		now: number,
	): Seller {
		const current = Math.floor(now / GENERATION_MS) + 1;
		return {
			module,
			agent,
			generation: generation === 0 ? current : generation,
			issued: now,
		};
	}

	toSign(seller: Seller): Uint8Array {
		return draftSellingCertificate(this.#body(seller)).toSign;
	}

	secret(seller: Seller, signature: Uint8Array): SellingSecret {
		return {
			secret: sellingSecret(this.#context.crypto, this.#master, seller),
			certificate: draftSellingCertificate(this.#body(seller)).sign(signature),
		};
	}

	judge(terms: Uint8Array, transfer: MarkedTransfer): JudgedSale {
		const { crypto } = this.#context;
		const { contract: document, chain } = parsePurchaseTerms(terms);
		const contract = parseContract(crypto, document);
		requireTransferOf(contract, transfer);
		verifyContract(crypto, contract, this.#agents.behind(chain));
		const { bookBy, selling, sellerAgent, sellerModule } = contract;
		const secret = sellingSecret(crypto, this.#master, {
			module: sellerModule,
			agent: sellerAgent,
			generation: selling.generation,
		});
		const key = goodsKey(crypto, secret, contract.termsHash);
		const isSold = sameBytes(keyHash(crypto, key), contract.keyHash);
		return {
			bookBy,
			verdict: isSold ? { kind: "sold", key } : { kind: "void" },
		};
	}

	#body(seller: Seller): SellingCertificateBody {
		const { crypto, own } = this.#context;
		return {
			...seller,
			issuer: own.deviceId,
			issuerCertificate: own.certificateId,
			secretHash: secretHash(
				crypto,
				sellingSecret(crypto, this.#master, seller),
			),
		};
	}
}

/** A transfer pays for a contract only as that says: whom, by whom, how much, of whose money. */
function requireTransferOf(contract: Contract, transfer: MarkedTransfer): void {
	if (!sameBytes(contract.hash, transfer.contract))
		throw refused("this transfer pays for another contract than came with it");
	if (
		contract.amount !== transfer.amount ||
		contract.currency !== transfer.currency ||
		!sameBytes(contract.issuer, transfer.issuer) ||
		!sameBytes(contract.buyerModule, transfer.payer) ||
		!sameBytes(contract.sellerModule, transfer.payee)
	)
		throw refused("this transfer is not what its contract asks for");
}

function refused(why: string): TetradError {
	return new TetradError("payment-refused", why);
}
