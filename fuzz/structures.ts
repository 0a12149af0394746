/*
 * Every structure that there is, those that a file keeps to itself too. All are made by three
 * functions of `src/wire/structure.ts`; this has to be imported before anything of `src` is, and
 * then each of them is kept as it is made. So a new message is a target without anybody's doing.
 */
import { registerHooks } from "node:module";
import type { Structure } from "../src/wire/structure.ts";

/** What is decoded, whoever does it, is shown to this first. */
export type Watcher = (name: string, bytes: Uint8Array) => void;

interface Kept {
	readonly found: Map<string, Structure<unknown>>;
	watch: Watcher;
	keep<Value>(made: Structure<Value>): Structure<Value>;
}

const kept: Kept = {
	found: new Map(),
	watch: () => {},
	keep(made) {
		const base = `${made.name}${Object.keys(made.fields).join() === "body,signature" ? " signed" : ""}`;
		let name = base;
		for (let next = 2; kept.found.has(name); next++) name = `${base} ${next}`;
		kept.found.set(name, made as Structure<unknown>);
		return {
			...made,
			decode(bytes) {
				kept.watch(name, bytes);
				return made.decode(bytes);
			},
		};
	},
};
(globalThis as { structuresOfTetrad?: Kept }).structuresOfTetrad = kept;

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

/** Shows what is decoded from now on. */
export function watchDecoding(watch: Watcher): void {
	kept.watch = watch;
}
