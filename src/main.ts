import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { addAuthorityCommands } from "./cli/authority/authority-commands.ts";
import {
	addAgentCommand,
	addModuleCommand,
} from "./cli/device/device-commands.ts";
import { addEnrollCommand } from "./cli/device/enroll-command.ts";
import { addListsCommand } from "./cli/device/lists-command.ts";
import { addPairCommand } from "./cli/device/pair-command.ts";
import { addPolicyCommand } from "./cli/device/policy-command.ts";
import { addRecertifyCommand } from "./cli/device/recertify-command.ts";
import { addIssuerCommands } from "./cli/issuer/issuer-commands.ts";
import { addPurseCommands } from "./cli/purse/purse-commands.ts";
import { addVerifyCommand } from "./cli/verify-command.ts";
import { EXIT, tell, tellFailure } from "./cli/voice.ts";
import { addClaimsCommand } from "./show/claims-command.ts";
import { addDemoCommand } from "./show/demo-command.ts";

// The same two folders up from src/cli and from dist/cli.
const { version } = JSON.parse(
	readFileSync(new URL("../package.json", import.meta.url), "utf8"),
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
