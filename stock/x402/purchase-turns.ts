/*
 * A request and a call of a tool that are paid by purchases, the same unpaid, and a purchase of as
 * much that neither is a part of, turn by turn.
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
const tool = stack.use(await purchasing.tool(bytes));
const bought = join(world, "bought");
let fetch = purchasing.fetch();
let client = purchasing.client(tool.client);
await takeTurns({
	paid: () => timed(() => api.get("/paid", fetch)),
	unpaid: () => timed(() => api.get("/unpaid", globalThis.fetch)),
	"paid call": () => timed(() => tool.call("paid", client)),
	"unpaid call": () => timed(() => tool.call("unpaid")),
	purchase: () => timed(() => purchasing.buy(bytes, bought)),
	"paid cold": async () => {
		await anew();
		return timed(() => api.get("/paid", fetch));
	},
	"paid call cold": async () => {
		await anew();
		return timed(() => tool.call("paid", client));
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
	fetch = purchasing.fetch();
	client = purchasing.client(tool.client);
}
