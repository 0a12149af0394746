/* For which money something is sold, as settings and programs say it. */
import { TetradError } from "../../errors.ts";
import { type IssuerTerms, isUnit } from "../../money/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { hasPurse, readPurseSettings, trustedMint } from "../purse/index.ts";
import {
	requireMoneys,
	type ShopMoney,
	type TakenMoneys,
} from "./shop-money.ts";

/** Money that is taken: notes of the own issuer, or ecash of a mint that the module knows, too. */
export type Taken =
	| "notes"
	| {
			/** Its address, as `https://mint.example`. */
			readonly mint: string;
			/** Its name of the unit, as `sat`. */
			readonly unit: string;
			/** Whether its ecash is money to try things with; not so unless given. It is what the module says, too. */
			readonly isPlay?: boolean | undefined;
	  };

/** Reads "notes, https://mint.example sat", in which a mint of play money is followed by "play", too. Throws `invalid-argument`. */
export function parseTaken(text: string): readonly Taken[] {
	return text.split(",").map((part) => {
		const words = part.trim().split(/\s+/);
		const [first = "", unit = "", play, ...rest] = words;
		if (first === "notes" && words.length === 1) return "notes";
		const isMint =
			/^https?:\/\//i.test(first) &&
			isUnit(unit) &&
			(play === undefined || play === "play") &&
			rest.length === 0;
		if (!isMint)
			throw invalid(
				`${JSON.stringify(part.trim())} is no money that can be taken: say notes, or the address of a mint and its unit, such as https://mint.example sat`,
			);
		return { mint: first, unit, isPlay: play === "play" };
	});
}

/** What is known of that money. Throws `invalid-argument` for notes without an issuer, for an address that is none, and as `requireMoneys`. */
export function takenMoneys(
	takes: readonly Taken[],
	terms: IssuerTerms | undefined,
): TakenMoneys {
	return requireMoneys(
		takes.map((taken): ShopMoney => {
			if (taken === "notes") {
				if (terms === undefined)
					throw invalid("to sell, say whose money is taken");
				return terms;
			}
			const { mint, unit, isPlay = false } = taken;
			if (!isUnit(unit))
				throw invalid(
					`${JSON.stringify(unit)} is no unit of ecash, such as sat`,
				);
			const known = trustedMint({ url: mint, unit, isPlay });
			return { ...known, mint: { url: known.url, unit } };
		}),
	);
}

/** Throws `invalid-argument` for ecash that the purse in the home of the module was not told of: nothing could be sold for it. */
export async function requireNamed(
	moduleHome: string,
	moneys: TakenMoneys,
): Promise<void> {
	if (moneys.every(({ mint }) => mint === undefined)) return;
	if (!(await hasPurse(moduleHome))) return;
	const { mints } = await readPurseSettings(moduleHome);
	const known = mints.map(trustedMint);
	for (const { mint, issuer, isPlay } of moneys) {
		if (mint === undefined) continue;
		const named = known.find((one) => sameBytes(one.issuer, issuer));
		if (named === undefined)
			throw invalid(
				`nothing can be sold for ${mint.unit} of ${mint.url}: its module does not know that mint; its owner would have to name it in "mints" of purse.json in ${moduleHome}`,
			);
		if (named.unit !== mint.unit || named.isPlay !== isPlay)
			throw invalid(
				`nothing can be sold for ${mint.unit} of ${mint.url}${isPlay ? " as play money" : ""}: purse.json in ${moduleHome} names ${named.unit} of it${named.isPlay ? ", as play money" : ""}; say the same`,
			);
	}
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
