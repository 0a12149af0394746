/* The secrets and the keys that flags name. */
import type { HomeSecrets } from "../device/home/index.ts";
import { TetradError } from "../errors.ts";
import {
	type KeyLocation,
	type SecretSource,
	secretFromEnvironment,
	secretFromFile,
	secretFromPrompt,
} from "../keys/index.ts";
import type { KeyFlags, OwnerFlags, SecretFlags } from "./secret-flags.ts";

/** The passphrase of the owner of the purse in `home`, which is asked for by that name. */
export function ownerSecret({
	home,
	ownerPassphraseFile: file,
	ownerPassphraseEnv: variable,
}: OwnerFlags & { readonly home: string }): SecretSource {
	const found =
		source("--owner-passphrase", file, variable) ?? secretFromPrompt();
	return ({ what, ...request }) =>
		found({ ...request, what: `${what} in ${home}` });
}

/** What is typed at a terminal, which does not show it. */
export async function typedSecret(what: string): Promise<string> {
	const typed = await secretFromPrompt()({ what, isNew: false });
	try {
		return Buffer.from(typed).toString("utf8");
	} finally {
		typed.fill(0);
	}
}

/** What flags name, or else `otherwise`; a passphrase is asked for where neither says where it is. */
export function secretsOf(
	flags: SecretFlags,
	otherwise: HomeSecrets = {},
): HomeSecrets {
	const { passphraseFile, passphraseEnv, pinFile, pinEnv } = flags;
	const pin = source("--pin", pinFile, pinEnv) ?? otherwise.pin;
	return {
		passphrase:
			source("--passphrase", passphraseFile, passphraseEnv) ??
			otherwise.passphrase ??
			secretFromPrompt(),
		...(pin === undefined ? {} : { pin }),
	};
}

function source(
	flag: string,
	file: string | undefined,
	variable: string | undefined,
): SecretSource | undefined {
	if (file !== undefined && variable !== undefined)
		throw new TetradError(
			"invalid-argument",
			`say ${flag}-file or ${flag}-env, and not both`,
		);
	if (file !== undefined) return secretFromFile(file);
	return variable === undefined ? undefined : secretFromEnvironment(variable);
}

export function newKeyLocation({
	key,
	unsafeUnsealedKey,
}: KeyFlags): KeyLocation {
	if (key !== undefined && unsafeUnsealedKey)
		throw new TetradError(
			"invalid-argument",
			"say --key or --unsafe-unsealed-key, and not both",
		);
	if (key !== undefined) return { pkcs11: key };
	return unsafeUnsealedKey
		? { unsafeUnsealedFile: "key.pem" }
		: { file: "key.sealed" };
}
