import { parseUtf8, utf8Within } from "../wire/index.ts";
import { MAX_KEPT_NAME_BYTES } from "./limits.ts";

/** A peer chooses the name of a file, so it may not choose the folder, hide the file, or hold control characters. */
export function harmlessName(name: string): string {
	const last = name.replace(/\/+$/, "").split("/").at(-1) ?? "";
	const plain = last
		.replace(/[^\p{L}\p{N} ._()+-]/gu, "_")
		.replace(/^\.+/, "_");
	return plain === ""
		? "file"
		: parseUtf8(utf8Within(plain, MAX_KEPT_NAME_BYTES));
}
