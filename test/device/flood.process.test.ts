import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type {
	BuyersOptions,
	BuyersResult,
	FlooderOptions,
	FlooderResult,
	FromShop,
	SlowOptions,
	SlowResult,
} from "../../bench/flood/messages.ts";
import { parseAddress } from "../../src/carrier/index.ts";

/*
 * A small flood, by the programs of `npm run bench -- flood`, which measures a large one. Nothing
 * here depends on how fast the machine is: it is about who is cut at all, and who is served.
 */

const BUYERS = 2;

function start(name: string, args: readonly string[] = []) {
	const file = new URL(`../../bench/flood/${name}.ts`, import.meta.url);
	return fork(fileURLToPath(file), args, { serialization: "advanced" });
}

async function result<Options extends object, Result>(
	name: string,
	options: Options,
): Promise<Result> {
	const child = start(name);
	child.send(options);
	const [said] = (await once(child, "message")) as [Result];
	return said;
}

test("honest buyers are served while others flood their merchant, and slow sockets are cut", async () => {
	const load = {
		...{ offerMs: 5_000, busyFrom: 4, halfOpenOfAddress: 16 },
		...{ perSecondOfAddress: 20, burstOfAddress: 20 },
	};
	const shop = start("shop", [String(BUYERS), JSON.stringify(load)]);
	const gone = once(shop, "exit");
	const [open] = (await once(shop, "message")) as [FromShop];
	assert.ok(open.kind === "open");
	const address = parseAddress(open.address);
	assert.ok(address.kind === "tcp");
	const at = { host: address.host, port: address.port };
	const ms = 4_000;
	const [honest, flood, slow] = await Promise.all([
		result<BuyersOptions, BuyersResult>("buyers", {
			...{ ...at, from: "127.0.1.1", customers: open.customers },
			...{ ms, everyMs: 500 },
		}),
		result<FlooderOptions, FlooderResult>("flooder", {
			...{ ...at, from: ["127.0.2.1", "127.0.2.2"] },
			...{ perSecond: 200, ms, open: 500 },
		}),
		result<SlowOptions, SlowResult>("slow", {
			...{ ...at, from: ["127.0.4.1", "127.0.4.2"] },
			...{ sockets: 100, ms: 60_000 },
		}),
	]);
	shop.send({ kind: "stop" });
	await gone;
	assert.ok(honest.done > 0, JSON.stringify(honest));
	assert.ok(flood.called > flood.answered, JSON.stringify(flood));
	assert.ok(flood.cookies > 0, JSON.stringify(flood));
	assert.equal(slow.cut, slow.sockets);
});
