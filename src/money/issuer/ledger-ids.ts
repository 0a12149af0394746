/* What ties rows of the ledger together, and the ledger to its issuer. */

import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { isCertifiedName } from "../../identity/index.ts";
import { dec, enc, formOf, parseUtf8, utf8 } from "../../wire/index.ts";
import type { IssuerTerms } from "../documents/index.ts";
import { currencyCode, moneyKind } from "../documents/index.ts";

const LABEL = {
	request: utf8("tetrad/1 request"),
	credit: utf8("tetrad/1 credit"),
	conflict: utf8("tetrad/1 conflict"),
	serial: utf8("tetrad/1 note serial"),
	master: utf8("tetrad/1 selling master"),
};

/** What ties everything together that one request changed, 32 bytes. */
export function requestTransaction(
	crypto: CryptoProvider,
	device: Uint8Array,
	request: Uint8Array,
): Uint8Array {
	return crypto.sha256(enc(LABEL.request, device, request));
}

/** The same for a credit by an operator. */
export function creditTransaction(
	crypto: CryptoProvider,
	reference: string,
): Uint8Array {
	return crypto.sha256(enc(LABEL.credit, utf8(reference)));
}

export function conflictId(
	crypto: CryptoProvider,
	note: Uint8Array,
	first: Uint8Array,
	second: Uint8Array,
): Uint8Array {
	return crypto.sha256(enc(LABEL.conflict, note, first, second));
}

/** The serial of the note that answers a request: no request makes two. */
export function noteSerial(
	crypto: CryptoProvider,
	device: Uint8Array,
	request: Uint8Array,
): Uint8Array {
	return crypto.sha256(enc(LABEL.serial, device, request));
}

/** The certified name in a device id. Throws `invalid-argument` for what is no device id. */
export function nameInDeviceId(deviceId: Uint8Array): string {
	try {
		const [root, name, ...more] = dec(deviceId, 2);
		const text = parseUtf8(name ?? new Uint8Array());
		if (
			root?.length === HASH_BYTES &&
			more.length === 0 &&
			isCertifiedName(text)
		)
			return text;
	} catch {
		// Said below.
	}
	throw new TetradError(
		"invalid-argument",
		"this is no device id of a module; it stands in the module's own messages, in hexadecimal",
	);
}

/** Says whose ledger a store is, and of which money. */
export function ledgerValue({
	issuer,
	currency,
	isPlay,
}: IssuerTerms): Uint8Array {
	return enc(
		issuer,
		formOf(currencyCode, currency.code),
		formOf(moneyKind, { exponent: currency.exponent, isPlay }),
	);
}

/** What a ledger knows of the master secret with which its sales are judged, 32 bytes. */
export function masterHash(
	crypto: CryptoProvider,
	master: Uint8Array,
): Uint8Array {
	return crypto.sha256(enc(LABEL.master, master));
}
