import { messages, parseTransfer } from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { MakeInvariant } from "./invariant.ts";

const { BETWEEN_MODULES, WITH_ISSUER, body } = messages;

interface Spent {
	readonly transfer: string;
	readonly from: bigint;
	readonly to: bigint;
}

/** Nothing is spendable in two places: no range of a note leaves its holder in two transfers, whatever was restored. */
export const spentOnce: MakeInvariant = (_, fail) => {
	const spent = new Map<string, Spent[]>();
	return {
		said(device, to, bytes) {
			if (
				to !== "module" ||
				device.role !== "module" ||
				device.lie !== undefined
			)
				return;
			for (const kind of [
				BETWEEN_MODULES.deliver,
				WITH_ISSUER.exchange,
				WITH_ISSUER.resolve,
			] as const) {
				if (bytes[0] !== kind.type) continue;
				const { transfer: document } = body<{ readonly transfer: Uint8Array }>(
					kind as never,
					bytes,
				);
				const { id, pieces } = parseTransfer(device.crypto, document);
				const transfer = hex(id);
				for (const { noteId: note, offset: from, amount } of pieces) {
					const to = from + amount;
					const before = spent.get(hex(note)) ?? [];
					const other = before.find(
						(one) =>
							one.transfer !== transfer && one.from < to && from < one.to,
					);
					if (other !== undefined)
						fail(
							`${device.name} signed the range ${from}–${to} of note ${hex(note).slice(0, 8)} in the transfers ${other.transfer.slice(0, 8)} and ${transfer.slice(0, 8)}`,
						);
					before.push({ transfer, from, to });
					spent.set(hex(note), before);
				}
			}
		},
	};
};
