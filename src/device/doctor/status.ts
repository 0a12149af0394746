import { open } from "node:fs/promises";
import { join } from "node:path";
import { TetradError } from "../../errors.ts";
import type { DeviceRole } from "../../identity/index.ts";
import {
	isThere,
	lookAtDevice,
	readPairingTries,
	viewPairing,
} from "../home/index.ts";
import { hasPurse, viewPurse, viewSpending } from "../purse/index.ts";
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
	readonly home: string;
	/** The process that runs it, if one does. */
	readonly process?: number;
	readonly name?: string;
	readonly certificateEnds?: number;
	/** When the oldest untrusted list that it holds is from. */
	readonly oldestList?: number;
	readonly pairedWith?: string;
	/** Tries to pair that came to nothing, of a module. */
	readonly pairingTries?: number;
	/** Why the rest is not known. */
	readonly trouble?: string;
}

/** How a side is, read from its homes, also while it runs. */
export interface SideStatus {
	readonly devices: readonly DeviceStatus[];
	/** When the log of its agent says that it met its issuer last. */
	readonly settled?: { readonly time: number; readonly issuer: string };
	/** Purchases that are not over. */
	readonly inDoubt: number;
	/** Payments that wait for the owner. */
	readonly approvals: number;
}

/** Looks at a side. What cannot be read is left out, and `tetrad doctor` says why. */
export async function statusOf(
	side: Side,
	{ devices, machine }: Patient,
): Promise<SideStatus> {
	const module = devices.find(({ role }) => role === "module");
	const settled = await orElse(lastSettled(side.agent.home), undefined);
	return {
		devices: await Promise.all(
			devices.map(async (device) => ({
				...(await deviceStatus(device)),
				...processIs(await machine.holder(device.home)),
			})),
		),
		...(settled === undefined ? {} : { settled }),
		inDoubt: await orElse(openPurchases(side.agent.home), 0),
		approvals:
			module === undefined
				? 0
				: await orElse(waitingPayments(module.home, machine.now()), 0),
	};
}

function processIs(process: number | undefined): { readonly process?: number } {
	return process === undefined ? {} : { process };
}

async function deviceStatus({ role, home }: DeviceAt): Promise<DeviceStatus> {
	try {
		const { name, own, verdicts } = await lookAtDevice(home, role);
		const pairing = await viewPairing(home);
		const dates = verdicts.lists.lists().map(({ thisUpdate }) => thisUpdate);
		return {
			...{ role, home, name },
			certificateEnds: own.notAfter,
			...(dates.length === 0 ? {} : { oldestList: Math.min(...dates) }),
			...(pairing === undefined ? {} : { pairedWith: pairing.peerName }),
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
	if (!(await isThere(join(home, "agent.db")))) return 0;
	const purchases = await viewPurchases(home, MAX_PURCHASES);
	return purchases.filter(({ row }) => row.state === "provisional").length;
}

async function waitingPayments(home: string, now: number): Promise<number> {
	if (!(await hasPurse(home))) return 0;
	await using view = await viewPurse(home);
	const { waiting } = await viewSpending(view.store, now);
	return waiting.filter(({ state }) => state === "waiting").length;
}

async function lastSettled(home: string): Promise<SideStatus["settled"]> {
	const path = join(home, "log.jsonl");
	if (!(await isThere(path))) return undefined;
	for (const line of (await endOf(path)).split("\n").toReversed()) {
		if (!line.includes('"settled"')) continue;
		const { event, time, issuer } = read(line);
		if (event !== "settled" || typeof issuer !== "string") continue;
		const at = new Date(time as string | number).getTime();
		if (!Number.isNaN(at)) return { time: at, issuer };
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

async function orElse<Of>(value: Promise<Of>, otherwise: Of): Promise<Of> {
	try {
		return await value;
	} catch (thrown) {
		if (!(thrown instanceof TetradError)) throw thrown;
		return otherwise;
	}
}
