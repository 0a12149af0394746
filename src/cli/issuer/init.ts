import {
	type DatabaseLocation,
	makeIssuer,
	PLAY_MONEY,
	termsPath,
} from "../../device/issuer/index.ts";
import { termsToFile } from "../../device/purse/index.ts";
import { say, sayJson, tell } from "../voice.ts";
import { databaseOf } from "./database.ts";

export interface InitFlags {
	readonly home: string;
	readonly currency: string;
	readonly exponent: number;
	readonly noteDays: number;
	readonly graceDays: number;
	readonly databaseFile?: string;
	readonly unsafeNotPlay?: true;
	readonly json?: true;
}

export async function init(flags: InitFlags): Promise<void> {
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
}
