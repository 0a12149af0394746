import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHTLCsecret, createSecret } from "@cashu/cashu-ts";
import {
	Client,
	HASH,
	isRefused,
	keyLock,
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

const DEADLINE = SECONDS + 100;

/** A proof with this secret, and who goes to the mint with it. */
function locked(secret: string): { client: Client; proof: Proof } {
	const client = new Client(playMint());
	const [proof] = client.mint([8], [secret]);
	assert.ok(proof);
	return { client, proof };
}

function opens(client: Client, ...proofs: readonly Proof[]): void {
	const answer = client.swap(proofs);
	assert.ok(answer.signatures, JSON.stringify(answer));
}

function staysShut(client: Client, ...proofs: readonly Proof[]): void {
	isRefused(client.swap(proofs), 10001);
	for (const proof of proofs)
		assert.deepEqual(client.state(proof).state, "UNSPENT");
}

describe("the lock of a purchase", () => {
	test("opens for the payee with the preimage, which everybody who asks then reads", () => {
		const { client, proof } = locked(purchaseLock());
		opens(client, signed(proof, [PAYEE], PREIMAGE));
		const { state, witness } = client.state(proof);
		assert.equal(state, "SPENT");
		assert.equal(JSON.parse(witness ?? "").preimage, PREIMAGE);
	});

	test("stays shut for anything less, and shows no witness that failed", () => {
		const { client, proof } = locked(purchaseLock());
		staysShut(client, proof);
		staysShut(client, signed(proof, [PAYEE]));
		staysShut(client, signed(proof, [], PREIMAGE));
		staysShut(client, signed(proof, [OTHER], PREIMAGE));
		staysShut(client, signed(proof, [PAYEE], "cd".repeat(32)));
		staysShut(client, signed(proof, [PAYEE], PREIMAGE.toUpperCase()));
		staysShut(client, signed(proof, [PAYEE], `${PREIMAGE}00`));
		staysShut(client, { ...proof, witness: "no JSON" });
		staysShut(client, { ...proof, witness: "null" });
		staysShut(client, signed(proof, [PAYER]));
		assert.equal(client.state(proof).witness, null);
	});

	test("opens for the payer from the deadline on, and not a second before", () => {
		const { client, proof } = locked(purchaseLock(DEADLINE));
		client.now = DEADLINE * 1000 - 1;
		staysShut(client, signed(proof, [PAYER]));
		client.now = DEADLINE * 1000;
		staysShut(client, signed(proof, [OTHER]));
		opens(client, signed(proof, [PAYER]));
	});

	test("opens for a claim after the deadline until somebody refunded", () => {
		const late = locked(purchaseLock(DEADLINE));
		late.client.now = (DEADLINE + 1_000_000) * 1000;
		opens(late.client, signed(late.proof, [PAYEE], PREIMAGE));
		isRefused(late.client.swap([signed(late.proof, [PAYER])]), 11001);

		const { client, proof } = locked(purchaseLock(DEADLINE));
		client.now = DEADLINE * 1000;
		opens(client, signed(proof, [PAYER]));
		isRefused(client.swap([signed(proof, [PAYEE], PREIMAGE)]), 11001);
		assert.doesNotMatch(client.state(proof).witness ?? "", /preimage/);
	});

	test("takes a witness as an object, too", () => {
		const { client, proof } = locked(purchaseLock());
		const { witness } = signed(proof, [PAYEE], PREIMAGE);
		opens(client, { ...proof, witness: JSON.parse(String(witness)) });
	});
});

describe("locks", () => {
	test("to a key open with its signature of this secret", () => {
		const { client, proof } = locked(keyLock());
		staysShut(client, proof);
		staysShut(client, signed(proof, [OTHER]));
		const { witness } = signed({ ...proof, secret: keyLock() }, [PAYEE]);
		staysShut(client, { ...proof, witness });
		opens(client, signed(proof, [PAYEE]));
	});

	test("to several keys ask for as many signers as they say, each counted once", () => {
		const { client, proof } = locked(
			keyLock([
				["pubkeys", PAYER.publicKey, OTHER.publicKey],
				["n_sigs", "2"],
			]),
		);
		staysShut(client, signed(proof, [PAYER]));
		staysShut(client, signed(proof, [PAYER, PAYER]));
		opens(client, signed(proof, [PAYER, OTHER]));
	});

	test("ask for as many refund signers as they say", () => {
		const { client, proof } = locked(
			keyLock([
				["locktime", String(DEADLINE)],
				["refund", PAYER.publicKey, OTHER.publicKey],
				["n_sigs_refund", "2"],
			]),
		);
		client.now = DEADLINE * 1000;
		staysShut(client, signed(proof, [PAYER]));
		opens(client, signed(proof, [PAYER, OTHER]));
	});

	test("without refund keys are everybody's after the deadline", () => {
		for (const secret of [
			keyLock([["locktime", String(DEADLINE)]]),
			createHTLCsecret(HASH, [["locktime", String(DEADLINE)]]),
		]) {
			const { client, proof } = locked(secret);
			staysShut(client, proof);
			client.now = DEADLINE * 1000;
			opens(client, proof);
		}
	});

	test("to a hash alone open for whoever has the preimage", () => {
		const { client, proof } = locked(createHTLCsecret(HASH));
		staysShut(client, proof);
		opens(client, signed(proof, [], PREIMAGE));
	});

	test("without a time lock for ever, whatever refund keys they name", () => {
		for (const time of [[], [["locktime", "soon"]], [["locktime", "0"]]]) {
			const { client, proof } = locked(
				keyLock([["refund", PAYER.publicKey], ...time]),
			);
			client.now = 2 ** 50;
			staysShut(client, signed(proof, [PAYER]));
			opens(client, signed(proof, [PAYEE]));
		}
	});

	test("that are malformed open for nobody, at no time", () => {
		const key = PAYEE.publicKey;
		const time = ["locktime", "1"];
		for (const secret of [
			createSecret("P2PK", key, [time, ["locktime", "2"]]),
			createSecret("P2PK", key, [time, ["sigflag", "SIG_NONE"]]),
			createSecret("P2PK", key, [time, ["n_sigs", "0"]]),
			createSecret("P2PK", key, [time, ["n_sigs", "2"]]),
			createSecret("P2PK", key, [time, ["n_sigs", "many"]]),
			createSecret("P2PK", key, [time, ["n_sigs"]]),
			createSecret("P2PK", key, [time, ["n_sigs_refund", "1"]]),
			JSON.stringify(["P2PK", { nonce: "1", data: key, tags: [time, [1]] }]),
			JSON.stringify(["HTLC", { nonce: "1", tags: [time] }]),
			JSON.stringify(["HTLC"]),
			JSON.stringify(["P2PK", { nonce: "1", data: key }, "more"]),
		]) {
			const { client, proof } = locked(secret);
			staysShut(client, proof);
			staysShut(client, signed(proof, [PAYEE]));
		}
	});

	test("of a kind that nobody knows bind nobody", () => {
		const { client, proof } = locked(createSecret("OTHER", "data"));
		opens(client, proof);
	});

	test("are each opened by their own witness", () => {
		const client = new Client(playMint());
		const [one, other, free] = client.mint([1, 2, 4], [keyLock(), keyLock()]);
		assert.ok(one && other && free);
		staysShut(client, signed(one, [PAYEE]), other, free);
		opens(client, signed(one, [PAYEE]), signed(other, [PAYEE]), free);
	});
});

describe("SIG_ALL", () => {
	const tags = [["sigflag", "SIG_ALL"]];

	/** Two proofs under one lock, the outputs, and what signs all of it. */
	function twoLocked(secrets = [keyLock(tags), keyLock(tags)]) {
		const client = new Client(playMint());
		const proofs = client.mint([1, 2], secrets);
		const { outputs } = client.blind([1, 2]);
		const sign = (over = outputs) =>
			PAYEE.sign(
				proofs.map(({ secret, C }) => secret + C).join("") +
					over.map(({ amount, B_ }) => amount + B_).join(""),
			);
		const post = (signature: string, over = outputs) => {
			const witness = JSON.stringify({ signatures: [signature] });
			const inputs = proofs.map((proof, at) =>
				at === 0 ? { ...proof, witness } : proof,
			);
			return client.post("swap", { inputs, outputs: over });
		};
		return { client, outputs, sign, post };
	}

	test("signs inputs and outputs in the first witness", () => {
		const { sign, post } = twoLocked();
		assert.ok(post(sign()).signatures);
	});

	test("does not open for other outputs, nor in another order", () => {
		const { client, outputs, sign, post } = twoLocked();
		isRefused(post(sign(), client.blind([1, 2]).outputs), 10001);
		isRefused(post(sign(), outputs.toReversed()), 10001);
		isRefused(post(PAYEE.sign(keyLock(tags))), 10001);
		assert.ok(post(sign()).signatures);
	});

	test("asks that all inputs have the same lock", () => {
		for (const second of [
			"no lock",
			keyLock(),
			keyLock([...tags, ["locktime", "1"]]),
			createSecret("P2PK", OTHER.publicKey, tags),
			createSecret("HTLC", PAYEE.publicKey, tags),
		]) {
			const after = twoLocked([keyLock(tags), second]);
			isRefused(after.post(after.sign()), 10001);
			const before = twoLocked([second, keyLock(tags)]);
			isRefused(before.post(before.sign()), 10001);
		}
	});
});
