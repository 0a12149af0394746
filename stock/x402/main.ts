/*
 * A sale by x402 `exact`, as its packages do it: a buyer that fetches, a merchant's server, a
 * facilitator, and a chain of this machine's own, which makes a block of each transaction at once.
 *
 *   node stock/x402/main.ts BYTES WARM_UP ROUNDS BUYERS     ends with one line of JSON
 */
import { OwnChain } from "./chain.ts";
import { buyer, type Fetch, Parties } from "./parties.ts";

const PRICE = 1n;
const EACH = 1_000_000n;

/** Purchases in one round of many buyers, for each of them. */
const EACH_BUYS = 4;

const [bytes = 4096, warmUp = 20, rounds = 50, buyers = 64] = process.argv
	.slice(2)
	.map(Number);

const stack = new AsyncDisposableStack();
const chain = stack.use(await OwnChain.start(buyers + 1, EACH));
const [merchant, ...customers] = chain.holders;
const [customer] = customers;
if (merchant === undefined || customer === undefined)
	throw new Error("there have to be a merchant and a buyer");
const goods = crypto.getRandomValues(new Uint8Array(bytes));
const parties = stack.use(
	await Parties.start(chain, {
		merchant: merchant.address,
		price: PRICE,
		goods,
	}),
);
const url = `${parties.url}/goods`;

const one = buyer(chain, customer);
const first = await timed(() => buy(one));
for (let i = 0; i < warmUp; i++) await buy(one);
const latencies: number[] = [];
for (let i = 0; i < rounds; i++) latencies.push(await timed(() => buy(one)));

const many = customers.map((account) => buyer(chain, account));
const together = await timed(() =>
	Promise.all(
		many.map(async (fetch) => {
			for (let i = 0; i < EACH_BUYS; i++) await buy(fetch);
		}),
	),
);

console.log(
	JSON.stringify({
		first_ms: first,
		latency_ms: latencies,
		together_per_second: (buyers * EACH_BUYS * 1000) / together,
		lost_answer: await loseAnswer(),
	}),
);
// A chain that is left behind would keep the pipes of whoever started this open.
await stack.disposeAsync();
process.exit(0);

async function buy(fetch: Fetch): Promise<void> {
	const response = await fetch(url);
	const got = new Uint8Array(await response.arrayBuffer());
	if (response.status !== 200 || got.length !== goods.length)
		throw new Error(`nothing was sold: ${response.status}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
	const started = performance.now();
	await work();
	return performance.now() - started;
}

/** The answer to the request that carries the payment does not come. What then? */
async function loseAnswer() {
	if (customer === undefined) throw new Error("there is no buyer");
	const before = await chain.balanceOf(customer.address);
	let paying: Request | undefined;
	let delivered = 0;
	const losing = buyer(chain, customer, async (input, init) => {
		const request = new Request(input, init);
		if (!request.headers.has("PAYMENT-SIGNATURE")) return fetch(request);
		paying = request.clone();
		await (await fetch(request)).arrayBuffer();
		throw new TypeError("fetch failed");
	});
	const failed = await buy(losing).then(
		() => "nothing failed",
		(thrown: unknown) => String(thrown),
	);
	const paid = async () =>
		Number((before - (await chain.balanceOf(customer.address))) / PRICE);
	const lost = { buyer_is_told: failed, paid: await paid(), delivered };
	if (paying === undefined) throw new Error("nothing was paid");
	const again = await fetch(paying);
	if (again.status === 200) delivered++;
	await again.arrayBuffer();
	const same_payment_again = {
		status: again.status,
		paid: await paid(),
		delivered,
	};
	await buy(one);
	delivered++;
	return {
		...lost,
		same_payment_again,
		bought_again: { paid: await paid(), delivered },
	};
}
