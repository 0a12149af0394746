/* All of a purchase, from an invoice to the key, between what we ask and a mint that keeps books. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	FaultyMint,
	type MintFault,
	PlayMint,
} from "../../../src/mint/index.ts";
import {
	chooseProofs,
	claimInputs,
	encodeLock,
	INFO_REQUEST,
	type Input,
	inOrder,
	KEYS_REQUEST,
	KEYSETS_REQUEST,
	type Keyset,
	KnownKeysets,
	keysRequest,
	lockDeadline,
	lockState,
	type MintRequest,
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
	parseLock,
	parseMeltQuote,
	parseMintError,
	parseMintInfo,
	parseMintQuote,
	parseRestored,
	parseSignatures,
	parseStates,
	payeeBaseKey,
	payeeKey,
	payeePrivateKey,
	plainInputs,
	planLock,
	pointsOf,
	refundInputs,
	refundPrivateKey,
	requireForPurchases,
	restoreRequest,
	splitAmount,
	stateRequest,
	sumOf,
	swapRequest,
	unblindAll,
	unblindChange,
	unblindRestored,
	type VerifiedLock,
	verifyLock,
} from "../../../src/money/cashu/index.ts";
import { utf8 } from "../../../src/wire/index.ts";
import { crypto, ecash, hash } from "./test-mint.ts";

const START = 1_800_000_000_000;
const PRICE = 4n;
const KEY = hash("the goods key");
const TERMS_HASH = hash("terms");
const CONTRACT = hash("contract");

/** A wallet without a store: requests out, answers in. */
class Wallet {
	readonly mint: FaultyMint;
	readonly seed: Uint8Array;
	now = START;
	#counter = 0;
	keysets = new KnownKeysets([]);

	constructor(mint: FaultyMint, name: string) {
		this.mint = mint;
		this.seed = new Uint8Array([...hash(name), ...hash(`${name}'s`)]);
		this.learn();
	}

	/** The body of an answer with status 200; anything else is thrown as what it means. */
	ask(request: MintRequest): Uint8Array {
		const reply = this.mint.handle(request, this.now);
		if (reply.kind === "silence") throw new Error("no answer");
		if (reply.status === 400) throw new Error(parseMintError(reply.body).kind);
		assert.equal(reply.status, 200, request.path);
		return reply.body;
	}

	learn(): void {
		const notices = parseKeysets(this.ask(KEYSETS_REQUEST));
		const active = parseKeys(crypto, ecash, this.ask(KEYS_REQUEST), notices);
		const others = notices
			.filter(({ isActive }) => !isActive)
			.flatMap(({ id }) =>
				parseKeys(crypto, ecash, this.ask(keysRequest(id)), notices),
			);
		this.keysets = new KnownKeysets([...active, ...others]);
	}

	get keyset(): Keyset {
		const keyset = this.keysets.active("sat", this.now);
		assert.ok(keyset);
		return keyset;
	}

	place() {
		return {
			seed: this.seed,
			keyset: this.keyset.id,
			counter: this.#counter,
		};
	}

	outputs(sum: bigint): Output[] {
		return this.#used(
			makeOutputs(ecash, this.place(), splitAmount(this.keyset, sum)),
		);
	}

	#used(outputs: Output[]): Output[] {
		this.#counter += outputs.length;
		return outputs;
	}

	lockOutputs(amounts: readonly bigint[], terms: VerifiedLock["terms"]) {
		return this.#used(makeLockOutputs(ecash, this.place(), amounts, terms));
	}

	swap(inputs: readonly Input[], outputs: readonly Output[]): ProvenProof[] {
		const signed = this.ask(swapRequest(inputs, outputs));
		return unblindAll(ecash, this.keysets, outputs, parseSignatures(signed));
	}

	fund(sum: bigint): ProvenProof[] {
		const { quote, invoice } = parseMintQuote(
			this.ask(mintQuoteRequest("sat", sum)),
		);
		assert.match(invoice, /^ln/);
		const { kind } = parseMintQuote(this.ask(mintQuoteStateRequest(quote)));
		assert.equal(kind, "paid");
		const outputs = this.outputs(sum);
		const signed = this.ask(mintRequest(quote, outputs));
		return unblindAll(ecash, this.keysets, outputs, parseSignatures(signed));
	}

	states(proofs: readonly ProvenProof[]) {
		const ys = pointsOf(ecash, proofs);
		return lockState(
			crypto,
			parseStates(this.ask(stateRequest(ys)), ys),
			crypto.sha256(KEY),
		);
	}
}

function town(inputFeePpk = 0, ...faults: readonly MintFault[]) {
	const mint = new FaultyMint(
		PlayMint.create(new Uint8Array(32).fill(3), { inputFeePpk }),
	);
	const payer = new Wallet(mint, "payer");
	const payee = new Wallet(mint, "payee");
	const base = payeeBaseKey(crypto, payee.seed, utf8("shop"));
	const terms = {
		keyHash: crypto.sha256(KEY),
		payee: payeeKey(crypto, ecash, ecash.publicKey(base), TERMS_HASH),
		deadline: lockDeadline(START + 3_600_000),
		refund: ecash.publicKey(refundPrivateKey(crypto, payer.seed, CONTRACT)),
		contract: CONTRACT,
		binding: hash("binding"),
	};
	const privateKey = payeePrivateKey(crypto, ecash, base, TERMS_HASH);

	/** The payer's lock, and what it has left. */
	const lock = () => {
		const funds = payer.fund(16n);
		const { amounts, sum } = planLock(payer.keyset, PRICE);
		const spendable = funds.map((proof) => ({ proof, keyset: payer.keyset }));
		const { inputs, change } = chooseProofs(spendable, sum);
		const locked = payer.lockOutputs(amounts, terms);
		const outputs = inOrder([...locked, ...payer.outputs(change)]);
		const all = payer.swap(plainInputs(inputs), outputs);
		const secrets = new Set(locked.map(({ secret }) => secret));
		return all.filter(({ secret }) => secrets.has(secret));
	};
	const verify = (proofs: readonly ProvenProof[]) =>
		verifyLock(ecash, parseLock(encodeLock(proofs)), {
			terms,
			unit: "sat",
			price: PRICE,
			keysets: payee.keysets,
			now: payee.now,
		});
	const claim = (verified: VerifiedLock) =>
		claimInputs(crypto, ecash, verified, { key: KEY, privateKey });
	const refund = (proofs: readonly ProvenProof[]) =>
		refundInputs(ecash, proofs, refundPrivateKey(crypto, payer.seed, CONTRACT));
	const proofs = lock();
	for (const fault of faults) mint.add(fault);
	return { mint, payer, payee, proofs, verify, claim, refund };
}

describe("a purchase at a mint", () => {
	test("brings its payee exactly the price, and its payer the key", () => {
		for (const ppk of [0, 1000]) {
			const { payer, payee, proofs, verify, claim } = town(ppk);
			const verified = verify(proofs);
			assert.deepEqual(payer.states(proofs), { kind: "open" });
			const own = payee.swap(claim(verified), payee.outputs(PRICE));
			assert.equal(sumOf(own), PRICE);
			assert.deepEqual(payer.states(proofs), { kind: "claimed", key: KEY });
			assert.throws(
				() => payee.swap(claim(verified), payee.outputs(PRICE)),
				/already-spent/,
			);
		}
	});

	test("is not claimed without the key or the signature, nor taken back early", () => {
		const { payer, payee, proofs, verify, claim, refund } = town();
		const inputs = claim(verify(proofs));
		const unsigned = inputs.map((input) => ({
			...input,
			witness: input.witness?.replace(/"signatures":\[.*\]/, '"signatures":[]'),
		}));
		for (const wrong of [unsigned, refund(proofs), plainInputs(proofs)])
			assert.throws(
				() => payee.swap(wrong, payee.outputs(PRICE)),
				/not-verified/,
			);
		assert.deepEqual(payer.states(proofs), { kind: "open" });
	});

	test("is taken back after its deadline, or claimed then: one of both", () => {
		for (const first of ["claim", "refund"] as const) {
			const { payer, payee, proofs, verify, claim, refund } = town();
			const inputs = claim(verify(proofs));
			payer.now = payee.now = START + 3_601_000;
			const swaps = {
				claim: () => payee.swap(inputs, payee.outputs(PRICE)),
				refund: () => payer.swap(refund(proofs), payer.outputs(PRICE)),
			};
			assert.equal(sumOf(swaps[first]()), PRICE);
			const second = first === "claim" ? "refund" : "claim";
			assert.throws(swaps[second], /already-spent/);
			assert.deepEqual(
				payer.states(proofs),
				first === "claim"
					? { kind: "claimed", key: KEY }
					: { kind: "spent-without-key", isWitnessShown: true },
			);
		}
	});

	test("is found again when an answer is lost: kept, or restored", () => {
		for (const isKept of [true, false]) {
			const lost = { kind: "answer-lost", at: "swap", times: 1 } as const;
			const { payee, proofs, verify, claim } = town(0, lost);
			const request = claim(verify(proofs));
			const outputs = payee.outputs(PRICE);
			assert.throws(() => payee.swap(request, outputs), /no answer/);
			if (isKept) {
				assert.equal(sumOf(payee.swap(request, outputs)), PRICE);
				continue;
			}
			payee.now += 3_600_000;
			assert.throws(() => payee.swap(request, outputs), /already-spent/);
			const restored = unblindRestored(
				ecash,
				payee.keysets,
				outputs,
				parseRestored(payee.ask(restoreRequest(outputs))),
				"outputs",
			);
			assert.equal(sumOf(restored.flatMap((proof) => proof ?? [])), PRICE);
		}
	});

	test("goes on in new keys when the mint has others by then", () => {
		const { mint, payee, proofs, verify, claim } = town(100);
		const verified = verify(proofs);
		mint.mint.rotateAll();
		const old = payee.outputs(PRICE);
		assert.throws(() => payee.swap(claim(verified), old), /keyset-inactive/);
		payee.learn();
		verify(proofs);
		const own = payee.swap(claim(verified), payee.outputs(PRICE));
		assert.equal(sumOf(own), PRICE);
	});

	test("says what is wrong with a mint that lies", () => {
		for (const [fault, error] of [
			[{ kind: "dleq-dropped" }, { code: "authentication-failed" }],
			[{ kind: "dleq-wrong" }, { code: "authentication-failed" }],
			[{ kind: "signature-wrong" }, { code: "authentication-failed" }],
			[{ kind: "amount-wrong" }, { code: "malformed" }],
			[{ kind: "signature-missing" }, { code: "malformed" }],
		] as const satisfies readonly (readonly [MintFault, object])[]) {
			const { payee, proofs, verify, claim } = town(0, fault);
			const inputs = claim(verify(proofs));
			assert.throws(
				() => payee.swap(inputs, payee.outputs(PRICE)),
				error,
				fault.kind,
			);
		}
		const { payer, payee, proofs, verify, claim, mint } = town();
		for (const [fault, code] of [
			[{ kind: "body-twice" }, "malformed"],
			[{ kind: "not-json" }, "malformed"],
			[{ kind: "huge-answer", bytes: 10_000_000 }, "limit-exceeded"],
			[{ kind: "keys-swapped" }, "authentication-failed"],
		] as const satisfies readonly (readonly [MintFault, string])[]) {
			mint.clear();
			mint.add(fault);
			assert.throws(() => payee.learn(), { code }, fault.kind);
		}
		mint.clear();
		mint.add({ kind: "witness-forgotten" });
		payee.swap(claim(verify(proofs)), payee.outputs(PRICE));
		assert.deepEqual(payer.states(proofs), {
			kind: "spent-without-key",
			isWitnessShown: false,
		});
	});

	test("is only made where the mint says that it locks", () => {
		const { payer, mint } = town();
		const info = () => parseMintInfo(payer.ask(INFO_REQUEST));
		requireForPurchases(info());
		assert.ok(info().cached.has("POST /v1/swap"));
		mint.add({ kind: "locks-ignored", isAnnounced: true });
		assert.throws(() => requireForPurchases(info()), {
			code: "issuer-refused",
			message: /NUT-1[14]/,
		});
	});

	test("pays an invoice with what it brought, and gets the rest back", () => {
		const { payee, proofs, verify, claim, mint } = town();
		const own = payee.swap(claim(verify(proofs)), payee.outputs(PRICE));
		const other = new Wallet(mint, "other");
		const { invoice } = parseMintQuote(other.ask(mintQuoteRequest("sat", 3n)));
		const quote = parseMeltQuote(payee.ask(meltQuoteRequest("sat", invoice)));
		assert.equal(quote.amount, 3n);
		const blanks = makeBlankOutputs(
			ecash,
			{ ...payee.place(), counter: 900 },
			PRICE - quote.amount,
		);
		const paid = parseMeltQuote(
			payee.ask(meltRequest(quote.quote, plainInputs(own), blanks)),
		);
		assert.equal(paid.kind, "paid");
		const change = unblindChange(ecash, payee.keysets, blanks, paid.change);
		assert.ok(sumOf(change) <= PRICE - 3n);
	});
});
