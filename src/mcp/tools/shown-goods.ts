import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { parseUtf8 } from "../../wire/index.ts";
import { MAX_SHOWN_BYTES } from "./limits.ts";
import { shownLines } from "./merchant-text.ts";

/**
 * Goods that are a short text, as a model may read them; nothing where they are something else, are
 * not in that folder, or cannot be read: whoever reads this can read the file.
 */
export async function shownGoods(
	path: string,
	folder: string,
): Promise<string | undefined> {
	try {
		if ((await realpath(dirname(path))) !== (await realpath(folder)))
			return undefined;
		// Somebody may have put something else there since.
		await using file = await open(
			path,
			constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
		);
		const status = await file.stat();
		if (!status.isFile() || status.size > MAX_SHOWN_BYTES) return undefined;
		const bytes = Buffer.alloc(MAX_SHOWN_BYTES);
		const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
		const text = parseUtf8(bytes.subarray(0, bytesRead));
		return text.includes("\0") ? undefined : shownLines(text, MAX_SHOWN_BYTES);
	} catch {
		return undefined;
	}
}
