import { openIssuer } from "../../device/service/index.ts";
import { amountText, money } from "../money.ts";
import { EXIT, plain, say, sayJson, tell } from "../voice.ts";

export interface AuditFlags {
	readonly home: string;
	readonly json?: true;
}

/** What an audit sums up. */
const SUMS = ["issued", "outstanding", "returned", "expired", "owed"] as const;

export async function showAudit({ home, json }: AuditFlags): Promise<void> {
	await using issuer = await openIssuer(home);
	const audit = await issuer.audit();
	const { isBalanced, problems, currency, play } = audit;
	const sums = SUMS.map(
		(what) => [what, amountText({ ...audit, amount: audit[what] })] as const,
	);
	if (json)
		sayJson({
			...Object.fromEntries(sums.map(([what, { amount }]) => [what, amount])),
			balanced: isBalanced,
			...{ currency, play, problems },
		});
	else {
		for (const [what, sum] of sums) say(`${what.padEnd(12)} ${money(sum)}`);
		say(isBalanced ? "it balances" : "it does not balance");
	}
	for (const problem of problems) tell(plain(problem));
	if (!isBalanced) process.exitCode = EXIT.failed;
}
