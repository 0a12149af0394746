/* What a flag is where it is not given, as far as that is not for the command alone to say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { declareAll } from "../../src/commands.ts";

test("a flag that is not given is what it would be if its default were said", async () => {
	const program = new Command();
	await declareAll(program);
	const seen: string[] = [];
	const look = (command: Command, path: string): void => {
		for (const option of command.options) {
			const { flags, parseArg, defaultValue, defaultValueDescription } = option;
			if (parseArg === undefined || defaultValue === undefined) continue;
			const name = `${path} ${flags}`;
			seen.push(name);
			const said = defaultValueDescription ?? String(defaultValue);
			assert.deepEqual(parseArg(said, undefined as never), defaultValue, name);
		}
		for (const one of command.commands) look(one, `${path} ${one.name()}`);
	};
	look(program, "tetrad");
	for (const name of [
		"send",
		"receive",
		"take-back",
		"mint",
		"melt",
		"restore",
	])
		assert.ok(seen.includes(`tetrad purse ${name} --wait <seconds>`), name);
});
