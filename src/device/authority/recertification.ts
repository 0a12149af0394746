import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type CertifiedDevice,
	type DeviceRole,
	encodeChain,
	makeRenewal,
	makeRequest,
	parseCertificate,
	parsePemBlock,
	printPem,
	printPemBlock,
	type TrustAnchor,
	validateChain,
} from "../../identity/index.ts";
import { besideKey, type KeyLocation, openKey } from "../../keys/index.ts";
import { sameBytes } from "../../wire/index.ts";
import {
	askOnce,
	type DeviceSettings,
	discardKey,
	ensureKey,
	type HomeSecrets,
	isThere,
	type KeyAndChain,
	keyAndChain,
	keyExists,
	keyName,
	lockHome,
	parseJson,
	previousPath,
	readCertificates,
	readDeviceFile,
	readPolicy,
	readPrevious,
	readText,
	replaceFile,
	unusable,
	writeDeviceFile,
	writePrevious,
} from "../home/index.ts";
import { requireNothingHeld } from "../purse/index.ts";
import { readRequestFile, requireAnswers, wishFor } from "./enrolment.ts";

/*
 * How a device comes to its next certificate, with a new key in the same store and under its old
 * device id:
 *
 *   renewal.json    which key is being made, and the file that its chain will be in
 *   renewal.pem     the request of that key
 *   previous.json   keys and chains that were replaced, until they are forgotten
 *
 * device.json names key and chain together, so writing it is the one step from the old to the
 * new. Before it the old ones are whole, and after it the new ones.
 */

const renewalFile = z.strictObject({
	version: z.literal(1),
	...keyAndChain.shape,
});

const RENEWAL = "renewal.json";
const REQUEST = "renewal.pem";

/** How far names are tried that other keys of the same store might have. */
const MAX_TRIES = 64;

/** What a renewal adds to the name of a key, and how long a name may be with it. */
const MAX_BASE_CHARACTERS = 48;

/**
 * Makes a new key beside the current one and a renewal that the current one signs. Given again,
 * it is the same key and request, and a renewal of now. Throws `home-unusable`, `busy` while
 * another process is at it, and as `createKey` and `openKey` do.
 */
export async function beginRecertification(
	home: string,
	secrets: HomeSecrets,
): Promise<{ renewal: Uint8Array; hash: string; settings: DeviceSettings }> {
	await readDeviceFile(home);
	await using _ = await lockHome(home);
	// Only now: whoever was waited for may have changed it.
	const settings = await readDeviceFile(home);
	await dropDone(home, settings);
	await requireNothingHeld(home);
	const { role, name } = settings;
	const chain = encodeChain(await readCertificates(join(home, settings.chain)));
	const passphrase = secrets.passphrase && askOnce(secrets.passphrase);
	const access: HomeSecrets = {
		...secrets,
		...(passphrase === undefined ? {} : { passphrase: passphrase.ask }),
	};
	try {
		await using current = await openKey(settings.key, {
			folder: home,
			...access,
		});
		const resumed = await isThere(join(home, RENEWAL));
		const next = resumed
			? await readRenewal(home)
			: await chooseNext(home, settings, access);
		const { algorithm } = current;
		const wanted = { key: next.key, algorithm };
		if (!(await isThere(join(home, REQUEST)))) {
			await using signer = await ensureKey(home, wanted, access, resumed);
			const request = await makeRequest(nodeCrypto, {
				role,
				name,
				signer,
				tamperResistance: wishFor(next.key),
			});
			await replaceFile(
				join(home, REQUEST),
				printPemBlock("CERTIFICATE REQUEST", request),
			);
		}
		const { pem, hash } = await readRequestFile(join(home, REQUEST));
		const renewal = await makeRenewal(nodeCrypto, {
			request: parsePemBlock(pem, "CERTIFICATE REQUEST"),
			chain,
			signer: current,
			now: Date.now(),
		});
		return { renewal, hash, settings };
	} finally {
		passphrase?.forget();
	}
}

/**
 * Goes over to the new key and its certificate; no key is touched, and the old ones are kept for
 * processes that still run with them. Throws `chain-refused` for a chain that is not for the new
 * key, that would give the device another id, or that its own policy would refuse.
 */
export async function finishRecertification(
	home: string,
	chain: readonly Uint8Array[],
): Promise<CertifiedDevice> {
	await readDeviceFile(home);
	await using _ = await lockHome(home);
	// Only now: whoever was waited for may have changed it.
	const settings = await readDeviceFile(home);
	const { role, name } = settings;
	const { agencies, banks } = await readPolicy(home);
	const anchors = role === "agent" ? agencies : banks;
	const encoded = encodeChain(chain);
	const device = validateChain(nodeCrypto, encoded, role, anchors, Date.now());
	if (await dropDone(home, settings)) return device;
	if (!(await isThere(join(home, RENEWAL)))) {
		const current = encodeChain(
			await readCertificates(join(home, settings.chain)),
		);
		if (sameBytes(current, encoded)) return device;
		throw unusable(
			`${home} has asked for no new certificate; begin with: tetrad recertify --home ${home} --out …`,
		);
	}
	await requireNothingHeld(home);
	const next = await readRenewal(home);
	const { pem } = await readRequestFile(join(home, REQUEST));
	requireAnswers(device, pem, name);
	const current = await readCertificates(join(home, settings.chain));
	const before = idOf(current, role, anchors);
	if (!sameBytes(before, device.deviceId))
		throw new TetradError(
			"chain-refused",
			`that certificate leads to another root than the one that "${name}" is certified under, and would give it another id; a device under another root is enrolled anew`,
		);
	await replaceFile(join(home, next.chain), printPem(chain));
	const replaced = await readPrevious(home);
	await writePrevious(home, [
		...replaced.filter(({ chain }) => chain !== settings.chain),
		{ key: settings.key, chain: settings.chain },
	]);
	await writeDeviceFile(home, { ...settings, ...placeOf(next) });
	await dropDone(home, { ...settings, ...placeOf(next) });
	return device;
}

/**
 * Takes away the keys and chains that were replaced, and says how many. Throws as `removeKey`
 * does; what was not taken away then is there for the next time.
 */
export async function forgetPrevious(
	home: string,
	secrets: HomeSecrets,
): Promise<number> {
	await readDeviceFile(home);
	await using _ = await lockHome(home);
	// Only now: whoever was waited for may have changed it.
	const settings = await readDeviceFile(home);
	await dropDone(home, settings);
	await requireNothingHeld(home);
	const replaced = (await readPrevious(home)).filter(
		// Written down before the change, which may not have come.
		({ chain }) => chain !== settings.chain,
	);
	for (const { key, chain } of replaced) {
		await discardKey(key, { folder: home, ...secrets });
		await rm(join(home, chain), { force: true });
	}
	await rm(previousPath(home), { force: true });
	return replaced.length;
}

function placeOf({ key, chain }: KeyAndChain): KeyAndChain {
	return { key, chain };
}

/** Whether the change was made already; what it leaves behind is taken away. */
async function dropDone(
	home: string,
	settings: DeviceSettings & { readonly chain: string },
): Promise<boolean> {
	if (!(await isThere(join(home, RENEWAL)))) return false;
	const { chain } = await readRenewal(home);
	if (chain !== settings.chain) return false;
	// The request first: with renewal.json gone, it would be taken for that of the next key.
	await rm(join(home, REQUEST), { force: true });
	await rm(join(home, RENEWAL), { force: true });
	return true;
}

/** The next free place in the same store, written down before its key is made. */
async function chooseNext(
	home: string,
	settings: DeviceSettings & { readonly chain: string },
	secrets: HomeSecrets,
): Promise<KeyAndChain> {
	const first = numberOf(settings.chain) + 1;
	for (let number = first; number < first + MAX_TRIES; number++) {
		const next: KeyAndChain = {
			key: numberedKey(settings.key, number),
			chain: `chain-${number}.pem`,
		};
		const isTaken =
			(await isThere(join(home, next.chain))) ||
			(await keyExists(next.key, { folder: home, ...secrets }));
		if (isTaken) continue;
		await rm(join(home, REQUEST), { force: true });
		await replaceFile(
			join(home, RENEWAL),
			`${JSON.stringify({ version: 1, ...next }, null, "\t")}\n`,
		);
		return next;
	}
	throw unusable(
		`the store of the key of ${home} has keys under all names that were tried; take away old ones`,
	);
}

function numberOf(chain: string): number {
	return Number(/^chain-(\d+)\.pem$/.exec(chain)?.[1] ?? 1);
}

/** `till`, then `till-2` and so on; in clear `key.pem`, then `key-2.pem`. */
function numberedKey(current: KeyLocation, number: number): KeyLocation {
	const [, base = "key", suffix = ""] =
		/^(.*?)(?:-\d{1,9})?(\.pem)?$/s.exec(keyName(current)) ?? [];
	const short = [...base].slice(0, MAX_BASE_CHARACTERS).join("");
	return besideKey(current, `${short}-${number}${suffix}`);
}

/** The id that the current chain gives, also when it has expired: it was valid when it was issued. */
function idOf(
	chain: readonly Uint8Array[],
	role: DeviceRole,
	anchors: readonly TrustAnchor[],
): Uint8Array {
	const { notBefore } = parseCertificate(chain[0] ?? new Uint8Array());
	const encoded = encodeChain(chain);
	return validateChain(nodeCrypto, encoded, role, anchors, notBefore).deviceId;
}

async function readRenewal(home: string): Promise<KeyAndChain> {
	const path = join(home, RENEWAL);
	return parseJson(renewalFile, await readText(path), path);
}
