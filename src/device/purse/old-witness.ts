import { rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { asTetradError } from "../../errors.ts";
import type { Head } from "../../money/index.ts";
import {
	isThere,
	parseJson,
	readText,
	reason,
	unusable,
} from "../home/index.ts";

/*
 * witness.json, in which an agent kept the head of its module's purse before it had a store. It is
 * read into that once, and then stands aside as witness.json.read.
 */

const witnessFile = z.strictObject({
	version: z.literal(1),
	/** Device id of the module. */
	module: z.string().regex(/^([0-9a-f]{2}){41,104}$/),
	number: z.string().regex(/^(0|[1-9][0-9]{0,19})$/),
	hash: z.string().regex(/^[0-9a-f]{64}$/),
});

export interface OldWitness {
	readonly module: Uint8Array;
	readonly head: Head;
}

function pathIn(home: string): string {
	return join(home, "witness.json");
}

export function hasOldWitness(home: string): Promise<boolean> {
	return isThere(pathIn(home));
}

/** What the file says, if there is one. Throws `home-unusable` for one that cannot be read. */
export async function readOldWitness(
	home: string,
): Promise<OldWitness | undefined> {
	const path = pathIn(home);
	if (!(await isThere(path))) return undefined;
	const { module, number, hash } = parse(path, await readText(path));
	return {
		module: fromHex(module),
		head: { number: BigInt(number), hash: fromHex(hash) },
	};
}

/** Once what it says is kept elsewhere. */
export async function putOldWitnessAside(home: string): Promise<void> {
	const path = pathIn(home);
	try {
		await rename(path, `${path}.read`);
	} catch (thrown) {
		throw unusable(
			`cannot put ${path} aside, which was read into the agent's store: ${reason(thrown)}`,
			thrown,
		);
	}
}

function parse(path: string, text: string): z.infer<typeof witnessFile> {
	try {
		return parseJson(witnessFile, text, path);
	} catch (thrown) {
		throw unusable(
			`${asTetradError(thrown).message}; this file tells a purse that was put back to an old backup: restore it, or remove it if you are sure that the purse of this agent's module is the newest there is`,
			thrown,
		);
	}
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
