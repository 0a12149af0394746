import { resolve } from "node:path";
import { z } from "zod";
import {
	secretFromEnvironment,
	secretFromFile,
	waitForLock,
} from "../../keys/index.ts";
import type { PrimaryMemory } from "../../store/index.ts";
import {
	isThere,
	parseJson,
	readText,
	replaceFile,
	unusable,
} from "./files.ts";

/** Where the address of a PostgreSQL server stands: never in clear in the settings. */
export type DatabaseLocation = (
	| { readonly file: string }
	| { readonly env: string }
) & {
	/** Whether only a server will do whose commits wait for a standby (docs/stores.md). */
	readonly synchronous?: boolean | undefined;
};

/** How settings say it. */
export const databaseLocation: z.ZodType<DatabaseLocation> = z.union(
	[
		z.strictObject({
			file: z.string().min(1),
			synchronous: z.boolean().optional(),
		}),
		z.strictObject({
			env: z.string().min(1),
			synchronous: z.boolean().optional(),
		}),
	],
	'is neither { "file": … } nor { "env": … } with the address of a PostgreSQL server',
);

const primaryFile = z.strictObject({
	version: z.literal(1),
	system: z.string().regex(/^[0-9]{1,20}$/, "is no system identifier"),
	timeline: z
		.int()
		.min(1)
		.max(2 ** 32 - 1),
});

/** The address itself. A file is named from the home. */
export async function databaseUrl(
	home: string,
	location: DatabaseLocation,
): Promise<string> {
	const source =
		"file" in location
			? secretFromFile(resolve(home, location.file))
			: secretFromEnvironment(location.env);
	const what = "address of the PostgreSQL server";
	return Buffer.from(await source({ what, isNew: false })).toString("utf8");
}

/** What is demanded of the server. The file keeps which one had the store last: in the home, for servers that were left behind do not know it. */
export function serverDemands(
	{ synchronous = false }: DatabaseLocation,
	primaryPath: string,
): { readonly synchronous: boolean; readonly memory?: PrimaryMemory } {
	return synchronous
		? { synchronous, memory: primaryMemory(primaryPath) }
		: { synchronous };
}

/** How long one process waits until another has written, in milliseconds. */
const WRITTEN_WITHIN_MS = 5_000;

function primaryMemory(path: string): PrimaryMemory {
	return {
		async recall() {
			if (!(await isThere(path))) return undefined;
			const { system, timeline } = parseJson(
				primaryFile,
				await readText(path),
				path,
			);
			return { system, timeline };
		},
		async remember(primary) {
			// All processes of an agent find the new one at the same time.
			await using held = await waitForLock(`${path}.lock`, WRITTEN_WITHIN_MS);
			if (held === undefined)
				throw unusable(
					`another process writes ${path} and does not end; stop that one, and start it again`,
				);
			await replaceFile(
				path,
				`${JSON.stringify({ version: 1, ...primary })}\n`,
			);
		},
	};
}
