import * as node from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { nodeCrypto, type SignatureAlgorithm } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import type { Signer } from "../identity/index.ts";
import { utf8 } from "../wire/index.ts";

/** A key file larger than this is none of ours. */
const MAX_KEY_FILE_BYTES = 16 * 1024;

const OWNER_ONLY = 0o600;
const GROUP_AND_OTHERS = 0o077;

let exportPem: (key: SoftwareKey) => string;

/**
 * A signing key in the memory of this process, and so only as safe as this process: whoever
 * can read its memory has the key. It has no getter for its private half.
 */
export class SoftwareKey implements Signer {
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
	readonly #privateKey: node.KeyObject;

	static {
		// Only this module can write a key to a file.
		exportPem = (key) =>
			key.#privateKey.export({ format: "pem", type: "pkcs8" }) as string;
	}

	/** Takes a private key on P-256 or of Ed25519; throws `key-store-failed` for any other. */
	constructor(privateKey: node.KeyObject) {
		this.algorithm = algorithmOf(privateKey);
		this.publicKey = new Uint8Array(
			node.createPublicKey(privateKey).export({ format: "raw-public" }),
		);
		this.#privateKey = privateKey;
	}

	/**
	 * Signs on the calling thread. Measured with P-256 on two cores: 55 µs so, and 104 µs through
	 * the thread pool, which still costs this thread 20 to 35 µs; two signatures are on the
	 * critical path of every tetrad, so latency wins.
	 */
	async sign(message: Uint8Array): Promise<Uint8Array> {
		const signature =
			this.algorithm === "P-256"
				? node.sign("sha256", message, {
						key: this.#privateKey,
						dsaEncoding: "ieee-p1363",
					})
				: node.sign(null, message, this.#privateKey);
		return new Uint8Array(signature);
	}
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
	const file = await open(
		path,
		constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
		OWNER_ONLY,
	).catch((cause) => {
		throw new TetradError("home-unusable", whyNotCreated(path, cause), {
			cause,
		});
	});
	try {
		await file.writeFile(exportPem(key));
		await file.sync();
		await file.close();
		await syncDirectory(dirname(path));
	} catch (cause) {
		await file.close().catch(() => {});
		await unlink(path).catch(() => {});
		throw new TetradError(
			"home-unusable",
			`the key file ${path} could not be written (${errorCode(cause)}); check the disk`,
			{ cause },
		);
	}
}

/** A new name is durable only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
	await using directory = await open(path, constants.O_RDONLY);
	await directory.sync();
}

/**
 * Reads a key that `writeSoftwareKey`, or OpenSSL, wrote. Everything is checked on the opened
 * file, so nobody can put another in its place between check and use. Rejects with
 * `home-unusable` for a file that is missing, a symbolic link or not regular, belongs to
 * another user, lets anybody else in, or is over 16 KiB, and with `key-store-failed` for
 * content that is not one unencrypted PKCS#8 private key on P-256 or of Ed25519.
 */
export async function readSoftwareKey(path: string): Promise<SoftwareKey> {
	// Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
	const file = await open(
		path,
		constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
	).catch((cause) => {
		throw new TetradError("home-unusable", whyNotOpened(path, cause), {
			cause,
		});
	});
	const content = Buffer.alloc(MAX_KEY_FILE_BYTES + 1);
	try {
		return await parseKey(path, await readChecked(path, file, content));
	} catch (thrown) {
		if (thrown instanceof TetradError) throw thrown;
		throw new TetradError(
			"home-unusable",
			`the key file ${path} could not be read (${errorCode(thrown)}); check the disk`,
			{ cause: thrown },
		);
	} finally {
		content.fill(0);
		await file.close();
	}
}

/** Fills `content` and returns the part of it that was filled. */
async function readChecked(
	path: string,
	file: FileHandle,
	content: Buffer,
): Promise<Buffer> {
	const status = await file.stat();
	if (!status.isFile())
		throw unusable(`${path} is not a regular file; name the key file itself`);
	if (status.uid !== process.getuid?.())
		throw unusable(
			`the key file ${path} belongs to another user; run as its owner, or chown it to the user who runs this`,
		);
	if ((status.mode & GROUP_AND_OTHERS) !== 0)
		throw unusable(
			`the key file ${path} is open to other users; run: chmod 600 ${path}`,
		);
	let length = 0;
	while (length < content.length) {
		const { bytesRead } = await file.read(content, length);
		if (bytesRead === 0) return content.subarray(0, length);
		length += bytesRead;
	}
	throw unusable(
		`the key file ${path} is over ${MAX_KEY_FILE_BYTES} bytes, so it holds something else; name the right file`,
	);
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
	// OpenSSL believes the public key that the file may hold beside the private one.
	const signature = await key.sign(PROBE);
	if (!nodeCrypto.verify(key.algorithm, key.publicKey, PROBE, signature))
		throw damaged(path);
	return key;
}

/** No message of Tetrad, which all begin with "tetrad/1 ". */
const PROBE: Uint8Array = utf8(
	"do the two halves of this key belong together?",
);

function damaged(path: string): TetradError {
	return unreadable(
		path,
		"is damaged; restore it from a backup, or make a new key and have it certified",
	);
}

function unusable(what: string): TetradError {
	return new TetradError("home-unusable", what);
}

function unreadable(path: string, what: string): TetradError {
	return new TetradError("key-store-failed", `the key file ${path} ${what}`);
}

function whyNotCreated(path: string, cause: unknown): string {
	const code = errorCode(cause);
	if (code === "EEXIST")
		return `${path} exists already, and a key is never overwritten; move it away first`;
	if (code === "ENOENT")
		return `${path} cannot be made because its folder is missing; make it with: mkdir -p -m 700 ${dirname(path)}`;
	return `${path} cannot be made (${code}); check the permissions of ${dirname(path)}`;
}

function whyNotOpened(path: string, cause: unknown): string {
	const code = errorCode(cause);
	if (code === "ENOENT")
		return `there is no key file ${path}; make the key first`;
	if (code === "ELOOP")
		return `${path} is a symbolic link; name the key file itself`;
	if (code === "EACCES")
		return `the key file ${path} may not be read; run as its owner, or run: chmod 600 ${path}`;
	return `the key file ${path} cannot be opened (${code}); check the path`;
}

function errorCode(cause: unknown): string {
	return cause instanceof Error && "code" in cause
		? String(cause.code)
		: "unknown";
}
