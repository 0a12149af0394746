import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nodeCrypto, type SignatureAlgorithm } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type CertifiedDevice,
	type DeviceRole,
	encodeChain,
	isCertifiedName,
	makeRequest,
	parsePemBlock,
	parseRequest,
	parseTrustAnchor,
	printPemBlock,
	type TrustAnchor,
	validateChain,
} from "../../identity/index.ts";
import type { KeyLocation } from "../../keys/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	createHome,
	ensureKey,
	type HomeSecrets,
	isThere,
	keyLocation,
	lockHome,
	makePrivateFolder,
	parseJson,
	readDeviceFile,
	readText,
	replaceFile,
	requireNoDevice,
	requireNoKey,
	requirePrivate,
	unusable,
} from "../home/index.ts";

/*
 * How a device comes to its first certificate. enrolment.json says which key is being made and
 * for whom; request.pem is what the authority is asked; device.json, the last file of a home,
 * ends it. Whatever is interrupted goes on when the command is given again.
 */

const enrolmentFile = z.strictObject({
	version: z.literal(1),
	role: z.enum(["agent", "module"]),
	name: z.string().refine(isCertifiedName, "is no name of a device"),
	algorithm: z.enum(["P-256", "Ed25519"]),
	key: keyLocation,
});

const ENROLMENT = "enrolment.json";
const REQUEST = "request.pem";

/** What a device asks to be. */
export interface NewDeviceHome {
	readonly role: DeviceRole;
	readonly name: string;
	readonly algorithm: SignatureAlgorithm;
	readonly key: KeyLocation;
}

/** A request as it is carried. */
export interface CarriedRequest {
	readonly pem: string;
	/** SHA-256 in hexadecimal, to be told to the authority in another way than the request itself. */
	readonly hash: string;
}

/**
 * Makes the key of a device in its home, or in a token, and the request for its certificate.
 * Throws `invalid-argument` for a name that is none, `home-unusable` when the folder is another
 * device's, `busy` while another process is at it, and as `createKey` does.
 */
export async function beginEnrolment(
	home: string,
	device: NewDeviceHome,
	secrets: HomeSecrets,
): Promise<CarriedRequest> {
	const { role, name, algorithm, key } = device;
	if (!isCertifiedName(name))
		throw new TetradError(
			"invalid-argument",
			'the name of a device has 1 to 64 characters from a–z, 0–9, "." and "-", the first one a letter or a digit',
		);
	await makePrivateFolder(home);
	await using _ = await lockHome(home);
	await requireNoDevice(home);
	const wanted = { version: 1 as const, role, name, algorithm, key };
	const path = join(home, ENROLMENT);
	const resumed = await isThere(path);
	if (!resumed) {
		await requireNoKey(key, { folder: home, ...secrets });
		await replaceFile(path, `${JSON.stringify(wanted, null, "\t")}\n`);
		await rm(join(home, REQUEST), { force: true });
	} else if (
		JSON.stringify(await readEnrolment(home)) !== JSON.stringify(wanted)
	)
		throw unusable(
			`${home} is being enrolled as something else; go on as it was begun, or choose another folder`,
		);
	if (!(await isThere(join(home, REQUEST)))) {
		await using signer = await ensureKey(home, device, secrets, resumed);
		const request = await makeRequest(nodeCrypto, {
			role,
			name,
			signer,
			tamperResistance: wishFor(key),
		});
		await replaceFile(
			join(home, REQUEST),
			printPemBlock("CERTIFICATE REQUEST", request),
		);
	}
	return readRequestFile(join(home, REQUEST));
}

/** What a device may wish to have attested. It cannot tell a TPM from another token. */
export function wishFor(key: KeyLocation): "token" | "software" {
	return "pkcs11" in key ? "token" : "software";
}

export async function readRequestFile(path: string): Promise<CarriedRequest> {
	const pem = await readText(path);
	const der = parsePemBlock(pem, "CERTIFICATE REQUEST");
	return { pem, hash: hex(nodeCrypto.sha256(der)) };
}

/**
 * Completes the home of a device with its certificate and the roots that it trusts; no key is
 * touched. Throws `chain-refused` for a chain that is not for this device's key, name and role,
 * or that its own policy would refuse.
 */
export async function finishEnrolment(
	home: string,
	certified: {
		/** Leaf first, without the root, in DER. */
		readonly chain: readonly Uint8Array[];
		readonly agencies: readonly Uint8Array[];
		readonly banks: readonly Uint8Array[];
	},
): Promise<CertifiedDevice> {
	await readEnrolment(home);
	await requirePrivate(home);
	await using _ = await lockHome(home);
	const { role, name, key } = await readEnrolment(home);
	const { chain, agencies, banks } = certified;
	const anchors = {
		agent: requireKind(agencies, "agent"),
		module: requireKind(banks, "module"),
	}[role];
	const { pem } = await readRequestFile(join(home, REQUEST));
	const device = validateChain(
		nodeCrypto,
		encodeChain(chain),
		role,
		anchors,
		Date.now(),
	);
	requireAnswers(device, pem, name);
	// A device.json with this key is ours, from before an interruption.
	if (!(await isFinished(home, key)))
		await createHome(home, {
			role,
			name,
			key,
			certificates: chain,
			agencies,
			banks,
		});
	await rm(join(home, ENROLMENT), { force: true });
	await rm(join(home, REQUEST), { force: true });
	return device;
}

async function isFinished(home: string, key: KeyLocation): Promise<boolean> {
	if (!(await isThere(join(home, "device.json")))) return false;
	const settings = await readDeviceFile(home);
	return JSON.stringify(settings.key) === JSON.stringify(key);
}

/** Throws `chain-refused` unless a certificate is for the name, and the key, of a request. */
export function requireAnswers(
	device: CertifiedDevice,
	requestPem: string,
	name: string,
): void {
	const request = parseRequest(
		nodeCrypto,
		parsePemBlock(requestPem, "CERTIFICATE REQUEST"),
	);
	if (device.name !== name)
		throw new TetradError(
			"chain-refused",
			`that certificate is of "${device.name}", and this device is "${name}"; take the one that answers its request`,
		);
	if (
		device.algorithm !== request.algorithm ||
		!sameBytes(device.publicKey, request.publicKey)
	)
		throw new TetradError(
			"chain-refused",
			`that certificate of "${name}" is for another key than the one that this device made; take the one that answers its request`,
		);
}

function requireKind(
	roots: readonly Uint8Array[],
	role: DeviceRole,
): TrustAnchor[] {
	return roots.map((der) => {
		const anchor = parseTrustAnchor(nodeCrypto, der);
		if (anchor.role !== role)
			throw new TetradError(
				"invalid-argument",
				role === "agent"
					? "--trust-agency names a bank; name an agency, which certifies agents"
					: "--trust-bank names an agency; name a bank, which certifies modules",
			);
		return anchor;
	});
}

async function readEnrolment(
	home: string,
): Promise<z.infer<typeof enrolmentFile>> {
	const path = join(home, ENROLMENT);
	if (!(await isThere(path))) {
		await requireNoDevice(home);
		throw unusable(
			`${home} has asked for no certificate; begin with: tetrad enroll --home ${home} --role … --name … --out …`,
		);
	}
	return parseJson(enrolmentFile, await readText(path), path);
}
