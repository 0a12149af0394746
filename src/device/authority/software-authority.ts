import { nodeCrypto, type SignatureAlgorithm } from "../../crypto/index.ts";
import {
	type AuthorityKind,
	encodeChain,
	type IssuingAuthority,
	issueDevice,
	issueRoot,
	parseTrustAnchor,
	ROLE_OF_KIND,
	type TrustAnchor,
} from "../../identity/index.ts";
import { generateSoftwareKey, type SoftwareKey } from "../../keys/index.ts";
import type { DeviceIdentity } from "../runtime/index.ts";
import {
	BACKDATE_MS,
	DEVICE_VALIDITY_DAYS,
	ROOT_VALIDITY_MS,
} from "./validity.ts";

const DEVICE_VALIDITY_MS = DEVICE_VALIDITY_DAYS * 86_400_000;

/**
 * An agency or a bank whose key is in software: enough to try Tetrad, and to run what needs no more.
 *
 * @example
 * ```ts
 * import { makePolicy, SoftwareAuthority } from "tetrad";
 *
 * const agency = await SoftwareAuthority.create("agency", "Example Agency");
 * const bank = await SoftwareAuthority.create("bank", "Example Bank");
 * const identity = await agency.certify("alice");
 * const policy = makePolicy({ agencies: [agency.anchor], banks: [bank.anchor] });
 * ```
 */
export class SoftwareAuthority {
	readonly kind: AuthorityKind;
	/** What a policy trusts. */
	readonly anchor: TrustAnchor;
	readonly key: SoftwareKey;
	readonly #issuer: IssuingAuthority;
	readonly #now: () => number;

	/** `root` is the authority's certificate in DER, which `key` signed; `now` is the machine's clock unless given. */
	constructor(
		root: Uint8Array,
		key: SoftwareKey,
		now: () => number = Date.now,
	) {
		this.anchor = parseTrustAnchor(nodeCrypto, root);
		this.kind = this.anchor.kind;
		this.key = key;
		this.#now = now;
		this.#issuer = { certificate: root, signer: key };
	}

	/** A new authority, valid for ten years by `clock`, which is the machine's unless given. */
	static async create(
		kind: AuthorityKind,
		name: string,
		algorithm: SignatureAlgorithm = "P-256",
		clock: () => number = Date.now,
	): Promise<SoftwareAuthority> {
		const key = await generateSoftwareKey(algorithm);
		const now = clock();
		const root = await issueRoot(nodeCrypto, {
			kind,
			name,
			signer: key,
			notBefore: now - BACKDATE_MS,
			notAfter: now + ROOT_VALIDITY_MS,
		});
		return new SoftwareAuthority(root, key, clock);
	}

	/** The chain of a device with this name and key, valid for a year. */
	async issue(
		name: string,
		device: Pick<SoftwareKey, "algorithm" | "publicKey">,
	): Promise<Uint8Array> {
		const now = this.#now();
		const leaf = await issueDevice(nodeCrypto, {
			role: ROLE_OF_KIND[this.kind],
			name,
			publicKey: device.publicKey,
			algorithm: device.algorithm,
			issuer: this.#issuer,
			notBefore: now - BACKDATE_MS,
			notAfter: now + DEVICE_VALIDITY_MS,
		});
		return encodeChain([leaf]);
	}

	/** A fresh software key and its chain: a device of this authority's kind. */
	async certify(name: string): Promise<DeviceIdentity> {
		const signer = await generateSoftwareKey(this.key.algorithm);
		return { signer, chain: await this.issue(name, signer) };
	}
}
