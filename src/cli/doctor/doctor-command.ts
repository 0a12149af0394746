import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { eitherHomeFlag } from "../home-flag.ts";
import type { DoctorFlags } from "./doctor.ts";

export function declareDoctor(command: Command): void {
	command
		.addOption(eitherHomeFlag())
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
It looks at the machine, at both homes, at the money in them and at whom they reach, also while they
run, and changes nothing. Exit code 1 when something is wrong.

Examples:
    tetrad doctor
    tetrad doctor --home alice --json`,
		)
		.action(async (flags: DoctorFlags) => {
			const { doctor } = await import("./doctor.ts");
			await doctor(flags);
		});
}
