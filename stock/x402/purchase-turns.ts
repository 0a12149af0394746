/*
 * A request that is paid by a purchase, the same unpaid, and a purchase of as much that no request
 * is a part of, turn by turn.
 *
 *   node stock/x402/purchase-turns.ts BYTES WORLD     a sandbox whose issuer runs
 */
import { join } from "node:path";
import { Api, PAID_ROUTE } from "./api.ts";
import { Purchasing } from "./purchase.ts";
import { takeTurns, timed } from "./turns.ts";

const [size = "4096", world = "world"] = process.argv.slice(2);
const bytes = Number(size);
const stack = new AsyncDisposableStack();
const purchasing = stack.use(await Purchasing.start(world));
const middleware = purchasing.middleware([PAID_ROUTE]);
const api = stack.use(await Api.open(middleware, bytes));
const bought = join(world, "bought");
let paying = purchasing.fetch();
await takeTurns({
	paid: () => timed(() => api.get("/paid", paying)),
	unpaid: () => timed(() => api.get("/unpaid", globalThis.fetch)),
	purchase: () => timed(() => purchasing.buy(bytes, bought)),
	"paid cold": async () => {
		await anew();
		return timed(() => api.get("/paid", paying));
	},
	"purchase cold": async () => {
		await anew();
		return timed(() => purchasing.buy(bytes, bought));
	},
});
await stack.disposeAsync();
process.exit(0);

async function anew(): Promise<void> {
	await purchasing.openAnew();
	paying = purchasing.fetch();
}
