import { priceText, runCatalogue } from "../../device/process/index.ts";
import type { Listing } from "../../trade/documents/index.ts";
import { money } from "../money.ts";
import { quietly, runDevice } from "../run-device.ts";
import { plainTable } from "../table.ts";
import { count, plain, say, sayJson } from "../voice.ts";
import { type CallerFlags, callerOf } from "./caller.ts";

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
	await runDevice(flags, (signal, report) =>
		runCatalogue(
			callerOf(flags, address, signal),
			quietly(report),
			(listing) => {
				items++;
				if (flags.json) return sayJson(inJson(listing));
				rows.push(cells(listing));
				if (rows.length === ROWS_AT_ONCE) show();
			},
		),
	);
	if (flags.json) return;
	if (rows.length > 0) show();
	if (items === 0) say("nothing is sold there");
}

function inJson(listing: Listing) {
	const { description, kind, length } = listing;
	const { name, mediaType, about } = description;
	return {
		item: name,
		kind,
		...priceText(listing),
		...(length === undefined ? {} : { size: String(length) }),
		...(mediaType === "" ? {} : { type: mediaType }),
		...(about === "" ? {} : { about }),
	};
}

function cells(listing: Listing): string[] {
	const { description, kind, length } = listing;
	return [
		plain(description.name),
		money(priceText(listing)),
		kind === "made-on-order" || length === undefined
			? "on order"
			: count(Number(length)),
		plain(description.about),
	];
}
