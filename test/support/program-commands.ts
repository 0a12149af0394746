/* What the program can be asked to do, as it declares it itself. */
import { Command } from "commander";
import { declareAll } from "../../src/commands.ts";

/** Every command and group of `program`, and itself, by the name that a user types: "tetrad purse balance". */
export async function commandsOf(
	program: Command = new Command("tetrad"),
): Promise<ReadonlyMap<string, Command>> {
	await declareAll(program);
	const commands = new Map<string, Command>();
	const visit = (command: Command, name: string) => {
		commands.set(name, command);
		for (const sub of command.commands) visit(sub, `${name} ${sub.name()}`);
	};
	visit(program, program.name());
	return commands;
}
