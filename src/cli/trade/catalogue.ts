import type { CatalogueItem } from "../../device/service/index.ts";
import { amountText, money } from "../money.ts";
import { quietly } from "../run-device.ts";
import { plainTable } from "../table.ts";
import { count, plain, say, sayJson } from "../voice.ts";
import { askAgent, type CallerFlags } from "./caller.ts";

export type CatalogueFlags = CallerFlags;

/** Rows that are shown together, so that the first ones of a large catalogue are seen at once. */
const ROWS_AT_ONCE = 256;

export async function showCatalogue(
	address: string,
	flags: CatalogueFlags,
): Promise<void> {
	let items = 0;
	let rows: string[][] = [];
	const show = () => {
		const head = ["item", "price", "size", "description"];
		for (const line of plainTable(head, rows)) say(line);
		rows = [];
	};
	await askAgent(
		flags,
		async (agent, how) => {
			for await (const item of agent.catalogue(address, how)) {
				items++;
				if (flags.json) sayJson(inJson(item));
				else rows.push(cells(item));
				if (rows.length === ROWS_AT_ONCE) show();
			}
		},
		{ through: quietly },
	);
	if (flags.json) return;
	if (rows.length > 0) show();
	if (items === 0) say("nothing is sold there");
}

function inJson(one: CatalogueItem) {
	const { item, kind, size, type, about, rail, mint, unit } = one;
	return {
		item,
		kind,
		rail,
		...(mint === undefined ? {} : { mint, unit }),
		...amountText(one),
		...(size === undefined ? {} : { size: String(size) }),
		...(type === undefined ? {} : { type }),
		...(about === undefined ? {} : { about }),
	};
}

function cells(one: CatalogueItem): string[] {
	const { item, kind, size, about = "" } = one;
	return [
		plain(item),
		money(amountText(one)),
		kind === "made-on-order" || size === undefined ? "on order" : count(size),
		plain(about),
	];
}
