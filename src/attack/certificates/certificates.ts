/* Chains that no authority gave for this, and lists that say so of one that did. */
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import type { ErrorCode } from "../../errors.ts";
import {
	authorityId,
	type CertifiedDevice,
	certificateId,
	type DeviceRole,
	deviceId,
	encodeBundle,
	issueUntrustedList,
	type Signer,
} from "../../identity/index.ts";
import { generateSoftwareKey, openKey } from "../../keys/index.ts";
import { type DeviceContext, messages } from "../../tetrad/index.ts";
import {
	CONTENT,
	concat,
	enc,
	hex,
	LIST_MESSAGE,
	sameBytes,
} from "../../wire/index.ts";
import { type Attack, broken, type Outcome } from "../attack.ts";
import { allOf, callMerchant, Deed } from "../calls.ts";
import { type HostileHooks, HostileTetrad } from "../hostile/index.ts";
import { spoiling } from "../records/index.ts";
import type { Target } from "../target.ts";
import {
	bytes,
	type Change,
	commonName,
	EXTENSIONS,
	extension,
	type Forged,
	type ForgingIssuer,
	forge,
} from "./forge.ts";

const group = "certificates";
const PROFILE = "docs/protocol.md, Identity";

const ROLES = ["agent", "module"] as const;

const KIND = { agent: "agency", module: "bank" } as const;

/** A chain, and the key that its leaf is for. */
interface Shown {
	readonly chain: readonly Uint8Array[];
	readonly key: Signer;
}

/** Makes the chain of a device with that role, under the root of the sandbox. */
type Making = (role: DeviceRole, root: Root) => Promise<Shown>;

/** A trusted root whose key is at hand. */
interface Root extends ForgingIssuer {
	readonly der: Uint8Array;
	readonly spki: Uint8Array;
}

const leafOf = (role: DeviceRole) => [EXTENSIONS.signs, EXTENSIONS.roles(role)];

const NAME = "forged";

/** One certificate under an issuer. */
async function leaf(
	issuer: ForgingIssuer,
	role: DeviceRole,
	change: Change = {},
): Promise<Shown> {
	const defaults = { name: NAME, extensions: leafOf(role) };
	const { der, key } = await forge(defaults, issuer, change);
	return { chain: [der], key };
}

/** As `leaf`, of a root. */
const changed =
	(change: (role: DeviceRole) => Change): Making =>
	(role, root) =>
		leaf(root, role, change(role));

/** Certificates of authorities one below the other, the lowest first. */
async function below(
	root: ForgingIssuer,
	role: DeviceRole,
	names: readonly string[],
): Promise<readonly Forged[]> {
	const made: Forged[] = [];
	for (const name of names)
		made.unshift(
			await forge(
				{
					name,
					extensions: [
						EXTENSIONS.authority(),
						EXTENSIONS.certifies,
						EXTENSIONS.roles(role),
					],
				},
				made[0] ?? root,
			),
		);
	return made;
}

/** The root key of an authority of the sandbox, under which anything can be certified. */
async function withRoot<Value>(
	target: Target,
	role: DeviceRole,
	act: (root: Root) => Promise<Value>,
): Promise<Value> {
	const kind = KIND[role];
	await using authority = await target.authority(kind);
	const { certificate } = authority;
	const folder = join(target.sandbox("authorities"), kind);
	await using key = await openKey(
		{ unsafeUnsealedFile: "key.pem" },
		{ folder },
	);
	const { der, subject, spki } = certificate;
	return await act({ key, der, subject, spki });
}

/** The hooks of a side one of whose devices shows a chain, as if all had accepted it. */
function showing(
	target: Awaited<ReturnType<Target["hostile"]>>,
	role: DeviceRole,
	{ chain, key }: Shown,
	rootSpki: Uint8Array,
	deed: Deed,
): HostileHooks {
	// Not by the product's own code, which makes none that is too long.
	const encodedChain = enc(...chain);
	const own = {
		role,
		name: NAME,
		encodedChain,
		deviceId: deviceId(nodeCrypto, rootSpki, NAME),
		certificateId: certificateId(nodeCrypto, chain[0] as Uint8Array),
		chainHash: nodeCrypto.sha256(encodedChain),
		algorithm: key.algorithm,
		publicKey: key.publicKey,
		// Whoever lies has no proof; its own machines ask for none.
	} as unknown as CertifiedDevice;
	const gullible = (context: DeviceContext): Partial<DeviceContext> => {
		const { verdicts } = context;
		const judge = (shown: Uint8Array, as: DeviceRole, now: number) =>
			sameBytes(shown, encodedChain) ? own : verdicts.judge(shown, as, now);
		return {
			verdicts: {
				lists: verdicts.lists,
				judge,
				judgeNamed: (
					_: Uint8Array,
					...rest: Parameters<typeof judge>
				): CertifiedDevice => judge(...rest),
			} as unknown as DeviceContext["verdicts"],
		};
	};
	const agent = gullible(target.agent.context);
	const module = gullible(target.module.context);
	const signs = (content: Uint8Array) => {
		deed.done();
		return key.sign(content);
	};
	return role === "agent"
		? { agent: { ...agent, own }, module, agentSigns: signs }
		: { agent, module: { ...module, own }, moduleSigns: signs };
}

/** Shows chains in the places of both of the caller's devices, one after the other. */
function shows(
	target: Target,
	signal: AbortSignal,
	make: Making,
	codes: readonly ErrorCode[] = ["chain-refused"],
): Promise<Outcome> {
	return allOf(ROLES, (role) =>
		withRoot(target, role, async (root) => {
			const side = await target.hostile();
			const shown = await make(role, root);
			const deed = new Deed();
			const hooks = showing(side, role, shown, root.spki, deed);
			return callMerchant(target, signal, { deed, hooks, codes });
		}),
	);
}

/** The control: a chain that is made the same way, with nothing wrong in it, is let in. */
export async function requireForgedChainsWork(
	target: Target,
	signal: AbortSignal,
): Promise<void> {
	for (const role of ROLES)
		await withRoot(target, role, async (root) => {
			const side = await target.hostile();
			const shown = await leaf(root, role);
			const hooks = showing(side, role, shown, root.spki, new Deed());
			await using wire = await target.connect(signal);
			const end = await HostileTetrad.calling(side, wire, hooks).establish();
			if (end !== "confirmed")
				throw new Error(`a chain of the ${role} that is in order is ${end}`);
		});
}

const DAY_MS = 86_400_000;

/** ecdsa-with-SHA1 (RFC 5758, 3.2 has its successors). */
const ECDSA_SHA1 = bytes("300906072a8648ce3d0401");

/** The key of an authority as one that signs with SHA-1. */
async function withSha1(
	target: Target,
	role: DeviceRole,
	root: ForgingIssuer,
): Promise<ForgingIssuer> {
	const folder = join(target.sandbox("authorities"), KIND[role]);
	const key = createPrivateKey(await readFile(join(folder, "key.pem")));
	const { algorithm, publicKey } = root.key;
	return {
		...root,
		key: {
			algorithm,
			publicKey,
			sign: async (content) =>
				new Uint8Array(
					sign("sha1", content, { key, dsaEncoding: "ieee-p1363" }),
				),
		},
	};
}

function spkiOfWeak(kind: "rsa" | "ec"): Uint8Array {
	const { publicKey } =
		kind === "rsa"
			? generateKeyPairSync("rsa", { modulusLength: 1024 })
			: generateKeyPairSync("ec", { namedCurve: "secp224r1" });
	return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}

/** What is malformed at the merchant's module, its agent hears as a refusal (docs/protocol.md, Errors). */
const REFUSED_OR_MALFORMED: readonly ErrorCode[] = [
	"chain-refused",
	"malformed",
	"refused-by-peer",
];

/** Bad in one thing each. */
const CHAINS: readonly (readonly [
	name: string,
	tried: string,
	reference: string,
	makings: readonly Making[],
	codes?: readonly ErrorCode[],
])[] = [
	[
		"expired-certificate",
		"a certificate that was valid until a second ago",
		PROFILE,
		[changed(() => ({ notAfter: Date.now() - 2000 }))],
	],
	[
		"certificate-not-valid-yet",
		"a certificate that is valid from tomorrow on",
		PROFILE,
		[changed(() => ({ notBefore: Date.now() + DAY_MS }))],
	],
	[
		"certificate-of-another-root",
		"a chain under a root of one's own, which bears the name of the trusted one",
		PROFILE,
		[
			async (role, { subject }) =>
				leaf({ subject, key: generateSoftwareKey("P-256") }, role),
		],
	],
	[
		"certificate-of-the-other-role",
		"an agent with a module's certificate and back, and one for both roles",
		"docs/protocol.md, Identity; RFC 5280, 4.2.1.12",
		[
			changed((role) => ({
				extensions: leafOf(role === "agent" ? "module" : "agent"),
			})),
			changed(() => ({
				extensions: [EXTENSIONS.signs, EXTENSIONS.roles("agent", "module")],
			})),
			changed(() => ({ extensions: [EXTENSIONS.signs] })),
			changed(() => ({
				extensions: [EXTENSIONS.signs, EXTENSIONS.clientAuthentication],
			})),
		],
	],
	[
		"critical-extension",
		"a critical extension that nobody knows, and one that comes twice",
		"RFC 5280, 4.2",
		[
			changed((role) => ({
				extensions: [
					...leafOf(role),
					extension("1.3.6.1.4.1.32473.1", true, bytes("0500")),
				],
			})),
			changed((role) => ({
				extensions: [...leafOf(role), EXTENSIONS.signs],
			})),
		],
		REFUSED_OR_MALFORMED,
	],
	[
		"authority-as-device",
		"a device whose certificate is an authority's",
		PROFILE,
		[
			changed((role) => ({
				extensions: [...leafOf(role), EXTENSIONS.authority()],
			})),
		],
	],
	[
		"issued-by-a-device",
		"a certificate that another certified device has signed",
		"CVE-2002-0862 (basic constraints not looked at)",
		[
			async (role, root) => {
				const boss = await forge(
					{ name: "boss", extensions: leafOf(role) },
					root,
				);
				const { chain, key } = await leaf(boss, role);
				return { chain: [...chain, boss.der], key };
			},
		],
	],
	[
		"forged-certificate-signature",
		"a certificate in the name of the root, signed by another key, and by none",
		PROFILE,
		[
			async (role, { subject }) =>
				leaf({ subject, key: generateSoftwareKey("P-256") }, role),
			changed(() => ({ encodeSignature: () => bytes("3006020101020101") })),
			changed(() => ({ encodeSignature: () => bytes("3006020100020100") })),
		],
		REFUSED_OR_MALFORMED,
	],
	[
		"weak-device-key",
		"a device key of RSA with 1024 bits, and of a curve with 224",
		PROFILE,
		[
			changed(() => ({ spki: spkiOfWeak("rsa") })),
			changed(() => ({ spki: spkiOfWeak("ec") })),
		],
		REFUSED_OR_MALFORMED,
	],
	[
		"chain-too-deep",
		"five certificates, and four that go round in a circle",
		"docs/protocol.md, Limits",
		[
			async (role, root) => {
				const above = await below(root, role, ["a", "b", "c", "d"]);
				const { chain, key } = await leaf(above[0] ?? root, role);
				return { chain: [...chain, ...above.map(({ der }) => der)], key };
			},
			async (role, root) => {
				const above = await below(root, role, ["a", "b", "a"]);
				const { chain, key } = await leaf(above[0] ?? root, role);
				return { chain: [...chain, ...above.map(({ der }) => der)], key };
			},
		],
		REFUSED_OR_MALFORMED,
	],
	[
		"root-in-the-chain",
		"a chain with the root in it, and one with somebody else's certificate",
		PROFILE,
		[
			async (role, root) => {
				const { chain, key } = await leaf(root, role);
				return { chain: [...chain, root.der], key };
			},
			async (role, root) => {
				const [one, other] = [await leaf(root, role), await leaf(root, role)];
				return { chain: [...one.chain, ...other.chain], key: one.key };
			},
		],
		REFUSED_OR_MALFORMED,
	],
	[
		"name-that-is-none",
		"a name with a zero byte, a space, capital letters, or two of them",
		"CVE-2009-2408 (a zero byte in a common name)",
		[
			changed(() => ({ subject: commonName("shop\0.evil") })),
			changed(() => ({ subject: commonName("shop evil") })),
			changed(() => ({ subject: commonName("SHOP") })),
			changed(() => ({ subject: bytes("3000") })),
		],
		REFUSED_OR_MALFORMED,
	],
	[
		"certificate-that-is-no-der",
		"trailing bytes, version 1, a serial number of zero, and other algorithms inside and outside",
		"RFC 5280, 4.1; docs/identity.md",
		[
			async (role, root) => {
				const { chain, key } = await leaf(root, role);
				return { chain: [concat(chain[0] as Uint8Array, bytes("00"))], key };
			},
			changed(() => ({ version: new Uint8Array() })),
			changed(() => ({ serial: bytes("020100") })),
			changed(() => ({ outerAlgorithm: bytes("300506032b6570") })),
		],
		REFUSED_OR_MALFORMED,
	],
];

export const CERTIFICATE_ATTACKS: readonly Attack[] = [
	...CHAINS.map(
		([name, tried, reference, makings, codes]): Attack => ({
			name,
			group,
			tried: `the caller's agent, and then its module, shows: ${tried}`,
			reference,
			run: (target, signal) =>
				allOf(makings, (make) => shows(target, signal, make, codes)),
		}),
	),
	{
		name: "sha1-certificate",
		group,
		tried: "a certificate that the authority has signed, truly, with SHA-1",
		reference: "docs/identity.md; RFC 9155",
		run: (target, signal) =>
			shows(
				target,
				signal,
				async (role, root) =>
					leaf(await withSha1(target, role, root), role, {
						innerAlgorithm: ECDSA_SHA1,
					}),
				REFUSED_OR_MALFORMED,
			),
	},
	{
		name: "revoked-device",
		group,
		tried:
			"a device calls that is on its authority's untrusted list, of which somebody else has told the merchant",
		reference: "docs/identity.md, Untrusted lists; RFC 5280, 5",
		async run(target, signal) {
			const [rogue, eve] = await Promise.all([
				target.hostile("rogue"),
				target.hostile("eve"),
			]);
			const before = await rogue.honestly(target.merchantAt, signal);
			if (before !== undefined) return broken(before);
			await using agency = await target.authority("agency");
			const { name } = rogue.agent.context.own;
			await agency.revoke({ name }, "keyCompromise");
			const { bundle } = await agency.publish({});
			const { lists } = eve.agent.context.verdicts;
			lists.offer(bundle, Date.now());
			await using wire = await target.connect(signal);
			const teller = HostileTetrad.calling(eve, wire);
			const end = await teller.establish();
			if (end !== "confirmed") return broken(`an honest call ends ${end}`);
			const from = target.heard().length;
			const learns = target.hears(
				({ process, event }) =>
					process === "shop agent" && event.event === "list-learned",
				{ from: 0, withinMs: 5000 },
			);
			await teller.giveLists(1500);
			if ((await learns) === undefined)
				return broken(
					`the merchant did not learn the list: ${JSON.stringify(target.heard("shop agent").slice(from))}`,
				);
			const deed = new Deed();
			deed.done();
			return callMerchant(target, signal, {
				side: rogue,
				deed,
				hooks: {},
				codes: ["untrusted"],
			});
		},
	},
	{
		name: "forged-list",
		group,
		tried:
			"the caller brings an untrusted list that names everybody, signed by a key of its own",
		reference: "docs/protocol.md, Untrusted lists travel",
		run: (target, signal) =>
			withRoot(target, "agent", async ({ subject }) => {
				await using agency = await target.authority("agency");
				const id = authorityId(nodeCrypto, agency.certificate);
				const key = generateSoftwareKey("P-256");
				const list = await issueUntrustedList(nodeCrypto, {
					issuer: { certificate: await selfMade(subject, key), signer: key },
					number: 1000n,
					thisUpdate: Date.now(),
					nextUpdate: Date.now() + DAY_MS,
					entries: [],
				});
				const bundle = encodeBundle(list, new Uint8Array());
				const announced = messages.LIST.encode({
					authority: id,
					number: 1000n,
					length: bundle.length,
				});
				return spoiling(
					target,
					signal,
					({ outer }) => [
						outer.seal(
							CONTENT.lists,
							concat(Uint8Array.of(LIST_MESSAGE.list), announced),
						),
						outer.seal(
							CONTENT.lists,
							concat(Uint8Array.of(LIST_MESSAGE.part), bundle),
						),
					],
					{ codes: ["list-refused"], mayAnswer: true },
				);
			}),
	},
];

/** A root of the same name and another key. */
async function selfMade(
	subject: Uint8Array,
	key: ReturnType<typeof generateSoftwareKey>,
): Promise<Uint8Array> {
	const { der } = await forge(
		{
			name: "",
			extensions: [
				EXTENSIONS.authority(),
				EXTENSIONS.certifiesAndLists,
				EXTENSIONS.roles("agent"),
				extension(
					"2.5.29.14",
					false,
					bytes(`0414${hex(nodeCrypto.sha256(key.publicKey)).slice(0, 40)}`),
				),
			],
		},
		undefined,
		{ subject },
		key,
	);
	return der;
}
