/* A shop with its issuer, as a process: started with how many customers it shall make, and with its limits. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { DeviceMarket } from "../../test/support/device-market.ts";
import type { FromShop, ToShop } from "./messages.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const [customers = "0", load = "{}"] = process.argv.slice(2);

const say = (message: FromShop) => process.send?.(message);

await using market = await DeviceMarket.make(
	0,
	{ small: 4096 },
	(shop) => shop,
	JSON.parse(load),
);
const stopped = Promise.withResolvers<void>();
process.on("message", (message: ToShop) => {
	if (message.kind === "stop") return stopped.resolve();
	if (message.isCollected) collectGarbage();
	say({ kind: "memory", bytes: process.memoryUsage().rss });
});
process.on("disconnect", () => stopped.resolve());
say({
	kind: "open",
	address: market.address,
	customers: await market.customersAway(Number(customers)),
});
await stopped.promise;
process.disconnect?.();
