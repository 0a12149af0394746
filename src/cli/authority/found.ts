/* Commands that make an authority: a root, or an intermediate below one. */
import { type Command, Option } from "commander";
import type { SignatureAlgorithm } from "../../crypto/index.ts";
import {
	installIntermediate,
	makeRoot,
	type NewAuthority,
	readRoots,
	requestIntermediate,
} from "../../device/authority/index.ts";
import { readCarriedPem, writeCarried } from "../../device/home/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type AuthorityKind,
	MAX_CHAIN_BYTES,
	parsePem,
	type TamperResistance,
} from "../../identity/index.ts";
import { jsonFlag, levels } from "../flags.ts";
import {
	addKeyFlags,
	addSecretFlags,
	algorithmFlag,
	type KeyFlags,
	newKeyLocation,
	type SecretFlags,
	secretsOf,
} from "../secrets.ts";
import { say, sayJson } from "../voice.ts";

interface FoundFlags extends KeyFlags, SecretFlags {
	readonly home: string;
	readonly algorithm: SignatureAlgorithm;
	readonly attests?: TamperResistance[];
	readonly json?: true;
}

const kindFlag = () =>
	new Option("--kind <kind>", "what it certifies: agents or modules").choices([
		"agency",
		"bank",
	]);

const ATTESTS_FLAG = [
	"--attests <levels>",
	"levels of tamper resistance that it may attest, with commas; software attests nothing",
] as const;

export function addInitCommand(authority: Command): void {
	const init = authority
		.command("init")
		.description("make a root, whose key can stay offline")
		.addOption(kindFlag().makeOptionMandatory())
		.requiredOption("--name <name>", "the name in its certificate")
		.requiredOption("--home <folder>", "a new folder for the authority")
		.option(...ATTESTS_FLAG, levels)
		.addOption(algorithmFlag());
	addSecretFlags(addKeyFlags(init))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  A root whose key is sealed with a passphrase, which is asked for:
    tetrad authority init --kind agency --name "Example Agency" --home root
  A root whose key is in a token, and which may attest tokens and TPMs:
    tetrad authority init --kind bank --name "Example Bank" --home root --attests software,token,tpm \\
      --key "pkcs11:token=bank;object=root?module-path=/usr/lib/softhsm/libsofthsm2.so" --pin-file pin`,
		)
		.action(
			async (flags: FoundFlags & { kind: AuthorityKind; name: string }) => {
				const { home, kind, name } = flags;
				await makeRoot(
					home,
					{ ...newAuthority(flags), kind, name },
					secretsOf(flags),
				);
				if (flags.json) sayJson({ kind, name, home, root: `${home}/root.pem` });
				else
					say(
						`made the ${kind} ${name}; devices that trust it need ${home}/root.pem`,
					);
			},
		);
}

export function addRequestCommand(authority: Command): void {
	const request = authority
		.command("request")
		.description(
			"make an intermediate's key, and its request to the authority above it; given again, the request for a renewed certificate",
		)
		.addOption(kindFlag())
		.option("--name <name>", "the name in its certificate")
		.requiredOption("--home <folder>", "the intermediate's folder")
		.requiredOption("--out <file>", "the request, to be carried")
		.option(...ATTESTS_FLAG, levels)
		.addOption(algorithmFlag());
	addSecretFlags(addKeyFlags(request))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  A new intermediate:
    tetrad authority request --kind agency --name "Example Agency 1" --home agency --out agency.csr
  The certificate of one that is there is to be renewed:
    tetrad authority request --home agency --out agency.csr`,
		)
		.action(
			async (
				flags: FoundFlags & {
					kind?: AuthorityKind;
					name?: string;
					out: string;
				},
			) => {
				const { home, kind, name, out } = flags;
				if ((kind === undefined) !== (name === undefined))
					throw new TetradError(
						"invalid-argument",
						"say --kind and --name for a new intermediate, and neither for one that is there",
					);
				const wanted =
					kind === undefined || name === undefined
						? undefined
						: { ...newAuthority(flags), kind, name };
				const { pem, hash, settings } = await requestIntermediate(
					home,
					wanted,
					secretsOf(flags),
				);
				await writeCarried(out, pem);
				const told = { kind: settings.kind, name: settings.name, home, out };
				if (flags.json) sayJson({ ...told, sha256: hash });
				else {
					say(`wrote the request of the ${told.kind} ${told.name} to ${out}`);
					say(`SHA-256 ${hash}`);
				}
			},
		);
}

export function addInstallCommand(authority: Command): void {
	authority
		.command("install")
		.description(
			"install the certificate that answers an intermediate's request",
		)
		.requiredOption("--home <folder>", "the intermediate's folder")
		.requiredOption(
			"--certificate <file>",
			"what the authority above it issued",
		)
		.requiredOption("--root <path>", "root.pem of the root, or its folder")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad authority install --home agency --certificate agency.pem --root root.pem`,
		)
		.action(
			async (flags: {
				home: string;
				certificate: string;
				root: string;
				json?: true;
			}) => {
				const { home } = flags;
				const chain = await readCarriedPem(
					flags.certificate,
					2 * MAX_CHAIN_BYTES,
					parsePem,
				);
				const [root, second] = await readRoots(flags.root);
				if (root === undefined || second !== undefined)
					throw new TetradError(
						"file-unusable",
						`${flags.root} does not hold one root; name the file of the root above this authority`,
					);
				await installIntermediate(home, chain, root);
				if (flags.json) sayJson({ home, certificates: chain.length });
				else say(`installed; ${home} issues now`);
			},
		);
}

function newAuthority(flags: FoundFlags): Omit<NewAuthority, "kind" | "name"> {
	const { algorithm, attests = [] } = flags;
	return { algorithm, attests, key: newKeyLocation(flags) };
}
