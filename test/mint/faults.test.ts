import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pointFromHex, verifyDLEQProof } from "@cashu/cashu-ts";
import {
	endpointOf,
	FaultyMint,
	MINT_FAULTS,
	type MintFault,
	type PlayMintOptions,
} from "../../src/mint/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import {
	Client,
	isRefused,
	OTHER,
	PAYEE,
	PAYER,
	PREIMAGE,
	type Proof,
	playMint,
	purchaseLock,
	SECONDS,
	signed,
} from "./support.ts";

/** A client of a mint that is well until a fault is switched on, and 8 that the client has. */
function faulty({
	secret,
	...options
}: PlayMintOptions & { secret?: string } = {}) {
	const mint = new FaultyMint(playMint(options));
	const client = new Client(mint);
	const [proof] = client.mint([8], secret === undefined ? [] : [secret]);
	assert.ok(proof);
	return { mint, client, proof, wrong: (fault: MintFault) => mint.add(fault) };
}

/** Swaps 8, and answers what came beside what was asked for. */
function swapped({ client, proof }: { client: Client; proof: Proof }) {
	const { outputs } = client.blind([8]);
	const keys = client.keyset();
	const answer = client.post("swap", { inputs: [proof], outputs });
	return { answer, outputs, keys };
}

describe("a mint with a fault", () => {
	test("that is down does nothing and says nothing, and is up again later", () => {
		const { client, proof, wrong } = faulty();
		const request = { inputs: [proof], outputs: client.blind([8]).outputs };
		wrong({ kind: "down", times: 2 });
		assert.equal(client.get("info"), undefined);
		assert.equal(client.post("swap", request), undefined);
		assert.equal(client.state(proof).state, "UNSPENT");
		assert.equal(client.post("swap", request).signatures.length, 1);
	});

	test("that loses its answer has done the work, and says it when asked again", () => {
		const { client, proof, wrong } = faulty();
		const request = { inputs: [proof], outputs: client.blind([8]).outputs };
		wrong({ kind: "answer-lost", at: "swap", times: 1 });
		assert.equal(client.post("swap", request), undefined);
		assert.equal(client.state(proof).state, "SPENT");
		assert.equal(client.post("swap", request).signatures.length, 1);
	});

	test("that is slow says for how long", () => {
		const { mint, wrong } = faulty();
		const request = { method: "GET", path: "/v1/info", body: utf8("") };
		const { kind } = mint.handle(request, 0);
		assert.equal(kind, "answer");
		wrong({ kind: "slow", ms: 250 });
		const reply = mint.handle(request, 0);
		assert.equal(reply.kind === "answer" && reply.delayMs, 250);
	});

	test("that works twice says that the proofs are spent, though they went through", () => {
		const all = faulty();
		all.wrong({ kind: "handled-twice", at: "swap", times: 1 });
		const { answer, outputs } = swapped(all);
		isRefused(answer, 11001);
		const { signatures } = all.client.post("restore", { outputs });
		assert.equal(signatures.length, 1);
	});

	test("that answers no JSON, twice, or too much, has done the work", () => {
		for (const fault of [
			{ kind: "not-json" },
			{ kind: "body-twice" },
			{ kind: "huge-answer", bytes: 10_000_000 },
		] as const) {
			const { mint, client, proof } = faulty();
			mint.add({ ...fault, at: "swap" });
			const inputs = [proof];
			const { outputs } = client.blind([8]);
			const body = utf8(JSON.stringify({ inputs, outputs }));
			const reply = mint.handle(
				{ method: "POST", path: "/v1/swap", body },
				client.now,
			);
			assert.ok(reply.kind === "answer");
			const text = Buffer.from(reply.body).toString();
			if (fault.kind === "huge-answer") {
				assert.ok(reply.body.length > 10_000_000);
				assert.equal(JSON.parse(text).signatures.length, 1);
			} else assert.throws(() => JSON.parse(text), SyntaxError);
			assert.equal(client.state(proof).state, "SPENT");
		}
	});

	test("whose page of an error has a status of its own", () => {
		const { mint, wrong } = faulty();
		wrong({ kind: "not-json", status: 502 });
		const request = { method: "GET", path: "/v1/info", body: utf8("") };
		const reply = mint.handle(request, 0);
		assert.equal(reply.kind === "answer" && reply.status, 502);
	});

	test("whose clock is wrong takes locks for over, or for running", () => {
		const early = faulty({ secret: purchaseLock(SECONDS + 100) });
		early.wrong({ kind: "clock-skewed", seconds: 100 });
		assert.equal(early.client.get("info").time, SECONDS + 100);
		assert.ok(early.client.swap([signed(early.proof, [PAYER])]).signatures);
		const late = faulty({ secret: purchaseLock(SECONDS - 10) });
		late.wrong({ kind: "clock-skewed", seconds: -11 });
		isRefused(late.client.swap([signed(late.proof, [PAYER])]), 10001);
	});

	test("that lies about what became of proofs", () => {
		for (const state of ["UNSPENT", "PENDING", "SPENT"] as const) {
			const { client, proof, wrong } = faulty();
			if (state === "UNSPENT") client.swap([proof]);
			wrong({ kind: "state-lied", state });
			assert.equal(client.state(proof).state, state);
		}
	});

	test("that forgets the witness of a claim", () => {
		const { mint, client, proof, wrong } = faulty({ secret: purchaseLock() });
		client.swap([signed(proof, [PAYEE], PREIMAGE)]);
		wrong({ kind: "witness-forgotten" });
		assert.deepEqual(client.state(proof).witness, null);
		mint.clear();
		assert.match(client.state(proof).witness ?? "", /preimage/);
	});

	test("that shows a witness of its own making", () => {
		const { client, proof, wrong } = faulty({ secret: purchaseLock() });
		client.swap([signed(proof, [PAYEE], PREIMAGE)]);
		wrong({ kind: "witness-wrong" });
		const { preimage } = JSON.parse(client.state(proof).witness ?? "");
		assert.match(preimage, /^0{64}$/);
	});

	test("that shows the witness of a claim that failed", () => {
		const { client, proof, wrong } = faulty({ secret: purchaseLock() });
		wrong({ kind: "witness-of-failure-shown" });
		isRefused(client.swap([signed(proof, [OTHER], PREIMAGE)]), 10001);
		const { state, witness } = client.state(proof);
		assert.equal(state, "UNSPENT");
		assert.equal(JSON.parse(witness ?? "").preimage, PREIMAGE);
	});

	test("that restores no signatures, or does not know its own answer again", () => {
		const { mint, client, proof, wrong } = faulty();
		const request = { inputs: [proof], outputs: client.blind([8]).outputs };
		const { signatures } = client.post("swap", request);
		wrong({ kind: "signatures-forgotten" });
		wrong({ kind: "answers-forgotten" });
		const restored = client.post("restore", { outputs: request.outputs });
		assert.deepEqual(restored, { outputs: [], signatures: [] });
		isRefused(client.post("swap", request), 11001);
		mint.clear();
		assert.deepEqual(client.post("swap", request).signatures, signatures);
	});

	test("in which proofs get stuck, until it is well again", () => {
		const { mint, client, proof, wrong } = faulty();
		wrong({ kind: "stuck-pending", times: 1 });
		isRefused(client.swap([proof]), 11002);
		assert.equal(client.state(proof).state, "PENDING");
		isRefused(client.swap([proof]), 11002);
		mint.clear();
		assert.ok(client.swap([proof]).signatures);
	});

	test("that refuses claims while the lock runs takes them later", () => {
		const { client, proof, wrong } = faulty({
			secret: purchaseLock(SECONDS + 100),
		});
		wrong({ kind: "early-claim-refused" });
		const claim = signed(proof, [PAYEE], PREIMAGE);
		isRefused(client.swap([claim]), 10001);
		assert.equal(client.state(proof).witness, null);
		client.now += 100_000;
		assert.ok(client.swap([claim]).signatures);
	});

	test("that knows no locks says so, or does not", () => {
		for (const isAnnounced of [true, false]) {
			const { client, proof, wrong } = faulty({ secret: purchaseLock() });
			wrong({ kind: "locks-ignored", isAnnounced });
			const { nuts } = client.get("info");
			assert.equal("14" in nuts, !isAnnounced);
			assert.ok("7" in nuts);
			assert.ok(client.swap([proof]).signatures);
		}
	});

	test("that lets proofs be spent twice", () => {
		const { mint, client, proof, wrong } = faulty();
		wrong({ kind: "spent-twice" });
		assert.ok(client.swap([proof]).signatures);
		assert.ok(client.swap([proof]).signatures);
		mint.clear();
		isRefused(client.swap([proof]), 11001);
	});

	test("that has other keys under the same id takes no proof of before", () => {
		const { mint, client, proof, wrong } = faulty();
		const before = client.keyset();
		wrong({ kind: "keys-swapped", times: 1 });
		const after = client.keyset();
		assert.equal(after.id, before.id);
		assert.notDeepEqual(after.keys, before.keys);
		isRefused(client.swap([proof]), 10001);
		mint.clear();
		assert.deepEqual(client.keyset(), before);
		assert.ok(client.swap([proof]).signatures);
	});

	test("that rotates between being asked for keys and being asked to sign", () => {
		const { client, proof, wrong } = faulty();
		wrong({ kind: "keyset-rotated", at: "swap", times: 1 });
		isRefused(client.swap([proof]), 12002);
		assert.ok(client.swap([proof]).signatures);
	});

	test("that signs wrongly, for other amounts, too little, or proves nothing", () => {
		const strike = (kind: MintFault["kind"]) => {
			const all = faulty();
			all.wrong({ kind, at: "swap" } as MintFault);
			const { answer, outputs, keys } = swapped(all);
			const [signature] = answer.signatures;
			const isRight =
				signature?.dleq !== undefined &&
				verifyDLEQProof(
					{
						e: Buffer.from(signature.dleq.e, "hex"),
						s: Buffer.from(signature.dleq.s, "hex"),
					},
					pointFromHex(outputs[0]?.B_ ?? ""),
					pointFromHex(signature.C_),
					pointFromHex(keys.keys[8] ?? ""),
				);
			const restored = all.client.post("restore", { outputs }).signatures;
			return { signature, isRight, restored: restored[0] };
		};
		const dropped = strike("dleq-dropped");
		assert.equal("dleq" in dropped.signature, false);
		assert.equal(dropped.signature.C_, dropped.restored.C_);
		for (const kind of ["dleq-wrong", "signature-wrong"] as const) {
			const { isRight, signature, restored } = strike(kind);
			assert.equal(isRight, false, kind);
			assert.equal(signature.C_ === restored.C_, kind === "dleq-wrong");
		}
		const amount = strike("amount-wrong");
		assert.deepEqual([amount.signature.amount, amount.isRight], [16, true]);
		assert.equal(amount.restored.amount, 8);
		assert.equal(strike("signature-missing").signature, undefined);
	});

	test("can be wrong in several ways at once, and is then well", () => {
		const { mint, client, proof, wrong } = faulty();
		wrong({ kind: "dleq-dropped", times: 1 });
		wrong({ kind: "amount-wrong" });
		const { outputs } = client.blind([8]);
		const { signatures } = client.post("swap", { inputs: [proof], outputs });
		assert.deepEqual(Object.keys(signatures[0]).toSorted(), [
			"C_",
			"amount",
			"id",
		]);
		assert.deepEqual(
			mint.faults.map(({ kind }) => kind),
			["amount-wrong"],
		);
		mint.clear();
		assert.equal(client.post("restore", { outputs }).signatures[0].amount, 8);
	});

	test("has each fault only where it can be", () => {
		const { wrong } = faulty();
		assert.throws(() => wrong({ kind: "dleq-dropped", at: "info" }), {
			code: "invalid-argument",
		});
		for (const endpoints of Object.values(MINT_FAULTS))
			assert.ok(endpoints.length > 0);
		assert.equal(endpointOf("/v1/mint/quote/bolt11/0123"), "mint-quote");
		assert.equal(endpointOf("/v1/melt/bolt11"), "melt");
		assert.equal(endpointOf("/v1/nothing"), undefined);
	});
});
