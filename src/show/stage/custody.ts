/*
 * Where the long-term key of each device is, as far as can be seen from outside: what the home
 * says, what the token says, what lies in the files, and what the other three devices make of it.
 */
import * as node from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeCrypto, type SignatureAlgorithm } from "../../crypto/index.ts";
import { readCertificates, readPolicy } from "../../device/home/index.ts";
import { asTetradError } from "../../errors.ts";
import {
	ChainVerdicts,
	type DeviceRole,
	encodeChain,
	parseCertificate,
	requireDemand,
	type SeenPlace,
	type TamperResistance,
} from "../../identity/index.ts";
import type { KeyLocation } from "../../keys/index.ts";
import { PLACES, type Place } from "../../tetrad/index.ts";
import { hex } from "../../wire/index.ts";
import { roleOf } from "./impostors.ts";
import { examineKeys } from "./key-room.ts";
import type { ExaminedKey } from "./token-examiner.ts";

/** What one device, by its own policy and roots, makes of another. */
interface Judgement {
	/** Why it is refused; nothing else is known then. */
	readonly refused?: string;
	readonly role?: DeviceRole;
	readonly level?: TamperResistance;
	/** The least level that the policy demands in that place. */
	readonly demanded: TamperResistance;
}

/** What is known of the key of one device. */
export interface Custody {
	readonly home: string;
	readonly location: KeyLocation;
	/** What its token says; absent for a key in a file. */
	readonly token?: ExaminedKey;
	/** The key that the certificate certifies: raw, in hexadecimal. */
	readonly certifiedKey: string;
	/** By the other three devices. */
	readonly judgedBy: Readonly<Partial<Record<Place, Judgement>>>;
	/** Files that were searched for private keys: all of the home, and the keylog of the run. */
	readonly searched: number;
	/** What was found there, with the file. */
	readonly found: readonly string[];
}

/** Looks at all four devices. `logs` are further files that each device wrote. */
export async function examineCustody(
	homes: Readonly<Record<Place, string>>,
	logs?: Readonly<Record<Place, string>>,
): Promise<Record<Place, Custody>> {
	const read = async (place: Place) => ({
		location: await locationOf(homes[place]),
		chain: await readCertificates(join(homes[place], "chain.pem")),
		policy: await readPolicy(homes[place]),
	});
	const [A, B, X, Y] = await Promise.all(
		(["A", "B", "X", "Y"] as const).map(read),
	);
	const devices = { A, B, X, Y } as Record<
		Place,
		Awaited<ReturnType<typeof read>>
	>;
	const examined = await examineKeys({
		A: devices.A.location,
		B: devices.B.location,
		X: devices.X.location,
		Y: devices.Y.location,
	});
	const leaves = PLACES.map((place) =>
		parseCertificate(devices[place].chain[0] ?? new Uint8Array()),
	);
	const custodyOf = async (place: Place): Promise<Custody> => {
		const { location, chain } = devices[place];
		const leaf = leaves[PLACES.indexOf(place)];
		const files = await filesBelow(homes[place]);
		if (logs !== undefined) files.push(logs[place]);
		const found: string[] = [];
		for (const file of files)
			for (const what of privateKeysIn(await readFile(file), leaves))
				found.push(`${what} in ${file}`);
		const token = examined[place];
		return {
			home: homes[place],
			location,
			...(token === undefined ? {} : { token }),
			certifiedKey: hex(leaf?.publicKey ?? new Uint8Array()),
			judgedBy: Object.fromEntries(
				PLACES.filter((judge) => judge !== place).map((judge) => [
					judge,
					judgement(devices[judge].policy, judge, place, encodeChain(chain)),
				]),
			),
			searched: files.length,
			found,
		};
	};
	return {
		A: await custodyOf("A"),
		B: await custodyOf("B"),
		X: await custodyOf("X"),
		Y: await custodyOf("Y"),
	};
}

/** In a few words, for people. */
export function whereOf({ location, token }: Custody): string {
	if (token !== undefined) return `token ${token.token}`;
	return "file" in location
		? location.file
		: "unsafeUnsealedFile" in location
			? location.unsafeUnsealedFile
			: "token";
}

function judgement(
	policy: Awaited<ReturnType<typeof readPolicy>>,
	judge: Place,
	place: Place,
	chain: Uint8Array,
): Judgement {
	const as = placeSeenFrom(judge, place);
	const demanded = policy.demands?.[as]?.minimum ?? "software";
	try {
		const device = new ChainVerdicts(nodeCrypto, policy).judge(
			chain,
			roleOf(place),
			Date.now(),
		);
		requireDemand(device, as, policy.demands);
		const { role, tamperResistance: level } = device;
		return { role, level, demanded };
	} catch (thrown) {
		return { refused: asTetradError(thrown).message, demanded };
	}
}

export function placeSeenFrom(judge: Place, place: Place): SeenPlace {
	const sides = ["AX", "BY"];
	const isOwn = sides.some(
		(side) => side.includes(judge) && side.includes(place),
	);
	if (roleOf(place) === "agent") return isOwn ? "ownAgent" : "peerAgent";
	return isOwn ? "ownModule" : "peerModule";
}

async function locationOf(home: string): Promise<KeyLocation> {
	const text = await readFile(join(home, "device.json"), "utf8");
	return (JSON.parse(text) as { key: KeyLocation }).key;
}

async function filesBelow(folder: string): Promise<string[]> {
	const entries = await readdir(folder, {
		recursive: true,
		withFileTypes: true,
	});
	return entries
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name));
}

/** Bytes of a private key on P-256 or of Ed25519. */
const SECRET_BYTES = 32;

interface CertifiedKey {
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
}

/**
 * What a file holds of private keys: PEM that says so, and the private halves of `certified`
 * wherever they stand in it, bare or within a structure, in bytes, in hexadecimal or in base64.
 */
export function privateKeysIn(
	content: Buffer,
	certified: readonly CertifiedKey[],
): string[] {
	const found = new Set<string>();
	if (content.includes("PRIVATE KEY-----")) found.add("a private key in PEM");
	const publics = new Set(
		certified.map(({ publicKey }) => Buffer.from(publicKey).toString("hex")),
	);
	const algorithms = new Set(certified.map(({ algorithm }) => algorithm));
	for (const candidate of candidatesIn(content))
		for (const algorithm of algorithms)
			if (publics.has(publicOf(algorithm, candidate) ?? ""))
				found.add("the private half of a certified key");
	return [...found];
}

function* candidatesIn(content: Buffer): Generator<Buffer> {
	// A random key of 32 bytes that are all text does not happen.
	for (const window of windows(content))
		if (window.some((byte) => byte > 0x7e || (byte < 0x20 && byte !== 0x0a)))
			yield window;
	const text = content.toString("latin1");
	for (const [digits] of text.matchAll(/(?:[0-9a-fA-F]{2}){32,}/g))
		yield* windows(Buffer.from(digits, "hex"));
	// PEM breaks its lines, and JSON writes a break as \n.
	const joined = text.replace(/\r|\n|\\r|\\n/g, "");
	for (const [digits] of joined.matchAll(/[A-Za-z0-9+/]{43,}/g))
		yield* windows(Buffer.from(digits, "base64"));
	for (const [digits] of text.matchAll(/[A-Za-z0-9_-]{43,}/g))
		if (/[-_]/.test(digits)) yield* windows(Buffer.from(digits, "base64url"));
}

/** A random key of 32 bytes has more different ones; the pages of a database, which are mostly empty, do not. */
const MIN_DIFFERENT = 12;

function* windows(bytes: Buffer): Generator<Buffer> {
	const counts = new Uint8Array(256);
	let different = 0;
	for (let end = 1; end <= bytes.length; end++) {
		const entering = bytes[end - 1] as number;
		if (counts[entering] === 0) different++;
		counts[entering] = (counts[entering] as number) + 1;
		const at = end - SECRET_BYTES;
		if (at < 0) continue;
		if (different >= MIN_DIFFERENT) yield bytes.subarray(at, end);
		const leaving = bytes[at] as number;
		counts[leaving] = (counts[leaving] as number) - 1;
		if (counts[leaving] === 0) different--;
	}
}

const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** One for all candidates: making it takes as long as using it. */
const P256: node.ECDH = node.createECDH("prime256v1");

/** The public key to these 32 bytes, in hexadecimal; `undefined` when they are no private key. */
function publicOf(
	algorithm: SignatureAlgorithm,
	secret: Buffer,
): string | undefined {
	if (algorithm === "Ed25519")
		return node
			.createPublicKey(
				node.createPrivateKey({
					key: Buffer.concat([ED25519_PKCS8, secret]),
					format: "der",
					type: "pkcs8",
				}),
			)
			.export({ format: "raw-public" })
			.toString("hex");
	try {
		P256.setPrivateKey(secret);
		return P256.getPublicKey("hex");
	} catch {
		return undefined;
	}
}
