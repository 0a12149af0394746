import { constants } from "node:fs";
import { open, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { nodeCrypto } from "../crypto/index.ts";
import { isThere, makePrivateFolder, reason } from "../device/home/index.ts";
import { TetradError } from "../errors.ts";
import { hex, utf8 } from "../wire/index.ts";

/*
 * What a buyer's program has asked for, in the home of its agent:
 *
 *   answers/<SHA-256 of the request>         the answer, or the ticket: for its owner only
 *   answers/<SHA-256 of the request>.begun   there from before it is bought until it was taken
 *
 * So a program that has died, and asks for the same again, sees that it may have been bought.
 */

/** The places of answers in the home of an agent. */
export class AnswerFiles {
	readonly #folder: string;

	private constructor(folder: string) {
		this.#folder = folder;
	}

	/** Throws `home-unusable`. */
	static async in(home: string): Promise<AnswerFiles> {
		const folder = join(home, "answers");
		await makePrivateFolder(folder);
		return new AnswerFiles(folder);
	}

	/** Where the answer to a request goes. */
	pathOf(request: string): string {
		return join(this.#folder, hex(nodeCrypto.sha256(utf8(request))));
	}

	/** Marks that a request is going to be bought, durably. Whether it was not marked before. Throws `file-unusable`. */
	async begin(request: string): Promise<boolean> {
		const mark = this.#markOf(request);
		try {
			await using file = await open(mark, "wx", 0o600);
			await file.writeFile(request);
			await file.sync();
			await using folder = await open(dirname(mark), constants.O_RDONLY);
			await folder.sync();
			return true;
		} catch (thrown) {
			if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
			throw unusable(mark, thrown);
		}
	}

	/** Whether it may have been bought: it is marked so, or its answer is there. */
	async isBegun(request: string): Promise<boolean> {
		return (await isThere(this.#markOf(request))) || this.isHere(request);
	}

	/** Whether the answer is there, which is so only when it is whole and verified. */
	isHere(request: string): Promise<boolean> {
		return isThere(this.pathOf(request));
	}

	/** The answer at a path. Throws `file-unusable`, and `merchandise-wrong` for a longer one than that. */
	async read(path: string, most: number): Promise<Uint8Array> {
		try {
			const { size } = await stat(path);
			if (size > most)
				throw new TetradError(
					"merchandise-wrong",
					`it is paid, and the answer is longer than ${most} bytes: it is in ${path}, and comes again as long as it is there`,
				);
			return new Uint8Array(await readFile(path));
		} catch (thrown) {
			throw thrown instanceof TetradError ? thrown : unusable(path, thrown);
		}
	}

	/** It was taken, or there is nothing to take: the same request is another one from now on. */
	async forget(request: string, path: string | undefined): Promise<void> {
		// The mark goes last: while it is there, the answer is looked for.
		if (path !== undefined) await rm(path, { force: true });
		await rm(this.#markOf(request), { force: true });
	}

	#markOf(request: string): string {
		return `${this.pathOf(request)}.begun`;
	}
}

function unusable(path: string, thrown: unknown): TetradError {
	return new TetradError(
		"file-unusable",
		`cannot use ${path}: ${reason(thrown)}`,
		{ cause: thrown },
	);
}
