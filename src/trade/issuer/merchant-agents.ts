import type { CryptoProvider } from "../../crypto/index.ts";
import { type CertifiedDevice, chainHash } from "../../identity/index.ts";
import { copy, hex } from "../../wire/index.ts";
import { MAX_MERCHANT_AGENTS } from "../documents/index.ts";

/** The agents behind chains, each judged once: whom an agency certified does not change. At most `MAX_MERCHANT_AGENTS` are remembered. */
export class MerchantAgents {
	readonly #crypto: CryptoProvider;
	readonly #certified: (encodedChain: Uint8Array) => CertifiedDevice;
	/** By the hash of the chain. */
	readonly #known = new Map<string, CertifiedDevice>();

	/** `certified` judges a chain, whenever it was valid. */
	constructor(
		crypto: CryptoProvider,
		certified: (encodedChain: Uint8Array) => CertifiedDevice,
	) {
		this.#crypto = crypto;
		this.#certified = certified;
	}

	/** Throws as what judges them. */
	behind(chain: Uint8Array): CertifiedDevice {
		const name = hex(chainHash(this.#crypto, chain));
		const known = this.#known.get(name);
		if (known !== undefined) return known;
		const agent = this.#certified(copy(chain));
		if (this.#known.size >= MAX_MERCHANT_AGENTS) this.#known.clear();
		this.#known.set(name, agent);
		return agent;
	}
}
