import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	MAX_AMOUNT,
	MAX_ISSUER_CHAINS,
} from "../../src/money/documents/index.ts";
import { draftNote } from "../../src/money/index.ts";
import { PurseBook, type Selection } from "../../src/money/purse/purse-book.ts";
import type { NoteRow } from "../../src/money/purse/purse-tables.ts";
import { hex } from "../../src/wire/index.ts";
import { COIN } from "./town.ts";

const ISSUER = new Uint8Array(41).fill(1);
const KEY = { algorithm: "Ed25519", publicKey: new Uint8Array(32) } as const;

/** A row as a purse keeps it; nobody looks at the signature here. */
function note(
	value: bigint,
	{ expires = 1000, chain = 1, key = 0 } = {},
): NoteRow {
	const { id, document } = draftNote({
		issuer: ISSUER,
		issuerCertificate: new Uint8Array(32).fill(chain),
		currency: COIN,
		isPlay: true,
		value,
		issued: 1,
		expires,
		holder: new Uint8Array(41).fill(2),
		holderKey: { ...KEY, publicKey: new Uint8Array(32).fill(key) },
		serial: nodeCrypto.random(32),
	}).sign(nodeCrypto, new Uint8Array(64));
	return {
		id,
		document,
		chain: new Uint8Array(32).fill(chain),
		issuer: ISSUER,
		currency: COIN.code,
		value,
		expires: BigInt(expires),
		spent: 0n,
		state: "live",
	};
}

function bookOf(...rows: NoteRow[]): PurseBook {
	return new PurseBook(nodeCrypto, KEY, rows);
}

function select(book: PurseBook, amount: bigint, expiresAfter = 0) {
	const currency = COIN.code;
	const isTrusted = () => true;
	const wanted = { issuer: ISSUER, currency, amount, expiresAfter, isTrusted };
	return book.select(wanted);
}

function selected(book: PurseBook, amount: bigint): Selection {
	const found = select(book, amount);
	assert.equal(found.kind, "selected");
	return found.kind === "selected" ? found.selection : assert.fail();
}

function amounts({ pieces }: Selection): bigint[] {
	return pieces.map(({ amount }) => amount);
}

describe("all that is left of notes", () => {
	const whole = (book: PurseBook) =>
		book.selectWhole(ISSUER, KEY, () => true)?.selection;

	test("is of no more chains than one transfer can name", () => {
		const notes = [1, 2, 3, 4, 5, 1, 2].map((chain) => note(10n, { chain }));
		assert.equal(MAX_ISSUER_CHAINS, 4);
		assert.deepEqual(
			whole(bookOf(...notes))?.pieces.map(({ noteId }) => hex(noteId)),
			[0, 1, 2, 3, 5, 6].map((at) => hex(notes[at]?.id ?? new Uint8Array())),
		);
	});

	test("is no more than one amount can be", () => {
		const book = bookOf(note(MAX_AMOUNT), note(1n), note(2n));
		const chosen = whole(book);
		assert.deepEqual(chosen && amounts(chosen), [MAX_AMOUNT]);
	});
});

describe("a note whose document has changed in the store", () => {
	const kept = note(5n);

	test("is none that could be paid with, nor be looked for under its name", () => {
		for (let at = 0; at < kept.document.length - 64; at++) {
			const document = kept.document.slice();
			document[at] = (document[at] ?? 0) ^ 1;
			assert.throws(() => bookOf(note(7n), { ...kept, document }), {
				code: "store-failed",
				message: new RegExp(
					`^the note ${hex(kept.id).slice(0, 8)} .* from a backup$`,
				),
			});
		}
	});

	test("is seen also where that is the document of another", () => {
		const { document } = note(5n);
		assert.throws(() => bookOf({ ...kept, document }), {
			code: "store-failed",
		});
	});
});

describe("selection", () => {
	test("takes what expires first, then what has most left", () => {
		const book = bookOf(
			note(5n, { expires: 30 }),
			note(7n, { expires: 20 }),
			note(3n, { expires: 10 }),
			note(9n, { expires: 20 }),
		);
		assert.deepEqual(amounts(selected(book, 15n)), [3n, 9n, 3n]);
	});

	test("takes the largest instead when that is what fits into one transfer", () => {
		const small = Array.from({ length: 64 }, () => note(1n, { expires: 10 }));
		const book = bookOf(...small, note(100n, { expires: 20 }));
		assert.deepEqual(amounts(selected(book, 70n)), [70n]);
		assert.deepEqual(amounts(selected(book, 64n)).length, 64);
		assert.equal(select(book, 164n).kind, "scattered");
	});

	test("needs at most four chains", () => {
		const chains = [1, 2, 3, 4, 5, 6];
		const book = bookOf(
			...chains.map((chain) => note(10n, { chain, expires: 1 + chain })),
			note(100n, { chain: 7, expires: 9 }),
		);
		const found = selected(book, 125n);
		assert.equal(found.chains.length, 4);
		assert.equal(select(book, 131n).kind, "scattered");
		assert.equal(select(book, 161n).kind, "insufficient");
	});

	test("leaves out what expires soon, and what was made for another key", () => {
		const book = bookOf(note(5n, { expires: 10 }), note(5n, { key: 1 }));
		assert.equal(select(book, 5n).kind, "selected");
		assert.equal(select(book, 5n, 10).kind, "insufficient");
		assert.equal(select(book, 6n).kind, "insufficient");
	});
});

describe("ranges", () => {
	test("of one note follow each other", () => {
		const book = bookOf(note(10n));
		const first = selected(book, 4n);
		book.reserve(first);
		const second = selected(book, 4n);
		book.reserve(second);
		assert.equal(second.pieces[0]?.offset, 4n);
		book.commit(first);
		book.commit(second);
		assert.equal(selected(book, 2n).pieces[0]?.offset, 8n);
		assert.equal(select(book, 3n).kind, "insufficient");
	});

	test("are free again when the last reservation is given up", () => {
		const book = bookOf(note(10n));
		const first = selected(book, 4n);
		book.reserve(first);
		const second = selected(book, 4n);
		book.reserve(second);
		book.release(second);
		assert.equal(selected(book, 4n).pieces[0]?.offset, 4n);
		book.release(first);
		assert.equal(selected(book, 10n).pieces[0]?.offset, 0n);
	});

	test("behind one that was given up cannot follow, and nothing is reserved until they are given up, too", () => {
		const book = bookOf(note(10n));
		const first = selected(book, 4n);
		book.reserve(first);
		const second = selected(book, 4n);
		book.reserve(second);
		book.release(first);
		assert.ok(!book.canCommit(second));
		assert.equal(select(book, 1n).kind, "wait");
		book.release(second);
		assert.equal(selected(book, 10n).pieces[0]?.offset, 0n);
	});
});
