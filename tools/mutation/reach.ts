/* Which tests reach which mutants, measured test by test (record.ts). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Mutant } from "./mutants.ts";
import { entryOf, hrefOf, runNode } from "./processes.ts";

/** What record.ts is told: where the mutants of each source are reached, in order, and where it writes to. */
export interface RecordingOrder {
	readonly places: Readonly<Record<string, readonly number[]>>;
	readonly into: string;
}

/** A bit for each place of each source, by the source's address. */
type Bits = Readonly<Record<string, string>>;

/** What record.ts writes. */
export interface RecordedReach {
	readonly loading: { readonly seconds: number; readonly reached: Bits };
	readonly tests: readonly {
		/** As Node's runner says it: with those of the suites that it is in. */
		readonly name: string;
		readonly seconds: number;
		readonly reached: Bits;
	}[];
}

/** Which mutants of a source are reached by a test file: by place among them, a bit for each. */
interface SourceReached {
	readonly digest: string;
	/** While the file is loaded, before its first test. */
	readonly loading?: string;
	/** By the place of the test. */
	readonly tests: Readonly<Record<number, string>>;
}

/** What a test file costs in CPU seconds, and which mutants its tests reach. */
export interface Reached {
	readonly passed: boolean;
	readonly loadingSeconds: number;
	readonly tests: readonly {
		readonly name: string;
		readonly seconds: number;
	}[];
	readonly sources: Readonly<Record<string, SourceReached>>;
}

/** A source, what it says, and its mutants in the order of where they are reached. */
export interface Source {
	readonly file: string;
	readonly digest: string;
	readonly mutants: readonly Mutant[];
}

/** Runs one test file with nothing changed. */
export async function reachedBy(
	root: string,
	test: string,
	sources: readonly Source[],
): Promise<Reached> {
	const folder = mkdtempSync(join(tmpdir(), "tetrad-reach-"));
	try {
		const urlOf = (file: string) => pathToFileURL(join(root, file)).href;
		const into = join(folder, "recorded");
		const order: RecordingOrder = {
			places: Object.fromEntries(
				sources.map(({ file, mutants }) => [
					urlOf(file),
					mutants.map(({ reachedAt }) => reachedAt),
				]),
			),
			into,
		};
		writeFileSync(join(folder, "order"), JSON.stringify(order));
		const { code } = await runNode({
			root,
			args: [
				`--import=${hrefOf(root, "tools/mutation/record.ts")}`,
				entryOf(root, folder, [test]),
			],
			// A function out of the cache is covered as a whole or not at all.
			env: {
				NODE_COMPILE_CACHE: undefined,
				TETRAD_REACH: join(folder, "order"),
			},
		});
		const recorded: Partial<RecordedReach> = readRecorded(into);
		const tests = recorded.tests ?? [];
		const sourceReached = ({ file, digest }: Source) => {
			const url = urlOf(file);
			const loading = recorded.loading?.reached[url];
			const byTest = tests.flatMap(({ reached }, at) =>
				reached[url] === undefined ? [] : [[at, reached[url]] as const],
			);
			return [
				file,
				{
					digest,
					...(loading !== undefined && { loading }),
					tests: Object.fromEntries(byTest),
				},
			] as const;
		};
		return {
			passed: code === 0 && tests.length > 0,
			loadingSeconds: recorded.loading?.seconds ?? 0,
			tests: tests.map(({ name, seconds }) => ({ name, seconds })),
			sources: Object.fromEntries(sources.map(sourceReached)),
		};
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** A file that could not be loaded has written nothing. */
function readRecorded(path: string): Partial<RecordedReach> {
	try {
		return JSON.parse(readFileSync(path, "utf8"));
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return {};
		throw thrown;
	}
}
