/*
 * Makes the JavaScript in dist; tsc makes the types beside it. Modules are put together by who
 * needs them, because a command that is over in a moment is mostly loading of files.
 */
import { globSync, readFileSync } from "node:fs";
import { build } from "rolldown";

const ROOT: URL = new URL("..", import.meta.url);

/** What is started or imported from outside; everything else is found from there. */
const ENTRIES: readonly string[] = [
	"main",
	"keys/token-process",
	"show/stage/token-examiner",
	...globSync("entry/*.ts", { cwd: new URL("src", ROOT) }).map((path) =>
		path.slice(0, -".ts".length),
	),
];

const { dependencies, optionalDependencies } = JSON.parse(
	readFileSync(new URL("package.json", ROOT), "utf8"),
) as Readonly<Record<string, object>>;

/** They are installed beside us, and are loaded only where they are used. */
const INSTALLED: readonly string[] = Object.keys({
	...dependencies,
	...optionalDependencies,
});

await build({
	cwd: ROOT.pathname,
	input: Object.fromEntries(ENTRIES.map((name) => [name, `src/${name}.ts`])),
	platform: "node",
	external: (id) =>
		INSTALLED.some((name) => id === name || id.startsWith(`${name}/`)),
	// No module of ours does anything by being imported, save those that are started.
	treeshake: { moduleSideEffects: false },
	output: {
		dir: "dist",
		cleanDir: true,
		chunkFileNames: "parts/[name].js",
		sourcemap: true,
	},
});
