import { type CryptoProvider, SIGNATURE_BYTES } from "../crypto/index.ts";
import { authenticationFailed } from "../errors.ts";
import { type CertifiedDevice, MAX_CHAIN_BYTES } from "../identity/index.ts";
import {
	bytes,
	type Fields,
	type SignatureRole,
	signedBytes,
} from "../wire/index.ts";

/** What authenticates a device in a message. */
export interface Credential {
	/** Encoded. */
	readonly chain: Uint8Array;
	readonly signature: Uint8Array;
}

/** The fields of a credential, for the messages that have one. */
export const CREDENTIAL: Fields<Credential> = {
	chain: bytes(1, MAX_CHAIN_BYTES),
	signature: bytes(SIGNATURE_BYTES),
};

const minted: unique symbol = Symbol();

/** A device whose chain was judged and whose signature was verified; only `authenticate` makes one. */
export class AuthenticatedDevice {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
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
