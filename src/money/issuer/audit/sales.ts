import type { CryptoProvider } from "../../../crypto/index.ts";
import { byKey, reading } from "../../../machine/index.ts";
import { sameBytes } from "../../../wire/index.ts";
import { parseTransfer } from "../../documents/index.ts";
import { stateOf } from "../ledger-sales.ts";
import { type RowOf, type SALES, TRANSFERS, VOIDS } from "../ledger-tables.ts";
import type { ReadTerms } from "../sale-judge.ts";
import type { Findings } from "./findings.ts";
import { type Checks, demand, NOTHING, rowName } from "./step.ts";

/** Every sale is a marked transfer with its own terms, booked for the key that they name, or for none. What is void and not yet credited is owed. */
export function checkSales(
	findings: Findings,
	readTerms: ReadTerms,
): Checks<RowOf<typeof SALES>> {
	return {
		check: (row) => {
			const at = rowName("sales", row.transfer);
			return reading(
				[
					byKey(TRANSFERS, { id: row.transfer }),
					byKey(VOIDS, { transfer: row.transfer }),
				],
				([[known], [credited]]) => {
					findings.try(at, () => {
						const state = stateOf(row);
						demand(known !== undefined, "its transfer is not there");
						const transfer = parseTransfer(findings.crypto, known.document);
						const { contract, keyHash } = readTerms(row.terms);
						demand(
							transfer.purpose === "sale",
							"its transfer is not marked as a sale",
						);
						demand(
							sameBytes(row.contract, transfer.contract) &&
								sameBytes(contract, transfer.contract),
							"its terms are those of another transfer",
						);
						demand(
							state === "booked"
								? isKeyOf(findings.crypto, row.key, keyHash)
								: row.key.length === 0,
							"its key is another one",
						);
						demand(
							known.booked === (state === "booked" ? transfer.amount : 0n),
							"it is not booked as a whole, or is booked against what it says",
						);
						demand(
							state === "void"
								? credited === undefined ||
										credited.returned === transfer.amount
								: credited === undefined,
							"its payer was credited with something else than it says",
						);
						if (state === "void" && credited === undefined)
							findings.owed += transfer.amount;
					});
					return NOTHING;
				},
			);
		},
	};
}

function isKeyOf(
	crypto: CryptoProvider,
	key: Uint8Array,
	keyHash: Uint8Array,
): boolean {
	return sameBytes(crypto.sha256(key), keyHash);
}
