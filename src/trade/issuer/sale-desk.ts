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
import { sameBytes } from "../../wire/index.ts";
import {
	type Contract,
	certificateOf,
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

/** A secret that somebody else holds, and lends for a call; `undefined` once it is wiped. */
export interface LentSecret {
	read<Result>(use: (bytes: Uint8Array) => Result): Result | undefined;
}

export class SaleDesk implements SaleJudge {
	readonly #context: SaleContext;
	readonly #master: LentSecret;
	readonly #agents: MerchantAgents;

	/** `master` is the lasting secret of the issuer, 32 bytes. */
	constructor(context: SaleContext, master: LentSecret) {
		this.#context = context;
		this.#master = master;
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
			secret: this.#secretOf(seller),
			certificate: draftSellingCertificate(this.#body(seller)).sign(signature),
		};
	}

	judge(terms: Uint8Array, transfer: MarkedTransfer): JudgedSale {
		const { crypto } = this.#context;
		const { contract: document, chain } = parsePurchaseTerms(terms);
		const contract = parseContract(crypto, document);
		requireTransferOf(contract, transfer);
		verifyContract(crypto, contract, this.#agents.behind(chain));
		const { bookBy, seller, sellerAgent, sellerModule } = contract;
		const secret = this.#secretOf({
			module: sellerModule,
			agent: sellerAgent,
			generation: certificateOf(seller).generation,
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
			secretHash: secretHash(crypto, this.#secretOf(seller)),
		};
	}

	#secretOf(
		seller: Pick<Seller, "module" | "agent" | "generation">,
	): Uint8Array {
		const { crypto } = this.#context;
		const secret = this.#master.read((master) =>
			sellingSecret(crypto, master, seller),
		);
		if (secret === undefined)
			throw new TetradError("tetrad-closed", "this issuer is over");
		return secret;
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
