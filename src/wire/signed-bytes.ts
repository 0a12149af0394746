import { concat, enc, utf8 } from "./encoding.ts";

/**
 * The place that a signature is for. Every place has a string of its own, so no signature fits
 * another: the four devices, the two ends of a link, the two ends of a pairing, the old key of a
 * device that is certified anew, the documents of money: notes, transfers, receipts and the
 * orders of an owner, and those of trade: selling certificates and contracts.
 */
export type SignatureRole =
	| "A"
	| "B"
	| "X"
	| "Y"
	| "LA"
	| "LM"
	| "PA"
	| "PM"
	| "RC"
	| "NO"
	| "TR"
	| "RE"
	| "OW"
	| "OV"
	| "OC"
	| "OE"
	| "LI"
	| "AP"
	| "SC"
	| "CO";

const ROLE_LABEL: Readonly<Record<SignatureRole, Uint8Array>> = {
	A: roleLabel("A"),
	B: roleLabel("B"),
	X: roleLabel("X"),
	Y: roleLabel("Y"),
	LA: roleLabel("LA"),
	LM: roleLabel("LM"),
	PA: roleLabel("PA"),
	PM: roleLabel("PM"),
	RC: roleLabel("RC"),
	NO: roleLabel("NO"),
	TR: roleLabel("TR"),
	RE: roleLabel("RE"),
	OW: roleLabel("OW"),
	OV: roleLabel("OV"),
	OC: roleLabel("OC"),
	OE: roleLabel("OE"),
	LI: roleLabel("LI"),
	AP: roleLabel("AP"),
	SC: roleLabel("SC"),
	CO: roleLabel("CO"),
};

function roleLabel(role: SignatureRole): Uint8Array {
	return utf8(`tetrad/1 ${role}\0`);
}

/** The exact bytes that a device signs: `"tetrad/1 " ‖ role ‖ 0x00 ‖ enc(fields)`. */
export function signedBytes(
	role: SignatureRole,
	...fields: readonly Uint8Array[]
): Uint8Array {
	return concat(ROLE_LABEL[role], enc(...fields));
}
