import { nodeCrypto, type SignatureAlgorithm } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type AuthorityKind,
	isCertifiedName,
	makeRequest,
	parseTrustAnchor,
} from "../../identity/index.ts";
import type { KeyLocation } from "../../keys/index.ts";
import {
	createHome,
	createHomeKey,
	type DevicePolicySettings,
	type HomeSecrets,
	requireNoDevice,
} from "../home/index.ts";
import { Authority, requireFreeName } from "./authority.ts";
import { makeRoot } from "./authority-home.ts";

/*
 * Authority and devices on one machine, in one step each. Keys in clear unless said otherwise:
 * for trying Tetrad, for the demo and for tests.
 */

const UNSEALED_KEY: KeyLocation = { unsafeUnsealedFile: "key.pem" };

/** Makes an authority with a key in clear, and opens it. */
export async function createAuthorityHome(
	home: string,
	kind: AuthorityKind,
	name: string,
	algorithm: SignatureAlgorithm,
): Promise<Authority> {
	await makeRoot(
		home,
		{ kind, name, algorithm, attests: [], key: UNSEALED_KEY },
		{},
	);
	return Authority.open(home);
}

/** Makes the home of a new device with a fresh key, which is certified at once. */
export async function issueDeviceHome(
	authority: Authority,
	device: {
		readonly home: string;
		readonly name: string;
		readonly algorithm: SignatureAlgorithm;
		/** Roots of the other kind of authority, in DER. */
		readonly trust: readonly Uint8Array[];
		readonly policy?: DevicePolicySettings;
		/** Where its key is to be; in a file in clear unless given. */
		readonly key?: KeyLocation;
		readonly secrets?: HomeSecrets;
		readonly days?: number | undefined;
		readonly replace?: boolean | undefined;
	},
): Promise<void> {
	const { kind, role } = authority;
	const { home, name, algorithm, key = UNSEALED_KEY, secrets = {} } = device;
	for (const root of device.trust)
		if (parseTrustAnchor(nodeCrypto, root).kind === kind)
			throw new TetradError(
				"invalid-argument",
				kind === "agency"
					? "--trust names an agency, and an agent needs to know whom to trust as a bank"
					: "--trust names a bank, and a module needs to know whom to trust as an agency",
			);
	// Before a key is made, or a passphrase is asked for.
	if (!isCertifiedName(name))
		throw new TetradError(
			"invalid-argument",
			'the name of a device has 1 to 64 characters from a–z, 0–9, "." and "-", the first one a letter or a digit',
		);
	await requireNoDevice(home);
	const { days, replace = false } = device;
	if (!replace) await requireFreeName(authority, name);
	const { chain } = await createHomeKey(
		home,
		key,
		algorithm,
		async (signer) => {
			const request = await makeRequest(nodeCrypto, { role, name, signer });
			return authority.certify(request, { days, replace });
		},
		secrets,
	);
	const ours = [authority.anchor.certificate.der];
	const [agencies, banks] =
		kind === "agency" ? [ours, device.trust] : [device.trust, ours];
	await createHome(home, {
		role,
		name,
		key,
		certificates: chain,
		agencies,
		banks,
		...(device.policy === undefined ? {} : { policy: device.policy }),
	});
}
