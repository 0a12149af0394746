import { join } from "node:path";
import { z } from "zod";
import { isThere, parseJson, readText, replaceFile } from "./files.ts";

const triesFile = z.strictObject({
	version: z.literal(1),
	tries: z.int().min(0),
});

/** How many pairings were tried at a module since it was last paired or its owner last let it wait. */
export async function readPairingTries(home: string): Promise<number> {
	const path = pathIn(home);
	if (!(await isThere(path))) return 0;
	return parseJson(triesFile, await readText(path), path).tries;
}

/** Keeps that number, durably. */
export async function writePairingTries(
	home: string,
	tries: number,
): Promise<void> {
	const text = JSON.stringify({ version: 1, tries }, null, "\t");
	await replaceFile(pathIn(home), `${text}\n`);
}

function pathIn(home: string): string {
	return join(home, "pairing-tries.json");
}
