import { base64 } from "@scure/base";
import { malformed } from "../../wire/index.ts";
import {
	MAX_CERTIFICATE_BYTES,
	MAX_CERTIFICATES,
	MAX_LIST_BYTES,
	MAX_REQUEST_BYTES,
} from "./profile.ts";

/** What a block holds (RFC 7468, 5.1, 6 and 7). */
export type PemLabel = "CERTIFICATE" | "CERTIFICATE REQUEST" | "X509 CRL";

const LINE_CHARACTERS = 64;
const LINE_BYTES = 48;

/** The largest thing that a block of each kind may hold, in bytes, and how many blocks a text may have. */
const LIMITS: Readonly<Record<PemLabel, { bytes: number; blocks: number }>> = {
	CERTIFICATE: { bytes: MAX_CERTIFICATE_BYTES, blocks: MAX_CERTIFICATES },
	"CERTIFICATE REQUEST": { bytes: MAX_REQUEST_BYTES, blocks: 1 },
	"X509 CRL": { bytes: MAX_LIST_BYTES, blocks: 1 },
};

const FULL_LINE = /^[A-Za-z0-9+/]{64}$/;
const LAST_LINE =
	/^(?:[A-Za-z0-9+/]{4}){0,15}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;

/** Certificates in DER as PEM, one block after another (RFC 7468, 5.1), each line ended by LF. */
export function printPem(certificates: readonly Uint8Array[]): string {
	return certificates.map((der) => printPemBlock("CERTIFICATE", der)).join("");
}

/** One thing in DER as PEM, each line ended by LF. */
export function printPemBlock(label: PemLabel, der: Uint8Array): string {
	const text = base64.encode(der);
	const lines = [`-----BEGIN ${label}-----`];
	for (let at = 0; at < text.length; at += LINE_CHARACTERS)
		lines.push(text.slice(at, at + LINE_CHARACTERS));
	return `${lines.join("\n")}\n-----END ${label}-----\n`;
}

/**
 * The DER of each certificate in `text`, in order; 1 to `MAX_CERTIFICATES`. Strict in the sense
 * of RFC 7468, 3: CERTIFICATE blocks only, lines of 64 characters, nothing between the blocks.
 * LF and CRLF are both taken, and the last line end may be missing. Throws `malformed` for
 * anything else. The certificates themselves are not read.
 */
export function parsePem(text: string): Uint8Array[] {
	return parseBlocks(text, "CERTIFICATE", "certificate");
}

/** The DER of the one thing in `text`, as strictly as `parsePem`. It is not read. */
export function parsePemBlock(text: string, label: PemLabel): Uint8Array {
	const [der, second] = parseBlocks(text, label, label);
	if (der === undefined || second !== undefined)
		throw malformed(`the PEM text does not hold exactly one ${label}`);
	return der;
}

function parseBlocks(
	text: string,
	label: PemLabel,
	what: string,
): Uint8Array[] {
	const limit = LIMITS[label];
	// Room for the largest ones with their labels and CRLF line ends.
	const lineCount = Math.ceil(limit.bytes / LINE_BYTES);
	if (text.length > limit.blocks * (lineCount * (LINE_CHARACTERS + 2) + 96))
		throw malformed(`the PEM text is too long for its ${what}s`);
	const [begin, end] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`];
	const lines = text.split(/\r?\n/);
	if (lines.at(-1) === "") lines.pop();
	const blocks: Uint8Array[] = [];
	for (let at = 0; at < lines.length; ) {
		if (lines[at] !== begin)
			throw malformed(`line ${at + 1} of the PEM text should be ${begin}`);
		const last = lines.indexOf(end, at);
		if (last === -1)
			throw malformed(`the PEM block from line ${at + 1} has no end`);
		blocks.push(parseBlock(lines.slice(at + 1, last), at + 2));
		at = last + 1;
	}
	if (blocks.length === 0) throw malformed(`the PEM text holds no ${what}`);
	if (blocks.length > limit.blocks)
		throw malformed(
			`the PEM text holds ${blocks.length} ${what}s, and ${limit.blocks} is the limit`,
		);
	return blocks;
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
