/* Which test files reach which mutants, as Node's coverage says it, file by file. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Mutant } from "./mutants.ts";

interface Range {
	readonly startOffset: number;
	readonly endOffset: number;
	readonly count: number;
}

interface Script {
	readonly url: string;
	readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

/** Whether what stands at an offset has run: the innermost range around it says so. */
function hasRun(ranges: readonly Range[], at: number): boolean {
	let smallest: Range | undefined;
	for (const range of ranges)
		if (range.startOffset <= at && at < range.endOffset) {
			const size = range.endOffset - range.startOffset;
			if (
				smallest === undefined ||
				size <= smallest.endOffset - smallest.startOffset
			)
				smallest = range;
		}
	return (smallest?.count ?? 0) > 0;
}

/** What a test file costs, and which mutants it reaches. */
export interface Reached {
	readonly seconds: number;
	readonly passed: boolean;
	/** By source: what it was, and the places of the mutants among those of the source. */
	readonly sources: Readonly<
		Record<string, { readonly digest: string; readonly mutants: number[] }>
	>;
}

/** A source, what it says, and its mutants. */
export interface Source {
	readonly file: string;
	readonly digest: string;
	readonly mutants: readonly Mutant[];
}

/** Runs one test file with nothing changed. Types are stripped in place, so offsets are those of the source. */
export async function reachedBy(
	root: string,
	test: string,
	sources: readonly Source[],
): Promise<Reached> {
	const folder = mkdtempSync(join(tmpdir(), "tetrad-reach-"));
	try {
		const start = performance.now();
		const child = spawn(process.execPath, [join(root, test)], {
			cwd: root,
			stdio: "ignore",
			env: { ...process.env, NODE_V8_COVERAGE: folder },
		});
		const code = await new Promise<number | null>((settle, reject) => {
			child.once("error", reject);
			child.once("close", settle);
		});
		const seconds = (performance.now() - start) / 1000;
		const byFile = new Map<string, Range[]>();
		for (const name of readdirSync(folder)) {
			const { result }: { result: readonly Script[] } = JSON.parse(
				readFileSync(join(folder, name), "utf8"),
			);
			for (const { url, functions } of result)
				byFile.set(url, [
					...(byFile.get(url) ?? []),
					...functions.flatMap(({ ranges }) => ranges),
				]);
		}
		const reached = sources.map(({ file, digest, mutants }) => {
			const ranges = byFile.get(pathToFileURL(join(root, file)).href);
			const here = mutants.flatMap(({ start: at }, index) =>
				ranges !== undefined && hasRun(ranges, at) ? [index] : [],
			);
			return [file, { digest, mutants: here }] as const;
		});
		return {
			seconds,
			passed: code === 0,
			sources: Object.fromEntries(reached),
		};
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}
