/*
 * A second implementation of docs/protocol.md, small and slow, that reads runs and makes none.
 * It imports nothing from src/: where it and the device code agree, the document is what made
 * them agree. Lengths and names of fields, labels of frames and type bytes come from the tables.
 */
import assert from "node:assert/strict";
import * as node from "node:crypto";
import { x25519 } from "@noble/curves/ed25519.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import {
	cell,
	DOCUMENT,
	type LayoutField,
	layoutOf,
	MESSAGES,
	parseLayout,
	table,
} from "./document.ts";

type Place = "A" | "B" | "X" | "Y";
type Side = "AX" | "BY";

interface Exchange {
	readonly initiatorX25519: string;
	readonly initiatorMlKemSeed?: string;
	readonly responderX25519: string;
	readonly responderMlKemRandom?: string;
}

interface Exchanged {
	readonly h: string;
	readonly finalHash: string;
	readonly initiatorKey: string;
	readonly responderKey: string;
	readonly exporterSecret: string;
}

interface Device {
	readonly name: string;
	readonly role: "agent" | "module";
	readonly algorithm: "P-256" | "Ed25519";
	readonly publicKey: string;
	readonly certificates: readonly string[];
	readonly deviceId: string;
	readonly certificateId: string;
	readonly chainHash: string;
}

interface Token {
	readonly id: string;
	readonly agents: string;
	readonly modules: string;
}

interface World {
	readonly comment: string;
	readonly name: string;
	readonly now: number;
	readonly roots: Readonly<Record<"agency" | "bank", string>>;
	readonly devices: Readonly<Record<Place, Device>>;
	readonly signatures: readonly {
		readonly place: Place;
		readonly role: string;
		readonly content: string;
		readonly signature: string;
	}[];
	readonly wires: readonly {
		readonly wire: string;
		readonly from: Place;
		readonly to: Place;
		readonly name: string;
		readonly frame: string;
	}[];
}

/** A run as it stands in a vector file. */
export interface RunVector extends World {
	readonly routing: "direct" | "crossed";
	readonly root: "transcript" | "unsafe-xor";
	readonly suite: string;
	readonly link: "paired" | "unsafe-open";
	/** Of a run in which B is busy. */
	readonly cookie?: { readonly address: string; readonly secret: string };
	readonly secrets: {
		readonly pairingKeys?: Readonly<Record<Side, string>>;
		readonly linkExchanges?: Readonly<Record<Side, Exchange>>;
		readonly tetradIds: Readonly<Record<Side, string>>;
		readonly session1: Exchange;
		readonly session2: Exchange;
		readonly r1: string;
		readonly r2: string;
		/** Of a run that resumes a tetrad. */
		readonly resumes?: Token & { readonly transcriptHash: string };
	};
	readonly derived: {
		readonly links?: Readonly<Record<Side, Exchanged>>;
		readonly linkSecrets: Readonly<Record<Side, string>>;
		readonly session1: Exchanged;
		readonly session2: Exchanged;
		readonly transcriptHash: string;
		readonly rootKey: string;
		readonly fins: Readonly<Record<Place, string>>;
		readonly localKeys: Readonly<Record<"AX" | "XA" | "BY" | "YB", string>>;
		readonly safetyCode: string;
		readonly token?: Token;
		readonly exporters: Readonly<
			Record<
				"tetrad" | "session 1" | "session 2",
				{
					readonly label: string;
					readonly context: string;
					readonly value: string;
				}
			>
		>;
	};
	readonly messages: readonly {
		readonly session: number;
		readonly from: Place;
		readonly to: Place;
		readonly content: string;
	}[];
}

/** A pairing as it stands in a vector file. */
export interface PairingVector extends World {
	readonly secrets: {
		readonly exchange: Exchange;
		readonly agentNonce: string;
		readonly moduleNonce: string;
	};
	readonly derived: Exchanged & {
		readonly code: string;
		readonly pairingKey: string;
	};
}

// Notation

const EMPTY: Buffer = Buffer.alloc(0);
const text = (value: string): Buffer => Buffer.from(value);
const byte = (value: number): Buffer => Buffer.of(value);

function bytes(hex: string): Buffer {
	assert.match(hex, /^([0-9a-f]{2})*$/);
	return Buffer.from(hex, "hex");
}

function u32(value: number): Buffer {
	const out = Buffer.alloc(4);
	out.writeUInt32BE(value);
	return out;
}

function enc(...fields: readonly Uint8Array[]): Buffer {
	return Buffer.concat(fields.flatMap((field) => [u32(field.length), field]));
}

function dec(body: Buffer): Buffer[] {
	const fields: Buffer[] = [];
	for (let at = 0; at < body.length; ) {
		const end = at + 4 + body.readUInt32BE(at);
		assert.ok(end <= body.length, "a field runs past the end");
		fields.push(body.subarray(at + 4, end));
		at = end;
	}
	return fields;
}

function decode(
	layout: readonly LayoutField[],
	body: Buffer,
): Map<string, Buffer> {
	const fields = dec(body);
	assert.equal(fields.length, layout.length, "number of fields");
	return new Map(
		layout.map(({ name, min, max }, i) => {
			const field = fields[i] as Buffer;
			assert.ok(
				field.length >= min && field.length <= max,
				`length of ${name}`,
			);
			return [name, field];
		}),
	);
}

const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
	node.createHash("sha256").update(Buffer.concat(parts)).digest();

const hmac = (key: Uint8Array, data: Uint8Array): Buffer =>
	node.createHmac("sha256", key).update(data).digest();

const extract = hmac;

function expand(key: Uint8Array, info: Uint8Array, length: number): Buffer {
	const blocks: Buffer[] = [];
	for (let i = 1; blocks.length * 32 < length; i++)
		blocks.push(
			hmac(key, Buffer.concat([blocks.at(-1) ?? EMPTY, info, byte(i)])),
		);
	return Buffer.concat(blocks).subarray(0, length);
}

// Frames and records

const FRAME_TYPES: ReadonlyMap<string, number> = new Map(
	table("Frames", "type").rows.map((row) => [
		cell(row, "frame"),
		Number(cell(row, "type")),
	]),
);

const CONTENT_NAMES: ReadonlyMap<number, string> = new Map(
	table("Records", "content type").rows.map((row) => [
		Number(cell(row, "content type")),
		cell(row, "name"),
	]),
);

function parseFrame(frame: Buffer): { type: string; body: Buffer } {
	const known = [...FRAME_TYPES].find(([, type]) => type === frame[0]);
	assert.ok(known, "the type of the frame is known");
	assert.equal(frame.readUInt32BE(1), frame.length - 5, "length of the body");
	return { type: known[0], body: frame.subarray(5) };
}

type AeadName = "AESGCM" | "ChaChaPoly";

function aeadOf(protocol: string): AeadName {
	return aeadName(protocol.split("_")[3]);
}

function aeadName(name: string | undefined): AeadName {
	assert.ok(name === "AESGCM" || name === "ChaChaPoly");
	return name;
}

/** The limit that decides between two AEADs, in bytes. */
const LONGEST_SHORT_BODY = Number(
	table("Limits", "limit")
		.rows.map((row) => [cell(row, "limit"), cell(row, "value")])
		.find(([limit]) => limit?.startsWith("body of a short record"))?.[1],
);

function nonce(aead: AeadName, counter: bigint): Buffer {
	const out = Buffer.alloc(12);
	if (aead === "AESGCM") out.writeBigUInt64BE(counter, 4);
	else out.writeBigUInt64LE(counter, 4);
	return out;
}

function open(
	aead: AeadName,
	key: Buffer,
	counter: bigint,
	associatedData: Buffer,
	sealed: Buffer,
): Buffer {
	const cipher = aead === "AESGCM" ? "aes-256-gcm" : "chacha20-poly1305";
	const decipher = node.createDecipheriv(
		cipher as "aes-256-gcm",
		key,
		nonce(aead, counter),
		{ authTagLength: 16 },
	);
	const body = sealed.subarray(0, -16);
	decipher.setAAD(associatedData, { plaintextLength: body.length });
	decipher.setAuthTag(sealed.subarray(-16));
	return Buffer.concat([decipher.update(body), decipher.final()]);
}

function seal(
	aead: AeadName,
	key: Buffer,
	counter: bigint,
	associatedData: Buffer,
	plaintext: Buffer,
): Buffer {
	const name = aead === "AESGCM" ? "aes-256-gcm" : "chacha20-poly1305";
	const cipher = node.createCipheriv(
		name as "aes-256-gcm",
		key,
		nonce(aead, counter),
		{ authTagLength: 16 },
	);
	cipher.setAAD(associatedData, { plaintextLength: plaintext.length });
	const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
	return Buffer.concat([body, cipher.getAuthTag()]);
}

/** What seals the records of a session: one AEAD, or that of short records and that of long ones. */
type RecordAeads = readonly [AeadName, AeadName?];

function recordAeads(documented: string): RecordAeads {
	const [short, long, ...more] = documented.split(", long ones ").map(aeadName);
	assert.ok(short);
	assert.deepEqual(more, []);
	return long === undefined ? [short] : [short, long];
}

/** Records of one direction. */
class Direction {
	readonly #aeads: RecordAeads;
	readonly #key: Buffer;
	#counter = 0n;

	constructor(aeads: RecordAeads, key: Buffer) {
		this.#aeads = aeads;
		this.#key = key;
	}

	/** The AEAD of a record with such a body, and its key. */
	#keyed(bodyBytes: number): [AeadName, Buffer] {
		const [short, long] = this.#aeads;
		if (long === undefined) return [short, this.#key];
		const isLong = bodyBytes > LONGEST_SHORT_BODY;
		const info = enc(text("tetrad/1 records"), text(isLong ? "long" : "short"));
		return [isLong ? long : short, expand(this.#key, info, 32)];
	}

	/** A record that has one content. */
	open(frame: Buffer): Opened {
		const [content, ...others] = this.openAll(frame);
		assert.ok(content);
		assert.deepEqual(others, []);
		return content;
	}

	openAll(frame: Buffer): Opened[] {
		const { type, body } = parseFrame(frame);
		assert.equal(type, "record");
		const counter = this.#counter++;
		const header = frame.subarray(0, 5);
		const [aead, key] = this.#keyed(body.length);
		const plaintext = open(aead, key, counter, header, body);
		// Sealing has one result, so this only shows that `seal` is the inverse.
		assert.deepEqual(seal(aead, key, counter, header, plaintext), body);
		const name = contentName(plaintext[0]);
		const content = plaintext.subarray(1);
		return name === "several" ? several(content) : [{ type: name, content }];
	}
}

interface Opened {
	readonly type: string;
	readonly content: Buffer;
}

function contentName(type: number | undefined): string {
	const name = CONTENT_NAMES.get(type ?? -1);
	assert.ok(name, "the content type is known");
	return name;
}

/** The contents of a record of type several. */
function several(joined: Buffer): Opened[] {
	const contents: Opened[] = [];
	for (let rest = joined; rest.length > 0; ) {
		const type = contentName(rest[0]);
		assert.ok(["message", "nested", "link", "lists"].includes(type));
		const end = 5 + rest.readUInt32BE(1);
		assert.ok(end <= rest.length, "a content ends in its record");
		contents.push({ type, content: rest.subarray(5, end) });
		rest = rest.subarray(end);
	}
	assert.ok(contents.length >= 2 && contents.length <= 1024);
	return contents;
}

// Key exchange

interface DocumentedSuite {
	readonly id: number;
	readonly protocol: string;
	readonly records: RecordAeads;
}

const SUITES: ReadonlyMap<string, DocumentedSuite> = new Map(
	table("Key exchange", "suite id").rows.map((row) => [
		cell(row, "suite"),
		{
			id: Number(cell(row, "suite id")),
			protocol: cell(row, "Noise protocol name"),
			records: recordAeads(cell(row, "records")),
		},
	]),
);

function suiteOf(name: string): DocumentedSuite {
	const suite = SUITES.get(name);
	assert.ok(suite, `the document has the suite ${name}`);
	return suite;
}

/** Bytes of messages 1 and 2 of a pattern, without what their payloads add. */
function overheads(pattern: string): readonly [number, number] {
	const one = "message 1 without payload";
	const { rows } = table("Key exchange", "pattern", one);
	const row = rows.find((candidate) => cell(candidate, "pattern") === pattern);
	assert.ok(row, `the document has the pattern ${pattern}`);
	return [
		Number(cell(row, one)),
		Number(cell(row, "message 2 without payload and its tag")),
	];
}

interface Finished {
	readonly aead: AeadName;
	readonly h: Buffer;
	readonly finalHash: Buffer;
	readonly payload: Buffer;
	readonly initiatorKey: Buffer;
	readonly responderKey: Buffer;
	readonly exporterSecret: Buffer;
}

/** Replays a key exchange from the secrets of both ends, compares all that it sent, and opens the payload of message 2. */
function replay(
	protocol: string,
	prologue: Buffer,
	psk: Buffer | undefined,
	secrets: Exchange,
	payload1: Buffer,
	message1: Buffer,
	message2: Buffer,
): Finished {
	const aead = aeadOf(protocol);
	const name = text(protocol);
	let h =
		name.length <= 32
			? Buffer.concat([name, Buffer.alloc(32 - name.length)])
			: sha256(name);
	let ck = h;
	let key: Buffer | undefined;
	let n = 0n;
	const mixHash = (data: Uint8Array) => {
		h = sha256(h, data);
	};
	const hkdf = (secret: Uint8Array) => {
		const out = expand(extract(ck, secret), EMPTY, 96);
		return [0, 32, 64].map((at) => out.subarray(at, at + 32)) as [
			Buffer,
			Buffer,
			Buffer,
		];
	};
	const mixKey = (secret: Uint8Array) => {
		[ck, key] = hkdf(secret);
		n = 0n;
	};
	const encryptAndHash = (plaintext: Buffer) => {
		const sealed = key ? seal(aead, key, n++, h, plaintext) : plaintext;
		mixHash(sealed);
		return sealed;
	};
	const mixEphemeral = (publicKey: Uint8Array) => {
		mixHash(publicKey);
		if (psk) mixKey(publicKey);
	};

	mixHash(prologue);
	if (psk) {
		const [next, hash, cipherKey] = hkdf(psk);
		ck = next;
		mixHash(hash);
		key = cipherKey;
		n = 0n;
	}
	const ei = bytes(secrets.initiatorX25519);
	const er = bytes(secrets.responderX25519);
	const eiPublic = Buffer.from(x25519.getPublicKey(ei));
	const erPublic = Buffer.from(x25519.getPublicKey(er));
	const hybrid = protocol.includes("NNhfs");
	const kem = hybrid
		? ml_kem768.keygen(bytes(secrets.initiatorMlKemSeed ?? ""))
		: undefined;

	mixEphemeral(eiPublic);
	const made1: Buffer[] = [eiPublic];
	if (kem) made1.push(encryptAndHash(Buffer.from(kem.publicKey)));
	made1.push(encryptAndHash(payload1));
	assert.deepEqual(Buffer.concat(made1), message1, "message 1");

	mixEphemeral(erPublic);
	const made2: Buffer[] = [erPublic];
	mixKey(x25519.getSharedSecret(ei, erPublic));
	if (kem) {
		const m = bytes(secrets.responderMlKemRandom ?? "");
		const { cipherText, sharedSecret } = ml_kem768.encapsulate(
			kem.publicKey,
			m,
		);
		assert.deepEqual(
			ml_kem768.decapsulate(cipherText, kem.secretKey),
			sharedSecret,
		);
		made2.push(encryptAndHash(Buffer.from(cipherText)));
		mixKey(sharedSecret);
	}
	const tokens = Buffer.concat(made2);
	assert.deepEqual(message2.subarray(0, tokens.length), tokens, "message 2");
	const signedHash = h;
	const sealed = message2.subarray(tokens.length);
	assert.ok(key);
	const payload = open(aead, key, n, h, sealed);
	const [documented1, documented2] = overheads(protocol.split("_")[1] ?? "");
	assert.equal(message1.length, documented1 + payload1.length);
	assert.equal(message2.length, documented2 + payload.length + 16);
	mixHash(sealed);
	const [initiatorKey, responderKey, exporterSecret] = hkdf(EMPTY);
	return {
		aead,
		h: signedHash,
		finalHash: h,
		payload,
		initiatorKey,
		responderKey,
		exporterSecret,
	};
}

function assertExchanged(actual: Finished, expected: Exchanged | undefined) {
	assert.ok(expected);
	for (const name of [
		"h",
		"finalHash",
		"initiatorKey",
		"responderKey",
		"exporterSecret",
	] as const)
		assert.equal(actual[name].toString("hex"), expected[name], name);
}

function sessionExport(
	{ exporterSecret, finalHash }: Finished,
	label: string,
	context: Buffer,
	length: number,
): Buffer {
	const info = enc(text("tetrad/1 exporter"), finalHash, text(label), context);
	return expand(exporterSecret, info, length);
}

// Identity

class Identity {
	readonly chain: Buffer;
	readonly chainHash: Buffer;
	readonly certificateId: Buffer;
	readonly deviceId: Buffer;
	readonly #key: node.KeyObject;
	readonly #algorithm: Device["algorithm"];

	constructor(device: Device, rootDer: string) {
		const path = device.certificates.map(
			(der) => new node.X509Certificate(bytes(der)),
		);
		const root = new node.X509Certificate(bytes(rootDer));
		for (const [i, certificate] of path.entries()) {
			const issuer = path[i + 1] ?? root;
			assert.ok(certificate.verify(issuer.publicKey), "certificate signature");
			assert.equal(certificate.issuer, issuer.subject);
		}
		const [leaf] = path;
		assert.ok(leaf && !leaf.ca && root.ca);
		assert.equal(leaf.subject, `CN=${device.name}`);
		assert.deepEqual(
			leaf.keyUsage,
			[...table("Identity", "role").rows]
				.filter((row) => cell(row, "role") === device.role)
				.map((row) => cell(row, "OID")),
		);
		const spki = (key: node.KeyObject) =>
			key.export({ type: "spki", format: "der" });
		this.chain = enc(...device.certificates.map(bytes));
		this.chainHash = sha256(this.chain);
		this.certificateId = sha256(leaf.raw);
		this.deviceId = enc(sha256(spki(root.publicKey)), text(device.name));
		this.#key = leaf.publicKey;
		this.#algorithm = device.algorithm;
		assert.equal(this.chainHash.toString("hex"), device.chainHash);
		assert.equal(this.certificateId.toString("hex"), device.certificateId);
		assert.equal(this.deviceId.toString("hex"), device.deviceId);
		assert.ok(spki(this.#key).toString("hex").endsWith(device.publicKey));
		const keyBytes = this.#algorithm === "P-256" ? 65 : 32;
		assert.equal(device.publicKey.length, 2 * keyBytes);
	}

	verify(content: Buffer, signature: Buffer): void {
		assert.equal(signature.length, 64);
		const ok =
			this.#algorithm === "P-256"
				? node.verify(
						"sha256",
						content,
						{ key: this.#key, dsaEncoding: "ieee-p1363" },
						signature,
					)
				: node.verify(null, content, this.#key, signature);
		assert.ok(ok, "the signature verifies");
	}
}

function identities(world: World): Record<Place, Identity> {
	const { devices, roots } = world;
	const identity = (place: Place) => {
		const kind = place === "A" || place === "B" ? "agency" : "bank";
		assert.equal(devices[place].role, kind === "agency" ? "agent" : "module");
		return new Identity(devices[place], roots[kind]);
	};
	return {
		A: identity("A"),
		B: identity("B"),
		X: identity("X"),
		Y: identity("Y"),
	};
}

/** The signature of `place` for `role`, over bytes that are built here. */
function signatureOf(
	world: World,
	devices: Readonly<Record<Place, Identity>>,
	place: Place,
	role: string,
	...fields: readonly Buffer[]
): Buffer {
	const content = Buffer.concat([
		text(`tetrad/1 ${role}`),
		byte(0),
		enc(...fields),
	]);
	const found = world.signatures.filter(
		(signed) => signed.place === place && signed.role === role,
	);
	assert.equal(found.length, 1, `${place} signs once as ${role}`);
	assert.equal(found[0]?.content, content.toString("hex"));
	const signature = bytes(found[0]?.signature ?? "");
	devices[place].verify(content, signature);
	return signature;
}

// Words

assert.ok(
	DOCUMENT.includes(sha256(text(wordlist.join("\n"))).toString("hex")),
	"the word list is the one that the document pins",
);

function words(value: Buffer, count: number): string {
	const bits = [...value].map((b) => b.toString(2).padStart(8, "0")).join("");
	return Array.from(
		{ length: count },
		(_, i) => wordlist[Number.parseInt(bits.slice(11 * i, 11 * i + 11), 2)],
	).join(" ");
}

// A run

const MODULE: Readonly<Record<Side, Place>> = { AX: "X", BY: "Y" };
const AGENT: Readonly<Record<Side, Place>> = { AX: "A", BY: "B" };
const SIDES: readonly Side[] = ["AX", "BY"];

const byteOf = (choice: string, value: string): Buffer => {
	const row = table("Negotiation", "choice").rows.find(
		(candidate) =>
			cell(candidate, "choice") === choice &&
			cell(candidate, "value") === value,
	);
	assert.ok(row, `the document has a byte for ${choice} ${value}`);
	return byte(Number(cell(row, "byte")));
};

/** The link messages of an establishment, on each side in order. */
const SEQUENCES: Readonly<
	Record<
		"direct" | "crossed" | "resumed",
		Readonly<Record<Side, readonly string[]>>
	>
> = {
	direct: {
		AX: [
			"begin",
			"prepared",
			"bindInitiator",
			"initiatorBound",
			"agentBound",
			"confirmInitiator",
		],
		BY: [
			"answer",
			"answered",
			"bindResponder",
			"responderBound",
			"confirmResponder",
		],
	},
	crossed: {
		AX: [
			"begin",
			"prepared",
			"bindInitiator",
			"initiatorBound",
			"confirmInitiator",
			"initiatorConfirmed",
		],
		BY: [
			"answer",
			"answered",
			"bindResponder",
			"responderBound",
			"confirmResponder",
		],
	},
	resumed: {
		AX: [
			"resume",
			"resumePrepared",
			"resumeBind",
			"resumeBound",
			"resumeConfirm",
		],
		BY: ["resumeAnswer", "resumeAnswered", "resumeConfirmResponder"],
	},
};

/** A suite with a pre-shared key, as a resumption uses it. */
const withPsk = (protocol: string): string =>
	protocol.replace("_NNhfs_", "_NNhfs+psk0_").replace("_NN_", "_NNpsk0_");

interface LinkMessage {
	readonly side: Side;
	readonly from: Place;
	readonly message: string;
	readonly body: Buffer;
}

/** The layout of a message of a link or a pairing. */
function fieldsOf(heading: string, message: string): readonly LayoutField[] {
	const { columns, rows } = table(heading, "message");
	const row = rows.find((candidate) => cell(candidate, "message") === message);
	const layout = parseLayout(row?.[columns.at(-1) ?? ""] ?? "");
	assert.ok(layout);
	return layout;
}

/** The two frames of a cookie, which stand between flights 1 and 2. */
function checkCookie(
	now: number,
	{ address, secret }: NonNullable<RunVector["cookie"]>,
	frames: RunVector["wires"],
	offerFrame: string | undefined,
): void {
	assert.deepEqual(
		frames.map(({ from, to, name }) => [from, to, name]),
		[
			["B", "A", "cookie"],
			["A", "B", "cookieOffer"],
		],
	);
	const [asked, given] = frames.map(({ frame }) => parseFrame(bytes(frame)));
	assert.deepEqual([asked?.type, given?.type], ["cookie", "cookieOffer"]);
	const offer = parseFrame(bytes(offerFrame ?? "")).body;
	const period = byte(Math.floor(now / 10_000) & 0xff);
	const cookie = Buffer.concat([
		period,
		hmac(
			bytes(secret),
			enc(text("tetrad/1 cookie"), period, text(address), sha256(offer)),
		),
	]);
	const fields = (message: string, body: Buffer | undefined) => [
		...decode(layoutOf(message, "direct"), body ?? EMPTY).values(),
	];
	assert.deepEqual(fields("cookie", asked?.body), [cookie]);
	assert.deepEqual(fields("cookieOffer", given?.body), [
		cookie,
		...fields("F1", offer),
	]);
}

/** Recomputes everything in a run from its secrets and its frames, and compares. */
export function checkRun(run: RunVector): void {
	const devices = identities(run);
	const links = Object.fromEntries(
		SIDES.map((side) => [side, readLink(run, devices, side)]),
	) as Record<Side, ReturnType<typeof readLink>>;
	const network = run.wires.filter(({ wire }) => wire === "network");
	if (run.cookie !== undefined)
		checkCookie(run.now, run.cookie, network.splice(1, 2), network[0]?.frame);
	const [offerFrame, answerFrame] = network.map(({ frame }) =>
		parseFrame(bytes(frame)),
	);
	assert.equal(offerFrame?.type, "offer");
	assert.equal(answerFrame?.type, "answer");

	// The offer, and session 1.
	const { routing } = run;
	const suite = suiteOf(run.suite);
	const f1 = decode(
		layoutOf("F1", routing),
		(offerFrame as { body: Buffer }).body,
	);
	const get = (fields: ReadonlyMap<string, Buffer>, name: string) => {
		const value = fields.get(name);
		assert.ok(value, name);
		return value;
	};
	const offer = get(f1, "offer");
	const { resumes } = run.secrets;
	const token = resumes && bytes(resumes.id);
	const before = resumes && bytes(resumes.transcriptHash);
	const offerLayout = table("Negotiation", "field").rows.map((row) => {
		const [min = "", max = min] = cell(row, "bytes").split("–");
		return { name: cell(row, "field"), min: Number(min), max: Number(max) };
	});
	const choices: Readonly<Record<string, Buffer>> = {
		version: byte(1),
		suites: byte(suite.id),
		selected: byte(suite.id),
		routing: byteOf("routing", routing),
		root: byteOf("root", run.root),
		link: byteOf("link", run.link),
		token: token ?? EMPTY,
	};
	if (token) offerLayout.push({ name: "token", min: 16, max: 16 });
	for (const [name, value] of decode(offerLayout, offer))
		assert.deepEqual(value, choices[name], name);
	const linkMessage = (message: string): LinkMessage => {
		const found = SIDES.flatMap((side) => links[side].messages).filter(
			(candidate) => candidate.message === message,
		);
		assert.equal(found.length, 1, `one ${message}`);
		return found[0] as LinkMessage;
	};
	const linkFields = (message: string) =>
		decode(layoutOf(message, routing), linkMessage(message).body);
	const i1 = get(linkFields(token ? "resumePrepared" : "prepared"), "i1");
	const i2 = get(linkFields(token ? "resumeAnswered" : "answered"), "i2");
	const r1 = bytes(run.secrets.r1);
	const r2 = bytes(run.secrets.r2);
	const session1 = replay(
		token ? withPsk(suite.protocol) : suite.protocol,
		before
			? enc(text("tetrad/1 r1"), offer, before)
			: enc(text("tetrad/1 s1"), offer),
		resumes && bytes(resumes.agents),
		run.secrets.session1,
		token ? enc(r1, i1) : i1,
		get(f1, "message1"),
		(answerFrame as { body: Buffer }).body,
	);
	assertExchanged(session1, run.derived.session1);
	const session2 = replay(
		token ? withPsk(suite.protocol) : suite.protocol,
		before && token
			? enc(text("tetrad/1 r2"), byte(1), byte(suite.id), token, before)
			: enc(text("tetrad/1 s2"), byte(1), byte(suite.id)),
		resumes && bytes(resumes.modules),
		run.secrets.session2,
		token ? enc(r1) : EMPTY,
		i1,
		i2,
	);
	assertExchanged(session2, run.derived.session2);

	// The key and what follows from it.
	const responderLink = byteOf("link", run.link);
	const t = sha256(
		enc(
			text("tetrad/1 T"),
			session1.h,
			session2.h,
			devices.A.certificateId,
			devices.B.certificateId,
			devices.X.certificateId,
			devices.Y.certificateId,
			offer,
			byte(suite.id),
			byteOf("routing", routing),
			byteOf("root", run.root),
			byteOf("link", run.link),
			responderLink,
			...(before ? [before] : []),
		),
	);
	const xor = Buffer.from(r1.map((value, i) => value ^ (r2[i] as number)));
	const k = run.root === "transcript" ? extract(t, xor) : xor;
	const fin = (place: Place) =>
		hmac(expand(k, enc(text("tetrad/1 fin"), text(place), t), 32), t);
	const localKey = (direction: "AX" | "XA" | "BY" | "YB") => {
		const side = direction === "AX" || direction === "XA" ? "AX" : "BY";
		const prk = extract(k, links[side].secret);
		return expand(prk, enc(text("tetrad/1 link"), text(direction), t), 32);
	};
	const tetradExporter = run.derived.exporters.tetrad;
	const derived = {
		linkSecrets: { AX: links.AX.secret, BY: links.BY.secret },
		transcriptHash: t,
		rootKey: k,
		fins: { A: fin("A"), B: fin("B"), X: fin("X"), Y: fin("Y") },
		localKeys: {
			AX: localKey("AX"),
			XA: localKey("XA"),
			BY: localKey("BY"),
			YB: localKey("YB"),
		},
		safetyCode: words(expand(k, enc(text("tetrad/1 code"), t), 9), 6),
		...(run.root === "transcript" && run.link === "paired"
			? {
					token: {
						id: expand(k, enc(text("tetrad/1 resumption"), t), 16),
						agents: sessionExport(session1, "tetrad/1 resumption", t, 32),
						modules: sessionExport(session2, "tetrad/1 resumption", t, 32),
					},
				}
			: {}),
		tetrad: expand(
			k,
			enc(
				text("tetrad/1 exporter"),
				t,
				text(tetradExporter.label),
				bytes(tetradExporter.context),
			),
			32,
		),
	};
	const {
		exporters,
		links: _,
		session1: __,
		session2: ___,
		...rest
	} = run.derived;
	assert.deepEqual(plain(derived), { ...rest, tetrad: tetradExporter.value });
	for (const [name, session] of [
		["session 1", session1],
		["session 2", session2],
	] as const) {
		const { label, context, value } = exporters[name];
		const exported = sessionExport(session, label, bytes(context), 32);
		assert.equal(exported.toString("hex"), value, name);
	}

	// Every record of session 1, and what each field of each message must be.
	const outer = {
		A: new Direction(suite.records, session1.initiatorKey),
		B: new Direction(suite.records, session1.responderKey),
	};
	const inner = {
		X: new Direction(suite.records, session2.initiatorKey),
		Y: new Direction(suite.records, session2.responderKey),
	};
	const frameOf = (message: string, field: string) =>
		get(linkFields(message), field);
	const h_o = session1.h;
	const h_i = session2.h;
	const signature = (place: Place) => {
		const { A, B, X, Y } = devices;
		const fields = {
			A: [h_o, A.chainHash, B.chainHash],
			B: [h_o, B.chainHash],
			X: [h_o, h_i, A.deviceId, X.chainHash, Y.chainHash],
			Y: [h_o, h_i, B.deviceId, Y.chainHash],
		}[place];
		return signatureOf(run, devices, place, place, ...fields);
	};
	const direct = routing === "direct";
	const values = (author: Place): Record<string, Buffer> => {
		const [ownSide, peerSide]: [Side, Side] =
			author === "A" || author === "X" ? ["AX", "BY"] : ["BY", "AX"];
		return {
			offer,
			message1: get(f1, "message1"),
			chain: devices[author].chain,
			// Nobody signs what is resumed.
			...(token ? {} : { signature: signature(author) }),
			r1,
			r2,
			share: direct ? r1 : r2,
			...{ finA: fin("A"), finB: fin("B"), finX: fin("X"), finY: fin("Y") },
			i1,
			i2,
			i3: frameOf(token ? "resumeBound" : "initiatorBound", "i3"),
			...(token ? { token } : { i4: frameOf("responderBound", "i4") }),
			...(direct ? {} : { i5: frameOf("initiatorConfirmed", "i5") }),
			suite: byte(suite.id),
			responderLink,
			outerHash: h_o,
			innerHash: h_i,
			ownAgent: devices[AGENT[ownSide]].chainHash,
			peerAgent: devices[AGENT[peerSide]].chainHash,
			ownModule: devices[MODULE[ownSide]].chainHash,
			peerModule: devices[MODULE[peerSide]].chainHash,
			code: EMPTY,
			reason: EMPTY,
		};
	};
	const check = (message: string, author: Place, body: Buffer) => {
		const expected = values(author);
		for (const [name, value] of decode(layoutOf(message, routing), body)) {
			const none = message === "answer" && name === "r2" && !direct;
			const wanted = none ? EMPTY : expected[name];
			assert.deepEqual(value, wanted, `${message}: ${name}`);
		}
	};
	const openHandshake = (direction: Direction, frame: Buffer) => {
		const { type, content } = direction.open(frame);
		assert.equal(type, "handshake");
		return content;
	};

	check("F1", "A", (offerFrame as { body: Buffer }).body);
	if (token) {
		check("resumedF1", "A", enc(r1, i1));
		check("resumedF2", "B", session1.payload);
		check("resumedI1", "X", enc(r1));
		check("resumedI2", "Y", session2.payload);
		const i3 = openHandshake(inner.X, frameOf("resumeBound", "i3"));
		check("resumedI3", "X", i3);
	} else {
		check("F2", "B", session1.payload);
		check("I2", "Y", session2.payload);
		check("I3", "X", openHandshake(inner.X, frameOf("initiatorBound", "i3")));
		check("I4", "Y", openHandshake(inner.Y, frameOf("responderBound", "i4")));
	}
	if (!direct)
		check(
			"I5",
			"X",
			openHandshake(inner.X, frameOf("initiatorConfirmed", "i5")),
		);

	const flights = token
		? ["resumedF3"]
		: direct
			? ["F3", "F4"]
			: ["F3", "F4", "F5"];
	const heard: string[] = [];
	const innerCloses: string[] = [];
	const hear = (session: number, from: Place, content: Buffer) =>
		heard.push(`${session} ${from} ${content.toString("hex")}`);
	const names = ["F1", "F2"];
	for (const { from, frame } of network.slice(2)) {
		assert.ok(from === "A" || from === "B");
		const contents = outer[from].openAll(bytes(frame));
		const named: string[] = [];
		for (const { type, content } of contents) {
			if (type === "handshake") {
				const flight = flights.shift() ?? "none";
				assert.equal(from, flight === "F4" ? "B" : "A");
				check(flight, from, content);
				named.push(flight);
				continue;
			}
			named.push(type);
			if (type === "message") hear(1, from, content);
			else if (type === "nested") {
				for (const record of inner[from === "A" ? "X" : "Y"].openAll(content))
					if (record.type === "message")
						hear(2, from === "A" ? "X" : "Y", record.content);
					else {
						assert.deepEqual(
							[record.type, record.content.length],
							["close", 0],
						);
						innerCloses.push(from);
					}
				for (const side of SIDES)
					assert.ok(
						links[side].messages.some(
							({ message, body }) =>
								message === "nested" && body.equals(content),
						),
					);
			} else assert.deepEqual([type, content.length], ["close", 0]);
		}
		names.push(named.join(", "));
	}
	assert.deepEqual(flights, []);
	// A closes, so X closes session 2, and what Y still sends finds nobody.
	assert.deepEqual(innerCloses, ["A"]);
	assert.deepEqual(
		names,
		network.map(({ name }) => name),
	);
	const f = token
		? ["F1", "F2", "resumedF3", "message"]
		: direct
			? ["F1", "F2", "F3", "message", "F4"]
			: ["F1", "F2", "F3", "F4", "F5", "message"];
	assert.deepEqual(names.slice(0, f.length), f);

	// Every message on the two links.
	for (const side of SIDES) {
		const local = {
			agent: new Direction(suite.records, localKey(side)),
			module: new Direction(
				suite.records,
				localKey(side === "AX" ? "XA" : "YB"),
			),
		};
		const sequence = SEQUENCES[token ? "resumed" : routing];
		const establishing = sequence[side];
		const seen: string[] = [];
		for (const { message, from, body } of links[side].messages) {
			if (message === "nested" || message === "chain") continue;
			if (message === "local") {
				const end = from === AGENT[side] ? local.agent : local.module;
				for (const record of end.openAll(body)) {
					assert.equal(record.type, "message");
					hear(side === "AX" ? 3 : 4, from, record.content);
				}
				continue;
			}
			check(message, from, body);
			seen.push(message);
		}
		// The agent's end, or the module's, is answered by the other one.
		assert.deepEqual(seen, [...establishing, "end", "end"], `link ${side}`);
	}
	assert.deepEqual(
		heard.toSorted(),
		run.messages
			.map(({ session, from, content }) => `${session} ${from} ${content}`)
			.toSorted(),
	);
	const long = run.messages
		.map(({ session, content }) => [session, content.length / 2] as const)
		.filter(([, length]) => length > 1000);
	// Where length decides, some are as long as a short record can be, or a byte longer.
	const longest = LONGEST_SHORT_BODY - 17;
	const isWithLong =
		run.suite === "hybrid-chachapoly-aesgcm" &&
		`${routing} ${run.root}` === "direct transcript" &&
		!token;
	assert.deepEqual(
		long,
		isWithLong
			? [
					[1, longest],
					[1, longest + 1],
					[2, longest + 1],
					[4, longest + 1],
				]
			: [],
	);
	assert.equal(run.messages.length - long.length, 9 + 4 * 2);
	const ofLinks = run.link === "paired" ? 4 : 0;
	assert.equal(run.signatures.length, ofLinks + (token ? 0 : 4));
}

/** The first choice first. */
const LINK_CIPHERS = table("What seals a link", "cipher of a link").rows.map(
	(row) => ({
		id: Number(cell(row, "cipher of a link")),
		aeads: recordAeads(cell(row, "records")),
	}),
);

/** All that one link carried, in clear, with each chain hash looked up in the book of its direction. */
function readLink(
	run: RunVector,
	devices: Readonly<Record<Place, Identity>>,
	side: Side,
): { messages: LinkMessage[]; secret: Buffer } {
	const frames = run.wires.filter(({ wire }) => wire === `link ${side}`);
	const agent = AGENT[side];
	const module = MODULE[side];
	const books: Record<string, Buffer[]> = {
		[agent]: [devices[agent].chainHash],
		[module]: [devices[module].chainHash],
	};
	const paired = run.link === "paired";
	const at = (i: number, type: string): Buffer => {
		const parsed = parseFrame(bytes(frames[i]?.frame ?? ""));
		assert.equal(parsed.type, type);
		return parsed.body;
	};
	let secret: Buffer = EMPTY;
	let directions: Record<string, Direction> | undefined;
	if (paired) {
		const { pairingKeys, linkExchanges } = run.secrets;
		assert.ok(pairingKeys && linkExchanges);
		const protocol = /`(Noise_NNhfs\+psk0_[\w+]+)`/.exec(DOCUMENT)?.[1] ?? "";
		// That of the handshake, that of the suite, and that of its short records.
		const { records } = suiteOf(run.suite);
		const accepted = LINK_CIPHERS.filter(({ aeads: [short, long] }) =>
			long === undefined
				? short === aeadOf(protocol) || short === records[0]
				: short === records[0] && long === records[1],
		);
		const ciphers = Buffer.from(accepted.map(({ id }) => id));
		decode(fieldsOf("Paired links", "L1"), enc(ciphers));
		const picked = accepted[0];
		assert.ok(picked);
		const session = replay(
			protocol,
			enc(text("tetrad/1 link")),
			bytes(pairingKeys[side]),
			linkExchanges[side],
			enc(ciphers),
			at(0, "linkHello"),
			at(1, "linkAnswer"),
		);
		assertExchanged(session, run.derived.links?.[side]);
		directions = {
			[agent]: new Direction(picked.aeads, session.initiatorKey),
			[module]: new Direction(picked.aeads, session.responderKey),
		};
		const cipher = byte(picked.id);
		const credential = (
			message: "L2" | "L3",
			place: Place,
			role: string,
			body: Buffer,
		) => {
			const fields = decode(fieldsOf("Paired links", message), body);
			const { chain, chainHash } = devices[place];
			assert.deepEqual(fields.get("chain"), chain);
			assert.deepEqual(
				fields.get("signature"),
				signatureOf(run, devices, place, role, session.h, chainHash, cipher),
			);
			if (message === "L2") assert.deepEqual(fields.get("cipher"), cipher);
		};
		credential("L2", module, "LM", session.payload);
		const l3 = (directions[agent] as Direction).open(
			bytes(frames[2]?.frame ?? ""),
		);
		assert.equal(l3.type, "handshake");
		credential("L3", agent, "LA", l3.content);
		const id = bytes(run.secrets.tetradIds[side]);
		secret = sessionExport(session, "tetrad/1 link", id, 32);
	} else {
		const layout = fieldsOf("Open links", "openHello");
		for (const i of [0, 1]) {
			const { from } = frames[i] as { from: Place };
			const fields = decode(layout, at(i, "openHello"));
			assert.deepEqual(fields.get("chain"), devices[from].chain);
		}
	}

	const messages: LinkMessage[] = [];
	const contentsOf = (from: Place, frame: string): Buffer[] | undefined => {
		if (!directions) {
			const { type, body } = parseFrame(bytes(frame));
			assert.equal(type, "openMessage");
			return [body];
		}
		const opened = (directions[from] as Direction).openAll(bytes(frame));
		if (opened.length === 1 && opened[0]?.type === "close") {
			assert.equal(opened[0].content.length, 0);
			return undefined;
		}
		return opened.map(({ type, content }) => {
			assert.equal(type, "link");
			return content;
		});
	};
	const take = (from: Place, content: Buffer): string => {
		const documented = MESSAGES.find(({ type }) => type === content[16]);
		assert.ok(documented, "the type of the link message is known");
		const { message } = documented;
		const id = content.subarray(0, 16);
		const body = content.subarray(17);
		const book = books[from] as Buffer[];
		if (message === "chain") {
			assert.deepEqual(id, Buffer.alloc(16));
			assert.ok(book.every((hash) => !hash.equals(sha256(body))));
			book.push(sha256(body));
		} else assert.equal(id.toString("hex"), run.secrets.tetradIds[side]);
		if (documented.layout !== undefined)
			for (const [field, value] of decode(layoutOf(message, run.routing), body))
				if (/^(own|peer)(Agent|Module)$/.test(field))
					assert.ok(
						book.some((hash) => hash.equals(value)),
						`${message}: the chain of ${field} is in the book`,
					);
		messages.push({ side, from, message, body });
		return message;
	};
	for (const { from, name, frame } of frames.slice(paired ? 3 : 2)) {
		const contents = contentsOf(from, frame);
		const named = contents?.map((content) => take(from, content));
		assert.equal(named?.join(", ") ?? "close", name);
	}
	return { messages, secret };
}

/** Recomputes a pairing from its secrets and its frames, and compares. */
export function checkPairing(run: PairingVector): void {
	const devices = identities(run);
	const frames = run.wires.map(({ frame }) => bytes(frame));
	const [p1, p2, p3, ...acceptances] = frames;
	assert.ok(p1 && p2 && p3);
	const agentNonce = bytes(run.secrets.agentNonce);
	const moduleNonce = bytes(run.secrets.moduleNonce);
	const hello = parseFrame(p1);
	const answer = parseFrame(p2);
	assert.deepEqual([hello.type, answer.type], ["pairHello", "pairAnswer"]);
	const commitment = sha256(enc(text("tetrad/1 pair"), agentNonce));
	const [suite] = SUITES.values();
	assert.equal(suite?.id, 1);
	const session = replay(
		suite.protocol,
		enc(text("tetrad/1 pairing")),
		undefined,
		run.secrets.exchange,
		enc(commitment),
		hello.body,
		answer.body,
	);
	assertExchanged(session, run.derived);
	const directions = {
		A: new Direction([session.aead], session.initiatorKey),
		X: new Direction([session.aead], session.responderKey),
	};
	const credential = (
		message: "P2" | "P3",
		place: "A" | "X",
		role: string,
		nonce: Buffer,
		body: Buffer,
	) => {
		const fields = decode(fieldsOf("Pairing", message), body);
		const { chain, chainHash } = devices[place];
		assert.deepEqual(
			[...fields.values()],
			[
				chain,
				signatureOf(run, devices, place, role, session.h, chainHash),
				nonce,
			],
		);
	};
	decode(fieldsOf("Pairing", "P1"), enc(commitment));
	credential("P2", "X", "PM", moduleNonce, session.payload);
	const opened = directions.A.open(p3);
	assert.equal(opened.type, "handshake");
	credential("P3", "A", "PA", agentNonce, opened.content);
	assert.equal(acceptances.length, 2);
	for (const [i, place] of (["A", "X"] as const).entries()) {
		assert.equal(run.wires[3 + i]?.from, place);
		assert.deepEqual(directions[place].open(acceptances[i] as Buffer), {
			type: "handshake",
			content: EMPTY,
		});
	}
	const code = sha256(
		enc(
			text("tetrad/1 pair code"),
			session.h,
			devices.A.certificateId,
			devices.X.certificateId,
			agentNonce,
			moduleNonce,
		),
	);
	assert.equal(words(code, 3), run.derived.code);
	const key = sessionExport(session, "tetrad/1 pairing key", EMPTY, 32);
	assert.equal(key.toString("hex"), run.derived.pairingKey);
	assert.equal(run.signatures.length, 2);
}

/** The same with every buffer in hexadecimal. */
function plain(value: unknown): unknown {
	return JSON.parse(
		JSON.stringify(value, function (this: Record<string, unknown>, key, given) {
			const original = this[key];
			return original instanceof Uint8Array
				? Buffer.from(original).toString("hex")
				: given;
		}),
	);
}
