import { messages, purseTables, readReceipt } from "../../src/money/index.ts";
import {
	ABOUT_PURCHASES,
	parseContract,
} from "../../src/trade/documents/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import { readable } from "../readable.ts";
import type { MakeInvariant } from "./invariant.ts";

const { BETWEEN_MODULES, body } = messages;
const { PAYMENTS } = purseTables;

/** Nobody honest says or keeps what follows from a lie, and each key and receipt that is kept or passed on is the right one. */
export const believed: MakeInvariant = (world, fail) => {
	/** Of contracts that somebody honest wants: the hashes of their keys. */
	const keys = new Map<string, Uint8Array>();
	const isBelieved = (device: Device, as: number | string, id: Uint8Array) => {
		if (world.forbidden.has(`${as} ${hex(id)}`))
			fail(
				`${device.name} believes a lie about ${hex(id).slice(0, 8)}: it has ${as} of it`,
			);
	};
	const aboutOf = (
		{ crypto }: Device,
		bytes: Uint8Array,
	): Uint8Array | undefined => {
		switch (bytes[0]) {
			case BETWEEN_MODULES.prepare.type:
				return body(BETWEEN_MODULES.prepare, bytes).contract;
			case BETWEEN_MODULES.prepared.type:
				return body(BETWEEN_MODULES.prepared, bytes).contract;
			case BETWEEN_MODULES.accepted.type:
				return readable(() =>
					readReceipt(body(BETWEEN_MODULES.accepted, bytes).receipt),
				)?.contract;
			case ABOUT_PURCHASES.buy.type: {
				const { document } = body(ABOUT_PURCHASES.buy, bytes);
				const { hash, keyHash } = parseContract(crypto, document);
				keys.set(hex(hash), keyHash);
				return hash;
			}
			case ABOUT_PURCHASES.bought.type: {
				const { contract, key } = body(ABOUT_PURCHASES.bought, bytes);
				const keyHash = keys.get(hex(contract));
				if (keyHash !== undefined && !sameBytes(crypto.sha256(key), keyHash))
					fail(
						`a key is told for ${hex(contract).slice(0, 8)} that is not its`,
					);
				return contract;
			}
			default:
				return undefined;
		}
	};
	return {
		said(device, _, bytes) {
			if (device.lie !== undefined) return;
			const contract = aboutOf(device, bytes);
			if (contract !== undefined)
				isBelieved(device, bytes[0] as number, contract);
		},
		durable(device, writes) {
			if (device.lie !== undefined) return;
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const { table, row } = write;
				const { contract } = row;
				if (!(contract instanceof Uint8Array)) continue;
				const { receipt, transfer_id: transfer, notes } = row;
				const { lock } = row;
				for (const id of [contract, transfer, notes, lock, row["transfer"]])
					if (id instanceof Uint8Array) isBelieved(device, table.name, id);
				if (
					table.name !== PAYMENTS.name ||
					!(receipt instanceof Uint8Array && transfer instanceof Uint8Array) ||
					receipt.length === 0
				)
					continue;
				const said = readReceipt(receipt);
				if (
					!sameBytes(said.transfer, transfer) ||
					said.amount !== row["amount"]
				)
					fail(
						`${device.name} keeps a receipt for something else than ${hex(contract).slice(0, 8)}`,
					);
			}
		},
	};
};
