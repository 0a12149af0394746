/*
 * Who is certified in simulated worlds. A name has the same keys and certificates in each of them,
 * one after another when it is certified anew, so that they are made once.
 */
import {
	type AuthorityKind,
	encodeBundle,
	encodeChain,
	type IssuingAuthority,
	issueDevice,
	issueRoot,
	issueUntrustedList,
	parseCertificate,
	parseTrustAnchor,
	ROLE_OF_KIND,
	type TrustAnchor,
} from "../src/identity/index.ts";
import type { Cryptography, SimulatedSigner } from "./crypto.ts";
import { Stream } from "./random.ts";

const DAY_MS = 86_400_000;

/** When worlds begin, in milliseconds since the epoch. */
export const BEGINNING: number = Date.UTC(2026, 5, 1, 12);

/** One certificate of a device, and its key. */
export interface Identity {
	readonly signer: SimulatedSigner;
	/** Encoded, as it goes over the wire. */
	readonly chain: Uint8Array;
	readonly serial: Uint8Array;
}

const YEARS = 12 * 365;

class Authority {
	readonly kind: AuthorityKind;
	readonly anchor: TrustAnchor;
	readonly #issuer: IssuingAuthority;
	readonly #identities = new Map<string, Promise<Identity>>();

	readonly #cryptography: Cryptography;

	private constructor(
		kind: AuthorityKind,
		issuer: IssuingAuthority,
		cryptography: Cryptography,
	) {
		this.kind = kind;
		this.#issuer = issuer;
		this.#cryptography = cryptography;
		const crypto = cryptography.provider(new Stream("certificates", kind));
		this.anchor = parseTrustAnchor(crypto, issuer.certificate);
	}

	static async make(
		kind: AuthorityKind,
		cryptography: Cryptography,
	): Promise<Authority> {
		const crypto = cryptography.provider(
			new Stream("certificates", `root ${kind}`),
		);
		const signer = cryptography.signer(`root ${kind}`);
		const certificate = await issueRoot(crypto, {
			kind,
			name: `Simulated ${kind}`,
			signer,
			notBefore: BEGINNING - YEARS * DAY_MS,
			notAfter: BEGINNING + YEARS * DAY_MS,
		});
		return new Authority(kind, { certificate, signer }, cryptography);
	}

	/** The certificate of that number of a device, from 0. */
	identity(name: string, number: number): Promise<Identity> {
		const id = `${name} ${number}`;
		const known = this.#identities.get(id) ?? this.#certify(name, id);
		this.#identities.set(id, known);
		return known;
	}

	/** A list of that number with these certificates on it and no others. */
	async list(
		number: number,
		listed: readonly Identity[],
		now: number,
	): Promise<Uint8Array> {
		const crypto = this.#cryptography.provider(
			new Stream("lists", `${this.kind} ${number}`),
		);
		const list = await issueUntrustedList(crypto, {
			issuer: this.#issuer,
			number: BigInt(number),
			thisUpdate: now,
			nextUpdate: now + DAY_MS,
			entries: listed.map(({ serial }) => ({
				serial,
				instant: now,
				reason: "keyCompromise" as const,
			})),
		});
		return encodeBundle(list, new Uint8Array());
	}

	async #certify(name: string, id: string): Promise<Identity> {
		const { provider, signer: signerOf } = this.#cryptography;
		const crypto = provider(new Stream("certificates", id));
		const signer = signerOf(`${this.kind} ${id}`);
		const leaf = await issueDevice(crypto, {
			role: ROLE_OF_KIND[this.kind],
			name,
			algorithm: "Ed25519",
			publicKey: signer.publicKey,
			issuer: this.#issuer,
			notBefore: BEGINNING - 5 * 365 * DAY_MS,
			notAfter: BEGINNING + 5 * 365 * DAY_MS,
		});
		const { serial } = parseCertificate(leaf);
		return { signer, chain: encodeChain([leaf]), serial };
	}
}

export interface Certificates {
	readonly agency: Authority;
	readonly bank: Authority;
}

const made = new Map<Cryptography, Promise<Certificates>>();

/** The one agency and the one bank of all worlds with that cryptography. */
export function certificates(
	cryptography: Cryptography,
): Promise<Certificates> {
	const known = made.get(cryptography);
	if (known !== undefined) return known;
	const making = Promise.all([
		Authority.make("agency", cryptography),
		Authority.make("bank", cryptography),
	]).then(([agency, bank]) => ({ agency, bank }));
	made.set(cryptography, making);
	return making;
}
