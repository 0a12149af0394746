/* Commands of `tetrad` given in this process: those that change homes, and that talk to nobody. */
import { AsyncLocalStorage } from "node:async_hooks";
import { Command } from "commander";
import { declareAuthority } from "../../src/cli/authority/index.ts";
import { declareEnroll, declareRecertify } from "../../src/cli/device/index.ts";
import { EXIT, tellFailure } from "../../src/cli/index.ts";

/** What a command said, and with which exit code it would have ended. */
export interface Said {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

type Streams = Record<"stdout" | "stderr", string>;

const speaking: AsyncLocalStorage<Streams> = new AsyncLocalStorage();

// A command may never come to its end, so this is not undone: what others write goes through.
for (const name of ["stdout", "stderr"] as const) {
	const stream = process[name];
	const { write } = stream;
	stream.write = ((...args: Parameters<typeof write>) => {
		const streams = speaking.getStore();
		if (streams === undefined) return write.apply(stream, args);
		streams[name] += String(args[0]);
		return true;
	}) as typeof write;
}

function makeProgram(): Command {
	const program = new Command("tetrad").exitOverride();
	declareAuthority(program.command("authority"));
	declareEnroll(program.command("enroll"));
	declareRecertify(program.command("recertify"));
	return program;
}

/** Runs a command to its end. */
export async function runInProcess(args: readonly string[]): Promise<Said> {
	const streams: Streams = { stdout: "", stderr: "" };
	const code = await speaking.run(streams, async () => {
		try {
			await makeProgram().parseAsync(args, { from: "user" });
			return EXIT.done;
		} catch (thrown) {
			return tellFailure(thrown);
		}
	});
	return { code, ...streams };
}
