import {
	importList,
	type ListStatus,
	listStatus,
	readCarried,
} from "../../device/home/index.ts";
import { MAX_BUNDLE_BYTES } from "../../identity/index.ts";
import { plainTable } from "../table.ts";
import { day, moment, plain, say, sayJson } from "../voice.ts";

export interface ListsFlags {
	readonly home: string;
	readonly import?: string[];
	readonly json?: true;
}

export async function manageLists(flags: ListsFlags): Promise<void> {
	const { home, json } = flags;
	for (const file of flags.import ?? []) {
		const bytes = await readCarried(file, 2 * MAX_BUNDLE_BYTES);
		const { name, list } = await importList(home, bytes);
		if (!json)
			say(
				`holds untrusted list ${list?.number} of ${plain(name)}, from ${moment(list?.thisUpdate ?? 0)}`,
			);
	}
	const held = await listStatus(home);
	if (json) sayJson({ home, lists: held.map(inJson) });
	else if (flags.import === undefined) show(held);
}

function inJson({ authority, name, list }: ListStatus) {
	return {
		authority,
		// It comes in quotes, for sentences.
		name: name.replace(/^"(.*)"$/, "$1"),
		...(list === undefined
			? {}
			: {
					number: String(list.number),
					entries: list.entries,
					thisUpdate: new Date(list.thisUpdate).toISOString(),
					nextUpdate: new Date(list.nextUpdate).toISOString(),
					...(list.recertifyBefore === undefined
						? {}
						: {
								recertifyBefore: new Date(list.recertifyBefore).toISOString(),
							}),
				}),
	};
}

function show(held: readonly ListStatus[]): void {
	const rows = held.map(({ name, list }) =>
		list === undefined
			? [plain(name), "none", "", "", "", ""]
			: [
					plain(name),
					String(list.number),
					String(list.entries),
					moment(list.thisUpdate),
					day(list.nextUpdate),
					list.recertifyBefore === undefined
						? ""
						: moment(list.recertifyBefore),
				],
	);
	const head = [
		"authority",
		"list",
		"entries",
		"from",
		"next due",
		"recertify",
	];
	for (const line of plainTable(head, rows)) say(line);
}
