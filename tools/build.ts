/*
 * Makes the JavaScript in dist, and the types beside it, unless dist is what the last build made
 * of the same sources. Modules are put together by who needs them, because a command that is over
 * in a moment is mostly loading of files.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "rolldown";

const ROOT: URL = new URL("..", import.meta.url);

/** What is started or imported from outside; everything else is found from there. */
const ENTRIES: readonly string[] = [
	"main",
	"keys/token-process",
	"device/mint/mint-process",
	"show/stage/token-examiner",
	...globSync("entry/*.ts", { cwd: new URL("src", ROOT) }).map((path) =>
		path.slice(0, -".ts".length),
	),
];

const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(
	readFileSync(new URL("package.json", ROOT), "utf8"),
) as Readonly<Record<string, object>>;

/** They are installed beside us, and are loaded only where they are used. */
const INSTALLED: readonly string[] = Object.keys({
	...dependencies,
	...optionalDependencies,
	...peerDependencies,
});

/**
 * What commander asks of Node.js. It can start programs as subcommands, and we have none; what
 * it would load for them, and all that comes with the module of `process`, is a quarter of the
 * time that a command takes to start.
 */
const COMMANDER_ASKS: Readonly<Record<string, string>> = {
	"node:child_process": "{}",
	"node:fs": "{}",
	"node:process": "process",
	"node:events": 'process.getBuiltinModule("node:events")',
	"node:path": 'process.getBuiltinModule("node:path")',
};

const leanCommander: Plugin = {
	name: "lean commander",
	resolveId: (id, importer) =>
		importer?.includes("/node_modules/commander/") && id in COMMANDER_ASKS
			? `\0${id}`
			: null,
	load: (id) =>
		id.startsWith("\0node:")
			? `module.exports = ${COMMANDER_ASKS[id.slice(1)]};`
			: null,
};

/** What goes into dist and is not ours. Its licence asks that it goes along. */
const licences: Plugin = {
	name: "licences",
	generateBundle() {
		for (const name of ["commander", "zod"])
			this.emitFile({
				type: "asset",
				fileName: `LICENSE-${name}`,
				source: readFileSync(
					new URL(`node_modules/${name}/LICENSE`, ROOT),
					"utf8",
				),
			});
	},
};

/**
 * Whether it goes into dist although it is installed beside us. Homes, sides and commands read
 * their files with zod: of its 95 modules, of which more than fifty are translations, they need few, and a
 * command that asks a purse would load them for a seventh of its time.
 */
function isTakenAlong(id: string, importer: string | undefined): boolean {
	return id === "zod" && /\/src\/(cli|device)\//.test(importer ?? "");
}

/** What decides the outcome: sources, settings, and the tools that the lockfile names. */
const INPUTS: readonly string[] = [
	"src/**/*.ts",
	"tsconfig*.json",
	"package.json",
	"package-lock.json",
	"tools/build.ts",
];

/** Says from which inputs the last build made which outcome. */
const STAMP: URL = new URL("node_modules/.cache/tetrad/built", ROOT);

function digest(patterns: readonly string[]): string {
	const hash = createHash("sha256");
	for (const path of globSync(patterns, { cwd: ROOT }).sort()) {
		const bytes = readFileSync(new URL(path, ROOT));
		hash.update(`${path}\0${bytes.length}\0`).update(bytes);
	}
	return hash.digest("hex");
}

const state = (): string => digest(INPUTS) + digest(["dist/**/*.*"]);

function lastState(): string | undefined {
	try {
		return readFileSync(STAMP, "utf8");
	} catch {
		return undefined;
	}
}

async function makeCode(): Promise<void> {
	const { build } = await import("rolldown");
	await build({
		cwd: fileURLToPath(ROOT),
		input: Object.fromEntries(ENTRIES.map((name) => [name, `src/${name}.ts`])),
		platform: "node",
		plugins: [leanCommander, licences],
		external: (id, importer) =>
			!isTakenAlong(id, importer) &&
			INSTALLED.some((name) => id === name || id.startsWith(`${name}/`)),
		// No module of ours does anything by being imported, save those that are started.
		treeshake: { moduleSideEffects: false },
		output: {
			dir: "dist",
			cleanDir: true,
			chunkFileNames: "parts/[name].js",
			// Lines stay: Node shows the one that threw, to whoever has not caught it.
			minify: { mangle: false, codegen: { removeWhitespace: false } },
			sourcemap: true,
		},
	});
}

/** The compiler says on standard output what is wrong. */
function makeTypes(): void {
	const tsc = fileURLToPath(new URL("node_modules/typescript/bin/tsc", ROOT));
	execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
		cwd: ROOT,
		stdio: "inherit",
	});
}

if (lastState() !== state()) {
	await makeCode();
	makeTypes();
	mkdirSync(new URL(".", STAMP), { recursive: true });
	writeFileSync(STAMP, state());
}
