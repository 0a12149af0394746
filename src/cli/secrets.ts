/* Flags that say where a key is, and where its passphrase or PIN comes from. */
import { type Command, Option } from "commander";
import type { HomeSecrets } from "../device/home/index.ts";
import { TetradError } from "../errors.ts";
import {
	type KeyLocation,
	type SecretSource,
	secretFromEnvironment,
	secretFromFile,
	secretFromPrompt,
} from "../keys/index.ts";

export interface SecretFlags {
	readonly passphraseFile?: string;
	readonly passphraseEnv?: string;
	readonly pinFile?: string;
	readonly pinEnv?: string;
}

export interface KeyFlags {
	readonly key?: string;
	readonly unsafeUnsealedKey?: true;
}

/** For every command that opens a key. */
export function addSecretFlags(command: Command): Command {
	return command
		.option(
			"--passphrase-file <file>",
			"the passphrase of a sealed key is the line in this file; asked for unless given",
		)
		.option(
			"--passphrase-env <name>",
			"the passphrase is in this environment variable",
		)
		.option(
			"--pin-file <file>",
			"the PIN of a token, where its URI has no pin-source",
		)
		.option("--pin-env <name>", "the PIN is in this environment variable");
}

export interface OwnerFlags {
	readonly ownerPassphraseFile?: string;
	readonly ownerPassphraseEnv?: string;
}

/** For every command that needs the secret of a purse's owner. */
export function addOwnerFlags(command: Command): Command {
	return command
		.option(
			"--owner-passphrase-file <file>",
			"the passphrase of the purse's owner is the line in this file; asked for unless given",
		)
		.option(
			"--owner-passphrase-env <name>",
			"the owner's passphrase is in this environment variable",
		);
}

export function ownerSecret({
	ownerPassphraseFile: file,
	ownerPassphraseEnv: variable,
}: OwnerFlags): SecretSource {
	return source("--owner-passphrase", file, variable) ?? secretFromPrompt();
}

/** For every command that makes a key. */
export function addKeyFlags(command: Command): Command {
	return command
		.option(
			"--key <uri>",
			"make the key in a token: a pkcs11: URI with object= and module-path=; a sealed file unless given",
		)
		.addOption(
			new Option(
				"--unsafe-unsealed-key",
				"leave the key in clear in a file; whoever reads the disk has it",
			),
		);
}

export const algorithmFlag = (): Option =>
	new Option("--algorithm <algorithm>", "what the key signs with")
		.choices(["P-256", "Ed25519"])
		.default("P-256");

export function secretsOf(flags: SecretFlags): HomeSecrets {
	const { passphraseFile, passphraseEnv, pinFile, pinEnv } = flags;
	const pin = source("--pin", pinFile, pinEnv);
	return {
		passphrase:
			source("--passphrase", passphraseFile, passphraseEnv) ??
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
