import {
	bytes,
	copy,
	dec,
	enc,
	type Field,
	formOf,
	hex,
	malformed,
	row,
	u64,
} from "../../wire/index.ts";
import { MAX_LIST_NUMBERS } from "../x509/index.ts";

/** How new the list of an authority is that a device holds. */
export interface ListNumber {
	/** `authorityId`, 32 bytes. */
	readonly authority: Uint8Array;
	/** 0 when it holds none. */
	readonly number: bigint;
}

const LIST_NUMBER: Field<ListNumber> = row<ListNumber>({
	authority: bytes(32),
	number: u64,
});

/** enc(authority ‖ number as u64, big-endian, …), at most `MAX_LIST_NUMBERS` of them. */
export function encodeListNumbers(numbers: readonly ListNumber[]): Uint8Array {
	return enc(...numbers.map((one) => formOf(LIST_NUMBER, one)));
}

/** Throws `malformed` for anything but that, and for an authority that comes twice, and `limit-exceeded` for too many. */
export function parseListNumbers(bytes: Uint8Array): ListNumber[] {
	const seen = new Set<string>();
	return dec(bytes, MAX_LIST_NUMBERS).map((field) => {
		if (field.length !== LIST_NUMBER.maxBytes)
			throw malformed("the number of an untrusted list has a wrong length");
		const { authority, number } = LIST_NUMBER.read(field, 0, field.length);
		const id = hex(authority);
		if (seen.has(id))
			throw malformed("an authority comes twice among the untrusted lists");
		seen.add(id);
		return { authority: copy(authority), number };
	});
}
