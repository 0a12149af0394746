/*
 * What each entry point of the package shows, as API Extractor writes it down from the emitted
 * declarations. The reports stand in docs/api; test/api.process.test.ts holds the code to them, and
 * `npx node tools/api-report.ts` renews them, so that a change of what users see is made on purpose.
 */
import { execFileSync } from "node:child_process";
import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
	CompilerState,
	Extractor,
	ExtractorConfig,
	ExtractorLogLevel,
	type IConfigFile,
} from "@microsoft/api-extractor";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Where the reports stand. */
export const REPORTS: string = join(ROOT, "docs", "api");

/** The entry points by the names of their files: `index` is the root. */
export const ENTRIES: readonly string[] = readdirSync(join(ROOT, "src/entry"))
	.map((file) => basename(file, ".ts"))
	.toSorted();

/** Where the report of an entry point stands. */
export function reportPath(entry: string): string {
	return join(REPORTS, reportName(entry));
}

function reportName(entry: string): string {
	return `${entry === "index" ? "tetrad" : `tetrad-${entry}`}.api.md`;
}

/**
 * The report of every entry point, from the sources as they are now. The declarations are made
 * within the project, where they find the types of the dependencies.
 */
export function makeReports(): ReadonlyMap<string, string> {
	mkdirSync(join(ROOT, "dist"), { recursive: true });
	const folder = mkdtempSync(join(ROOT, "dist", "api-"));
	try {
		const tsc = join(ROOT, "node_modules", ".bin", "tsc");
		const flags = ["--emitDeclarationOnly", "--outDir", folder];
		execFileSync(tsc, ["-p", join(ROOT, "tsconfig.build.json"), ...flags]);
		extract(folder, folder);
		return new Map(
			ENTRIES.map((entry) => [
				entry,
				byTheSource(readFileSync(join(folder, reportName(entry)), "utf8")),
			]),
		);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** A warning's place: the source, instead of a line of the declarations that were made from it. */
function byTheSource(report: string): string {
	return report.replaceAll(/dist\/api-\w+\/(.*)\.d\.ts:\d+:\d+/g, "src/$1.ts");
}

function extract(declarations: string, reports: string): void {
	const configs = ENTRIES.map((entry) =>
		ExtractorConfig.prepare({
			configObject: configOf(declarations, reports, entry),
			configObjectFullPath: undefined,
			packageJsonFullPath: join(ROOT, "package.json"),
		}),
	);
	const [first] = configs;
	if (first === undefined) throw new Error("there is no entry point");
	const compilerState = CompilerState.create(first, {
		additionalEntryPoints: ENTRIES.map((entry) =>
			join(declarations, "entry", `${entry}.d.ts`),
		),
	});
	for (const config of configs) {
		const { succeeded } = Extractor.invoke(config, {
			compilerState,
			localBuild: true,
			messageCallback: (message) => {
				if (message.logLevel === ExtractorLogLevel.Error) return;
				message.handled = true;
			},
		});
		if (!succeeded) throw new Error("API Extractor found errors");
	}
}

function configOf(
	declarations: string,
	reports: string,
	entry: string,
): IConfigFile {
	const file = join(declarations, "entry", `${entry}.d.ts`);
	const silent = { logLevel: ExtractorLogLevel.None };
	return {
		projectFolder: ROOT,
		mainEntryPointFilePath: file,
		newlineKind: "lf",
		compiler: {
			skipLibCheck: true,
			overrideTsconfig: {
				compilerOptions: {
					target: "es2024",
					lib: ["es2024", "esnext.disposable"],
					types: ["node"],
					typeRoots: [join(ROOT, "node_modules", "@types")],
					module: "nodenext",
					strict: true,
					skipLibCheck: true,
				},
				files: [file],
			},
		},
		apiReport: {
			enabled: true,
			reportFileName: reportName(entry),
			reportFolder: reports,
			reportTempFolder: join(reports, "temp"),
		},
		docModel: { enabled: false },
		dtsRollup: { enabled: false },
		tsdocMetadata: { enabled: false },
		messages: {
			compilerMessageReporting: { default: silent },
			extractorMessageReporting: {
				default: silent,
				"ae-forgotten-export": {
					logLevel: ExtractorLogLevel.Warning,
					addToApiReportFile: true,
				},
			},
			tsdocMessageReporting: { default: silent },
		},
	};
}

if (import.meta.main) {
	const { writeFileSync } = await import("node:fs");
	mkdirSync(REPORTS, { recursive: true });
	for (const [entry, text] of makeReports())
		writeFileSync(reportPath(entry), text);
}
