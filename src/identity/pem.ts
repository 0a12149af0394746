import { base64 } from "@scure/base";
import { malformed } from "../wire/index.ts";
import { MAX_CERTIFICATE_BYTES, MAX_CERTIFICATES } from "./profile.ts";

const BEGIN = "-----BEGIN CERTIFICATE-----";
const END = "-----END CERTIFICATE-----";
const LINE_CHARACTERS = 64;

/** Room for the largest chain with its labels and CRLF line ends. */
const MAX_PEM_CHARACTERS: number =
	MAX_CERTIFICATES * (Math.ceil(MAX_CERTIFICATE_BYTES / 48) * 66 + 64);

const FULL_LINE = /^[A-Za-z0-9+/]{64}$/;
const LAST_LINE =
	/^(?:[A-Za-z0-9+/]{4}){0,15}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;

/** Certificates in DER as PEM, one block after another (RFC 7468, 5.1), each line ended by LF. */
export function printPem(certificates: readonly Uint8Array[]): string {
	return certificates.map(printBlock).join("");
}

function printBlock(der: Uint8Array): string {
	const text = base64.encode(der);
	const lines = [BEGIN];
	for (let at = 0; at < text.length; at += LINE_CHARACTERS)
		lines.push(text.slice(at, at + LINE_CHARACTERS));
	return `${[...lines, END].join("\n")}\n`;
}

/**
 * The DER of each certificate in `text`, in order; 1 to `MAX_CERTIFICATES`. Strict in the sense
 * of RFC 7468, 3: CERTIFICATE blocks only, lines of 64 characters, nothing between the blocks.
 * LF and CRLF are both taken, and the last line end may be missing. Throws `malformed` for
 * anything else. The certificates themselves are not read.
 */
export function parsePem(text: string): Uint8Array[] {
	if (text.length > MAX_PEM_CHARACTERS)
		throw malformed("the PEM text is too long for a chain of certificates");
	const lines = text.split(/\r?\n/);
	if (lines.at(-1) === "") lines.pop();
	const certificates: Uint8Array[] = [];
	for (let at = 0; at < lines.length; ) {
		if (lines[at] !== BEGIN)
			throw malformed(`line ${at + 1} of the PEM text should be ${BEGIN}`);
		const end = lines.indexOf(END, at);
		if (end === -1)
			throw malformed(`the PEM block from line ${at + 1} has no end`);
		certificates.push(parseBlock(lines.slice(at + 1, end), at + 2));
		at = end + 1;
	}
	if (certificates.length === 0)
		throw malformed("the PEM text holds no certificate");
	if (certificates.length > MAX_CERTIFICATES)
		throw malformed(
			`the PEM text holds ${certificates.length} certificates, and ${MAX_CERTIFICATES} is the limit`,
		);
	return certificates;
}

function parseBlock(lines: readonly string[], firstLine: number): Uint8Array {
	for (const [i, line] of lines.entries()) {
		const isLast = i === lines.length - 1;
		if (!(isLast ? LAST_LINE : FULL_LINE).test(line))
			throw malformed(`line ${firstLine + i} of the PEM text is not base64`);
	}
	const where = `the PEM block from line ${firstLine - 1} is not canonical base64`;
	let der: Uint8Array;
	try {
		// Strict: also the bits that padding leaves over must be zero.
		der = base64.decode(lines.join(""));
	} catch {
		throw malformed(where);
	}
	if (der.length === 0) throw malformed(where);
	return der;
}
