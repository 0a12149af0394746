import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import type { Pairing } from "../../tetrad/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { MAX_OWN_MODULES } from "../runtime/index.ts";
import {
	isThere,
	parseJson,
	readText,
	replaceFile,
	unusable,
} from "./files.ts";

/*
 * With whom a home is paired: pairing.json, and at an agent that has several modules pairing-2.json
 * and so on, for the second and further ones. Where one of them is missing, none is read: the agent
 * would have another module than its owner has said, and owe nothing of those that come after it.
 */

const pairingFile = z.strictObject({
	version: z.literal(1),
	peerName: z.string(),
	peerDeviceId: z.string().regex(/^([0-9a-f]{2}){37,200}$/),
	key: z.string().regex(/^[0-9a-f]{64}$/),
});

/** With whom a home is paired, without the key. */
export interface PairedWith {
	readonly peerName: string;
	readonly peerDeviceId: Uint8Array;
}

/** Keeps a pairing, durably, in the place of an earlier one; of an agent, with the module of that number. Throws as `pairedInPlace`. */
export async function writePairing(
	home: string,
	{ peerDeviceId, key }: Pairing,
	peerName: string,
	number = 1,
): Promise<void> {
	const peer = { deviceId: peerDeviceId, name: peerName };
	await pairedInPlace(home, peer, number);
	const text = JSON.stringify(
		{ version: 1, peerName, peerDeviceId: hex(peerDeviceId), key: hex(key) },
		null,
		"\t",
	);
	await replaceFile(pathOf(home, number), `${text}\n`);
}

/**
 * Whose place a device takes that is paired with a home, of an agent as the module of that number; it
 * is asked before anything is paired, since the other end keeps its new key. Throws as
 * `requirePairingNumber`, and `invalid-argument` for a device that has another number already.
 */
export async function pairedInPlace(
	home: string,
	{ deviceId, name }: Pick<CertifiedDevice, "deviceId" | "name">,
	number: number,
): Promise<PairedWith | undefined> {
	await requirePairingNumber(home, number);
	const before = await viewPairings(home);
	const known = before.findIndex((one) =>
		sameBytes(one.peerDeviceId, deviceId),
	);
	if (known >= 0 && known + 1 !== number)
		throw new TetradError(
			"invalid-argument",
			`${name} is module ${known + 1} of the agent in ${home}, and cannot be module ${number} as well; to pair the two again, say --number ${known + 1}`,
		);
	return known >= 0 ? undefined : before[number - 1];
}

/** Throws `invalid-argument` for a number that none of the home's modules has, nor the next one. */
export async function requirePairingNumber(
	home: string,
	number: number,
): Promise<void> {
	const count = (await viewPairings(home)).length;
	if (number > count + 1 || number > MAX_OWN_MODULES)
		throw new TetradError(
			"invalid-argument",
			count === 0
				? `the agent in ${home} is paired with no module yet; pair the first one, and then number 2`
				: count === MAX_OWN_MODULES
					? `the agent in ${home} has ${count} modules, and more than that it cannot have`
					: `the agent in ${home} has ${count} module${count === 1 ? "" : "s"}; the next is number ${count + 1}`,
		);
}

/** With whom a home is paired, without the key: a module with its agent, an agent with each of its modules, the first one first. Throws `home-unusable`. */
export async function viewPairings(
	home: string,
): Promise<readonly PairedWith[]> {
	return (await readAll(home)).map(({ peerName, pairing }) => ({
		peerName,
		peerDeviceId: pairing.peerDeviceId,
	}));
}

/** The pairings of a home, the first one first. Throws `home-unusable` for files that others may read, and for what they say. */
export async function readPairings(home: string): Promise<readonly Pairing[]> {
	const all = await readAll(home);
	for (const { path } of all) {
		const { mode } = await stat(path);
		if ((mode & 0o077) !== 0)
			throw unusable(
				`others may read ${path}; close it with: chmod 600 ${path}`,
			);
	}
	return all.map(({ pairing }) => pairing);
}

async function readAll(home: string): Promise<
	readonly {
		readonly path: string;
		readonly peerName: string;
		readonly pairing: Pairing;
	}[]
> {
	const found = [];
	let missing: string | undefined;
	for (let number = 1; number <= MAX_OWN_MODULES; number++) {
		const path = pathOf(home, number);
		if (!(await isThere(path))) {
			missing ??= path;
			continue;
		}
		if (missing !== undefined)
			throw unusable(
				`${path} is there, and ${missing} is missing: bring that back, or give this one its name if that module is gone for good`,
			);
		const { peerName, peerDeviceId, key } = parseJson(
			pairingFile,
			await readText(path),
			path,
		);
		const pairing = {
			peerDeviceId: new Uint8Array(Buffer.from(peerDeviceId, "hex")),
			key: new Uint8Array(Buffer.from(key, "hex")),
		};
		found.push({ path, peerName, pairing });
	}
	return found;
}

function pathOf(home: string, number: number): string {
	return join(home, number === 1 ? "pairing.json" : `pairing-${number}.json`);
}
