import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { asTetradError, TetradError } from "../../errors.ts";
import { reason } from "../home/index.ts";
import { describe } from "./catalogue-file.ts";
import { MAX_FOLDER_DEPTH, MAX_ITEMS } from "./limits.ts";
import { requireSellable } from "./merchandise-file.ts";

/** A file that is not offered, and the sentence that says why. */
export interface NotOffered {
	readonly path: string;
	readonly why: string;
}

/** What a folder without catalogue.json has. */
export interface FilesToSell {
	/** Paths in the folder, in order. */
	readonly files: readonly string[];
	readonly notOffered: readonly NotOffered[];
}

/**
 * Looks at every file of a folder and of its folders. What is hidden is passed over without a word,
 * and what else may not be sold with one. Throws `file-unusable` for a folder that cannot be read,
 * and `limit-exceeded` for one with too many files.
 */
export async function filesToSell(folder: string): Promise<FilesToSell> {
	const files: string[] = [];
	const notOffered: NotOffered[] = [];
	/** What is still to be looked into. */
	const folders = [""];
	for (const below of folders)
		for (const entry of await entriesOf(folder, below)) {
			if (entry.name.startsWith(".")) continue;
			const path = below === "" ? entry.name : `${below}/${entry.name}`;
			try {
				if (entry.isDirectory()) {
					if (path.split("/").length > MAX_FOLDER_DEPTH)
						throw new TetradError(
							"file-unusable",
							`"${path}" lies too deep in folders`,
						);
					folders.push(path);
					continue;
				}
				describe(path);
				await requireSellable(folder, path);
				files.push(path);
			} catch (thrown) {
				notOffered.push({ path, why: asTetradError(thrown).message });
			}
			if (files.length > MAX_ITEMS)
				throw new TetradError(
					"limit-exceeded",
					`${folder} has more than ${MAX_ITEMS} files; sell a part of it`,
				);
		}
	return { files: files.sort(), notOffered };
}

async function entriesOf(folder: string, below: string): Promise<Dirent[]> {
	try {
		return await readdir(join(folder, below), { withFileTypes: true });
	} catch (thrown) {
		throw new TetradError(
			"file-unusable",
			`cannot look into ${join(folder, below)}: ${reason(thrown)}`,
			{ cause: thrown },
		);
	}
}
