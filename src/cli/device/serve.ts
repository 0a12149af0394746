import type { OneOfSeveral } from "../../device/home/index.ts";
import { runServing } from "../../device/service/index.ts";
import { findSide, type Side, secretsOfSide } from "../../device/side/index.ts";
import { TetradError } from "../../errors.ts";
import type { OperateFlags } from "../operate-flags.ts";
import { runDevice } from "../run-device.ts";
import type { SecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";
import { metricsOf, operatedAs } from "../side-flags.ts";

export interface ServeFlags extends SecretFlags, OperateFlags {
	readonly home?: string;
	readonly module: boolean;
	readonly agents?: number;
	readonly number?: number;
	readonly timeout?: number;
	readonly json?: true;
}

export async function serve(flags: ServeFlags): Promise<void> {
	const { home, module, timeout } = flags;
	const side = await findSide(home);
	if (side === undefined)
		throw new TetradError(
			"home-unusable",
			home === undefined
				? "there is no side here; say which with --home, or make one with: tetrad setup"
				: `${home} is no side: there is no tetrad.toml in it`,
		);
	const oneOf = oneOfAgents(side, flags);
	const metrics = metricsOf(side, "agent", oneOf?.number);
	const operated = {
		...operatedAs(side),
		...(metrics === undefined ? {} : { metrics }),
		...flags,
		...(oneOf === undefined ? {} : { number: oneOf.number }),
	};
	await runDevice({ ...operated, home: side.agent.home }, (signal, report) =>
		runServing(
			side.path,
			{
				secrets: secretsOf(flags, secretsOfSide(side, "agent")),
				signal,
				oneOf,
				...(module ? {} : { moduleRuns: "elsewhere" }),
				...(timeout === undefined ? {} : { timeoutMs: timeout }),
			},
			report,
		),
	);
}

/** Which of several processes of the agent this is; `undefined` of one that is alone. */
function oneOfAgents(
	{ agent, path }: Side,
	{ agents: of = agent.processes, number }: ServeFlags,
): OneOfSeveral | undefined {
	if (of === 1 && (number ?? 1) === 1) return undefined;
	if (number === undefined)
		throw new TetradError(
			"invalid-argument",
			`the agent of this side has ${of} processes: say which with --number, or start all of them with: tetrad up --home ${path}`,
		);
	return { number, of };
}
