import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
	drawSeed,
	readSeed,
	writeSeed,
} from "../../src/device/purse/seed-text.ts";
import { byKey, done, insert, put, reading } from "../../src/machine/index.ts";
import {
	ecashSeed,
	ecashTables,
	keepEcashSeed,
	purseTables,
	takeEcashSeed,
} from "../../src/money/index.ts";
import { loadEcash } from "../../src/provider/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { hex } from "../../src/wire/index.ts";
import {
	NUT13_SHORT_FACTORS,
	NUT13_SHORT_KEYSET,
	NUT13_SHORT_SECRETS,
	NUT13_WORDS,
} from "../money/cashu/nut-vectors.ts";

const OLD = { seed: new Uint8Array(64).fill(7), entropy: undefined };

/** Fails unless it is refused so, and with no word of what was read. */
async function refusedAs(text: string, why: RegExp): Promise<void> {
	await assert.rejects(readSeed(text), (thrown: Error & { code?: string }) => {
		assert.equal(thrown.code, "malformed");
		assert.match(thrown.message, why);
		for (const word of text.split(/\s+/))
			if (word.length > 6) assert.ok(!thrown.message.includes(word), word);
		return true;
	});
}

describe("the seed of a purse's ecash", () => {
	test("is what NUT-13 makes of words", async () => {
		const { seed } = await readSeed(NUT13_WORDS);
		const keyset = new Uint8Array(Buffer.from(NUT13_SHORT_KEYSET, "hex"));
		for (const [counter, secret] of NUT13_SHORT_SECRETS.entries()) {
			const derived = loadEcash().derive(seed, keyset, counter);
			assert.equal(hex(derived.secret), secret);
			assert.equal(hex(derived.factor), NUT13_SHORT_FACTORS[counter]);
		}
	});

	test("is drawn with twelve words, which make it again", async () => {
		const drawn = await drawSeed();
		const { kind, text } = await writeSeed(drawn);
		assert.equal(kind, "words");
		assert.equal(text.split(" ").length, 12);
		assert.deepEqual(await readSeed(text), drawn);
		assert.notEqual(hex((await drawSeed()).seed), hex(drawn.seed));
	});

	test("is read as people write it down", async () => {
		const { seed } = await readSeed(NUT13_WORDS);
		const numbered = NUT13_WORDS.split(" ")
			.map((word, at) => `${at + 1}. ${word.toUpperCase()}`)
			.join("\r\n");
		assert.deepEqual((await readSeed(numbered)).seed, seed);
		assert.deepEqual((await readSeed(`\n ${NUT13_WORDS}  \n`)).seed, seed);
	});

	test("is written in another form where it was drawn without words, and read again", async () => {
		const { kind, text } = await writeSeed(OLD);
		assert.equal(kind, "own");
		assert.match(text, /^tetrad/);
		assert.deepEqual(await readSeed(text), OLD);
		const other = text
			.toUpperCase()
			.replaceAll(" ", "")
			.match(/.{1,5}/g);
		assert.deepEqual(await readSeed((other ?? []).join("\n")), OLD);
	});

	test("is not shown where its words do not make it", async () => {
		const { entropy } = await drawSeed();
		await assert.rejects(writeSeed({ seed: OLD.seed, entropy }), {
			code: "store-failed",
		});
	});

	test("is refused with what is wrong, and with nothing of it", async () => {
		const words = NUT13_WORDS.split(" ");
		await refusedAs("", /nothing in it/);
		await refusedAs(words.slice(1).join(" "), /there are 11 words/);
		await refusedAs(words.with(3, "qualiti").join(" "), /word 4 is none of/);
		await refusedAs(words.with(3, "zoo").join(" "), /checksum/);
		await refusedAs(words.toReversed().join(" "), /checksum/);
		await refusedAs("zoo ".repeat(1000), /too long/);
		const { text } = await writeSeed(OLD);
		await refusedAs(text.slice(0, -1), /checksum/);
		const at = 30;
		const letter = text[at] === "q" ? "p" : "q";
		await refusedAs(
			text.slice(0, at) + letter + text.slice(at + 1),
			/checksum/,
		);
	});
});

test("one command shows a seed, and nothing that is asked by others has it", () => {
	const src = fileURLToPath(new URL("../../src/", import.meta.url));
	const naming = globSync("**/*.ts", { cwd: src }).filter((file) =>
		/\b(?:showSeed|writeSeed)\b/.test(readFileSync(`${src}${file}`, "utf8")),
	);
	assert.deepEqual(naming.toSorted(), [
		"cli/purse/seed-command.ts",
		"cli/purse/seed.ts",
		"device/purse/index.ts",
		"device/purse/purse-seed.ts",
		"device/purse/seed-text.ts",
	]);
});

describe("a purse", () => {
	const store = () =>
		openSqliteStore({ path: ":memory:", schema: purseTables.PURSE_SCHEMA });

	test("keeps the seed that it has", async () => {
		await using open = await store();
		assert.equal(await open.transact(ecashSeed()), undefined);
		const drawn = await drawSeed();
		assert.deepEqual(await open.transact(keepEcashSeed(drawn)), drawn.seed);
		assert.deepEqual(await open.transact(keepEcashSeed(OLD)), drawn.seed);
		assert.deepEqual(await open.transact(ecashSeed()), drawn);
	});

	test("is not sure of locks that were made before it was put back to before it had a seed", async () => {
		const { APART_LOCKS_NAME, BEHIND_NAME, META } = purseTables;
		for (const wasPutBack of [false, true]) {
			await using open = await store();
			const writes = wasPutBack
				? [put(META, { name: BEHIND_NAME, value: new Uint8Array(40) })]
				: [];
			await open.transact(done(writes, undefined));
			await open.transact(keepEcashSeed(await drawSeed()));
			const [apart] = await open.transact(
				reading([byKey(META, { name: APART_LOCKS_NAME })], ([rows]) =>
					done([], rows),
				),
			);
			assert.equal(apart === undefined, wasPutBack);
		}
	});

	test("takes another one while it never had ecash, and no other after that", async () => {
		await using open = await store();
		const drawn = await drawSeed();
		await open.transact(keepEcashSeed(drawn));
		assert.equal(await open.transact(takeEcashSeed(OLD)), "taken");
		assert.deepEqual(await open.transact(ecashSeed()), OLD);
		assert.equal(await open.transact(takeEcashSeed(drawn)), "taken");
		const row = { keyset: new Uint8Array(8), next: 1n };
		await open.transact({
			kind: "read",
			reads: [],
			decide: () => ({
				kind: "done",
				writes: [insert(ecashTables.COUNTERS, row)],
				result: undefined,
			}),
		});
		assert.equal(await open.transact(takeEcashSeed(OLD)), "refused");
		assert.equal(await open.transact(takeEcashSeed(drawn)), "known");
		assert.deepEqual(await open.transact(ecashSeed()), drawn);
	});
});
