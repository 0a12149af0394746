/* The numbers and names in the tables of docs/protocol.md are those of the code. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { LISTENER_LIMITS } from "../../src/carrier/limits.ts";
import { nodeCrypto, SIGNATURE_BYTES } from "../../src/crypto/index.ts";
import type { ErrorCode } from "../../src/errors.ts";
import {
	isCertifiedName,
	MAX_CERTIFICATE_BYTES,
	MAX_CERTIFICATES,
	MAX_CHAIN_BYTES,
	ROLE_OID,
} from "../../src/identity/index.ts";
import {
	LINK_PROTOCOL,
	LONG_BODY_BYTES,
	MAX_CONTENT_BYTES,
	MAX_COUNTER,
	MAX_JOINED_BYTES,
	MAX_SEVERAL,
	MAX_WAITING_BYTES,
	message1Overhead,
	type NoisePattern,
	RECORD_OVERHEAD,
	REKEY_INTERVAL,
	SEVERAL_HEADER_BYTES,
	SUITES,
} from "../../src/session/index.ts";
import {
	CHUNK_BYTES,
	DEFAULT_MAX_FILE_BYTES,
	FILE,
	MAX_KEPT_NAME_BYTES,
	MAX_TEXT_BYTES,
	PAYMENT,
} from "../../src/talk/index.ts";
import { ChainBook } from "../../src/tetrad/link/chain-book.ts";
import {
	LINK_CIPHERS,
	MAX_OFFERED_CIPHERS,
} from "../../src/tetrad/link/link-cipher.ts";
import * as messages from "../../src/tetrad/messages.ts";
import {
	MAX_OFFER_BYTES,
	MAX_RESUMING_OFFER_BYTES,
	makeOffer,
} from "../../src/tetrad/offer.ts";
import {
	CLOSE_TIMEOUT_MS,
	DEFAULT_TIMEOUT_MS,
	FIN_BYTES,
	LINK_BYTE,
	LINK_HEADER_BYTES,
	LINK_LIST_LIMITS,
	LOAD_LIMITS,
	MAX_AGENT_MESSAGE_BYTES,
	MAX_COOKIE_BYTES,
	MAX_LIST_MEMORY_BYTES,
	MAX_LIST_PART_BYTES,
	MAX_MODULE_MESSAGE_BYTES,
	MAX_PAIRING_TRIES,
	MAX_RESUMPTION_MS,
	MAX_TOKENS,
	MAX_TOKENS_OF_ADDRESS,
	MAX_TOKENS_OF_PEER,
	NEXT_FLIGHT_MS,
	PROTOCOL_VERSION,
	ROOT_BYTE,
	ROUTING_BYTE,
	SESSION_LIST_LIMITS,
	SHARE_BYTES,
	TETRAD_ID_BYTES,
	TOKEN_ID_BYTES,
} from "../../src/tetrad/parameters.ts";
import { errorFromEnd } from "../../src/tetrad/role/link-end.ts";
import {
	PAIRING_CODE_WORDS,
	SAFETY_CODE_WORDS,
} from "../../src/tetrad/safety-code.ts";
import { SignedHashes } from "../../src/tetrad/signed-hashes.ts";
import {
	CONTENT,
	dec,
	enc,
	FILE_MESSAGE,
	FRAME,
	FRAME_HEADER_BYTES,
	hex,
	LINK,
	LIST_MESSAGE,
	MAX_FRAME_BODY,
	PAYMENT_TALK,
	REGISTRY,
	type Structure,
	TEXT_MESSAGE,
	utf8,
	type WirePlace,
} from "../../src/wire/index.ts";
import {
	cell,
	DOCUMENT,
	type DocumentedMessage,
	layoutOf,
	MESSAGES,
	parseLayout,
	table,
} from "./document.ts";

/** One column by another. */
function column(
	heading: string,
	key: string,
	value: string,
	...columns: readonly string[]
): Record<string, string> {
	const { rows } = table(heading, ...columns);
	return Object.fromEntries(
		rows.map((row) => [cell(row, key), cell(row, value)]),
	);
}

const FRAME_PLACES: readonly WirePlace[] = [
	"network",
	"paired link",
	"open link",
	"pairing",
	"inside session 1",
];

const numbers = (record: Record<string, string>): Record<string, number> =>
	Object.fromEntries(
		Object.entries(record).map(([key, value]) => [key, Number(value)]),
	);

/** What the registry has for one place, by name. */
function registered(place: WirePlace): Record<string, number> {
	return Object.fromEntries(
		REGISTRY.filter(({ places }) => places.includes(place)).map(
			({ name, byte }) => [name, byte],
		),
	);
}

test("frame types, and where each travels", () => {
	assert.deepEqual(numbers(column("Frames", "frame", "type", "type")), FRAME);
	const documented = column("Frames", "frame", "on", "type");
	for (const name of Object.keys(FRAME)) {
		const places = REGISTRY.filter(
			(entry) =>
				entry.name === name &&
				entry.places.some((place) => FRAME_PLACES.includes(place)),
		);
		assert.deepEqual(
			places.map((entry) => entry.places.join(", ")),
			[documented[name]],
		);
	}
});

test("content types", () => {
	const documented = column("Records", "name", "content type", "content type");
	assert.deepEqual(numbers(documented), CONTENT);
	assert.deepEqual(numbers(documented), registered("record"));
});

test("suites and protocols", () => {
	const { rows } = table("Key exchange", "suite id");
	assert.deepEqual(
		rows.map((row) => ({
			id: Number(cell(row, "suite id")),
			name: cell(row, "suite"),
			protocol: cell(row, "Noise protocol name"),
			aead: cell(row, "records"),
		})),
		SUITES.map(({ id, name, protocol }) => ({
			id,
			name,
			protocol: protocol.name,
			aead: protocol.records.replace("+", ", long ones "),
		})),
	);
	for (const { protocol, resumption } of SUITES) {
		assert.equal(resumption.records, protocol.records);
		assert.equal(resumption.aead, protocol.aead);
	}
	assert.ok(DOCUMENT.includes(`\`${LINK_PROTOCOL.name}\``));
});

test("what seals a link", () => {
	const { rows } = table("What seals a link", "cipher of a link");
	assert.deepEqual(
		rows.map((row) => [
			Number(cell(row, "cipher of a link")),
			cell(row, "records"),
		]),
		LINK_CIPHERS.map(({ id, records }) => [
			id,
			records.replace("+", ", long ones "),
		]),
	);
});

test("lengths of message 1", () => {
	const { rows } = table(
		"Key exchange",
		"pattern",
		"message 1 without payload",
	);
	assert.equal(rows.length, 4);
	for (const row of rows) {
		const pattern = cell(row, "pattern") as NoisePattern;
		const documented = Number(cell(row, "message 1 without payload"));
		assert.equal(documented, message1Overhead(pattern), pattern);
	}
});

test("roles of devices", () => {
	assert.deepEqual(column("Identity", "role", "OID", "role"), ROLE_OID);
});

test("the bytes of an offer", () => {
	const { rows } = table("Negotiation", "choice");
	const bytesOf = (choice: string) =>
		Object.fromEntries(
			rows
				.filter((row) => cell(row, "choice") === choice)
				.map((row) => [cell(row, "value"), Number(cell(row, "byte"))]),
		);
	assert.deepEqual(bytesOf("routing"), ROUTING_BYTE);
	assert.deepEqual(bytesOf("root"), ROOT_BYTE);
	assert.deepEqual(bytesOf("link"), LINK_BYTE);
	const [suite] = SUITES;
	assert.ok(suite);
	const { raw } = makeOffer({
		suites: Uint8Array.of(3, suite.id),
		selected: suite,
		routing: "crossed",
		root: "transcript",
		link: "unsafe-open",
	});
	const fields = table("Negotiation", "field").rows.map((row) =>
		cell(row, "field"),
	);
	assert.deepEqual(fields, [
		"version",
		"suites",
		"selected",
		"routing",
		"root",
		"link",
	]);
	assert.deepEqual(dec(raw, 6).map(hex), [
		hex(Uint8Array.of(PROTOCOL_VERSION)),
		"0301",
		"01",
		"02",
		"01",
		"02",
	]);
});

test("type bytes of link messages", () => {
	const types = new Map<string, number | undefined>();
	for (const { message, type } of MESSAGES)
		if (type !== undefined) types.set(message, type);
	assert.deepEqual(Object.fromEntries(types), LINK);
	assert.deepEqual(Object.fromEntries(types), registered("link message"));
});

test("type bytes of messages about lists", () => {
	const documented = column(
		"Untrusted lists travel",
		"message",
		"byte",
		"message",
	);
	assert.deepEqual(numbers(documented), LIST_MESSAGE);
	assert.deepEqual(numbers(documented), registered("about lists"));
});

describe("application messages", () => {
	const heading = "Application messages";
	const { rows } = table(heading, "byte", "message");

	test("their first bytes, and those of money, are all that the registry has", () => {
		const documented = new Map<WirePlace, Set<number>>();
		const add = (sessions: string, bytes: readonly number[]) => {
			for (const place of placesOf(sessions)) {
				const known = documented.get(place) ?? new Set();
				for (const byte of bytes) known.add(byte);
				documented.set(place, known);
			}
		};
		for (const row of rows)
			add(cell(row, "session"), [Number(cell(row, "byte"))]);
		for (const row of table(heading, "bytes").rows) {
			const [first = 0, last = first] = cell(row, "bytes")
				.split("–")
				.map(Number);
			const known = new Set(REGISTRY.map(({ byte }) => byte));
			add(
				cell(row, "session"),
				Array.from({ length: last - first + 1 }, (_, i) => first + i).filter(
					(byte) => known.has(byte),
				),
			);
			assert.ok(known.has(first) && known.has(last));
		}
		for (const place of ["session 1", "session 2", "session 3 or 4"] as const)
			assert.deepEqual(
				[...(documented.get(place) ?? [])].sort(),
				Object.values(registered(place)).sort(),
				place,
			);
	});

	test("each has the name and the byte that the registry has", () => {
		const documented = rows.map((row) => [
			cell(row, "message"),
			Number(cell(row, "byte")),
		]);
		assert.deepEqual(Object.fromEntries(documented), {
			...FILE_MESSAGE,
			...TEXT_MESSAGE,
			...PAYMENT_TALK,
		});
	});

	test("each has the fields that the code has, of the same lengths", () => {
		const inCode = new Map(
			[...Object.values(FILE), ...Object.values(PAYMENT)].map(
				({ type, body }) => [
					type as number,
					Object.entries(body.fields).map(
						([name, { minBytes: min, maxBytes: max }]) => ({ name, min, max }),
					),
				],
			),
		);
		let count = 0;
		for (const row of rows) {
			const layout = parseLayout(row["fields, in order"] ?? "");
			const byte = Number(cell(row, "byte"));
			assert.deepEqual(layout, inCode.get(byte), cell(row, "message"));
			if (layout !== undefined) count++;
		}
		assert.equal(count, inCode.size);
	});
});

function placesOf(sessions: string): WirePlace[] {
	const places: WirePlace[] = [];
	if (sessions.includes("1")) places.push("session 1");
	if (sessions.includes("2")) places.push("session 2");
	if (sessions.includes("3")) places.push("session 3 or 4");
	return places;
}

describe("layouts of messages", () => {
	type AnyStructure = Structure<Record<string, unknown>>;
	const routings = ["direct", "crossed"] as const;

	/** "bindInitiator" and "F1" are BIND_INITIATOR and F1 in the code. */
	function structureOf(
		{ message }: DocumentedMessage,
		routing: "direct" | "crossed",
	): AnyStructure | undefined {
		const constant = message
			.replaceAll(/(?<=[a-z])[A-Z]/g, "_$&")
			.toUpperCase();
		const found = (messages as Record<string, unknown>)[constant] as
			| AnyStructure
			| Record<string, AnyStructure>;
		assert.ok(found, `the code has ${constant}`);
		return "decode" in found ? (found as AnyStructure) : found[routing];
	}

	for (const documented of MESSAGES) {
		const { message, routing, layout } = documented;
		if (layout === undefined) continue;
		test(`${message}, ${routing}`, () => {
			const [each] = routings;
			const structure = structureOf(
				documented,
				routing === "both" ? each : routing,
			);
			assert.ok(structure);
			const encode = (lengths: readonly number[]) =>
				enc(...lengths.map((length, i) => new Uint8Array(length).fill(i + 1)));
			/** A value of one field, as the bytes that it stands for. */
			const form = (name: string, value: unknown): Uint8Array => {
				const field = structure.fields[name];
				assert.ok(field);
				const out = new Uint8Array(field.size(value));
				assert.equal(field.write(value, out, 0), out.length);
				return out;
			};
			const least = layout.map(({ min }) => min);
			const most = layout.map(({ max }) => max);
			for (const lengths of [least, most]) {
				const encoded = encode(lengths);
				const values = structure.decode(encoded);
				assert.equal(hex(structure.encode(values)), hex(encoded));
				const decoded = Object.entries(values).map(
					([name, value]) => [name, form(name, value)] as const,
				);
				assert.deepEqual(
					decoded.map(([name, value]) => [name, value.length, value[0]]),
					layout.map(({ name }, i) => [
						name,
						lengths[i],
						lengths[i] === 0 ? undefined : i + 1,
					]),
				);
			}
			assert.equal(structure.maxBytes, encode(most).length);
			for (const [i, { min, max }] of layout.entries()) {
				assert.throws(() => structure.decode(encode(most.with(i, max + 1))));
				if (min > 0)
					assert.throws(() => structure.decode(encode(least.with(i, min - 1))));
			}
		});
	}

	test("none is left out", () => {
		const documented = new Set<unknown>();
		for (const entry of MESSAGES)
			for (const routing of routings)
				if (entry.layout && [routing, "both"].includes(entry.routing))
					documented.add(structureOf(entry, routing));
		for (const [name, value] of Object.entries(messages)) {
			const all = "decode" in value ? [value] : Object.values(value);
			for (const structure of all)
				assert.ok(documented.has(structure), `${name} is documented`);
		}
		assert.deepEqual(
			layoutOf("end", "direct").map(({ max }) => max),
			[64, 1024],
		);
	});
});

test("labels: the table has every one that is in the code, and no other", () => {
	const inCode = new Set<string>();
	const source = new URL("../../src/", import.meta.url);
	for (const room of [
		"session",
		"tetrad",
		"identity",
		"wire",
		"crypto",
		"talk",
	]) {
		const folder = new URL(`${room}/`, source);
		for (const file of readdirSync(folder, {
			recursive: true,
			encoding: "utf8",
		}).filter((name) => name.endsWith(".ts"))) {
			// Comments show labels of other things, with a prefix of their own.
			const code = readFileSync(new URL(file, folder), "utf8")
				.replaceAll(/\/\*[\s\S]*?\*\//g, "")
				.replaceAll(/\/\/.*$/gm, "");
			for (const [, label = ""] of code.matchAll(/["'`](tetrad\/1 [^"'`$]*)/g))
				inCode.add(label);
		}
	}
	const prefix = "tetrad/1 ";
	assert.ok(inCode.delete(prefix), "the prefix of signed bytes");
	const documented = table("Labels", "label").rows.map((row) =>
		cell(row, "label"),
	);
	assert.deepEqual([...new Set(documented)].sort(), [...inCode].sort());
});

test("roles of signatures", () => {
	const source = readFileSync(
		new URL("../../src/wire/signed-bytes.ts", import.meta.url),
		"utf8",
	);
	const union = /type SignatureRole =([^;]*);/.exec(source)?.[1] ?? "";
	assert.deepEqual(
		table("Signed bytes", "role").rows.map((row) => cell(row, "role")),
		[...union.matchAll(/"(\w+)"/g)].map(([, role]) => role),
	);
});

test("codes that cross a link", () => {
	const source = readFileSync(
		new URL("../../src/errors.ts", import.meta.url),
		"utf8",
	);
	const union = /type ErrorCode =([^;]*);/.exec(source)?.[1] ?? "";
	const codes = [...union.matchAll(/"([\w-]+)"/g)].map(([, code]) => code);
	assert.ok(codes.length > 20);
	const crossing = codes.filter((code) => {
		const body = messages.END.encode({
			code: code ?? "",
			reason: "",
		});
		return errorFromEnd(body)?.code === code;
	});
	const heading = "Errors";
	assert.deepEqual(
		table(heading, "codes that cross a link")
			.rows.map((row) => cell(row, "codes that cross a link"))
			.sort(),
		crossing.sort(),
	);
	for (const row of table(heading, "code").rows)
		assert.ok(codes.includes(cell(row, "code") as ErrorCode));
});

test("the word list", () => {
	assert.equal(wordlist.length, 2048);
	const pin = nodeCrypto.sha256(utf8(wordlist.join("\n")));
	assert.ok(DOCUMENT.includes(`\n    ${hex(pin)}\n`));
});

/** How many chains a book keeps. */
function chainsInBook(): number {
	const book = new ChainBook();
	const hash = (i: number) => Uint8Array.of(i >> 8, i & 255);
	for (let i = 0; ; i++) {
		book.add(hash(i), new Uint8Array());
		book.trim();
		if (book.find(hash(0)) === undefined) return i;
	}
}

/** Whether a module has forgotten a hash after so many others, at the worst place for it. */
function forgetsAfter(count: number): boolean {
	const hash = (i: number) => Uint8Array.of(i >> 16, (i >> 8) & 255, i & 255);
	const signed = new SignedHashes();
	for (let i = 1; i <= count; i++) signed.claim(hash(i));
	for (let i = 1; i < count; i++) signed.claim(hash(count + i));
	try {
		signed.claim(hash(count));
		return true;
	} catch {
		return false;
	}
}

test("limits", () => {
	const isName = (length: number) => isCertifiedName("a".repeat(length));
	const certifiedName = Array.from({ length: 200 }, (_, i) => i).findLast(
		isName,
	);
	// Six lengths, and five fields of one byte.
	const offeredSuites = MAX_OFFER_BYTES - 6 * 4 - 5;
	const documented = numbers(column("Limits", "limit", "value", "limit"));
	const remembered = documented["h_o that a module remembers, at least"] ?? 0;
	assert.ok(remembered > 0 && !forgetsAfter(remembered));
	assert.deepEqual(documented, {
		"frame header": FRAME_HEADER_BYTES,
		"body of a frame": MAX_FRAME_BODY,
		"content of a record": MAX_CONTENT_BYTES,
		"contents in one record": MAX_SEVERAL,
		"before each of several contents": SEVERAL_HEADER_BYTES,
		"contents that are joined, together": MAX_JOINED_BYTES,
		"content that is joined with others": MAX_WAITING_BYTES,
		"what a record adds": RECORD_OVERHEAD,
		"records under one key": REKEY_INTERVAL,
		"body of a short record, where long ones have an AEAD of their own":
			LONG_BODY_BYTES,
		"greatest counter": MAX_COUNTER,
		"message of session 1": MAX_AGENT_MESSAGE_BYTES,
		"message of session 2, 3 or 4": MAX_MODULE_MESSAGE_BYTES,
		"tetrad id": TETRAD_ID_BYTES,
		"header of a link message": LINK_HEADER_BYTES,
		"R1, R2": SHARE_BYTES,
		fin: FIN_BYTES,
		signature: SIGNATURE_BYTES,
		"certificates in a chain": MAX_CERTIFICATES,
		certificate: MAX_CERTIFICATE_BYTES,
		chain: MAX_CHAIN_BYTES,
		"certified name": certifiedName,
		"suites in an offer": offeredSuites,
		"ciphers that an agent names on a link": MAX_OFFERED_CIPHERS,
		"raw offer": MAX_OFFER_BYTES,
		"raw offer that names a token": MAX_RESUMING_OFFER_BYTES,
		"name of a token": TOKEN_ID_BYTES,
		"time after its signatures in which a tetrad is resumed, ms":
			MAX_RESUMPTION_MS,
		"tokens that a device keeps": MAX_TOKENS,
		"of one address that it calls": MAX_TOKENS_OF_ADDRESS,
		"of one other agent, at B, X and Y": MAX_TOKENS_OF_PEER,
		"chains in a book": chainsInBook(),
		"words of a safety code": SAFETY_CODE_WORDS,
		"words of a pairing code": PAIRING_CODE_WORDS,
		"tries of a pairing": MAX_PAIRING_TRIES,
		"h_o that a module remembers, at least": remembered,
		"time for a module to close session 2, ms": CLOSE_TIMEOUT_MS,
		"first frame on a carrier that was accepted, body":
			LISTENER_LIMITS.firstFrameBody,
		"time for that first frame, ms": LISTENER_LIMITS.firstFrameMs,
		"time for any frame that has begun, ms": LISTENER_LIMITS.slowFrameMs,
		"time for an establishment, ms": DEFAULT_TIMEOUT_MS,
		"time for F3, and for F5, at B, ms": NEXT_FLIGHT_MS,
		cookie: MAX_COOKIE_BYTES,
		"offers that are worked on at once": LOAD_LIMITS.working,
		"of one address": LOAD_LIMITS.workingOfAddress,
		"offers that wait for that": LOAD_LIMITS.waiting,
		"of one address that wait": LOAD_LIMITS.waitingOfAddress,
		"time that one waits, ms": LOAD_LIMITS.waitMs,
		"half-open connections": LOAD_LIMITS.halfOpen,
		"of one address that are half open": LOAD_LIMITS.halfOpenOfAddress,
		"half-open connections from which an agent is busy": LOAD_LIMITS.busyFrom,
		"time for an offer to be there, ms": LOAD_LIMITS.offerMs,
		"connections of one address in a second": LOAD_LIMITS.perSecondOfAddress,
		"of one address at once, after a silence": LOAD_LIMITS.burstOfAddress,
		"tetrads of an agent that answers, at once": LOAD_LIMITS.tetrads,
		"of one calling agent": LOAD_LIMITS.tetradsOfDevice,
		"establishments of one calling agent in a minute":
			LOAD_LIMITS.perMinuteOfDevice,
		"part of a list on its way": MAX_LIST_PART_BYTES,
		"held in an hour, session 1": SESSION_LIST_LIMITS.held,
		"lists in an hour, session 1": SESSION_LIST_LIMITS.lists,
		"bytes of lists in an hour, session 1": SESSION_LIST_LIMITS.bytes,
		"held in an hour, link": LINK_LIST_LIMITS.held,
		"lists in an hour, link": LINK_LIST_LIMITS.lists,
		"bytes of lists in an hour, link": LINK_LIST_LIMITS.bytes,
		"bytes of lists on their way to a device, all tetrads":
			MAX_LIST_MEMORY_BYTES,
		"name of a file": FILE.offer.body.fields["name"]?.maxBytes,
		"what a payment is for, in words": MAX_TEXT_BYTES,
		"why a payment is unwelcome, in words":
			PAYMENT.unwelcome.body.fields["reason"]?.maxBytes,
		"bytes of a file in one message, sent": CHUNK_BYTES,
		"name under which a file is kept": MAX_KEPT_NAME_BYTES,
		"file that is taken": DEFAULT_MAX_FILE_BYTES,
	});
});

test("links inside the page lead somewhere", () => {
	const anchors = new Set(
		[...DOCUMENT.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
			heading
				.toLowerCase()
				.replaceAll(/[^\w\s-]/g, "")
				.replaceAll(/\s/g, "-"),
		),
	);
	for (const [, anchor = ""] of DOCUMENT.matchAll(/\]\(#([^)]*)\)/g))
		assert.ok(anchors.has(anchor), `#${anchor}`);
});
