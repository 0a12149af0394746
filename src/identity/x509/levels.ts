import type { Certificate } from "./certificate.ts";
import { ANY_POLICY_OID, LEVEL_OID } from "./profile.ts";
import { chainRefused } from "./refusal.ts";
import {
	TAMPER_RESISTANCE,
	type TamperResistance,
} from "./tamper-resistance.ts";

/**
 * The levels that a certificate names: what an authority may attest, or what a device's
 * certificate attests. Throws `chain-refused` for the policy that stands for all others,
 * because what it allowed would change with every level that is added.
 */
export function levelsOf(
	{ policies }: Certificate,
	who: string,
): TamperResistance[] {
	if (policies?.includes(ANY_POLICY_OID))
		throw chainRefused(
			`${who} has the policy "any policy", where it must name the levels of tamper resistance one by one`,
		);
	return TAMPER_RESISTANCE.filter((level) =>
		policies?.includes(LEVEL_OID[level]),
	);
}

/** The one level that a device's certificate attests; without any, nothing is attested, which is `software`. */
export function attestedLevel(
	leaf: Certificate,
	who: string,
): TamperResistance {
	const [level = "software", second] = levelsOf(leaf, who);
	if (second !== undefined)
		throw chainRefused(
			`${who} attests two levels of tamper resistance at once, "${level}" and "${second}"`,
		);
	return level;
}

/** Throws `chain-refused` unless that authority may attest the level. `software` attests nothing, so everybody may. */
export function requireMayAttest(
	authority: Certificate,
	authorityText: string,
	level: TamperResistance,
	leafText: string,
): void {
	const levels = levelsOf(authority, authorityText);
	if (level !== "software" && !levels.includes(level))
		throw chainRefused(
			`${leafText} attests the tamper resistance "${level}", and ${authorityText} may not attest that`,
		);
}

/** Whether `level` is at least `minimum`; nothing is at least what is no level. */
export function isAtLeast(
	level: TamperResistance,
	minimum: TamperResistance,
): boolean {
	const least = TAMPER_RESISTANCE.indexOf(minimum);
	return least !== -1 && TAMPER_RESISTANCE.indexOf(level) >= least;
}
