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
import type { KeyFlags, SecretFlags } from "../secret-flags.ts";
import { newKeyLocation, secretsOf } from "../secrets.ts";
import { say, sayJson } from "../voice.ts";

interface FoundFlags extends KeyFlags, SecretFlags {
	readonly home: string;
	readonly algorithm: SignatureAlgorithm;
	readonly attests?: TamperResistance[];
	readonly json?: true;
}

export interface InitFlags extends FoundFlags {
	readonly kind: AuthorityKind;
	readonly name: string;
}

export async function init(flags: InitFlags): Promise<void> {
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
}

export interface RequestFlags extends FoundFlags {
	readonly kind?: AuthorityKind;
	readonly name?: string;
	readonly out: string;
}

export async function request(flags: RequestFlags): Promise<void> {
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
}

export interface InstallFlags {
	readonly home: string;
	readonly certificate: string;
	readonly root: string;
	readonly json?: true;
}

export async function install(flags: InstallFlags): Promise<void> {
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
}

function newAuthority(flags: FoundFlags): Omit<NewAuthority, "kind" | "name"> {
	const { algorithm, attests = [] } = flags;
	return { algorithm, attests, key: newKeyLocation(flags) };
}
