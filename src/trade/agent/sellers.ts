import type { CryptoProvider } from "../../crypto/index.ts";
import { unexpected } from "../../machine/index.ts";
import { body } from "../../money/documents/index.ts";
import { copy, malformed, sameBytes } from "../../wire/index.ts";
import {
	ABOUT_PURCHASES,
	parseSeller,
	railOf,
	sellerOf,
} from "../documents/index.ts";
import { type Seller, sellerKey } from "./sale.ts";
import type { TradeTetrad } from "./trade-tetrad.ts";

/** What the own module sells with, by what it is asked: it answers one question after another. */
export class Sellers {
	readonly #known = new Map<string, Seller>();
	/** What it was asked and has not said, in order. */
	readonly #questions: string[] = [];

	/** What it has said of this already. */
	get(key: string): Seller | undefined {
		return this.#known.get(key);
	}

	/** It is asked this now. */
	asked(key: string): void {
		this.#questions.push(key);
	}

	/** It says what it sells with. One that had no secret tells by itself once it has one. Throws `malformed`. */
	told(
		crypto: CryptoProvider,
		bytes: Uint8Array,
		own: TradeTetrad["own"],
	): void {
		const fields = body(ABOUT_PURCHASES.seller, bytes);
		const parsed = parseSeller(crypto, fields.certificate);
		const certified = sellerOf(parsed);
		if (
			!sameBytes(certified.agent, own.agent.deviceId) ||
			!sameBytes(certified.module, own.module.deviceId)
		)
			throw malformed("a module has the selling certificate of somebody else");
		const seller: Seller = {
			rail: railOf(parsed),
			certificate: copy(fields.certificate),
			issuerChain: copy(fields.issuerChain),
			saltKey: copy(fields.saltKey),
		};
		const { issuer, generation } = certified;
		const keys = [0, generation].map((of) =>
			sellerKey({ issuer, generation: of }),
		);
		const at = this.#questions.findIndex((question) => keys.includes(question));
		// A generation of the past that nobody asks for now is not the current one.
		const isCurrent = at < 0 || this.#questions[at] === keys[0];
		for (const key of isCurrent ? keys : keys.slice(1))
			this.#known.set(key, seller);
		if (at >= 0) this.#questions.splice(at, 1);
	}

	/** It does not sell with what it was asked first, which is returned. Throws `unexpected-message` where it was asked nothing. */
	refused(): string {
		const question = this.#questions.shift();
		if (question === undefined) throw unexpected("a refusal to sell");
		return question;
	}
}
