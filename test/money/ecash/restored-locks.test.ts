/* What a mint restores of the outputs of a lock, and what is made of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KnownKeysets, type Output } from "../../../src/money/cashu/index.ts";
import { restoredProofs } from "../../../src/money/purse/ecash/swap-run.ts";
import { hex, utf8 } from "../../../src/wire/index.ts";
import { ecash } from "../cashu/test-mint.ts";

const KEYSET = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7);

function output(secret: string, of: number, amount: bigint): Output {
	return {
		keyset: KEYSET,
		amount,
		counter: of,
		countedBy: "purse",
		secret,
		factor: new Uint8Array(32).fill(of),
		blinded: Uint8Array.of(2, ...new Uint8Array(32).fill(of)),
	};
}

/** What a mint says it has signed: these outputs, each for `times` its amount. */
function said(outputs: readonly Output[], times: bigint): Uint8Array {
	return utf8(
		JSON.stringify({
			outputs: outputs.map(({ blinded }) => ({
				amount: 1,
				id: hex(KEYSET),
				B_: hex(blinded),
			})),
			signatures: outputs.map(({ amount, blinded }) => ({
				amount: Number(amount * times),
				id: hex(KEYSET),
				C_: hex(blinded),
			})),
		}),
	);
}

const restore = (outputs: readonly Output[], body: Uint8Array) =>
	restoredProofs(ecash, new KnownKeysets([]), outputs, body);

describe("the outputs of a lock that a mint restores", () => {
	const lock = [output('["HTLC",{}]', 1, 4n), output('["HTLC",{}]', 2, 8n)];
	const plain = [output("one", 1, 4n), output("two", 2, 8n)];

	test("for other amounts are no sign that they were signed for something else", () => {
		assert.throws(() => restore(lock, said(lock, 2n)), {
			code: "issuer-refused",
		});
		assert.throws(() => restore(lock, said(lock.slice(1), 2n)), {
			code: "issuer-refused",
		});
	});

	test("are not signed where it has none of them", () => {
		assert.equal(restore(lock, said([], 1n)), undefined);
	});

	test("have a contract in them, where others may have been asked for by a copy of the purse", () => {
		assert.equal(restore(plain, said(plain, 2n)), undefined);
		assert.equal(restore(plain, said(plain.slice(1), 1n)), undefined);
	});
});
