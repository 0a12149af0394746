import { resolve } from "node:path";
import type { DatabaseLocation } from "../../device/issuer/index.ts";

/** The settings hold a path from anywhere. */
export function databaseOf({
	databaseFile,
}: {
	readonly databaseFile?: string;
}): DatabaseLocation | undefined {
	return databaseFile === undefined
		? undefined
		: { file: resolve(databaseFile) };
}
