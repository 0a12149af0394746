/* Values of flags, checked as they are parsed, so that a wrong one is wrong usage. */

import { InvalidArgumentError, Option } from "commander";
import { type Address, parseAddress } from "../carrier/index.ts";
import { asTetradError } from "../errors.ts";
import { TAMPER_RESISTANCE, type TamperResistance } from "../identity/index.ts";
import type { SuiteName } from "../session/index.ts";
import type { Routing } from "../tetrad/index.ts";
import type { RailName } from "../trade/documents/index.ts";

/** All rails, spelt out so that help needs nothing else of them. */
export const RAIL_CHOICES: readonly RailName[] = ["own-notes", "cashu"];

export const SUITE_NAMES: readonly SuiteName[] = [
	"hybrid-aesgcm",
	"hybrid-chachapoly",
	"classical-aesgcm",
	"classical-chachapoly",
	"hybrid-chachapoly-aesgcm",
	"classical-chachapoly-aesgcm",
];

const ROUTINGS: readonly Routing[] = ["direct", "crossed"];

export function address(text: string): Address {
	try {
		return parseAddress(text);
	} catch (thrown) {
		throw new InvalidArgumentError(asTetradError(thrown).message);
	}
}

/** Where something speaks HTTP. */
export interface HttpAddress {
	readonly host: string;
	readonly port: number;
}

export function httpAddress(text: string): HttpAddress {
	const [, v6, name, digits] =
		/^(?:\[([0-9a-f:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? [];
	const [host, port] = [v6 ?? name, Number(digits)];
	if (host === undefined || port > 65_535)
		throw new InvalidArgumentError(
			"Say a host and a port, such as 127.0.0.1:7180.",
		);
	return { host, port };
}

export function positiveSeconds(text: string): number {
	const seconds = Number(text);
	if (!Number.isFinite(seconds) || seconds <= 0 || seconds > 86_400)
		throw new InvalidArgumentError("Say a number of seconds, up to 86400.");
	return seconds * 1000;
}

/** Days that a certificate or a list is good for: up to a hundred years. */
export function days(text: string): number {
	const value = Number(text);
	if (!Number.isInteger(value) || value < 1 || value > 36_500)
		throw new InvalidArgumentError("Say a number of days, from 1 to 36500.");
	return value;
}

/** Levels of tamper resistance, with commas between them. */
export function levels(text: string): TamperResistance[] {
	const named = text.split(",");
	const known = TAMPER_RESISTANCE.filter((level) => named.includes(level));
	if (known.length !== named.length)
		throw new InvalidArgumentError(
			`Say one or more of ${TAMPER_RESISTANCE.join(", ")}, each once, with commas between them.`,
		);
	return known;
}

const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/;

/** An instant in UTC, in milliseconds since the epoch. */
export function instant(text: string): number {
	if (text === "now") return Math.floor(Date.now() / 1000) * 1000;
	const value = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
	if (Number.isNaN(value) || value < 0)
		throw new InvalidArgumentError(
			'Say "now", or an instant in UTC such as 2026-05-01 or 2026-05-01T12:00Z.',
		);
	return value;
}

/** A serial number as `tetrad authority list` and OpenSSL print it. */
export function serial(text: string): string {
	const plain = text.replaceAll(":", "").toLowerCase();
	if (!/^([0-9a-f]{2}){1,20}$/.test(plain))
		throw new InvalidArgumentError(
			"Say a serial number in hexadecimal, as tetrad authority list prints it.",
		);
	return plain;
}

/** An amount greater than zero, in decimals of a currency that is not known yet. */
export function amount(text: string): string {
	if (!/^\d{1,19}(\.\d{1,18})?$/.test(text) || /^[0.]+$/.test(text))
		throw new InvalidArgumentError(
			"That is no amount: say one greater than zero, such as 12.50.",
		);
	return text;
}

/** A SHA-256 in hexadecimal. */
export function sha256(text: string): string {
	const plain = text.replaceAll(":", "").toLowerCase();
	if (!/^[0-9a-f]{64}$/.test(plain))
		throw new InvalidArgumentError("Say a SHA-256 in 64 hexadecimal digits.");
	return plain;
}

/** The contract of a payment, as events print it. */
export function contract(text: string): Uint8Array {
	if (!/^[0-9a-f]{64}$/.test(text))
		throw new InvalidArgumentError(
			"Say the contract that was reported, in 64 hexadecimal digits.",
		);
	return new Uint8Array(Buffer.from(text, "hex"));
}

export const routingFlag = (): Option =>
	new Option(
		"--routing <routing>",
		"how R1 and R2 travel: direct is claims 1 to 4, crossed is claim 8",
	)
		.choices([...ROUTINGS])
		.default("direct");

export const rootFlag = (): Option =>
	new Option(
		"--root <root>",
		"how the root key is formed; xor is the patent to the letter, and weaker",
	)
		.choices(["transcript", "xor"])
		.default("transcript");

export const linkFlag = (): Option =>
	new Option(
		"--link <link>",
		"how an agent and its module talk; open is in clear, and unsafe",
	)
		.choices(["paired", "open"])
		.default("paired");

export const keysFlag = (): Option =>
	new Option(
		"--keys <keys>",
		"where the four devices' keys are: in files, or in two tokens of SoftHSM",
	)
		.choices(["software", "softhsm"])
		.default("software");

export const jsonFlag = (): Option =>
	new Option("--json", "print JSON instead of text");

export const keylogFlag = (): Option =>
	new Option(
		"--unsafe-keylog <file>",
		"append every secret to a file; only with loopback addresses and Unix sockets",
	);
