/* Values of flags, checked as they are parsed, so that a wrong one is wrong usage. */
import { InvalidArgumentError, Option } from "commander";
import { type Address, parseAddress } from "../carrier/index.ts";
import { asTetradError } from "../errors.ts";
import type { SuiteName } from "../session/index.ts";
import type { LinkMode, Root, Routing } from "../tetrad/index.ts";

/** What the command line calls a root and a link; the API's names say that two of them are unsafe. */
export type RootFlag = "transcript" | "xor";
export type LinkFlag = "paired" | "open";

export function rootOf(flag: RootFlag): Root {
	return flag === "xor" ? "unsafe-xor" : "transcript";
}

export function linkOf(flag: LinkFlag): LinkMode {
	return flag === "open" ? "unsafe-open" : "paired";
}

export const SUITE_NAMES: readonly SuiteName[] = [
	"hybrid-aesgcm",
	"hybrid-chachapoly",
	"classical-aesgcm",
	"classical-chachapoly",
];

const ROUTINGS: readonly Routing[] = ["direct", "crossed"];

export function address(text: string): Address {
	try {
		return parseAddress(text);
	} catch (thrown) {
		throw new InvalidArgumentError(asTetradError(thrown).message);
	}
}

export function positiveSeconds(text: string): number {
	const seconds = Number(text);
	if (!Number.isFinite(seconds) || seconds <= 0 || seconds > 86_400)
		throw new InvalidArgumentError("Say a number of seconds, up to 86400.");
	return seconds * 1000;
}

export const routingFlag = () =>
	new Option(
		"--routing <routing>",
		"how R1 and R2 travel: direct is claims 1 to 4, crossed is claim 8",
	)
		.choices([...ROUTINGS])
		.default("direct");

export const rootFlag = () =>
	new Option(
		"--root <root>",
		"how the root key is formed; xor is the patent to the letter, and weaker",
	)
		.choices(["transcript", "xor"])
		.default("transcript");

export const linkFlag = () =>
	new Option(
		"--link <link>",
		"how an agent and its module talk; open is in clear, and unsafe",
	)
		.choices(["paired", "open"])
		.default("paired");

/** Where the keys of a stage are made. */
export type KeysFlag = "software" | "softhsm";

export const keysFlag = () =>
	new Option(
		"--keys <keys>",
		"where the four devices' keys are: in files, or in two tokens of SoftHSM",
	)
		.choices(["software", "softhsm"])
		.default("software");

export const jsonFlag = () =>
	new Option("--json", "print JSON instead of text");

export const keylogFlag = () =>
	new Option(
		"--unsafe-keylog <file>",
		"append every secret to a file; only with loopback addresses and Unix sockets",
	);
