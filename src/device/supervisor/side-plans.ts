import { formatAddress } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type { ProcessEvent } from "../process/index.ts";
import type { SecretPlace, SideSettings } from "../side/index.ts";
import type { ProcessPlan } from "./supervisor.ts";

/** A secret of a device that somebody was asked for. */
export interface AskedSecret {
	readonly kind: "passphrase" | "pin";
	readonly text: string;
}

/** Secrets that are in no file and no variable. */
export type AskedSecrets = Readonly<
	Partial<Record<"agent" | "module", AskedSecret>>
>;

/** The variable in which a device finds a secret that was asked for. */
const ASKED = "TETRAD_ASKED_SECRET";

/**
 * The processes of a side, its module first. Their names begin with `prefix`. Throws
 * `home-unusable` for a side whose settings say too little to run it.
 */
export function plansOfSide(
	side: SideSettings,
	{
		asked = {},
		prefix = "",
		after = [],
	}: {
		readonly asked?: AskedSecrets;
		readonly prefix?: string;
		/** Names of plans that are ready before it starts. */
		readonly after?: readonly string[];
	} = {},
): ProcessPlan<ProcessEvent>[] {
	const module = `${prefix}module`;
	const plans: ProcessPlan<ProcessEvent>[] = [];
	if (side.module.runs === "apart")
		plans.push({
			name: module,
			args: [...moduleArgs(side), ...secretArgs(side, "module", asked)],
			ready: "listening",
			folder: side.path,
			after: [],
			environment: environmentOf(side, "module", asked),
		});
	const agent = agentArgs(side);
	if (agent !== undefined)
		plans.push({
			name: `${prefix}agent`,
			args: [...agent, ...secretArgs(side, "agent", asked)],
			ready: "listening",
			folder: side.path,
			after: [...plans.map(({ name }) => name), ...after],
			environment: environmentOf(side, "agent", asked),
		});
	return plans;
}

function moduleArgs({ kind, module, operate }: SideSettings): string[] {
	const where = ["--home", module.home, "--listen", formatAddress(module.at)];
	if (kind !== "issuer") return ["module", ...where];
	const { http } = operate;
	return [
		...["issuer", "run", ...where],
		...(http === undefined
			? []
			: ["--http", formatAddress(http).replace("tcp:", "")]),
	];
}

function agentArgs(side: SideSettings): string[] | undefined {
	const { kind, agent, module, issuer, sell } = side;
	const { listen } = agent;
	if (listen === undefined) {
		if (kind === "buyer") return undefined;
		throw new TetradError(
			"home-unusable",
			`${side.path}/tetrad.toml: agent.listen: is not there; say where the agent answers, such as listen = "127.0.0.1:7000"`,
		);
	}
	const where = [
		...["--home", agent.home, "--module", formatAddress(module.at)],
		...["--listen", formatAddress(listen)],
	];
	const settle =
		issuer === undefined
			? []
			: [
					...["--settle-at", formatAddress(issuer.at)],
					...["--settle-every", String(issuer.settleEveryMs / 1000)],
				];
	if (kind !== "shop" || sell === undefined)
		return ["agent", ...where, ...settle];
	if (issuer === undefined)
		throw new TetradError(
			"home-unusable",
			`${side.path}/tetrad.toml: issuer.at: is not there; say where the agent of the issuer answers whose money the shop takes`,
		);
	return [
		...["sell", sell.folder, ...where, ...settle],
		...["--issuer-terms", issuer.termsPath],
		...(sell.price === undefined ? [] : ["--price", sell.price]),
		...(sell.onOrder === undefined ? [] : ["--on-order", sell.onOrder]),
	];
}

function secretArgs(
	{ secrets }: SideSettings,
	role: "agent" | "module",
	asked: AskedSecrets,
): string[] {
	const given = asked[role];
	const flags = (["passphrase", "pin"] as const).flatMap((kind) =>
		placeArgs(kind, secrets[role][kind]),
	);
	return given === undefined ? flags : [...flags, `--${given.kind}-env`, ASKED];
}

function placeArgs(
	kind: AskedSecret["kind"],
	place: SecretPlace | undefined,
): string[] {
	if (place === undefined) return [];
	return "file" in place
		? [`--${kind}-file`, place.file]
		: [`--${kind}-env`, place.env];
}

/** A device finds its own secrets, and none of the other device of its side. */
function environmentOf(
	{ secrets }: SideSettings,
	role: "agent" | "module",
	asked: AskedSecrets,
): Readonly<Record<string, string | undefined>> {
	const variables = (of: "agent" | "module") =>
		Object.values(secrets[of]).flatMap((place: SecretPlace) =>
			"env" in place ? [place.env] : [],
		);
	const own = variables(role);
	const others = variables(role === "agent" ? "module" : "agent");
	return {
		...Object.fromEntries(
			others
				.filter((name) => !own.includes(name))
				.map((name) => [name, undefined]),
		),
		[ASKED]: asked[role]?.text,
	};
}
