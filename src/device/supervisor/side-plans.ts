import { formatAddress, type TcpAddress } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type { ProcessEvent } from "../process/index.ts";
import type { SecretPlace, SideSettings } from "../side/index.ts";
import type { ProcessPlan } from "./supervisor.ts";

/** A secret of a device that somebody was asked for. */
interface AskedSecret {
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

/** The processes of an issuer, a shop and a buyer. The issuer is met at the start, so it comes first. */
export function plansOfWorld(
	world: Readonly<Record<"issuer" | "shop" | "buyer", SideSettings>>,
): ProcessPlan<ProcessEvent>[] {
	const issuer = plansOfSide(world.issuer, { prefix: "issuer " });
	const after = issuer.map(({ name }) => name);
	return [
		...issuer,
		...plansOfSide(world.shop, { prefix: "shop ", after }),
		...plansOfSide(world.buyer, { prefix: "buyer ", after }),
	];
}

function moduleArgs(side: SideSettings): string[] {
	const { kind, module, operate } = side;
	const args = [
		...["--home", module.home, "--listen", formatAddress(module.at)],
		...operateArgs(side, "module"),
	];
	if (kind !== "issuer") return ["module", ...args];
	const { http } = operate;
	return [
		...["issuer", "run", ...args],
		...(http === undefined ? [] : ["--http", showTcp(http)]),
	];
}

/** A buyer's agent runs when it buys. */
function agentArgs(side: SideSettings): string[] | undefined {
	const { kind, agent, module, issuer, path } = side;
	if (kind === "buyer") return undefined;
	if (agent.listen === undefined)
		throw new TetradError(
			"home-unusable",
			`${path}/tetrad.toml: agent.listen: is not there; say where the agent answers, such as listen = "127.0.0.1:7000"`,
		);
	if (kind === "shop" && issuer === undefined)
		throw new TetradError(
			"home-unusable",
			`${path}/tetrad.toml: issuer.at: is not there; say where the agent of the issuer answers whose money the shop takes`,
		);
	return [
		"serve",
		"--home",
		path,
		...(module.runs === "inside-agent" ? [] : ["--no-module"]),
		...operateArgs(side, "agent"),
	];
}

/** One of the two says how it is: a shop's agent, which sees sales, and else the module. */
function operateArgs(
	{ kind, operate }: SideSettings,
	role: "agent" | "module",
): string[] {
	const { metrics, logBytes, logKeep } = operate;
	const tells = role === (kind === "shop" ? "agent" : "module");
	return [
		...["--log-size", String(logBytes), "--log-keep", String(logKeep)],
		...(metrics === undefined || !tells ? [] : ["--metrics", showTcp(metrics)]),
	];
}

function showTcp(address: TcpAddress): string {
	return formatAddress(address).replace(/^tcp:/, "");
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
