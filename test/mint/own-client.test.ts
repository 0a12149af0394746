/* What a money module knows of ecash, asked of the play mint: they understand each other, and what a mint does wrong is noticed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CryptoProvider, nodeCrypto } from "../../src/crypto/index.ts";
import { FaultyMint, type MintFault } from "../../src/mint/index.ts";
import {
	claimInputs,
	type EcashCrypto,
	feeOf,
	INFO_REQUEST,
	inOrder,
	KEYS_REQUEST,
	KEYSETS_REQUEST,
	type Keyset,
	KnownKeysets,
	type LockTerms,
	lockState,
	makeBlankOutputs,
	makeLockOutputs,
	makeOutputs,
	meltQuoteRequest,
	meltRequest,
	mintQuoteRequest,
	mintQuoteStateRequest,
	mintRequest,
	type Output,
	type ProvenProof,
	parseKeys,
	parseKeysets,
	parseMeltQuote,
	parseMintError,
	parseMintInfo,
	parseMintQuote,
	parseRestored,
	parseSignatures,
	parseStates,
	plainInputs,
	planLock,
	pointsOf,
	refundInputs,
	requireForPurchases,
	restoreRequest,
	splitAmount,
	stateRequest,
	sumOf,
	swapRequest,
	unblindAll,
	unblindChange,
	unblindRestored,
	verifyLock,
} from "../../src/money/cashu/index.ts";
import { loadEcash } from "../../src/provider/index.ts";
import { bytesOf } from "../money/cashu/test-mint.ts";
import { HASH, PREIMAGE, playMint } from "./support.ts";

const crypto: CryptoProvider = nodeCrypto;
const ecash: EcashCrypto = loadEcash();
const NOW = 1_800_000_000_000;
const KEY = bytesOf(PREIMAGE);
const PAYEE_KEY = new Uint8Array(32).fill(1);
const PAYER_KEY = new Uint8Array(32).fill(2);
const TERMS: LockTerms = {
	keyHash: bytesOf(HASH),
	payee: ecash.publicKey(PAYEE_KEY),
	deadline: NOW / 1000 + 100,
	refund: ecash.publicKey(PAYER_KEY),
	contract: new Uint8Array(32).fill(3),
	binding: new Uint8Array(32).fill(4),
};
const PRICE = 100n;

/** A purse that keeps nothing, and the mint that it asks. */
class Purse {
	readonly mint = new FaultyMint(playMint({ inputFeePpk: 300 }));
	now = NOW;
	#counter = 0;
	readonly #seed: Uint8Array;

	constructor(seed = new Uint8Array(64).fill(7)) {
		this.#seed = seed;
	}

	/** The body of the answer. */
	ask(request: ReturnType<typeof swapRequest>): Uint8Array {
		const reply = this.mint.handle(request, this.now);
		assert.ok(reply.kind === "answer");
		return reply.body;
	}

	keysets(): KnownKeysets {
		const notices = parseKeysets(this.ask(KEYSETS_REQUEST));
		return new KnownKeysets(
			parseKeys(crypto, ecash, this.ask(KEYS_REQUEST), notices),
		);
	}

	active(): Keyset {
		const keyset = this.keysets().active("sat", this.now);
		assert.ok(keyset);
		return keyset;
	}

	#place(count: number) {
		const place = {
			seed: this.#seed,
			keyset: this.active().id,
			counter: this.#counter,
		};
		this.#counter += count;
		return place;
	}

	outputs(sum: bigint): Output[] {
		const amounts = splitAmount(this.active(), sum);
		return makeOutputs(ecash, this.#place(amounts.length), amounts);
	}

	blanks(reserve: bigint): Output[] {
		return makeBlankOutputs(ecash, this.#place(16), reserve);
	}

	proofsOf(outputs: readonly Output[], answer: Uint8Array): ProvenProof[] {
		return unblindAll(ecash, this.keysets(), outputs, parseSignatures(answer));
	}

	minted(sum: bigint): ProvenProof[] {
		const asked = parseMintQuote(this.ask(mintQuoteRequest("sat", sum)));
		assert.equal(asked.kind, "unpaid");
		assert.equal(asked.amount, sum);
		const { quote, kind } = parseMintQuote(
			this.ask(mintQuoteStateRequest(asked.quote)),
		);
		assert.equal(kind, "paid");
		const outputs = this.outputs(sum);
		return this.proofsOf(outputs, this.ask(mintRequest(quote, outputs)));
	}

	/** A lock of the price, and what was over of 200. */
	lock(): { lock: ProvenProof[]; change: ProvenProof[] } {
		const proofs = this.minted(200n);
		const plan = planLock(this.active(), PRICE);
		const place = this.#place(plan.amounts.length);
		const locked = makeLockOutputs(ecash, place, plan.amounts, TERMS);
		const fee = feeOf(proofs.map(() => this.active()));
		const rest = this.outputs(200n - fee - plan.sum);
		const outputs = inOrder([...locked, ...rest]);
		const answer = this.ask(swapRequest(plainInputs(proofs), outputs));
		const all = this.proofsOf(outputs, answer);
		const isLocked = ({ secret }: ProvenProof) => secret.startsWith("[");
		return {
			lock: all.filter(isLocked),
			change: all.filter((proof) => !isLocked(proof)),
		};
	}

	verified(lock: readonly ProvenProof[]) {
		const { refund: _, ...terms } = TERMS;
		const keysets = this.keysets();
		const expected = { terms, unit: "sat", price: PRICE, keysets };
		return verifyLock(ecash, lock, { ...expected, now: this.now });
	}

	state(lock: readonly ProvenProof[]) {
		const ys = pointsOf(ecash, lock);
		const states = parseStates(this.ask(stateRequest(ys)), ys);
		return lockState(crypto, states, TERMS.keyHash);
	}
}

describe("a money module and the play mint", () => {
	test("agree on what the mint is able to do", () => {
		const info = parseMintInfo(new Purse().ask(INFO_REQUEST));
		requireForPurchases(info);
		assert.equal(info.time, NOW / 1000);
		assert.ok(info.cached.has("POST /v1/swap"));
		assert.equal(info.cachedFor, 600);
		assert.deepEqual(
			info.minting.map(({ unit }) => unit),
			["sat"],
		);
	});

	test("make a lock that its payee verifies and claims, and of which the payer reads the key", () => {
		const purse = new Purse();
		const { lock, change } = purse.lock();
		assert.ok(sumOf(change) > 0n);
		const verified = purse.verified(lock);
		assert.deepEqual(purse.state(lock), { kind: "open" });
		const keys = { key: KEY, privateKey: PAYEE_KEY };
		const inputs = claimInputs(crypto, ecash, verified, keys);
		const outputs = purse.outputs(PRICE);
		const answer = purse.ask(swapRequest(inputs, outputs));
		assert.equal(sumOf(purse.proofsOf(outputs, answer)), PRICE);
		assert.deepEqual(purse.state(lock), { kind: "claimed", key: KEY });
	});

	test("let the payer have a lock back after the deadline, and not before", () => {
		const purse = new Purse();
		const { lock } = purse.lock();
		const inputs = refundInputs(ecash, lock, PAYER_KEY);
		const outputs = purse.outputs(PRICE);
		const request = swapRequest(inputs, outputs);
		assert.equal(parseMintError(purse.ask(request)).kind, "not-verified");
		purse.now += 100_000;
		const proofs = purse.proofsOf(outputs, purse.ask(request));
		assert.equal(sumOf(proofs), PRICE);
		assert.deepEqual(purse.state(lock), {
			kind: "spent-without-key",
			isWitnessShown: true,
		});
	});

	test("recover what was not heard, from outputs that follow from the seed", () => {
		const purse = new Purse();
		const proofs = purse.minted(64n);
		const outputs = purse.outputs(63n);
		const request = swapRequest(plainInputs(proofs), outputs);
		purse.mint.add({ kind: "answer-lost", at: "swap", times: 1 });
		assert.equal(purse.mint.handle(request, NOW).kind, "silence");
		const restored = parseRestored(purse.ask(restoreRequest(outputs)));
		const found = unblindRestored(
			ecash,
			purse.keysets(),
			outputs,
			restored,
			"outputs",
		);
		assert.deepEqual(found, purse.proofsOf(outputs, purse.ask(request)));
	});

	test("melt, and share out what was reserved", () => {
		const purse = new Purse();
		const other = new Purse();
		const asked = other.ask(mintQuoteRequest("sat", 500n));
		const { invoice } = parseMintQuote(asked);
		const quote = parseMeltQuote(purse.ask(meltQuoteRequest("sat", invoice)));
		assert.deepEqual([quote.amount, quote.feeReserve], [500n, 5n]);
		const inputs = plainInputs(purse.minted(512n));
		const blanks = purse.blanks(512n);
		const request = meltRequest(quote.quote, inputs, blanks);
		const { kind, change, preimage } = parseMeltQuote(purse.ask(request));
		assert.equal(kind, "paid");
		assert.ok(preimage);
		const proofs = unblindChange(ecash, purse.keysets(), blanks, change);
		assert.equal(sumOf(proofs), 11n);
	});
});

describe("a money module notices a mint that", () => {
	const refuses = (fault: MintFault, code: string) =>
		test(`does ${fault.kind}`, () => {
			const purse = new Purse();
			const proofs = purse.minted(64n);
			const outputs = purse.outputs(63n);
			purse.mint.add(fault);
			const work = () => {
				requireForPurchases(parseMintInfo(purse.ask(INFO_REQUEST)));
				const request = swapRequest(plainInputs(proofs), outputs);
				const answer = purse.ask(request);
				purse.keysets();
				purse.proofsOf(outputs, answer);
			};
			assert.throws(work, { code });
		});

	refuses({ kind: "signature-wrong", at: "swap" }, "authentication-failed");
	refuses({ kind: "dleq-wrong", at: "swap" }, "authentication-failed");
	refuses({ kind: "dleq-dropped", at: "swap" }, "authentication-failed");
	refuses({ kind: "amount-wrong", at: "swap" }, "malformed");
	refuses({ kind: "signature-missing", at: "swap" }, "malformed");
	refuses({ kind: "keys-swapped" }, "authentication-failed");
	refuses({ kind: "locks-ignored", isAnnounced: true }, "issuer-refused");
	refuses({ kind: "not-json", at: "swap" }, "malformed");
	refuses({ kind: "body-twice", at: "swap" }, "malformed");
	refuses(
		{ kind: "huge-answer", at: "swap", bytes: 10_000_000 },
		"limit-exceeded",
	);
});
