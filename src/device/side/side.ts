import { stat } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import {
	type Address,
	parseAddress,
	type TcpAddress,
} from "../../carrier/index.ts";
import { asTetradError } from "../../errors.ts";
import { secretFromEnvironment, secretFromFile } from "../../keys/index.ts";
import { DEPOSIT_MARGIN_MS } from "../../money/index.ts";
import type { Avoided } from "../../trade/agent/index.ts";
import type { RailName } from "../../trade/documents/index.ts";
import {
	type HomeSecrets,
	isThere,
	makePrivateFolder,
	unusable,
} from "../home/index.ts";
import {
	type Environment,
	type FileOfUser,
	type FoundSetting,
	Layers,
	type NamedBy,
	type SecretPlace,
	type SecretPlaces,
} from "./setting-layers.ts";
import {
	type ModuleRuns,
	readSettingsFile,
	SETTING_KEYS,
	SIDE_FILE,
	SIDE_FILE_SCHEMA,
	type SideFile,
	type SideKind,
	splitList,
	USER_FILE_SCHEMA,
} from "./side-file.ts";
import {
	furtherModules,
	portsOfModules,
	requireApart,
	type SideModule,
} from "./side-modules.ts";

/*
 * A side: a folder with one agent, its module, and what commands about them need not be told.
 *
 *   tetrad.toml          the settings (side-file.ts)
 *   agent/               the home of the agent
 *   module/              the home of the module
 *   inbox/               of a buyer: what it has bought
 *   goods/               of a shop: what it sells
 *   issuer.terms.json    whose money it uses; of an issuer: to be given away
 *   run/                 its sockets, for its owner only
 */

/** What holds for a side. All paths are absolute. */
export interface SideSettings {
	readonly kind: SideKind;
	readonly name: string;
	/** The folder. */
	readonly path: string;
	readonly agent: {
		readonly home: string;
		readonly listen?: Address;
		/** How many there are of it. */
		readonly processes: number;
	};
	readonly module: Omit<SideModule, "secrets">;
	/** Of a shop, beside that one. */
	readonly furtherModules: readonly SideModule[];
	/** Whose money a buyer or a shop uses, once that is said. */
	readonly issuer?: {
		readonly at: Address;
		readonly termsPath: string;
		readonly settleEveryMs: number;
	};
	/** Where bought goods go; a buyer has one. */
	readonly buyFolder?: string;
	/** How is paid, as far as that is said. */
	readonly buyWith: {
		readonly rails?: readonly RailName[];
		readonly avoid?: readonly Avoided[];
	};
	/** A shop has it. */
	readonly sell?: {
		readonly folder: string;
		readonly take?: string;
		readonly price?: string;
		readonly onOrder?: string;
	};
	readonly operate: {
		readonly http?: TcpAddress;
		readonly metrics?: TcpAddress;
		readonly logBytes: number;
		/** Full files of a log that are kept. */
		readonly logKeep: number;
		readonly traces?: string;
	};
	readonly secrets: {
		readonly agent: SecretPlaces;
		readonly module: SecretPlaces;
	};
}

/** The settings of a side, with where each is from. */
export interface Side extends SideSettings {
	readonly found: readonly FoundSetting[];
}

const DEFAULT_LOG_SIZE = "10 MB";
const DEFAULT_LOG_KEEP = 5;

/** The environment variable that names the side. */
export const HOME_VARIABLE = "TETRAD_HOME";

/**
 * Reads the settings of the side in the folder `path`. Throws `home-unusable`, with the file and
 * the key, for what is missing, wrong or unknown, for a file that others may write, and for a
 * folder whose path is too long for sockets in it.
 */
export async function readSide(
	path: string,
	environment: Environment = process.env,
	named: NamedBy = { from: "flag", where: "--home" },
): Promise<Side> {
	const folder = resolve(path);
	const file = join(folder, SIDE_FILE);
	if (!(await isThere(file)))
		throw unusable(
			`there is no side in ${path}: ${file} is not there; make one with: tetrad setup`,
		);
	await requireUnwritable(folder);
	await requireUnwritable(file);
	const settings = await readSettingsFile(file, SIDE_FILE_SCHEMA);
	const user = await readUserFile(environment);
	const layers = new Layers(
		{ folder, file, settings },
		user,
		environment,
		named,
	);
	const side = settled(folder, settings, layers);
	requireSockets(side);
	return side;
}

/** The file of the user, if there is one. */
export async function readUserFile(
	environment: Environment,
): Promise<FileOfUser | undefined> {
	const file = userFilePath(environment);
	if (file === undefined || !(await isThere(file))) return undefined;
	await requireUnwritable(file);
	const settings = await readSettingsFile(file, USER_FILE_SCHEMA);
	return { folder: dirname(file), file, settings };
}

function userFilePath({
	XDG_CONFIG_HOME: config = "",
	HOME: home = "",
}: Environment): string | undefined {
	// A relative one is to be ignored (XDG Base Directory Specification).
	if (isAbsolute(config)) return join(config, "tetrad", SIDE_FILE);
	return isAbsolute(home)
		? join(home, ".config", "tetrad", SIDE_FILE)
		: undefined;
}

/** Whoever can write settings can have commands run, and say who is paid from where. */
async function requireUnwritable(path: string): Promise<void> {
	const { mode, uid } = await stat(path).catch((thrown: unknown) => {
		throw unusable(`cannot read ${path}`, thrown);
	});
	if (uid !== 0 && uid !== process.getuid?.())
		throw unusable(`${path} belongs to another user`);
	if ((mode & 0o022) !== 0)
		throw unusable(
			`others may write ${path}; close it with: chmod go-w ${path}`,
		);
}

function settled(
	folder: string,
	{ kind, name, "further-modules": others = [] }: SideFile,
	layers: Layers,
): Side {
	const agentHome = layers.path("agent.home", "agent");
	const listen = layers.address("agent.listen");
	const processes = layers.number("agent.processes", 1);
	const module = {
		home: layers.path("module.home", "module"),
		at: layers.address("module.at", "unix:run/link.sock"),
		runs: layers.text("module.runs", "apart") as ModuleRuns,
	};
	const further = furtherModules(folder, others);
	const ports = portsOfModules({ kind, folder, listen }, [
		layers.portOfModule(),
		...others.map(({ port }) => port),
	]);
	requireApart(folder, [module, ...further.modules]);
	const withPort = (at: number) =>
		ports[at] === undefined ? {} : { port: ports[at] };
	if (others.length > 0 && module.runs === "inside-agent")
		throw unusable(
			`${join(folder, SIDE_FILE)}: module.runs: a module that runs inside its agent is the only one; say "apart"`,
		);
	const at = layers.address("issuer.at");
	const termsPath = layers.path("issuer.terms", "issuer.terms.json");
	const settleEvery = layers.number(
		"issuer.settle-every",
		DEPOSIT_MARGIN_MS / 4000,
	);
	if (
		at === undefined &&
		(layers.says("issuer.terms") || layers.says("issuer.settle-every"))
	)
		throw unusable(
			`${join(folder, SIDE_FILE)}: issuer.at: is not there; say where the agent of the issuer answers, such as at = "127.0.0.1:7100"`,
		);
	const buyFolder =
		kind === "buyer"
			? layers.path("buy.folder", "inbox")
			: layers.path("buy.folder");
	const sellFolder =
		kind === "shop"
			? layers.path("sell.folder", "goods")
			: layers.path("sell.folder");
	const rails = layers.text("buy.rails");
	const avoid = layers.text("buy.avoid");
	const take = layers.text("sell.take");
	const price = layers.text("sell.price");
	const onOrder = layers.text("sell.on-order");
	const http = layers.address("operate.http");
	const metrics = layers.address("operate.metrics");
	const logBytes = bytesOf(layers.text("operate.log-size", DEFAULT_LOG_SIZE));
	const logKeep = layers.number("operate.log-keep", DEFAULT_LOG_KEEP);
	const traces = layers.text("operate.traces");
	const secrets = {
		agent: placesOf(layers, "agent"),
		module: placesOf(layers, "module"),
	};
	return {
		kind,
		name,
		path: folder,
		agent: {
			home: agentHome,
			...(listen === undefined ? {} : { listen }),
			processes,
		},
		module: { ...module, ...withPort(0) },
		furtherModules: further.modules.map((one, at) => ({
			...one,
			...withPort(at + 1),
		})),
		...(at === undefined
			? {}
			: { issuer: { at, termsPath, settleEveryMs: settleEvery * 1000 } }),
		...(buyFolder === undefined ? {} : { buyFolder }),
		buyWith: {
			// The file was held to these names.
			...(rails === undefined ? {} : { rails: splitList(rails) as RailName[] }),
			...(avoid === undefined ? {} : { avoid: splitList(avoid) as Avoided[] }),
		},
		...(sellFolder === undefined
			? {}
			: {
					sell: {
						folder: sellFolder,
						...(take === undefined ? {} : { take }),
						...(price === undefined ? {} : { price }),
						...(onOrder === undefined ? {} : { onOrder }),
					},
				}),
		operate: {
			...(http?.kind === "tcp" ? { http } : {}),
			...(metrics?.kind === "tcp" ? { metrics } : {}),
			logBytes,
			logKeep,
			...(traces === undefined ? {} : { traces }),
		},
		secrets,
		found: [
			...layers.found.toSorted((a, b) => placeOf(a.key) - placeOf(b.key)),
			...further.found,
		],
	};
}

/** As the file has them. */
function placeOf(key: FoundSetting["key"]): number {
	return (SETTING_KEYS as readonly string[]).indexOf(key);
}

const BYTES: Readonly<Record<string, number>> = {
	kB: 1e3,
	MB: 1e6,
	GB: 1e9,
};

function bytesOf(size: string): number {
	const [, digits, unit = ""] = /^(\d+) ?(.B)$/.exec(size) ?? [];
	return Number(digits) * (BYTES[unit] ?? 1);
}

function placesOf(layers: Layers, name: "agent" | "module"): SecretPlaces {
	const passphrase = layers.secret(name, "passphrase");
	const pin = layers.secret(name, "pin");
	return {
		...(passphrase === undefined ? {} : { passphrase }),
		...(pin === undefined ? {} : { pin }),
	};
}

/** The sockets of a side are checked when it is read, and not when it runs. */
function requireSockets(side: Side): void {
	try {
		parseAddress(`unix:${agentSocket(side)}`);
	} catch (thrown) {
		throw unusable(
			`the path of the side is too long for sockets in it: ${asTetradError(thrown).message}`,
			thrown,
		);
	}
}

/** All modules of a side, the first one first. */
export function modulesOf({
	module,
	furtherModules,
	secrets,
}: Pick<SideSettings, "module" | "furtherModules" | "secrets">): readonly [
	SideModule,
	...SideModule[],
] {
	return [{ ...module, secrets: secrets.module }, ...furtherModules];
}

/** Where a device says how it is: the agent where the settings say, its module at the next port, and further processes of the agent at those after that. Further modules take a port that is free, and say in their homes which. */
export function metricsAddress(
	{ port, ...rest }: TcpAddress,
	role: "agent" | "module",
	number = 1,
): TcpAddress {
	if (role === "module" && number > 1) return { ...rest, port: 0 };
	const after = role === "module" ? 1 : number === 1 ? 0 : number;
	return { ...rest, port: port === 0 ? port : port + after };
}

/** The command that makes what is made on order, for a shell: it runs in the folder of the side. */
export function onOrderCommand({
	path,
	sell,
}: Pick<SideSettings, "path" | "sell">): string | undefined {
	if (sell?.onOrder === undefined) return undefined;
	return `cd '${path.replaceAll("'", "'\\''")}' && ${sell.onOrder}`;
}

/** Where the sockets of a side are; see `makeRunFolder`. */
export function runFolder({ path }: Pick<SideSettings, "path">): string {
	return join(path, "run");
}

/** The path of the socket where its module waits for the agent, unless settings say otherwise. */
export function linkSocket(side: Pick<SideSettings, "path">): string {
	return join(runFolder(side), "link.sock");
}

/** The path of the socket where its running agent answers programs of this machine. */
export function agentSocket(side: Pick<SideSettings, "path">): string {
	return join(runFolder(side), "agent.sock");
}

/** Makes the folder of sockets, which nobody else may enter. Throws `home-unusable`. */
export async function makeRunFolder(
	side: Pick<SideSettings, "path">,
): Promise<string> {
	await makePrivateFolder(runFolder(side));
	return runFolder(side);
}

/** The secrets of its agent or its first module, as far as settings say where they are. */
export function secretsOfSide(
	{ secrets }: Pick<SideSettings, "secrets">,
	role: "agent" | "module",
): HomeSecrets {
	return secretsAt(secrets[role]);
}

/** The secrets of a device that are there. */
export function secretsAt(places: SecretPlaces): HomeSecrets {
	const source = (place: SecretPlace | undefined) => {
		if (place === undefined) return undefined;
		return "file" in place
			? secretFromFile(place.file)
			: secretFromEnvironment(place.env);
	};
	const passphrase = source(places.passphrase);
	const pin = source(places.pin);
	return {
		...(passphrase === undefined ? {} : { passphrase }),
		...(pin === undefined ? {} : { pin }),
	};
}
