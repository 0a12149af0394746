import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nodeCrypto, type SignatureAlgorithm } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type DeviceRole,
	encodeChain,
	parseTrustAnchor,
	printPem,
	UntrustedLists,
} from "../../identity/index.ts";
import {
	createKey,
	type KeyAccess,
	type KeyLocation,
	openKey,
	type StoredKey,
} from "../../keys/index.ts";
import type {
	LinkMode,
	Pairing,
	Policy,
	Root,
	Routing,
} from "../../tetrad/index.ts";
import type {
	ClockOptions,
	DeviceIdentity,
	ListStore,
} from "../runtime/index.ts";
import {
	isThere,
	makePrivateFolder,
	parseJson,
	readCertificates,
	readText,
	replaceFile,
	requireHome,
	unusable,
} from "./files.ts";
import { discardKey, type HomeSecrets } from "./home-key.ts";
import { importList } from "./home-lists.ts";
import { HomeLock, type OneOfSeveral } from "./home-lock.ts";
import { HomeState } from "./home-state.ts";
import { readPairings } from "./pairings.ts";
import {
	AGENCIES_FILE,
	BANKS_FILE,
	type DevicePolicySettings,
	printPolicy,
	readPolicy,
} from "./policy-file.ts";

/*
 * The home folder of a device, which only its owner may read:
 *
 *   device.json   role, name, and where the long-term key is
 *   policy.json   whom the device trusts, what it accepts and demands (policy-file.ts)
 *   chain.pem     the certificates, leaf first, without the root; chain-2.pem and so on after recertification
 *   trust/        roots, as policy.json names them
 *   pairing.json  the device at the other end of the link, and the pairing key; pairing-2.json and so on for further modules of an agent (pairings.ts)
 *   pairing-tries.json  of a module: how often pairing was tried since the owner last let it wait
 *   key.…         the long-term key, unless it is in a token
 *   state.json    what was seen of time and lists, and lists/ with them (home-state.ts)
 *   lock.db       the lock against a second process (home-lock.ts); lock-1.db and so on of several that have it together
 *   agent.db      of an agent that pays: what it keeps of money (agent-store.ts), unless store.json says where else
 *   purse.json    of a module that has a purse, with purse.db and orders/ beside it (purse-home.ts)
 */

/** Where a key is, as settings say it. */
export const keyLocation: z.ZodType<KeyLocation> = z.union(
	[
		z.strictObject({ file: z.string() }),
		z.strictObject({ unsafeUnsealedFile: z.string() }),
		z.strictObject({ pkcs11: z.string() }),
	],
	'is not one of { "file": … }, { "pkcs11": … } and { "unsafeUnsealedFile": … }',
);

/** The name of a file in the home itself. */
export const chainFile: z.ZodType<string> = z
	.string()
	.regex(/^chain(-[1-9][0-9]{0,8})?\.pem$/, "names no chain of this home");

const FIRST_CHAIN = "chain.pem";

/** What device.json says. */
export interface DeviceSettings {
	readonly version: 2;
	readonly role: DeviceRole;
	readonly name: string;
	readonly key: KeyLocation;
	/** Named beside the key, so that recertification replaces both in one write; chain.pem unless given. */
	readonly chain?: string | undefined;
}

const deviceFile: z.ZodType<DeviceSettings> = z.strictObject({
	version: z.literal(2),
	role: z.enum(["agent", "module"]),
	name: z.string(),
	key: keyLocation,
	chain: chainFile.optional(),
});

/**
 * What a home holds once it was read and checked. Until it is disposed of, the key is open and
 * nobody else can open the home.
 */
export interface Home extends AsyncDisposable {
	readonly path: string;
	readonly role: DeviceRole;
	readonly name: string;
	/** The signer is the opened key. */
	readonly identity: DeviceIdentity;
	readonly policy: Policy;
	readonly lists: ListStore;
	readonly clock: ClockOptions;
	/** The pairing, once there is one; of an agent with several modules, the first one. */
	readonly pairing: Pairing | undefined;
	/** All of them, the first one first. */
	readonly pairings: readonly Pairing[];
	/** Has what other processes of the device learn learned here, too, until it is disposed of. Where there are none, it does nothing. */
	follow(learn: (bundle: Uint8Array) => Promise<unknown>): AsyncDisposable;
}

export interface HomeOptions extends HomeSecrets {
	/** `Date.now` unless given. */
	readonly now?: () => number;
	/** Which of several processes of the device this is: the others have the home open, too. */
	readonly oneOf?: OneOfSeveral;
}

/**
 * Opens a home and its key. Throws `home-unusable` with what is wrong and what to do, `busy` while
 * another process has it open, `list-refused` when a list in it was put back to an older one,
 * `clock-wrong` when the clock is behind what the device has seen, and as `openKey` does.
 */
export async function readHome(
	path: string,
	role: DeviceRole,
	{ now = Date.now, oneOf, ...secrets }: HomeOptions = {},
): Promise<Home> {
	const { name, key: location, chain: file } = await readDeviceFile(path, role);
	await using open = new AsyncDisposableStack();
	open.use(
		oneOf === undefined
			? await HomeLock.take(path)
			: await HomeLock.share(path, oneOf),
	);
	// The key comes last: nobody shall be asked for a passphrase that is of no use.
	const [policy, chain, pairings, state] = await Promise.all([
		readPolicy(path),
		readCertificates(join(path, file)),
		readPairings(path),
		HomeState.read(path, oneOf !== undefined),
	]);
	state.requireForward(policy, now());
	const signer = await openKey(location, { folder: path, ...secrets });
	open.use(signer);
	open.defer(() => state.settled());
	const held = open.move();
	return {
		path,
		role,
		name,
		identity: { signer, chain: encodeChain(chain) },
		policy,
		lists: state.lists,
		clock: state.clock(now),
		pairing: pairings[0],
		pairings,
		follow: (learn) =>
			oneOf === undefined
				? { async [Symbol.asyncDispose]() {} }
				: state.follow(learn),
		[Symbol.asyncDispose]: () => held.disposeAsync(),
	};
}

/** What device.json says. Throws `home-unusable`, also for a home of another role than `role`, if that is given. */
export async function readDeviceFile(
	home: string,
	role?: DeviceRole,
): Promise<DeviceSettings & { readonly chain: string }> {
	await requireHome(home, "device");
	const path = join(home, "device.json");
	const text = await readText(path);
	if (isOfVersion1(text))
		throw unusable(
			`${path} is from before homes had a policy.json; make the device anew with: tetrad authority issue, and pair it again`,
		);
	const settings = parseJson(deviceFile, text, path);
	if (role !== undefined && settings.role !== role)
		throw unusable(
			`${home} is the home of ${aRole(settings.role)}, and this command runs ${aRole(role)}`,
		);
	return { ...settings, chain: settings.chain ?? FIRST_CHAIN };
}

/** Writes device.json, durably and in one step, in the place of an earlier one. */
export async function writeDeviceFile(
	home: string,
	settings: DeviceSettings,
): Promise<void> {
	await replaceFile(
		join(home, "device.json"),
		`${JSON.stringify(settings, null, "\t")}\n`,
	);
}

function isOfVersion1(text: string): boolean {
	try {
		return JSON.parse(text).version === 1;
	} catch {
		return false;
	}
}

/** Throws `invalid-argument`, naming the file to change, when the home's policy does not accept what a command asks for. */
export function demandAccepted(
	{ path, policy }: Home,
	asked: {
		readonly links?: LinkMode;
		readonly roots?: Root;
		readonly routings?: Routing;
	},
): void {
	for (const [name, value] of Object.entries(asked)) {
		const accepted: readonly string[] = policy[name as keyof typeof asked];
		if (!accepted.includes(value))
			throw new TetradError(
				"invalid-argument",
				`the policy of this device accepts ${accepted.join(", ")} and not ${value}; to allow it, name it in accept.${name} of ${join(path, "policy.json")}, at every device that is to take part`,
			);
	}
}

/**
 * Begins the home of a new device with its key, for `certify` to have it certified; `createHome`
 * makes the rest. A key that is not certified is taken away again. Throws `home-unusable` when
 * there is a device already, as `createKey` does, and what `certify` throws.
 */
export async function createHomeKey<Certified>(
	path: string,
	location: KeyLocation,
	algorithm: SignatureAlgorithm,
	certify: (key: StoredKey) => Promise<Certified>,
	secrets: HomeSecrets = {},
): Promise<Certified> {
	await makePrivateFolder(path);
	await requireNoDevice(path);
	const access: KeyAccess = { folder: path, ...secrets };
	const key = await createKey(location, algorithm, access);
	try {
		return await certify(key);
	} catch (thrown) {
		// What is told is why it was not certified, whatever becomes of the key.
		await discardKey(key.location, access).catch(() => {});
		throw thrown;
	} finally {
		await key[Symbol.asyncDispose]();
	}
}

/**
 * Makes the home of a device whose key exists. Throws `home-unusable` when there is one already;
 * one that was begun and not finished is made anew.
 */
export async function createHome(
	path: string,
	device: {
		readonly role: DeviceRole;
		readonly name: string;
		/** The location of the key, which must be there already; see `createHomeKey`. */
		readonly key: KeyLocation;
		readonly certificates: readonly Uint8Array[];
		readonly agencies: readonly Uint8Array[];
		readonly banks: readonly Uint8Array[];
		readonly policy?: DevicePolicySettings;
		/** The newest lists of those authorities, as bundles. With one of each root the policy demands lists from now on. */
		readonly lists?: readonly Uint8Array[];
	},
): Promise<void> {
	await makePrivateFolder(path);
	await requireNoDevice(path);
	const { role, name, key, policy = {}, lists = [] } = device;
	const hasLists = haveListOfEach(device.agencies, device.banks, lists);
	await mkdir(join(path, "trust"), { mode: 0o700, recursive: true });
	for (const [file, text] of [
		["policy.json", printPolicy(policy, hasLists)],
		[FIRST_CHAIN, printPem(device.certificates)],
		[AGENCIES_FILE, printPem(device.agencies)],
		[BANKS_FILE, printPem(device.banks)],
	] as const)
		await replaceFile(join(path, file), text);
	for (const list of lists) await importList(path, list);
	// Last: a folder without it is no home.
	await writeDeviceFile(path, { version: 2, role, name, key });
}

/** Throws `home-unusable` where there is a device already. */
export async function requireNoDevice(path: string): Promise<void> {
	if (await isThere(join(path, "device.json")))
		throw unusable(
			`there is a device in ${path}, and an existing home is never overwritten`,
		);
}

function haveListOfEach(
	agencies: readonly Uint8Array[],
	banks: readonly Uint8Array[],
	bundles: readonly Uint8Array[],
): boolean {
	const anchors = (roots: readonly Uint8Array[]) =>
		roots.map((der) => parseTrustAnchor(nodeCrypto, der));
	const lists = new UntrustedLists(nodeCrypto, {
		agencies: anchors(agencies),
		banks: anchors(banks),
	});
	for (const bundle of bundles) lists.offer(bundle, Date.now());
	return lists.numbers().every(({ number }) => number > 0n);
}

function aRole(role: DeviceRole): string {
	return role === "agent" ? "an agent" : "a module";
}
