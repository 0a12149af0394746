/* What others wrote, as the tests and benches meet it: stock/, a package of its own. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { STOCK, skipUnlessStock, stockVersions } from "./support/stock.ts";

const run = promisify(execFile);
const TSC = fileURLToPath(new URL("../node_modules/.bin/tsc", import.meta.url));

suite("stock packages", { skip: skipUnlessStock() }, () => {
	test("run in the versions that are named", (t) => {
		const versions = Object.entries(stockVersions());
		assert.ok(versions.length > 10);
		t.diagnostic(versions.map((each) => each.join(" ")).join(", "));
	});

	test("are used as their types say", async () => {
		const { stdout } = await run(TSC, ["-p", STOCK]).catch((thrown) => {
			throw new Error(thrown.stdout);
		});
		assert.equal(stdout, "");
	});
});

test("stock packages are no part of what a clone installs", () => {
	const read = (path: string) =>
		JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"));
	const { packages } = read("package-lock.json");
	for (const name of ["viem", "solc", "express", "@foundry-rs/anvil"])
		assert.equal(packages[`node_modules/${name}`], undefined, name);
	assert.deepEqual(Object.keys(packages).filter(isOfStock), []);
});

const isOfStock = (place: string) => place.startsWith("stock");
