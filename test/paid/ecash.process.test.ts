/* A request whose answer is paid for with ecash of a play mint, between two sides of a sandbox whose issuer does not run. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { MintProcess } from "../../src/device/mint/index.ts";
import { openAgent } from "../../src/device/service/index.ts";
import { makeSandbox, sandboxMint } from "../../src/device/setup/index.ts";
import { PaidAnswers, PaidRequests } from "../../src/paid/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { portsForLater } from "../support/ports.ts";

test("a sealed answer is paid for with ecash, and what is paid first is not sold for it", async () => {
	await using stack = new AsyncDisposableStack();
	const { path } = stack.use(await temporaryFolder());
	const folder = join(path, "world");
	const [issuer, shop, operators, mintPort] = await portsForLater(4);
	assert.ok(mintPort !== undefined);
	await makeSandbox(folder, {
		addresses: {
			issuer: `127.0.0.1:${issuer}`,
			shop: `127.0.0.1:${shop}`,
			operators: `127.0.0.1:${operators}`,
			mintPort,
		},
	});
	const settings = await sandboxMint(folder);
	assert.ok(settings);
	const mint = stack.use(await MintProcess.start(settings));
	const toml = join(folder, "shop", "tetrad.toml");
	const text = await readFile(toml, "utf8");
	assert.match(text, /take = "notes, http/);
	// What requests are sold for is the money that is taken first.
	await writeFile(toml, text.replace('take = "notes, http', 'take = "http'));
	const seller = stack.use(await openAgent(join(folder, "shop")));
	const buyer = stack.use(await openAgent(join(folder, "buyer")));
	const requests = stack.use(await PaidRequests.open(seller));
	const { currency, issuer: name } = requests.payee;
	assert.deepEqual([currency, name], ["SAT", mint.url.slice("http://".length)]);
	const request = "GET https://api.example/sky";
	assert.throws(
		() => requests.terms(request, { mode: "prepaid", amount: 5n }),
		{ code: "invalid-argument", message: /done in notes alone/ },
	);
	const price = { mode: "sealed", amount: 5n } as const;
	const answers = new PaidAnswers(buyer, { maximum: 5n, currency: "SAT" });
	const paying = await answers.pay(requests.terms(request, price), request);
	if (paying.mode !== "sealed") assert.fail("it is to be sealed");
	const admitted = await requests.admit(paying.id, request, price);
	const sold = admitted.answer(utf8("clear"));
	const { bytes, purchase } = await paying.answer;
	assert.deepEqual(bytes, utf8("clear"));
	assert.deepEqual(
		[purchase.rail, purchase.amount, purchase.mint],
		["cashu", 5n, mint.url],
	);
	assert.equal((await sold).contract, purchase.contract);
	await paying.taken();
	const balances = await buyer.balance();
	const left = balances.find((one) => one.currency === "SAT");
	assert.equal(left?.spendable, 995n);
	// In other money than it may be paid with.
	const other = new PaidAnswers(buyer, { maximum: 5n, currency: "PLAY" });
	await assert.rejects(
		other.pay(requests.terms(`${request}2`, price), `${request}2`),
		{ code: "payment-refused" },
	);
});
