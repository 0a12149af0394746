/*
 * Every structure that there is, those that a file keeps to itself too. All are made by three
 * functions of `src/wire/structure.ts`; this has to be imported before anything of `src` is, and
 * then each of them is kept as it is made. So a new message is a target without anybody's doing.
 */
import { registerHooks } from "node:module";
import type { Structure } from "../src/wire/structure.ts";

/** What is decoded and encoded, whoever does it, is shown to this, with the place of its structure. */
export type Watcher = (place: string, bytes: Uint8Array) => void;

interface Kept {
	readonly found: Map<string, Structure<unknown>>;
	readonly places: Map<string, string>;
	watch: Watcher;
	keep<Value>(made: Structure<Value>): Structure<Value>;
}

const kept: Kept = {
	found: new Map(),
	places: new Map(),
	watch: () => {},
	keep(made) {
		const base = `${made.name}${Object.keys(made.fields).join() === "body,signature" ? " signed" : ""}`;
		let name = base;
		for (let next = 2; kept.found.has(name); next++) name = `${base} ${next}`;
		kept.found.set(name, made as Structure<unknown>);
		const within = `${declaringModule()} ${base}`;
		let place = within;
		for (let next = 2; kept.places.has(place); next++)
			place = `${within} ${next}`;
		kept.places.set(place, name);
		const watched = (bytes: Uint8Array, from: number): Uint8Array => {
			kept.watch(place, bytes.subarray(from));
			return bytes;
		};
		return {
			...made,
			encode: (value) => watched(made.encode(value), 0),
			encodeMessage: (type, value) =>
				watched(made.encodeMessage(type, value), 1),
			decode: (bytes) => made.decode(watched(bytes, 0)),
		};
	},
};
(globalThis as { structuresOfTetrad?: Kept }).structuresOfTetrad = kept;

/** Which module of `src` is evaluated just now: the outermost one of the stack. */
function declaringModule(): string {
	const { stackTraceLimit } = Error;
	Error.stackTraceLimit = 100;
	const { stack = "" } = new Error();
	Error.stackTraceLimit = stackTraceLimit;
	return [...stack.matchAll(/\/src\/([\w/-]+)\.ts/g)].at(-1)?.[1] ?? "";
}

const { href: STRUCTURE } = new URL(
	"../src/wire/structure.ts",
	import.meta.url,
);
const MAKERS = ["structure", "twoForms", "mappedStructure"];

registerHooks({
	load(url, context, next) {
		if (url !== STRUCTURE) return next(url, context);
		return {
			format: "module",
			source: `import * as real from ${JSON.stringify(`${STRUCTURE}?real`)};
${MAKERS.map((name) => `export const ${name} = (...given) => globalThis.structuresOfTetrad.keep(real.${name}(...given));`).join("\n")}
`,
			shortCircuit: true,
		};
	},
});

/** By their names; one that is called as another is has a number behind that. Those of modules that were loaded. */
export const structures: ReadonlyMap<string, Structure<unknown>> = kept.found;

/**
 * Their names by the modules that declare them. The numbers behind names follow the order in which
 * modules were loaded, which is another one in each program; places are the same everywhere.
 */
export const structureAt: ReadonlyMap<string, string> = kept.places;

/** Shows what is decoded and encoded from now on. */
export function watchStructures(watch: Watcher): void {
	kept.watch = watch;
}
