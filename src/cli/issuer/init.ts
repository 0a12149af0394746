import { resolve } from "node:path";
import {
	makeIssuer,
	PLAY_MONEY,
	termsPath,
} from "../../device/issuer/index.ts";
import { termsToFile } from "../../device/purse/index.ts";
import { TetradError } from "../../errors.ts";
import { say, sayJson, tell } from "../voice.ts";

export interface InitFlags {
	readonly home: string;
	readonly currency: string;
	readonly exponent: number;
	readonly noteDays: number;
	readonly graceDays: number;
	readonly databaseFile?: string;
	readonly databaseSynchronous?: true;
	readonly unsafeNotPlay?: true;
	readonly json?: true;
}

export async function init(flags: InitFlags): Promise<void> {
	const { home, currency, exponent, noteDays, graceDays } = flags;
	const { databaseFile: file, databaseSynchronous: synchronous } = flags;
	if (file === undefined && synchronous)
		throw new TetradError(
			"invalid-argument",
			"a ledger in the home has no standby; say with --database-file where it is in PostgreSQL",
		);
	const terms = await makeIssuer(home, {
		currency: { code: currency, exponent },
		isPlay: flags.unsafeNotPlay !== true,
		noteDays,
		graceDays,
		// The settings hold a path from anywhere.
		...(file === undefined
			? {}
			: {
					database: {
						file: resolve(file),
						...(synchronous ? { synchronous } : {}),
					},
				}),
	});
	const path = termsPath(home);
	if (flags.json) sayJson({ ...termsToFile(terms), home, terms: path });
	else {
		say(`made the issuer ${terms.name} of ${currency}`);
		say(`purses need ${path}`);
	}
	if (terms.isPlay) tell(`${currency} is ${PLAY_MONEY}`);
}
