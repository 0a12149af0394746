import {
	bad,
	bold,
	dim,
	EXIT,
	good,
	interruptible,
	type KeysFlag,
	sayFitting,
	sayJson,
	tellFitting,
} from "../cli/index.ts";
import { defaultFile } from "./default-file.ts";
import {
	CLAIMS,
	type ClaimResult,
	checkClaim,
	type Dissected,
	dissect,
	KEY_ROOMS,
	NEEDS_TOKENS,
	type RunOptions,
	Stage,
} from "./stage/index.ts";

export interface ClaimsFlags {
	readonly keys: KeysFlag;
	readonly json?: true;
}

export async function checkClaims(flags: ClaimsFlags): Promise<void> {
	const step = flags.json
		? () => {}
		: (what: string) => tellFitting(dim(`… ${what}`));
	const results = await interruptible((signal) =>
		runClaims(flags.keys, step, signal),
	);
	if (flags.json) sayJson(results);
	else for (const line of claimLines(results)) sayFitting(line);
	if (!asExpected(results, flags.keys)) process.exitCode = EXIT.failed;
}

/** Three runs on one stage: the default one, the other routing, and the patent's own root. */
async function runClaims(
	keys: KeysFlag,
	step: (what: string) => void,
	signal: AbortSignal,
): Promise<ClaimResult[]> {
	await using stage = await Stage.set({
		suite: "hybrid-aesgcm",
		keys: KEY_ROOMS[keys],
		signal,
		step,
	});
	step("an issuer of play money opens, and the owner of X withdraws some");
	const teller = await stage.openTeller();
	await teller.credit("X", "10.00");
	await teller.withdraw("X", "10.00");
	const run = async (
		routing: RunOptions["routing"],
		root: RunOptions["root"],
	): Promise<Dissected> => {
		step(`a run with routing ${routing} and root ${root}`);
		const done = await stage.run({
			routing,
			root,
			link: "paired",
			file: defaultFile(),
			pay: teller.payment("1.00", "the file"),
		});
		const { suite } = stage;
		const { captures, keylog } = done;
		return {
			run: done,
			...(await dissect(captures, keylog, { suite, routing })),
		};
	};
	const runs = {
		direct: await run("direct", "transcript"),
		crossed: await run("crossed", "transcript"),
	};
	const literal = await run("direct", "xor");
	return CLAIMS.map((claim) => {
		const result = checkClaim(claim, runs[claim.routing]);
		if (claim.claim !== 3) return result;
		// The patent's own root is part of this claim, so both roots must show it.
		const letter = checkClaim(claim, literal);
		return {
			claim: 3,
			holds: result.holds && letter.holds,
			evidence: `${letter.evidence}; ${result.evidence}`,
		};
	});
}

/** Whether every claim was shown that keys in such a place can show. */
export function asExpected(
	results: readonly ClaimResult[],
	keys: KeysFlag,
): boolean {
	return results.every(
		({ claim, holds }) =>
			holds || (keys === "software" && NEEDS_TOKENS.has(claim)),
	);
}

function claimLines(results: readonly ClaimResult[]): string[] {
	return results.flatMap(({ claim, holds, evidence }) => [
		`${holds ? good("holds   ") : bad("does not")}  ${bold(`claim ${claim}`)}  ${titleOf(claim)}`,
		dim(`          ${evidence}`),
	]);
}

function titleOf(claim: number): string {
	return CLAIMS.find((candidate) => candidate.claim === claim)?.title ?? "";
}
