import { messages, parseTransfer, readReceipt } from "../../src/money/index.ts";
import {
	ABOUT_PURCHASES,
	parseContract,
} from "../../src/trade/documents/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import { readable, transferBy } from "../readable.ts";
import type { MakeInvariant } from "./invariant.ts";

const { BETWEEN_MODULES, WITH_AGENT, WITH_ISSUER, body } = messages;

/** Whoever says that something is so has it on the disk: what follows a durable write is said after it. */
export const durableFirst: MakeInvariant = (world, fail) => {
	/** By device and what; it was durable once, which no restore undoes. */
	const durable = new Set<string>();
	const heads = new Map<Device, bigint>();
	/** What requests to issuers hand in, by request. */
	const handedIn = new Map<string, Uint8Array>();
	const issuers = new Set(world.issuers.map(({ module }) => module.name));
	const note = (device: Device, what: string, id: Uint8Array) =>
		durable.add(`${device.name} ${what} ${hex(id)}`);
	const demand = (
		device: Device,
		what: string,
		id: Uint8Array,
		said: string,
	) => {
		if (!durable.has(`${device.name} ${what} ${hex(id)}`))
			fail(
				`${device.name} says "${said}" before ${what} is durable for ${hex(id).slice(0, 8)}`,
			);
	};
	const heard = (device: Device, number: bigint) => {
		if (number > (heads.get(device) ?? 0n)) heads.set(device, number);
	};
	const moduleSaid = (
		device: Device,
		to: "agent" | "module",
		bytes: Uint8Array,
	) => {
		switch (bytes[0]) {
			case BETWEEN_MODULES.deliver.type: {
				const { transfer } = body(BETWEEN_MODULES.deliver, bytes);
				const signed = transferBy(device, transfer);
				return (
					signed && demand(device, "the payment", signed.contract, "deliver")
				);
			}
			case BETWEEN_MODULES.accepted.type: {
				const { receipt } = body(BETWEEN_MODULES.accepted, bytes);
				const said = readable(() => readReceipt(receipt));
				return said && demand(device, "the receipt", said.contract, "accepted");
			}
			case WITH_ISSUER.booked.type: {
				const { request, credited } = body(WITH_ISSUER.booked, bytes);
				// What changed nothing is not kept.
				if (credited === 0n) return;
				const transfer = handedIn.get(hex(request));
				// Booked before, under another request, it is not written again.
				return transfer === undefined
					? demand(device, "the answer", request, "booked")
					: demand(device, "the transfer", transfer, "booked");
			}
			case WITH_ISSUER.deposit.type: {
				const { request, transfer } = body(WITH_ISSUER.deposit, bytes);
				const id = readable(() => parseTransfer(device.crypto, transfer))?.id;
				if (id !== undefined) handedIn.set(hex(request), id);
				return;
			}
			case WITH_ISSUER.issued.type: {
				const { request } = body(WITH_ISSUER.issued, bytes);
				return demand(device, "the answer", request, "issued");
			}
			case WITH_ISSUER.outcome.type: {
				const { key } = body(WITH_ISSUER.outcome, bytes);
				return key && demand(device, "the booking with key", key, "outcome");
			}
			case WITH_AGENT.witness.type: {
				if (to !== "agent") return;
				const { number } = body(WITH_AGENT.witness, bytes);
				// One that is behind passes on what its issuer has told it.
				if (toldByIssuers.has(number)) return;
				if (number > (heads.get(device) ?? 0n) && number < 2n ** 62n)
					fail(`${device.name} tells the head ${number} before it is durable`);
				return;
			}
			case ABOUT_PURCHASES.bought.type: {
				const { contract } = body(ABOUT_PURCHASES.bought, bytes);
				return demand(device, "the payment", contract, "bought");
			}
			case ABOUT_PURCHASES.sold.type: {
				const { contract } = body(ABOUT_PURCHASES.sold, bytes);
				return demand(device, "the receipt", contract, "sold");
			}
			case ABOUT_PURCHASES.soldTo.type: {
				const { contract } = body(ABOUT_PURCHASES.soldTo, bytes);
				return demand(device, "the receipt", contract, "sold");
			}
		}
	};
	/** Numbers of heads that issuers have made up. */
	const toldByIssuers = new Set<bigint>();
	const agentSaid = (device: Device, bytes: Uint8Array) => {
		if (bytes[0] === ABOUT_PURCHASES.buy.type) {
			const { document } = body(ABOUT_PURCHASES.buy, bytes);
			const { hash } = parseContract(device.crypto, document);
			demand(device, "the purchase", hash, "buy");
		}
		if (bytes[0] === ABOUT_PURCHASES.final.type) {
			const { contract } = body(ABOUT_PURCHASES.final, bytes);
			demand(device, "the goods", contract, "final");
		}
	};
	return {
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const row = write.row as Record<string, Uint8Array>;
				switch (write.table.name) {
					case "payments":
					case "ecash_paid":
						note(device, "the payment", row["contract"] as Uint8Array);
						break;
					case "receipts":
						if ((row["receipt"] as Uint8Array).length > 0)
							note(device, "the receipt", row["contract"] as Uint8Array);
						break;
					case "ecash_sold":
						if (String(row["state"]) === "claimed")
							note(device, "the receipt", row["contract"] as Uint8Array);
						break;
					case "answers":
						note(device, "the answer", row["request"] as Uint8Array);
						break;
					case "transfers":
						note(device, "the transfer", row["id"] as Uint8Array);
						break;
					case "sales":
						if (issuers.has(device.name))
							note(device, "the booking with key", row["key"] as Uint8Array);
						break;
					case "log":
						heard(device, write.row["number"] as bigint);
						break;
					case "purchases":
						if (device.role !== "agent") break;
						note(device, "the purchase", row["contract"] as Uint8Array);
						if (["final", "refunded"].includes(String(row["state"])))
							note(device, "the goods", row["contract"] as Uint8Array);
						break;
				}
			}
		},
		said(device, to, bytes) {
			if (device.lie !== undefined && bytes[0] === WITH_ISSUER.welcome.type)
				toldByIssuers.add(body(WITH_ISSUER.welcome, bytes).number);
			// What is handed in counts whoever does it; what else a liar says is no word of its disk.
			if (device.lie !== undefined && bytes[0] !== WITH_ISSUER.deposit.type)
				return;
			if (device.role === "module") moduleSaid(device, to, bytes);
			else if (to === "module") agentSaid(device, bytes);
		},
	};
};
