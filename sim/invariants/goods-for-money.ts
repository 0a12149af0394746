import { ecashTables, listSales } from "../../src/money/index.ts";
import { PURCHASES, SALES } from "../../src/trade/records/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import { readable } from "../readable.ts";
import type { Side } from "../side.ts";
import type { World } from "../world.ts";
import type { MakeInvariant } from "./invariant.ts";
import { isOfCostlyMint } from "./mint-sins.ts";
import { isListed, needsPerson } from "./needs-person.ts";

/** At rest, goods can be read if and only if the money is the merchant's, whoever has handed it in; what was once read counts, whatever their buyer says of them since. And a merchant that says that it has sold has the money. */
export const goodsForMoney: MakeInvariant = (world, fail) => ({
	rested() {
		for (const side of world.buyers)
			for (const contract of notRecalled(world, side))
				fail(
					`${side.name} has paid for ${hex(contract).slice(0, 8)} with ecash, and has not bought it`,
				);
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
				if (isOfLiar(world, contract)) continue;
				if (isUnreadable(world, contract)) continue;
				if (isLost(world, contract)) continue;
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
				if (
					!isUnreadable(world, contract) &&
					!isBooked(world, contract) &&
					!isLost(world, contract) &&
					!isOfLiar(world, contract) &&
					!world.isLying(agent.name)
				)
					fail(
						`${name} says that it has sold ${hex(contract).slice(0, 8)}, and has no money for it`,
					);
	},
});

/**
 * Contracts that a purse has paid with ecash, maybe before it was put back, and that are not bought:
 * there are none at rest, as long as its agent knows of them. A device that is listed meets nobody.
 */
export function notRecalled(
	world: World,
	{ agent, module, goods, wasAgentRestored }: Side,
): readonly Uint8Array[] {
	if (wasAgentRestored || world.isLying(agent.name)) return [];
	if (world.isLying(module.name) || module.disk.rotten > 0) return [];
	if (isListed(agent as Device)) return [];
	if (isListed(module as unknown as Device)) return [];
	return agent.disk
		.rows(PURCHASES)
		.filter(
			({ contract, state, target, merchant }) =>
				state !== "final" &&
				isClaimed(world, contract) &&
				goods.get(target)?.opened === undefined &&
				!isOfLiar(world, contract) &&
				!world.isLying(merchant),
		)
		.map(({ contract }) => contract);
}

/** What was paid with ecash is its merchant's when that has claimed it, whatever has become of its mint's word since. */
function isClaimed(world: World, contract: Uint8Array): boolean {
	return world.merchants.some(({ module }) =>
		module.disk
			.rows(ecashTables.CLAIMED)
			.some(
				(row) => row.state === "claimed" && sameBytes(row.contract, contract),
			),
	);
}

/** Whether it was to be paid with the money of a mint that has cost somebody money. */
function isOfLiar(world: World, contract: Uint8Array): boolean {
	return world.sides.some(({ module }) =>
		[ecashTables.LOCKED, ecashTables.CLAIMED].some((table) =>
			module.disk
				.rows(table as typeof ecashTables.CLAIMED)
				.some(
					(row) =>
						sameBytes(row.contract, contract) &&
						isOfCostlyMint(world, row.mint),
				),
		),
	);
}

function isBooked(world: World, contract: Uint8Array): boolean {
	if (isClaimed(world, contract)) return true;
	return isSale(world, contract, "booked");
}

/** Whether its merchant was away for so long that what it was paid with is void by now. */
function isLost(world: World, contract: Uint8Array): boolean {
	const { merchantsLose = false } = world.plan;
	return merchantsLose && isSale(world, contract, "void");
}

/** Whether a ledger has the sale, and cannot say any more what became of it, since its disk has changed that. */
function isUnreadable(world: World, contract: Uint8Array): boolean {
	return world.issuers.some(
		({ module }) =>
			module.disk.rotten > 0 &&
			readable(() =>
				module.disk.run(
					listSales(module.crypto, undefined, undefined, contract),
				),
			) === undefined,
	);
}

function isSale(
	world: World,
	contract: Uint8Array,
	state: "booked" | "void",
): boolean {
	return world.issuers.some(({ module }) =>
		module.disk
			.run(listSales(module.crypto, undefined, undefined, contract))
			.result.some((sale) => sale.state === state),
	);
}
