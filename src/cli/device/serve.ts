import { runServing } from "../../device/service/index.ts";
import { findSide, secretsOfSide } from "../../device/side/index.ts";
import { TetradError } from "../../errors.ts";
import type { OperateFlags } from "../operate-flags.ts";
import { runDevice } from "../run-device.ts";
import type { SecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";
import { metricsOf, operatedAs } from "../side-flags.ts";

export interface ServeFlags extends SecretFlags, OperateFlags {
	readonly home?: string;
	readonly module: boolean;
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
	const metrics = metricsOf(side, "agent");
	const operated = {
		...operatedAs(side),
		...(metrics === undefined ? {} : { metrics }),
		...flags,
	};
	await runDevice({ ...operated, home: side.agent.home }, (signal, report) =>
		runServing(
			side.path,
			{
				secrets: secretsOf(flags, secretsOfSide(side, "agent")),
				signal,
				...(module ? {} : { moduleRuns: "elsewhere" }),
				...(timeout === undefined ? {} : { timeoutMs: timeout }),
			},
			report,
		),
	);
}
