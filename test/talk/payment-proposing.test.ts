/* How a buyer's agent agrees on a payment with a seller's. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { newContract } from "../../src/talk/index.ts";
import { concat, enc, utf8 } from "../../src/wire/index.ts";
import { CONTRACT } from "./golden.ts";
import { PAYMENT_OF_650, proposing, unhex } from "./support.ts";

const heard = (bytes: Uint8Array) => ({ kind: "from-agent", bytes }) as const;
const contract = unhex(CONTRACT);
const other = unhex("c1".repeat(32));
const welcome = (of = contract) => concat(Uint8Array.of(0x13), enc(of));
const unwelcome = (of = contract, reason = utf8("no")) =>
	concat(Uint8Array.of(0x14), enc(of, reason));

function unanswered() {
	const buyer = proposing();
	buyer.does({ kind: "begin" }, { kind: "sent" });
	return buyer;
}

describe("a buyer's agent", () => {
	test("has its module pay when the payment is welcome, and not before", () => {
		const buyer = proposing();
		assert.match(
			buyer.does({ kind: "begin" }).join(),
			/^to-agent 12[0-9a-f]+$/,
		);
		assert.deepEqual(buyer.does({ kind: "sent" }), ["receive"]);
		assert.deepEqual(buyer.does(heard(welcome())), ["pay 650"]);
		assert.deepEqual(buyer.does({ kind: "paid", amount: 650n }), [
			"paid 650",
			"ended: self",
		]);
	});

	test("says why its module has not paid, and that it is in doubt", () => {
		for (const [code, effects] of [
			["insufficient-funds", ["ended: insufficient-funds"]],
			["payment-in-doubt", ["in-doubt", "ended: payment-in-doubt"]],
			["internal", ["in-doubt", "ended: internal"]],
		] as const) {
			const buyer = unanswered();
			buyer.does(heard(welcome()));
			const error = new TetradError(code, "why");
			assert.deepEqual(buyer.does({ kind: "not-paid", error }), effects);
		}
	});

	test("pays nothing that is unwelcome, for another contract, cut, doubled, too long or something else", () => {
		const long = utf8("x".repeat(257));
		const answers: [Uint8Array, string][] = [
			[unwelcome(), "payment-refused"],
			[unwelcome(contract, new Uint8Array()), "payment-refused"],
			[unwelcome(contract, long.subarray(1)), "payment-refused"],
			[unwelcome(contract, long), "malformed"],
			[unwelcome(contract, Uint8Array.of(0xff)), "malformed"],
			[unwelcome(other), "malformed"],
			[welcome(other), "malformed"],
			[welcome(contract.subarray(1)), "malformed"],
			[concat(welcome(), welcome()), "malformed"],
			[concat(welcome(), new Uint8Array(10_000_000)), "malformed"],
			...Array.from(welcome(), (_, length): [Uint8Array, string] => [
				welcome().subarray(0, length),
				"malformed",
			]),
			[concat(Uint8Array.of(0x12), welcome().subarray(1)), "malformed"],
			[concat(Uint8Array.of(0x10), utf8("yes")), "malformed"],
		];
		for (const [bytes, code] of answers)
			assert.deepEqual(unanswered().does(heard(bytes)), [`ended: ${code}`]);
	});

	test("is told nothing before it has asked, nor while its module pays", () => {
		const early = proposing();
		early.does({ kind: "begin" });
		assert.deepEqual(early.does(heard(welcome())), [
			"ended: unexpected-message",
		]);
		const twice = unanswered();
		twice.does(heard(welcome()));
		assert.deepEqual(twice.does(heard(welcome())), [
			"ended: unexpected-message",
		]);
	});

	test("has paid nothing when the other agent closes instead, or something fails", () => {
		assert.deepEqual(unanswered().does({ kind: "closed" }), [
			"ended: payment-refused",
		]);
		const error = new TetradError("aborted", "enough");
		assert.deepEqual(unanswered().does({ kind: "abort", error }), [
			"ended: aborted",
		]);
	});

	test("that is run wrongly ends as a mistake of its own", () => {
		for (const event of [
			{ kind: "sent" },
			{ kind: "paid", amount: 1n },
		] as const)
			assert.deepEqual(proposing().does(event), ["ended: internal"]);
		assert.deepEqual(unanswered().does({ kind: "begin" }), ["ended: internal"]);
	});

	test("proposes no words that are too long", () => {
		const fits = proposing(PAYMENT_OF_650, "x".repeat(256));
		assert.match(fits.does({ kind: "begin" }).join(), /^to-agent 12/);
		const long = proposing(PAYMENT_OF_650, "x".repeat(257));
		assert.deepEqual(long.does({ kind: "begin" }), ["ended: invalid-argument"]);
	});
});

test("no two contracts are alike, also for the same words", () => {
	const contracts = Array.from({ length: 3 }, () =>
		newContract(nodeCrypto, "tea"),
	);
	assert.equal(new Set(contracts.map(String)).size, 3);
	assert.deepEqual(
		contracts.map(({ length }) => length),
		[32, 32, 32],
	);
});
