import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { MAX_CHAIN_BYTES } from "../../src/identity/index.ts";
import { MAX_GRACE_DAYS } from "../../src/money/documents/index.ts";
import {
	MAX_AMOUNT,
	MAX_ISSUER_CHAINS,
	MAX_NOTE_BYTES,
	MAX_PIECES,
	MAX_TERMS_BYTES,
	messages,
} from "../../src/money/index.ts";
import { MAX_MODULE_MESSAGE_BYTES } from "../../src/tetrad/parameters.ts";
import { concat, hex, type Structure } from "../../src/wire/index.ts";
import { onlyTetradErrors } from "../wire/only-tetrad-errors.ts";
import {
	filled,
	idOf,
	lengthChanges,
	refused,
	refusesTenMegabytes,
} from "./documents.ts";

type Kind = {
	readonly type: number;
	readonly body: Structure<Record<string, unknown>>;
};
const KINDS = Object.entries({
	...messages.BETWEEN_MODULES,
	...messages.WITH_ISSUER,
	...messages.WITH_AGENT,
}) as unknown as readonly [string, Kind][];

test("golden bytes of a message", () => {
	const { prepare } = messages.BETWEEN_MODULES;
	const bytes = messages.message(prepare, {
		contract: filled(32, 0xc0),
		issuer: idOf("bank.example"),
		currency: "EUR",
		amount: 0x0101_0101_0101_0101n,
		notes: [filled(2, 0xa0), filled(1, 0xa1)],
		chains: [filled(3, 0xcc)],
		terms: filled(2, 0xee),
	});
	assert.equal(
		hex(bytes),
		[
			"20",
			`00000020${"c0".repeat(32)}`,
			`0000003400000020${"d0".repeat(32)}0000000c62616e6b2e6578616d706c65`,
			"00000003455552",
			`00000008${"01".repeat(8)}`,
			"0000000b00000002a0a000000001a1",
			"0000000700000003cccccc",
			"00000002eeee",
		].join(""),
	);
	assert.equal(messages.body(prepare, bytes).currency, "EUR");
});

test("every message has a first byte of its own, and fits into one of a tetrad", () => {
	const types = KINDS.map(([, { type }]) => type);
	assert.equal(new Set(types).size, types.length);
	for (const [name, { type, body }] of KINDS) {
		assert.ok(type > 0 && type < 0x100, name);
		assert.ok(1 + body.maxBytes <= MAX_MODULE_MESSAGE_BYTES, name);
	}
});

describe("each message", () => {
	for (const [name, kind] of KINDS)
		test(`${name}: any bytes, other lengths, and 10 MB at once`, () => {
			const read = (bytes: Uint8Array) => messages.body(kind, bytes);
			fc.assert(
				fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
					const found = onlyTetradErrors(() =>
						read(concat(Uint8Array.of(kind.type), bytes)),
					);
					if (found !== undefined)
						assert.deepEqual(kind.body.encode(found), bytes);
				}),
			);
			refusesTenMegabytes((bytes) =>
				read(concat(Uint8Array.of(kind.type), bytes)),
			);
		});

	test("is refused cut short, and with anything after it", () => {
		const { prepared } = messages.BETWEEN_MODULES;
		const bytes = messages.message(prepared, {
			contract: filled(32, 1),
			payBy: 2,
			tag: filled(32, 3),
		});
		for (const changed of lengthChanges(bytes))
			if (changed.length > 0) refused(() => messages.body(prepared, changed));
	});
});

test("what a store kept before messages had terms and keys is read with one field more", () => {
	const { deposit, outcome, account } = messages.WITH_ISSUER;
	const request = filled(16, 7);
	const sent = messages.message(deposit, {
		request,
		transfer: filled(3, 1),
		notes: [filled(2, 1)],
		chains: [filled(2, 2)],
		terms: messages.NO_TERMS,
	});
	const said = messages.message(outcome, {
		request,
		state: 1,
		credited: 5n,
		key: undefined,
	});
	for (const [bytes, types] of [
		[sent, messages.SENT_WITH_TERMS],
		[said, messages.SAID_WITH_KEY],
	] as const) {
		const before = bytes.subarray(0, -4);
		assert.deepEqual(messages.withEmptyField(before, types), bytes);
	}
	const other = messages.message(account, { request, balance: 1n });
	for (const kept of [other, new Uint8Array()])
		for (const types of [messages.SENT_WITH_TERMS, messages.SAID_WITH_KEY])
			assert.deepEqual(messages.withEmptyField(kept, types), kept);
});

describe("a number in a message that stands for nothing", () => {
	const { claim, exchange, outcome, welcome } = messages.WITH_ISSUER;
	const request = filled(16, 7);
	/** With what stands so far from its end in the place of a number of so many bytes. */
	const changed = (bytes: Uint8Array, at: number, ...to: number[]) => {
		const out = Uint8Array.from(bytes);
		out.set(to, at);
		return out;
	};

	test("is refused: what became of a transfer", () => {
		const kind: Kind = outcome as unknown as Kind;
		for (const [state, isThere] of [
			[0, true],
			[2, true],
			[3, false],
			[255, false],
		] as const) {
			const bytes = messages.message(outcome, {
				...{ request, state: 1, credited: 5n, key: undefined },
			});
			const other = changed(bytes, 1 + 20 + 4, state);
			if (isThere) assert.equal(messages.body(kind, other)["state"], state);
			else refused(() => messages.body(kind, other));
		}
	});

	test("is refused: into what notes are exchanged", () => {
		const bytes = messages.message(exchange, {
			...{ request, into: 1, transfer: filled(3, 1) },
			...{ notes: [filled(2, 1)], chains: [filled(2, 2)] },
		});
		assert.equal(messages.body(exchange, bytes).into, 1);
		for (const into of [2, 255])
			refused(() => messages.body(exchange, changed(bytes, 25, into)));
	});

	test("is refused: from where on a note is claimed", () => {
		const asked = { request, note: filled(3, 1), chain: filled(2, 2) };
		const bytes = messages.message(claim, { ...asked, offset: MAX_AMOUNT });
		assert.equal(messages.body(claim, bytes).offset, MAX_AMOUNT);
		refused(() => messages.body(claim, changed(bytes, 25, 0x80)));
	});

	test("is refused: more days of grace than there may be", () => {
		const said = { number: 1n, hash: filled(32, 1) };
		const money = { currency: "EUR", kind: { isPlay: true, exponent: 2 } };
		const bytes = messages.message(welcome, {
			...{ ...said, ...money, grace: MAX_GRACE_DAYS },
		});
		assert.equal(messages.body(welcome, bytes).grace, MAX_GRACE_DAYS);
		const last = bytes.length - 4;
		const more = Buffer.alloc(4);
		more.writeUInt32BE(MAX_GRACE_DAYS + 1);
		refused(() => messages.body(welcome, changed(bytes, last, ...more)));
	});
});

describe("a list in a message", () => {
	test("round trip", () => {
		const items = fc.array(fc.uint8Array({ maxLength: 20 }), {
			minLength: 1,
			maxLength: MAX_PIECES,
		});
		fc.assert(
			fc.property(items, (list) => {
				assert.deepEqual(
					messages.parseList(messages.encodeList(list), MAX_PIECES),
					list,
				);
			}),
		);
	});

	test("none, and one too many, are refused", () => {
		refused(() => messages.parseList(filled(0, 0), 3));
		const four = messages.encodeList(Array(4).fill(filled(2, 1)));
		refused(() => messages.parseList(four, 3));
		assert.equal(messages.parseList(four, 4).length, 4);
	});

	test("a million empty items are refused at the first that is too many", () => {
		const started = performance.now();
		refused(() => messages.parseList(filled(10_000_000, 0), MAX_PIECES));
		assert.ok(performance.now() - started < 1000);
	});

	test("as many notes and chains as there may be fit into a delivery", () => {
		const { deliver } = messages.BETWEEN_MODULES;
		const bytes = messages.message(deliver, {
			transfer: filled(1, 1),
			notes: Array(MAX_PIECES).fill(filled(MAX_NOTE_BYTES, 1)),
			chains: Array(MAX_ISSUER_CHAINS).fill(filled(MAX_CHAIN_BYTES, 1)),
			payBy: 2,
			tag: filled(32, 3),
			terms: filled(MAX_TERMS_BYTES, 1),
		});
		const { notes, chains } = messages.body(deliver, bytes);
		assert.equal(notes.length, MAX_PIECES);
		assert.equal(chains.length, MAX_ISSUER_CHAINS);
		for (const note of notes) assert.equal(note.length, MAX_NOTE_BYTES);
		for (const chain of chains) assert.equal(chain.length, MAX_CHAIN_BYTES);
	});
});
