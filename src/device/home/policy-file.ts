import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError } from "../../errors.ts";
import {
	type AuthorityKind,
	type Demands,
	type DeviceDemand,
	parseTrustAnchor,
	type SeenPlace,
	TAMPER_RESISTANCE,
	type TamperResistance,
	type TrustAnchor,
} from "../../identity/index.ts";
import {
	hasAesInstructions,
	type Providing,
	providing,
} from "../../provider/index.ts";
import {
	type LoadLimits,
	makePolicy,
	type Policy,
} from "../../tetrad/index.ts";
import {
	isThere,
	parseJson,
	readCertificates,
	readText,
	unusable,
} from "./files.ts";

/*
 * policy.json: what a device demands of the other three. It says everything itself: nothing is
 * accepted because a line is missing.
 */

const DAY_MS = 86_400_000;

/** Files of roots for each kind of authority; they hold at most 64 roots together. */
const MAX_ROOT_FILES = 64;

/** Device ids in one list of a demand. */
const MAX_LISTED_DEVICES = 4096;

/** How old a list may be allowed to be, in days: ten years. */
const MAX_AGE_DAYS = 3650;

/** What stands in the place of limits when the owner asks for no list at all. */
const NONE_DEMANDED = "unsafe-none-demanded";

/** A file below the home: no folder outside it can be reached. */
const fileInHome = z
	.string()
	.min(1)
	.max(255)
	.refine(
		(path) =>
			!isAbsolute(path) &&
			path.split("/").every((part) => !/^\.{0,2}$/.test(part)) &&
			!path.includes("\0"),
		"names no file of this home",
	);

const rootFiles = z.array(fileInHome).min(1).max(MAX_ROOT_FILES);

/** As `tetrad` prints it: enc(SHA-256 of the root's key, certified name). */
const deviceIds = z
	.array(
		z
			.string()
			.regex(
				/^([0-9a-f]{2}){41,104}$/,
				"is no device id: those are in hexadecimal, in small letters",
			),
	)
	.max(MAX_LISTED_DEVICES);

const demand = z.strictObject({
	tamperResistance: z.enum(TAMPER_RESISTANCE).optional(),
	allow: deviceIds.optional(),
	refuse: deviceIds.optional(),
});

/** What an agent that answers does at once may be so much, in one place. */
const MAX_AT_ONCE = 65_536;

/** How long it may wait for others, in milliseconds: five minutes. */
const MAX_WAIT_MS = 300_000;

const count = z.int().min(1).max(MAX_AT_ONCE);
const wait = z.int().min(100).max(MAX_WAIT_MS);

/** Whatever is left out is as `LOAD_LIMITS` has it. */
const load = z
	.strictObject({
		working: count,
		workingOfAddress: count,
		waiting: count,
		waitingOfAddress: count,
		waitMs: wait,
		halfOpen: count,
		halfOpenOfAddress: count,
		busyFrom: z.int().min(0).max(MAX_AT_ONCE),
		offerMs: wait,
		perSecondOfAddress: count,
		burstOfAddress: count,
		tetrads: count,
		tetradsOfDevice: count,
		perMinuteOfDevice: count,
	} satisfies Record<keyof LoadLimits, z.ZodType<number>>)
	.partial();

const days = z.int().min(1).max(MAX_AGE_DAYS);

interface DemandSettings {
	readonly tamperResistance?: TamperResistance | undefined;
	readonly allow?: string[] | undefined;
	readonly refuse?: string[] | undefined;
}

interface PolicyFile {
	readonly version: 1;
	readonly trust: { readonly agencies: string[]; readonly banks: string[] };
	readonly accept: Readonly<
		Pick<Policy, "suites" | "routings" | "roots" | "links">
	>;
	readonly demands: {
		readonly [Place in SeenPlace]?: DemandSettings | undefined;
	};
	readonly untrustedLists:
		| typeof NONE_DEMANDED
		| {
				readonly maxAgeDays: number;
				readonly maxAgeOfIntermediatesDays?: number | undefined;
		  };
	readonly load?:
		| { readonly [Limit in keyof LoadLimits]?: number | undefined }
		| undefined;
	readonly resumption?: "no" | "yes" | undefined;
}

const policyFile: z.ZodType<PolicyFile> = z.strictObject({
	version: z.literal(1),
	trust: z.strictObject({ agencies: rootFiles, banks: rootFiles }),
	accept: z.strictObject({
		suites: z
			.array(
				z.enum([
					"hybrid-aesgcm",
					"hybrid-chachapoly",
					"classical-aesgcm",
					"classical-chachapoly",
					"hybrid-chachapoly-aesgcm",
					"classical-chachapoly-aesgcm",
				]),
			)
			.min(1),
		routings: z.array(z.enum(["direct", "crossed"])).min(1),
		roots: z.array(z.enum(["transcript", "unsafe-xor"])).min(1),
		links: z.array(z.enum(["paired", "unsafe-open"])).min(1),
	}),
	demands: z.strictObject({
		ownAgent: demand.optional(),
		peerAgent: demand.optional(),
		ownModule: demand.optional(),
		peerModule: demand.optional(),
	}),
	untrustedLists: z.union(
		[
			z.literal(NONE_DEMANDED),
			z.strictObject({
				maxAgeDays: days,
				maxAgeOfIntermediatesDays: days.optional(),
			}),
		],
		`is neither { "maxAgeDays": … } nor "${NONE_DEMANDED}"`,
	),
	load: load.optional(),
	resumption: z.enum(["no", "yes"]).optional(),
});

/** What a new home's policy shall say; the safe choices stand for what is left out. */
export interface DevicePolicySettings {
	readonly accept?: Partial<PolicyFile["accept"]>;
	readonly demands?: PolicyFile["demands"];
	readonly untrustedLists?: PolicyFile["untrustedLists"];
}

export const AGENCIES_FILE = "trust/agencies.pem";
export const BANKS_FILE = "trust/banks.pem";

/** The age of lists that a new home demands when it has lists to start with. */
const DEFAULT_LIMITS: PolicyFile["untrustedLists"] = {
	maxAgeDays: 30,
	maxAgeOfIntermediatesDays: 400,
};

/**
 * What a new home accepts: all hybrid suites, and first that whose records take the least time here.
 * That with two AEADs is among them where the processor has instructions for AES.
 */
export function suitesOfNewHome(
	{ shortAead }: Pick<Providing, "shortAead"> = providing(),
	hasAes: boolean = hasAesInstructions(),
): Policy["suites"] {
	if (!hasAes) return ["hybrid-chachapoly", "hybrid-aesgcm"];
	return shortAead === "ChaChaPoly"
		? ["hybrid-chachapoly-aesgcm", "hybrid-chachapoly", "hybrid-aesgcm"]
		: ["hybrid-aesgcm", "hybrid-chachapoly-aesgcm", "hybrid-chachapoly"];
}

/** The text of a new policy.json. A device that starts without lists can only demand them later. */
export function printPolicy(
	settings: DevicePolicySettings,
	hasLists: boolean,
): string {
	const policy: PolicyFile = {
		version: 1,
		trust: { agencies: [AGENCIES_FILE], banks: [BANKS_FILE] },
		accept: {
			suites: suitesOfNewHome(),
			routings: ["direct", "crossed"],
			roots: ["transcript"],
			links: ["paired"],
			...settings.accept,
		},
		demands: settings.demands ?? {},
		untrustedLists:
			settings.untrustedLists ?? (hasLists ? DEFAULT_LIMITS : NONE_DEMANDED),
	};
	return `${JSON.stringify(policyFile.parse(policy), null, "\t")}\n`;
}

/** Reads the policy of a home. Throws `home-unusable` with the path inside the file; without a file there is no device. */
export async function readPolicy(home: string): Promise<Policy> {
	const path = join(home, "policy.json");
	if (!(await isThere(path)))
		throw unusable(
			`there is no ${path}, and without a policy this device connects with nobody; write one that says whom it trusts and what it demands`,
		);
	const { trust, accept, demands, untrustedLists, load, resumption } =
		parseJson(policyFile, await readText(path), path);
	const [agencies, banks] = await Promise.all([
		readAnchors(home, trust.agencies, "agency"),
		readAnchors(home, trust.banks, "bank"),
	]);
	return makePolicy({
		agencies,
		banks,
		...accept,
		demands: demandsOf(demands),
		...(untrustedLists === NONE_DEMANDED
			? {}
			: { untrustedLists: limitsOf(untrustedLists) }),
		...(load === undefined ? {} : { load: withoutUndefined(load) }),
		...(resumption === undefined ? {} : { resumption }),
	});
}

function withoutUndefined(
	load: NonNullable<PolicyFile["load"]>,
): Partial<LoadLimits> {
	return Object.fromEntries(
		Object.entries(load).filter(([, limit]) => limit !== undefined),
	);
}

function limitsOf({
	maxAgeDays,
	maxAgeOfIntermediatesDays,
}: Exclude<PolicyFile["untrustedLists"], string>) {
	return {
		maxAgeMs: maxAgeDays * DAY_MS,
		...(maxAgeOfIntermediatesDays === undefined
			? {}
			: { maxAgeOfIntermediatesMs: maxAgeOfIntermediatesDays * DAY_MS }),
	};
}

function demandsOf(demands: PolicyFile["demands"]): Demands {
	return Object.fromEntries(
		Object.entries(demands).map(([place, stated = {}]) => {
			const { tamperResistance, allow, refuse } = stated;
			const inBytes: DeviceDemand = {
				...(tamperResistance === undefined
					? {}
					: { minimum: tamperResistance }),
				...(allow === undefined ? {} : { allow: allow.map(fromHex) }),
				...(refuse === undefined ? {} : { refuse: refuse.map(fromHex) }),
			};
			return [place, inBytes];
		}),
	);
}

async function readAnchors(
	home: string,
	names: readonly string[],
	kind: AuthorityKind,
): Promise<TrustAnchor[]> {
	const files = names.map(async (name) => {
		const path = join(home, name);
		const roots = await readCertificates(path);
		return roots.map((der) => {
			const anchor = readAnchor(path, der);
			if (anchor.kind !== kind)
				throw unusable(
					`${path} holds a root that certifies ${anchor.role}s, and policy.json names it among those that certify others; name it in the other list`,
				);
			return anchor;
		});
	});
	return (await Promise.all(files)).flat();
}

function readAnchor(path: string, der: Uint8Array): TrustAnchor {
	try {
		return parseTrustAnchor(nodeCrypto, der);
	} catch (thrown) {
		throw unusable(
			`${path} holds no root to trust: ${asTetradError(thrown).message}`,
			thrown,
		);
	}
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
