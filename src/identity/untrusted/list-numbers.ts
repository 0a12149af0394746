import { TetradError } from "../../errors.ts";
import { concat, copy, dec, enc, hex, malformed } from "../../wire/index.ts";
import { MAX_LIST_NUMBER, MAX_LIST_NUMBERS } from "../x509/index.ts";

/** How new the list of an authority is that a device holds. */
export interface ListNumber {
	/** `authorityId`, 32 bytes. */
	readonly authority: Uint8Array;
	/** 0 when it holds none. */
	readonly number: bigint;
}

const AUTHORITY_BYTES = 32;
const NUMBER_BYTES = 8;

/** enc(authority ‖ number as u64, big-endian, …), at most `MAX_LIST_NUMBERS` of them. */
export function encodeListNumbers(numbers: readonly ListNumber[]): Uint8Array {
	return enc(
		...numbers.map(({ authority, number }) => {
			if (number < 0n || number > MAX_LIST_NUMBER)
				throw new TetradError(
					"invalid-argument",
					"the number of an untrusted list does not fit into 64 bits",
				);
			const bytes = new Uint8Array(NUMBER_BYTES);
			new DataView(bytes.buffer).setBigUint64(0, number);
			return concat(authority, bytes);
		}),
	);
}

/** Throws `malformed` for anything but that, and for an authority that comes twice, and `limit-exceeded` for too many. */
export function parseListNumbers(bytes: Uint8Array): ListNumber[] {
	const seen = new Set<string>();
	return dec(bytes, MAX_LIST_NUMBERS).map((field) => {
		if (field.length !== AUTHORITY_BYTES + NUMBER_BYTES)
			throw malformed("the number of an untrusted list has a wrong length");
		const authority = copy(field.subarray(0, AUTHORITY_BYTES));
		const id = hex(authority);
		if (seen.has(id))
			throw malformed("an authority comes twice among the untrusted lists");
		seen.add(id);
		const view = new DataView(field.buffer, field.byteOffset, field.length);
		return { authority, number: view.getBigUint64(AUTHORITY_BYTES) };
	});
}
