import { fileURLToPath } from "node:url";

/** The folder of this package: above `src` in development, and above `dist` elsewhere, however deep in there the code was put. */
const [PACKAGE] = /^.*\/(?=(?:src|dist)\/)/.exec(import.meta.url) ?? [];

const IS_SOURCE: boolean = import.meta.url.endsWith(".ts");

/** The path of a file of this package, which is named from its folder on. */
export function packageFile(name: string): string {
	return fileURLToPath(new URL(name, PACKAGE));
}

/** The path of a module of ours that is run as a process, named from `src` on and without its ending. */
export function programFile(name: string): string {
	return packageFile(IS_SOURCE ? `src/${name}.ts` : `dist/${name}.js`);
}
