import type { Row } from "../../src/machine/index.ts";
import { purseTables } from "../../src/money/index.ts";
import {
	parseContract,
	refundContract,
} from "../../src/trade/documents/index.ts";
import {
	PURCHASES,
	REFUNDS,
	type RefundRow,
	SALES,
} from "../../src/trade/records/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { Side } from "../side.ts";
import type { MakeInvariant } from "./invariant.ts";

const { PAYMENTS, RECEIPTS } = purseTables;

/**
 * Of a sale no more is given back than it was paid with, in all of its refunds; one that a merchant
 * is told was paid has a receipt, and one that a buyer is told has come has come.
 */
export const refundsKept: MakeInvariant = (world, fail) => {
	const short = (id: Uint8Array) => hex(id).slice(0, 8);
	/** What payees have said, durably, to have received. */
	const received = new Set<string>();
	/** What a sale was paid with, as the device that has the row knows it. */
	const paidFor = (side: Side, sale: Uint8Array): bigint | undefined => {
		const { agent } = side;
		const sold = agent.disk
			.rows(SALES)
			.find(({ contract }) => sameBytes(contract, sale));
		if (sold !== undefined) return sold.amount;
		const bought = agent.disk
			.rows(PURCHASES)
			.find(({ contract }) => sameBytes(contract, sale));
		return bought && parseContract(agent.crypto, bought.document).amount;
	};
	const isTrue = (side: Side, row: RefundRow): void => {
		const { name, agent, module } = side;
		const { sale, side: gives, contract, amount, state } = row;
		const all = agent.disk
			.rows(REFUNDS)
			.filter((one) => sameBytes(one.sale, sale))
			.reduce((sum, one) => sum + one.amount, 0n);
		const paid = paidFor(side, sale);
		if (paid !== undefined && all > paid)
			fail(`${name} has ${all} given back of ${paid} for ${short(sale)}`);
		if (state !== "paid" || side.wasRestored) return;
		if (gives === "gives") {
			const payment = module.disk
				.rows(PAYMENTS)
				.find((one) => sameBytes(one.contract, contract));
			if (
				payment === undefined ||
				payment.amount !== amount ||
				payment.state === "lapsed" ||
				// What its payee has sent is told at once, and written with what is written next.
				(payment.state === "committed" &&
					!received.has(hex(contract)) &&
					!isLiar(payment.payee))
			)
				fail(
					`${name} is told that ${amount} of ${short(sale)} are given back, and they are not`,
				);
			return;
		}
		const receipt = module.disk
			.rows(RECEIPTS)
			.find((one) => sameBytes(one.contract, contract));
		if (receipt === undefined || receipt.amount !== amount)
			fail(
				`${name} is told that ${amount} of ${short(sale)} have come back, and they have not`,
			);
	};
	const isLiar = (payee: Uint8Array) =>
		world.sides.some(
			({ module }) =>
				module.lie !== undefined &&
				sameBytes(module.certified().deviceId, payee),
		);
	return {
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind === "delete" || write.table.name !== RECEIPTS.name)
					continue;
				const { contract, state } = write.row as Row<typeof RECEIPTS.columns>;
				if (state !== "to-book") received.add(hex(contract));
			}
			if (device.role !== "agent") return;
			const side = world.sideOf(device);
			if (side === undefined || world.isLying(device.name)) return;
			for (const write of writes)
				if (write.kind !== "delete" && write.table.name === REFUNDS.name)
					isTrue(side, write.row as Row as RefundRow);
		},
		rested() {
			if (world.wasPutBack) return;
			for (const { name, agent, module } of world.merchants) {
				if (world.isLying(agent.name)) continue;
				const payments = module.disk.rows(PAYMENTS);
				for (const { contract: sale, amount: paid } of agent.disk.rows(SALES)) {
					const refunds = agent.disk
						.rows(REFUNDS)
						.filter((row) => sameBytes(row.sale, sale)).length;
					// One more than it knows of.
					const contracts = new Set(
						Array.from({ length: refunds + 1 }, (_, at) =>
							hex(
								refundContract(agent.crypto, {
									contract: sale,
									number: at + 1,
								}),
							),
						),
					);
					const given = payments
						.filter(
							({ contract, state }) =>
								contracts.has(hex(contract)) && state !== "lapsed",
						)
						.reduce((sum, { amount }) => sum + amount, 0n);
					if (given > paid)
						fail(
							`${name} has paid back ${given} of ${paid} for ${short(sale)}`,
						);
				}
			}
		},
	};
};
