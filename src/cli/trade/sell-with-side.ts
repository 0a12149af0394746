import { onOrderCommand } from "../../device/side/index.ts";
import {
	FURTHER_MODULES,
	type Given,
	MODULE_AT,
	metricsFlag,
	withSide,
} from "../side-flags.ts";
import type { SellFlags } from "./sell.ts";

interface SellFolder extends SellFlags {
	readonly folder: string;
}

export type GivenToSell = Given<SellFlags, "module" | "listen">;

/** How a folder is sold and which, as far as it is not said, by the settings of the side. */
export async function sellWithSide(
	flags: GivenToSell,
	named: string | undefined,
): Promise<[SellFlags, string]> {
	const given = named === undefined ? flags : { ...flags, folder: named };
	const { folder, ...all } = await withSide<
		SellFolder,
		| "module"
		| "furtherModules"
		| "modulePort"
		| "listen"
		| "take"
		| "issuerTerms"
		| "purse"
		| "folder"
		| "price"
		| "onOrder"
		| "settleAt"
		| "settleEvery"
		| "metrics"
	>(given, "agent", {
		module: MODULE_AT,
		furtherModules: FURTHER_MODULES,
		modulePort: { of: ({ module }) => module.port },
		listen: {
			of: ({ agent }) => agent.listen,
			need: "--listen ADDRESS, where buyers come",
			key: "agent.listen",
		},
		take: { of: ({ sell }) => sell?.take },
		issuerTerms: { of: ({ issuer }) => issuer?.termsPath },
		purse: { of: ({ module }) => module.home },
		folder: {
			of: ({ sell }) => sell?.folder,
			need: "the folder whose files are sold",
			key: "sell.folder",
		},
		price: { of: ({ sell }) => sell?.price },
		onOrder: { of: (side) => onOrderCommand(side) },
		settleAt: { of: ({ issuer }) => issuer?.at },
		settleEvery: { of: ({ issuer }) => issuer?.settleEveryMs },
		metrics: metricsFlag("agent"),
	});
	return [all, folder];
}
