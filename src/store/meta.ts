/*
 * What a store says of itself, in a table beside the declared ones: the `schema` that it is of,
 * its `version`, and the `tables` of that. Stores of version 1 that were made before schemas had
 * names have no `schema`.
 */
import { TetradError } from "../errors.ts";
import type { History } from "./history.ts";

/** No declared name has a colon. */
export const META = "store:meta";

/** By name. */
export type Meta = ReadonlyMap<string, string>;

/** What a store of the newest version says. */
export function newestMeta({ name, version, newest }: History): Meta {
	return new Map([
		["schema", name],
		["version", `${version}`],
		["tables", newest.describe()],
	]);
}

/**
 * The version of a store, whose tables are those of that version of the schema. Throws
 * `store-failed` when the store is of another schema, of a version that this program does not
 * know, or has other tables. `where` names the store.
 */
export function versionIn(where: string, meta: Meta, history: History): number {
	const schema = meta.get("schema");
	if (schema !== undefined && schema !== history.name)
		throw refused(
			`${where} is of the schema ${schema}, and ${history.name} was to be opened: name another store`,
		);
	const text = meta.get("version") ?? "?";
	const version = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : undefined;
	const tables = version === undefined ? undefined : history.tablesOf(version);
	if (version === undefined || tables === undefined)
		throw refused(
			`${where} is in version ${text} of the schema ${history.name}, and this program knows version ${history.version}${history.version === 1 ? "" : " and older"}: use the program that wrote it, or a newer one`,
		);
	const theirs = (meta.get("tables") ?? "").split("\n");
	const ours = tables.describe().split("\n");
	const other = [
		...ours.filter((line) => !theirs.includes(line)),
		...theirs.filter((line) => !ours.includes(line)),
	][0];
	if (other !== undefined)
		throw refused(
			`${where} has other tables than version ${version} of the schema ${history.name} (${/^\["(\w+)/.exec(other)?.[1] ?? "?"} differs): use the program that wrote it, or name another store`,
		);
	return version;
}

/** For who only looks on: nothing is changed for that, and so the store must be of the newest version. `command` opens it for writing, and is named if it is not. */
export function requireNewest(
	where: string,
	meta: Meta,
	history: History,
	command: string | undefined,
): void {
	const version = versionIn(where, meta, history);
	if (version !== history.version)
		throw refused(
			`${where} is still in version ${version} of the schema ${history.name}, and this program reads version ${history.version}: have this program open it for writing once, which brings it there and keeps a copy${command === undefined ? "" : `, with: ${command}`}`,
		);
}

function refused(why: string): TetradError {
	return new TetradError("store-failed", why);
}
