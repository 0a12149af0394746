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
import { encodeMintTerms, SECRET_BYTES } from "../documents/index.ts";
import type { KeptSecret, SecretOf } from "./selling-secrets.ts";

/** There is one of each agent and mint: it lasts, and nobody else ever learns it. */
const GENERATION = 1;

/** The one that is there already, or else a new one. It is durable before anything is sold with it. */
export function makeOwnSecret(
	{ crypto, own }: MoneyContext,
	{ agent, issuer }: SecretOf,
	{ url: mint, unit, payeeKey }: SellsAtMint,
): Transaction<KeptSecret> {
	const secret = crypto.random(SECRET_BYTES);
	const { SELLING_SECRETS } = saleTables;
	const { ISSUER_CHAINS } = purseTables;
	const chain = own.encodedChain;
	const hash = chainHash(crypto, chain);
	const generation = BigInt(GENERATION);
	const terms = { mint, unit, module: own.deviceId, agent, payeeKey };
	const certificate = encodeMintTerms({ ...terms, generation: GENERATION });
	return reading(
		[byKey(SELLING_SECRETS, { agent, issuer, generation })],
		([[known]]) => {
			const kept = { agent, issuer, generation: GENERATION, chain };
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
