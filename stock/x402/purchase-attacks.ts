/*
 * The attacks on requests that are paid by purchases: one line of JSON with what came of each.
 *
 *   node stock/x402/purchase-attacks.ts WORLD     a sandbox whose issuer runs
 */
import { attackAll } from "./attacks.ts";
import { CountingShop, PAID_ROUTES } from "./counting-shop.ts";
import { Purchasing } from "./purchase.ts";

const [world = "world"] = process.argv.slice(2);
const stack = new AsyncDisposableStack();
const purchasing = stack.use(await Purchasing.start(world));
const middleware = purchasing.middleware(PAID_ROUTES);
const shop = stack.use(await CountingShop.open(middleware));
const outcomes = await attackAll({
	shop,
	buyer: (network) => purchasing.fetch(network),
	paid: () => purchasing.paid(),
});
console.log(JSON.stringify(outcomes));
await stack.disposeAsync();
process.exit(0);
