/* Which test files there are, in which order they run, and what each of them costs. */
import { globSync } from "node:fs";

/** A test that starts processes or real services, and so gets a process of its own. */
const MARK = ".process.test.ts";

/** CPU seconds, user and system and those of children, of each test file. */
export type Costs = Readonly<Record<string, number>>;

/** Files that share a process, or one file that has its own. */
export type Job = readonly string[];

/** All test files of a folder, relative to it. */
export function findTests(root: string): string[] {
	return globSync("test/**/*.test.ts", { cwd: root }).sort();
}

export const startsProcesses = (file: string): boolean => file.endsWith(MARK);

/** A test that walks or tries so much that it is not for every change; it starts no process. */
const SLOW_MARK = ".slow.test.ts";

/** Whether a file is for the verdict of every day. */
export const isForEveryDay = (file: string): boolean =>
	!startsProcesses(file) && !file.endsWith(SLOW_MARK);

/** Of a file that was not recorded yet: early, so that it is not the last one to end. */
const UNKNOWN_SECONDS = 5;

const costOf = (job: Job, costs: Costs): number =>
	job.reduce((sum, file) => sum + (costs[file] ?? UNKNOWN_SECONDS), 0);

/**
 * The jobs that run all of these files, the most expensive ones first: each file that starts
 * processes alone, and the others in as many groups of about the same cost.
 */
export function plan(
	files: readonly string[],
	costs: Costs,
	groups: number,
): Job[] {
	const dearestFirst = (a: Job, b: Job) => costOf(b, costs) - costOf(a, costs);
	const alone = files.filter(startsProcesses).map((file) => [file]);
	const shared: string[][] = Array.from({ length: groups }, () => []);
	const others = files.filter((file) => !startsProcesses(file));
	for (const [file] of others
		.map((file): [string] => [file])
		.sort(dearestFirst)) {
		shared.sort((a, b) => costOf(a, costs) - costOf(b, costs));
		shared[0]?.push(file);
	}
	return [...alone, ...shared.filter((group) => group.length > 0)].sort(
		dearestFirst,
	);
}

/** Growth that is not shown: this little, or by no more than this factor. */
const UNSEEN = { seconds: 0.5, factor: 1.5 };

/** Lines on the files that cost more than was recorded. */
export function growth(recorded: Costs, measured: Costs): string[] {
	const rows: string[] = [];
	const unknown: string[] = [];
	for (const [file, now] of Object.entries(measured)) {
		const before = recorded[file];
		if (before === undefined) unknown.push(file);
		else if (now > before * UNSEEN.factor && now > before + UNSEEN.seconds)
			rows.push(
				`${before.toFixed(1).padStart(8)} ${now.toFixed(1).padStart(8)}  ${file}`,
			);
	}
	return [
		...(rows.length > 0
			? ["CPU seconds that grew:", " before      now  file", ...rows]
			: []),
		...(unknown.length > 0
			? [
					`${unknown.length} files are not in test/cpu.json yet: ${unknown.slice(0, 3).join(", ")}${unknown.length > 3 ? " …" : ""}`,
				]
			: []),
	];
}
