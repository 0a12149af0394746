import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
	chooseProofs,
	encodeProofs,
	feeOf,
	type Keyset,
	type Proof,
	parseProofs,
	planLock,
	type Spendable,
	splitAmount,
	sumOf,
} from "../../../src/money/cashu/index.ts";
import { hash, TestKeyset } from "./test-mint.ts";

type Amounts = Pick<Keyset, "keys" | "inputFeePpk">;

function keysetOf(inputFeePpk: bigint, ...amounts: readonly bigint[]): Amounts {
	return {
		inputFeePpk,
		keys: new Map(amounts.map((amount) => [amount, new Uint8Array()])),
	};
}

const POWERS = Array.from({ length: 63 }, (_, i) => 2n ** BigInt(i));
const FREE = keysetOf(0n, ...POWERS);

describe("a sum is split", () => {
	test("into the fewest amounts of its keyset, smallest first", () => {
		assert.deepEqual(splitAmount(FREE, 13n), [1n, 4n, 8n]);
		assert.deepEqual(splitAmount(FREE, 0n), []);
		assert.deepEqual(splitAmount(keysetOf(0n, 1n, 5n), 12n), [1n, 1n, 5n, 5n]);
		assert.equal(splitAmount(FREE, 2n ** 63n - 1n).length, 63);
	});

	test("or refused where the keyset does not make it, or only of too many", () => {
		assert.throws(() => splitAmount(keysetOf(0n, 2n, 4n), 5n), {
			code: "invalid-argument",
		});
		assert.throws(() => splitAmount(keysetOf(0n, 1n), 257n), {
			code: "limit-exceeded",
		});
		assert.throws(() => splitAmount(FREE, 7n, 2), { code: "limit-exceeded" });
	});

	test("so that it is what it was", () => {
		fc.assert(
			fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (sum) => {
				const parts = splitAmount(FREE, sum);
				assert.equal(
					parts.reduce((a, b) => a + b, 0n),
					sum,
				);
			}),
		);
	});
});

describe("a lock is planned", () => {
	test("so that its payee gets exactly the price after the fee", () => {
		fc.assert(
			fc.property(
				fc.bigInt({ min: 1n, max: 2n ** 53n }),
				fc.bigInt({ min: 0n, max: 3000n }),
				(price, ppk) => {
					const keyset = keysetOf(ppk, ...POWERS);
					const { amounts, sum, fee } = planLock(keyset, price);
					assert.equal(
						amounts.reduce((a, b) => a + b, 0n),
						sum,
					);
					assert.equal(fee, feeOf(amounts.map(() => keyset)));
					assert.equal(sum - fee, price);
					assert.ok(amounts.length <= 64);
				},
			),
		);
	});

	test("with amounts in halves where fewer would be worth more than they cost", () => {
		// One proof of 2 would cost 1 of it, and one of 1 all of it.
		assert.deepEqual(planLock(keysetOf(1000n, ...POWERS), 1n), {
			amounts: [2n],
			sum: 2n,
			fee: 1n,
		});
		// 2 with one proof's fee is 3, of two proofs; with two proofs' fee it is 4, of one.
		assert.deepEqual(planLock(keysetOf(1000n, ...POWERS), 2n), {
			amounts: [2n, 2n],
			sum: 4n,
			fee: 2n,
		});
	});

	test("or refused where no proofs of the keyset make it", () => {
		assert.throws(() => planLock(keysetOf(0n, 2n), 3n), {
			code: "limit-exceeded",
		});
		assert.throws(() => planLock(keysetOf(0n, 1n), 65n), {
			code: "limit-exceeded",
		});
	});
});

/** Proofs of these amounts in a keyset with such a fee. */
function spendable(
	ppk: bigint,
	amounts: readonly bigint[],
	isActive = true,
): Spendable[] {
	return amounts.map((amount, i) => ({
		proof: {
			keyset: new Uint8Array(8),
			amount,
			secret: `${i} of ${amount}`,
			signature: new Uint8Array(33),
			dleq: undefined,
		},
		keyset: { inputFeePpk: ppk, isActive },
	}));
}

const amountsOf = (inputs: readonly Proof[]) =>
	inputs.map(({ amount }) => amount).sort((a, b) => Number(a - b));

describe("proofs are chosen for a sum", () => {
	test("exactly where that is possible, with the fewest", () => {
		const chosen = chooseProofs(spendable(0n, [1n, 2n, 4n, 8n, 8n]), 11n);
		assert.deepEqual(amountsOf(chosen.inputs), [1n, 2n, 8n]);
		assert.equal(chosen.change, 0n);
		const one = chooseProofs(spendable(0n, [4n, 4n, 8n]), 8n);
		assert.deepEqual(amountsOf(one.inputs), [8n]);
	});

	test("with the least change where it is not", () => {
		const chosen = chooseProofs(spendable(0n, [2n, 8n, 64n]), 7n);
		assert.deepEqual(amountsOf(chosen.inputs), [8n]);
		assert.equal(chosen.change, 1n);
	});

	test("with what spending them costs", () => {
		const chosen = chooseProofs(spendable(1000n, [4n, 4n, 4n]), 6n);
		assert.equal(chosen.fee, 2n);
		assert.equal(chosen.change, 0n);
		assert.throws(() => chooseProofs(spendable(1000n, [4n, 4n]), 7n), {
			code: "insufficient-funds",
		});
	});

	test("and none that costs as much as it is worth", () => {
		assert.throws(
			() => chooseProofs(spendable(1000n, new Array(50).fill(1n)), 1n),
			{ code: "insufficient-funds" },
		);
	});

	test("first of keysets that are not active any more", () => {
		const old = spendable(0n, [8n], false);
		const { inputs } = chooseProofs([...spendable(0n, [8n]), ...old], 8n);
		assert.deepEqual(inputs, [old[0]?.proof]);
	});

	test("and no more of them than a request has", () => {
		const many = spendable(0n, [...new Array(300).fill(1n), 256n]);
		assert.equal(chooseProofs(many, 280n).inputs.length, 25);
		assert.throws(
			() => chooseProofs(spendable(0n, new Array(300).fill(1n)), 280n),
			{ code: "limit-exceeded" },
		);
	});

	test("always so that nothing is lost", () => {
		const amount = fc.integer({ min: 0, max: 12 }).map((i) => 2n ** BigInt(i));
		fc.assert(
			fc.property(
				fc.array(amount, { minLength: 1, maxLength: 40 }),
				fc.bigInt({ min: 0n, max: 2500n }),
				fc.bigInt({ min: 1n, max: 4000n }),
				(amounts, ppk, sum) => {
					const all = spendable(ppk, amounts);
					const worth = all.filter(({ proof }) => proof.amount * 1000n > ppk);
					const most = sumOf(worth.map(({ proof }) => proof));
					const isEnough =
						most - feeOf(worth.map(({ keyset }) => keyset)) >= sum;
					if (!isEnough) {
						assert.throws(() => chooseProofs(all, sum), {
							code: "insufficient-funds",
						});
						return;
					}
					const { inputs, fee, change } = chooseProofs(all, sum);
					assert.equal(new Set(inputs).size, inputs.length);
					assert.equal(sumOf(inputs), sum + fee + change);
					assert.equal(fee, feeOf(inputs.map(() => ({ inputFeePpk: ppk }))));
					assert.ok(change >= 0n);
				},
			),
		);
	});

	test("exactly wherever powers of two can, without a fee", () => {
		const amount = fc.integer({ min: 0, max: 6 }).map((i) => 2n ** BigInt(i));
		fc.assert(
			fc.property(
				fc.array(amount, { minLength: 1, maxLength: 10 }),
				fc.nat(),
				(amounts, pick) => {
					const some = amounts.filter((_, i) => (pick >> i) % 2 === 1);
					const sum = some.reduce((a, b) => a + b, 0n);
					if (sum === 0n) return;
					assert.equal(chooseProofs(spendable(0n, amounts), sum).change, 0n);
				},
			),
		);
	});
});

test("proofs are kept as they are, with and without what shows who signed them", () => {
	const { keyset } = new TestKeyset({ version: 0 });
	const proof: Proof = {
		keyset: keyset.id,
		amount: 8n,
		secret: "ein Gehei\u00admnis",
		signature: new Uint8Array(33).fill(2),
		dleq: { e: hash("e"), s: hash("s"), r: hash("r") },
	};
	const both = [proof, { ...proof, dleq: undefined }];
	assert.deepEqual(parseProofs(encodeProofs(both)), both);
	assert.throws(() => encodeProofs(new Array(257).fill(proof)), {
		code: "invalid-argument",
	});
});
