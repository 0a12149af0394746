import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nodeCrypto, type SignatureAlgorithm } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type AuthorityKind,
	type Certificate,
	encodeChain,
	isAuthorityName,
	issueRoot,
	makeAuthorityRequest,
	parseCertificate,
	parsePemBlock,
	parseRequest,
	parseTrustAnchor,
	printPem,
	printPemBlock,
	TAMPER_RESISTANCE,
	type TamperResistance,
	type TrustAnchor,
	validateAuthority,
} from "../../identity/index.ts";
import type { KeyLocation } from "../../keys/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	ensureKey,
	type HomeSecrets,
	isThere,
	keyLocation,
	lockHome,
	makePrivateFolder,
	parseJson,
	readCertificates,
	readText,
	replaceFile,
	requireHome,
	requireNoKey,
	unusable,
} from "../home/index.ts";
import { BACKDATE_MS, ROOT_VALIDITY_MS } from "./validity.ts";

/*
 * The home folder of an authority, which only its owner may read:
 *
 *   authority.json   kind, name, and where the key is
 *   root.pem         the root, which every device that trusts the authority needs
 *   chain.pem        of an intermediate: its certificate and those above it, without the root
 *   request.pem      of an intermediate: what it asks the authority above it
 *   register.jsonl   what was issued, revoked and published (authority-register.ts)
 *   key.…            the key, unless it is in a token
 *
 * authority.json comes first and the certificate last: whatever is interrupted between the two
 * goes on when the command is given again.
 */

interface AuthoritySettings {
	readonly version: 1;
	readonly kind: AuthorityKind;
	/** Whether it is below another authority. */
	readonly intermediate: boolean;
	readonly name: string;
	readonly algorithm: SignatureAlgorithm;
	/** Levels of tamper resistance that it may attest, or wishes to. */
	readonly attests: TamperResistance[];
	readonly key: KeyLocation;
}

const authorityFile: z.ZodType<AuthoritySettings> = z.strictObject({
	version: z.literal(1),
	kind: z.enum(["agency", "bank"]),
	intermediate: z.boolean(),
	name: z.string().refine(isAuthorityName, "is no name of an authority"),
	algorithm: z.enum(["P-256", "Ed25519"]),
	attests: z.array(z.enum(TAMPER_RESISTANCE)),
	key: keyLocation,
});

/** What a new authority is to be. */
export interface NewAuthority {
	readonly kind: AuthorityKind;
	readonly name: string;
	readonly algorithm: SignatureAlgorithm;
	readonly attests: readonly TamperResistance[];
	readonly key: KeyLocation;
}

/** An authority's home without its key. */
export interface AuthorityFiles {
	readonly home: string;
	readonly settings: AuthoritySettings;
	/** What devices trust. */
	readonly root: TrustAnchor;
	/** The certificate of this authority. */
	readonly certificate: Certificate;
	/** Its certificate and those above it, without the root, in DER; empty for a root. */
	readonly chain: readonly Uint8Array[];
}

/**
 * Makes a root in `home`, valid for ten years. Throws `home-unusable` when there is an authority
 * already, `busy` while another process is at it, and as `createKey` does.
 */
export async function makeRoot(
	home: string,
	authority: NewAuthority,
	secrets: HomeSecrets,
): Promise<void> {
	requireName(authority.name);
	await makePrivateFolder(home);
	await using _ = await lockHome(home);
	if (await isThere(join(home, "root.pem"))) throw isTaken(home);
	const resumed = await begin(home, authority, false, secrets);
	await using signer = await ensureKey(home, authority, secrets, resumed);
	const now = Date.now();
	const root = await issueRoot(nodeCrypto, {
		...authority,
		signer,
		notBefore: now - BACKDATE_MS,
		notAfter: now + ROOT_VALIDITY_MS,
	});
	await replaceFile(join(home, "root.pem"), printPem([root]));
}

/**
 * The request of an intermediate, in PEM, and its SHA-256. It makes the key when there is none
 * yet; of an intermediate that is there already it makes a request for the same name and key, by
 * which its certificate is renewed. Throws as `makeRoot` does.
 */
export async function requestIntermediate(
	home: string,
	wanted: NewAuthority | undefined,
	secrets: HomeSecrets,
): Promise<{ pem: string; hash: string; settings: AuthoritySettings }> {
	if (wanted === undefined) await requireHome(home, "authority");
	else {
		requireName(wanted.name);
		await makePrivateFolder(home);
	}
	await using _ = await lockHome(home);
	const resumed =
		wanted === undefined || (await begin(home, wanted, true, secrets));
	const settings = await readSettings(home);
	if (!settings.intermediate)
		throw unusable(
			`${home} is the home of a root, which nobody certifies; make the intermediate in another folder`,
		);
	const path = join(home, "request.pem");
	if (wanted === undefined || !(await isThere(path))) {
		await using signer = await ensureKey(home, settings, secrets, resumed);
		const der = await makeAuthorityRequest(nodeCrypto, { ...settings, signer });
		await replaceFile(path, printPemBlock("CERTIFICATE REQUEST", der));
	}
	const pem = await readText(path);
	const der = parsePemBlock(pem, "CERTIFICATE REQUEST");
	return { pem, hash: hex(nodeCrypto.sha256(der)), settings };
}

/**
 * Installs the certificate of an intermediate, and the root above it. No key is touched. Throws
 * `chain-refused` for a certificate that is not for this authority or leads to another root.
 */
export async function installIntermediate(
	home: string,
	chain: readonly Uint8Array[],
	rootDer: Uint8Array,
): Promise<void> {
	await requireHome(home, "authority");
	await using _ = await lockHome(home);
	const settings = await readSettings(home);
	const root = parseTrustAnchor(nodeCrypto, rootDer);
	const { certificate } = validateAuthority(
		nodeCrypto,
		encodeChain(chain),
		[root],
		Date.now(),
	);
	const pem = await readText(join(home, "request.pem")).catch((cause) => {
		throw unusable(
			`${home} has asked for no certificate; begin with: tetrad authority request --home ${home}`,
			cause,
		);
	});
	const { name, kind } = settings;
	const requested = parseRequest(
		nodeCrypto,
		parsePemBlock(pem, "CERTIFICATE REQUEST"),
	);
	if (
		root.kind !== kind ||
		!sameBytes(certificate.publicKey, requested.publicKey) ||
		certificate.algorithm !== requested.algorithm
	)
		throw new TetradError(
			"chain-refused",
			`that certificate is not for the key of the ${kind} ${name}; install the one that answers its request`,
		);
	await replaceRoot(home, rootDer);
	// Last: without it there is no authority, or the one that was.
	await replaceFile(join(home, "chain.pem"), printPem(chain));
}

async function replaceRoot(home: string, rootDer: Uint8Array): Promise<void> {
	const path = join(home, "root.pem");
	if (await isThere(path)) {
		const [held] = await readCertificates(path);
		if (
			held !== undefined &&
			!sameBytes(
				parseCertificate(held).publicKey,
				parseCertificate(rootDer).publicKey,
			)
		)
			throw new TetradError(
				"chain-refused",
				`${home} is below another root, and devices would lose their ids; make an intermediate of the new root in another folder`,
			);
	}
	await replaceFile(path, printPem([rootDer]));
}

/** Reads an authority's home without its key. Throws `home-unusable` with what is wrong and what to do. */
export async function readAuthorityFiles(
	home: string,
): Promise<AuthorityFiles> {
	await requireHome(home, "authority");
	const settings = await readSettings(home);
	const last = settings.intermediate ? "chain.pem" : "root.pem";
	if (!(await isThere(join(home, last))))
		throw unusable(
			settings.intermediate
				? `the ${settings.kind} ${settings.name} has no certificate yet; carry its request to the authority above it, and then: tetrad authority install --home ${home} …`
				: `there is no root.pem in ${home}: the authority was not finished, so give the same tetrad authority init again, or the file was lost`,
		);
	const [rootDer] = await readCertificates(join(home, "root.pem"));
	const chain = settings.intermediate
		? await readCertificates(join(home, "chain.pem"))
		: [];
	const root = parseTrustAnchor(nodeCrypto, rootDer ?? new Uint8Array());
	const certificate = parseCertificate(chain[0] ?? root.certificate.der);
	return { home, settings, root, certificate, chain };
}

/** Roots in DER, from an authority's home or from a PEM file; no key is touched. */
export async function readRoots(path: string): Promise<Uint8Array[]> {
	return readCertificates(
		path.endsWith(".pem") ? path : join(path, "root.pem"),
	);
}

/** Writes the settings of a new authority; returns whether the same one was begun earlier. */
async function begin(
	home: string,
	{ kind, name, algorithm, attests, key }: NewAuthority,
	intermediate: boolean,
	secrets: HomeSecrets,
): Promise<boolean> {
	const path = join(home, "authority.json");
	const settings: AuthoritySettings = {
		version: 1,
		kind,
		intermediate,
		name,
		algorithm,
		attests: [...attests],
		key,
	};
	if (await isThere(path)) {
		const held = await readSettings(home);
		if (JSON.stringify(held) !== JSON.stringify(settings)) throw isTaken(home);
		return true;
	}
	await requireNoKey(key, { folder: home, ...secrets });
	await replaceFile(path, `${JSON.stringify(settings, null, "\t")}\n`);
	await rm(join(home, "request.pem"), { force: true });
	return false;
}

async function readSettings(home: string): Promise<AuthoritySettings> {
	const path = join(home, "authority.json");
	return parseJson(authorityFile, await readText(path), path);
}

function requireName(name: string): void {
	if (!isAuthorityName(name))
		throw new TetradError(
			"invalid-argument",
			"the name of an authority has 1 to 64 printable ASCII characters",
		);
}

function isTaken(home: string): TetradError {
	return unusable(
		`${home} holds an authority already, and an existing home is never overwritten; choose another folder`,
	);
}
