import type { Command } from "commander";
import { nodeCrypto } from "../../crypto/index.ts";
import { readPolicy } from "../../device/home/index.ts";
import {
	type AuditJson,
	auditJson,
	readIssuerSettings,
	runAudit,
	termsOf,
	viewLedger,
} from "../../device/issuer/index.ts";
import { Audit } from "../../money/index.ts";
import { jsonFlag } from "../flags.ts";
import { money } from "../money.ts";
import { EXIT, plain, say, sayJson, tell } from "../voice.ts";
import { asOperator } from "./as-operator.ts";

export function addAuditCommand(issuer: Command): void {
	issuer
		.command("audit")
		.description(
			"compute everything again from the tables alone, also while the issuer runs; exit code 1 when it does not balance",
		)
		.requiredOption("--home <folder>", "the issuer's home")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad issuer audit --home mint --json`,
		)
		.action(async ({ home, json }: { home: string; json?: true }) => {
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
				say(result.balanced ? "it balances" : "it does not balance");
			}
			for (const problem of result.problems) tell(plain(problem));
			if (!result.balanced) process.exitCode = EXIT.failed;
		});
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
	return auditJson(
		await runAudit(new Audit(nodeCrypto, terms, banks), view),
		terms,
	);
}
