import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isThere, parseJson, readText, replaceFile } from "../home/index.ts";

/*
 * metrics.json in the home of a device that runs: where it says how it is. It goes when the
 * device stops; one that a killed process has left names an address where nobody answers. Process
 * 2 of several says it in metrics-2.json, and so on.
 */

const file = z.strictObject({ version: z.literal(1), url: z.url().max(300) });

function pathIn(home: string, number = 1): string {
	return join(home, number === 1 ? "metrics.json" : `metrics-${number}.json`);
}

/** `url` is without a slash at its end. */
export async function announceMetrics(
	home: string,
	url: string,
	number?: number,
): Promise<void> {
	await replaceFile(
		pathIn(home, number),
		`${JSON.stringify({ version: 1, url } satisfies z.infer<typeof file>)}\n`,
	);
}

export function forgetMetrics(home: string, number?: number): Promise<void> {
	return rm(pathIn(home, number), { force: true });
}

/** Where a device says how it is, as it said itself; it may be gone. Throws `home-unusable`. */
export async function announcedMetrics(
	home: string,
	number?: number,
): Promise<string | undefined> {
	const path = pathIn(home, number);
	if (!(await isThere(path))) return undefined;
	return parseJson(file, await readText(path), path).url;
}
