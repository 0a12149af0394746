/*
 * Loaded before tests: writes down what they have decoded and encoded, by the place of the
 * structure, so that a corpus begins with what our own encoders made. At most so many inputs of
 * each, of different lengths.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { watchStructures } from "./structures.ts";

const MOST_INPUTS = 12;
const MOST_BYTES = 4_096;

const folder = process.env["TETRAD_FUZZ_RECORD"];
const seen = new Map<string, Map<number, string>>();

watchStructures((place, bytes) => {
	if (bytes.length > MOST_BYTES) return;
	const known = seen.get(place) ?? new Map<number, string>();
	seen.set(place, known);
	if (known.size < MOST_INPUTS && !known.has(bytes.length))
		known.set(bytes.length, Buffer.from(bytes).toString("base64"));
});

process.on("exit", () => {
	if (folder === undefined || seen.size === 0) return;
	const all = Object.fromEntries(
		[...seen].map(([place, inputs]) => [place, [...inputs.values()]]),
	);
	writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(all));
});
