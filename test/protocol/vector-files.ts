import { fileURLToPath } from "node:url";
import { SUITES } from "../../src/session/index.ts";
import type { LinkMode, Root, Routing } from "../../src/tetrad/index.ts";
import { hex } from "../../src/wire/index.ts";
import { fixedPairing, fixedRun } from "../support/fixed-run.ts";
import { VECTOR_FOLDER } from "./vector-names.ts";

export function vectorFile(name: string): string {
	return fileURLToPath(new URL(`${name}.json`, VECTOR_FOLDER));
}

const COMMENT =
	"One run of docs/protocol.md, whole. All bytes are in hexadecimal. `secrets` and `devices` are the inputs; everything in `derived` follows from them. `wires` has every frame in the order in which it was sent; a record does not show what it carries, so `name` says it.";

const PAIRING_COMMENT =
	"One pairing of docs/protocol.md, whole. All bytes are in hexadecimal. `secrets` and `devices` are the inputs; everything in `derived` follows from them. `wires` has every frame in the order in which it was sent.";

/** Every vector file as it should be. */
export async function makeVectors(): Promise<{ name: string; text: string }[]> {
	const files: { name: string; text: string }[] = [];
	const add = async (
		name: string,
		routing: Routing,
		root: Root,
		link: LinkMode,
		suite: (typeof SUITES)[number]["name"],
	) => {
		const run = await fixedRun({
			seed: name,
			routing,
			root,
			suite,
			link,
			// The hybrid runs are long enough as they are.
			withIntermediate: suite.startsWith("classical"),
			withLong: name === "tetrad-direct-transcript-hybrid-chachapoly-aesgcm",
		});
		files.push({ name, text: print(name, COMMENT, run) });
	};
	for (const routing of ["direct", "crossed"] as const) {
		for (const root of ["transcript", "unsafe-xor"] as const)
			for (const { name: suite } of SUITES)
				await add(
					`tetrad-${routing}-${root}-${suite}`,
					routing,
					root,
					"paired",
					suite,
				);
		await add(
			`tetrad-${routing}-unsafe-open`,
			routing,
			"transcript",
			"unsafe-open",
			"hybrid-aesgcm",
		);
	}
	for (const { name: suite } of SUITES) {
		const resumed = `tetrad-direct-resumed-${suite}`;
		const run = await fixedRun({
			...{ seed: resumed, suite, routing: "direct", root: "transcript" },
			...{ link: "paired", withIntermediate: false, isResumed: true },
		});
		files.push({ name: resumed, text: print(resumed, COMMENT, run) });
	}
	const busy = "tetrad-direct-cookie";
	const run = await fixedRun({
		seed: busy,
		routing: "direct",
		root: "transcript",
		suite: "hybrid-aesgcm",
		link: "paired",
		withIntermediate: false,
		isBusy: true,
	});
	files.push({ name: busy, text: print(busy, COMMENT, run) });
	const name = "tetrad-pairing";
	const pairing = await fixedPairing(name);
	files.push({ name, text: print(name, PAIRING_COMMENT, pairing) });
	return files;
}

function print(name: string, comment: string, run: object): string {
	const text = JSON.stringify(
		{ comment, name, ...run },
		(_, value) => (value instanceof Uint8Array ? hex(value) : value),
		"\t",
	);
	return `${text}\n`;
}
