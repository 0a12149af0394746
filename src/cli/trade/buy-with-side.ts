import { join } from "node:path";
import { makeFolder } from "../../device/home/index.ts";
import { readIssuerTerms } from "../../device/purse/index.ts";
import type { Side } from "../../device/side/index.ts";
import { harmlessName } from "../../talk/index.ts";
import {
	type Given,
	MODULE_AT,
	SOCKET_OF_AGENT,
	withSide,
} from "../side-flags.ts";
import type { BuyFlags } from "./buy.ts";

export type GivenToBuy = Given<BuyFlags, "module" | "out">;

/** How an item is bought, as far as it is not said, by the settings of the side. */
export function buyWithSide(
	item: string,
	{ max, ...flags }: GivenToBuy,
): Promise<BuyFlags> {
	const isBare = max !== undefined && /^[0-9.]+$/.test(max);
	// What is said of ecash alone is in no money of an issuer.
	const isEcash = flags.rail?.trim() === "cashu";
	return withSide<
		BuyFlags,
		"module" | "socket" | "max" | "rail" | "avoid" | "out" | "purse"
	>(isBare || max === undefined ? flags : { ...flags, max }, "agent", {
		module: MODULE_AT,
		socket: SOCKET_OF_AGENT,
		max: {
			of: (side) => (isBare && !isEcash ? inMoneyOf(side, max) : undefined),
			...(isBare
				? { need: `--max with its currency, such as "${max} EUR"` }
				: {}),
		},
		rail: { of: ({ buyWith }) => buyWith.rails?.join(",") },
		avoid: { of: ({ buyWith }) => buyWith.avoid?.join(",") },
		out: {
			of: ({ buyFolder }) => buyFolder && placeIn(buyFolder, item),
			need: "--out FILE, where the goods go",
			key: "buy.folder",
		},
		purse: { of: ({ module }) => module.home },
	});
}

/** An amount in the money that the side uses, if it says which. */
async function inMoneyOf(
	{ issuer }: Side,
	amount: string,
): Promise<string | undefined> {
	if (issuer === undefined) return undefined;
	const { currency } = await readIssuerTerms(issuer.termsPath);
	return `${amount} ${currency.code}`;
}

/** The name is the merchant's, and leads nowhere else. */
async function placeIn(folder: string, item: string): Promise<string> {
	await makeFolder(folder);
	return join(folder, harmlessName(item));
}
