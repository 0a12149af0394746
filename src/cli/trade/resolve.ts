import { join } from "node:path";
import { runResolving } from "../../device/process/index.ts";
import { runDevice } from "../run-device.ts";
import { EXIT, say, sayJson } from "../voice.ts";
import { type CallerFlags, callerOf } from "./caller.ts";

export interface ResolveFlags extends CallerFlags {
	readonly merchant?: true;
	readonly learn?: true;
	readonly out?: string;
}

export async function resolve(
	address: string,
	flags: ResolveFlags,
): Promise<void> {
	const { merchant, learn, out = ".", json } = flags;
	let open = 0;
	await runDevice(flags, async (signal, report) => {
		open = await runResolving(
			{
				...callerOf(flags, address, signal),
				isIssuer: merchant !== true,
				learn: learn === true,
				learnedTo: (name) => join(out, name),
			},
			report,
		);
	});
	if (json) sayJson({ event: "resolved", open });
	else if (open === 0) say("nothing that was bought here is in doubt");
	if (open > 0) process.exitCode = EXIT.failed;
}
