import { open } from "node:fs/promises";
import { join } from "node:path";
import { asTetradError, TetradError } from "../../errors.ts";
import type { DeviceRole } from "../../identity/index.ts";
import { libraryOf } from "../../provider/index.ts";
import {
	isThere,
	lookAtDevice,
	readPairingTries,
	viewPairings,
} from "../home/index.ts";
import {
	hasAgentStore,
	hasPurse,
	viewPurse,
	viewSpending,
} from "../purse/index.ts";
import { type ModuleStatus, runningAgent } from "../service/index.ts";
import type { Side } from "../side/index.ts";
import { viewPurchases } from "../trade/index.ts";
import type { DeviceAt, Patient } from "./check.ts";

/** Purchases that are looked through for what is not over, the newest. */
const MAX_PURCHASES = 10_000;

/** How much of the end of a log is looked through. */
const LOG_BYTES = 262_144;

/** How a device is, as its home says. Times are in milliseconds since the epoch. */
export interface DeviceStatus {
	readonly role: DeviceRole;
	/** Of a module of a side that has several: which it is, from 1. */
	readonly number?: number;
	readonly home: string;
	/** The process that runs it, if one does, and the others of an agent that has several. */
	readonly process?: number;
	readonly others?: readonly number[];
	readonly name?: string;
	readonly certificateEnds?: number;
	/** When the oldest untrusted list that it holds is from. */
	readonly oldestList?: number;
	readonly pairedWith?: string;
	/** Of an agent, its further modules. */
	readonly alsoPairedWith?: readonly string[];
	/** Tries to pair that came to nothing, of a module. */
	readonly pairingTries?: number;
	/** Why the rest is not known. */
	readonly trouble?: string;
}

/** How a side is, read from its homes, also while it runs. */
export interface SideStatus {
	readonly devices: readonly DeviceStatus[];
	/** Whether agent and module are linked now, and since when; `undefined` where no log says it. */
	readonly link?: { readonly isUp: boolean; readonly since: number };
	/** The same of each of several modules, the first one first: as a running agent says. */
	readonly modules?: readonly ModuleStatus[];
	/** When it met its issuer last, as a running agent says, or else the log. */
	readonly settled?: { readonly time: number; readonly issuer: string };
	/** Why the last meeting after that came to nothing, as a running agent says. */
	readonly trouble?: string;
	/** The library that seals and signs, of an agent that runs and can be asked, or else of one that would be started as this program was. */
	readonly crypto: string;
	/** Purchases that are not over. */
	readonly inDoubt: Counted;
	/** Payments that wait for the owner. */
	readonly approvals: Counted;
}

/** How many there are, where the store that has them can be read. */
export type Counted =
	| { readonly kind: "counted"; readonly count: number }
	| { readonly kind: "unreadable"; readonly reason: string };

/** Looks at a side. What cannot be read is left out, and `tetrad doctor` says why; that purchases or payments cannot be read is said, for none is another thing. */
export async function statusOf(
	side: Side,
	{ devices: first, machine }: Patient,
): Promise<SideStatus> {
	const further = side.furtherModules.flatMap(({ home, runs }, at) =>
		runs === "elsewhere"
			? []
			: [{ role: "module", home, number: at + 2 } as const],
	);
	const devices: readonly (DeviceAt & { readonly number?: number })[] = [
		...first.map((one) =>
			one.role === "module" && side.furtherModules.length > 0
				? { ...one, number: 1 }
				: one,
		),
		...further,
	];
	const looked = await Promise.all(
		devices.map(async ({ number, ...device }) => ({
			...(await deviceStatus(device)),
			...(number === undefined ? {} : { number }),
			...processesAre(await machine.holders(device.home)),
		})),
	);
	const told = await orElse(toldBy(side), undefined);
	const settled = told?.settled ?? (await lastSettled(side.agent.home));
	const link = await linkOf(
		looked.find(({ role }) => role === "module"),
		told?.isLinked,
	);
	return {
		devices: looked,
		...(link === undefined ? {} : { link }),
		...(told?.modules === undefined ? {} : { modules: told.modules }),
		...(settled === undefined ? {} : { settled }),
		...(told?.trouble === undefined ? {} : { trouble: told.trouble }),
		crypto: told?.crypto ?? libraryOf(machine.providing()),
		inDoubt: await counted(openPurchases(side.agent.home)),
		approvals: await counted(
			sumOf(
				devices
					.filter(({ role }) => role === "module")
					.map(({ home }) => waitingPayments(home, machine.now())),
			),
		),
	};
}

async function sumOf(counts: readonly Promise<number>[]): Promise<number> {
	const all = await Promise.all(counts);
	return all.reduce((sum, count) => sum + count, 0);
}

function processesAre(
	holders: readonly { readonly process: number }[],
): Pick<DeviceStatus, "process" | "others"> {
	const [first, ...others] = holders.map(({ process }) => process);
	if (first === undefined) return {};
	return { process: first, ...(others.length === 0 ? {} : { others }) };
}

async function deviceStatus({ role, home }: DeviceAt): Promise<DeviceStatus> {
	try {
		const { name, own, verdicts } = await lookAtDevice(home, role);
		const [pairing, ...others] = await viewPairings(home);
		const dates = verdicts.lists.lists().map(({ thisUpdate }) => thisUpdate);
		return {
			...{ role, home, name },
			certificateEnds: own.notAfter,
			...(dates.length === 0 ? {} : { oldestList: Math.min(...dates) }),
			...(pairing === undefined ? {} : { pairedWith: pairing.peerName }),
			...(others.length === 0
				? {}
				: { alsoPairedWith: others.map(({ peerName }) => peerName) }),
			...(role === "module"
				? { pairingTries: await readPairingTries(home) }
				: {}),
		};
	} catch (thrown) {
		if (!(thrown instanceof TetradError)) throw thrown;
		return { role, home, trouble: thrown.message };
	}
}

async function openPurchases(home: string): Promise<number> {
	if (!(await hasAgentStore(home))) return 0;
	const purchases = await viewPurchases(home, MAX_PURCHASES);
	return purchases.filter(({ row }) => row.state === "provisional").length;
}

async function waitingPayments(home: string, now: number): Promise<number> {
	if (!(await hasPurse(home))) return 0;
	await using view = await viewPurse(home);
	const { waiting } = await viewSpending(view.store, now);
	return waiting.filter(({ state }) => state === "waiting").length;
}

/** What the agent of a side says itself, where it runs and can be asked. */
async function toldBy(side: Side): Promise<
	| {
			readonly isLinked: boolean;
			readonly modules?: readonly ModuleStatus[];
			readonly crypto: string;
			readonly settled?: { readonly time: number; readonly issuer: string };
			readonly trouble?: string;
	  }
	| undefined
> {
	const agent = await runningAgent(side.path);
	if (agent === undefined) return undefined;
	await using _ = agent;
	const { isLinked, modules, crypto, settled, trouble } = await agent.status();
	return {
		isLinked,
		...(modules === undefined ? {} : { modules }),
		crypto,
		...(settled === undefined
			? {}
			: { settled: { ...settled, time: Date.parse(settled.time) } }),
		...(trouble === undefined ? {} : { trouble: trouble.reason }),
	};
}

/** A module logs when it begins to listen, is linked, and is so no more. */
async function linkOf(
	module: DeviceStatus | undefined,
	isLinked: boolean | undefined,
): Promise<SideStatus["link"]> {
	if (module === undefined) return undefined;
	const last = await lastOf(module.home, ["listening", "linked", "unlinked"]);
	if (last === undefined) return undefined;
	const isRunning = module.process !== undefined;
	const isUp = isLinked ?? (isRunning && last.event === "linked");
	return { isUp, since: last.time };
}

async function lastSettled(home: string): Promise<SideStatus["settled"]> {
	const last = await lastOf(home, ["settled"]);
	if (typeof last?.issuer !== "string") return undefined;
	return { time: last.time, issuer: last.issuer };
}

/** The last line of a device's log that is about one of these. */
async function lastOf(
	home: string,
	events: readonly string[],
): Promise<
	| {
			readonly event: string;
			readonly time: number;
			readonly issuer: unknown;
	  }
	| undefined
> {
	const path = join(home, "log.jsonl");
	if (!(await isThere(path))) return undefined;
	for (const line of (await endOf(path)).split("\n").toReversed()) {
		const { event, time, issuer } = read(line);
		if (typeof event !== "string" || !events.includes(event)) continue;
		const at = new Date(time as string | number).getTime();
		if (!Number.isNaN(at)) return { event, time: at, issuer };
	}
	return undefined;
}

async function endOf(path: string): Promise<string> {
	await using file = await open(path, "r");
	const { size } = await file.stat();
	const length = Math.min(size, LOG_BYTES);
	const bytes = Buffer.alloc(length);
	const { bytesRead } = await file.read(bytes, 0, length, size - length);
	return bytes.subarray(0, bytesRead).toString("utf8");
}

/** A full disk may have cut a line off. */
function read(line: string): Readonly<Record<string, unknown>> {
	try {
		return JSON.parse(line) ?? {};
	} catch {
		return {};
	}
}

async function counted(count: Promise<number>): Promise<Counted> {
	try {
		return { kind: "counted", count: await count };
	} catch (thrown) {
		return { kind: "unreadable", reason: asTetradError(thrown).message };
	}
}

async function orElse<Of>(value: Promise<Of>, otherwise: Of): Promise<Of> {
	try {
		return await value;
	} catch (thrown) {
		if (!(thrown instanceof TetradError)) throw thrown;
		return otherwise;
	}
}
