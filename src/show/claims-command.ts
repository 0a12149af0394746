import type { Command } from "commander";
import { jsonFlag, keysFlag } from "../cli/index.ts";
import type { ClaimsFlags } from "./check-claims.ts";

export function declareClaims(command: Command): void {
	command
		.addOption(keysFlag())
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
With keys in software, claims 6, 7, 10 and 11 do not hold, and the evidence says what is missing.
With keys in SoftHSM all eleven hold; SoftHSM then stands in for hardware. It has to be installed;
the variable TETRAD_SOFTHSM_MODULE says where its library is, if in none of the usual places.
The exit code is 1 when a claim does not hold that these keys can show.

Examples:
    tetrad claims --json
    tetrad claims --keys softhsm`,
		)
		.action(async (flags: ClaimsFlags) => {
			const { checkClaims } = await import("./check-claims.ts");
			await checkClaims(flags);
		});
}
