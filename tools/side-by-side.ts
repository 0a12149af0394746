/*
 * The table of the README that has the same attacks on stock x402 `exact` and on ours, as they end.
 * test/http/side-by-side.process.test.ts holds the table to what it sees, and
 * `npx node tools/side-by-side.ts` renews it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { attackBoth, tableOf } from "../test/support/side-by-side.ts";

const README = new URL("../README.md", import.meta.url);
const TABLE = /^\| attack \| x402 .*\n(\|.*\n)*/m;

const before = readFileSync(README, "utf8");
if (!TABLE.test(before)) throw new Error("the README has no such table");
const table = tableOf(await attackBoth());
writeFileSync(README, before.replace(TABLE, `${table}\n`));
process.exit(0);
