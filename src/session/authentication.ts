import type { CryptoProvider } from "../crypto/index.ts";
import { SIGNATURE_BYTES } from "../crypto/index.ts";
import { authenticationFailed } from "../errors.ts";
import { type CertifiedDevice, MAX_CHAIN_BYTES } from "../identity/index.ts";
import { concat, copy, enc, type FieldLength, utf8 } from "../wire/index.ts";

/**
 * The place that a signature is for. Every place has a string of its own, so no signature fits
 * another: the four devices, the two ends of a link, the two ends of a pairing.
 */
export type SignatureRole = "A" | "B" | "X" | "Y" | "LA" | "LM" | "PA" | "PM";

function roleLabel(role: SignatureRole): Uint8Array {
	return utf8(`tetrad/1 ${role}\0`);
}

const ROLE_LABEL: Readonly<Record<SignatureRole, Uint8Array>> = {
	A: roleLabel("A"),
	B: roleLabel("B"),
	X: roleLabel("X"),
	Y: roleLabel("Y"),
	LA: roleLabel("LA"),
	LM: roleLabel("LM"),
	PA: roleLabel("PA"),
	PM: roleLabel("PM"),
};

/** The exact bytes that a device signs: `"tetrad/1 " ‖ role ‖ 0x00 ‖ enc(fields)`. */
export function signedBytes(
	role: SignatureRole,
	...fields: readonly Uint8Array[]
): Uint8Array {
	// The signer may be anybody's code, so these bytes have an array of their own.
	return copy(concat(ROLE_LABEL[role], enc(...fields)));
}

/** The fields that authenticate a device in a message: its chain and its signature. */
export const CREDENTIAL: {
	readonly chain: readonly [number, number];
	readonly signature: number;
} = {
	chain: [1, MAX_CHAIN_BYTES],
	signature: SIGNATURE_BYTES,
} satisfies Record<string, FieldLength>;

const minted = Symbol();

/** A device whose chain was judged and whose signature was verified; only `authenticate` makes one. */
export class AuthenticatedDevice {
	readonly device: CertifiedDevice;
	readonly role: SignatureRole;

	constructor(
		proof: typeof minted,
		device: CertifiedDevice,
		role: SignatureRole,
	) {
		if (proof !== minted) throw authenticationFailed();
		this.device = device;
		this.role = role;
	}
}

/** Verifies `signature` by `device` over the signed bytes of `role` and `fields`. Throws `authentication-failed`. */
export function authenticate(
	crypto: CryptoProvider,
	device: CertifiedDevice,
	signature: Uint8Array,
	role: SignatureRole,
	...fields: readonly Uint8Array[]
): AuthenticatedDevice {
	const message = signedBytes(role, ...fields);
	if (!crypto.verify(device.algorithm, device.publicKey, message, signature))
		throw authenticationFailed();
	return new AuthenticatedDevice(minted, device, role);
}
