import { constants } from "node:fs";
import { link, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { reason, unusable } from "../home/index.ts";
import { SIDE_FILE, SIDE_FILE_SCHEMA, type SideFile } from "./side-file.ts";

const HEAD = `# What commands of this side need not be told each time; tetrad config shows what holds.
`;

/**
 * Writes tetrad.toml of a new side, and its folder when that is missing, and resolves when both
 * are on the disk. Throws `home-unusable` when there is a side already, which is never written
 * over, and for settings that could not be read again.
 */
export async function writeSide(
	path: string,
	settings: SideFile,
): Promise<void> {
	const checked = SIDE_FILE_SCHEMA.safeParse(settings);
	if (!checked.success) {
		const [issue] = checked.error.issues;
		throw unusable(
			`${issue?.path.join(".")}: ${issue?.message ?? "is not valid"}`,
		);
	}
	const file = join(path, SIDE_FILE);
	const draft = `${file}.new`;
	try {
		await mkdir(path, { mode: 0o700, recursive: true });
		await write(draft, HEAD + stringify({ version: 1, ...checked.data }));
		// A link fails where there is one, and a rename would not.
		await link(draft, file);
		await using folder = await open(path, constants.O_RDONLY);
		await folder.sync();
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "EEXIST")
			throw unusable(
				`there is a side in ${path}, and it is never written over; change ${file}, or name another folder`,
			);
		throw unusable(
			`cannot write ${file} for good: ${reason(thrown)}; check the disk and its permissions`,
			thrown,
		);
	} finally {
		await rm(draft, { force: true }).catch(() => {});
	}
}

async function write(path: string, text: string): Promise<void> {
	await using file = await open(path, "w", 0o600);
	await file.writeFile(text);
	await file.sync();
}
