import { formatAddress, type TcpAddress } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type { OneOfSeveral } from "../home/index.ts";
import type { ProcessEvent } from "../process/index.ts";
import {
	metricsAddress,
	modulesOf,
	type SecretPlace,
	type SecretPlaces,
	type SideModule,
	type SideSettings,
} from "../side/index.ts";
import type { ProcessPlan } from "./supervisor.ts";

/** A secret of a device that somebody was asked for. */
interface AskedSecret {
	readonly kind: "passphrase" | "pin";
	readonly text: string;
}

/** Secrets that are in no file and no variable. */
export interface AskedSecrets {
	readonly agent?: AskedSecret | undefined;
	/** Of each module, the first one first. */
	readonly modules?: readonly (AskedSecret | undefined)[];
}

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
		processes = side.agent.processes,
	}: {
		readonly asked?: AskedSecrets;
		/** How many its agent has. */
		readonly processes?: number;
		readonly prefix?: string;
		/** Names of plans that are ready before it starts. */
		readonly after?: readonly string[];
	} = {},
): ProcessPlan<ProcessEvent>[] {
	const plans: ProcessPlan<ProcessEvent>[] = [];
	for (const [at, module] of modulesOf(side).entries()) {
		if (module.runs !== "apart") continue;
		const secret = asked.modules?.[at];
		plans.push({
			name: `${prefix}${moduleName(at + 1)}`,
			args: [
				...moduleArgs(side, module, at + 1),
				...secretArgs(module.secrets, secret),
			],
			ready: "listening",
			folder: side.path,
			after: [],
			environment: environmentOf(side, module.secrets, secret),
		});
	}
	const modules = plans.map(({ name }) => name);
	for (let number = 1; number <= processes; number++) {
		const agent = agentArgs(side, { number, of: processes });
		if (agent === undefined) break;
		plans.push({
			name: `${prefix}agent${processes === 1 ? "" : ` ${number}`}`,
			args: [...agent, ...secretArgs(side.secrets.agent, asked.agent)],
			ready: "listening",
			folder: side.path,
			after: [...modules, ...after],
			environment: environmentOf(side, side.secrets.agent, asked.agent),
		});
	}
	return plans;
}

/** What the process of a module is called. */
function moduleName(number: number): string {
	return number === 1 ? "module" : `module ${number}`;
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

function moduleArgs(
	side: SideSettings,
	module: SideModule,
	number: number,
): string[] {
	const { kind, operate } = side;
	const args = [
		...["--home", module.home, "--listen", formatAddress(module.at)],
		...operateArgs(side, "module", { number, of: 1 }),
	];
	if (kind !== "issuer") return ["module", ...args];
	const { http } = operate;
	return [
		...["issuer", "run", ...args],
		...(http === undefined ? [] : ["--http", showTcp(http)]),
	];
}

/** A buyer's agent runs when it buys. */
function agentArgs(
	side: SideSettings,
	oneOf: OneOfSeveral,
): string[] | undefined {
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
		...(oneOf.of === 1 && agent.processes === 1
			? []
			: ["--agents", `${oneOf.of}`, "--number", `${oneOf.number}`]),
		...operateArgs(side, "agent", oneOf),
	];
}

/** A module is started in its own home, and does not find what the settings of its side say. */
function operateArgs(
	{ operate }: SideSettings,
	role: "agent" | "module",
	{ number }: OneOfSeveral,
): string[] {
	const { metrics, logBytes, logKeep, traces } = operate;
	return [
		...["--log-size", String(logBytes), "--log-keep", String(logKeep)],
		...(metrics === undefined
			? []
			: ["--metrics", showTcp(metricsAddress(metrics, role, number))]),
		...(traces === undefined ? [] : ["--traces", traces]),
	];
}

function showTcp(address: TcpAddress): string {
	return formatAddress(address).replace(/^tcp:/, "");
}

function secretArgs(
	places: SecretPlaces,
	given: AskedSecret | undefined,
): string[] {
	const flags = (["passphrase", "pin"] as const).flatMap((kind) =>
		placeArgs(kind, places[kind]),
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

/** A device finds its own secrets, and none of the other devices of its side. */
function environmentOf(
	side: SideSettings,
	places: SecretPlaces,
	asked: AskedSecret | undefined,
): Readonly<Record<string, string | undefined>> {
	const variables = (of: SecretPlaces) =>
		Object.values(of).flatMap((place: SecretPlace) =>
			"env" in place ? [place.env] : [],
		);
	const own = variables(places);
	const all = [
		side.secrets.agent,
		...modulesOf(side).map(({ secrets }) => secrets),
	];
	const others = all.flatMap(variables);
	return {
		...Object.fromEntries(
			others
				.filter((name) => !own.includes(name))
				.map((name) => [name, undefined]),
		),
		[ASKED]: asked?.text,
	};
}
