/* What documents name is there: files, headings, and every decision in the list of decisions. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = [
	"src",
	"test",
	"docs",
	"tools",
	"bench",
	"stock",
	"examples",
	"bin",
];
const DECISIONS = join(ROOT, "docs", "decisions");

/** These speak of what was, and all other documents of what is. */
const OF_THE_PAST = ["CHANGELOG.md", "test/fixtures/stores/README.md"];

const listed = (folder: string) =>
	readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map(
		(name) => join(folder, name),
	);

/** What is installed is not ours. */
const FILES: readonly string[] = FOLDERS.flatMap(listed).filter(
	(path) => !path.includes("node_modules"),
);

const DOCUMENTS: readonly string[] = [
	...readdirSync(ROOT),
	...FILES.filter((path) => !path.startsWith("docs/api")),
].filter((path) => path.endsWith(".md") && !OF_THE_PAST.includes(path));

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** The anchors of a document's headings, as forges make them. */
function anchorsOf(document: string): Set<string> {
	const headings = document
		.replace(/^```[\s\S]*?^```/gm, "")
		.matchAll(/^#+ (.+)$/gm);
	return new Set(
		[...headings].map(([, heading = ""]) =>
			heading
				.toLowerCase()
				.replace(/[^\p{L}\p{N} _-]/gu, "")
				.replaceAll(" ", "-"),
		),
	);
}

describe("the documents", () => {
	test("link to headings that are there", () => {
		let seen = 0;
		for (const path of DOCUMENTS)
			for (const [, to = "", anchor = ""] of read(path).matchAll(
				/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g,
			)) {
				const target = to === "" ? path : join(dirname(path), to);
				if (!target.endsWith(".md")) continue;
				seen++;
				assert.ok(
					anchorsOf(read(target)).has(anchor),
					`${path} links to ${target}#${anchor}`,
				);
			}
		assert.ok(seen > 50, `${seen} links to headings`);
	});

	test("name files and folders that are there", () => {
		const names = new Set(FILES.map((path) => basename(path)));
		let seen = 0;
		for (const path of DOCUMENTS)
			for (const [, named = ""] of read(path).matchAll(
				/`((?:src|test|docs|tools|bench|stock|examples|bin)\/[\w./-]+|[\w-]+(?:\.process)?(?:\.test)?\.ts)`/g,
			)) {
				seen++;
				const there = named.includes("/")
					? existsSync(resolve(ROOT, named))
					: names.has(named);
				assert.ok(there, `${path} names ${named}`);
			}
		assert.ok(seen > 50, `${seen} names of files`);
	});
});

describe("ARCHITECTURE.md", () => {
	const text = read("ARCHITECTURE.md");

	test("names every folder of src that has a front door", () => {
		const folders = FILES.filter(
			(path) => path.startsWith("src/") && basename(path) === "index.ts",
		).map(dirname);
		assert.deepEqual(
			folders.filter((folder) => !text.includes(`\`${folder}\``)),
			[],
		);
	});

	test("says of each folder which of its files to read first", () => {
		const rows = text.matchAll(/^\| `(src\/[\w/]+)` \|.+\| (.+) \|$/gm);
		let seen = 0;
		for (const [, folder = "", files = ""] of rows)
			for (const [, file = ""] of files.matchAll(/`([^`]+)`/g)) {
				seen++;
				assert.ok(existsSync(join(ROOT, folder, file)), `${folder}/${file}`);
			}
		assert.ok(seen > 30, `${seen} files to read first`);
	});

	test("speaks of types and functions that are declared", () => {
		const code = listed("src")
			.filter((path) => path.endsWith(".ts"))
			.map(read)
			.join("\n");
		for (const [, name] of text.matchAll(/`([A-Za-z]+[A-Z][A-Za-z]*)`/g))
			assert.match(
				code,
				new RegExp(`\\b(class|interface|function|type) ${name}\\b`),
			);
	});
});

describe("SECURITY.md", () => {
	test("names for each process that is taken over tests that are there", () => {
		const [, section = ""] =
			/\n## Which process holds what\n([\s\S]*?)\n## /.exec(
				read("SECURITY.md"),
			) ?? [];
		const [, table = ""] = section.split("| tried in |");
		const rows = table.split("\n").filter((line) => /^\| \w|^\| `/.test(line));
		assert.ok(rows.length >= 7, `${rows.length} rows`);
		for (const row of rows) {
			const named = [
				...(row.split(" | ").at(-1) ?? "").matchAll(/\[([^\]]+)\]\((.+?)\)/g),
			];
			assert.ok(named.length > 0, row);
			for (const [, title = "", file = ""] of named)
				assert.ok(read(file).includes(`test("${title}"`), `${file}: ${title}`);
		}
	});
});

describe("the decisions", () => {
	const records = readdirSync(DECISIONS).filter((name) => /^\d/.test(name));

	test("are all in the list, under their own headings", () => {
		const list = read("docs/decisions/README.md").matchAll(
			/^\| \[(\d+)\]\((.+)\) \| (.+) \|$/gm,
		);
		assert.deepEqual(
			[...list].map(([, number, file, title]) => [Number(number), file, title]),
			records.map((file, at) => [
				at + 1,
				file,
				/^# (.+)$/m.exec(read(join("docs/decisions", file)))?.[1],
			]),
		);
	});

	for (const file of records)
		test(`${file} says what, why, what else and what follows`, () => {
			const parts = read(join("docs/decisions", file)).matchAll(
				/^\*\*(.+?)\.\*\* \S/gm,
			);
			assert.deepEqual(
				[...parts].map(([, part]) => part),
				["What", "Why", "What else", "What follows"],
			);
		});
});
