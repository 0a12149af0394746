import type { Command } from "commander";
import { defaultFile } from "./demo-command.ts";
import { jsonFlag } from "./flags.ts";
import { interruptible } from "./interruptible.ts";
import {
	CLAIMS,
	type ClaimResult,
	checkClaim,
	type Dissected,
	NEEDS_TOKENS,
} from "./stage/claims.ts";
import { dissect } from "./stage/dissect.ts";
import { type RunOptions, Stage } from "./stage/stage.ts";
import { bad, bold, dim, EXIT, good, say, sayJson, tell } from "./voice.ts";

export function addClaimsCommand(program: Command): void {
	program
		.command("claims")
		.description(
			"check the eleven claims of US patent 5,703,949 against captured traffic",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
With keys in software, claims 6, 7, 10 and 11 do not hold, and the evidence says what is missing.
The exit code is 1 when another one does not hold.

Example:
    tetrad claims --json`,
		)
		.action(async (flags: { json?: true }) => {
			const step = flags.json
				? () => {}
				: (what: string) => tell(dim(`… ${what}`));
			const results = await interruptible((signal) => runClaims(step, signal));
			if (flags.json) sayJson(results);
			else for (const line of claimLines(results)) say(line);
			if (!asExpected(results)) process.exitCode = EXIT.failed;
		});
}

/** Three runs on one stage: the default one, the other routing, and the patent's own root. */
async function runClaims(
	step: (what: string) => void,
	signal: AbortSignal,
): Promise<ClaimResult[]> {
	await using stage = await Stage.set({ suite: "hybrid-aesgcm", signal, step });
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
		});
		const { suite } = stage;
		return {
			run: done,
			frames: await dissect(done.captures, done.keylog, { suite, routing }),
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

/** Whether every claim that keys in software can show was shown. */
export function asExpected(results: readonly ClaimResult[]): boolean {
	return results.every(({ claim, holds }) => holds || NEEDS_TOKENS.has(claim));
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
