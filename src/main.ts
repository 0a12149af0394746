import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { addAuthorityCommands } from "./cli/authority/index.ts";
import {
	addAgentCommand,
	addEnrollCommand,
	addListsCommand,
	addModuleCommand,
	addPairCommand,
	addPolicyCommand,
	addRecertifyCommand,
} from "./cli/device/index.ts";
import { addVerifyCommand, EXIT, tell, tellFailure } from "./cli/index.ts";
import { addIssuerCommands } from "./cli/issuer/index.ts";
import { addPurseCommands } from "./cli/purse/index.ts";
import { packageFile } from "./package-file.ts";
import { addClaimsCommand, addDemoCommand } from "./show/index.ts";

const { version } = JSON.parse(
	readFileSync(packageFile("package.json"), "utf8"),
) as { version: string };

const program = new Command("tetrad")
	.description(
		"Four devices, one conversation: two agents that trade and two modules that pay, bound under one key.",
	)
	.version(version)
	.exitOverride()
	.addHelpText(
		"after",
		`
Examples:
  See four processes become one conversation:
    tetrad demo
  The same, with a file of your own and the other routing:
    tetrad demo --file photo.jpg --routing crossed
  Check the eleven claims against captured traffic:
    tetrad claims`,
	);
addDemoCommand(program);
addClaimsCommand(program);
addAuthorityCommands(program);
addEnrollCommand(program);
addRecertifyCommand(program);
addListsCommand(program);
addPolicyCommand(program);
addPairCommand(program);
addAgentCommand(program);
addModuleCommand(program);
addPurseCommands(program);
addIssuerCommands(program);
addVerifyCommand(program);

for (const command of program.commands) {
	command.exitOverride();
	for (const sub of command.commands) sub.exitOverride();
}

// Whoever reads our output may stop reading; that is no failure of ours to report.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
	if (error.code === "EPIPE") process.exit(process.exitCode ?? EXIT.done);
	tell(`tetrad: cannot write what there is to say: ${error.message}`);
	process.exit(EXIT.failed);
});

try {
	await program.parseAsync();
} catch (thrown) {
	if (thrown instanceof CommanderError)
		process.exitCode = thrown.exitCode === 0 ? EXIT.done : EXIT.usage;
	else process.exitCode = tellFailure(thrown);
}
