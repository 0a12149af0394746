import { type Command, InvalidArgumentError, Option } from "commander";
import {
	type DatabaseLocation,
	makeIssuer,
	PLAY_MONEY,
	termsPath,
} from "../../device/issuer/index.ts";
import { termsToFile } from "../../device/purse/index.ts";
import { GRACE_DAYS, NOTE_DAYS } from "../../money/index.ts";
import { jsonFlag } from "../flags.ts";
import { say, sayJson, tell } from "../voice.ts";
import { databaseOf } from "./database.ts";

interface InitFlags {
	readonly home: string;
	readonly currency: string;
	readonly exponent: number;
	readonly noteDays: number;
	readonly graceDays: number;
	readonly databaseFile?: string;
	readonly unsafeNotPlay?: true;
	readonly json?: true;
}

export function addInitCommand(issuer: Command): void {
	issuer
		.command("init")
		.description("make an issuer in the home of a paired module")
		.requiredOption("--home <folder>", "the module's home")
		.option("--currency <code>", "1 to 8 capital letters or digits", "PLAY")
		.option("--exponent <decimals>", "decimals of the currency", whole, 2)
		.option("--note-days <days>", "how long a note lives", whole, NOTE_DAYS)
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
    tetrad issuer init --home mint
  Play money without decimals, in notes of 30 days:
    tetrad issuer init --home mint --currency POINTS --exponent 0 --note-days 30
  With the ledger in PostgreSQL; the file is for its owner only:
    tetrad issuer init --home mint --database-file mint/postgres.url`,
		)
		.action(async (flags: InitFlags) => {
			const { home, currency, exponent, noteDays, graceDays } = flags;
			const database: DatabaseLocation | undefined = databaseOf(flags);
			const terms = await makeIssuer(home, {
				currency: { code: currency, exponent },
				isPlay: flags.unsafeNotPlay !== true,
				noteDays,
				graceDays,
				...(database === undefined ? {} : { database }),
			});
			const file = termsPath(home);
			if (flags.json) sayJson({ ...termsToFile(terms), home, terms: file });
			else {
				say(`made the issuer ${terms.name} of ${currency}`);
				say(`purses need ${file}`);
			}
			if (terms.isPlay) tell(`${currency} is ${PLAY_MONEY}`);
		});
}

function whole(text: string): number {
	if (!/^\d{1,5}$/.test(text))
		throw new InvalidArgumentError("Say a whole number.");
	return Number(text);
}
