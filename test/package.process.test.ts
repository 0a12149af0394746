import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { COMMANDS } from "../src/commands.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("..", import.meta.url));

function read<Of>(name: string): Of {
	return JSON.parse(
		readFileSync(new URL(`../${name}`, import.meta.url), "utf8"),
	) as Of;
}

const manifest: {
	readonly bin: Readonly<Record<string, string>>;
	readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
	readonly scripts: Readonly<Record<string, string>>;
	readonly dependencies: Readonly<Record<string, string>>;
	readonly optionalDependencies?: Readonly<Record<string, string>>;
} = read("package.json");

interface Locked {
	readonly dependencies?: Readonly<Record<string, string>>;
	readonly optionalDependencies?: Readonly<Record<string, string>>;
	readonly hasInstallScript?: true;
}

const { packages: LOCKED } = read<{
	readonly packages: Readonly<Record<string, Locked>>;
}>("package-lock.json");

/** Everything that is installed with us, by its place in the lockfile. */
function installed(): Set<string> {
	const found = new Set<string>();
	const walk = (
		place: string,
		{ dependencies, optionalDependencies }: Locked,
	) => {
		for (const name of Object.keys({
			...dependencies,
			...optionalDependencies,
		})) {
			const at = placeOf(place, name);
			if (found.has(at)) continue;
			found.add(at);
			walk(at, LOCKED[at] as Locked);
		}
	};
	walk("", manifest);
	return found;
}

/** Where a package that stands at `place` finds another one. */
function placeOf(place: string, name: string): string {
	for (
		let folder = place;
		;
		folder = folder.replace(/\/?node_modules\/(?:@[^/]+\/)?[^/]+$/, "")
	) {
		const at = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
		if (at in LOCKED) return at;
		assert.notEqual(folder, "", `${name} is not in the lockfile`);
	}
}

suite("whoever installs the package", () => {
	test("runs no script of ours", () => {
		for (const script of ["preinstall", "install", "postinstall"])
			assert.equal(manifest.scripts[script], undefined);
	});

	test("runs no script of what comes with it", () => {
		const all = installed();
		assert.ok(all.has("node_modules/zod") && all.size > 10);
		for (const place of all)
			assert.equal(LOCKED[place]?.hasInstallScript, undefined, place);
		// Such a script is known as one: a clone has the package of tokens.
		assert.ok(LOCKED["node_modules/pkcs11js"]?.hasInstallScript);
	});

	test("gets every file that the manifest names, and those that are started", async () => {
		const { stdout } = await run(
			"npm",
			["pack", "--dry-run", "--json", "--ignore-scripts"],
			{ cwd: ROOT, maxBuffer: 2 ** 24 },
		);
		const [{ files }] = JSON.parse(stdout) as [
			{ files: readonly { path: string }[] },
		];
		const packed = new Set(files.map(({ path }) => path));
		for (const path of [
			...Object.values(manifest.bin),
			...Object.values(manifest.exports).flatMap(Object.values),
			"dist/main.js",
			"dist/keys/token-process.js",
			"dist/device/mint/mint-process.js",
			"dist/show/stage/token-examiner.js",
			"dist/LICENSE-commander",
			"dist/LICENSE-zod",
			"README.md",
		])
			assert.ok(packed.has(path.replace("./", "")), path);
		for (const path of packed)
			assert.doesNotMatch(path, /^(src|test|tools|bench)\//);
	});
});

suite("a program that catches nothing", () => {
	test("is shown the error, and not a whole file of ours", async () => {
		const program = `
			import { openAgent } from ${JSON.stringify(pathToFileURL(`${ROOT}dist/entry/index.js`).href)};
			await openAgent("/nowhere");`;
		const running = run(process.execPath, [
			...["--input-type=module", "--eval", program],
		]);
		await assert.rejects(running, (thrown: { readonly stderr: string }) => {
			assert.match(thrown.stderr, /TetradError: \/nowhere is no side/);
			assert.ok(thrown.stderr.length < 4096, `${thrown.stderr.length}`);
			return true;
		});
	});
});

/** Which modules are loaded, by their URLs. */
async function loadedBy(args: readonly string[]): Promise<string[]> {
	const hooks = `import { registerHooks } from "node:module";
		import { writeSync } from "node:fs";
		registerHooks({ load(url, context, next) {
			writeSync(2, "loaded " + url + "\\n");
			return next(url, context);
		} });`;
	const { stderr } = await run(process.execPath, [
		"--import",
		`data:text/javascript,${encodeURIComponent(hooks)}`,
		...args,
		// What a command says before it fails counts, too.
	]).catch((thrown: { readonly stderr: string }) => thrown);
	return [...stderr.matchAll(/^loaded ((?!node:).+)$/gm)].map(
		([, url]) => url as string,
	);
}

const packageOf = (url: string): string | undefined =>
	/.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];

const packagesIn = (urls: readonly string[]): Set<string | undefined> =>
	new Set(urls.map(packageOf));

suite("what is loaded", () => {
	const program = fileURLToPath(new URL("../bin/tetrad.js", import.meta.url));

	for (const flag of ["--version", "--help"])
		test(`for ${flag} is the program alone`, async () => {
			const urls = await loadedBy([program, flag]);
			assert.deepEqual([...packagesIn(urls)], [undefined]);
			assert.ok(urls.length >= 2 && urls.length <= 8, urls.join("\n"));
		});

	for (const { name } of COMMANDS)
		test(`for the help of ${name} is no package`, async () => {
			const urls = await loadedBy([program, name, "--help"]);
			assert.deepEqual([...packagesIn(urls)], [undefined]);
		});

	test("for a device that nobody watches is nothing of metrics, traces and ecash", async () => {
		const urls = await loadedBy([
			...[program, "module", "--home", "/nowhere", "--listen", "unix:/no"],
		]);
		const packages = packagesIn(urls);
		assert.ok(packages.has("pino"), "what is loaded is seen");
		for (const name of packages)
			assert.doesNotMatch(
				name ?? "",
				/prom-client|opentelemetry|@cashu|@noble/,
			);
	});

	test("for the library is nothing of commands, HTTP, databases and tokens", async () => {
		const library = pathToFileURL(`${ROOT}dist/entry/index.js`);
		const urls = await loadedBy([
			"--input-type=module",
			"-e",
			`await import("${library}");`,
		]);
		const packages = packagesIn(urls);
		for (const name of [
			"hono",
			"@hono/zod-openapi",
			"@hono/node-server",
			"postgres",
			"pino",
			"prom-client",
			"@cashu/cashu-ts",
			"@opentelemetry/api",
			"@opentelemetry/sdk-trace",
			"pkcs11js",
			"commander",
			"cli-table3",
			"cli-progress",
		])
			assert.ok(!packages.has(name), name);
		for (const url of urls)
			assert.doesNotMatch(url, /dist\/main\.js|commander/);
		assert.ok(packages.has("@scure/base"), "what is loaded is seen");
	});
});
