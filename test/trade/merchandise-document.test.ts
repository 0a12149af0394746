/* What docs/trade.md says of merchandise is what the code does. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
	CHUNK_BYTES,
	MAX_CHUNKS,
	MAX_PATH_HASHES,
	MAX_SEALED_CHUNK_BYTES,
	SEALING_BYTES,
} from "../../src/trade/documents/index.ts";
import {
	encodeMerchandiseEvidence,
	MAX_MERCHANDISE_EVIDENCE_BYTES,
} from "../../src/trade/merchandise/index.ts";
import { dec } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { cell, parseTables, tableIn } from "../protocol/document.ts";
import { content, evidenceOf, sell } from "./merchandise-support.ts";

const DOCUMENT = readFileSync(
	new URL("../../docs/trade.md", import.meta.url),
	"utf8",
);
const TABLES = parseTables(DOCUMENT);

test("evidence of a wrong chunk has the fields that the document lists", () => {
	const { rows } = tableIn(
		TABLES,
		"docs/trade.md",
		"Evidence of a wrong chunk",
		["field", "bytes"],
	);
	const { chunks } = sell(content(CHUNK_BYTES + 1));
	const evidence = {
		contract: filled(100, 0xc0),
		chain: filled(50, 0xca),
		...evidenceOf(chunks, 0),
	};
	const fields = dec(encodeMerchandiseEvidence(evidence), rows.length);
	assert.equal(fields.length, rows.length);
	const actual: Readonly<Record<string, unknown>> = evidence;
	let longest = 0;
	for (const [at, row] of rows.entries()) {
		const [min, max = min] = cell(row, "bytes").split("–").map(Number);
		const field = fields[at] as Uint8Array;
		assert.ok(field.length >= (min ?? 0) && field.length <= (max ?? 0));
		longest += 4 + (max ?? 0);
		const named = actual[cell(row, "field")];
		if (named instanceof Uint8Array) assert.deepEqual(field, named);
		else assert.ok(named !== undefined || at === 0, cell(row, "field"));
	}
	assert.equal(MAX_MERCHANDISE_EVIDENCE_BYTES, longest);
	const [label] = rows;
	assert.equal(
		`"${new TextDecoder().decode(fields[0])}"`,
		label === undefined ? undefined : cell(label, "content"),
	);
});

test("chunks and trees have the sizes that the document names", () => {
	for (const said of [
		`in **chunks** of ${CHUNK_BYTES} bytes`,
		`${SEALING_BYTES} bytes longer than its chunk`,
		`| sealed | 0–${MAX_SEALED_CHUNK_BYTES} |`,
		`at most ${MAX_PATH_HASHES} of them`,
		`| bytes of one chunk | ${CHUNK_BYTES} | wire |`,
		`| chunks of one merchandise | ${MAX_CHUNKS} | wire |`,
		`| hashes of one path | ${MAX_PATH_HASHES} | wire |`,
	])
		assert.ok(DOCUMENT.includes(said), said);
});
