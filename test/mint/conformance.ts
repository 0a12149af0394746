/*
 * What a mint has to do for purchases, asked by the stock wallet of `@cashu/cashu-ts` over HTTP. Our
 * own mint is held to it, and any other whose address is given: only what the NUTs promise is
 * asked, so nothing here knows which mint it is.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
	getEncodedToken,
	hasValidDleq,
	MintOperationError,
	type P2PKOptions,
	type Proof,
	sumProofs,
	Wallet,
} from "@cashu/cashu-ts";
import { HASH, OTHER, PAYEE, PAYER, PREIMAGE } from "./support.ts";

export interface Place extends AsyncDisposable {
	/** Of the mint. */
	readonly url: string;
	/** An invoice that this mint can pay, for about 10 units; without one nothing is melted. */
	readonly invoice?: string;
}

const UNIT = "sat";
const SPENT = 11001;

/** How often a mint is asked whether an invoice is paid, and how long after that it is asked again. */
const ASKED_FOR_PAID = 100;
const PAUSE_MS = 100;

/** Seconds since the epoch, on the clock that the mint has, too. */
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

/** The lock of a purchase. */
const lockUntil = (locktime: number): P2PKOptions => ({
	pubkey: PAYEE.publicKey,
	hashlock: HASH,
	locktime,
	refundKeys: [PAYER.publicKey],
});

const sumOf = (proofs: readonly Proof[]) => sumProofs([...proofs]).toBigInt();

export function conformance(name: string, open: () => Promise<Place>): void {
	describe(name, () => {
		let place: Place;
		let wallet: Wallet;
		before(async () => {
			place = await open();
			wallet = await newWallet();
		});
		after(() => place?.[Symbol.asyncDispose]());

		async function newWallet(bip39seed?: Uint8Array): Promise<Wallet> {
			const options = { unit: UNIT, ...(bip39seed && { bip39seed }) };
			const made = new Wallet(place.url, options);
			await made.loadMint();
			return made;
		}

		/** Resolves when an invoice is paid, which nobody here does. */
		async function paid(quote: string): Promise<void> {
			for (let asked = 0; asked < ASKED_FOR_PAID; asked++) {
				const { state } = await wallet.checkMintQuoteBolt11(quote);
				if (state === "PAID") return;
				await pause(PAUSE_MS);
			}
			assert.fail(
				"the mint did not pay its own invoice: is its backend one for tests?",
			);
		}

		/** Fresh proofs of this sum. */
		async function minted(amount: number, by: Wallet = wallet) {
			const { quote } = await by.createMintQuoteBolt11(amount);
			await paid(quote);
			return by.mintProofsBolt11(amount, quote);
		}

		/** 16 under a lock, with what the claim will cost on top. */
		async function locked(options: P2PKOptions): Promise<Proof[]> {
			const proofs = await minted(64);
			const { send } = await wallet.ops
				.send(16, proofs)
				.asP2PK(options)
				.includeFees(true)
				.run();
			return send;
		}

		const withPreimage = (proofs: readonly Proof[], preimage = PREIMAGE) =>
			proofs.map((proof) => ({
				...proof,
				witness: JSON.stringify({ preimage, signatures: [] }),
			}));

		/**
		 * Signed by hand. The preimage is there and empty, because some mints read no witness of a lock
		 * to a hash without one.
		 */
		const signedBy = (proofs: readonly Proof[], holder: typeof PAYEE) =>
			proofs.map((proof) => ({
				...proof,
				witness: JSON.stringify({
					...(proof.secret.startsWith('["HTLC"') && { preimage: "" }),
					signatures: [holder.sign(proof.secret)],
				}),
			}));

		const receive = (proofs: Proof[], privkey?: string) =>
			wallet.receive(proofs, privkey === undefined ? {} : { privkey });

		const refused = (work: Promise<unknown>, code?: number) =>
			assert.rejects(work, (thrown) => {
				assert.ok(thrown instanceof MintOperationError, String(thrown));
				if (code !== undefined) assert.equal(thrown.code, code);
				return true;
			});

		const statesOf = async (proofs: Proof[]) =>
			(await wallet.checkProofsStates(proofs)).map(({ state }) => state);

		test("announces what purchases need", () => {
			const info = wallet.getMintInfo();
			for (const nut of [7, 9, 10, 11, 12, 14] as const)
				assert.ok(info.isSupported(nut).supported, `NUT-${nut}`);
		});

		test("issues proofs that hold offline, once for a quote", async () => {
			const { quote } = await wallet.createMintQuoteBolt11(21);
			await paid(quote);
			const proofs = await wallet.mintProofsBolt11(21, quote);
			assert.equal(sumOf(proofs), 21n);
			for (const proof of proofs)
				assert.ok(hasValidDleq(proof, wallet.getKeyset(proof.id)));
			await refused(wallet.mintProofsBolt11(21, quote));
		});

		test("lets one wallet send and another receive, once", async () => {
			const proofs = await minted(64);
			const { keep, send } = await wallet.send(10, proofs, {
				includeFees: true,
			});
			const fee = wallet.getFeesForProofs(proofs).toBigInt();
			assert.equal(sumOf(keep) + sumOf(send) + fee, 64n);
			const token = getEncodedToken({
				mint: place.url,
				unit: UNIT,
				proofs: send,
			});
			const other = await newWallet();
			assert.equal(sumOf(await other.receive(token)), 10n);
			await refused(wallet.receive(token), SPENT);
			assert.deepEqual(new Set(await statesOf(send)), new Set(["SPENT"]));
			assert.deepEqual(new Set(await statesOf(keep)), new Set(["UNSPENT"]));
		});

		test("opens a lock to a key for that key", async () => {
			const proofs = await locked({ pubkey: PAYEE.publicKey });
			await refused(receive(signedBy(proofs, OTHER)));
			await refused(receive(proofs));
			assert.equal(sumOf(await receive(proofs, PAYEE.privateKey)), 16n);
		});

		test("opens a lock under SIG_ALL for that key", async () => {
			const pubkey = PAYEE.publicKey;
			const proofs = await locked({ pubkey, sigFlag: "SIG_ALL" });
			await refused(receive(signedBy(proofs, PAYEE)));
			assert.equal(sumOf(await receive(proofs, PAYEE.privateKey)), 16n);
		});

		test("lets the payee claim with the preimage, which the payer then reads", async () => {
			const proofs = await locked(lockUntil(inSeconds(3_600)));
			const claim = withPreimage(proofs);
			assert.equal(sumOf(await receive(claim, PAYEE.privateKey)), 16n);
			for (const { state, witness } of await wallet.checkProofsStates(proofs)) {
				assert.equal(state, "SPENT");
				assert.equal(JSON.parse(witness ?? "{}").preimage, PREIMAGE);
			}
		});

		test("refuses other claims, and shows nothing of them", async () => {
			const proofs = await locked(lockUntil(inSeconds(3_600)));
			const wrong = withPreimage(proofs, "cd".repeat(32));
			await refused(receive(wrong, PAYEE.privateKey));
			await refused(receive(withPreimage(proofs)));
			await refused(receive(signedBy(proofs, PAYEE)));
			await refused(receive(signedBy(proofs, PAYER)));
			for (const { state, witness } of await wallet.checkProofsStates(proofs)) {
				assert.equal(state, "UNSPENT");
				assert.doesNotMatch(witness ?? "", /preimage/);
			}
			assert.equal(
				sumOf(await receive(withPreimage(proofs), PAYEE.privateKey)),
				16n,
			);
		});

		test("gives the payer back after the deadline, and no claim is good then", async () => {
			const proofs = await locked(lockUntil(inSeconds(-60)));
			assert.equal(sumOf(await receive(signedBy(proofs, PAYER))), 16n);
			await refused(receive(withPreimage(proofs), PAYEE.privateKey), SPENT);
		});

		test("takes a claim after the deadline if nobody was given back", async () => {
			const proofs = await locked(lockUntil(inSeconds(-60)));
			const claim = withPreimage(proofs);
			assert.equal(sumOf(await receive(claim, PAYEE.privateKey)), 16n);
			await refused(receive(signedBy(proofs, PAYER)), SPENT);
		});

		test("restores proofs from a seed", async () => {
			const seed = crypto.getRandomValues(new Uint8Array(64));
			const proofs = await minted(37, await newWallet(seed));
			const { proofs: found } = await (await newWallet(seed)).batchRestore();
			const secrets = (of: readonly Proof[]) =>
				of.map(({ secret, C }) => `${secret} ${C}`).toSorted();
			assert.deepEqual(secrets(found), secrets(proofs));
			assert.deepEqual(new Set(await statesOf(found)), new Set(["UNSPENT"]));
		});

		test("tells a wallet again what it did not hear", async () => {
			const proofs = await minted(8);
			const preview = await wallet.ops.receive(proofs).prepare();
			const { inputs, keepOutputs = [] } = preview;
			const outputs = keepOutputs.map((one) => one.blindedMessage);
			const request = {
				inputs: inputs.map(({ id, amount, secret, C }) => ({
					id,
					amount,
					secret,
					C,
				})),
				outputs,
			};
			const { signatures } = await wallet.mint.swap(request);
			const restored = await wallet.mint.restore({ outputs });
			const blinded = (of: readonly { C_: string }[]) =>
				of.map(({ C_ }) => C_).toSorted();
			assert.deepEqual(blinded(restored.signatures), blinded(signatures));
			const { supported, params } = wallet.getMintInfo().isSupported(19);
			const endpoints = params?.cached_endpoints ?? [];
			if (supported && endpoints.some(({ path }) => path === "/v1/swap")) {
				const again = await wallet.mint.swap(request);
				assert.deepEqual(blinded(again.signatures), blinded(signatures));
			}
		});

		test("melts what pays an invoice, and gives back the rest", async (context) => {
			const { invoice } = place;
			if (invoice === undefined)
				return context.skip("no invoice is given that this mint can pay");
			const quote = await wallet.createMeltQuoteBolt11(invoice);
			const wanted = quote.amount.toBigInt() + quote.fee_reserve.toBigInt();
			const { send } = await wallet.send(wanted, await minted(64), {
				includeFees: true,
			});
			const melted = await wallet.meltProofsBolt11(quote, send);
			assert.equal(melted.quote.state, "PAID");
			assert.ok(sumOf(melted.change) <= quote.fee_reserve.toBigInt());
			assert.deepEqual(new Set(await statesOf(send)), new Set(["SPENT"]));
		});
	});
}
