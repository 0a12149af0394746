import type { Address } from "../../carrier/index.ts";
import { readIssuerTerms } from "../../device/purse/index.ts";
import {
	commandEnvironment,
	type FurtherModule,
	openLocalAgent,
	readCatalogue,
} from "../../device/service/index.ts";
import {
	parseTaken,
	requireNamed,
	takenMoneys,
} from "../../device/trade/index.ts";
import { TetradError } from "../../errors.ts";
import type { IssuerTerms } from "../../money/index.ts";
import { linkOf } from "../flag-values.ts";
import { type DeviceFlags, runDevice } from "../run-device.ts";
import { secretsOf } from "../secrets.ts";
import { type SettlingFlags, settlingOf } from "../settling.ts";

export interface SellFlags extends DeviceFlags, SettlingFlags {
	readonly module: Address;
	readonly listen: Address;
	/** What is taken, as `parseTaken` reads it; notes alone unless given. */
	readonly take?: string;
	/** There where notes are taken. */
	readonly issuerTerms?: string;
	readonly price?: string;
	readonly onOrder?: string;
	/** The module's home, where it is on this machine. */
	readonly purse?: string;
	/** Of a side that has several modules, and where the agent is met with the first. */
	readonly furtherModules?: readonly FurtherModule[] | undefined;
	readonly modulePort?: number | undefined;
}

export async function sell(folder: string, flags: SellFlags): Promise<void> {
	const { home, module, listen, price, onOrder, purse } = flags;
	const { timeout, unsafeKeylog, furtherModules, modulePort } = flags;
	const { settleAt } = settlingOf(flags);
	const takes = parseTaken(flags.take ?? "notes");
	const terms = takes.includes("notes") ? await termsIn(flags) : undefined;
	await runDevice(flags, async (signal, report) => {
		const moneys = takenMoneys(takes, terms);
		if (purse !== undefined) await requireNamed(purse, moneys);
		const catalogue = await readCatalogue({ folder, price }, moneys, report);
		await using agent = await openLocalAgent({
			...{ home, module, listen, terms, takes, report, signal },
			...{ furtherModules, modulePort },
			moduleHome: purse,
			addresses: [listen],
			issuerAt: settleAt?.address,
			settleEveryMs: settleAt?.everyMs,
			secrets: secretsOf(flags),
			environment: await commandEnvironment(
				home,
				undefined,
				withoutSecrets(flags),
			),
			link: linkOf(flags.link),
			...(timeout === undefined ? {} : { timeoutMs: timeout }),
			...(unsafeKeylog === undefined ? {} : { unsafeKeylog }),
		});
		await agent.sell({ catalogue, onOrder, signal });
	});
}

/** Throws `invalid-argument` where nobody says whose notes are taken. */
function termsIn({ issuerTerms }: SellFlags): Promise<IssuerTerms> {
	if (issuerTerms !== undefined) return readIssuerTerms(issuerTerms);
	throw new TetradError(
		"invalid-argument",
		"say --issuer-terms FILE, the issuer.terms.json of whose notes are taken; or --take with mints alone",
	);
}

/** What commands that work on a stranger's text may know of this process. */
function withoutSecrets({
	passphraseEnv = "",
	pinEnv = "",
}: SellFlags): NodeJS.ProcessEnv {
	const { [passphraseEnv]: _, [pinEnv]: __, ...environment } = process.env;
	return environment;
}
