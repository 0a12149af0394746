import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../../src/crypto/index.ts";
import { EcashBook } from "../../../src/money/purse/ecash/book.ts";
import { filled } from "../documents.ts";

describe("the counters of a keyset", () => {
	test("are taken by nobody until all that closed them have opened them", () => {
		const book = new EcashBook(nodeCrypto, [], [], new Map());
		const keyset = { id: filled(33, 1) };
		const mint = filled(44, 2);
		assert.equal(book.take(mint, keyset, 2), 0);
		book.close(mint, [keyset.id]);
		book.close(mint, [keyset.id]);
		book.open(mint, [keyset.id]);
		assert.throws(() => book.take(mint, keyset, 1), { code: "busy" });
		book.open(mint, [keyset.id]);
		assert.equal(book.take(mint, keyset, 1), 2);
	});
});
