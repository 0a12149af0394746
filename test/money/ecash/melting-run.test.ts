/* What is made of a mint that was asked to pay an invoice, and has forgotten that. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	KnownKeysets,
	makeOutputs,
	meltRequest,
	plainInputs,
} from "../../../src/money/cashu/index.ts";
import { MeltingRun } from "../../../src/money/purse/ecash/melting-run.ts";
import { makeStored } from "../../../src/money/purse/ecash/stored-swap.ts";
import { ecash, json, TestKeyset } from "../cashu/test-mint.ts";

const mint = new TestKeyset();
const keysets = new KnownKeysets([mint.keyset]);
const place = {
	seed: new Uint8Array(64).fill(7),
	keyset: mint.keyset.id,
	counter: 0,
};
const inputs = plainInputs(mint.proofs(makeOutputs(ecash, place, [4n, 8n])));
const request = meltRequest("quote", inputs, []);

const REFUSED = { status: 400, body: json({ detail: "no", code: 20004 }) };
const UNKNOWN = {
	status: 400,
	body: json({ detail: "no such quote", code: 0 }),
};

function quote(state: string) {
	const about = { quote: "quote", request: "lnbc1", unit: "sat", expiry: 1 };
	const body = json({ ...about, amount: 10, fee_reserve: 1, state });
	return { status: 200, body };
}

/** What the run comes to when it is answered so, and all inputs are spent. */
function after(...answers: readonly { status: number; body: Uint8Array }[]) {
	const stored = makeStored(ecash, request, { inputs, outputs: [] });
	const run = new MeltingRun(ecash, "quote", stored, false);
	for (const [at, answer] of answers.entries()) {
		const { path, body } = run.next;
		const given = path.endsWith("checkstate") ? spent(body) : answer;
		const step = run.answered(keysets, given);
		if (step.kind === "on") continue;
		assert.equal(at, answers.length - 1, "it is over too early");
		return step.kind === "over" ? step.outcome.kind : step.kind;
	}
	return assert.fail("it goes on");
}

function spent(body: Uint8Array | undefined) {
	const { Ys } = JSON.parse(Buffer.from(body ?? []).toString()) as {
		Ys: string[];
	};
	return {
		status: 200,
		body: json({ states: Ys.map((Y) => ({ Y, state: "SPENT" })) }),
	};
}

describe("an invoice whose ecash the mint says is spent", () => {
	test("was not paid with it where the mint says so of the quote, twice", () => {
		const unpaid = quote("UNPAID");
		assert.equal(after(REFUSED, unpaid, unpaid, unpaid), "spent");
	});

	test("was paid where the mint says that of the quote", () => {
		assert.equal(after(REFUSED, quote("PAID"), quote("PAID")), "paid");
	});

	test("may have been paid where the mint has forgotten the quote", () => {
		assert.equal(after(REFUSED, UNKNOWN, UNKNOWN, UNKNOWN), "forgotten");
		assert.equal(
			after(REFUSED, quote("UNPAID"), UNKNOWN, UNKNOWN),
			"forgotten",
		);
	});
});
