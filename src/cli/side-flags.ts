/* Flags that the settings of a side stand for. */

import { join } from "node:path";
import { type Address, formatAddress } from "../carrier/index.ts";
import { isThere } from "../device/home/index.ts";
import type { FurtherModule } from "../device/service/index.ts";
import {
	agentSocket,
	beingSetUpAs,
	findSide,
	HOME_VARIABLE,
	makeRunFolder,
	metricsAddress,
	modulesOf,
	type SecretPlaces,
	SIDE_FILE,
	type Side,
} from "../device/side/index.ts";
import { TetradError } from "../errors.ts";
import type { HttpAddress } from "./flags.ts";
import type { OperateFlags } from "./operate-flags.ts";
import type { SecretFlags } from "./secret-flags.ts";
import { tell } from "./voice.ts";

/** What every command about a device has at least. */
interface OfHome extends SecretFlags {
	readonly home: string;
}

/** Flags as they were given: any of those may be missing that settings say. */
export type Given<
	Flags extends OfHome,
	Known extends keyof Flags = never,
> = Omit<Flags, "home" | Known> & Partial<Pick<Flags, "home" | Known>>;

/** What stands for a flag that was not given. */
export interface KnownFlag<Value, Flags> {
	/** `undefined` where the settings do not say it. */
	of(
		side: Side,
		flags: Partial<Flags>,
	): Value | undefined | Promise<Value | undefined>;
	/** How it is said, where nothing can be done without it. */
	readonly need?: string;
	/** The key that says it. */
	readonly key?: string;
}

/** Where the module of a side listens. */
export const MODULE_AT: KnownFlag<Address, unknown> = {
	of: ({ module }) => module.at,
	need: "--module ADDRESS, where its module listens",
};

/** Where the further modules of a side are, for whoever runs its agent. */
export const FURTHER_MODULES: KnownFlag<
	readonly FurtherModule[] | undefined,
	unknown
> = {
	of: ({ furtherModules }) =>
		furtherModules.length === 0
			? undefined
			: furtherModules.map(({ at, home, port }) => ({
					...{ address: at, home },
					...(port === undefined ? {} : { port }),
				})),
};

/** Where the agent of a side answers while it runs. */
export const SOCKET_OF_AGENT: KnownFlag<string | undefined, unknown> = {
	of: (side) => agentSocket(side),
};

/** Where the module itself listens. */
export const LISTEN_OF_MODULE: KnownFlag<Address, unknown> = {
	async of(side) {
		await makeRunFolder(side);
		return side.module.at;
	},
	need: "--listen ADDRESS, where its agent finds it",
};

/** Where a device that goes on says how it is, and of an agent of several processes this one. */
export function metricsOf(
	{ operate: { metrics } }: Side,
	role: "agent" | "module",
	number = 1,
): HttpAddress | undefined {
	return metrics && metricsAddress(metrics, role, number);
}

/** For whoever runs the agent or the module of a side until it is stopped. */
export function metricsFlag(
	role: "agent" | "module",
): KnownFlag<HttpAddress | undefined, unknown> {
	return { of: (side) => metricsOf(side, role) };
}

/** How a device of a side is run, beside that, as its settings say it. */
export function operatedAs({
	operate: { logBytes: logSize, logKeep, traces },
}: Side): Pick<OperateFlags, "logSize" | "logKeep" | "traces"> {
	return { logSize, logKeep, ...(traces === undefined ? {} : { traces }) };
}

/**
 * The flags of a command about the agent or the module of a side, with what its settings say in
 * the place of those that were not given. Without a side all have to be given. Throws
 * `invalid-argument` for one that is missing, and as `findSide` does.
 */
export async function withSide<
	Flags extends OfHome,
	Known extends keyof Flags = never,
>(
	flags: Given<Flags, Known>,
	role: "agent" | "module",
	known: { readonly [Name in Known]: KnownFlag<Flags[Name], Flags> },
	/** Whose key the command opens. */
	opens: "agent" | "module" = role,
): Promise<Flags> {
	const given = flags as Partial<Flags>;
	const side = await findSide(given.home);
	if (side === undefined) {
		if (given.home === undefined) throw noHome(role);
		await requireMade(given.home);
	}
	if (role === "module" && side !== undefined) requireOneModule(side);
	const filled: Record<string, unknown> = {
		...(side === undefined ? {} : secretFlags(side.secrets[opens], given)),
		...(side === undefined ? {} : operatedAs(side)),
		...given,
		...(side === undefined ? {} : { home: side[role].home }),
	};
	for (const [name, flag] of Object.entries<KnownFlag<unknown, Flags>>(known)) {
		filled[name] ??= side && (await flag.of(side, given));
		if (filled[name] === undefined) {
			delete filled[name];
			if (flag.need !== undefined) throw missing(flag, side);
		}
	}
	return filled as unknown as Flags;
}

/** Homes of modules, of which there is one at least. */
export type ModuleHomes = readonly [string, ...string[]];

/** The homes of the modules that a command is about which shows all of a side, or the one that was named. Throws as `withSide`. */
export async function moduleHomesOf(
	home: string | undefined,
): Promise<ModuleHomes> {
	const side = await findSide(home);
	if (side !== undefined) return homesHere(side);
	if (home === undefined) throw noHome("module");
	await requireMade(home);
	return [home];
}

/** Of several modules that run elsewhere, where their homes may be as well, it is said that they are not shown. */
async function homesHere(side: Side): Promise<ModuleHomes> {
	const here: string[] = [];
	const away: string[] = [];
	for (const [at, module] of modulesOf(side).entries()) {
		const isHere = module.runs !== "elsewhere" || (await isThere(module.home));
		if (isHere) here.push(module.home);
		else away.push(`module ${at + 1}, at ${formatAddress(module.at)}`);
	}
	const [first = side.module.home, ...others] = here;
	if (here.length > 0 && away.length > 0)
		tell(`not shown, for it runs elsewhere: ${away.join("; ")}`);
	return [first, ...others];
}

/** A command about a purse is about one. */
function requireOneModule(side: Side): void {
	const homes = modulesOf(side).map(({ home }) => home);
	if (homes.length > 1)
		throw wrong(
			`${side.name} has ${homes.length} modules, and this is about one of them; say which: ${homes.map((home) => `--home ${home}`).join(", or ")}`,
		);
}

/** The homes that a command is about which takes either device: all of a side, or the one that was named. */
export async function homesOf(home: string | undefined): Promise<string[]> {
	const side = await findSide(home);
	if (side !== undefined)
		return [side.agent.home, ...modulesOf(side).map(({ home }) => home)];
	if (home !== undefined) return [home];
	throw noHome("device");
}

/** Throws `invalid-argument` where there is none, and `home-unusable` where one is only half made. */
export async function requireSide(home: string | undefined): Promise<Side> {
	const named = home ?? (process.env[HOME_VARIABLE] || undefined);
	if (named !== undefined) await requireMade(named);
	const side = await findSide(home);
	if (side !== undefined) return side;
	await requireMade(".");
	throw wrong(
		home === undefined
			? "say --home FOLDER, with the folder of a side; neither TETRAD_HOME nor the working folder nor your own tetrad.toml names one"
			: `${home} is not the folder of a side: ${join(home, SIDE_FILE)} is not there`,
	);
}

/** Throws `home-unusable`, with how to go on, for the folder of a side that is being set up. */
async function requireMade(folder: string): Promise<void> {
	const kind = await beingSetUpAs(folder);
	if (kind !== undefined)
		throw new TetradError(
			"home-unusable",
			`${folder} is being set up as ${kind}, and is not done; go on with: tetrad setup ${kind} ${folder}`,
		);
}

/** A flag that is given counts, in whichever of the two ways. */
function secretFlags(
	{ passphrase, pin }: SecretPlaces,
	given: { readonly [Name in keyof SecretFlags]: string | undefined },
): SecretFlags {
	const { passphraseFile, passphraseEnv, pinFile, pinEnv } = given;
	const isPassphraseSaid = (passphraseFile ?? passphraseEnv) !== undefined;
	const isPinSaid = (pinFile ?? pinEnv) !== undefined;
	return {
		...(passphrase === undefined || isPassphraseSaid
			? {}
			: "file" in passphrase
				? { passphraseFile: passphrase.file }
				: { passphraseEnv: passphrase.env }),
		...(pin === undefined || isPinSaid
			? {}
			: "file" in pin
				? { pinFile: pin.file }
				: { pinEnv: pin.env }),
	};
}

/** What is said where nothing names a home. */
export function noHome(role: "agent" | "module" | "device"): TetradError {
	return wrong(
		`say --home FOLDER: the ${role}'s home, or the folder of a side; neither TETRAD_HOME nor the working folder nor your own tetrad.toml names one`,
	);
}

function missing(
	{ need, key }: KnownFlag<unknown, never>,
	side: Side | undefined,
): TetradError {
	if (side === undefined)
		return wrong(`say ${need}; or name a side with --home, which knows it`);
	return wrong(
		key === undefined
			? `say ${need}`
			: `say ${need}, or ${key} in ${join(side.path, SIDE_FILE)}`,
	);
}

function wrong(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
