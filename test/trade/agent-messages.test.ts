/* What the agents of a buyer and a merchant say, held to docs/trade.md and to bytes written out. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { messages, mintId } from "../../src/money/index.ts";
import { MAX_AGENT_MESSAGE_BYTES } from "../../src/tetrad/parameters.ts";
import {
	BETWEEN_AGENTS,
	type ItemKind,
	isOfTrade,
	type Listing,
	listingSize,
	MAX_PAGE_ITEMS,
	type Offer,
	offerId,
	PAGE_BYTES,
} from "../../src/trade/documents/index.ts";
import {
	concat,
	enc,
	hex,
	REGISTRY,
	type Structure,
	utf8,
} from "../../src/wire/index.ts";
import { filled, idOf, lengthChanges, refused } from "../money/documents.ts";
import {
	cell,
	parseLayout,
	parseTables,
	tableIn,
} from "../protocol/document.ts";
import { onlyTetradErrors } from "../wire/only-tetrad-errors.ts";

const PAGE = "docs/trade.md";
const TABLES = parseTables(
	readFileSync(new URL(`../../${PAGE}`, import.meta.url), "utf8"),
);

interface AnyKind {
	readonly type: number;
	readonly body: Structure<Record<string, unknown>>;
}
const KINDS = Object.entries(BETWEEN_AGENTS) as unknown as readonly (readonly [
	string,
	AnyKind,
])[];

const { message, body } = messages;

const LISTING: Listing = {
	description: { name: "tea", mediaType: "", about: "green", order: "" },
	kind: "file",
	length: 3n,
	issuer: filled(41, 0x15),
	currency: "EUR",
	money: { exponent: 2, isPlay: true },
	amount: 420n,
};
const OFFER: Offer = {
	...LISTING,
	id: filled(16, 0x1d),
	validUntil: 256,
	nonce: filled(8, 0x0c),
};

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const field = (text: string) =>
	`${(text.length / 2).toString(16).padStart(8, "0")}${text}`;
const DESCRIPTION = `${field("746561")}${field("")}${field("677265656e")}${field("")}`;
const LISTED = [
	field(DESCRIPTION),
	field("00"),
	field("0000000000000003"),
	field("15".repeat(41)),
	field("455552"),
	field("0201"),
	field("00000000000001a4"),
].join("");
const OFFERED = `${field("1d".repeat(16))}${LISTED}${field("0000000000000100")}${field("0c".repeat(8))}`;

const IN_ECASH: Offer = {
	...OFFER,
	...{ issuer: mintId(nodeCrypto, "https://mint.example"), currency: "SAT" },
	...{ money: { exponent: 0, isPlay: true }, amount: 5n },
	mint: { url: "https://mint.example", unit: "sat" },
};
const MINT_FIELDS = `${field(hex(utf8("https://mint.example")))}${field("736174")}`;
const OFFERED_IN_ECASH = [
	field("1d".repeat(16)),
	field(DESCRIPTION),
	field("00"),
	field("0000000000000003"),
	field(hex(IN_ECASH.issuer)),
	field("534154"),
	field("0001"),
	field("0000000000000005"),
	field("0000000000000100"),
	field("0c".repeat(8)),
	MINT_FIELDS,
].join("");

/** One of each, and its bytes after the type, written out. */
const GOLDEN: Readonly<Record<string, readonly [Uint8Array, string]>> = {
	list: [message(BETWEEN_AGENTS.list, { after: "tea" }), field("746561")],
	items: [
		message(BETWEEN_AGENTS.items, { items: [LISTING], isLast: true }),
		`${field(field(LISTED))}${field("01")}`,
	],
	ask: [
		message(BETWEEN_AGENTS.ask, { name: "tea", order: "hot" }),
		`${field("746561")}${field("686f74")}`,
	],
	offer: [message(BETWEEN_AGENTS.offer, OFFER), OFFERED],
	take: [message(BETWEEN_AGENTS.take, OFFER), OFFERED],
	merchandise: [
		message(BETWEEN_AGENTS.merchandise, {
			contractId: filled(16, 0x1d),
			length: 65_536n,
		}),
		`${field("1d".repeat(16))}${field("0000000000010000")}`,
	],
	chunk: [
		message(BETWEEN_AGENTS.chunk, {
			index: 258,
			leaf: filled(32, 0x1e),
			sealed: filled(48, 0x5e),
		}),
		`${field("00000102")}${field("1e".repeat(32))}${field("5e".repeat(48))}`,
	],
	contract: [
		message(BETWEEN_AGENTS.contract, {
			document: filled(2, 0xd0),
			salt: filled(32, 0x5a),
			issuerChain: filled(1, 0xcc),
		}),
		`${field("d0d0")}${field("5a".repeat(32))}${field("cc")}`,
	],
	unavailable: [
		message(BETWEEN_AGENTS.unavailable, { code: "busy", reason: "" }),
		`${field("62757379")}${field("")}`,
	],
	fetch: [
		message(BETWEEN_AGENTS.fetch, {
			document: filled(2, 0xd0),
			exporter: filled(32, 0xe0),
			salt: filled(32, 0x5a),
			description: filled(3, 0xde),
			from: 7,
		}),
		`${field("d0d0")}${field("e0".repeat(32))}${field("5a".repeat(32))}${field("dedede")}${field("00000007")}`,
	],
	cancel: [message(BETWEEN_AGENTS.cancel, {}), ""],
	offers: [
		message(BETWEEN_AGENTS.offers, { offers: [OFFER, IN_ECASH] }),
		field(`${field(OFFERED)}${field(OFFERED_IN_ECASH)}`),
	],
	where: [
		message(BETWEEN_AGENTS.where, { module: filled(41, 0x15) }),
		field("15".repeat(41)),
	],
	there: [message(BETWEEN_AGENTS.there, { port: 0x1b59 }), field("1b59")],
};

describe("between the agents of a buyer and a merchant", () => {
	for (const [name, kind] of KINDS)
		test(`golden bytes: ${name}`, () => {
			const [bytes, golden] = GOLDEN[name] ?? [filled(1, 0), ""];
			assert.equal(hex(bytes), `${kind.type.toString(16)}${golden}`);
			assert.deepEqual(message(kind, body(kind, bytes)), bytes);
			assert.ok(isOfTrade(bytes));
			for (const changed of lengthChanges(bytes))
				if (changed.length > 0) refused(() => body(kind, changed));
		});

	test("a question that names rails, and an offer in ecash, have further fields", () => {
		const { list, ask, offer } = BETWEEN_AGENTS;
		const rails = ["own-notes", "cashu"] as const;
		const listed = list.body.encode({ after: "tea", rails });
		assert.equal(hex(listed), `${field("746561")}${field("0102")}`);
		const asked = ask.body.encode({ name: "tea", order: "", rails });
		assert.equal(hex(asked), `${field("746561")}${field("")}${field("0102")}`);
		assert.equal(hex(offer.body.encode(IN_ECASH)), OFFERED_IN_ECASH);
		const bytes = bytesOf(OFFERED_IN_ECASH);
		assert.deepEqual(offer.body.decode(bytes), IN_ECASH);
	});

	test("rails out of order or twice are refused, and so is one of a newer program", () => {
		const { list } = BETWEEN_AGENTS;
		const said = (rails: string) => bytesOf(`${field("")}${field(rails)}`);
		assert.deepEqual(list.body.decode(said("0102")).rails, [
			"own-notes",
			"cashu",
		]);
		for (const wrong of [
			"00",
			"0207",
			"09",
			"0201",
			"0202",
			"",
			"01".repeat(17),
		])
			refused(() => list.body.decode(said(wrong)));
	});

	test("an offer that has its mint by half, or one that is none, is refused", () => {
		const { offer } = BETWEEN_AGENTS;
		const url = field(hex(utf8("https://mint.example")));
		for (const half of [
			url,
			field("736174"),
			`${url}${field("")}`,
			`${field("")}${field("736174")}`,
			`${url}${field("534154")}`,
			`${url}${field(hex(utf8("auth")))}`,
			`${field(hex(utf8("https://MINT.example")))}${field("736174")}`,
			`${field(hex(utf8("https://mint.example/")))}${field("736174")}`,
			`${MINT_FIELDS}${field("")}`,
		])
			refused(() => offer.body.decode(bytesOf(`${OFFERED}${half}`)));
	});

	test("the page has all of them, with their types and fields", () => {
		const { rows } = tableIn(TABLES, PAGE, "Between the agents", [
			"type",
			"message",
		]);
		const documented = rows.map((row) => {
			const fields = row["fields, in order"] ?? "";
			return [
				cell(row, "message"),
				Number(cell(row, "type")),
				fields === "none" ? [] : parseLayout(fields),
			];
		});
		const inCode = KINDS.map(([name, { type, body }]) => [
			name,
			type,
			Object.entries(body.fields).map(([of, { minBytes, maxBytes }]) => ({
				name: of,
				min: minBytes,
				max: maxBytes,
			})),
		]);
		assert.deepEqual(documented, inCode);
	});

	test("they are those that are registered, and each fits into a message of a tetrad", () => {
		assert.deepEqual(
			KINDS.map(([name, { type }]) => [name, type]),
			REGISTRY.filter(
				({ byte, places }) =>
					byte >= 0x50 && byte < 0x60 && places.includes("session 1"),
			).map(({ name, byte }) => [name, byte]),
		);
		for (const [name, { body }] of KINDS)
			if (name !== "items")
				assert.ok(1 + body.maxBytes <= MAX_AGENT_MESSAGE_BYTES, name);
		const largest = BETWEEN_AGENTS.items.body.maxBytes / MAX_PAGE_ITEMS;
		assert.ok(PAGE_BYTES + largest <= MAX_AGENT_MESSAGE_BYTES);
		assert.ok(!isOfTrade(filled(0, 0)));
		assert.ok(!isOfTrade(filled(5, 0x60)));
	});

	test("any bytes are read as what they are written as, or refused", () => {
		for (const [, kind] of KINDS)
			fc.assert(
				fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
					const found = onlyTetradErrors(() =>
						body(kind, concat(Uint8Array.of(kind.type), bytes)),
					);
					if (found !== undefined)
						assert.deepEqual(kind.body.encode(found), bytes);
				}),
				{ numRuns: 50 },
			);
	});

	test("a kind that is none, a price of nothing and a description with anything behind it are refused", () => {
		const [bytes] = GOLDEN["offer"] ?? [filled(0, 0)];
		const at = (value: string) => hex(bytes).indexOf(value) / 2;
		const { offer } = BETWEEN_AGENTS;
		const kind = at(field("00")) + 4;
		refused(() => body(offer, bytes.with(kind, 3)));
		const price = at(field("00000000000001a4")) + 4;
		refused(() => body(offer, bytes.with(price + 6, 0).with(price + 7, 0)));
		const trailing = enc(
			...[filled(16, 0), concat(utf8(""), enc(utf8("a"))), filled(1, 0)],
		);
		refused(() => offer.body.decode(trailing));
		assert.throws(
			() => message(offer, { ...OFFER, kind: "none" as ItemKind }),
			{ code: "invalid-argument" },
		);
	});

	test("names of 1 MB are written by nobody", () => {
		const name = "n".repeat(1_000_000);
		const description = { ...LISTING.description, name };
		for (const make of [
			() => message(BETWEEN_AGENTS.ask, { name, order: "" }),
			() => message(BETWEEN_AGENTS.list, { after: name }),
			() => message(BETWEEN_AGENTS.offer, { ...OFFER, description }),
			() => listingSize({ ...LISTING, description }),
		])
			assert.throws(make, { code: "invalid-argument" });
	});
});

describe("the id of an offer", () => {
	const key = filled(32, 0x0f);
	const buyer = idOf("buyer");
	const { id: _, ...offered } = OFFER;
	const idFor = (
		changes: Partial<typeof offered> = {},
		by = buyer,
		under = key,
	) => hex(offerId(nodeCrypto, under, by, { ...offered, ...changes }));

	test("golden bytes, as another library makes them", () => {
		const rest = Buffer.from(OFFERED.slice(40), "hex");
		const tag = createHmac("sha256", key)
			.update(enc(utf8("tetrad/1 offer"), buyer, rest))
			.digest("hex");
		assert.equal(idFor(), tag.slice(0, 32));
	});

	test("is another for another buyer, merchant, item, order, price, time and nonce", () => {
		const { description } = LISTING;
		const ids = [
			idFor(),
			idFor({}, idOf("other")),
			idFor({}, buyer, filled(32, 1)),
			idFor({ description: { ...description, name: "tee" } }),
			idFor({ description: { ...description, order: "hot" } }),
			idFor({ kind: "inline" }),
			idFor({ length: undefined }),
			idFor({ issuer: filled(41, 1) }),
			idFor({ currency: "USD" }),
			idFor({ money: { exponent: 2, isPlay: false } }),
			idFor({ money: { exponent: 3, isPlay: true } }),
			idFor({ amount: 421n }),
			idFor({ validUntil: 257 }),
			idFor({ nonce: filled(8, 0x0d) }),
		];
		assert.equal(new Set(ids).size, ids.length);
	});
});
