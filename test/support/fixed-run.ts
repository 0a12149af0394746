/*
 * One establishment in memory, the same byte for byte every time: fixed keys, certificates,
 * randomness and time. It records every frame on the three wires (the network and the two
 * links) and every value in between, for the run vectors.
 */
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { type Asked, Turns } from "../../sim/turns.ts";
import {
	type CryptoProvider,
	nodeCrypto,
	type SignatureAlgorithm,
	TAG_BYTES,
} from "../../src/crypto/index.ts";
import { kemFromSeed, x25519FromPrivate } from "../../src/crypto/node.ts";
import {
	type AuthorityKind,
	ChainVerdicts,
	encodeChain,
	type IssuingAuthority,
	issueDevice,
	issueIntermediate,
	issueRoot,
	parseTrustAnchor,
	ROLE_OF_KIND,
	type Signer,
	type TrustAnchor,
} from "../../src/identity/index.ts";
import { LONG_BODY_BYTES, type SuiteName } from "../../src/session/index.ts";
import type { DeviceContext } from "../../src/tetrad/context.ts";
import {
	Admission,
	type AdmissionEvent,
	DEFAULT_TIMEOUT_MS,
	type LinkMode,
	LOAD_LIMITS,
	makePolicy,
	PLACES,
	type Place,
	ResumptionTokens,
	type Root,
	type Routing,
	SignedHashes,
} from "../../src/tetrad/index.ts";
import { transcriptHash } from "../../src/tetrad/transcript.ts";
import { dec, hex, LINK, sameBytes, utf8 } from "../../src/wire/index.ts";
import { fixedCrypto, fixedSigner } from "./fixed-crypto.ts";
import {
	AgentByHand,
	type Effect,
	LinkByHand,
	type LinkEffect,
	ModuleByHand,
	PairingByHand,
	type PairingEffect,
} from "./machines.ts";

const TOKEN_LABEL = "tetrad/1 resumption";

/** The time of every fixed run. */
const FIXED_NOW: number = Date.UTC(2026, 5, 1, 12);
/** Where A calls from, in runs in which B is busy. */
const ADDRESS_OF_A = "tcp:192.0.2.1:7000";
/** Where A calls B. */
const ADDRESS_OF_B = "tcp:192.0.2.2:7000";
const CONNECTION = 1;
const DAY = 24 * 60 * 60 * 1000;

type Side = "AX" | "BY";
type Wire = "network" | `link ${Side}`;

/** One frame on a wire. `name` is that of docs/protocol.md: a flight, or the message that the frame's record carries. */
interface WireFrame {
	readonly wire: Wire;
	readonly from: Place;
	readonly to: Place;
	readonly name: string;
	readonly frame: Uint8Array;
}

interface FixedSignature {
	readonly place: Place;
	readonly role: string;
	readonly content: Uint8Array;
	readonly signature: Uint8Array;
}

interface FixedDevice {
	readonly name: string;
	readonly role: "agent" | "module";
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
	/** In DER, leaf first. */
	readonly certificates: readonly Uint8Array[];
	readonly deviceId: Uint8Array;
	readonly certificateId: Uint8Array;
	readonly chainHash: Uint8Array;
}

/** What the two ends of one key exchange drew. */
interface Exchange {
	readonly initiatorX25519: Uint8Array;
	/** d‖z, only in a hybrid exchange. */
	readonly initiatorMlKemSeed?: Uint8Array;
	readonly responderX25519: Uint8Array;
	/** The m of the encapsulation, only in a hybrid exchange. */
	readonly responderMlKemRandom?: Uint8Array;
}

/** What a key exchange yields. */
interface Exchanged {
	/** After the tokens of message 2. */
	readonly h: Uint8Array;
	/** After the payload of message 2. */
	readonly finalHash: Uint8Array;
	readonly initiatorKey: Uint8Array;
	readonly responderKey: Uint8Array;
	readonly exporterSecret: Uint8Array;
}

type BySide<T> = Readonly<Record<Side, T>>;

/** What names a token, and what its two halves hold. */
interface Token {
	readonly id: Uint8Array;
	readonly agents: Uint8Array;
	readonly modules: Uint8Array;
}

interface FixedWorldView {
	/** The trusted roots in DER. */
	readonly roots: Readonly<Record<AuthorityKind, Uint8Array>>;
	readonly devices: Readonly<Record<Place, FixedDevice>>;
}

export interface FixedRun extends FixedWorldView {
	readonly routing: Routing;
	readonly root: Root;
	readonly suite: SuiteName;
	readonly link: LinkMode;
	readonly now: number;
	/** Of a run in which B is busy: what its cookie is made of. */
	readonly cookie?: {
		/** Where A is, as B sees it. */
		readonly address: string;
		readonly secret: Uint8Array;
	};
	readonly secrets: {
		/** Only on paired links. */
		readonly pairingKeys?: BySide<Uint8Array>;
		/** Only on paired links. */
		readonly linkExchanges?: BySide<Exchange>;
		readonly tetradIds: BySide<Uint8Array>;
		readonly session1: Exchange;
		readonly session2: Exchange;
		readonly r1: Uint8Array;
		readonly r2: Uint8Array;
		/** Of a run that resumes an earlier tetrad: its T, and the token of it. */
		readonly resumes?: Token & { readonly transcriptHash: Uint8Array };
	};
	readonly derived: {
		readonly links?: BySide<Exchanged>;
		/** What sessions 3 and 4 take from their links; empty on open links. */
		readonly linkSecrets: BySide<Uint8Array>;
		readonly session1: Exchanged;
		readonly session2: Exchanged;
		readonly transcriptHash: Uint8Array;
		readonly rootKey: Uint8Array;
		readonly fins: Readonly<Record<Place, Uint8Array>>;
		readonly localKeys: Readonly<Record<string, Uint8Array>>;
		readonly safetyCode: string;
		/** Of this tetrad; of none with root unsafe-xor or open links. */
		readonly token?: Token;
		readonly exporters: Readonly<
			Record<
				"tetrad" | "session 1" | "session 2",
				{
					readonly label: string;
					readonly context: Uint8Array;
					readonly value: Uint8Array;
				}
			>
		>;
	};
	readonly signatures: readonly FixedSignature[];
	readonly messages: readonly {
		readonly session: number;
		readonly from: Place;
		readonly to: Place;
		readonly content: Uint8Array;
	}[];
	readonly wires: readonly WireFrame[];
}

export interface FixedRunOptions {
	/** Everything random in the run follows from it. */
	readonly seed: string;
	readonly routing: Routing;
	readonly root: Root;
	readonly suite: SuiteName;
	readonly link: LinkMode;
	/** Modules are certified by an intermediate and not by the root. */
	readonly withIntermediate: boolean;
	/** Some messages are as long as a short record can be, or a byte longer. */
	readonly withLong?: boolean;
	/** B is busy, and asks for a cookie. */
	readonly isBusy?: boolean;
	/** The four have had a tetrad before, which is not shown, and resume it. */
	readonly isResumed?: boolean;
}

/** One pairing of A with X. */
export interface FixedPairing extends FixedWorldView {
	readonly now: number;
	readonly secrets: {
		readonly exchange: Exchange;
		readonly agentNonce: Uint8Array;
		readonly moduleNonce: Uint8Array;
	};
	readonly derived: Exchanged & {
		readonly code: string;
		readonly pairingKey: Uint8Array;
	};
	readonly signatures: readonly FixedSignature[];
	readonly wires: readonly (Omit<WireFrame, "wire"> & { wire: "pairing" })[];
}

const SIDE_OF: Readonly<Record<Place, Side>> = {
	A: "AX",
	X: "AX",
	B: "BY",
	Y: "BY",
};

const AGENT_OF = { AX: "A", BY: "B" } as const satisfies BySide<Place>;
const MODULE_OF = { AX: "X", BY: "Y" } as const satisfies BySide<Place>;

/** Both algorithms for agents and for modules, and for those who certify them. */
const DEVICES: Readonly<
	Record<Place, { name: string; algorithm: SignatureAlgorithm }>
> = {
	A: { name: "alice", algorithm: "P-256" },
	B: { name: "bob", algorithm: "Ed25519" },
	X: { name: "alice-purse", algorithm: "Ed25519" },
	Y: { name: "bob-till", algorithm: "P-256" },
};

interface Certified {
	readonly signer: Signer;
	readonly certificates: readonly Uint8Array[];
}

interface FixedWorld {
	readonly anchors: Readonly<Record<AuthorityKind, TrustAnchor>>;
	readonly certified: Readonly<Record<Place, Certified>>;
}

/** One agency that certifies agents itself, and one bank that certifies modules itself or by an intermediate. */
async function makeFixedWorld(withIntermediate: boolean): Promise<FixedWorld> {
	const seed = (name: string) => `tetrad vectors, ${name}`;
	const validity = (days: number) => ({
		notBefore: FIXED_NOW - days * DAY,
		notAfter: FIXED_NOW + days * DAY,
	});
	const makeRoot = async (
		kind: AuthorityKind,
		algorithm: SignatureAlgorithm,
	): Promise<IssuingAuthority> => {
		const signer = fixedSigner(algorithm, seed(kind));
		const certificate = await issueRoot(fixedCrypto(seed(kind)), {
			kind,
			name: `Vectors ${kind}`,
			signer,
			...validity(3650),
		});
		return { certificate, signer };
	};
	const agency = await makeRoot("agency", "P-256");
	const bank = await makeRoot("bank", "Ed25519");
	const branchSigner = fixedSigner("P-256", seed("bank 1"));
	const branch: IssuingAuthority = {
		signer: branchSigner,
		certificate: await issueIntermediate(fixedCrypto(seed("bank 1")), {
			name: "Vectors bank 1",
			algorithm: "P-256",
			publicKey: branchSigner.publicKey,
			issuer: bank,
			...validity(900),
		}),
	};
	const certify = async (place: Place): Promise<Certified> => {
		const { name, algorithm } = DEVICES[place];
		const signer = fixedSigner(algorithm, seed(name));
		const role = roleOf(place);
		const leaf = await issueDevice(fixedCrypto(seed(name)), {
			role,
			name,
			algorithm,
			publicKey: signer.publicKey,
			issuer: role === "agent" ? agency : withIntermediate ? branch : bank,
			...validity(90),
		});
		const above =
			role === "module" && withIntermediate ? [branch.certificate] : [];
		return { signer, certificates: [leaf, ...above] };
	};
	return {
		anchors: {
			agency: parseTrustAnchor(nodeCrypto, agency.certificate),
			bank: parseTrustAnchor(nodeCrypto, bank.certificate),
		},
		certified: {
			A: await certify("A"),
			B: await certify("B"),
			X: await certify("X"),
			Y: await certify("Y"),
		},
	};
}

function roleOf(place: Place): "agent" | "module" {
	return ROLE_OF_KIND[place === "A" || place === "B" ? "agency" : "bank"];
}

/** Everything that a device drew and derived, in order. */
interface Drawn {
	readonly x25519: Uint8Array[];
	readonly mlKemSeeds: Uint8Array[];
	readonly mlKemRandom: Uint8Array[];
	readonly random: Uint8Array[];
	/** Whole outputs of Noise's HKDF with three outputs. */
	readonly splits: Uint8Array[];
	/** Every expansion that had an info. */
	readonly expansions: { key: Uint8Array; info: Uint8Array }[];
}

/** `fixedCrypto` that keeps the secrets which it hands out as objects. Each kind is drawn from a seed of its own. */
function recordingCrypto(seed: string, record: Drawn): CryptoProvider {
	const draw = (purpose: string) => fixedCrypto(`${seed}, ${purpose}`).random;
	const keep = (list: Uint8Array[], value: Uint8Array) => {
		list.push(value.slice());
		return value;
	};
	const scalar = draw("x25519");
	const kemSeed = draw("ml-kem seed");
	const kemRandom = draw("ml-kem m");
	const random = draw("random");
	return {
		...nodeCrypto,
		random: (length) => keep(record.random, random(length)),
		generateX25519: () => x25519FromPrivate(keep(record.x25519, scalar(32))),
		generateKem: () => kemFromSeed(keep(record.mlKemSeeds, kemSeed(64))),
		encapsulate(publicKey) {
			if (nodeCrypto.encapsulate(publicKey) === undefined) return undefined;
			const m = keep(record.mlKemRandom, kemRandom(32));
			const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, m);
			return { ciphertext: cipherText, secret: sharedSecret };
		},
		hkdf(salt, secret, info, length) {
			const out = nodeCrypto.hkdf(salt, secret, info, length);
			if (info.length === 0 && length === 96) keep(record.splits, out);
			return out;
		},
		hkdfExpand(key, info, length) {
			record.expansions.push({ key: key.slice(), info: info.slice() });
			return nodeCrypto.hkdfExpand(key, info, length);
		},
	};
}

interface Running {
	readonly context: DeviceContext;
	readonly signer: Signer;
	readonly record: Drawn;
	readonly keylog: Map<string, Uint8Array>;
}

function makeDevice(
	{ anchors, certified }: FixedWorld,
	place: Place,
	seed: string,
	suite: SuiteName,
	tokens?: ResumptionTokens,
): Running {
	const record: Drawn = {
		x25519: [],
		mlKemSeeds: [],
		mlKemRandom: [],
		random: [],
		splits: [],
		expansions: [],
	};
	const crypto = recordingCrypto(`${seed}, ${place}`, record);
	const policy = makePolicy({
		agencies: [anchors.agency],
		banks: [anchors.bank],
		suites: [suite],
		roots: ["transcript", "unsafe-xor"],
		links: ["paired", "unsafe-open"],
	});
	const verdicts = new ChainVerdicts(crypto, policy);
	const { signer, certificates } = certified[place];
	const own = verdicts.judge(
		encodeChain(certificates),
		roleOf(place),
		FIXED_NOW,
	);
	const keylog = new Map<string, Uint8Array>();
	return {
		context: {
			crypto,
			policy,
			verdicts,
			own,
			...(tokens === undefined ? {} : { tokens }),
			unsafeKeylog: (label, secret) => void keylog.set(label, secret.slice()),
		},
		signer,
		record,
		keylog,
	};
}

function view(
	{ anchors, certified }: FixedWorld,
	devices: Readonly<Record<Place, Running>>,
): FixedWorldView {
	const describe = (place: Place): FixedDevice => {
		const { own } = devices[place].context;
		return {
			name: own.name,
			role: own.role,
			algorithm: own.algorithm,
			publicKey: own.publicKey,
			certificates: certified[place].certificates,
			deviceId: own.deviceId,
			certificateId: own.certificateId,
			chainHash: own.chainHash,
		};
	};
	return {
		roots: {
			agency: anchors.agency.certificate.der,
			bank: anchors.bank.certificate.der,
		},
		devices: byPlace(describe),
	};
}

function byPlace<T>(make: (place: Place) => T): Record<Place, T> {
	return { A: make("A"), B: make("B"), X: make("X"), Y: make("Y") };
}

function bySide<T>(make: (side: Side) => T): Record<Side, T> {
	return { AX: make("AX"), BY: make("BY") };
}

/** The value at `i`, which a run that went well has. */
function at<T>(list: readonly T[], i: number): T {
	const value = list.at(i);
	if (value === undefined) throw new Error(`a fixed run has no value ${i}`);
	return value;
}

function logged({ keylog }: Running, label: string): Uint8Array {
	const value = keylog.get(label);
	if (value === undefined) throw new Error(`the keylog has no ${label}`);
	return value;
}

/** The exchange of the session that this device exported `label` from: the export shows its final hash and its exporter secret. */
function exchanged(device: Running, h: Uint8Array, label: string): Exchanged {
	const { expansions, splits } = device.record;
	for (const { key, info } of expansions) {
		const [kind, finalHash, exported] = dec(info, 8);
		const split = splits.find((all) => sameBytes(all.subarray(64), key));
		if (
			kind !== undefined &&
			sameBytes(kind, utf8("tetrad/1 exporter")) &&
			finalHash !== undefined &&
			exported !== undefined &&
			sameBytes(exported, utf8(label)) &&
			split !== undefined
		)
			return {
				h,
				finalHash,
				initiatorKey: split.subarray(0, 32),
				responderKey: split.subarray(32, 64),
				exporterSecret: split.subarray(64),
			};
	}
	throw new Error(`nothing was exported for ${label}`);
}

const LINK_NAMES: ReadonlyMap<number, string> = new Map(
	Object.entries(LINK).map(([name, type]) => [type, name]),
);

/** The role in the bytes that a device signs. */
function signedRole(content: Uint8Array): string {
	const text = Buffer.from(content.subarray(0, 16)).toString("latin1");
	return /^tetrad\/1 ([A-Z]{1,2})\0/.exec(text)?.[1] ?? "?";
}

/** Runs one establishment, one message over each session each way, and a close by A. */
export async function fixedRun(options: FixedRunOptions): Promise<FixedRun> {
	const world = await makeFixedWorld(options.withIntermediate);
	const { seed, isResumed = false } = options;
	const tokens = isResumed ? byPlace(() => new ResumptionTokens()) : undefined;
	const begin = async (seed: string, isResumed: boolean): Promise<Run> => {
		const run = new Run(
			{ ...options, seed, isResumed },
			byPlace((place) =>
				makeDevice(world, place, seed, options.suite, tokens?.[place]),
			),
		);
		await run.connectLinks();
		await run.establish();
		return run;
	};
	const before = isResumed
		? (await begin(`${seed}, before`, false)).derive()
		: undefined;
	const run = await begin(seed, isResumed);
	const derived = run.derive();
	run.talk();
	run.close();
	const { routing, root, suite, link } = options;
	return {
		routing,
		root,
		suite,
		link,
		now: FIXED_NOW,
		...(options.isBusy ? { cookie: run.cookie() } : {}),
		...view(world, run.devices),
		secrets: {
			...run.secrets(),
			...(before?.token === undefined
				? {}
				: {
						resumes: {
							transcriptHash: before.transcriptHash,
							...before.token,
						},
					}),
		},
		derived,
		signatures: run.signatures,
		messages: run.messages,
		wires: run.posted,
	};
}

/** Where a signature is wanted: for the tetrad, or for the end of a link. */
interface SigningPlace {
	readonly place: Place;
	readonly link: boolean;
}

class Run extends Turns<SigningPlace, WireFrame> {
	readonly devices: Readonly<Record<Place, Running>>;
	readonly signatures: FixedSignature[] = [];
	readonly messages: FixedRun["messages"][number][] = [];
	readonly #options: FixedRunOptions;
	readonly #draw: (length: number) => Uint8Array;
	readonly #pairingKeys: BySide<Uint8Array>;
	readonly #tetradIds: BySide<Uint8Array>;
	readonly #links: Readonly<Record<Place, LinkByHand>>;
	#machines:
		| {
				readonly A: AgentByHand;
				readonly B: AgentByHand;
				readonly X: ModuleByHand;
				readonly Y: ModuleByHand;
		  }
		| undefined;
	readonly #admission: Admission;
	readonly #cookieSecrets: Uint8Array[] = [];
	#isAdmitted = false;
	/** What the next frame of a device on the network or on a link is called. */
	#nextName = "";
	/** The chains that each device has shown on its link. */
	readonly #known: Readonly<Record<Place, Set<string>>>;
	readonly #heard: string[] = [];

	constructor(
		options: FixedRunOptions,
		devices: Readonly<Record<Place, Running>>,
	) {
		super();
		this.#options = options;
		this.devices = devices;
		this.#draw = fixedCrypto(`${options.seed}, links`).random;
		this.#pairingKeys = bySide(() => this.#draw(32));
		this.#tetradIds = bySide(() => this.#draw(16));
		const { random } = fixedCrypto(`${options.seed}, cookies`);
		this.#admission = new Admission(
			{
				...nodeCrypto,
				random: (length) => {
					const secret = random(length);
					this.#cookieSecrets.push(secret.slice());
					return secret;
				},
			},
			{ ...LOAD_LIMITS, ...(options.isBusy ? { busyFrom: 0 } : {}) },
		);
		this.#known = byPlace(
			(place) => new Set([hex(devices[place].context.own.chainHash)]),
		);
		this.#links = byPlace((place) => {
			const side = SIDE_OF[place];
			const peer = other(place);
			return new LinkByHand(roleOf(place), {
				device: devices[place].context,
				pairing: {
					peerDeviceId: devices[peer].context.own.deviceId,
					key: this.#pairingKeys[side],
				},
				mode: options.link,
				now: FIXED_NOW,
				timeoutMs: DEFAULT_TIMEOUT_MS,
			});
		});
	}

	async connectLinks(): Promise<void> {
		for (const place of ["X", "A", "Y", "B"] as const)
			this.#applyLink(place, this.#links[place].start());
		await this.run();
	}

	async establish(): Promise<void> {
		const { devices } = this;
		const machine = (place: Place) => ({
			device: devices[place].context,
			link: this.#links[place].contextFor(this.#tetradIds[SIDE_OF[place]]),
			now: FIXED_NOW,
			timeoutMs: DEFAULT_TIMEOUT_MS,
		});
		const module = (place: Place) => ({
			...machine(place),
			signedHashes: new SignedHashes(),
		});
		const { routing, root } = this.#options;
		const firstMessage = utf8("first message");
		this.#machines = {
			A: AgentByHand.initiator({
				...machine("A"),
				routing,
				root,
				firstMessage,
				address: ADDRESS_OF_B,
			}),
			B: AgentByHand.responder(machine("B")),
			X: ModuleByHand.initiator(module("X")),
			Y: ModuleByHand.responder(module("Y")),
		};
		this.#admit({
			kind: "arrived",
			id: CONNECTION,
			source: ADDRESS_OF_A,
			peer: ADDRESS_OF_A,
		});
		this.#apply("A", this.#machines.A.start());
		await this.run();
		this.messages.push({
			session: 1,
			from: "A",
			to: "B",
			content: firstMessage,
		});
		for (const place of PLACES)
			if (!this.#heard.includes(`${place} confirmed`))
				throw new Error(`${place} is not confirmed`);
	}

	/** One message each way over each of the four sessions, and two together over each of them. */
	talk(): void {
		const { A, B, X, Y } = this.#running();
		const say = (
			session: number,
			from: Place,
			to: Place,
			send: (message: Uint8Array) => Effect[],
			bytes = 0,
		) => {
			const content = utf8(
				`session ${session}, ${from} to ${to}`.padEnd(bytes, "."),
			);
			this.messages.push({ session, from, to, content });
			this.#apply(from, send(content));
			this.deliverAll();
			const { length } = this.#heard;
			if (
				this.#heard[length - 1] !==
				`${to} ${session} ${Buffer.from(content).toString()}`
			)
				throw new Error(`session ${session} did not carry`);
		};
		say(1, "A", "B", (message) => A.send(message));
		say(1, "B", "A", (message) => B.send(message));
		say(2, "X", "Y", (message) => X.send(message));
		say(2, "Y", "X", (message) => Y.send(message));
		say(3, "A", "X", (message) => A.sendToModule(message));
		say(3, "X", "A", (message) => X.sendToAgent(message));
		say(4, "B", "Y", (message) => B.sendToModule(message));
		say(4, "Y", "B", (message) => Y.sendToAgent(message));
		if (this.#options.withLong) {
			const longest = LONG_BODY_BYTES - 1 - TAG_BYTES;
			const long = longest + 1;
			say(1, "A", "B", (message) => A.send(message), longest);
			say(1, "A", "B", (message) => A.send(message), long);
			say(2, "X", "Y", (message) => X.send(message), long);
			say(4, "Y", "B", (message) => Y.sendToAgent(message), long);
		}
		const together = (
			session: number,
			from: Place,
			to: Place,
			send: (one: Uint8Array, two: Uint8Array) => void,
		) => {
			const [one, two] = ["one", "two"].map((which) => {
				const text = `session ${session}, ${from} to ${to}, ${which}`;
				this.messages.push({ session, from, to, content: utf8(text) });
				return utf8(text);
			}) as [Uint8Array, Uint8Array];
			send(one, two);
			this.deliverAll();
			const heard = [one, two].map(
				(content) => `${to} ${session} ${Buffer.from(content).toString()}`,
			);
			if (this.#heard.slice(-2).join() !== heard.join())
				throw new Error(`session ${session} did not carry two`);
		};
		together(1, "A", "B", (one, two) => {
			A.holds = true;
			this.#apply("A", [...A.send(one), ...A.send(two)]);
			A.holds = false;
			this.#apply("A", A.flush());
		});
		together(2, "X", "Y", (one, two) => {
			X.holds = true;
			this.#apply("X", [...X.send(one), ...X.send(two)]);
			X.holds = false;
			this.#apply("X", X.flush());
		});
		// Two records, which the link and then session 1 carry in one of theirs.
		together(2, "Y", "X", (one, two) => {
			const link = this.#links.Y;
			link.holds = true;
			this.#apply("Y", [...Y.send(one), ...Y.send(two)]);
			link.holds = false;
			this.#nextName = this.#options.link === "paired" ? "nested, nested" : "";
			this.#applyLink("Y", link.flush());
			B.holds = true;
			this.deliverAll();
			B.holds = false;
			this.#apply("B", B.flush());
		});
		together(3, "X", "A", (one, two) => {
			X.holds = true;
			this.#apply("X", [...X.sendToAgent(one), ...X.sendToAgent(two)]);
			X.holds = false;
			this.#apply("X", X.flush());
		});
	}

	/** A closes the tetrad, and the agents then close their links. */
	close(): void {
		this.#apply("A", this.#running().A.close(FIXED_NOW));
		this.deliverAll();
		for (const place of ["A", "B"] as const)
			this.#applyLink(place, this.#links[place].close());
		this.deliverAll();
	}

	cookie(): NonNullable<FixedRun["cookie"]> {
		return { address: ADDRESS_OF_A, secret: at(this.#cookieSecrets, 0) };
	}

	secrets(): FixedRun["secrets"] {
		const record = (place: Place) => this.devices[place].record;
		const { link, suite } = this.#options;
		/** The first exchange that both took part in is their link's, and the last one their session's. */
		const exchange = (
			initiator: Place,
			responder: Place,
			nth: 0 | -1,
			hybrid: boolean,
		): Exchange => {
			const [one, two] = [record(initiator), record(responder)];
			return {
				initiatorX25519: at(one.x25519, nth),
				...(hybrid ? { initiatorMlKemSeed: at(one.mlKemSeeds, nth) } : {}),
				responderX25519: at(two.x25519, nth),
				...(hybrid ? { responderMlKemRandom: at(two.mlKemRandom, nth) } : {}),
			};
		};
		const session = (initiator: Place, responder: Place): Exchange =>
			exchange(initiator, responder, -1, suite.startsWith("hybrid"));
		const paired = link === "paired";
		return {
			...(paired
				? {
						pairingKeys: this.#pairingKeys,
						linkExchanges: bySide((side) =>
							exchange(AGENT_OF[side], MODULE_OF[side], 0, true),
						),
					}
				: {}),
			tetradIds: this.#tetradIds,
			session1: session("A", "B"),
			session2: session("X", "Y"),
			r1: logged(this.devices.A, "R1"),
			r2: logged(this.devices.A, "R2"),
		};
	}

	derive(): FixedRun["derived"] {
		const { A, X } = this.#running();
		const { transcript, root, outer } = A.confirmed();
		const { inner } = X.confirmed();
		const context = utf8("context");
		const exporter = (label: string, from: Pick<typeof root, "export">) => ({
			label,
			context,
			value: from.export(label, context, 32),
		});
		const exporters = {
			tetrad: exporter("vectors", root),
			"session 1": exporter("vectors session 1", outer),
			"session 2": exporter("vectors session 2", inner),
		};
		const links =
			this.#options.link === "paired"
				? {
						links: bySide((side) =>
							exchanged(
								this.devices[AGENT_OF[side]],
								this.#linkHash(side),
								"tetrad/1 link",
							),
						),
					}
				: {};
		return {
			...links,
			linkSecrets: bySide(
				(side) =>
					this.#links[AGENT_OF[side]].contextFor(this.#tetradIds[side]).secret,
			),
			session1: exchanged(
				this.devices.A,
				transcript.outerHash,
				"vectors session 1",
			),
			session2: exchanged(
				this.devices.X,
				transcript.innerHash,
				"vectors session 2",
			),
			transcriptHash: transcriptHash(nodeCrypto, transcript),
			rootKey: logged(this.devices.A, "K"),
			fins: byPlace((place) => root.fin(place)),
			localKeys: {
				AX: logged(this.devices.A, "LOCAL_AX"),
				XA: logged(this.devices.A, "LOCAL_XA"),
				BY: logged(this.devices.B, "LOCAL_BY"),
				YB: logged(this.devices.B, "LOCAL_YB"),
			},
			safetyCode: root.safetyCode(),
			...(transcript.offer.root === "transcript" &&
			this.#options.link === "paired"
				? {
						token: {
							id: root.tokenId(),
							agents: outer.export(TOKEN_LABEL, root.transcript, 32),
							modules: inner.export(TOKEN_LABEL, root.transcript, 32),
						},
					}
				: {}),
			exporters,
		};
	}

	/** The h of a link, which is the first field of what its module signed. */
	#linkHash(side: Side): Uint8Array {
		const signed = this.signatures.find(
			({ place, role }) => place === MODULE_OF[side] && role === "LM",
		);
		const content = signed?.content ?? new Uint8Array();
		return at(dec(content.subarray("tetrad/1 LM\0".length), 3), 0);
	}

	#running() {
		if (this.#machines === undefined) throw new Error("not established");
		return this.#machines;
	}

	#apply(place: Place, effects: readonly Effect[]): void {
		for (const effect of effects) {
			switch (effect.kind) {
				case "send-frame":
					this.#put("network", place, place === "A" ? "B" : "A", effect.bytes);
					break;
				case "send-link":
					this.#nextName = this.#linkName(place, effect);
					this.#applyLink(
						place,
						this.#links[place].send(
							this.#tetradIds[SIDE_OF[place]],
							effect.type,
							effect.body,
							effect.chains,
						),
					);
					break;
				case "sign":
					this.signing.push({
						place: { place, link: false },
						content: effect.content,
					});
					break;
				case "messages":
					for (const bytes of effect.messages)
						this.#heard.push(
							`${place} ${effect.session} ${Buffer.from(bytes).toString()}`,
						);
					break;
				case "ended":
					if (effect.error) throw effect.error;
					break;
				default:
					this.#heard.push(`${place} ${effect.kind}`);
			}
		}
	}

	/** What a link message is called, with the chains that go before it. On an open link each has a frame of its own. */
	#linkName(
		place: Place,
		{ type, chains }: Extract<Effect, { kind: "send-link" }>,
	): string {
		const known = this.#known[place];
		const missing = new Set(chains.map(({ chainHash }) => hex(chainHash)));
		const names = [...missing.difference(known)].map(() => "chain");
		for (const chain of missing) known.add(chain);
		return [...names, LINK_NAMES.get(type) ?? "?"].join(", ");
	}

	#applyLink(place: Place, effects: readonly LinkEffect[]): void {
		const names =
			this.#options.link === "paired"
				? [this.#nextName]
				: this.#nextName.split(", ");
		for (const effect of effects) {
			switch (effect.kind) {
				case "send-frame": {
					this.#nextName = names.shift() ?? "";
					const wire = `link ${SIDE_OF[place]}` as const;
					this.#put(wire, place, other(place), effect.bytes);
					this.#nextName = "";
					break;
				}
				case "sign":
					this.signing.push({
						place: { place, link: true },
						content: effect.content,
					});
					break;
				case "message": {
					const machine = this.#running()[place];
					const { type, body } = effect;
					this.#apply(place, machine.linkMessage(type, body, FIXED_NOW));
					break;
				}
				case "ended":
					if (effect.error) throw effect.error;
					break;
				case "ready":
					break;
			}
		}
	}

	#put(wire: Wire, from: Place, to: Place, frame: Uint8Array): void {
		const name = this.#nextName || this.#frameName(wire, from);
		this.put({ wire, from, to, name, frame });
	}

	/** By what the wire has carried before, since a record does not show what it is. */
	#frameName(wire: Wire, from: Place): string {
		const { routing, link, isBusy, isResumed, withLong } = this.#options;
		const before = this.posted.filter((frame) => frame.wire === wire).length;
		if (wire !== "network") {
			const opening =
				link === "paired" ? ["L1", "L2", "L3"] : ["openHello", "openHello"];
			return opening[before] ?? "close";
		}
		const flights =
			routing === "direct"
				? ["F1", "F2", "F3", "message", "F4"]
				: ["F1", "F2", "F3", "F4", "F5", "message"];
		const talk = ["message", "message", "nested", "nested"];
		if (withLong) talk.push("message", "message", "nested");
		talk.push("message, message", "nested", "nested, nested");
		talk.push("nested", "close");
		if (isResumed) flights.splice(0, 5, "F1", "F2", "resumedF3", "message");
		if (isBusy) flights.splice(1, 0, "cookie", "cookieOffer");
		return [...flights, ...talk][before] ?? `frame ${before} of ${from}`;
	}

	/** B's door: its machine gets an offer once it may be worked on. */
	#admit(event: AdmissionEvent): void {
		for (const effect of this.#admission.handle(event, FIXED_NOW))
			if (effect.kind === "send-frame")
				this.#put("network", "B", "A", effect.bytes);
			else if (effect.kind === "admit") {
				this.#isAdmitted = true;
				const { B } = this.#running();
				this.#apply("B", B.frame(effect.bytes, FIXED_NOW));
			} else throw effect.error;
	}

	protected override arrive({ wire, to, frame }: WireFrame): void {
		if (wire === "network") {
			if (to === "B" && !this.#isAdmitted)
				return this.#admit({ kind: "frame", id: CONNECTION, bytes: frame });
			const machine = this.#running()[to as "A" | "B"];
			this.#apply(to, machine.frame(frame, FIXED_NOW));
		} else this.#applyLink(to, this.#links[to].frame(frame, FIXED_NOW));
	}

	protected override async sign({
		place: { place, link },
		content,
	}: Asked<SigningPlace>): Promise<void> {
		const signature = await this.devices[place].signer.sign(content);
		const role = signedRole(content);
		this.signatures.push({ place, role, content, signature });
		if (link) this.#applyLink(place, this.#links[place].signed(signature));
		else this.#apply(place, this.#running()[place].signed(signature));
	}
}

/** The other end of a device's link. */
function other(place: Place): Place {
	const side = SIDE_OF[place];
	return place === AGENT_OF[side] ? MODULE_OF[side] : AGENT_OF[side];
}

/** A frame of a pairing. */
type PairingFrame = FixedPairing["wires"][number];

const PAIRING_FRAMES = ["P1", "P2", "P3", "acceptance", "acceptance"];

class PairingRun extends Turns<"A" | "X", PairingFrame> {
	readonly signatures: FixedSignature[] = [];
	readonly codes: string[] = [];
	readonly keys: Uint8Array[] = [];
	readonly #devices: Readonly<Record<"A" | "X", Running>>;
	readonly #machines: Readonly<Record<"A" | "X", PairingByHand>>;

	constructor(devices: Readonly<Record<"A" | "X", Running>>) {
		super();
		this.#devices = devices;
		const machine = (role: "agent" | "module", { context }: Running) =>
			new PairingByHand(role, {
				device: context,
				now: FIXED_NOW,
				timeoutMs: DEFAULT_TIMEOUT_MS,
			});
		this.#machines = {
			A: machine("agent", devices.A),
			X: machine("module", devices.X),
		};
	}

	/** Both owners accept, the agent's first. */
	async pair(): Promise<void> {
		for (const place of ["X", "A"] as const)
			this.#apply(place, this.#machines[place].start());
		await this.run();
		for (const place of ["A", "X"] as const) {
			this.#apply(place, this.#machines[place].accept());
			await this.run();
		}
	}

	#apply(place: "A" | "X", effects: readonly PairingEffect[]): void {
		for (const effect of effects) {
			if (effect.kind === "send-frame")
				this.put({
					wire: "pairing",
					from: place,
					to: place === "A" ? "X" : "A",
					name: at(PAIRING_FRAMES, this.posted.length),
					frame: effect.bytes,
				});
			else if (effect.kind === "sign")
				this.signing.push({ place, content: effect.content });
			else if (effect.kind === "compare") this.codes.push(effect.code);
			else if (effect.kind === "paired") this.keys.push(effect.pairing.key);
			else if (effect.kind === "ended" && effect.error) throw effect.error;
		}
	}

	protected override arrive({ to, frame }: PairingFrame): void {
		const place = to as "A" | "X";
		this.#apply(place, this.#machines[place].frame(frame, FIXED_NOW));
	}

	protected override async sign({
		place,
		content,
	}: Asked<"A" | "X">): Promise<void> {
		const signature = await this.#devices[place].signer.sign(content);
		const role = signedRole(content);
		this.signatures.push({ place, role, content, signature });
		this.#apply(place, this.#machines[place].signed(signature));
	}
}

/** Pairs A with X. */
export async function fixedPairing(seed: string): Promise<FixedPairing> {
	const world = await makeFixedWorld(true);
	const devices = byPlace((place) =>
		makeDevice(world, place, seed, "hybrid-aesgcm"),
	);
	const run = new PairingRun(devices);
	await run.pair();
	const { codes, keys, signatures } = run;
	if (at(codes, 0) !== at(codes, 1) || hex(at(keys, 0)) !== hex(at(keys, 1)))
		throw new Error("the two ends of a pairing differ");
	const content = signatures[0]?.content ?? new Uint8Array();
	const h = at(dec(content.subarray("tetrad/1 PM\0".length), 2), 0);
	return {
		now: FIXED_NOW,
		...view(world, devices),
		secrets: {
			exchange: {
				initiatorX25519: at(devices.A.record.x25519, 0),
				initiatorMlKemSeed: at(devices.A.record.mlKemSeeds, 0),
				responderX25519: at(devices.X.record.x25519, 0),
				responderMlKemRandom: at(devices.X.record.mlKemRandom, 0),
			},
			agentNonce: at(devices.A.record.random, 0),
			moduleNonce: at(devices.X.record.random, 0),
		},
		derived: {
			...exchanged(devices.A, h, "tetrad/1 pairing key"),
			code: at(codes, 0),
			pairingKey: at(keys, 0),
		},
		signatures,
		wires: run.posted,
	};
}
