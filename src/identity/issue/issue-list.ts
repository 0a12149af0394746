import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { concat, hex } from "../../wire/index.ts";
import {
	ONLY_REASON,
	openUntrustedList,
	REASON_CODE,
	type UntrustedEntry,
	type UntrustedList,
	type UntrustedReason,
} from "../untrusted/index.ts";
import {
	authorityKeyExtensions,
	element,
	extension,
	generalizedTime,
	header,
	integer,
	integer64,
	invalid,
	KEY_USAGE,
	LIST_EXTENSION_OID,
	MAX_LIST_ENTRIES,
	MAX_LIST_NUMBER,
	MAX_SERIAL_BYTES,
	MAX_TIME,
	SIGNATURE_IDENTIFIER,
	sign,
	subjectText,
	TAG,
	time,
	wholeSecond,
	wrongSignature,
} from "../x509/index.ts";
import { type IssuingAuthority, readIssuer } from "./issue.ts";

/** An untrusted list to be issued. Times are in milliseconds since the epoch, and parts of a second are cut off. */
export interface NewUntrustedList {
	readonly issuer: IssuingAuthority;
	/** 1 to 2⁶⁴ − 1, and more than that of any list before. */
	readonly number: bigint;
	/** Now. */
	readonly thisUpdate: number;
	/** When the next list is to be issued. */
	readonly nextUpdate: number;
	/** Every certificate that is not trusted and has not expired; up to `MAX_LIST_ENTRIES`. */
	readonly entries: Iterable<UntrustedEntry>;
	/** Certificates that became valid before it are no longer enough. Not after `thisUpdate`. */
	readonly recertifyBefore?: number | undefined;
	/** The list before this one, if there is one: nothing may go back behind it. */
	readonly previous?: UntrustedList | undefined;
}

/**
 * Issues an untrusted list, which is a CRL of X.509 version 2 (RFC 5280, 5), and returns it in
 * DER. Rejects with `invalid-argument` for a list that nobody would accept, `chain-refused` or
 * `malformed` for an issuer that is no authority, `key-store-failed` when the key signs wrongly,
 * and with whatever the signer rejects.
 */
export async function issueUntrustedList(
	crypto: CryptoProvider,
	list: NewUntrustedList,
): Promise<Uint8Array> {
	const { certificate } = readIssuer(list.issuer);
	const who = subjectText(certificate);
	const key = certificate.subjectKeyIdentifier;
	if (((certificate.keyUsage ?? 0) & KEY_USAGE.crlSign) === 0 || !key)
		throw invalid(
			`the certificate of ${who} does not let it sign untrusted lists: it needs the key usage cRLSign and a key identifier`,
		);
	requireTimes(list);
	requireNext(list);
	const { signer } = list.issuer;
	const signedPart = element(
		TAG.sequence,
		integer(Uint8Array.of(1)),
		SIGNATURE_IDENTIFIER[signer.algorithm],
		certificate.subject,
		time(wholeSecond(list.thisUpdate)),
		time(wholeSecond(list.nextUpdate)),
		encodeEntries(list.entries),
		element(TAG.explicit0, extensions(list, key)),
	);
	const der = await sign(signer, signedPart, who);
	try {
		openUntrustedList(crypto, der, certificate);
	} catch (thrown) {
		// All that a list can be refused for was ruled out above, so it is the signature.
		throw thrown instanceof TetradError && thrown.code === "list-refused"
			? wrongSignature(who)
			: thrown;
	}
	return der;
}

function requireTimes(list: NewUntrustedList): void {
	const { thisUpdate, nextUpdate, recertifyBefore = thisUpdate } = list;
	if (
		!(thisUpdate >= 0) ||
		!(wholeSecond(thisUpdate) < wholeSecond(nextUpdate)) ||
		nextUpdate > MAX_TIME
	)
		throw invalid("the next untrusted list must be due after this one");
	if (!(recertifyBefore >= 0 && recertifyBefore <= thisUpdate))
		throw invalid(
			"recertification can be asked for certificates from before the list, and not from after it",
		);
}

function requireNext({ number, previous, ...list }: NewUntrustedList): void {
	const least = (previous?.number ?? 0n) + 1n;
	if (number < least || number > MAX_LIST_NUMBER)
		throw invalid(
			`the number of the next untrusted list must be ${least} to ${MAX_LIST_NUMBER}, not ${number}`,
		);
	if (previous === undefined) return;
	if (wholeSecond(list.thisUpdate) < previous.thisUpdate)
		throw invalid(
			"the untrusted list before this one is from a later time; set the clock right",
		);
	const { recertifyBefore: held } = previous;
	const { recertifyBefore = Number.NEGATIVE_INFINITY } = list;
	if (held !== undefined && wholeSecond(recertifyBefore) < held)
		throw invalid(
			"the untrusted list before this one asks for recertification from a later time, and that cannot be taken back",
		);
}

function extensions(
	{ number, recertifyBefore }: NewUntrustedList,
	issuerKeyIdentifier: Uint8Array,
): Uint8Array {
	return element(
		TAG.sequence,
		...authorityKeyExtensions(issuerKeyIdentifier),
		extension(LIST_EXTENSION_OID.number, false, integer64(number)),
		...(recertifyBefore === undefined
			? []
			: [
					extension(
						LIST_EXTENSION_OID.recertifyBefore,
						false,
						generalizedTime(wholeSecond(recertifyBefore)),
					),
				]),
	);
}

/** Copied once, because there may be many. Left out when there is none (RFC 5280, 5.1.2.6). */
function encodeEntries(entries: Iterable<UntrustedEntry>): Uint8Array {
	const seen = new Set<string>();
	const parts: Uint8Array[] = [];
	let length = 0;
	for (const entry of entries) {
		const part = encodeEntry(entry);
		const serial = hex(entry.serial);
		if (seen.has(serial))
			throw invalid(`the serial number ${serial} is on the list twice`);
		seen.add(serial);
		if (parts.push(part) > MAX_LIST_ENTRIES)
			throw invalid(
				`an untrusted list has at most ${MAX_LIST_ENTRIES} entries; leave out certificates that have expired`,
			);
		length += part.length;
	}
	if (parts.length === 0) return new Uint8Array();
	const start = header(TAG.sequence, length);
	const out = new Uint8Array(start.length + length);
	out.set(start);
	let at = start.length;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
	return out;
}

function encodeEntry({ serial, instant, reason }: UntrustedEntry): Uint8Array {
	if (serial.length < 1 || serial.length > MAX_SERIAL_BYTES || serial[0] === 0)
		throw invalid(
			"a serial number on an untrusted list has 1 to 20 bytes, and the first is not zero",
		);
	if (!(instant >= 0 && instant <= MAX_TIME))
		throw invalid("the time of an entry of an untrusted list is not one");
	return element(
		TAG.sequence,
		integer(serial),
		time(wholeSecond(instant)),
		reason === undefined ? new Uint8Array() : encodeReason(reason),
	);
}

/** The extensions of an entry: the reason and nothing else (RFC 5280, 5.3.1). */
function encodeReason(reason: UntrustedReason): Uint8Array {
	const code = REASON_CODE.get(reason);
	if (code === undefined)
		throw invalid(`"${reason}" is no reason to be on an untrusted list`);
	return concat(ONLY_REASON, Uint8Array.of(code));
}
