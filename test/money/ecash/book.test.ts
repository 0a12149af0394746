import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../../src/crypto/index.ts";
import { EcashBook } from "../../../src/money/purse/ecash/book.ts";
import { hex } from "../../../src/wire/index.ts";
import { bytesOf } from "../cashu/test-mint.ts";
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

	/** Of two mints, of which the first is named no more. */
	test("are those of every other one of which NUT-13 derives the same outputs", () => {
		const id = bytesOf("009a1f293253e41e");
		const value = BigInt(`0x${hex(id)}`);
		const same = bytesOf(
			(value + (2n ** 31n - 1n)).toString(16).padStart(16, "0"),
		);
		const book = new EcashBook(nodeCrypto, [], [], new Map([[hex(id), 3]]));
		assert.ok(book.isUsed(same));
		assert.equal(book.atStart(same), 3);
		assert.equal(book.take(filled(44, 2), { id: same }, 2), 3);
		assert.equal(book.next(id), 5);
		// As they are found in a store where that was not so.
		for (const order of [
			[id, same],
			[same, id],
		]) {
			const kept = order.map((of) => [hex(of), of === id ? 3 : 1] as const);
			assert.equal(
				new EcashBook(nodeCrypto, [], [], new Map(kept)).next(same),
				3,
			);
		}
		const other = bytesOf(`01${"5".repeat(64)}`);
		assert.equal(book.next(other), 0);
	});
});
