import { messages } from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import { transferBy } from "../readable.ts";
import type { MakeInvariant } from "./invariant.ts";
import { isStillAt } from "./taken.ts";

const { BETWEEN_MODULES, WITH_ISSUER, body } = messages;

interface Spent {
	readonly transfer: string;
	readonly from: bigint;
	readonly to: bigint;
	readonly taker: Device;
	readonly id: Uint8Array;
}

/**
 * Nothing is spendable in two places: no range of a note comes to anybody in two transfers, whatever
 * was restored. One that has only left its module may be lost with the link, along with the word to
 * the own agent that went before it; then a purse that is put back does not know of it, nor anybody.
 * So it is when whoever took it was put back as well, to before that. One that has changed on a disk
 * is no other one: its module never signed it.
 */
export const spentOnce: MakeInvariant = (world, fail) => {
	const spent = new Map<string, Spent[]>();
	return {
		taken(taker, bytes, { place, parties }) {
			const { name } = place === "X" ? parties.Y : parties.X;
			const sender = world.sides.find(({ module }) => module.name === name);
			if (sender === undefined || sender.module.lie !== undefined) return;
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
				const module = sender.module as unknown as Device;
				const taken = transferBy(module, document);
				if (taken === undefined) continue;
				const { id, pieces } = taken;
				const transfer = hex(id);
				for (const { noteId: note, offset: from, amount } of pieces) {
					const to = from + amount;
					const before = spent.get(hex(note)) ?? [];
					const other = before.find(
						(one) =>
							one.transfer !== transfer &&
							one.from < to &&
							from < one.to &&
							isStillAt(world, one.taker, { transfer: one.id }),
					);
					if (other !== undefined)
						fail(
							`${name} signed the range ${from}–${to} of note ${hex(note).slice(0, 8)} in the transfers ${other.transfer.slice(0, 8)} and ${transfer.slice(0, 8)}`,
						);
					before.push({ transfer, from, to, taker, id });
					spent.set(hex(note), before);
				}
			}
		},
	};
};
