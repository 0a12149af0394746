import { type Command, InvalidArgumentError, Option } from "commander";
import { GRACE_DAYS, NOTE_DAYS } from "../../money/index.ts";
import { days, jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import type { Given } from "../side-flags.ts";
import type { InitFlags } from "./init.ts";

function whole(text: string): number {
	if (!/^\d{1,5}$/.test(text))
		throw new InvalidArgumentError("Say a whole number.");
	return Number(text);
}

export function addInitCommand(issuer: Command): void {
	issuer
		.command("init")
		.description("make an issuer in the home of a paired module")
		.addOption(homeFlag("module"))
		.option("--currency <code>", "1 to 8 capital letters or digits", "PLAY")
		.option("--exponent <decimals>", "decimals of the currency", whole, 2)
		.option("--note-days <days>", "how long a note lives", days, NOTE_DAYS)
		.option(
			"--grace-days <days>",
			"how long after that its holder can claim what is left of it",
			whole,
			GRACE_DAYS,
		)
		.option(
			"--database-file <file>",
			"keep the ledger in PostgreSQL, whose address is the line in this file; in the home unless given",
		)
		.option(
			"--database-synchronous",
			"take only a server of PostgreSQL whose commits wait for a standby, so that nothing is lost with the primary",
		)
		.addOption(
			new Option(
				"--unsafe-not-play",
				"do not call it play money: you stand behind it, and the law of your country may ask you how",
			),
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  Play money:
    tetrad issuer init
  Play money without decimals, in notes of 30 days:
    tetrad issuer init --currency POINTS --exponent 0 --note-days 30
  With the ledger in PostgreSQL; the file is for its owner only:
    tetrad issuer init --home mint --database-file mint/postgres.url`,
		)
		.action(async (flags: Given<InitFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { init } = await import("./init.ts");
			await init(await withSide(flags, "module", {}));
		});
}
