/*
 * A request that is paid by stock x402 `exact`, and the same unpaid, turn by turn.
 *
 *   node stock/x402/exact-turns.ts BYTES
 */
import { Api, PAID_ROUTE } from "./api.ts";
import { Exact } from "./exact.ts";
import { takeTurns, timed } from "./turns.ts";

const stack = new AsyncDisposableStack();
const exact = stack.use(await Exact.start());
const middleware = exact.middleware([PAID_ROUTE]);
const api = stack.use(await Api.open(middleware, Number(process.argv[2])));
const paying = exact.fetch();
await takeTurns({
	paid: () => timed(() => api.get("/paid", paying)),
	unpaid: () => timed(() => api.get("/unpaid", globalThis.fetch)),
});
await stack.disposeAsync();
process.exit(0);
