import { messages } from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import { transferBy } from "../readable.ts";
import type { MakeInvariant } from "./invariant.ts";
import { needsPerson } from "./needs-person.ts";

const { BETWEEN_MODULES, WITH_AGENT, WITH_ISSUER, body } = messages;

/** Before a transfer leaves a module for the first time, its agent is told of the head that the purse has come to by it. */
export const witnessFirst: MakeInvariant = (world, fail) => {
	const told = new Map<string, bigint>();
	/** Heads that payments and exchanges have made, of those that never left. */
	const made = new Map<string, bigint>();
	return {
		durable(device, writes) {
			const log = writes.find(({ table }) => table.name === "log");
			if (log === undefined || log.kind === "delete") return;
			for (const write of writes)
				if (write.kind === "insert" && write.table.name === "payments")
					made.set(
						`${device.name} ${hex(write.row["contract"] as Uint8Array)}`,
						log.row["number"] as bigint,
					);
		},
		said(device, to, bytes) {
			if (device.role !== "module" || device.lie !== undefined) return;
			if (to === "agent" && bytes[0] === WITH_AGENT.witness.type) {
				told.set(device.name, body(WITH_AGENT.witness, bytes).number);
				return;
			}
			const kind = [BETWEEN_MODULES.deliver, WITH_ISSUER.exchange].find(
				({ type }) => type === bytes[0],
			);
			if (kind === undefined) return;
			const { transfer } = body<{ readonly transfer: Uint8Array }>(
				kind as never,
				bytes,
			);
			const signed = transferBy(device, transfer);
			if (signed === undefined) return;
			const name = `${device.name} ${hex(signed.contract)}`;
			const head = made.get(name);
			made.delete(name);
			const side = world.sideOf(device);
			// One that is behind tells nothing: its agent knows of something newer.
			if (side === undefined || needsPerson(side) !== undefined) return;
			if (head !== undefined && (told.get(device.name) ?? 0n) < head)
				fail(
					`${device.name} sends a transfer before its agent knows of head ${head}`,
				);
		},
	};
};
