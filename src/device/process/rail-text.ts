/* What a rail promises, in words for whoever pays: the same at a terminal and for a model. */
import { unreachable } from "../../errors.ts";
import type { RailName, RailPromises } from "../../trade/documents/index.ts";

/** What is paid with. */
export function railText(
	rail: RailName,
	at: {
		readonly mint?: string | undefined;
		readonly unit?: string | undefined;
	},
): string {
	switch (rail) {
		case "own-notes":
			return "notes";
		case "cashu":
			return `ecash, ${at.unit} of the mint ${at.mint}`;
		default:
			return unreachable(rail);
	}
}

/** Who sees it, who has to be in reach, and when it is final. */
export function promisesText({
	isOffline,
	seenBy,
	finalAt,
	doubtEnds,
}: RailPromises): string {
	const seen = {
		nobody: "nobody else sees who pays whom how much",
		issuer: "the issuer sees who pays whom how much",
		everybody: "everybody sees who pays whom how much",
		"amount-by-issuer": "the mint sees how much, and neither who nor whom",
	}[seenBy];
	const final = {
		commit: "once it is committed",
		lock: "once it is locked",
		claim: "once the merchant has claimed it",
	}[finalAt];
	const ends =
		doubtEnds === "when-asked"
			? "if the merchant gives no key, the issuer gives it or the money back when it is met"
			: "if the merchant never claims it, it comes back at a deadline";
	const reach = isOffline
		? "nobody else need be in reach"
		: "whoever makes the money must be in reach";
	return `${reach}; ${seen}; it cannot be taken back ${final}; ${ends}`;
}

/** What a buyer can lose, or has to wait for: a sentence for each. */
export function risksText({ buyerRisks }: RailPromises): string {
	return buyerRisks.map((risk) => RISKS[risk]).join("; ");
}

const RISKS: Readonly<Record<RailPromises["buyerRisks"][number], string>> = {
	"waits-for-issuer":
		"a merchant that takes the money and gives no key costs you the time until the issuer is met",
	"locked-to-deadline":
		"while no key comes, your money can be locked until a deadline that the merchant sets, a day after the time to pay as a rule and 30 days at most",
	"key-forgotten":
		"a merchant that has claimed it and is gone leaves you the mint to get the key from, and a mint that has forgotten it leaves you without goods and money",
	"issuer-corrupt": "whoever makes the money can keep it",
};
