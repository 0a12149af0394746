/*
 * A sealed file, version 1, with a key, a secret or a backup. All numbers are big-endian; all before the ciphertext is the
 * associated data of the AEAD, so that nothing in the file can change unnoticed.
 *
 *   offset  bytes
 *        0     16  "tetrad/1 sealed" and a line feed
 *       16      1  what is in it: 1 is a key for P-256, 2 one for Ed25519, 3 a secret,
 *                4 a backup
 *       17      4  Argon2id (RFC 9106, version 1.3): memory in KiB
 *       21      4  passes
 *       25      4  lanes
 *       29     16  salt, random
 *       45     12  nonce, random
 *       57  n + 16 AES-256-GCM of the private key in PKCS#8 DER, of the secret or of the backup,
 *                  under the 32 bytes of Argon2id, and its tag; n is 138 for P-256, 48 for Ed25519,
 *                  32 for a secret, and 1 to 2^30 for a backup
 */
import { argon2 } from "node:crypto";
import { promisify } from "node:util";
import {
	KEY_BYTES,
	nodeCrypto,
	type SignatureAlgorithm,
	TAG_BYTES,
} from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { concat, sameBytes, utf8 } from "../wire/index.ts";
import { MAX_BACKUP_BYTES } from "./limits.ts";
import {
	parsePrivateKeyDer,
	privateKeyDer,
	type SoftwareKey,
} from "./software.ts";

/** What Argon2id costs whoever tries a passphrase (RFC 9106, 3.1). */
export interface PassphraseCost {
	/** Memory in KiB, at least 8 for each lane. */
	readonly memoryKib: number;
	readonly passes: number;
	readonly lanes: number;
}

/**
 * OWASP's first choice for Argon2id, in its Password Storage Cheat Sheet: 46 MiB, one pass, one
 * lane. Measured on two cores: 190 ms, where the second choice of RFC 9106, section 4, takes 300 to 430.
 */
export const DEFAULT_COST: PassphraseCost = {
	memoryKib: 47_104,
	passes: 1,
	lanes: 1,
};

/** What a file may ask of us. It is held against these before anything is allocated for it. */
const MAX_COST: PassphraseCost = {
	memoryKib: 262_144,
	passes: 10,
	lanes: 16,
};

// Specification constants: a change makes another version of the file.

const MAGIC: Uint8Array = utf8("tetrad/1 sealed\n");
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const HEADER_BYTES: number =
	MAGIC.length + 1 + 3 * 4 + SALT_BYTES + NONCE_BYTES;

/** What a sealed file can hold. */
type Kind = SignatureAlgorithm | "secret" | "backup";

const KINDS: Readonly<Record<number, Kind>> = {
	1: "P-256",
	2: "Ed25519",
	3: "secret",
	4: "backup",
};

/** The least and the most. */
const CONTENT_BYTES: Readonly<Record<Kind, readonly [number, number]>> = {
	"P-256": [138, 138],
	Ed25519: [48, 48],
	secret: [KEY_BYTES, KEY_BYTES],
	backup: [1, MAX_BACKUP_BYTES],
};

/** What a sealed file adds to its content, in bytes. */
export const SEAL_BYTES: number = HEADER_BYTES + TAG_BYTES;

interface Header {
	readonly kind: Kind;
	readonly cost: PassphraseCost;
	readonly salt: Uint8Array;
	readonly nonce: Uint8Array;
	readonly bytes: Uint8Array;
	readonly sealed: Uint8Array;
}

const derive = promisify(argon2);

/** The content of a sealed file for `key`. Rejects with `invalid-argument` for a cost that could not be read back. */
export async function sealKey(
	key: SoftwareKey,
	passphrase: Uint8Array,
	cost: PassphraseCost = DEFAULT_COST,
): Promise<Uint8Array> {
	const der = privateKeyDer(key);
	try {
		return await seal(key.algorithm, der, passphrase, cost);
	} finally {
		der.fill(0);
	}
}

/** The content of a sealed file for a secret of 32 bytes. Rejects as `sealKey`. */
export function sealSecret(
	secret: Uint8Array,
	passphrase: Uint8Array,
	cost: PassphraseCost = DEFAULT_COST,
): Promise<Uint8Array> {
	return seal("secret", secret, passphrase, cost);
}

/** The content of a sealed file for a backup. Rejects as `sealKey`, and with `limit-exceeded` for one that is too large. */
export async function sealBackup(
	backup: Uint8Array,
	passphrase: Uint8Array,
	cost: PassphraseCost = DEFAULT_COST,
): Promise<Uint8Array> {
	if (backup.length > MAX_BACKUP_BYTES)
		throw new TetradError(
			"limit-exceeded",
			`a backup has at most ${MAX_BACKUP_BYTES} bytes, and this would have ${backup.length}`,
		);
	return seal("backup", backup, passphrase, cost);
}

async function seal(
	kind: Kind,
	content: Uint8Array,
	passphrase: Uint8Array,
	cost: PassphraseCost,
): Promise<Uint8Array> {
	if (!isBearable(cost))
		throw new TetradError(
			"invalid-argument",
			`the cost of a passphrase is at most ${MAX_COST.memoryKib} KiB, ${MAX_COST.passes} passes and ${MAX_COST.lanes} lanes, with 8 KiB or more for each lane`,
		);
	if (!isLengthOf(kind, content.length))
		throw new TetradError("internal", "what is to be sealed has an odd length");
	const salt = nodeCrypto.random(SALT_BYTES);
	const nonce = nodeCrypto.random(NONCE_BYTES);
	const numbers = Buffer.alloc(13);
	numbers.writeUInt8(Object.values(KINDS).indexOf(kind) + 1);
	numbers.writeUInt32BE(cost.memoryKib, 1);
	numbers.writeUInt32BE(cost.passes, 5);
	numbers.writeUInt32BE(cost.lanes, 9);
	const header = concat(MAGIC, numbers, salt, nonce);
	const sealed = await withAead(passphrase, cost, salt, (aead) =>
		aead.seal(nonce, header, content),
	);
	return concat(header, sealed);
}

/**
 * The key in the content of a sealed file. `undefined` for content that is none or asks for
 * more than the limits, `"not-opened"` for a wrong passphrase or an altered file, which nobody
 * can tell apart.
 */
export async function unsealKey(
	content: Uint8Array,
	passphrase: () => Promise<Uint8Array>,
): Promise<SoftwareKey | "not-opened" | undefined> {
	const header = parseHeader(content);
	if (
		header === undefined ||
		header.kind === "secret" ||
		header.kind === "backup"
	)
		return undefined;
	const der = await unseal(header, passphrase);
	if (der === undefined) return "not-opened";
	try {
		const view = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
		const key = await parsePrivateKeyDer(view);
		return key?.algorithm === header.kind ? key : undefined;
	} finally {
		der.fill(0);
	}
}

/** The secret in the content of a sealed file, in a buffer that is the caller's to wipe; otherwise as `unsealKey`. */
export async function unsealSecret(
	content: Uint8Array,
	passphrase: () => Promise<Uint8Array>,
): Promise<Uint8Array | "not-opened" | undefined> {
	const header = parseHeader(content);
	if (header?.kind !== "secret") return undefined;
	return (await unseal(header, passphrase)) ?? "not-opened";
}

/** The backup in the content of a sealed file; otherwise as `unsealSecret`. */
export async function unsealBackup(
	content: Uint8Array,
	passphrase: () => Promise<Uint8Array>,
): Promise<Uint8Array | "not-opened" | undefined> {
	const header = parseHeader(content);
	if (header?.kind !== "backup") return undefined;
	return (await unseal(header, passphrase)) ?? "not-opened";
}

/** Whether the content of a file says that it is a sealed one. */
export function isSealed(content: Uint8Array): boolean {
	return sameBytes(content.subarray(0, MAGIC.length), MAGIC);
}

async function unseal(
	{ cost, salt, nonce, bytes, sealed }: Header,
	passphrase: () => Promise<Uint8Array>,
): Promise<Uint8Array | undefined> {
	const secret = await passphrase();
	try {
		return await withAead(secret, cost, salt, (aead) =>
			aead.open(nonce, bytes, sealed),
		);
	} finally {
		secret.fill(0);
	}
}

function parseHeader(content: Uint8Array): Header | undefined {
	if (content.length < HEADER_BYTES) return undefined;
	if (!isSealed(content)) return undefined;
	const view = new DataView(
		content.buffer,
		content.byteOffset + MAGIC.length,
		content.byteLength - MAGIC.length,
	);
	const kind = KINDS[view.getUint8(0)];
	const cost: PassphraseCost = {
		memoryKib: view.getUint32(1),
		passes: view.getUint32(5),
		lanes: view.getUint32(9),
	};
	if (kind === undefined || !isBearable(cost)) return undefined;
	if (!isLengthOf(kind, content.length - SEAL_BYTES)) return undefined;
	const salt = HEADER_BYTES - NONCE_BYTES - SALT_BYTES;
	return {
		kind,
		cost,
		salt: content.subarray(salt, salt + SALT_BYTES),
		nonce: content.subarray(HEADER_BYTES - NONCE_BYTES, HEADER_BYTES),
		bytes: content.subarray(0, HEADER_BYTES),
		sealed: content.subarray(HEADER_BYTES),
	};
}

function isLengthOf(kind: Kind, bytes: number): boolean {
	const [least, most] = CONTENT_BYTES[kind];
	return bytes >= least && bytes <= most;
}

/** Within the limits, and within what Argon2 itself demands. */
export function isBearable({
	memoryKib,
	passes,
	lanes,
}: PassphraseCost): boolean {
	const within = (value: number, min: number, max: number): boolean =>
		Number.isInteger(value) && value >= min && value <= max;
	return (
		within(lanes, 1, MAX_COST.lanes) &&
		within(passes, 1, MAX_COST.passes) &&
		within(memoryKib, 8 * lanes, MAX_COST.memoryKib)
	);
}

async function withAead<T>(
	passphrase: Uint8Array,
	cost: PassphraseCost,
	salt: Uint8Array,
	use: (aead: ReturnType<typeof nodeCrypto.aead>) => T,
): Promise<T> {
	const key = await stretch(passphrase, cost, salt);
	try {
		return use(nodeCrypto.aead("AESGCM", key));
	} finally {
		key.fill(0);
	}
}

/** 32 bytes that follow from a passphrase, in a buffer that the caller wipes. The cost is one that `isBearable`. */
export function stretch(
	passphrase: Uint8Array,
	cost: PassphraseCost,
	salt: Uint8Array,
): Promise<Buffer> {
	return derive("argon2id", {
		message: passphrase,
		nonce: salt,
		memory: cost.memoryKib,
		passes: cost.passes,
		parallelism: cost.lanes,
		tagLength: KEY_BYTES,
	});
}
