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
import type { OwnerFlags } from "../secret-flags.ts";
import { ownerSecret } from "../secrets.ts";
import { plain, say, sayJson, tell } from "../voice.ts";

/** The most that it takes undeposited from modules of a level, as a text. */
export type Limits = Readonly<Partial<Record<TamperResistance, string>>>;

export interface CreateFlags extends OwnerFlags {
	readonly home: string;
	readonly issuer: string[];
	readonly undeposited?: Limits;
	readonly unsafeNoOwner?: true;
	readonly meetIssuerAtStart?: true;
	readonly json?: true;
}

export async function create(flags: CreateFlags): Promise<void> {
	const { home, undeposited = {} } = flags;
	const terms = await Promise.all(flags.issuer.map(readIssuerTerms));
	const issuers = terms.map((terms) => ({
		terms,
		undeposited: parseLimits(
			{ ...textOf(defaultUndeposited(terms), terms), ...undeposited },
			terms,
		),
	}));
	await createPurse(home, issuers, () => owner(flags), {
		meetIssuerAtStart: flags.meetIssuerAtStart === true,
	});
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
