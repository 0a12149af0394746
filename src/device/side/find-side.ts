import { join, resolve } from "node:path";
import { z } from "zod";
import { isThere, parseJson, readText } from "../home/index.ts";
import { HOME_VARIABLE, readSide, readUserFile, type Side } from "./side.ts";
import { SIDE_FILE, type SideKind } from "./side-file.ts";

/** Whether there are settings of a side in a folder. */
export function isSide(folder: string): Promise<boolean> {
	return isThere(join(folder, SIDE_FILE));
}

/** What was answered about a side that is being set up; it is there until the side is made. */
export const ANSWERS_FILE = "setup.json";

const begunSide = z.object({
	settings: z.object({ kind: z.enum(["buyer", "shop", "issuer"]) }),
});

/** What a folder is being set up as; `undefined` where nothing is, or a side is made already. Throws `home-unusable` for answers that cannot be read. */
export async function beingSetUpAs(
	folder: string,
): Promise<SideKind | undefined> {
	const file = join(folder, ANSWERS_FILE);
	if ((await isSide(folder)) || !(await isThere(file))) return undefined;
	return parseJson(begunSide, await readText(file), file).settings.kind;
}

/**
 * The side that a command is about: what `home` names, if that is given, or else TETRAD_HOME, the
 * working folder, or what the user's file names, the first of them that is there. `undefined` when
 * none is, and when `home` names something else, which may be the home of one device. Throws as
 * `readSide` does.
 */
export async function findSide(
	home: string | undefined,
	environment: Readonly<Record<string, string | undefined>> = process.env,
	workingFolder: string = process.cwd(),
): Promise<Side | undefined> {
	if (home !== undefined)
		return (await isSide(home))
			? readSide(home, environment, { from: "flag", where: "--home" })
			: undefined;
	const variable = environment[HOME_VARIABLE];
	if (variable !== undefined && variable !== "")
		return readSide(resolve(workingFolder, variable), environment, {
			from: "environment",
			where: HOME_VARIABLE,
		});
	if (await isSide(workingFolder))
		return readSide(workingFolder, environment, {
			from: "default",
			where: "the working folder",
		});
	const user = await readUserFile(environment);
	if (user?.settings.home === undefined) return undefined;
	return readSide(resolve(user.folder, user.settings.home), environment, {
		from: "file",
		where: user.file,
	});
}
