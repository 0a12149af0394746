import type { FoundSetting } from "../../device/side/index.ts";
import { requireSide } from "../side-flags.ts";
import { plainTable } from "../table.ts";
import { plain, say, sayJson } from "../voice.ts";

export interface ConfigFlags {
	readonly home?: string;
	readonly json?: true;
}

/** Prints what holds for a side, and from where it is. */
export async function showConfig(flags: ConfigFlags): Promise<void> {
	const { kind, name, path, found } = await requireSide(flags.home);
	const said = found.filter(({ value }) => value !== undefined);
	if (flags.json)
		return sayJson({
			home: path,
			kind,
			name,
			settings: Object.fromEntries(
				said.map(({ key, value, from, where }) => [
					key,
					{ value, from, ...(where === "" ? {} : { where }) },
				]),
			),
		});
	const rows = [
		["kind", kind, ""],
		["name", name, ""],
		...said.map((one) => [one.key, plain(String(one.value)), sourceOf(one)]),
	];
	for (const line of plainTable(["setting", "value", "from"], rows)) say(line);
}

function sourceOf({ from, where }: FoundSetting): string {
	return where === "" ? from : plain(where);
}
