import { readPolicy } from "../../device/home/index.ts";
import {
	type AuditJson,
	auditAsJson,
	readIssuerSettings,
	runAudit,
	termsOf,
	viewLedger,
} from "../../device/issuer/index.ts";
import { money } from "../money.ts";
import { EXIT, plain, say, sayJson, tell } from "../voice.ts";
import { asOperator } from "./as-operator.ts";

export interface AuditFlags {
	readonly home: string;
	readonly json?: true;
}

export async function showAudit({ home, json }: AuditFlags): Promise<void> {
	const result = await audit(home);
	if (json) sayJson(result);
	else {
		const { currency, play } = result;
		const line = (what: string, amount: string) =>
			say(`${what.padEnd(12)} ${money({ amount, currency, play })}`);
		line("issued", result.issued);
		line("outstanding", result.outstanding);
		line("returned", result.returned);
		line("expired", result.expired);
		line("owed", result.owed);
		say(result.balanced ? "it balances" : "it does not balance");
	}
	for (const problem of result.problems) tell(plain(problem));
	if (!result.balanced) process.exitCode = EXIT.failed;
}

async function audit(home: string): Promise<AuditJson> {
	const settings = await readIssuerSettings(home);
	const view = await viewLedger(home, settings);
	if (view === undefined)
		return asOperator(home, (operator) => operator.audit());
	await using _ = view;
	const [terms, { banks }] = await Promise.all([
		termsOf(home, settings),
		readPolicy(home),
	]);
	return auditAsJson(await runAudit(terms, banks, view), terms);
}
