import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
	ENTRIES,
	makeReports,
	REPORTS,
	reportPath,
} from "../tools/api-report.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RENEW = "npx node tools/api-report.ts";

describe("the entry points", () => {
	let reports: ReadonlyMap<string, string>;
	before(() => {
		reports = makeReports();
	});

	test("package.json has one for each file of src/entry, and each has a report", () => {
		const { exports } = JSON.parse(
			readFileSync(join(ROOT, "package.json"), "utf8"),
		) as { exports: Readonly<Record<string, unknown>> };
		const files = (entry: string) => ({
			types: `./dist/entry/${entry}.d.ts`,
			default: `./dist/entry/${entry}.js`,
		});
		const wanted = ENTRIES.map((entry) => [
			entry === "index" ? "." : `./${entry}`,
			files(entry),
		]);
		assert.deepEqual(exports, Object.fromEntries(wanted));
		assert.deepEqual(
			readdirSync(REPORTS).map((name) => join(REPORTS, name)),
			ENTRIES.map(reportPath).toSorted(),
		);
	});

	for (const entry of ENTRIES) {
		test(`${entry} shows what its report in docs/api says`, () => {
			assert.equal(
				reports.get(entry),
				readFileSync(reportPath(entry), "utf8"),
				`what users see has changed: if that is meant, run ${RENEW}`,
			);
		});

		test(`each export of ${entry} says what it is`, () => {
			const report = reports.get(entry) ?? "";
			const silent = report.matchAll(/@public \(undocumented\)\n(.*)/g);
			assert.deepEqual(
				[...silent].map(([, line]) => line),
				[],
			);
		});
	}
});
