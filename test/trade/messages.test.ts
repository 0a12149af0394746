import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { messages } from "../../src/money/index.ts";
import { MAX_MODULE_MESSAGE_BYTES } from "../../src/tetrad/parameters.ts";
import {
	ABOUT_PURCHASES,
	encodeItemDescription,
	isAboutPurchases,
	itemHash,
	MAX_CONTRACT_TERMS_BYTES,
	MAX_DESCRIPTION_BYTES,
	parseItemDescription,
} from "../../src/trade/documents/index.ts";
import {
	concat,
	enc,
	hex,
	REGISTRY,
	type Structure,
	utf8,
} from "../../src/wire/index.ts";
import { filled, lengthChanges, refused } from "../money/documents.ts";
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
const KINDS = Object.entries(ABOUT_PURCHASES) as unknown as readonly (readonly [
	string,
	AnyKind,
])[];

const { message, body } = messages;
const contract = filled(32, 0xc0);

/** One of each, and its bytes after the type, written out. */
const GOLDEN: Readonly<Record<string, readonly [Uint8Array, string]>> = {
	buy: [
		message(ABOUT_PURCHASES.buy, {
			document: filled(2, 0xd0),
			salt: filled(32, 0x5a),
			description: filled(3, 0xde),
			issuerChain: filled(1, 0xcc),
			money: { exponent: 2, isPlay: true },
			askOwner: true,
		}),
		`00000002d0d0 00000020${"5a".repeat(32)} 00000003dedede 00000001cc 000000020201 0000000101`,
	],
	bought: [
		message(ABOUT_PURCHASES.bought, {
			contract,
			key: filled(32, 0x4e),
			receipt: filled(0, 0),
			chain: filled(0, 0),
		}),
		`00000020${"c0".repeat(32)} 00000020${"4e".repeat(32)} 00000000 00000000`,
	],
	waiting: [
		message(ABOUT_PURCHASES.waiting, { contract, code: "busy", reason: "" }),
		`00000020${"c0".repeat(32)} 0000000462757379 00000000`,
	],
	notBought: [
		message(ABOUT_PURCHASES.notBought, {
			contract,
			outcome: "in-doubt",
			amount: 1250n,
			code: "busy",
			reason: "a",
		}),
		`00000020${"c0".repeat(32)} 0000000102 0000000800000000000004e2 0000000462757379 0000000161`,
	],
	cancel: ofContract("cancel"),
	final: ofContract("final"),
	closed: ofContract("closed"),
	resolve: ofContract("resolve"),
	purchases: [
		message(ABOUT_PURCHASES.purchases, { after: undefined }),
		"00000000",
	],
	purchase: [
		message(ABOUT_PURCHASES.purchase, {
			document: filled(2, 0xd0),
			salt: filled(32, 0x5a),
			description: filled(3, 0xde),
			sellerChain: filled(1, 0xcc),
			exporter: filled(32, 0xe0),
			step: "closed",
			key: filled(32, 0x4e),
			receipt: filled(2, 0x4c),
			chain: filled(1, 0xcd),
		}),
		[
			`00000002d0d0 00000020${"5a".repeat(32)} 00000003dedede 00000001cc`,
			`00000020${"e0".repeat(32)} 0000000102 00000020${"4e".repeat(32)}`,
			"000000024c4c 00000001cd",
		].join(" "),
	],
	selling: [
		message(ABOUT_PURCHASES.selling, {
			issuer: filled(41, 1),
			generation: 0x01020304,
		}),
		`00000029${"01".repeat(41)} 0000000401020304`,
	],
	seller: [
		message(ABOUT_PURCHASES.seller, {
			certificate: filled(2, 0x5c),
			issuerChain: filled(1, 0xcc),
			saltKey: filled(32, 0x5a),
		}),
		`000000025c5c 00000001cc 00000020${"5a".repeat(32)}`,
	],
	sell: [
		message(ABOUT_PURCHASES.sell, { terms: filled(2, 7) }),
		"000000020707",
	],
	goodsKey: [
		message(ABOUT_PURCHASES.goodsKey, {
			termsHash: filled(32, 0x7e),
			key: filled(32, 0x4e),
		}),
		`00000020${"7e".repeat(32)} 00000020${"4e".repeat(32)}`,
	],
	unsold: [
		message(ABOUT_PURCHASES.unsold, {
			termsHash: undefined,
			code: "busy",
			reason: "a",
		}),
		"00000000 0000000462757379 0000000161",
	],
	sold: [
		message(ABOUT_PURCHASES.sold, {
			contract,
			amount: 1n,
			receipt: filled(2, 0x4c),
			chain: filled(1, 0xcd),
		}),
		`00000020${"c0".repeat(32)} 000000080000000000000001 000000024c4c 00000001cd`,
	],
	soldTo: [
		message(ABOUT_PURCHASES.soldTo, {
			contract,
			amount: 1n,
			receipt: filled(2, 0x4c),
			chain: filled(1, 0xcd),
			buyerAgent: filled(44, 0xba),
		}),
		[
			`00000020${"c0".repeat(32)} 000000080000000000000001 000000024c4c 00000001cd`,
			`0000002c${"ba".repeat(44)}`,
		].join(" "),
	],
	moneys: [message(ABOUT_PURCHASES.moneys, {}), ""],
	moneysHeld: [
		message(ABOUT_PURCHASES.moneysHeld, {
			moneys: [
				{
					issuer: filled(44, 1),
					currency: "SAT",
					money: { exponent: 0, isPlay: true },
					rail: "cashu",
					spendable: 258n,
				},
			],
		}),
		[
			`00000052 0000004e 0000002c${"01".repeat(44)} 00000003534154`,
			"000000020001 0000000102 000000080000000000000102",
		].join(" "),
	],
	recall: [
		message(ABOUT_PURCHASES.recall, {
			document: filled(1, 0xd0),
			salt: filled(32, 0x5a),
			description: filled(2, 0xde),
			sellerChain: filled(1, 0xcd),
			exporter: filled(32, 0xe0),
		}),
		[
			`00000001d0 00000020${"5a".repeat(32)} 00000002dede`,
			`00000001cd 00000020${"e0".repeat(32)}`,
		].join(" "),
	],
};

function ofContract(
	name: "cancel" | "final" | "closed" | "resolve",
): readonly [Uint8Array, string] {
	return [
		message(ABOUT_PURCHASES[name], { contract }),
		`00000020${"c0".repeat(32)}`,
	];
}

describe("between an agent and its module, about purchases", () => {
	for (const [name, kind] of KINDS)
		test(`golden bytes: ${name}`, () => {
			const [bytes, golden] = GOLDEN[name] ?? [filled(1, 0), ""];
			assert.equal(
				hex(bytes),
				`${kind.type.toString(16)}${golden.replaceAll(" ", "")}`,
			);
			assert.deepEqual(message(kind, body(kind, bytes)), bytes);
			assert.ok(isAboutPurchases(bytes));
			for (const changed of lengthChanges(bytes))
				if (changed.length > 0) refused(() => body(kind, changed));
		});

	test("the page has all of them, with their types and fields", () => {
		const { rows } = tableIn(TABLES, PAGE, "Between an agent and its module", [
			"type",
			"message",
		]);
		const documented = rows.map((row) => [
			cell(row, "message"),
			Number(cell(row, "type")),
			row["fields, in order"] === "none"
				? []
				: parseLayout(row["fields, in order"] ?? ""),
		]);
		const inCode = KINDS.map(([name, { type, body }]) => [
			name,
			type,
			Object.entries(body.fields).map(([field, { minBytes, maxBytes }]) => ({
				name: field,
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
				({ byte, places }) => byte >= 0x60 && places.includes("session 3 or 4"),
			).map(({ name, byte }) => [name, byte]),
		);
		for (const [name, { body }] of KINDS)
			assert.ok(1 + body.maxBytes <= MAX_MODULE_MESSAGE_BYTES, name);
		assert.ok(!isAboutPurchases(filled(0, 0)));
		assert.ok(!isAboutPurchases(filled(5, 0x40)));
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

	test("what a mint asks for beside is asked and said where it is wanted, and else as before", () => {
		const { moneys, moneysHeld, buy } = ABOUT_PURCHASES;
		const issuer = filled(41, 0x15);
		const held = {
			...({ issuer, currency: "SAT", rail: "cashu", spendable: 9n } as const),
			money: { exponent: 0, isPlay: true },
		};
		const said = {
			...{ document: filled(2, 0xd0), salt: filled(32, 0x5a) },
			...{ description: filled(3, 0xde), issuerChain: filled(1, 0xcc) },
			...{ money: { exponent: 2, isPlay: true }, askOwner: false },
		};
		for (const [kind, short, more] of [
			[moneys, {}, { prices: [{ issuer, amount: 5n }] }],
			[moneysHeld, { moneys: [held] }, { moneys: [{ ...held, fee: 0n }] }],
			[buy, said, { ...said, mostFee: 0n }],
		] as unknown as readonly (readonly [AnyKind, object, object])[]) {
			const lengths = [short, more].map((value) => {
				const bytes = kind.body.encode(value as never);
				assert.deepEqual(kind.body.decode(bytes), value);
				return bytes.length;
			});
			assert.ok((lengths[0] ?? 0) < (lengths[1] ?? 0));
		}
	});

	test("what was sold for ecash says for which, and all of it or nothing", () => {
		const forNotes = {
			...{ contract, amount: 1n, receipt: filled(2, 0x4c) },
			chain: filled(1, 0xcd),
		};
		const ecash = {
			...{ issuer: filled(44, 1), currency: "SAT" },
			money: { exponent: 0, isPlay: false },
		};
		for (const [{ body }, said] of [
			[ABOUT_PURCHASES.sold, forNotes],
			[ABOUT_PURCHASES.soldTo, { ...forNotes, buyerAgent: filled(44, 2) }],
		] as unknown as readonly (readonly [AnyKind, object])[]) {
			const bytes = body.encode({ ...said, ecash } as never);
			assert.deepEqual(body.decode(bytes), { ...said, ecash });
			const short = body.encode(said as never);
			assert.deepEqual(body.decode(short), said);
			const rest = bytes.subarray(short.length);
			for (const half of [48, 48 + 7])
				refused(() => body.decode(concat(short, rest.subarray(0, half))));
		}
	});

	test("an optional field that is neither empty nor whole, and a step that is none, are refused", () => {
		const { purchases, notBought } = ABOUT_PURCHASES;
		refused(() => purchases.body.decode(enc(filled(31, 1))));
		const [bytes] = GOLDEN["notBought"] ?? [filled(0, 0)];
		const changed = Uint8Array.from(bytes);
		const at = 1 + 4 + 32 + 4;
		assert.equal(changed[at], 2);
		changed[at] = 3;
		refused(() => body(notBought, changed));
	});

	test("terms are as long as a contract's may be", () => {
		assert.equal(
			ABOUT_PURCHASES.sell.body.maxBytes,
			4 + MAX_CONTRACT_TERMS_BYTES,
		);
	});
});

describe("the description of an item", () => {
	const description = {
		name: "Song",
		mediaType: "audio/flac",
		about: "",
		order: "",
	};

	test("golden bytes, and its hash", () => {
		const encoded = encodeItemDescription(description);
		assert.equal(
			hex(encoded),
			"00000004536f6e670000000a617564696f2f666c61630000000000000000",
		);
		assert.deepEqual(parseItemDescription(encoded), description);
		const salt = filled(32, 0x5a);
		assert.equal(
			hex(itemHash(nodeCrypto, salt, encoded)),
			hex(nodeCrypto.sha256(enc(utf8("tetrad/1 item"), salt, encoded))),
		);
	});

	test("without a name, or with a name of 1 MB, is none", () => {
		refused(() => parseItemDescription(enc(...["", "", "", ""].map(utf8))));
		const long = utf8("x".repeat(1_000_000));
		refused(() => parseItemDescription(enc(long, ...["", "", ""].map(utf8))));
		assert.equal(MAX_DESCRIPTION_BYTES, 4 * 4 + 255 + 127 + 2048 + 4096);
	});
});
