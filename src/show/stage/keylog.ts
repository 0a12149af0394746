import { readFile } from "node:fs/promises";
import type { Place } from "../../tetrad/index.ts";

/** The secrets that each device process wrote down, by label; the last of each label. */
export type Keylog = Readonly<Record<Place, ReadonlyMap<string, Uint8Array>>>;

/** Labels whose values the protocol shows or that anybody may know. */
const PUBLIC: ReadonlySet<string> = new Set(["OUTER_HASH", "INNER_HASH", "T"]);

/** A label, and the secret that goes by it. */
export type KeylogEntry = readonly [label: string, secret: Uint8Array];

export async function readKeylog(
	files: Readonly<Record<Place, string>>,
): Promise<Keylog> {
	const { A, B, X, Y } = await readKeylogEntries(files);
	return { A: new Map(A), B: new Map(B), X: new Map(X), Y: new Map(Y) };
}

/** Everything that each device process wrote down, in order. */
export async function readKeylogEntries(
	files: Readonly<Record<Place, string>>,
): Promise<Record<Place, KeylogEntry[]>> {
	const read = async (place: Place) => {
		const lines = (await readFile(files[place], "utf8")).split("\n");
		return lines
			.filter((line) => line !== "")
			.map((line): KeylogEntry => {
				const [label = "", value = ""] = line.split(" ");
				return [label, new Uint8Array(Buffer.from(value, "hex"))];
			});
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
	logs: readonly Readonly<Record<Place, Iterable<KeylogEntry>>>[],
): { name: string; bytes: Uint8Array }[] {
	const names = new Map<string, string[]>();
	for (const [place, entries] of logs.flatMap((log) => Object.entries(log)))
		for (const [label, value] of entries) {
			if (PUBLIC.has(label) || value.length < 16) continue;
			const key = Buffer.from(value).toString("hex");
			const name = `${label} of ${place}`;
			const known = names.get(key);
			if (known === undefined) names.set(key, [name]);
			else if (!known.includes(name)) known.push(name);
		}
	return [...names].map(([value, all]) => ({
		name: all.join(", "),
		bytes: new Uint8Array(Buffer.from(value, "hex")),
	}));
}
