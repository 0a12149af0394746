/* The selling secret of a module where no issuer gives one: for a mint's ecash. */
import { chainHash } from "../../identity/index.ts";
import {
	byKey,
	done,
	put,
	reading,
	type Transaction,
} from "../../machine/index.ts";
import {
	type MoneyContext,
	purseTables,
	type SellsAtMint,
	saleTables,
} from "../../money/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { encodeMintTerms, SECRET_BYTES } from "../documents/index.ts";
import type { KeptSecret, SecretOf } from "./selling-secrets.ts";

/** Whether it is sold with still: what is locked to the key that it names can be claimed, and is money that is taken. */
export function isSoldWith(
	{ agent, generation, certificate }: KeptSecret,
	{ own }: MoneyContext,
	at: SellsAtMint,
): boolean {
	return sameBytes(certificate, termsAt(own.deviceId, agent, at, generation));
}

/**
 * The one of that generation that is there already, or else a new one. It is durable before anything
 * is sold with it. There is one of each agent and mint, which lasts, and nobody else ever learns it:
 * another follows only where the purse has taken another seed, or takes another unit.
 */
export function makeOwnSecret(
	{ crypto, own }: MoneyContext,
	{ agent, issuer }: SecretOf,
	at: SellsAtMint,
	number: number,
): Transaction<KeptSecret> {
	const secret = crypto.random(SECRET_BYTES);
	const { SELLING_SECRETS } = saleTables;
	const { ISSUER_CHAINS } = purseTables;
	const chain = own.encodedChain;
	const hash = chainHash(crypto, chain);
	const generation = BigInt(number);
	const certificate = termsAt(own.deviceId, agent, at, number);
	return reading(
		[byKey(SELLING_SECRETS, { agent, issuer, generation })],
		([[known]]) => {
			const kept = { agent, issuer, generation: number, chain };
			if (known !== undefined)
				return done([], {
					...kept,
					secret: known.secret,
					certificate: known.certificate,
				});
			const row = { agent, issuer, generation, secret, certificate };
			return done(
				[
					put(ISSUER_CHAINS, { hash, chain }),
					put(SELLING_SECRETS, { ...row, chain: hash }),
				],
				{ ...kept, secret, certificate },
			);
		},
	);
}

function termsAt(
	module: Uint8Array,
	agent: Uint8Array,
	{ url: mint, unit, payeeKey }: SellsAtMint,
	generation: number,
): Uint8Array {
	return encodeMintTerms({ mint, unit, module, agent, payeeKey, generation });
}
