import { messages, purseTables } from "../../src/money/index.ts";
import {
	BETWEEN_AGENTS,
	parseContract,
	parseItemDescription,
} from "../../src/trade/documents/index.ts";
import { MADE, MAX_UNPAID, PURCHASES } from "../../src/trade/records/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { Side } from "../side.ts";
import type { MakeInvariant } from "./invariant.ts";

const { body } = messages;

/**
 * What is ordered is made once for each contract, is written down before that, and is there before
 * its contract goes out; no buyer leaves more of it unpaid than it may. At rest whoever has paid
 * reads what was made for it, and what counts as sold was sold.
 */
export const madeOnce: MakeInvariant = (world, fail) => {
	const made = new Set<string>();
	const short = (id: Uint8Array) => hex(id).slice(0, 8);
	const merchants = new Map(
		world.merchants.map((side) => [side.agent.name, side] as const),
	);
	const rowOf = ({ agent }: Side, of: Uint8Array) =>
		agent.disk.rows(MADE).find(({ id }) => sameBytes(id, of));
	return {
		made(side, contractId) {
			const id = hex(contractId);
			if (made.has(id))
				fail(
					`${side.agent.name} makes the goods of ${short(contractId)} again`,
				);
			made.add(id);
			if (rowOf(side, contractId) === undefined)
				fail(
					`${side.agent.name} makes the goods of ${short(contractId)}, and has not written it down`,
				);
		},
		said(device, to, bytes) {
			const side = merchants.get(device.name);
			if (side === undefined || to !== "agent" || device.lie !== undefined)
				return;
			if (bytes[0] !== BETWEEN_AGENTS.contract.type) return;
			const { document } = body(BETWEEN_AGENTS.contract, bytes);
			const { id } = parseContract(device.crypto, document);
			if (rowOf(side, id) !== undefined && !side.made.has(hex(id)))
				fail(`${device.name} sells goods of ${short(id)} that are not made`);
		},
		durable(device, writes) {
			const side = merchants.get(device.name);
			if (side === undefined) return;
			for (const write of writes) {
				if (write.kind !== "insert" || write.table.name !== MADE.name) continue;
				const buyer = write.row["buyer"] as Uint8Array;
				const unpaid = device.disk
					.rows(MADE)
					.filter(
						(row) => row.state === "unpaid" && sameBytes(row.buyer, buyer),
					).length;
				if (unpaid > MAX_UNPAID)
					fail(`${device.name} makes a buyer more than it leaves unpaid`);
			}
		},
		rested() {
			if (world.wasPutBack) return;
			for (const { agent, module, made: files } of world.merchants) {
				if (world.isLying(agent.name)) continue;
				const receipts = module.disk.rows(purseTables.RECEIPTS);
				for (const { id, contract, state } of agent.disk.rows(MADE))
					if (
						state === "sold" &&
						!receipts.some((receipt) => sameBytes(receipt.contract, contract))
					)
						fail(`${agent.name} has sold ${short(id)}, and was paid nothing`);
				for (const { name, agent: buyer, goods } of world.buyers) {
					if (world.isLying(buyer.name)) continue;
					for (const row of buyer.disk.rows(PURCHASES)) {
						const { order } = parseItemDescription(row.description);
						const opened = goods.get(row.target)?.opened;
						if (order === "" || opened === undefined) continue;
						const { id } = parseContract(buyer.crypto, row.document);
						const content = files.get(hex(id));
						if (content !== undefined && !sameBytes(content, opened))
							fail(`${name} reads something else than was made for it`);
						if (!made.has(hex(id)))
							fail(`${name} reads goods of ${short(id)} that nobody has made`);
					}
				}
			}
		},
	};
};
