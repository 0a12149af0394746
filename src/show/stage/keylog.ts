import { readFile } from "node:fs/promises";
import type { Place } from "../../tetrad/index.ts";

/** The secrets that each device process wrote down, by label; the last of each label. */
export type Keylog = Readonly<Record<Place, ReadonlyMap<string, Uint8Array>>>;

/** Labels whose values the protocol shows or that anybody may know. */
const PUBLIC: ReadonlySet<string> = new Set(["OUTER_HASH", "INNER_HASH", "T"]);

export async function readKeylog(
	files: Readonly<Record<Place, string>>,
): Promise<Keylog> {
	const read = async (place: Place) => {
		const lines = (await readFile(files[place], "utf8")).split("\n");
		return new Map(
			lines
				.filter((line) => line !== "")
				.map((line) => {
					const [label = "", value = ""] = line.split(" ");
					return [label, new Uint8Array(Buffer.from(value, "hex"))] as const;
				}),
		);
	};
	return {
		A: await read("A"),
		B: await read("B"),
		X: await read("X"),
		Y: await read("Y"),
	};
}

/** Every secret of every device, each value once, with all the names it goes by. */
export function secretsOf(
	keylog: Keylog,
): { name: string; bytes: Uint8Array }[] {
	const names = new Map<string, string[]>();
	for (const [place, entries] of Object.entries(keylog))
		for (const [label, value] of entries) {
			if (PUBLIC.has(label) || value.length < 16) continue;
			const key = Buffer.from(value).toString("hex");
			const known = names.get(key);
			if (known === undefined) names.set(key, [`${label} of ${place}`]);
			else known.push(`${label} of ${place}`);
		}
	return [...names].map(([value, all]) => ({
		name: all.join(", "),
		bytes: new Uint8Array(Buffer.from(value, "hex")),
	}));
}
