import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deriveKeysetId, pointFromHex, verifyDLEQProof } from "@cashu/cashu-ts";
import { PlayMint } from "../../src/mint/index.ts";
import { Client, isRefused, playMint, pointOf, SECONDS } from "./support.ts";

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

describe("a play mint", () => {
	test("says what it is and what it does", () => {
		const info = new Client(playMint({ units: ["sat", "usd"] })).get("info");
		assert.match(info.motd, /worth nothing/);
		assert.equal(info.time, SECONDS);
		for (const nut of ["7", "8", "9", "10", "11", "12", "14"])
			assert.equal(info.nuts[nut].supported, true, nut);
		assert.deepEqual(
			info.nuts["4"].methods.map((one: { unit: string }) => one.unit),
			["sat", "usd"],
		);
		assert.equal(info.nuts["19"].ttl, 600);
	});

	test("has a keyset for each unit, whose id follows from its keys", () => {
		const client = new Client(
			playMint({ units: ["sat", "usd"], inputFeePpk: 100 }),
		);
		const { keysets } = client.get("keys");
		assert.equal(keysets.length, 2);
		for (const { id, unit, keys, input_fee_ppk } of keysets) {
			assert.equal(id, deriveKeysetId(keys, { unit, input_fee_ppk }));
			assert.deepEqual(client.get(`keys/${id}`).keysets[0].keys, keys);
		}
		isRefused(client.get("keys/0123"), 12001);
	});

	test("issues what was paid for, once, and proves with which key it signed", () => {
		const mint = playMint({ payment: "by-hand" });
		const wallet = new Client(mint);
		const { quote, state, request } = wallet.post("mint/quote/bolt11", {
			unit: "sat",
			amount: 5,
		});
		assert.equal(state, "UNPAID");
		assert.match(request, /^lnplaysat50n1/);
		const { outputs } = wallet.blind([1, 4]);
		isRefused(wallet.post("mint/bolt11", { quote, outputs }), 20001);
		mint.pay(quote);
		assert.equal(wallet.get(`mint/quote/bolt11/${quote}`).state, "PAID");
		isRefused(
			wallet.post("mint/bolt11", { quote, outputs: outputs.slice(1) }),
			11005,
		);
		const { signatures } = wallet.post("mint/bolt11", { quote, outputs });
		const { keys } = wallet.keyset();
		for (const [at, { amount, C_, dleq }] of signatures.entries())
			assert.ok(
				verifyDLEQProof(
					{ e: bytes(dleq.e), s: bytes(dleq.s) },
					pointFromHex(outputs[at]?.B_ ?? ""),
					pointFromHex(C_),
					pointFromHex(keys[amount] ?? ""),
				),
			);
		assert.equal(wallet.get(`mint/quote/bolt11/${quote}`).state, "ISSUED");
		const { outputs: more } = wallet.blind([1, 4]);
		isRefused(wallet.post("mint/bolt11", { quote, outputs: more }), 20002);
	});

	test("takes an invoice for paid once somebody asks, until it is over", () => {
		const client = new Client(playMint());
		const ask = () =>
			client.post("mint/quote/bolt11", { unit: "sat", amount: 1 }).quote;
		assert.equal(client.get(`mint/quote/bolt11/${ask()}`).state, "PAID");
		const late = ask();
		client.now += 3_601_000;
		assert.equal(client.get(`mint/quote/bolt11/${late}`).state, "UNPAID");
	});

	test("has no quotes of nothing, of too much, of other units, or that nobody asked for", () => {
		const client = new Client(playMint());
		const ask = (amount: unknown, unit = "sat") =>
			client.post("mint/quote/bolt11", { unit, amount });
		isRefused(ask(0), 11006);
		isRefused(ask(2 ** 41), 11006);
		isRefused(ask(1, "usd"), 11013);
		isRefused(ask(1.5), 0);
		isRefused(ask(-1), 0);
		isRefused(client.get("mint/quote/bolt11/0123"), 0);
		assert.notEqual(ask(1).quote, ask(1).quote);
	});

	test("swaps proofs for as many of the same sum", () => {
		const client = new Client(playMint());
		const proofs = client.mint([1, 2, 8]);
		const { outputs, unblind } = client.blind([1, 2, 4, 4]);
		const fresh = unblind(client.post("swap", { inputs: proofs, outputs }));
		assert.deepEqual(
			proofs.map((proof) => client.state(proof).state),
			["SPENT", "SPENT", "SPENT"],
		);
		assert.equal(client.swap(fresh).signatures.length, 3);
	});

	test("takes a proof once", () => {
		const client = new Client(playMint());
		const [one] = client.mint([8]);
		assert.ok(one);
		isRefused(client.swap([one, one]), 11007);
		client.swap([one]);
		isRefused(client.swap([one]), 11001);
		isRefused(client.swap([{ ...one, amount: 4 }]), 10001);
	});

	test("takes no proof that it did not sign, of a keyset or for an amount", () => {
		const client = new Client(playMint());
		const [one] = client.mint([8]);
		assert.ok(one);
		isRefused(client.swap([{ ...one, secret: "other" }]), 10001);
		isRefused(client.swap([{ ...one, amount: 16 }]), 10001);
		isRefused(client.swap([{ ...one, amount: 3 }]), 10001);
		isRefused(client.swap([{ ...one, id: "00" }]), 12001);
		isRefused(client.swap([{ ...one, C: `02${"ff".repeat(32)}` }]), 10001);
		assert.equal(client.state(one).state, "UNSPENT");
	});

	test("swaps nothing that does not balance, or for which it has no key", () => {
		const client = new Client(playMint());
		const inputs = client.mint([8]);
		for (const amounts of [[8, 1], [4]]) {
			const { outputs } = client.blind(amounts);
			isRefused(client.post("swap", { inputs, outputs }), 11005);
		}
		const { outputs } = client.blind([3, 5]);
		isRefused(client.post("swap", { inputs, outputs }), 11006);
		assert.equal(client.swap(inputs).signatures.length, 1);
	});

	test("takes its fee for each input, all together rounded up", () => {
		const client = new Client(playMint({ inputFeePpk: 400 }));
		const inputs = client.mint([4, 4, 8]);
		isRefused(client.swap(inputs), 11005);
		isRefused(client.swap(inputs, 1), 11005);
		assert.ok(client.swap(inputs, 2).signatures);
	});

	test("mixes no units", () => {
		const client = new Client(playMint({ units: ["sat", "usd"] }));
		const sats = client.mint([4]);
		const cents = client.mint([4], [], "usd");
		isRefused(client.swap([...sats, ...cents]), 11010);
		const { outputs } = client.blind([4], [], "usd");
		isRefused(client.post("swap", { inputs: sats, outputs }), 11010);
	});

	test("signs a blinded message once", () => {
		const client = new Client(playMint());
		const { outputs } = client.blind([4]);
		client.post("swap", { inputs: client.mint([4]), outputs });
		const inputs = client.mint([4]);
		isRefused(client.post("swap", { inputs, outputs }), 11003);
		const twice = client.blind([2]).outputs;
		isRefused(
			client.post("swap", { inputs, outputs: [...twice, ...twice] }),
			11008,
		);
	});

	test("signs with new keys after it rotated, and takes proofs of the old ones", () => {
		const mint = playMint();
		const client = new Client(mint);
		const old = client.mint([4]);
		const { outputs } = client.blind([4]);
		const id = mint.rotate("sat", 1000);
		assert.equal(client.keyset().id, id);
		isRefused(client.post("swap", { inputs: old, outputs }), 12002);
		const { keysets } = client.get("keysets");
		assert.deepEqual(
			keysets.map(({ active, input_fee_ppk }: Record<string, unknown>) => [
				active,
				input_fee_ppk,
			]),
			[
				[false, 0],
				[true, 1000],
			],
		);
		assert.ok(client.swap(old).signatures);
	});

	test("gives signatures once more, and says nothing of messages that it never saw", () => {
		const client = new Client(playMint());
		const { outputs, unblind } = client.blind([1, 4]);
		const answer = client.post("swap", {
			inputs: client.mint([1, 4]),
			outputs,
		});
		const unknown = client.blind([2]).outputs;
		const restored = client.post("restore", {
			outputs: [...unknown, ...outputs.map((one) => ({ ...one, amount: 0 }))],
		});
		assert.deepEqual(restored.signatures, answer.signatures);
		assert.deepEqual(
			restored.outputs.map(({ B_ }: { B_: string }) => B_),
			outputs.map(({ B_ }) => B_),
		);
		assert.ok(client.swap(unblind(restored)).signatures);
	});

	test("answers the same request the same for a while, and only that one", () => {
		const client = new Client(playMint({ answersKeptSeconds: 60 }));
		const inputs = client.mint([4]);
		const request = { inputs, outputs: client.blind([4]).outputs };
		const answer = client.post("swap", request);
		assert.deepEqual(client.post("swap", request), answer);
		isRefused(client.swap(inputs), 11001);
		client.now += 59_000;
		assert.deepEqual(client.post("swap", request), answer);
		client.now += 1_000;
		isRefused(client.post("swap", request), 11001);
	});

	test("does not keep a refusal", () => {
		const mint = playMint({ payment: "by-hand" });
		const client = new Client(mint);
		const { quote } = client.post("mint/quote/bolt11", {
			unit: "sat",
			amount: 1,
		});
		const request = { quote, outputs: client.blind([1]).outputs };
		isRefused(client.post("mint/bolt11", request), 20001);
		mint.pay(quote);
		assert.equal(client.post("mint/bolt11", request).signatures.length, 1);
	});

	test("refuses what is no request", () => {
		const client = new Client(playMint());
		const [proof] = client.mint([1]);
		assert.ok(proof);
		const { outputs } = client.blind([1]);
		for (const body of ["", "{", "[]", "null", '"swap"', "{}"])
			isRefused(client.sayText("POST", "swap", body), 0);
		isRefused(client.post("swap", { inputs: [], outputs }), 0);
		isRefused(client.post("swap", { inputs: [proof], outputs: [] }), 0);
		isRefused(client.post("swap", { inputs: [null], outputs }), 0);
		isRefused(client.post("checkstate", { Ys: ["02"] }), 0);
		const long = { ...proof, secret: "x".repeat(1_025) };
		isRefused(client.post("swap", { inputs: [long], outputs }), 0);
		const many = Array.from({ length: 1_001 }, () => proof);
		isRefused(client.post("swap", { inputs: many, outputs }), 11014);
		isRefused(client.post("swap", { inputs: [proof], outputs: many }), 11015);
		isRefused(client.sayText("POST", "swap", " ".repeat(1_048_577)), 0);
		assert.equal(client.get("nothing").detail, "no such path");
		assert.equal(client.get("swap").detail, "no such path");
	});

	test("goes on from its state as if nothing had been, also from its changes alone", () => {
		const mint = playMint();
		const changes = [...mint.takeChanges()];
		const client = new Client(mint);
		const [spent, kept] = client.mint([4, 8]);
		assert.ok(spent && kept);
		client.swap([spent]);
		mint.rotate("sat");
		changes.push(...mint.takeChanges());
		assert.deepEqual(mint.takeChanges(), []);
		const rows = new Map(
			changes.map((one) => [`${one.table} ${one.key}`, one]),
		);
		for (const again of [
			PlayMint.importState(mint.exportState()),
			PlayMint.of(rows.values()),
		]) {
			assert.deepEqual(again.takeChanges(), []);
			const later = new Client(again);
			assert.deepEqual(later.get("keysets"), client.get("keysets"));
			assert.equal(later.state(spent).state, "SPENT");
			isRefused(later.swap([spent]), 11001);
			assert.ok(later.swap([kept]).signatures);
		}
		assert.equal(client.state(kept).state, "UNSPENT");
	});

	test("is the same mint for the same seed, and takes no state of anything else", () => {
		assert.deepEqual(
			new Client(playMint()).get("keys"),
			new Client(playMint()).get("keys"),
		);
		for (const text of [
			"",
			"[]",
			"[2]",
			'[1,["no","x",{}]]',
			'[1,["mint"]]',
			"[1]",
		])
			assert.throws(() => PlayMint.importState(Buffer.from(text)), {
				code: "store-failed",
			});
		assert.throws(() => playMint({ units: ["SAT"] }), {
			code: "invalid-argument",
		});
	});

	test("says which proofs are pending", () => {
		const mint = playMint();
		const client = new Client(mint);
		const [one, other] = client.mint([1, 2]);
		assert.ok(one && other);
		mint.hold([pointOf(one)]);
		assert.equal(client.state(one).state, "PENDING");
		isRefused(client.swap([one, other]), 11002);
		assert.equal(client.state(other).state, "UNSPENT");
		mint.release();
		assert.ok(client.swap([one, other]).signatures);
	});
});
