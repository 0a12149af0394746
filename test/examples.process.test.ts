/* What the docstrings show as examples compiles against the sources, and runs where it stands alone. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What an example may speak of without saying where it comes from. */
const GIVEN: Readonly<Record<string, string>> = {
	agency: 'import("tetrad").SoftwareAuthority',
	agent: 'import("tetrad").TrustedAgent',
	askOwner: "(question: string) => Promise<boolean>",
	bank: 'import("tetrad").SoftwareAuthority',
	buyer: 'import("tetrad").AgentService',
	contract: "Uint8Array",
	identity: 'import("tetrad").DeviceIdentity',
	merchant: 'import("tetrad").AgentService',
	other: 'import("tetrad").TrustedAgent',
	pairing: 'import("tetrad").Paired["pairing"]',
	payment: 'import("tetrad").Payment',
	payments: 'import("tetrad").Payments',
	policy: 'import("tetrad").Policy',
	terms: 'import("tetrad").IssuerTerms',
	tetrad: 'import("tetrad").Tetrad',
};

/** What must have an example: who starts with Tetrad begins with these. */
const NEED_ONE = [
	"connect",
	"listen",
	"makePolicy",
	"MoneyModule",
	"memoryCarriers",
	"openAgent",
	"pairInProcess",
	"parseAmount",
	"Payments",
	"Purse",
	"SoftwareAuthority",
	"TestTown",
	"TetradError",
	"TetradPayments",
	"TradingAgent",
	"TrustedAgent",
	"wrapFetchWithTetrad",
];

interface Example {
	/** The export that it is for. */
	readonly of: string;
	readonly source: string;
	readonly code: string;
	/** Which of `GIVEN` it uses. */
	readonly given: readonly string[];
}

const DOC_AND_NAME =
	/\/\*\*\n((?: \*.*\n)+?) \*\/\nexport (?:async )?(?:function|class|interface|const|type) (\w+)/g;
const CODE = /^ \* @example\n \* ```ts\n((?: \*.*\n)+?) \* ```$/m;

function examplesOf(source: string): Example[] {
	const text = readFileSync(join(ROOT, source), "utf8");
	const found: Example[] = [];
	for (const [, doc = "", of = ""] of text.matchAll(DOC_AND_NAME)) {
		const code = CODE.exec(doc)?.[1]?.replace(/^ \* ?/gm, "");
		if (code !== undefined)
			found.push({ of, source, code, given: given(code) });
	}
	return found;
}

function given(code: string): string[] {
	return Object.keys(GIVEN).filter(
		(name) =>
			new RegExp(`(?<![./"'])\\b${name}\\b`).test(code) &&
			!new RegExp(`(const|using|const \\{) ${name}\\b`).test(code),
	);
}

function sources(): string[] {
	return readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".ts"))
		.map((name) => join("src", name));
}

const EXAMPLES = sources().flatMap(examplesOf);

describe("the examples in docstrings", () => {
	let folder: string;
	const fileOf = (example: Example) =>
		join(folder, `${EXAMPLES.indexOf(example)}-${example.of}.ts`);

	before(() => {
		mkdirSync(join(ROOT, "dist"), { recursive: true });
		// Within the project, so that an example finds `tetrad` as its users do.
		folder = mkdtempSync(join(ROOT, "dist", "examples-"));
		mkdirSync(join(folder, "home"), { mode: 0o700 });
		mkdirSync(join(folder, "shop"));
		writeFileSync(join(folder, "shop", "photo.jpg"), "a harbour");
		for (const example of EXAMPLES) {
			const declared = example.given.map(
				(name) => `declare const ${name}: ${GIVEN[name]};\n`,
			);
			writeFileSync(fileOf(example), `${declared.join("")}${example.code}`);
		}
	});
	after(() => rmSync(folder, { recursive: true }));

	test("stand where users begin", () => {
		const shown = EXAMPLES.map(({ of }) => of);
		assert.deepEqual(
			NEED_ONE.filter((name) => !shown.includes(name)),
			[],
		);
	});

	test("every @example is found", () => {
		const marks = sources()
			.map((name) => readFileSync(join(ROOT, name), "utf8"))
			.flatMap((text) => [...text.matchAll(/@example\b/g)]);
		assert.equal(EXAMPLES.length, marks.length);
	});

	test("compile, and the example of the README with them", () => {
		const config = {
			extends: join(ROOT, "tsconfig.json"),
			compilerOptions: {
				noUnusedLocals: false,
				paths: {
					tetrad: [join(ROOT, "src/entry/index.ts")],
					"tetrad/*": [join(ROOT, "src/entry/*.ts")],
				},
			},
			include: [folder, join(ROOT, "examples")],
			// These are on packages that a clone does not have; stock/ holds them to their types.
			exclude: [join(ROOT, "examples", "stock")],
		};
		const path = join(folder, "tsconfig.json");
		writeFileSync(path, JSON.stringify(config));
		const tsc = join(ROOT, "node_modules", ".bin", "tsc");
		const { stdout, status } = spawnSync(tsc, ["-p", path], {
			encoding: "utf8",
		});
		assert.equal(status, 0, stdout);
	});

	for (const example of EXAMPLES.filter(({ given }) => given.length === 0))
		test(`of ${example.of} in ${relative("src", example.source)} runs, and prints what it says`, () => {
			const printed = execFileSync(process.execPath, [fileOf(example)], {
				encoding: "utf8",
				cwd: folder,
				env: { ...process.env, PASSPHRASE: "correct horse battery staple" },
			});
			const said = [...example.code.matchAll(/console\.log\(.*\/\/ (.+)$/gm)];
			assert.deepEqual(
				said.map(([, line]) => line).join("\n"),
				said.length === 0 ? "" : printed.trim(),
			);
		});
});
