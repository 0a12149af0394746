/* All targets, and what their corpora begin with. `structures.ts` has to be imported before. */
import { decoderTargets } from "./decoders.ts";
import { machineTargets } from "./machines.ts";
import type { Target } from "./target.ts";

/** Documents, and the structures that they are. */
const AS_STRUCTURES: Readonly<Record<string, readonly string[]>> = {
	offer: ["offer", "offer 2"],
	note: ["a note signed"],
	transfer: ["a transfer signed"],
	receipt: ["a receipt signed"],
	"evidence of double spending": ["evidence"],
	archive: ["an archive"],
	order: ["an order signed"],
	override: ["an override signed"],
	cancellation: ["a cancellation signed"],
	limits: ["limits signed"],
	approval: ["an approval signed"],
	head: ["the head of a purse"],
	contract: ["a contract signed"],
	"terms of a contract": ["the terms of a contract"],
	"selling certificate": ["a selling certificate signed"],
	"what a purchase is for": ["what a purchase is for", "an item's description"],
	"receipt of a purchase": ["the receipt of a purchase"],
	"evidence of a wrong chunk": ["evidence of a wrong chunk"],
};

/** `folder` is an empty one, for targets that read files. */
export async function allTargets(folder: string): Promise<Target[]> {
	return [...(await decoderTargets(folder)), ...(await machineTargets())];
}

/** The names of the targets from which a target's corpus begins: its own, and those of the structures that it reads. */
export function beginsWith({ name }: Target): readonly string[] {
	const structures = AS_STRUCTURES[name] ?? [];
	return [name, ...structures.map((structure) => `structure ${structure}`)];
}
