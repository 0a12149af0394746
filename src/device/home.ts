import { constants } from "node:fs";
import { mkdir, open, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nodeCrypto } from "../crypto/index.ts";
import { asTetradError, TetradError } from "../errors.ts";
import {
	type AuthorityKind,
	type DeviceRole,
	encodeChain,
	parsePem,
	parseTrustAnchor,
	printPem,
	type TrustAnchor,
} from "../identity/index.ts";
import {
	readSoftwareKey,
	type SoftwareKey,
	writeSoftwareKey,
} from "../keys/index.ts";
import {
	type LinkMode,
	makePolicy,
	type Pairing,
	type Policy,
	type Root,
	type Routing,
} from "../tetrad/index.ts";
import { hex } from "../wire/index.ts";
import type { DeviceIdentity } from "./identity.ts";

/*
 * The home folder of a device, which only its owner may read:
 *
 *   device.json           role, name, and what its policy accepts
 *   key.pem               the long-term key (PKCS #8)
 *   chain.pem             the certificates, leaf first, without the root
 *   trust/agencies.pem    roots that may certify agents
 *   trust/banks.pem       roots that may certify modules
 *   pairing.json          the device at the other end of the link, and the pairing key
 *   log.jsonl             what happened
 */

const MAX_FILE_BYTES = 262_144;

const deviceFile = z.strictObject({
	version: z.literal(1),
	role: z.enum(["agent", "module"]),
	name: z.string(),
	policy: z
		.strictObject({
			suites: z
				.array(
					z.enum([
						"hybrid-aesgcm",
						"hybrid-chachapoly",
						"classical-aesgcm",
						"classical-chachapoly",
					]),
				)
				.min(1),
			routings: z.array(z.enum(["direct", "crossed"])).min(1),
			roots: z.array(z.enum(["transcript", "unsafe-xor"])).min(1),
			links: z.array(z.enum(["paired", "unsafe-open"])).min(1),
		})
		.partial()
		.optional(),
});

const pairingFile = z.strictObject({
	version: z.literal(1),
	peerName: z.string(),
	peerDeviceId: z.string().regex(/^([0-9a-f]{2}){37,200}$/),
	key: z.string().regex(/^[0-9a-f]{64}$/),
});

export type DevicePolicySettings = z.infer<typeof deviceFile>["policy"];

/** What a home holds once it was read and checked. */
export interface Home {
	readonly path: string;
	readonly role: DeviceRole;
	readonly name: string;
	readonly identity: DeviceIdentity;
	readonly policy: Policy;
	/** The pairing, once there is one. */
	readonly pairing: Pairing | undefined;
}

/** Reads a home. Throws `home-unusable` with what is wrong and what to do. */
export async function readHome(path: string, role: DeviceRole): Promise<Home> {
	await requirePrivate(path);
	const settings = parseJson(
		deviceFile,
		await readText(join(path, "device.json")),
		join(path, "device.json"),
	);
	if (settings.role !== role)
		throw unusable(
			`${path} is the home of ${aRole(settings.role)}, and this command runs ${aRole(role)}`,
		);
	const [signer, chain, agencies, banks, pairing] = await Promise.all([
		readSoftwareKey(join(path, "key.pem")),
		readCertificates(join(path, "chain.pem")),
		readAnchors(join(path, "trust", "agencies.pem"), "agency"),
		readAnchors(join(path, "trust", "banks.pem"), "bank"),
		readPairing(path),
	]);
	const accepts = Object.fromEntries(
		Object.entries(settings.policy ?? {}).filter(
			([, value]) => value !== undefined,
		),
	) as Partial<Policy>;
	return {
		path,
		role,
		name: settings.name,
		identity: { signer, chain: encodeChain(chain) },
		policy: makePolicy({ ...accepts, agencies, banks }),
		pairing,
	};
}

/** Throws `invalid-argument`, naming the file to change, when the home's policy does not accept what a command asks for. */
export function demandAccepted(
	{ path, policy }: Home,
	asked: {
		readonly links: LinkMode;
		readonly roots?: Root;
		readonly routings?: Routing;
	},
): void {
	for (const [name, value] of Object.entries(asked)) {
		const accepted: readonly string[] = policy[name as keyof typeof asked];
		if (!accepted.includes(value))
			throw new TetradError(
				"invalid-argument",
				`the policy of this device accepts ${accepted.join(", ")} and not ${value}; to allow it, name it in policy.${name} of ${join(path, "device.json")}, at every device that is to take part`,
			);
	}
}

/** Makes a home for a new device. Throws `home-unusable` when there is something already. */
export async function createHome(
	path: string,
	device: {
		readonly role: DeviceRole;
		readonly name: string;
		readonly key: SoftwareKey;
		readonly certificates: readonly Uint8Array[];
		readonly agencies: readonly Uint8Array[];
		readonly banks: readonly Uint8Array[];
		readonly policy?: DevicePolicySettings;
	},
): Promise<void> {
	await makePrivateFolder(path);
	const { role, name, policy } = device;
	await writeNew(
		join(path, "device.json"),
		`${JSON.stringify({ version: 1, role, name, ...(policy ? { policy } : {}) }, null, "\t")}\n`,
	);
	await writeSoftwareKey(join(path, "key.pem"), device.key);
	await writeNew(join(path, "chain.pem"), printPem(device.certificates));
	await mkdir(join(path, "trust"), { mode: 0o700 });
	await writeNew(
		join(path, "trust", "agencies.pem"),
		printPem(device.agencies),
	);
	await writeNew(join(path, "trust", "banks.pem"), printPem(device.banks));
}

/** Keeps a pairing, durably, in the place of an earlier one. */
export async function writePairing(
	home: string,
	{ peerDeviceId, key }: Pairing,
	peerName: string,
): Promise<void> {
	const text = JSON.stringify(
		{ version: 1, peerName, peerDeviceId: hex(peerDeviceId), key: hex(key) },
		null,
		"\t",
	);
	const target = join(home, "pairing.json");
	const draft = `${target}.new`;
	const file = await open(draft, "w", 0o600);
	try {
		await file.writeFile(`${text}\n`);
		await file.sync();
	} finally {
		await file.close();
	}
	await rename(draft, target);
	const folder = await open(home, "r");
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}

/** A new folder that only its owner may read; an empty one that is so already will do. */
export async function makePrivateFolder(path: string): Promise<void> {
	try {
		await mkdir(path, { mode: 0o700, recursive: true });
	} catch (thrown) {
		throw unusable(`cannot make ${path}: ${reason(thrown)}`, thrown);
	}
	await requirePrivate(path);
}

/** Writes a file that must not exist yet, for its owner only. */
export async function writeNew(path: string, text: string): Promise<void> {
	try {
		await writeFile(path, text, { flag: "wx", mode: 0o600 });
	} catch (thrown) {
		throw unusable(
			`cannot write ${path}: ${reason(thrown)}; an existing home is never overwritten`,
			thrown,
		);
	}
}

/** Throws `home-unusable` unless `path` is a folder of this user that nobody else may enter. */
export async function requirePrivate(path: string): Promise<void> {
	let info: Awaited<ReturnType<typeof stat>>;
	try {
		info = await stat(path);
	} catch (thrown) {
		throw unusable(
			`there is no home at ${path} (${reason(thrown)}); make one with: tetrad authority issue --device ${path} …`,
			thrown,
		);
	}
	if (!info.isDirectory()) throw unusable(`${path} is not a folder`);
	if (info.uid !== process.getuid?.())
		throw unusable(`${path} belongs to another user`);
	if ((info.mode & 0o077) !== 0)
		throw unusable(`others may read ${path}; close it with: chmod 700 ${path}`);
}

/** The certificates of a PEM file, in DER. */
export async function readCertificates(path: string): Promise<Uint8Array[]> {
	const text = await readText(path);
	try {
		return parsePem(text);
	} catch (thrown) {
		throw unusable(`${path} holds no certificates in PEM`, thrown);
	}
}

/** A whole small text file. */
async function readText(path: string): Promise<string> {
	try {
		// Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
		const file = await open(
			path,
			constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
		);
		try {
			const info = await file.stat();
			if (!info.isFile()) throw new Error("it is not a file");
			if (info.size > MAX_FILE_BYTES) throw new Error("it is too large");
			return await file.readFile("utf8");
		} finally {
			await file.close();
		}
	} catch (thrown) {
		throw unusable(`cannot read ${path}: ${reason(thrown)}`, thrown);
	}
}

async function readAnchors(
	path: string,
	kind: AuthorityKind,
): Promise<TrustAnchor[]> {
	const roots = await readCertificates(path);
	return roots.map((der) => {
		const anchor = readAnchor(path, der);
		if (anchor.kind !== kind)
			throw unusable(
				`${path} holds a root that certifies ${anchor.role}s; put it into the other file of that folder`,
			);
		return anchor;
	});
}

function readAnchor(path: string, der: Uint8Array): TrustAnchor {
	try {
		return parseTrustAnchor(nodeCrypto, der);
	} catch (thrown) {
		throw unusable(
			`${path} holds no root to trust: ${asTetradError(thrown).message}`,
			thrown,
		);
	}
}

async function readPairing(home: string): Promise<Pairing | undefined> {
	const path = join(home, "pairing.json");
	try {
		const { mode } = await stat(path);
		if ((mode & 0o077) !== 0)
			throw unusable(
				`others may read ${path}; close it with: chmod 600 ${path}`,
			);
	} catch (thrown) {
		if (thrown instanceof TetradError) throw thrown;
		return undefined;
	}
	const { peerDeviceId, key } = parseJson(
		pairingFile,
		await readText(path),
		path,
	);
	return {
		peerDeviceId: new Uint8Array(Buffer.from(peerDeviceId, "hex")),
		key: new Uint8Array(Buffer.from(key, "hex")),
	};
}

function parseJson<T>(schema: z.ZodType<T>, text: string, path: string): T {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (thrown) {
		// The parser's own message quotes the text, which may hold a key.
		throw unusable(
			`${path} is not JSON`,
			thrown instanceof SyntaxError ? undefined : thrown,
		);
	}
	const result = schema.safeParse(value);
	if (result.success) return result.data;
	const [issue] = result.error.issues;
	throw unusable(
		`${path}: ${issue?.path.join(".") || "the file"}: ${issue?.message ?? "is not valid"}`,
	);
}

function aRole(role: DeviceRole): string {
	return role === "agent" ? "an agent" : "a module";
}

function reason(thrown: unknown): string {
	if (!(thrown instanceof Error)) return "unknown";
	const { code } = thrown as NodeJS.ErrnoException;
	switch (code) {
		case "ENOENT":
			return "it does not exist";
		case "EACCES":
			return "permission denied";
		case "EEXIST":
			return "it exists already";
		case "ELOOP":
			return "it is a symbolic link";
		case "ENOTDIR":
			return "a part of the path is not a folder";
		default:
			return code ?? thrown.message;
	}
}

function unusable(message: string, cause?: unknown): TetradError {
	return new TetradError(
		"home-unusable",
		message,
		cause === undefined ? undefined : { cause },
	);
}
