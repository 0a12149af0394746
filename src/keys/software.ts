import * as node from "node:crypto";
import { nodeCrypto, type SignatureAlgorithm } from "../crypto/index.ts";
import { TetradError, unreachable } from "../errors.ts";
import type { Signer } from "../identity/index.ts";
import { ed25519Guard, type GuardedEd25519 } from "../provider/index.ts";
import { MAX_KEY_FILE_BYTES } from "./limits.ts";
import { readOwnerFile, unusable, writeOwnerFile } from "./owner-file.ts";
import { PROBE } from "./store.ts";

let exportPem: (key: SoftwareKey) => string;
let exportDer: (key: SoftwareKey) => Buffer;

/** Where the private half is. */
type Held =
	| { readonly kind: "openssl"; readonly privateKey: node.KeyObject }
	| { readonly kind: "guarded"; readonly key: GuardedEd25519 }
	| { readonly kind: "wiped" };

const WIPED: Held = { kind: "wiped" };

/**
 * A signing key in the memory of this process, and so only as safe as this process: whoever
 * can read its memory has the key. It has no getter for its private half. One of Ed25519 moves
 * into guarded memory with the first signature after a device has settled on libsodium, and
 * signs there; until then, and in all other cases, it is in OpenSSL's.
 */
export class SoftwareKey implements Signer {
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
	#held: Held;

	static {
		// Only this room can write a key to a file.
		exportPem = (key) =>
			key.#privateKey().export({ format: "pem", type: "pkcs8" }) as string;
		exportDer = (key) =>
			key.#privateKey().export({ format: "der", type: "pkcs8" }) as Buffer;
	}

	/** Takes a private key on P-256 or of Ed25519; throws `key-store-failed` for any other. */
	constructor(privateKey: node.KeyObject) {
		this.algorithm = algorithmOf(privateKey);
		this.publicKey = new Uint8Array(
			node.createPublicKey(privateKey).export({ format: "raw-public" }),
		);
		this.#held = { kind: "openssl", privateKey };
	}

	/**
	 * Signs on the calling thread. Measured with P-256 on two cores: 55 µs so, and 104 µs through
	 * the thread pool, which still costs this thread 20 to 35 µs; two signatures are on the
	 * critical path of every tetrad, so latency wins.
	 */
	async sign(message: Uint8Array): Promise<Uint8Array> {
		if (this.algorithm === "Ed25519") this.#guard();
		const held = this.#held;
		const signature =
			held.kind === "guarded"
				? held.key.sign(message)
				: this.algorithm === "P-256"
					? node.sign("sha256", message, {
							key: this.#privateKey(),
							dsaEncoding: "ieee-p1363",
						})
					: node.sign(null, message, this.#privateKey());
		if (signature === undefined) throw wiped();
		return new Uint8Array(signature);
	}

	/** Forgets the private half, and overwrites it where it is in guarded memory; OpenSSL does so when it is collected. Signing rejects with `key-store-failed` from then on. */
	wipe(): void {
		if (this.#held.kind === "guarded") this.#held.key.wipe();
		this.#held = WIPED;
	}

	#guard(): void {
		const guard = ed25519Guard();
		if (guard === undefined || this.#held.kind !== "openssl") return;
		const der = this.#held.privateKey.export({ format: "der", type: "pkcs8" });
		try {
			const key = guard(der.subarray(ED25519_PKCS8_PREFIX.length));
			if (key !== undefined) this.#held = { kind: "guarded", key };
		} finally {
			der.fill(0);
		}
	}

	/** As OpenSSL has it, to be written down. */
	#privateKey(): node.KeyObject {
		switch (this.#held.kind) {
			case "openssl":
				return this.#held.privateKey;
			case "guarded": {
				const seed = this.#held.key.seed();
				if (seed === undefined) throw wiped();
				return ed25519FromSeed(seed);
			}
			case "wiped":
				throw wiped();
			default:
				return unreachable(this.#held);
		}
	}
}

/** PKCS#8 in DER of an Ed25519 key (RFC 8410), up to its 32 bytes of seed. */
const ED25519_PKCS8_PREFIX: Uint8Array = Uint8Array.from([
	0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04,
	0x22, 0x04, 0x20,
]);

/** The Ed25519 key of a seed of 32 bytes, which is wiped. */
export function ed25519FromSeed(seed: Uint8Array): node.KeyObject {
	const key = Buffer.alloc(ED25519_PKCS8_PREFIX.length + seed.length);
	try {
		key.set(ED25519_PKCS8_PREFIX);
		key.set(seed, ED25519_PKCS8_PREFIX.length);
		return node.createPrivateKey({ key, format: "der", type: "pkcs8" });
	} finally {
		seed.fill(0);
		key.fill(0);
	}
}

function wiped(): TetradError {
	return new TetradError(
		"key-store-failed",
		"this key was wiped; open it again",
	);
}

function algorithmOf(privateKey: node.KeyObject): SignatureAlgorithm {
	const { type, asymmetricKeyType, asymmetricKeyDetails } = privateKey;
	if (type === "private" && asymmetricKeyType === "ed25519") return "Ed25519";
	if (
		type === "private" &&
		asymmetricKeyType === "ec" &&
		asymmetricKeyDetails?.namedCurve === "prime256v1"
	)
		return "P-256";
	throw new TetradError(
		"key-store-failed",
		"a signing key must be a private key on P-256 or of Ed25519",
	);
}

/** A new key from the system's random source. */
export function generateSoftwareKey(
	algorithm: SignatureAlgorithm,
): SoftwareKey {
	const { privateKey } =
		algorithm === "P-256"
			? node.generateKeyPairSync("ec", { namedCurve: "P-256" })
			: node.generateKeyPairSync("ed25519");
	return new SoftwareKey(privateKey);
}

/**
 * Writes `key` to a new file as PKCS#8 in PEM, unencrypted, readable by its owner only, and
 * resolves when the file and its name are on the disk. Never overwrites. Rejects with
 * `home-unusable` when the file exists or cannot be written; a file half written is removed.
 */
export async function writeSoftwareKey(
	path: string,
	key: SoftwareKey,
): Promise<void> {
	await writeOwnerFile(path, "key file", exportPem(key), () =>
		unusable(
			`${path} exists already, and a key is never overwritten; move it away first`,
		),
	);
}

/** The private key as PKCS#8 in DER, in a buffer that the caller wipes. The room's front door does not show it. */
export function privateKeyDer(key: SoftwareKey): Buffer {
	return exportDer(key);
}

/** What `privateKeyDer` wrote, with its two halves checked; `undefined` for anything else. */
export async function parsePrivateKeyDer(
	der: Buffer,
): Promise<SoftwareKey | undefined> {
	try {
		const key = new SoftwareKey(
			node.createPrivateKey({ key: der, format: "der", type: "pkcs8" }),
		);
		return (await halvesMatch(key)) ? key : undefined;
	} catch {
		return undefined;
	}
}

/**
 * Reads a key that `writeSoftwareKey`, or OpenSSL, wrote. Rejects with `home-unusable` for a
 * file that is missing, a symbolic link or not regular, belongs to another user, lets anybody
 * else in, or is over 16 KiB, and with `key-store-failed` for content that is not one
 * unencrypted PKCS#8 private key on P-256 or of Ed25519.
 */
export async function readSoftwareKey(path: string): Promise<SoftwareKey> {
	const content = await readOwnerFile(path, {
		noun: "key file",
		maxBytes: MAX_KEY_FILE_BYTES,
		whenMissing: "make the key first",
	});
	try {
		return await parseKey(path, content);
	} finally {
		content.fill(0);
	}
}

const BEGIN = "-----BEGIN PRIVATE KEY-----";
const END = "-----END PRIVATE KEY-----";

/** One block and nothing around it, so that it is clear which key was meant. It looks at the buffer, because a string could not be wiped. */
function isOnePkcs8Block(pem: Buffer): boolean {
	const end = pem.indexOf(END);
	return (
		pem.indexOf(BEGIN) === 0 &&
		pem.lastIndexOf("-----BEGIN") === 0 &&
		end !== -1 &&
		pem.subarray(end + END.length).every((byte) => WHITESPACE.has(byte))
	);
}

const WHITESPACE: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20]);

async function parseKey(path: string, pem: Buffer): Promise<SoftwareKey> {
	if (!isOnePkcs8Block(pem))
		throw unreadable(
			path,
			"is not one unencrypted private key in PKCS#8 PEM; convert it with: openssl pkcs8 -topk8 -nocrypt",
		);
	let privateKey: node.KeyObject;
	try {
		privateKey = node.createPrivateKey(pem);
	} catch {
		// The cause is left out: nothing that was read from a key file may reach a log.
		throw damaged(path);
	}
	let key: SoftwareKey;
	try {
		key = new SoftwareKey(privateKey);
	} catch {
		throw unreadable(
			path,
			"is for another algorithm; make a key on P-256 or of Ed25519",
		);
	}
	if (!(await halvesMatch(key))) throw damaged(path);
	return key;
}

/** OpenSSL believes the public key that a file may hold beside the private one. */
async function halvesMatch(key: SoftwareKey): Promise<boolean> {
	const signature = await key.sign(PROBE);
	return nodeCrypto.verify(key.algorithm, key.publicKey, PROBE, signature);
}

function damaged(path: string): TetradError {
	return unreadable(
		path,
		"is damaged; restore it from a backup, or make a new key and have it certified",
	);
}

function unreadable(path: string, what: string): TetradError {
	return new TetradError("key-store-failed", `the key file ${path} ${what}`);
}
