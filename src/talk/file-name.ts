import { parseUtf8, utf8Within } from "../wire/index.ts";
import { MAX_KEPT_NAME_BYTES } from "./limits.ts";

/** What comes behind the last dot of a name, with a dot and `tar` before it. */
const EXTENSION = /(?<=.)(\.tar)?\.[^. ]{1,16}$/u;

/** The name for the i-th file of one name: "order (2).pdf". */
export function numberedName(name: string, i: number): string {
	const extension = EXTENSION.exec(name)?.[0] ?? "";
	const stem = name.slice(0, name.length - extension.length);
	return `${stem} (${i})${extension}`;
}

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
