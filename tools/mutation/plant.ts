/* Loaded before tests: the modules that are loaded from now on have the mutant that the environment names. Nothing changes on the disk. */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { afterEach } from "node:test";
import { type Mutant, mutated } from "./mutants.ts";

/** The exit code of a process in which a test has failed. */
const FOUND = 7;

const text = process.env["TETRAD_MUTANT"];
if (text !== undefined) {
	const mutant: Mutant = JSON.parse(text);
	const { href } = new URL(`../../${mutant.file}`, import.meta.url);
	registerHooks({
		load(url, context, next) {
			if (url !== href) return next(url, context);
			return {
				format: "module-typescript",
				source: mutated(readFileSync(new URL(url), "utf8"), mutant),
				shortCircuit: true,
			};
		},
	});
}

// One test that fails is enough.
afterEach((context) => {
	const { passed } = context as { readonly passed?: boolean };
	if (passed === false) process.exit(FOUND);
});
