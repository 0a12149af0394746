import { CONFLICTS, evidenceOf, openEvidence } from "../../src/money/index.ts";
import { openMerchandiseEvidence } from "../../src/trade/merchandise/index.ts";
import { PURCHASES } from "../../src/trade/records/index.ts";
import { hex } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { MakeInvariant } from "./invariant.ts";

/** Only who lies is accused, and only with evidence that convinces others. */
export const nobodyAccused: MakeInvariant = (world, fail) => {
	const liars = (): readonly Device[] =>
		[...world.devices.values()].filter(({ lie }) => lie !== undefined);
	const isLiar = (id: Uint8Array): boolean =>
		liars().some((device) => hex(device.certified().deviceId) === hex(id));
	const { banks } = world.policy;
	return {
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const { table, row } = write;
				if (table.name === "conflicts" && !isLiar(row["holder"] as Uint8Array))
					fail(`${device.name} accuses somebody honest of double spending`);
				const { evidence, contract } = row;
				if (table.name !== PURCHASES.name || device.role !== "agent") continue;
				if (!(evidence instanceof Uint8Array) || evidence.length === 0)
					continue;
				const about = hex(contract as Uint8Array).slice(0, 8);
				try {
					const wrong = openMerchandiseEvidence(
						device.crypto,
						evidence,
						(chain) => device.context.verdicts.certified(chain, "agent"),
					);
					if (!isLiar(wrong.contract.sellerAgent))
						fail(`${device.name} accuses somebody honest who sold ${about}`);
				} catch (thrown) {
					fail(
						`${device.name} has evidence about ${about} that convinces nobody: ${String(thrown)}`,
					);
				}
			}
		},
		rested() {
			for (const { name, module } of world.issuers) {
				for (const { id } of module.disk.rows(CONFLICTS)) {
					try {
						const found = module.disk.run(evidenceOf(module.crypto, id)).result;
						openEvidence(module.crypto, found ?? new Uint8Array(), banks);
					} catch (thrown) {
						// What has changed on its disk convinces nobody.
						if (module.disk.rotten > 0) continue;
						fail(
							`${name} has evidence of double spending that convinces nobody: ${String(thrown)}`,
						);
					}
				}
			}
		},
	};
};
