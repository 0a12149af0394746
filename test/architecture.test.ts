import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SRC = join(ROOT, "src");

/**
 * Which folders a folder may import from, by their front doors. What is in a room without a folder
 * of its own is for all of the room, so a folder inside imports it directly. `errors.ts` is
 * everybody's, `package-file.ts` that of the rooms with IO, and `main.ts` above all rooms may import everything.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
	crypto: [],
	wire: ["crypto"],
	machine: [],
	identity: ["identity/x509", "wire"],
	"identity/issue": [
		"crypto",
		"identity/untrusted",
		"identity/verdicts",
		"identity/x509",
		"wire",
	],
	"identity/untrusted": ["crypto", "identity", "identity/x509", "wire"],
	"identity/verdicts": [
		"crypto",
		"identity",
		"identity/untrusted",
		"identity/x509",
		"wire",
	],
	"identity/x509": ["crypto", "wire"],
	session: ["crypto", "identity", "wire"],
	tetrad: ["crypto", "identity", "machine", "session", "wire"],
	"tetrad/admission": ["crypto", "machine", "tetrad", "wire"],
	"tetrad/link": ["identity", "machine", "session", "tetrad", "wire"],
	"tetrad/role": ["identity", "machine", "session", "tetrad", "wire"],
	money: ["crypto", "identity", "machine", "money/documents", "wire"],
	"money/cashu": ["crypto", "money/documents", "wire"],
	"money/agent": ["machine", "money/documents", "wire"],
	"money/documents": ["crypto", "identity", "wire"],
	"money/issuer": [
		"crypto",
		"identity",
		"machine",
		"money",
		"money/documents",
		"wire",
	],
	"money/issuer/audit": [
		"crypto",
		"identity",
		"machine",
		"money/documents",
		"money/issuer",
		"wire",
	],
	"money/purse": [
		"crypto",
		"identity",
		"machine",
		"money",
		"money/documents",
		"wire",
	],
	"money/purse/ecash": [
		"crypto",
		"identity",
		"machine",
		"money/cashu",
		"money/documents",
		"money/purse",
		"wire",
	],
	mint: ["wire"],
	talk: ["crypto", "machine", "money/documents", "wire"],
	"trade/records": ["crypto", "machine", "money", "money/agent"],
	"trade/documents": ["crypto", "identity", "money/documents", "wire"],
	"trade/agent": [
		"crypto",
		"identity",
		"machine",
		"money/documents",
		"trade/documents",
		"trade/merchandise",
		"wire",
	],
	"trade/merchandise": ["crypto", "identity", "trade/documents", "wire"],
	"trade/issuer": ["crypto", "identity", "money", "trade/documents", "wire"],
	"trade/module": [
		"identity",
		"machine",
		"money",
		"money/documents",
		"trade/documents",
		"wire",
	],
	provider: ["crypto", "money/cashu", "wire"],
	keys: ["crypto", "identity", "provider", "wire"],
	carrier: ["wire"],
	store: ["machine"],
	"device/authority": [
		"crypto",
		"device/home",
		"device/purse",
		"device/runtime",
		"identity",
		"keys",
		"money",
		"wire",
	],
	"device/doctor": [
		"carrier",
		"device/home",
		"device/issuer",
		"device/purse",
		"device/service",
		"device/side",
		"device/trade",
		"identity",
		"money",
		"provider",
		"tetrad",
		"wire",
	],
	"device/home": [
		"crypto",
		"device/runtime",
		"identity",
		"keys",
		"provider",
		"store",
		"tetrad",
		"wire",
	],
	"device/issuer": [
		"crypto",
		"device/home",
		"device/purse",
		"device/runtime",
		"identity",
		"keys",
		"machine",
		"money",
		"provider",
		"store",
		"talk",
		"trade/issuer",
		"wire",
	],
	"device/issuer/http": [
		"device/home",
		"device/http",
		"device/issuer",
		"money",
		"wire",
	],
	"device/http": ["crypto", "wire"],
	"device/mint": ["device/http", "machine", "mint", "store"],
	"device/operating": ["device/home"],
	"device/operating/log": [],
	"device/operating/metrics": [
		"device/home",
		"device/http",
		"device/operating",
		"device/process",
		"device/purse",
		"device/trade",
		"identity",
	],
	"device/operating/traces": ["crypto", "device/process", "wire"],
	"device/process": [
		"carrier",
		"crypto",
		"device/home",
		"device/issuer",
		"device/issuer/http",
		"device/purse",
		"device/runtime",
		"device/trade",
		"machine",
		"money",
		"provider",
		"talk",
		"tetrad",
		"trade/documents",
		"trade/records",
		"wire",
	],
	"device/purse": [
		"crypto",
		"device/home",
		"device/runtime",
		"identity",
		"keys",
		"machine",
		"money",
		"money/cashu",
		"provider",
		"store",
		"trade/module",
		"trade/records",
		"wire",
	],
	"device/service": [
		"carrier",
		"crypto",
		"device/home",
		"device/issuer",
		"device/issuer/http",
		"device/process",
		"device/purse",
		"device/runtime",
		"device/side",
		"device/supervisor",
		"device/trade",
		"identity",
		"keys",
		"money",
		"money/cashu",
		"provider",
		"talk",
		"tetrad",
		"trade/agent",
		"trade/documents",
		"trade/records",
		"wire",
	],
	"device/side": [
		"carrier",
		"device/home",
		"keys",
		"money",
		"trade/agent",
		"trade/documents",
	],
	"device/setup": [
		"carrier",
		"crypto",
		"device/authority",
		"device/home",
		"device/issuer",
		"device/issuer/http",
		"device/mint",
		"device/purse",
		"device/runtime",
		"device/side",
		"identity",
		"keys",
		"money",
		"wire",
	],
	"device/supervisor": [
		"carrier",
		"device/home",
		"device/process",
		"device/side",
	],
	"device/trade": [
		"carrier",
		"crypto",
		"device/home",
		"device/purse",
		"device/runtime",
		"identity",
		"machine",
		"money",
		"provider",
		"store",
		"talk",
		"trade/agent",
		"trade/documents",
		"trade/merchandise",
		"trade/records",
		"wire",
	],
	"device/runtime": [
		"carrier",
		"crypto",
		"identity",
		"machine",
		"money",
		"provider",
		"tetrad",
		"trade/documents",
		"wire",
	],
	paid: [
		"carrier",
		"crypto",
		"device/home",
		"device/service",
		"device/trade",
		"money",
		"wire",
	],
	"paid/x402": ["crypto", "paid", "wire"],
	"http/x402": ["device/service", "money", "paid", "paid/x402", "wire"],
	mcp: ["device/service", "money", "paid", "paid/x402", "wire"],
	"mcp/tools": [
		"carrier",
		"device/http",
		"device/process",
		"device/service",
		"money",
		"trade/documents",
		"wire",
	],
	entry: [
		"carrier",
		"crypto",
		"device/authority",
		"device/purse",
		"device/runtime",
		"device/service",
		"device/trade",
		"http/x402",
		"identity",
		"keys",
		"machine",
		"mcp",
		"money",
		"paid",
		"provider",
		"session",
		"store",
		"testing",
		"tetrad",
		"trade/documents",
		"wire",
	],
	testing: [
		"carrier",
		"crypto",
		"device/authority",
		"device/issuer",
		"device/purse",
		"device/runtime",
		"device/trade",
		"identity",
		"keys",
		"machine",
		"money",
		"store",
		"tetrad",
		"trade/documents",
		"trade/merchandise",
		"trade/records",
		"wire",
	],
	attack: [
		"attack/hostile",
		"carrier",
		"crypto",
		"device/authority",
		"device/process",
		"device/purse",
		"device/service",
		"device/setup",
		"device/side",
		"device/supervisor",
		"money",
		"tetrad",
		"wire",
	],
	"attack/binding": [
		"attack",
		"attack/hostile",
		"crypto",
		"tetrad",
		"trade/documents",
		"wire",
	],
	"attack/certificates": [
		"attack",
		"attack/hostile",
		"attack/records",
		"crypto",
		"identity",
		"keys",
		"tetrad",
		"wire",
	],
	"attack/command-line": [
		"attack",
		"attack/market",
		"device/issuer",
		"money",
		"trade/documents",
	],
	"attack/denial-of-service": [
		"attack",
		"attack/hostile",
		"attack/http",
		"attack/market",
		"carrier",
		"device/service",
		"money",
		"trade/documents",
		"wire",
	],
	"attack/handshake": [
		"attack",
		"attack/hostile",
		"crypto",
		"session",
		"tetrad",
		"wire",
	],
	"attack/hostile": [
		"carrier",
		"crypto",
		"device/home",
		"device/runtime",
		"device/side",
		"identity",
		"machine",
		"money/documents",
		"tetrad",
		"trade/documents",
		"wire",
	],
	"attack/http": [
		"attack",
		"attack/market",
		"carrier",
		"device/issuer",
		"wire",
	],
	"attack/links": [
		"attack",
		"attack/hostile",
		"carrier",
		"crypto",
		"device/home",
		"device/process",
		"device/runtime",
		"device/side",
		"device/supervisor",
		"tetrad",
		"wire",
	],
	"attack/market": [
		"attack",
		"carrier",
		"crypto",
		"device/home",
		"device/purse",
		"device/runtime",
		"device/service",
		"device/side",
		"device/trade",
		"identity",
		"money",
		"trade/documents",
		"wire",
	],
	"attack/mcp": [
		"attack",
		"attack/http",
		"attack/market",
		"carrier",
		"device/supervisor",
		"keys",
		"trade/documents",
		"wire",
	],
	"attack/payments": [
		"attack",
		"attack/market",
		"carrier",
		"crypto",
		"device/home",
		"device/purse",
		"device/runtime",
		"device/service",
		"device/side",
		"keys",
		"money",
		"wire",
	],
	"attack/purchases": [
		"attack",
		"attack/market",
		"crypto",
		"device/service",
		"device/trade",
		"money",
		"trade/documents",
		"trade/merchandise",
		"wire",
	],
	"attack/rails": [
		"attack",
		"attack/market",
		"device/service",
		"http/x402",
		"money",
		"trade/documents",
		"wire",
	],
	"attack/records": [
		"attack",
		"attack/hostile",
		"crypto",
		"session",
		"tetrad",
		"trade/documents",
		"wire",
	],
	"attack/storage": [
		"attack",
		"attack/links",
		"device/home",
		"device/purse",
		"device/runtime",
		"device/service",
	],
	"attack/suite": [
		"attack",
		"attack/binding",
		"attack/certificates",
		"attack/command-line",
		"attack/denial-of-service",
		"attack/handshake",
		"attack/hostile",
		"attack/http",
		"attack/links",
		"attack/mcp",
		"attack/payments",
		"attack/purchases",
		"attack/rails",
		"attack/records",
		"attack/storage",
	],
	"cli/attack": ["attack", "attack/suite", "carrier", "cli"],
	cli: [
		"carrier",
		"device/home",
		"device/issuer",
		"device/operating/log",
		"device/operating/metrics",
		"device/operating/traces",
		"device/process",
		"device/service",
		"device/side",
		"identity",
		"keys",
		"money",
		"session",
		"tetrad",
		"trade/documents",
	],
	"cli/authority": [
		"cli",
		"crypto",
		"device/authority",
		"device/home",
		"identity",
	],
	"cli/completion": ["cli"],
	"cli/config": ["cli", "device/side"],
	"cli/device": [
		"carrier",
		"cli",
		"crypto",
		"device/authority",
		"device/home",
		"device/operating",
		"device/process",
		"device/purse",
		"device/runtime",
		"device/service",
		"device/side",
		"identity",
		"money",
		"talk",
		"tetrad",
		"wire",
	],
	"cli/doctor": [
		"carrier",
		"cli",
		"device/doctor",
		"device/purse",
		"device/service",
		"device/side",
		"money",
	],
	"cli/issuer": [
		"carrier",
		"cli",
		"device/home",
		"device/issuer",
		"device/purse",
		"device/service",
		"device/side",
		"money",
	],
	"cli/limits": ["cli", "device/service", "money"],
	"cli/log": ["cli", "device/purse", "money", "wire"],
	"cli/mcp": [
		"cli",
		"device/home",
		"device/service",
		"device/side",
		"keys",
		"mcp/tools",
		"wire",
	],
	"cli/purse": [
		"carrier",
		"cli",
		"device/process",
		"device/purse",
		"device/service",
		"device/side",
		"identity",
		"money",
	],
	"cli/side": [
		"carrier",
		"cli",
		"crypto",
		"device/authority",
		"device/home",
		"device/mint",
		"device/process",
		"device/purse",
		"device/service",
		"device/setup",
		"device/side",
		"device/supervisor",
		"identity",
		"keys",
		"money",
		"trade/documents",
		"wire",
	],
	"cli/trade": [
		"carrier",
		"cli",
		"device/home",
		"device/process",
		"device/purse",
		"device/service",
		"device/side",
		"device/trade",
		"money",
		"talk",
		"tetrad",
		"trade/agent",
		"trade/documents",
	],
	"cli/verify": [
		"cli",
		"device/authority",
		"device/process",
		"device/purse",
		"device/trade",
		"money",
		"trade/documents",
		"wire",
	],
	show: [
		"cli",
		"device/process",
		"session",
		"show/stage",
		"tetrad",
		"trade/documents",
	],
	"show/stage": [
		"carrier",
		"cli",
		"crypto",
		"device/home",
		"device/issuer",
		"device/issuer/http",
		"device/mint",
		"device/process",
		"device/purse",
		"device/runtime",
		"device/setup",
		"device/supervisor",
		"device/trade",
		"identity",
		"keys",
		"money",
		"session",
		"talk",
		"tetrad",
		"trade/documents",
		"wire",
	],
};

const PURE = [
	"crypto",
	"wire",
	"machine",
	"identity",
	"session",
	"tetrad",
	"money",
	"talk",
	"trade",
	"mint",
];

/** What a room without IO may take from outside the project. */
const PURE_PACKAGES: readonly RegExp[] = [
	/^@scure\/base$/,
	/^@scure\/bip39\/wordlists\/english\.js$/,
];

/** What one room may take beside that: a mint is made of the primitives of Cashu's own library. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
	mint: "@cashu/cashu-ts",
};

/** The one place where the primitives come from. */
const PROVIDER = "crypto/node.ts";

/** Where a machine's room declares what others carry out for it, who may wait. */
const DECLARATIONS = ["machine/store.ts"];

const BANNED_IN_PURE: readonly (readonly [RegExp, string])[] = [
	[/\bDate\.now\b|\bnew Date\(\)/, "time is passed in"],
	[/\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/, "no timers"],
	[/\bMath\.random\b/, "randomness is provided"],
	[/\bprocess\.|\bconsole\.|\bfetch\(|\bglobalThis\b|\bperformance\b/, "no IO"],
	[/\bBuffer\b/, "Uint8Array only, so that it can be ported"],
	[/\.slice\(\)/, "slice of a Buffer is a view: use copy"],
];

/** The one decoder of texts, which refuses what is not UTF-8. */
const DECODER = "wire/encoding.ts";

/** Machines answer at once: nothing in them waits. */
const BANNED_IN_MACHINES: readonly (readonly [RegExp, string])[] = [
	[/\basync\b|\bawait\b|\bPromise\b/, "nothing waits in a machine"],
];

function sources(folder: string): string[] {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
		.map((entry) => join(entry.parentPath, entry.name));
}

/** What code imports; the examples in its comments import `tetrad` as users do. */
function importsOf(text: string): string[] {
	return [
		...withoutComments(text).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g),
	].map(([, name]) => name as string);
}

/** Comments may speak of what the code must not use. */
function withoutComments(text: string): string {
	return text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, "$1");
}

interface Import {
	/** Both relative to src. */
	readonly from: string;
	readonly to: string;
}

const IMPORTS: readonly Import[] = sources(SRC).flatMap((file) =>
	importsOf(readFileSync(file, "utf8"))
		.filter((name) => name.startsWith(".") && name.endsWith(".ts"))
		.map((name) => ({
			from: relative(SRC, file),
			to: relative(SRC, resolve(dirname(file), name)),
		}))
		.filter(
			({ from, to }) =>
				to !== "errors.ts" &&
				(to !== "package-file.ts" ||
					PURE.some((room) => from.startsWith(`${room}/`))),
		),
);

const FOLDERS: readonly string[] = [
	...new Set(sources(SRC).map((file) => dirname(relative(SRC, file)))),
].filter((folder) => folder !== ".");

const isDoor = (path: string) => basename(path) === "index.ts";
const contains = (folder: string, path: string) =>
	path.startsWith(`${folder}/`);

/** A folder's door shows what is in its own folders. */
const shows = ({ from, to }: Import) =>
	isDoor(from) && contains(dirname(from), to);

describe("the rooms", () => {
	test("each folder is in the table, and has a front door", () => {
		const withDoor = FOLDERS.filter((folder) =>
			existsSync(join(SRC, folder, "index.ts")),
		);
		assert.deepEqual(FOLDERS.toSorted(), Object.keys(ARROWS).toSorted());
		assert.deepEqual(FOLDERS.toSorted(), withDoor.toSorted());
	});

	for (const [folder, allowed] of Object.entries(ARROWS))
		test(`${folder} imports only ${allowed.join(", ") || "errors"}`, () => {
			const used = new Set<string>();
			for (const one of IMPORTS) {
				const to = dirname(one.to);
				if (dirname(one.from) !== folder || to === folder || shows(one))
					continue;
				assert.ok(allowed.includes(to), `${one.from} imports ${one.to}`);
				used.add(to);
			}
			assert.deepEqual([...used].toSorted(), allowed, "no arrow is unused");
		});

	test("whoever is not in a folder enters it by its front door", () => {
		for (const { from, to } of IMPORTS)
			assert.ok(
				isDoor(to) || dirname(to) === "." || contains(dirname(to), from),
				`${from} imports ${to}`,
			);
	});

	test("folders import in no circle", () => {
		assert.equal(circleIn(new Map(Object.entries(ARROWS))), undefined);
	});

	test("files import in no circle, also of types", () => {
		const files = new Map<string, string[]>();
		for (const { from, to } of IMPORTS)
			files.set(from, [...(files.get(from) ?? []), to]);
		assert.equal(circleIn(files), undefined);
	});

	test("a circle is found", () => {
		const three = new Map([
			["a", ["b"]],
			["b", ["c"]],
			["c", ["b"]],
		]);
		assert.equal(circleIn(three), "b → c → b");
	});
});

/** Some circle of a graph, written out, or `undefined`. */
function circleIn(
	graph: ReadonlyMap<string, readonly string[]>,
): string | undefined {
	const done = new Set<string>();
	const walk = (at: string, path: readonly string[]): string | undefined => {
		if (path.includes(at))
			return [...path.slice(path.indexOf(at)), at].join(" → ");
		if (done.has(at)) return undefined;
		for (const next of graph.get(at) ?? []) {
			const found = walk(next, [...path, at]);
			if (found !== undefined) return found;
		}
		done.add(at);
		return undefined;
	};
	for (const at of graph.keys()) {
		const found = walk(at, []);
		if (found !== undefined) return found;
	}
	return undefined;
}

describe("the rooms above the line do no IO", () => {
	for (const room of PURE)
		test(room, () => {
			for (const file of sources(join(SRC, room))) {
				const path = relative(SRC, file);
				const text = readFileSync(file, "utf8");
				for (const name of importsOf(text)) {
					if (name.startsWith(".")) continue;
					const fine =
						path === PROVIDER
							? name === "node:crypto"
							: PURE_PACKAGES.some((allowed) => allowed.test(name)) ||
								name === PACKAGE_OF[room];
					assert.ok(fine, `${path} imports ${name}`);
				}
				if (path === PROVIDER) continue;
				const isMachine =
					[
						"machine",
						"session",
						"tetrad",
						"money",
						"talk",
						"trade",
						"mint",
					].includes(room) && !DECLARATIONS.includes(path);
				if (path !== DECODER)
					assert.doesNotMatch(withoutComments(text), /\bTextDecoder\b/, path);
				for (const [banned, why] of [
					...BANNED_IN_PURE,
					...(isMachine ? BANNED_IN_MACHINES : []),
				])
					assert.doesNotMatch(withoutComments(text), banned, `${path}: ${why}`);
			}
		});
});

/** What a test that starts processes or real services is called. */
const MARK = ".process.test.ts";
const TEST = join(ROOT, "test");

/** The modules of Node that start another process or thread. */
const STARTERS = /^node:(child_process|cluster|worker_threads)$/;

/**
 * What is imported by many who start nothing: one starts a process only for a key in a token, and
 * one only for a module that an agent needs and that does not run.
 */
const START_WHEN_NEEDED: readonly string[] = [
	join(SRC, "keys", "token-host.ts"),
	join(SRC, "device", "service", "module-host.ts"),
];

/** How a file reaches a starter by what it loads, types aside, written out; or `undefined`. */
function wayToStarter(
	file: string,
	seen: Set<string> = new Set(),
): string | undefined {
	if (START_WHEN_NEEDED.includes(file) || seen.has(file) || !existsSync(file))
		return undefined;
	seen.add(file);
	const loaded = readFileSync(file, "utf8").replace(
		/^(?:import|export) type [^;]*;/gm,
		"",
	);
	for (const name of importsOf(loaded)) {
		const rest = STARTERS.test(name)
			? name
			: name.startsWith(".")
				? wayToStarter(resolve(dirname(file), name), seen)
				: undefined;
		if (rest !== undefined) return `${relative(ROOT, file)} → ${rest}`;
	}
	return undefined;
}

describe("the tests", () => {
	const files = sources(TEST).filter((file) => file.endsWith(".test.ts"));

	test(`only those named *${MARK} start processes, and all of them do`, () => {
		assert.ok(files.length > 100);
		const unmarked: string[] = [];
		const marked: string[] = [];
		for (const file of files) {
			const way = wayToStarter(file);
			if (!file.endsWith(MARK) && way !== undefined) unmarked.push(way);
			if (file.endsWith(MARK) && way === undefined)
				marked.push(relative(ROOT, file));
		}
		assert.deepEqual(unmarked, [], `rename these to *${MARK}`);
		assert.deepEqual(marked, [], "rename these to *.test.ts");
	});

	test("a way to a process is found, and types lead nowhere", () => {
		const support = join(TEST, "support");
		assert.equal(
			wayToStarter(join(support, "commands.ts")),
			"test/support/commands.ts → test/support/processes.ts → node:child_process",
		);
		assert.equal(wayToStarter(join(support, "homes.ts")), undefined);
		assert.equal(wayToStarter(join(TEST, "keys", "support.ts")), undefined);
	});
});

describe("the documents", () => {
	test("links between documents lead somewhere", () => {
		const documents = readdirSync(ROOT, {
			recursive: true,
			encoding: "utf8",
		}).filter((name) => name.endsWith(".md") && !name.includes("node_modules"));
		assert.ok(documents.length >= 5);
		for (const name of documents) {
			const text = readFileSync(join(ROOT, name), "utf8");
			for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#\s]+)/g))
				assert.ok(
					existsSync(resolve(ROOT, dirname(name), target as string)),
					`${name} links to ${target}`,
				);
		}
	});

	test("no lockfile names where a package was downloaded", () => {
		for (const folder of [".", "site", "stock"]) {
			const path = join(ROOT, folder, "package-lock.json");
			const { packages } = JSON.parse(readFileSync(path, "utf8"));
			// A workspace is named by its folder.
			for (const { resolved = "" } of Object.values<{ resolved?: string }>(
				packages,
			))
				assert.doesNotMatch(resolved, /:/);
		}
	});
});
