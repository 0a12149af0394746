import assert from "node:assert/strict";
import { test } from "node:test";
import {
	coverageOf,
	untakenIn,
	withoutUnreachable,
} from "../tools/branch-coverage.ts";

const file = (path: string, counts: readonly number[]) => ({
	path: `/project/src/${path}`,
	totalBranchCount: counts.length,
	coveredBranchCount: counts.filter((count) => count > 0).length,
	branches: counts.map((count, line) => ({ line, count })),
});
const full = Array.from({ length: 20 }, () => 3);
const files = [
	file("session/record.ts", full),
	file("tetrad/link/link.ts", full.with(7, 0)),
	file("money/issuer/issuer.ts", full.with(0, 0).with(1, 0)),
	file("trade/agent/buying.ts", full),
];

test("a room with fewer branches taken than 95 % fails, and is named", () => {
	const { lines, failure } = coverageOf(files, "/project");
	assert.equal(lines.length, 5);
	assert.match(lines[2] ?? "", /tetrad +19 of 20 +95\.0 %/);
	assert.match(failure ?? "", /in money:/);
});

test("a room of which no file was loaded fails", () => {
	const { failure } = coverageOf(files.slice(0, 2), "/project");
	assert.match(failure ?? "", /in money, trade:/);
});

test("branches that no test takes are told by their lines", () => {
	assert.deepEqual(untakenIn(files, "/project"), [
		"src/tetrad/link/link.ts: 7",
		"src/money/issuer/issuer.ts: 0, 1",
	]);
});

test("the end of a switch over all kinds is no branch", () => {
	const source = `switch (kind) {
	case "one":
		return 1;
	default:
		return unreachable(kind);
}
`;
	const branches = [2, 4].map((line) => ({ line, count: 0 }));
	const measured = {
		path: "/project/src/money/a.ts",
		totalBranchCount: 3,
		coveredBranchCount: 1,
		branches: [...branches, { line: 1, count: 5 }],
	};
	const left = withoutUnreachable(measured, source);
	assert.equal(left.totalBranchCount, 2);
	assert.deepEqual(
		left.branches.map(({ line }) => line),
		[2, 1],
	);
});
