/* What docs/trade.md says of merchandise, and of how agents deal with it, is what the code does. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
	KEPT_AHEAD_CHUNKS,
	MAX_BUYER_ASKS,
	OFFER_VALID_MS,
	PAY_WITHIN_MS,
	READ_AHEAD_CHUNKS,
	SENT_AHEAD_CHUNKS,
	SLOW_LINE_BYTES_PER_S,
	STALL_MS,
} from "../../src/trade/agent/limits.ts";
import {
	CHUNK_BYTES,
	MAX_CHUNKS,
	MAX_PAGE_ITEMS,
	MAX_PATH_HASHES,
	MAX_SEALED_CHUNK_BYTES,
	PAGE_BYTES,
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

test("chunks, trees and agents have the sizes and times that the document names", () => {
	for (const said of [
		`in **chunks** of ${CHUNK_BYTES} bytes`,
		`${SEALING_BYTES} bytes longer than its chunk`,
		`| sealed | 0–${MAX_SEALED_CHUNK_BYTES} |`,
		`at most ${MAX_PATH_HASHES} of them`,
		`| bytes of one chunk | ${CHUNK_BYTES} | wire |`,
		`| chunks of one merchandise | ${MAX_CHUNKS} | wire |`,
		`| hashes of one path | ${MAX_PATH_HASHES} | wire |`,
		`| items of one page | ${MAX_PAGE_ITEMS} | device |`,
		`| bytes that a page is filled with | ${PAGE_BYTES} | device |`,
		`| time for which an offer stands, ms | ${OFFER_VALID_MS} | device |`,
		`| time from \`made\` to \`payBy\` beside that of sending, ms | ${PAY_WITHIN_MS} | device |`,
		`| bytes a second that a merchant counts on when it gives time for sending | ${SLOW_LINE_BYTES_PER_S} | device |`,
		`| time in which a buyer has to take something of what is sent to it, ms | ${STALL_MS} | device |`,
		`| chunks that a merchant reads ahead, and has on the way | ${READ_AHEAD_CHUNKS} | device |`,
		`| chunks that a buyer has on the way to its disk | ${KEPT_AHEAD_CHUNKS} | device |`,
		`| what a buyer's agent may have asked for at once in one tetrad | ${MAX_BUYER_ASKS} | device |`,
	])
		assert.ok(DOCUMENT.includes(said), said);
	assert.equal(READ_AHEAD_CHUNKS, SENT_AHEAD_CHUNKS);
});
