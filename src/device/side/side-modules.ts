import { join, resolve } from "node:path";
import {
	type Address,
	formatAddress,
	parseAddress,
} from "../../carrier/index.ts";
import { asTetradError } from "../../errors.ts";
import { unusable } from "../home/index.ts";
import type {
	FoundSetting,
	SecretPlace,
	SecretPlaces,
} from "./setting-layers.ts";
import {
	type FurtherModule,
	type ModuleRuns,
	SIDE_FILE,
	type SideKind,
} from "./side-file.ts";

/*
 * The modules of a side. Each is a home with a purse, and waits for the agent at an address of its
 * own. Where a shop has several, buyers who come back meet its agent with each of them at a port
 * beside the one at which it answers everybody.
 */

/** One of them. */
export interface SideModule {
	readonly home: string;
	/** Where it waits for its agent. */
	readonly at: Address;
	readonly runs: ModuleRuns;
	/** Where buyers meet the agent with it, at the host at which that answers, where there are several. */
	readonly port?: number;
	readonly secrets: SecretPlaces;
}

/** What the settings of a side say of its further modules, with where each value is from. */
export interface FurtherModules {
	readonly modules: readonly Omit<SideModule, "port">[];
	readonly found: readonly FoundSetting[];
}

/** Reads the further modules of a side in that folder. Throws `home-unusable`, with the file and the key. */
export function furtherModules(
	folder: string,
	entries: readonly FurtherModule[],
): FurtherModules {
	const where = join(folder, SIDE_FILE);
	const found: FoundSetting[] = [];
	const modules = entries.map((entry, at) => {
		const number = at + 2;
		const keep = (name: keyof FurtherModule, value: string | number) =>
			found.push({
				key: `module ${number}: ${name}`,
				value,
				...(entry[name] === undefined
					? { from: "default", where: "" }
					: { from: "file", where }),
			});
		const home = resolve(folder, entry.home);
		const address = addressIn(
			folder,
			entry.at ?? `unix:run/link-${number}.sock`,
		);
		const runs: ModuleRuns = entry.runs ?? "apart";
		keep("home", home);
		keep("at", formatAddress(address));
		keep("runs", runs);
		if (entry.port !== undefined) keep("port", entry.port);
		const secrets = {
			...secretIn(folder, entry, "passphrase", where, keep),
			...secretIn(folder, entry, "pin", where, keep),
		};
		return { home, at: address, runs, secrets };
	});
	return { modules, found };
}

/** Throws `home-unusable` where two modules have one home, or wait at one address: it would be one, with two numbers. */
export function requireApart(
	folder: string,
	modules: readonly Pick<SideModule, "home" | "at" | "runs">[],
): void {
	// Of one that is on another machine, the path is of that machine.
	const homes = modules.map(({ home, runs }) =>
		runs === "elsewhere" ? undefined : home,
	);
	const addresses = modules.map(({ at }) => formatAddress(at));
	for (const [key, values] of Object.entries({ home: homes, at: addresses }))
		for (const [at, value] of values.entries()) {
			if (value === undefined || values.indexOf(value) === at) continue;
			const first = values.indexOf(value);
			throw unusable(
				`${join(folder, SIDE_FILE)}: module ${at + 1}: ${key}: ${value} is that of module ${first + 1}; say another one`,
			);
		}
}

function addressIn(folder: string, text: string): Address {
	const [, path] = /^unix:(.*)$/s.exec(text) ?? [];
	try {
		return parseAddress(
			path === undefined ? text : `unix:${resolve(folder, path)}`,
		);
	} catch (thrown) {
		throw unusable(
			`${join(folder, SIDE_FILE)}: further-modules: at: ${asTetradError(thrown).message}`,
			thrown,
		);
	}
}

function secretIn(
	folder: string,
	entry: FurtherModule,
	what: "passphrase" | "pin",
	where: string,
	keep: (name: keyof FurtherModule, value: string) => void,
): Partial<Record<"passphrase" | "pin", SecretPlace>> {
	const [file, env] = [entry[`${what}-file`], entry[`${what}-env`]];
	if (file !== undefined && env !== undefined)
		throw unusable(
			`${where}: further-modules: ${what}-file and ${what}-env: say one of the two, and not both`,
		);
	if (file !== undefined) {
		keep(`${what}-file`, resolve(folder, file));
		return { [what]: { file: resolve(folder, file) } };
	}
	if (env === undefined) return {};
	keep(`${what}-env`, env);
	return { [what]: { env } };
}

/** Where an agent is met with each of its modules: at ports beside the one at which it listens, unless others are said. Nothing of an agent that has one module. Throws `home-unusable`, saying what to say. */
export function portsOfModules(
	{
		kind,
		folder,
		listen,
	}: {
		readonly kind: SideKind;
		readonly folder: string;
		readonly listen: Address | undefined;
	},
	said: readonly (number | undefined)[],
): readonly number[] {
	if (said.length === 1) return [];
	const file = join(folder, SIDE_FILE);
	if (kind !== "shop")
		throw unusable(
			`${file}: further-modules: ${kind === "buyer" ? "a buyer pays out of one module" : "an issuer has one module, with its ledger"}, and a shop alone may have several`,
		);
	if (listen?.kind !== "tcp" || listen.port === 0)
		throw unusable(
			`${file}: further-modules: buyers who come back meet the agent with each of its modules at a port of its own; say at which host and port it answers everybody, such as listen = "127.0.0.1:7000" below [agent]`,
		);
	const ports = said.map((port, at) => port ?? listen.port + at + 1);
	for (const [at, port] of ports.entries()) {
		if (port > 65_535)
			throw unusable(
				`${file}: module ${at + 1}: port: there is no port ${port}; say another one`,
			);
		const other = port === listen.port ? 0 : ports.indexOf(port) + 1;
		if (other !== at + 1)
			throw unusable(
				`${file}: module ${at + 1}: port: ${port} is ${other === 0 ? "where the agent answers everybody" : `that of module ${other}`}; say another one`,
			);
	}
	return ports;
}
