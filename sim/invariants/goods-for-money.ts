import { listSales } from "../../src/money/index.ts";
import { PURCHASES, SALES } from "../../src/trade/records/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { World } from "../world.ts";
import type { MakeInvariant } from "./invariant.ts";
import { needsPerson } from "./needs-person.ts";

/** At rest, goods can be read if and only if the money is the merchant's, whoever has handed it in; what was once read counts, whatever their buyer says of them since. And a merchant that says that it has sold has the money. */
export const goodsForMoney: MakeInvariant = (world, fail) => ({
	rested() {
		if (
			world.wasPutBack ||
			world.sides.some((side) => needsPerson(side) !== undefined)
		)
			return;
		for (const { name, agent, goods } of world.buyers) {
			if (world.isLying(agent.name)) continue;
			for (const row of agent.disk.rows(PURCHASES)) {
				const { contract, state, evidence, target, merchant } = row;
				// The money is gone, and there is evidence of why.
				if (evidence.length > 0 && world.isLying(merchant)) continue;
				const id = hex(contract).slice(0, 8);
				const isRead =
					(state === "final" && evidence.length === 0) ||
					goods.get(target)?.opened !== undefined;
				const isPaid = isBooked(world, contract);
				if (isRead && !isPaid)
					fail(
						`${name} reads the goods of ${id}, and their merchant has no money for them`,
					);
				if (!isRead && isPaid)
					fail(`${name} has paid for ${id}, and cannot read its goods`);
			}
		}
		for (const { name, agent } of world.merchants)
			for (const { contract } of agent.disk.rows(SALES))
				if (!isBooked(world, contract) && !world.isLying(agent.name))
					fail(
						`${name} says that it has sold ${hex(contract).slice(0, 8)}, and has no money for it`,
					);
	},
});

function isBooked(world: World, contract: Uint8Array): boolean {
	return world.issuers.some(({ module }) =>
		module.disk
			.run(listSales(module.crypto, undefined, undefined, contract))
			.result.some((sale) => sale.state === "booked"),
	);
}
