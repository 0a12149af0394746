/* Ecash in the purse of a module, from a stock wallet, over HTTP, on a disk. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { getEncodedToken, type Proof, Wallet } from "@cashu/cashu-ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { MintServer } from "../../src/device/mint/mint-server.ts";
import { Purse } from "../../src/device/purse/purse.ts";
import { MoneyModule } from "../../src/device/runtime/money-module.ts";
import { mintId } from "../../src/money/documents/index.ts";
import { hex } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { moduleOf, termsOf } from "./purse-support.ts";
import { policyOf } from "./support.ts";

const UNDEPOSITED = { software: 0n, token: 0n, tpm: 0n };

/** A module whose purse takes ecash of a mint, and a stock wallet there. */
async function house(inputFeePpk = 0) {
	const stack = new AsyncDisposableStack();
	const folder = stack.use(await temporaryFolder());
	const mint = stack.use(
		await MintServer.open({
			path: join(folder.path, "mint.db"),
			inputFeePpk,
		}),
	);
	const issuer = await moduleOf("Y", "issuer.example");
	const { identity } = await moduleOf("X", "purse.example");
	const wallet = new Wallet(mint.url, { unit: "sat" });
	await wallet.loadMint();
	return {
		mint,
		async [Symbol.asyncDispose]() {
			await stack.disposeAsync();
		},
		wallet,
		/** As much as a stock wallet has minted, as it hands it over. */
		async token(amount: number): Promise<string> {
			const quote = await wallet.createMintQuoteBolt11(amount);
			await wallet.checkMintQuoteBolt11(quote.quote);
			const proofs: Proof[] = await wallet.mintProofsBolt11(amount, quote);
			return getEncodedToken({ mint: mint.url, unit: "sat", proofs });
		},
		async open() {
			const inner = new AsyncDisposableStack();
			const purse = inner.use(
				await Purse.open({
					path: join(folder.path, "purse.db"),
					issuers: [{ terms: termsOf(issuer), undeposited: UNDEPOSITED }],
					mints: [{ url: mint.url, unit: "sat", isPlay: true }],
				}),
			);
			inner.use(new MoneyModule({ identity, policy: await policyOf(), purse }));
			return {
				purse,
				async balance() {
					const balances = await purse.balances();
					const id = hex(mintId(nodeCrypto, mint.url));
					return balances.find(({ terms }) => hex(terms.issuer) === id);
				},
				[Symbol.asyncDispose]: () => inner.disposeAsync(),
			};
		},
	};
}

describe("a purse that takes ecash", () => {
	test("receives a token of a stock wallet, once, and has it after a start", async () => {
		await using home = await house();
		const token = await home.token(100);
		{
			await using open = await home.open();
			assert.equal(await open.purse.receive(token), 100n);
			const balance = await open.balance();
			assert.equal(balance?.spendable, 100n);
			assert.deepEqual(balance?.terms.currency, { code: "SAT", exponent: 0 });
			assert.ok(balance?.terms.isPlay);
			await assert.rejects(open.purse.receive(token), { code: "double-spent" });
		}
		await using again = await home.open();
		assert.equal((await again.balance())?.spendable, 100n);
		assert.equal(await again.purse.receive(await home.token(7)), 7n);
		assert.equal((await again.balance())?.spendable, 107n);
	});

	test("says what the mint asked for", async () => {
		await using home = await house(1000);
		await using open = await home.open();
		const received = await open.purse.receive(await home.token(64));
		assert.equal(received, 63n);
		assert.equal((await open.balance())?.spendable, 63n);
	});

	test("refuses what is no token, and one of another mint", async () => {
		await using home = await house();
		await using other = await house();
		await using open = await home.open();
		await assert.rejects(open.purse.receive("cashuBnonsense"), {
			code: "malformed",
		});
		await assert.rejects(open.purse.receive(await other.token(5)), {
			code: "payment-refused",
			message: /has not named that mint/,
		});
		const stop = AbortSignal.abort(new Error("no more"));
		await assert.rejects(
			open.purse.receive(await home.token(5), { signal: stop }),
			/no more/,
		);
	});

	test("does not take two units of one mint", async () => {
		await using home = await house();
		const { url } = home.mint;
		const mints = ["sat", "usd"].map((unit) => ({ url, unit, isPlay: true }));
		const issuer = await moduleOf("Y", "issuer.example");
		await assert.rejects(
			Purse.open({
				path: ":memory:",
				issuers: [{ terms: termsOf(issuer), undeposited: UNDEPOSITED }],
				mints,
			}),
			{ code: "invalid-argument" },
		);
	});

	test("makes tokens that a stock wallet redeems", async () => {
		await using home = await house(1000);
		await using open = await home.open();
		const { ecash } = open.purse;
		await open.purse.receive(await home.token(64));
		const { token, request, fee } = await ecash.send(20n);
		assert.ok(fee > 0n);
		const [out] = await ecash.orders();
		assert.equal(out?.state, "sent");
		assert.equal(out?.token, token);
		const received = await home.wallet.receive(token);
		const sum = received.reduce((sum, { amount }) => sum + Number(amount), 0);
		// Two proofs, and one for each of them.
		assert.equal(sum, 18);
		assert.equal(await ecash.takeBack(request), 0n);
		assert.deepEqual(await ecash.orders(), []);
		assert.equal((await open.balance())?.spendable, 63n - 20n - fee);
	});

	test("takes a token back that a stock wallet cannot redeem any more then", async () => {
		await using home = await house();
		await using open = await home.open();
		const { ecash } = open.purse;
		await open.purse.receive(await home.token(64));
		const { token, request } = await ecash.send(20n);
		assert.equal(await ecash.takeBack(request), 20n);
		await assert.rejects(home.wallet.receive(token));
		assert.equal((await open.balance())?.spendable, 64n);
		await assert.rejects(ecash.send(65n), { code: "insufficient-funds" });
		await assert.rejects(ecash.takeBack("ff".repeat(16)), {
			code: "invalid-argument",
		});
	});

	test("has ecash minted for an invoice, and pays the invoice of a stock wallet with it", async () => {
		await using home = await house();
		{
			await using open = await home.open();
			const { ecash } = open.purse;
			const { invoice, request } = await ecash.mint(100n);
			assert.match(invoice, /^lnplaysat100/);
			assert.equal(await ecash.minted(request), 100n);
			assert.equal(await ecash.minted(request), 100n);
			const quote = await home.wallet.createMintQuoteBolt11(40);
			await assert.rejects(ecash.melt(quote.request, { maxFee: 0n }), {
				code: "payment-refused",
			});
			const paid = await ecash.melt(quote.request, { maxFee: 2n });
			assert.equal(paid.amount, 40n);
			assert.equal(paid.fee, 0n);
			assert.ok(paid.preimage);
			const proofs = await home.wallet.mintProofsBolt11(40, quote);
			assert.equal(proofs.length, 2);
		}
		await using again = await home.open();
		assert.equal((await again.balance())?.spendable, 60n);
		assert.equal(await again.purse.ecash.restore(), 0n);
		assert.equal((await again.balance())?.spendable, 60n);
		const all = await again.purse.ecash.orders({ all: true });
		assert.deepEqual(
			all.map(({ kind, state }) => `${kind} ${state}`),
			["restore restored", "melt paid", "melt refused", "mint minted"],
		);
	});
});
