import { type Command, InvalidArgumentError, Option } from "commander";
import {
	createPurse,
	defaultUndeposited,
	newOwner,
	parseLimits,
	readIssuerTerms,
} from "../../device/purse/index.ts";
import { TetradError } from "../../errors.ts";
import {
	TAMPER_RESISTANCE,
	type TamperResistance,
} from "../../identity/index.ts";
import { formatAmount, type IssuerTerms } from "../../money/index.ts";
import { jsonFlag } from "../flags.ts";
import { addOwnerFlags, type OwnerFlags, ownerSecret } from "../secrets.ts";
import { plain, say, sayJson, tell } from "../voice.ts";

type Limits = Readonly<Partial<Record<TamperResistance, string>>>;

interface CreateFlags extends OwnerFlags {
	readonly home: string;
	readonly issuer: string[];
	readonly undeposited?: Limits;
	readonly unsafeNoOwner?: true;
	readonly json?: true;
}

export function addCreateCommand(purse: Command): void {
	const create = purse
		.command("create")
		.description("make the purse of a module, and its owner's secret")
		.requiredOption("--home <folder>", "the module's home")
		.requiredOption(
			"--issuer <file...>",
			"issuer.terms.json of each issuer whose notes it takes",
		)
		.option(
			"--undeposited <limits>",
			"how much it takes undeposited from modules of each level, such as software=100,token=1000,tpm=1000, which is what it is unless given",
			limits,
		);
	addOwnerFlags(create)
		.addOption(
			new Option(
				"--unsafe-no-owner",
				"whoever can write into the home can withdraw; no secret is asked for",
			),
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  The owner's passphrase is asked for:
    tetrad purse create --home alice-purse --issuer issuer.terms.json
  Taking at most 20.00 undeposited from modules whose keys are in software:
    tetrad purse create --home alice-purse --issuer issuer.terms.json --undeposited software=20`,
		)
		.action(async (flags: CreateFlags) => {
			const { home, undeposited = {} } = flags;
			const terms = await Promise.all(flags.issuer.map(readIssuerTerms));
			const issuers = terms.map((terms) => ({
				terms,
				undeposited: parseLimits(
					{ ...textOf(defaultUndeposited(terms), terms), ...undeposited },
					terms,
				),
			}));
			await createPurse(home, issuers, () => owner(flags));
			if (flags.json)
				return sayJson({
					home,
					issuers: issuers.map(({ terms, undeposited }) => ({
						issuer: terms.name,
						currency: terms.currency.code,
						play: terms.isPlay,
						undeposited: textOf(undeposited, terms),
					})),
					owner: flags.unsafeNoOwner ? "unsafe-no-owner" : "passphrase",
				});
			say(`made a purse in ${home}`);
			for (const { terms, undeposited } of issuers) {
				const text = textOf(undeposited, terms);
				const sums = TAMPER_RESISTANCE.map(
					(level) => `${text[level]} from ${level}`,
				);
				say(
					`  it takes notes of ${plain(terms.name)} in ${terms.currency.code}${terms.isPlay ? ", which is play money" : ""}; undeposited at most ${sums.join(", ")}`,
				);
			}
			if (flags.unsafeNoOwner)
				tell(
					"anybody who can write into this home can withdraw: this is for trying things",
				);
		});
}

function owner(flags: CreateFlags) {
	if (!flags.unsafeNoOwner) return newOwner(ownerSecret(flags));
	if (
		flags.ownerPassphraseFile !== undefined ||
		flags.ownerPassphraseEnv !== undefined
	)
		throw new TetradError(
			"invalid-argument",
			"say --unsafe-no-owner or where the owner's passphrase is, and not both",
		);
	return "unsafe-no-owner" as const;
}

function limits(text: string): Limits {
	const found: Partial<Record<TamperResistance, string>> = {};
	for (const part of text.split(",")) {
		const [name, amount, ...more] = part.split("=");
		const level = TAMPER_RESISTANCE.find((known) => known === name);
		if (level === undefined || !amount || more.length > 0 || found[level])
			throw new InvalidArgumentError(
				`Say ${TAMPER_RESISTANCE.join(", ")}, each once, with = and an amount, and commas between them.`,
			);
		found[level] = amount;
	}
	return found;
}

function textOf(
	limits: Readonly<Record<TamperResistance, bigint>>,
	{ currency }: IssuerTerms,
): Record<TamperResistance, string> {
	return {
		software: formatAmount(limits.software, currency),
		token: formatAmount(limits.token, currency),
		tpm: formatAmount(limits.tpm, currency),
	};
}
