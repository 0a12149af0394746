/* Flags that say where a key is, and where its passphrase or PIN comes from. */
import { type Command, Option } from "commander";

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

export interface OwnerFlags {
	readonly ownerPassphraseFile?: string;
	readonly ownerPassphraseEnv?: string;
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
