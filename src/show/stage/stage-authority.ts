import { nodeCrypto, type SignatureAlgorithm } from "../../crypto/index.ts";
import {
	type AuthorityKind,
	type CertifiedKey,
	encodeChain,
	type IssuingAuthority,
	issueDevice,
	issueRoot,
	ROLE_OF_KIND,
	TAMPER_RESISTANCE,
	type TamperResistance,
} from "../../identity/index.ts";
import { generateSoftwareKey } from "../../keys/index.ts";

const HOUR_MS = 3_600_000;

/** An agency or a bank for as long as a stage stands. It may attest every level, and is told which: the stage makes the keys itself, so it knows where they are. */
export class StageAuthority {
	readonly kind: AuthorityKind;
	/** In DER. */
	readonly root: Uint8Array;
	readonly #issuer: IssuingAuthority;

	private constructor(kind: AuthorityKind, issuer: IssuingAuthority) {
		this.kind = kind;
		this.root = issuer.certificate;
		this.#issuer = issuer;
	}

	static async create(
		kind: AuthorityKind,
		name: string,
		algorithm: SignatureAlgorithm,
	): Promise<StageAuthority> {
		const signer = generateSoftwareKey(algorithm);
		const certificate = await issueRoot(nodeCrypto, {
			kind,
			name,
			signer,
			attests: TAMPER_RESISTANCE,
			...validity(96),
		});
		return new StageAuthority(kind, { certificate, signer });
	}

	/** The chain of a device with this name and key, encoded. */
	async certify(
		name: string,
		{ algorithm, publicKey }: CertifiedKey,
		tamperResistance: TamperResistance,
	): Promise<Uint8Array> {
		const leaf = await issueDevice(nodeCrypto, {
			role: ROLE_OF_KIND[this.kind],
			name,
			algorithm,
			publicKey,
			tamperResistance,
			issuer: this.#issuer,
			...validity(72),
		});
		return encodeChain([leaf]);
	}
}

/** From an hour ago on, so that a clock that is set back by a little does no harm; a root is older than its devices. */
function validity(hours: number) {
	const now = Date.now();
	const notBefore = now - HOUR_MS - hours * 60_000;
	return { notBefore, notAfter: now + hours * HOUR_MS };
}
