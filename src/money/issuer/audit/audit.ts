/*
 * The audit of a ledger: everything is computed again from the tables alone. It is a list of
 * steps; each goes through one table in order, and says of each row what has to be read beside it
 * and whether it fits. Nothing grows with the number of rows.
 */
import type { CryptoProvider } from "../../../crypto/index.ts";
import type { TrustAnchor } from "../../../identity/index.ts";
import type { IssuerTerms } from "../../documents/index.ts";
import {
	ACCOUNTS,
	ANSWERS,
	BOOKINGS,
	CONFLICTS,
	CREDITS,
	ENTRIES,
	META,
	NOTES,
	SALES,
	TRANSFERS,
	VOIDS,
} from "../ledger-tables.ts";
import type { ReadTerms } from "../sale-judge.ts";
import { checkAccounts } from "./accounts.ts";
import { checkAnswers } from "./answers.ts";
import { checkBalances } from "./balances.ts";
import { checkBookings } from "./bookings.ts";
import { checkConflicts } from "./conflicts.ts";
import { checkCredits } from "./credits.ts";
import { checkEntries } from "./entries.ts";
import { Findings } from "./findings.ts";
import { IssuerChains } from "./issuer-chains.ts";
import { checkMeta } from "./meta.ts";
import { checkNotes } from "./notes.ts";
import { checkSales } from "./sales.ts";
import { type AuditStep, stepOf } from "./step.ts";
import { checkTransfers } from "./transfers.ts";
import { checkVoids } from "./voids.ts";

/** Amounts in minor units: issued = outstanding + returned + expired. */
export interface AuditResult {
	/** The value of all notes that were ever issued. */
	readonly issued: bigint;
	/** What of it has not come back, also of notes that have expired and can still be claimed. */
	readonly outstanding: bigint;
	/** What was deposited and exchanged. */
	readonly returned: bigint;
	/** What holders claimed of notes that had expired, and what came back of transfers that are void. */
	readonly expired: bigint;
	/** What of that is of sales that are void, and whose payers have not asked yet: nobody's account has it. */
	readonly owed: bigint;
	/** Whether there is no problem at all. */
	readonly balanced: boolean;
	/** What does not fit, each with the row; at most `MAX_AUDIT_PROBLEMS`. */
	readonly problems: readonly string[];
}

export class Audit {
	readonly steps: readonly AuditStep[];
	readonly #findings: Findings;

	/** `banks` are the roots under which the issuer was certified at any time; `readTerms` reads what sales are for. */
	constructor(
		crypto: CryptoProvider,
		terms: IssuerTerms,
		banks: readonly TrustAnchor[],
		readTerms: ReadTerms,
	) {
		const findings = new Findings(crypto, terms);
		const chains = new IssuerChains(crypto, banks);
		this.#findings = findings;
		this.steps = [
			stepOf(NOTES, checkNotes(findings, chains)),
			stepOf(BOOKINGS, checkBookings(findings)),
			stepOf(TRANSFERS, checkTransfers(findings, chains)),
			stepOf(VOIDS, checkVoids(findings)),
			stepOf(SALES, checkSales(findings, readTerms)),
			stepOf(ENTRIES, checkEntries(findings)),
			stepOf(ENTRIES, checkBalances(findings), "by_account"),
			stepOf(ACCOUNTS, checkAccounts(findings)),
			stepOf(CREDITS, checkCredits(findings)),
			stepOf(CONFLICTS, checkConflicts(findings)),
			stepOf(ANSWERS, checkAnswers(findings)),
			stepOf(META, checkMeta(findings)),
		];
	}

	/** When all steps are done. */
	result(): AuditResult {
		const findings = this.#findings;
		const { issued, returned, expired } = findings.sums;
		for (const name of ["issued", "returned", "expired"] as const) {
			const sum = name === "issued" ? issued : -findings.sums[name];
			if (findings.entered[name] !== sum)
				findings.problem(
					`entries: those of "${name}" sum to ${findings.entered[name]}, and the notes and bookings to ${sum}`,
				);
		}
		const { owed } = findings;
		if (findings.entered.expired !== -(findings.claimed + owed))
			findings.problem(
				`entries: those of "expired" sum to ${findings.entered.expired}, and the answers to claims to ${-(findings.claimed + owed)} with what is owed`,
			);
		if (findings.entered.owed !== owed)
			findings.problem(
				`entries: those of "owed" sum to ${findings.entered.owed}, and the sales that are void and not credited to ${owed}`,
			);
		const { transfers, answers } = findings.late;
		if (transfers !== answers)
			findings.problem(
				`answers: ${answers} say that a transfer came after another, and ${transfers} such transfers are there`,
			);
		return {
			issued,
			outstanding: issued - returned - expired,
			returned,
			expired,
			owed,
			balanced: findings.isSound,
			problems: findings.problems,
		};
	}
}
