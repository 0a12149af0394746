import { constants } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import { hex } from "../../wire/index.ts";
import { reason } from "./files.ts";

/*
 * Files that are carried from one machine to another: requests, certificates, renewals, lists.
 * They hold no secret, and what is read from one is judged before it is believed.
 */

/** A whole file of at most `maxBytes`. Throws `file-unusable`, naming it and what is wrong. */
export async function readCarried(
	path: string,
	maxBytes: number,
): Promise<Uint8Array> {
	try {
		// Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
		await using file = await open(
			path,
			constants.O_RDONLY | constants.O_NONBLOCK,
		);
		const info = await file.stat();
		if (!info.isFile()) throw new Error("it is not a file");
		if (info.size > maxBytes)
			throw new Error(`it is over ${maxBytes} bytes, so it is something else`);
		return new Uint8Array(await file.readFile());
	} catch (thrown) {
		throw fileUnusable(`cannot read ${path}: ${reason(thrown)}`, thrown);
	}
}

/** Reads PEM by `parse`; what it throws is told with the name of the file. */
export async function readCarriedPem<T>(
	path: string,
	maxBytes: number,
	parse: (text: string) => T,
): Promise<T> {
	const bytes = await readCarried(path, maxBytes);
	try {
		return parse(Buffer.from(bytes).toString("utf8"));
	} catch (thrown) {
		throw fileUnusable(
			`${path} is not what it should be: ${asTetradError(thrown).message}`,
			thrown,
		);
	}
}

/** A folder for such files, made unless it is there; what it lies in has to be. Throws `file-unusable`. */
export async function makeCarriedFolder(path: string): Promise<void> {
	try {
		await mkdir(path);
	} catch (thrown) {
		const isFolder = await stat(path).then(
			(info) => info.isDirectory(),
			() => false,
		);
		if (!isFolder)
			throw fileUnusable(`cannot make ${path}: ${reason(thrown)}`, thrown);
	}
}

/** Writes a file, whole or not at all, in the place of an earlier one. Throws `file-unusable`. */
export async function writeCarried(
	path: string,
	content: string | Uint8Array,
): Promise<void> {
	// A process that was killed may have left a draft, and its number comes again.
	const draft = `${path}.${hex(nodeCrypto.random(8))}.new`;
	try {
		{
			await using file = await open(draft, "wx", 0o644);
			await file.writeFile(content);
			await file.sync();
		}
		await rename(draft, path);
		await using folder = await open(dirname(path), constants.O_RDONLY);
		await folder.sync();
	} catch (thrown) {
		await rm(draft, { force: true }).catch(() => {});
		throw fileUnusable(`cannot write ${path}: ${reason(thrown)}`, thrown);
	}
}

function fileUnusable(message: string, cause: unknown): TetradError {
	return new TetradError("file-unusable", message, { cause });
}
