import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PlayMint } from "../../src/mint/index.ts";
import { Client, isRefused, keyLock, PAYEE, playMint } from "./support.ts";

/** A quote of another play mint that wants 100 paid. */
function invoice(amount = 100): string {
	return new Client(playMint()).post("mint/quote/bolt11", {
		unit: "sat",
		amount,
	}).request;
}

function quoteFor(client: Client, request = invoice()) {
	return client.post("melt/quote/bolt11", { unit: "sat", request });
}

describe("melting play money", () => {
	test("pays what is asked, and gives back what was too much", () => {
		const client = new Client(playMint());
		const { quote, amount, fee_reserve, state } = quoteFor(client);
		assert.deepEqual([amount, fee_reserve, state], [100, 1, "UNPAID"]);
		const inputs = client.mint([64, 32, 8]);
		const blank = client.blind([1, 1, 1]);
		const answer = client.post("melt/bolt11", {
			quote,
			inputs,
			outputs: blank.outputs,
		});
		assert.equal(answer.state, "PAID");
		assert.match(answer.payment_preimage, /^[0-9a-f]{32}$/);
		const amounts = answer.change.map((one: { amount: number }) => one.amount);
		assert.deepEqual(amounts, [4]);
		assert.deepEqual(client.get(`melt/quote/bolt11/${quote}`), answer);
		assert.equal(client.state(inputs[0] as never).state, "SPENT");
		const again = { quote, inputs: client.mint([64, 32, 8]) };
		isRefused(client.post("melt/bolt11", again), 20006);
	});

	test("gives back the largest amounts when there are few blank outputs", () => {
		const client = new Client(playMint());
		const { quote } = quoteFor(client, invoice(1));
		const inputs = client.mint([8]);
		const { outputs } = client.blind([1, 1]);
		const { change } = client.post("melt/bolt11", { quote, inputs, outputs });
		assert.deepEqual(
			change.map((one: { amount: number }) => one.amount),
			[2, 4],
		);
	});

	test("takes nothing where a blank output is no point that it could sign", () => {
		const client = new Client(playMint());
		const { quote } = quoteFor(client);
		const inputs = client.mint([64, 32, 8]);
		const { outputs } = client.blind([1, 1, 1]);
		// No point of the curve has that abscissa.
		const wrong = { ...outputs[0], B_: `02${"05".padStart(64, "0")}` };
		const before = client.get(`melt/quote/bolt11/${quote}`);
		for (const blanks of [[wrong], [...outputs.slice(1), wrong]]) {
			isRefused(
				client.post("melt/bolt11", { quote, inputs, outputs: blanks }),
				0,
			);
			assert.equal(client.state(inputs[0] as never).state, "UNSPENT");
			assert.deepEqual(client.get(`melt/quote/bolt11/${quote}`), before);
		}
		const paid = client.post("melt/bolt11", { quote, inputs, outputs });
		assert.equal(paid.state, "PAID");
	});

	test("gives back more than its largest amount in several of that", () => {
		const client = new Client(playMint());
		const { quote } = quoteFor(client, invoice(1));
		const inputs = client.mint([2 ** 31, 2 ** 31, 2 ** 31, 4]);
		const { outputs } = client.blind([1, 1, 1, 1, 1]);
		const { change } = client.post("melt/bolt11", { quote, inputs, outputs });
		assert.deepEqual(
			change.map((one: { amount: number }) => one.amount),
			[1, 2, 2 ** 31, 2 ** 31, 2 ** 31],
		);
	});

	test("wants amount, reserve and fees", () => {
		const client = new Client(playMint({ inputFeePpk: 1000 }));
		const { quote } = quoteFor(client);
		const melt = (amounts: number[]) =>
			client.post("melt/bolt11", { quote, inputs: client.mint(amounts) });
		isRefused(melt([64, 32, 4, 2, 1]), 11005);
		assert.equal(melt([64, 32, 8, 1]).state, "PAID");
	});

	test("pays the invoice of another quote of the same mint, once", () => {
		const client = new Client(playMint());
		const asked = client.post("mint/quote/bolt11", { unit: "sat", amount: 4 });
		const { quote } = quoteFor(client, asked.request);
		const inputs = client.mint([4, 1]);
		assert.equal(client.post("melt/bolt11", { quote, inputs }).state, "PAID");
		const { state } = client.get(`mint/quote/bolt11/${asked.quote}`);
		assert.equal(state, "PAID");
		const second = quoteFor(client, asked.request);
		const more = { quote: second.quote, inputs: client.mint([4, 1]) };
		isRefused(client.post("melt/bolt11", more), 20006);
	});

	test("pays no invoice of Lightning, nor in other units", () => {
		const client = new Client(playMint({ units: ["sat", "usd"] }));
		isRefused(quoteFor(client, "lnbc100n1p3kdrv5sp5lpdxzghe5j67q"), 20004);
		const request = invoice();
		const ask = (unit: string) =>
			client.post("melt/quote/bolt11", { unit, request });
		isRefused(ask("usd"), 20004);
		isRefused(ask("eur"), 11013);
		const { quote } = ask("sat");
		const inputs = client.mint([128], [], "usd");
		isRefused(client.post("melt/bolt11", { quote, inputs }), 11010);
	});

	test("is over after an hour", () => {
		const client = new Client(playMint());
		const { quote } = quoteFor(client);
		const inputs = client.mint([128]);
		client.now += 3_601_000;
		isRefused(client.post("melt/bolt11", { quote, inputs }), 20007);
	});

	test("opens locks as a swap does, and SIG_ALL signs the quote as well", () => {
		const client = new Client(playMint());
		const { quote } = quoteFor(client);
		const lock = keyLock([["sigflag", "SIG_ALL"]]);
		const [proof] = client.mint([128], [lock]);
		assert.ok(proof);
		const melt = (message: string) => {
			const witness = { signatures: [PAYEE.sign(message)] };
			const inputs = [{ ...proof, witness }];
			return client.post("melt/bolt11", { quote, inputs });
		};
		isRefused(melt(proof.secret + proof.C), 10001);
		assert.equal(melt(proof.secret + proof.C + quote).state, "PAID");
		assert.match(client.state(proof).witness ?? "", /signatures/);
	});
});

describe("a melt that is pending", () => {
	/** 128 of which 100 are on their way. */
	function pending(mint: PlayMint) {
		const client = new Client(mint);
		const { quote } = quoteFor(client);
		const inputs = client.mint([128]);
		const { outputs } = client.blind([1, 1, 1, 1, 1]);
		const request = { quote, inputs, outputs };
		const answer = client.post("melt/bolt11", request);
		assert.equal(answer.state, "PENDING");
		assert.equal(answer.payment_preimage, null);
		return { client, quote, inputs, outputs, request };
	}

	test("holds its proofs, and neither they nor its outputs are good for anything else", () => {
		const mint = playMint({ melting: "by-hand" });
		const { client, inputs, outputs, request } = pending(mint);
		mint.release();
		assert.equal(client.state(inputs[0] as never).state, "PENDING");
		isRefused(client.swap(inputs), 11002);
		isRefused(client.post("melt/bolt11", request), 20005);
		const { quote } = quoteFor(client);
		const others = { quote, inputs: client.mint([128]), outputs };
		isRefused(client.post("melt/bolt11", others), 11004);
	});

	test("ends paid, with its change, also when the keys were rotated meanwhile", () => {
		const mint = playMint({ melting: "by-hand" });
		const { client, quote, inputs } = pending(mint);
		mint.rotate("sat");
		mint.settleMelt(quote, true);
		const { state, change } = client.get(`melt/quote/bolt11/${quote}`);
		assert.equal(state, "PAID");
		assert.deepEqual(
			change.map((one: { amount: number }) => one.amount),
			[4, 8, 16],
		);
		assert.equal(client.state(inputs[0] as never).state, "SPENT");
		assert.throws(() => mint.settleMelt(quote, true), /nothing is pending/);
	});

	test("ends unpaid, and everything is as before", () => {
		const mint = playMint({ melting: "by-hand" });
		const { client, quote, inputs, request } = pending(mint);
		mint.settleMelt(quote, false);
		assert.equal(client.get(`melt/quote/bolt11/${quote}`).state, "UNPAID");
		assert.equal(client.state(inputs[0] as never).state, "UNSPENT");
		assert.equal(client.post("melt/bolt11", request).state, "PENDING");
	});
});
