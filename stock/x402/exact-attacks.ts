/* The attacks on stock x402 `exact`: one line of JSON with what came of each. */
import { attackAll } from "./attacks.ts";
import { CountingShop, PAID_ROUTES } from "./counting-shop.ts";
import { Exact } from "./exact.ts";

const stack = new AsyncDisposableStack();
const exact = stack.use(await Exact.start());
const shop = stack.use(await CountingShop.open(exact.middleware(PAID_ROUTES)));
const outcomes = await attackAll({
	shop,
	buyer: (network) => exact.fetch(network),
	paid: () => exact.paid(),
});
console.log(JSON.stringify(outcomes));
await stack.disposeAsync();
process.exit(0);
