import { nodeCrypto } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { hex } from "../wire/index.ts";
import { MAX_KEY_FILE_BYTES } from "./limits.ts";
import {
	type OwnerFileKind,
	readOwnerFile,
	unusable,
	writeOwnerFile,
} from "./owner-file.ts";
import {
	isSealed,
	type PassphraseCost,
	sealSecret,
	unsealSecret,
} from "./sealed.ts";
import { requireSecret, type SecretSource } from "./secret.ts";

/** Of a secret that a device makes for itself. */
const SECRET_BYTES = 32;

const SECRET_FILE: OwnerFileKind = {
	noun: "secret file",
	maxBytes: MAX_KEY_FILE_BYTES,
	whenMissing: "restore it from a backup",
};

/**
 * Makes a secret of 32 random bytes in a new file for its owner only: sealed with a passphrase, or
 * in clear, as 64 hexadecimal digits, where there is none. Rejects with `home-unusable`, also when
 * the file is there.
 */
export async function createSecretFile(
	path: string,
	passphrase?: SecretSource,
	cost?: PassphraseCost,
): Promise<Uint8Array> {
	const secret = nodeCrypto.random(SECRET_BYTES);
	const content =
		passphrase === undefined
			? `${hex(secret)}\n`
			: await sealed(path, secret, passphrase, cost);
	await writeOwnerFile(path, SECRET_FILE.noun, content, () =>
		unusable(`${path} is there already, and a secret is never made anew`),
	);
	return secret;
}

/** The secret in such a file. Rejects as `readOwnerFile` does, and with `key-store-failed` when it cannot be opened. */
export async function readSecretFile(
	path: string,
	passphrase?: SecretSource,
): Promise<Uint8Array> {
	const content = await readOwnerFile(path, SECRET_FILE);
	if (!isSealed(content)) return inClear(path, content);
	const secret = await unsealSecret(content, () => ask(path, passphrase));
	if (secret === undefined) throw damaged(path);
	if (secret === "not-opened")
		throw new TetradError(
			"key-store-failed",
			`${path} could not be opened: the passphrase is wrong or the file was changed; try the passphrase again, or restore the file from a backup`,
		);
	return secret;
}

async function sealed(
	path: string,
	secret: Uint8Array,
	source: SecretSource,
	cost: PassphraseCost | undefined,
): Promise<Uint8Array> {
	const passphrase = await ask(path, source);
	try {
		return await sealSecret(secret, passphrase, cost);
	} finally {
		passphrase.fill(0);
	}
}

async function ask(
	path: string,
	source: SecretSource | undefined,
): Promise<Uint8Array> {
	const what = `passphrase of ${path}`;
	if (source === undefined)
		throw new TetradError(
			"invalid-argument",
			`the secret in ${path} is sealed with a passphrase; say where it comes from: a prompt, a file or an environment variable`,
		);
	return requireSecret(await source({ what, isNew: false }), what);
}

function inClear(path: string, content: Buffer): Uint8Array {
	try {
		const text = content.toString("latin1").trimEnd();
		if (!/^[0-9a-f]{64}$/.test(text)) throw damaged(path);
		return new Uint8Array(Buffer.from(text, "hex"));
	} finally {
		content.fill(0);
	}
}

function damaged(path: string): TetradError {
	return new TetradError(
		"key-store-failed",
		`${path} holds no secret of this version, or is damaged; restore it from a backup`,
	);
}
