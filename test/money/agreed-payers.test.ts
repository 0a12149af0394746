/* With whom a payee has agreed: of each payer the newest, and no others, however many there are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { agreeOn } from "../../src/money/purse/agreed-payers.ts";
import type { PurseCore } from "../../src/money/purse/purse-core.ts";
import { MAX_PROMISES_TO_PAYER } from "../../src/money/purse/purse-limits.ts";
import { PROMISES } from "../../src/money/purse/purse-tables.ts";
import { MemoryStore } from "../support/memory-store.ts";

const UNTIL = 1_000_000;

const contractOf = (number: number): Uint8Array => {
	const contract = new Uint8Array(32);
	new DataView(contract.buffer).setUint32(0, number);
	return contract;
};

const numberOf = ({ contract }: { readonly contract: Uint8Array }): number =>
	new DataView(contract.buffer, contract.byteOffset).getUint32(0);

const payer = new Uint8Array(41).fill(1);
const other = new Uint8Array(41).fill(2);

test("of one payer that has more than there may be, the oldest is forgotten, and of another one nothing is", async () => {
	const store = new MemoryStore();
	const agree = (number: number, of: Uint8Array, now: number) => {
		const core = { options: { context: { crypto: nodeCrypto } }, now };
		const agreed = { contract: contractOf(number), payer: of, until: UNTIL };
		return store.transact(
			agreeOn(core as unknown as PurseCore, { ...agreed, what: "" }),
		);
	};
	await agree(9_999, other, 0);
	const added = MAX_PROMISES_TO_PAYER + 3;
	// Contracts are in another order than that in which they were agreed on.
	for (let i = 1; i <= added; i++) {
		const { result } = await agree(5_000 - i, payer, i);
		assert.equal(result, "agreed");
	}
	// Agreed on again, it is none more, and counts as the newest.
	const oldest = added - MAX_PROMISES_TO_PAYER + 1;
	await agree(5_000 - oldest, payer, added + 1);
	const kept = store.rows(PROMISES).map(numberOf);
	assert.equal(kept.length, MAX_PROMISES_TO_PAYER + 1);
	assert.ok(kept.includes(9_999));
	for (let i = 1; i <= added; i++)
		assert.equal(kept.includes(5_000 - i), i >= oldest, `number ${i}`);
	await agree(1, payer, added + 2);
	const then = store.rows(PROMISES).map(numberOf);
	assert.ok(then.includes(5_000 - oldest));
	assert.ok(!then.includes(5_000 - oldest - 1));
});
