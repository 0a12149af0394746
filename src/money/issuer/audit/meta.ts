import { HASH_BYTES } from "../../../crypto/index.ts";
import { sameBytes } from "../../../wire/index.ts";
import { ledgerValue } from "../ledger-ids.ts";
import type { META, RowOf } from "../ledger-tables.ts";
import type { Findings } from "./findings.ts";
import { type Checks, demand, NOTHING } from "./step.ts";

/** The store is this issuer's, so that no other will take it for its own. */
export function checkMeta(findings: Findings): Checks<RowOf<typeof META>> {
	let count = 0;
	return {
		check: ({ name, value }) => {
			findings.try(`meta ${name}`, () => {
				// Which master secret it is the hash of, only the issuer itself can tell.
				if (name === "selling")
					return demand(value.length === HASH_BYTES, "it is no hash");
				count++;
				demand(
					name === "terms" && sameBytes(value, ledgerValue(findings.terms)),
					"it names another issuer, or another money",
				);
			});
			return NOTHING;
		},
		finish: () => {
			if (count === 0) findings.problem("meta: it does not say whose it is");
			return NOTHING;
		},
	};
}
