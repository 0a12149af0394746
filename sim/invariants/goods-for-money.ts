import { listSales } from "../../src/money/index.ts";
import { PURCHASES } from "../../src/trade/records/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { MakeInvariant } from "./invariant.ts";
import { needsPerson } from "./needs-person.ts";

/** At rest, goods can be read if and only if the money is the merchant's, whoever has handed it in. */
export const goodsForMoney: MakeInvariant = (world, fail) => ({
	rested() {
		if (
			world.sides.some(
				(side) => side.wasRestored || needsPerson(side) !== undefined,
			)
		)
			return;
		for (const { name, agent } of world.buyers)
			for (const { contract, state, evidence } of agent.disk.rows(PURCHASES)) {
				const id = hex(contract).slice(0, 8);
				const isRead = state === "final" && evidence.length === 0;
				const isPaid = world.issuers.some(({ module }) =>
					module.disk
						.run(listSales(module.crypto, undefined, undefined, contract))
						.result.some((sale) => sale.state === "booked"),
				);
				if (isRead && !isPaid)
					fail(
						`${name} reads the goods of ${id}, and their merchant has no money for them`,
					);
				if (!isRead && isPaid)
					fail(`${name} has paid for ${id}, and cannot read its goods`);
			}
	},
});
