import { EXIT, say, sayJson } from "../voice.ts";
import { askAgent, type CallerFlags } from "./caller.ts";

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
	await askAgent(flags, async (agent, how) => {
		const resumed = await agent.resolve({
			at: address,
			isMerchant: merchant === true,
			learn: learn === true,
			folder: out,
			...how,
		});
		open = resumed.filter(({ state }) => state === "in-doubt").length;
	});
	if (json) sayJson({ event: "resolved", open });
	else if (open === 0) say("nothing that was bought here is in doubt");
	if (open > 0) process.exitCode = EXIT.failed;
}
