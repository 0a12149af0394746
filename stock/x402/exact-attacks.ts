/* The attacks on stock x402 `exact`, on a chain of this machine's own: one line of JSON with what came of each. */
import { HTTPFacilitatorClient, x402ResourceServer } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware } from "@x402/express";
import { ATTACKS } from "./attacks.ts";
import { OwnChain } from "./chain.ts";
import { CountingShop, PAID_ROUTES } from "./counting-shop.ts";
import { buyer, facilitator, listen } from "./parties.ts";

const PRICE = 1n;

const stack = new AsyncDisposableStack();
const chain = stack.use(await OwnChain.start(2, 1000n));
const [merchant, customer] = chain.holders;
if (merchant === undefined || customer === undefined)
	throw new Error("there have to be a merchant and a buyer");
const facilitating = await listen(facilitator(chain));
stack.defer(() => void facilitating.server.close());

const accepts = {
	scheme: "exact",
	network: chain.network,
	payTo: merchant.address,
	price: {
		asset: chain.coin,
		amount: String(PRICE),
		extra: { name: "Bench Coin", version: "1" },
	},
};
const middleware = paymentMiddleware(
	Object.fromEntries(PAID_ROUTES.map((route) => [route, { accepts }])),
	new x402ResourceServer(
		new HTTPFacilitatorClient({ url: facilitating.url }),
	).register(chain.network, new ExactEvmScheme()),
);
const shop = stack.use(await CountingShop.open(middleware));
const first = await chain.balanceOf(customer.address);

const outcomes: [string, unknown][] = [];
for (const [name, attack] of Object.entries(ATTACKS))
	outcomes.push([
		name,
		await attack({
			shop,
			buyer: (network) => buyer(chain, customer, network),
			paid: async () =>
				Number((first - (await chain.balanceOf(customer.address))) / PRICE),
		}),
	]);
console.log(JSON.stringify(Object.fromEntries(outcomes)));
await stack.disposeAsync();
process.exit(0);
