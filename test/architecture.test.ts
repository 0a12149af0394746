import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SRC = join(ROOT, "src");

/** Which rooms a room may import from; `errors.ts` is everybody's, and `main.ts` may import everything. The first seven do no IO. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
	crypto: [],
	wire: [],
	machine: [],
	identity: ["crypto", "wire"],
	session: ["crypto", "wire", "identity"],
	tetrad: ["crypto", "wire", "machine", "identity", "session"],
	money: ["crypto", "wire", "machine", "identity"],
	keys: ["crypto", "wire", "identity"],
	carrier: ["wire"],
	store: ["wire", "machine"],
	device: [
		"crypto",
		"wire",
		"machine",
		"identity",
		"session",
		"tetrad",
		"money",
		"keys",
		"carrier",
		"store",
	],
	cli: [
		"crypto",
		"wire",
		"identity",
		"session",
		"tetrad",
		"money",
		"keys",
		"carrier",
		"store",
		"device",
	],
	show: [
		"crypto",
		"wire",
		"identity",
		"session",
		"tetrad",
		"money",
		"keys",
		"carrier",
		"device",
		"cli",
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
];

/** What a room without IO may take from outside the project. */
const PURE_PACKAGES: readonly RegExp[] = [
	/^@peculiar\/asn1-(schema|x509)$/,
	/^@scure\/base$/,
	/^@scure\/bip39\/wordlists\/english\.js$/,
];

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

/** Machines answer at once: nothing in them waits. */
const BANNED_IN_MACHINES: readonly (readonly [RegExp, string])[] = [
	[/\basync\b|\bawait\b|\bPromise\b/, "nothing waits in a machine"],
];

function sources(folder: string): string[] {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
		.map((entry) => join(entry.parentPath, entry.name));
}

function importsOf(text: string): string[] {
	return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(
		([, name]) => name as string,
	);
}

/** Comments may speak of what the code must not use. */
function withoutComments(text: string): string {
	return text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, "$1");
}

describe("the rooms", () => {
	for (const [room, allowed] of Object.entries(MAY_IMPORT))
		test(`${room} imports only ${allowed.join(", ") || "errors"}`, () => {
			const files = sources(join(SRC, room));
			assert.ok(files.length > 0, `src/${room} has sources`);
			for (const file of files)
				for (const name of importsOf(readFileSync(file, "utf8"))) {
					if (!name.startsWith(".")) continue;
					const target = relative(SRC, resolve(dirname(file), name));
					if (target === "errors.ts") continue;
					const other = target.split("/")[0] as string;
					if (other === room) continue;
					const where = `${relative(ROOT, file)} imports ${name}`;
					assert.ok(allowed.includes(other), where);
					// A room is entered by its front door, where it has one.
					if (existsSync(join(SRC, other, "index.ts")))
						assert.equal(target, `${other}/index.ts`, where);
				}
		});

	test("every room is in this list", () => {
		const rooms = readdirSync(SRC, { withFileTypes: true })
			.filter((entry) => entry.isDirectory())
			.map(({ name }) => name);
		assert.deepEqual(rooms.toSorted(), Object.keys(MAY_IMPORT).toSorted());
	});
});

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
							: PURE_PACKAGES.some((allowed) => allowed.test(name));
					assert.ok(fine, `${path} imports ${name}`);
				}
				if (path === PROVIDER) continue;
				const isMachine =
					["machine", "session", "tetrad", "money"].includes(room) &&
					!DECLARATIONS.includes(path);
				for (const [banned, why] of [
					...BANNED_IN_PURE,
					...(isMachine ? BANNED_IN_MACHINES : []),
				])
					assert.doesNotMatch(withoutComments(text), banned, `${path}: ${why}`);
			}
		});
});

describe("the documents", () => {
	test("the README's library example is examples/one-process.ts, under 25 lines, and runs", () => {
		const readme = readFileSync(join(ROOT, "README.md"), "utf8");
		const path = join(ROOT, "examples", "one-process.ts");
		const example = readFileSync(path, "utf8").trim();
		const block = /```ts\n([\s\S]*?)```/.exec(readme)?.[1]?.trim();
		assert.equal(block, example);
		const lines = example.split("\n").filter((line) => line.trim() !== "");
		assert.ok(lines.length < 25, `${lines.length} lines`);
		const said = execFileSync(process.execPath, [path], { encoding: "utf8" });
		const [one, two, three, four, code] = said.trim().split("\n");
		assert.deepEqual([one, two, three, four], Array(4).fill("hello"));
		const [atA, atY] = code?.split(" = ") ?? [];
		assert.ok(atA && atA === atY);
	});

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
		const lock = readFileSync(join(ROOT, "package-lock.json"), "utf8");
		assert.doesNotMatch(lock, /"resolved": "http/);
	});
});
