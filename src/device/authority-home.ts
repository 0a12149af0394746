import { join } from "node:path";
import { nodeCrypto, type SignatureAlgorithm } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import {
	type AuthorityKind,
	parseChain,
	parseTrustAnchor,
	printPem,
	ROLE_OF_KIND,
} from "../identity/index.ts";
import {
	type KeyLocation,
	readSoftwareKey,
	writeSoftwareKey,
} from "../keys/index.ts";
import {
	makePrivateFolder,
	readCertificates,
	requirePrivate,
	writeNew,
} from "./files.ts";
import { createHome, createHomeKey } from "./home.ts";
import type { DevicePolicySettings } from "./policy-file.ts";
import { SoftwareAuthority } from "./software-authority.ts";

/*
 * The home folder of an authority: key.pem, and root.pem, which every device that trusts it needs.
 */

/** Makes an authority and keeps it in `home`. */
export async function createAuthorityHome(
	home: string,
	kind: AuthorityKind,
	name: string,
	algorithm: SignatureAlgorithm,
): Promise<SoftwareAuthority> {
	await makePrivateFolder(home);
	const authority = await SoftwareAuthority.create(kind, name, algorithm);
	await writeSoftwareKey(join(home, "key.pem"), authority.key);
	await writeNew(rootPath(home), printPem([rootOf(authority)]));
	return authority;
}

export async function readAuthorityHome(
	home: string,
): Promise<SoftwareAuthority> {
	await requirePrivate(home);
	const [root] = await readCertificates(rootPath(home));
	if (root === undefined)
		throw new TetradError("home-unusable", `${rootPath(home)} holds no root`);
	return new SoftwareAuthority(
		root,
		await readSoftwareKey(join(home, "key.pem")),
	);
}

/** Roots in DER, from an authority's home or from a PEM file; no key is touched. */
export async function readRoots(path: string): Promise<Uint8Array[]> {
	return readCertificates(path.endsWith(".pem") ? path : rootPath(path));
}

const UNSEALED_KEY: KeyLocation = { unsafeUnsealedFile: "key.pem" };

/** Makes the home of a new device with a fresh software key, in clear. */
export async function issueDeviceHome(
	authority: SoftwareAuthority,
	device: {
		readonly home: string;
		readonly name: string;
		readonly algorithm: SignatureAlgorithm;
		/** Roots of the other kind of authority, in DER. */
		readonly trust: readonly Uint8Array[];
		readonly policy?: DevicePolicySettings;
	},
): Promise<void> {
	for (const root of device.trust)
		if (parseTrustAnchor(nodeCrypto, root).kind === authority.kind)
			throw new TetradError(
				"invalid-argument",
				authority.kind === "agency"
					? "--trust names an agency, and an agent needs to know whom to trust as a bank"
					: "--trust names a bank, and a module needs to know whom to trust as an agency",
			);
	const chain = await createHomeKey(
		device.home,
		UNSEALED_KEY,
		device.algorithm,
		(key) => authority.issue(device.name, key),
	);
	const ours = [rootOf(authority)];
	const [agencies, banks] =
		authority.kind === "agency" ? [ours, device.trust] : [device.trust, ours];
	await createHome(device.home, {
		role: ROLE_OF_KIND[authority.kind],
		name: device.name,
		key: UNSEALED_KEY,
		certificates: parseChain(chain),
		agencies,
		banks,
		...(device.policy === undefined ? {} : { policy: device.policy }),
	});
}

function rootOf(authority: SoftwareAuthority): Uint8Array {
	return authority.anchor.certificate.der;
}

function rootPath(home: string): string {
	return join(home, "root.pem");
}
