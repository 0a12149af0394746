import { hex } from "../../src/wire/index.ts";
import { ecashRow, outputsOf, Swaps } from "./ecash-rows.ts";
import type { MakeInvariant } from "./invariant.ts";

/**
 * Each contract has keys of its own on either side, and each counter is used for one output. A purse
 * that was put back counts again what it had counted since, and makes the same of it.
 */
export const ecashKeys: MakeInvariant = (world, fail) => {
	const swaps = new Swaps(world);
	/** Contracts, by the keys of their locks. */
	const contracts = new Map<string, string>();
	/** Outputs, by device, keyset and counter. */
	const outputs = new Map<string, string>();
	return {
		durable(device, writes) {
			const isBack = world.sideOf(device)?.wasRestored === true;
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const found = ecashRow(write.table, write.row);
				if (found === undefined || found.kind === "proof") continue;
				for (const swap of swaps.of(device, found))
					for (const made of outputsOf(swap)) {
						const { keyset, counter, blinded, amount, secret } = made;
						for (const [, contract, keys] of keysIn(secret))
							for (const key of keys) {
								const known = contracts.get(key) ?? contract;
								contracts.set(key, known);
								if (known !== contract)
									fail(
										`${device.name} locks the money of ${contract.slice(0, 8)} to a key of ${known.slice(0, 8)}`,
									);
							}
						if (isBack) continue;
						// Those of a lock are of its contract, which is in the secret.
						const whose = made.countedBy === "lock" ? tagOf(secret) : "";
						const place = `${device.name} ${hex(keyset)} ${whose} ${counter}`;
						const output = `${hex(blinded)} ${amount}`;
						const known = outputs.get(place) ?? output;
						outputs.set(place, known);
						if (known !== output)
							fail(`${device.name} uses the counter ${counter} twice`);
					}
			}
		},
	};
};

/** The contract of a lock and both of its keys; nothing of a secret that is none. */
function keysIn(
	secret: string,
): readonly (readonly [kind: string, contract: string, keys: string[]])[] {
	if (!secret.startsWith("[")) return [];
	const tag = (name?: string) => tagOf(secret, name);
	return [["lock", tag(), [tag("pubkeys"), tag("refund")]]];
}

function tagOf(secret: string, name = "tetrad_contract"): string {
	return new RegExp(`\\["${name}","([0-9a-f]+)"\\]`).exec(secret)?.[1] ?? "";
}
