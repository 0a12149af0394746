import { nodeCrypto, type SignatureAlgorithm } from "../../src/crypto/index.ts";
import {
	type AuthorityKind,
	encodeChain,
	type IssuingAuthority,
	issueDevice,
	issueIntermediate,
	issueRoot,
	parseTrustAnchor,
	ROLE_OF_KIND,
	type Signer,
	type TrustAnchor,
	type TrustPolicy,
} from "../../src/identity/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";

export const DAY: number = 24 * 60 * 60 * 1000;

/** The time in every test that does not need another one. */
export const TEST_NOW: number = Date.UTC(2026, 5, 1, 12);

export interface WorldOptions {
	/** Of every key in the world; P-256 by default. */
	readonly algorithm?: SignatureAlgorithm;
	readonly now?: number;
	/** Devices are certified by an intermediate and not by the root; false by default. */
	readonly withIntermediate?: boolean;
}

export interface TestDevice {
	readonly signer: Signer;
	/** Encoded, as it goes over the wire. */
	readonly chain: Uint8Array;
	/** The same as DER, leaf first. */
	readonly certificates: readonly Uint8Array[];
}

export interface TestAuthority {
	readonly kind: AuthorityKind;
	readonly root: IssuingAuthority;
	/** What issues to devices: the intermediate if there is one, and the root if not. */
	readonly issuer: IssuingAuthority;
	/** In DER. */
	readonly intermediates: readonly Uint8Array[];
	readonly anchor: TrustAnchor;
	/** A fresh key and its chain; the same name gives the same device id. */
	certify(name: string): Promise<TestDevice>;
}

export interface World {
	readonly now: number;
	readonly policy: TrustPolicy;
	readonly agency: TestAuthority;
	readonly bank: TestAuthority;
	agent(name: string): Promise<TestDevice>;
	module(name: string): Promise<TestDevice>;
}

/** An agency and a bank that trust is placed in, ready to certify agents and modules. */
export async function makeWorld(options: WorldOptions = {}): Promise<World> {
	const { algorithm = "P-256", now = TEST_NOW, withIntermediate } = options;
	const agency = await makeAuthority(
		"agency",
		algorithm,
		now,
		withIntermediate,
	);
	const bank = await makeAuthority("bank", algorithm, now, withIntermediate);
	return {
		now,
		policy: { agencies: [agency.anchor], banks: [bank.anchor] },
		agency,
		bank,
		agent: agency.certify,
		module: bank.certify,
	};
}

export async function makeAuthority(
	kind: AuthorityKind,
	algorithm: SignatureAlgorithm = "P-256",
	now: number = TEST_NOW,
	withIntermediate = false,
): Promise<TestAuthority> {
	const validity = (days: number) => ({
		notBefore: now - days * DAY,
		notAfter: now + days * DAY,
	});
	const rootKey = generateSoftwareKey(algorithm);
	const root: IssuingAuthority = {
		certificate: await issueRoot(nodeCrypto, {
			kind,
			name: `Test ${kind}`,
			signer: rootKey,
			...validity(3650),
		}),
		signer: rootKey,
	};
	const issuer = withIntermediate
		? await makeIntermediate(root, kind, algorithm, validity(900))
		: root;
	const intermediates = issuer === root ? [] : [issuer.certificate];
	return {
		kind,
		root,
		issuer,
		intermediates,
		anchor: parseTrustAnchor(nodeCrypto, root.certificate),
		async certify(name) {
			const signer = generateSoftwareKey(algorithm);
			const leaf = await issueDevice(nodeCrypto, {
				role: ROLE_OF_KIND[kind],
				name,
				algorithm,
				publicKey: signer.publicKey,
				issuer,
				...validity(90),
			});
			const certificates = [leaf, ...intermediates];
			return { signer, chain: encodeChain(certificates), certificates };
		},
	};
}

async function makeIntermediate(
	root: IssuingAuthority,
	kind: AuthorityKind,
	algorithm: SignatureAlgorithm,
	validity: { notBefore: number; notAfter: number },
): Promise<IssuingAuthority> {
	const signer = generateSoftwareKey(algorithm);
	const certificate = await issueIntermediate(nodeCrypto, {
		name: `Test ${kind} 1`,
		algorithm,
		publicKey: signer.publicKey,
		issuer: root,
		...validity,
	});
	return { certificate, signer };
}
