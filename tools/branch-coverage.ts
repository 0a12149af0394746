/* Which branches of the rooms that hold keys and money are taken by tests, room by room. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";

/** Rooms whose branches are counted: what they decide cannot be taken back. */
export const MEASURED_ROOMS = ["session", "tetrad", "money", "trade"] as const;

/** Of the branches of each of these rooms, at least this part has to be taken. */
const LEAST = 0.95;

/** What Node's runner says of a file; `path` is absolute. */
export interface FileCoverage {
	readonly path: string;
	readonly totalBranchCount: number;
	readonly coveredBranchCount: number;
	readonly branches: readonly {
		readonly line: number;
		readonly count: number;
	}[];
}

/** The same without those branches of which the compiler proves that nothing takes them. */
export function withoutUnreachable<File extends FileCoverage>(
	file: File,
	source: string = readFileSync(file.path, "utf8"),
): File {
	const lines = source.split("\n");
	const isReal = ({ line, count }: FileCoverage["branches"][number]) =>
		count > 0 ||
		!lines.slice(line - 1, line + 1).some((text) => UNREACHABLE.test(text));
	const branches = file.branches.filter(isReal);
	const left = file.branches.length - branches.length;
	return {
		...file,
		branches,
		totalBranchCount: file.totalBranchCount - left,
	};
}

/** The end of a switch over all kinds: `unreachable` of `src/errors.ts` takes a `never`. */
const UNREACHABLE = /^\s*(return )?unreachable\(/;

/** A line for each room, and what is wrong if one has too few branches taken. */
export function coverageOf(
	files: readonly FileCoverage[],
	root: string,
): { readonly lines: string[]; readonly failure?: string } {
	const rows = MEASURED_ROOMS.map((room) => {
		const here = files.filter(({ path }) =>
			relative(root, path).startsWith(`src/${room}/`),
		);
		const sum = (count: (file: FileCoverage) => number) =>
			here.reduce((total, file) => total + count(file), 0);
		const all = sum((file) => file.totalBranchCount);
		const taken = sum((file) => file.coveredBranchCount);
		return { room, all, taken, part: all === 0 ? 0 : taken / all };
	});
	const short = rows.filter(({ part }) => part < LEAST);
	return {
		lines: [
			"branches that were taken:",
			...rows.map(
				({ room, all, taken, part }) =>
					`  ${room.padEnd(8)} ${`${taken} of ${all}`.padStart(13)}  ${(100 * part).toFixed(1).padStart(5)} %`,
			),
		],
		...(short.length > 0 && {
			failure: `less than ${100 * LEAST} % of the branches are taken in ${short.map(({ room }) => room).join(", ")}: npm run coverage -- --lines says which are not`,
		}),
	};
}

/** A line for each file with branches that no test takes: where these begin. */
export function untakenIn(
	files: readonly FileCoverage[],
	root: string,
): string[] {
	return files.flatMap(({ path, branches }) => {
		const lines = branches
			.filter(({ count }) => count === 0)
			.map(({ line }) => line);
		return lines.length === 0
			? []
			: [`${relative(root, path)}: ${lines.join(", ")}`];
	});
}
