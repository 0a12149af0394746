/* What the command line calls some values. */
import { InvalidArgumentError } from "commander";
import type { LinkMode, Root } from "../tetrad/index.ts";

/** What the command line calls a root and a link; the API's names say that two of them are unsafe. */
export type RootFlag = "transcript" | "xor";
export type LinkFlag = "paired" | "open";

export function rootOf(flag: RootFlag): Root {
	return flag === "xor" ? "unsafe-xor" : "transcript";
}

export function linkOf(flag: LinkFlag): LinkMode {
	return flag === "open" ? "unsafe-open" : "paired";
}

/** Where the keys of a stage are made. */
export type KeysFlag = "software" | "softhsm";

/** Reads how many of something are wanted: from 1 to `most`. */
export function countUpTo(most: number): (text: string) => number {
	return (text) => {
		const value = Number(text);
		if (!Number.isInteger(value) || value < 1 || value > most)
			throw new InvalidArgumentError(`Say a number from 1 to ${most}.`);
		return value;
	};
}
