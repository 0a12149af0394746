import { byKey, reading, type Transaction } from "../../../machine/index.ts";
import { body, parseTransfer, WITH_ISSUER } from "../../documents/index.ts";
import { SYSTEM } from "../ledger-entries.ts";
import {
	ANSWERS,
	type RowOf,
	SALES,
	TRANSFERS,
	type VOIDS,
} from "../ledger-tables.ts";
import type { Findings } from "./findings.ts";
import { demandLines, linesOf } from "./lines.ts";
import { type Checks, demand, NOTHING, rowName } from "./step.ts";

/** What is void was answered to its payer, who was credited with what was free of it. */
export function checkVoids(findings: Findings): Checks<RowOf<typeof VOIDS>> {
	return {
		check: (row) => {
			const at = rowName("voids", row.transfer);
			return reading(
				[
					byKey(TRANSFERS, { id: row.transfer }),
					byKey(SALES, { transfer: row.transfer }),
				],
				([[transfer], [sale]]) => {
					const payer = findings.try(at, () => {
						demand(transfer !== undefined, "its transfer is not there");
						return parseTransfer(findings.crypto, transfer.document).payer;
					});
					return payer === undefined
						? NOTHING
						: checkPayer(
								findings,
								at,
								row,
								payer,
								// A sale that its payee handed in was void before its payer asked.
								sale !== undefined && transfer?.resolved === 0n
									? SYSTEM.owed
									: SYSTEM.expired,
							);
				},
			);
		},
	};
}

function checkPayer(
	findings: Findings,
	at: string,
	{ transfer, request, returned, at: time }: RowOf<typeof VOIDS>,
	device: Uint8Array,
	from: Uint8Array,
): Transaction<void> {
	return reading(
		[
			byKey(ANSWERS, { device, request }),
			linesOf(time, findings.transaction(device, request)),
		],
		([[answer], lines]) => {
			findings.try(at, () => {
				demand(
					answer !== undefined &&
						answer.at === time &&
						saysVoid(answer.answer, returned),
					"no answer to its payer says that it is void",
				);
				demandLines(
					lines,
					returned === 0n
						? []
						: [
								[device, returned, transfer],
								[from, -returned, transfer],
							],
				);
			});
			return NOTHING;
		},
	);
}

function saysVoid(answer: Uint8Array, returned: bigint): boolean {
	if (answer[0] !== WITH_ISSUER.outcome.type) return false;
	const { state, credited } = body(WITH_ISSUER.outcome, answer);
	return state === 2 && credited === returned;
}
