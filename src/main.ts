import { Command, CommanderError, Help } from "commander";
import packageJson from "../package.json" with { type: "json" };
import {
	EXIT,
	fitting,
	HELP,
	speakJson,
	tellFailure,
	tellTrouble,
	terminalWidth,
} from "./cli/index.ts";
import { COMMANDS } from "./commands.ts";
import { TetradError } from "./errors.ts";

const words = process.argv.slice(2);
if (words.includes("--json")) speakJson();

const program = new Command("tetrad")
	.description(
		"Four devices, one conversation: two agents that trade and two modules that pay, bound under one key.",
	)
	.version(packageJson.version)
	.exitOverride()
	.configureHelp({ ...HELP, subcommandTerm: termOf })
	.configureOutput({
		outputError: tellUsage,
		writeOut: (text) =>
			void process.stdout.write(fitting(text, terminalWidth())),
		writeErr: (text) =>
			void process.stderr.write(fitting(text, terminalWidth(process.stderr))),
	})
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

// Only the command that was asked for is loaded: a hundred flags would take longer than most do.
const [asked, subject] = words.filter((word) => !word.startsWith("-"));
const called = asked === "help" ? subject : asked;
const usages = new Map<Command, string>();
for (const { name, usage, description, load } of COMMANDS) {
	const command = program.command(name).description(description);
	usages.set(command, usage);
	if (name === called) (await load())(command);
}

// Whoever reads our output may stop reading; that is no failure of ours to report.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
	if (error.code === "EPIPE") process.exit(process.exitCode ?? EXIT.done);
	tellTrouble(`cannot write what there is to say: ${error.message}`);
	process.exit(EXIT.failed);
});

try {
	await program.parseAsync();
} catch (thrown) {
	if (thrown instanceof CommanderError)
		process.exitCode = thrown.exitCode === 0 ? EXIT.done : EXIT.usage;
	else process.exitCode = tellFailure(thrown);
}

/** What is wrong with how the program was called, in our voice and on one line. */
function tellUsage(text: string): void {
	const sentence = text
		.replace(/^error: /, "")
		.trimEnd()
		.replaceAll("\n", " ");
	tellFailure(new TetradError("invalid-argument", sentence));
}

/** Of what was not loaded, the help knows the usage all the same. */
function termOf(this: Help, command: Command): string {
	const usage = usages.get(command);
	return usage === undefined
		? Help.prototype.subcommandTerm.call(this, command)
		: `${command.name()} ${usage}`.trimEnd();
}
