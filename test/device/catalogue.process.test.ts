/* What a catalogue refuses that takes a command or another user to make. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FolderCatalogue } from "../../src/device/trade/index.ts";
import { temporaryFolder } from "../support/folders.ts";

/** Node has no call for it. */
const MAKE_PIPE = "mkfifo";

/** The user that owns nothing. */
const NOBODY = 65_534;

const PRICED = { currency: { code: "EUR", exponent: 2 }, price: 420n };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let shop: string;

beforeEach(async () => {
	folder = await temporaryFolder();
	shop = join(folder.path, "shop");
	await mkdir(shop);
	await writeFile(join(shop, "a"), "a");
});
afterEach(() => folder[Symbol.asyncDispose]());

const catalogue = (...items: readonly object[]) =>
	writeFile(
		join(shop, "catalogue.json"),
		JSON.stringify({ version: 1, items }),
		{ mode: 0o644 },
	);

/** Root may read everything: what it does here, it does as somebody else. */
async function notAsRoot(work: () => Promise<void>): Promise<void> {
	if (process.getuid?.() !== 0) return work();
	process.seteuid?.(NOBODY);
	try {
		await work();
	} finally {
		process.seteuid?.(0);
	}
}

describe("a named pipe", () => {
	const why = 'cannot sell "pipe": it is not a file';

	beforeEach(() => {
		execFileSync(MAKE_PIPE, [join(shop, "pipe")]);
	});

	test("among the files of a folder is not offered, and what is said of it is why", async () => {
		const sold = await FolderCatalogue.read(shop, PRICED);
		assert.deepEqual(sold.notOffered, [{ path: "pipe", why }]);
		assert.equal(sold.size, 1);
		assert.ok(sold.item("a"));
	});

	test("in catalogue.json is refused, and nobody waits for a writer", async () => {
		await catalogue({ file: "pipe" });
		await assert.rejects(FolderCatalogue.read(shop, PRICED), (thrown) => {
			assert.ok(thrown instanceof Error);
			assert.ok(thrown.message.endsWith(why), thrown.message);
			return true;
		});
	});
});

test("a file that others alone may read is refused", async () => {
	await catalogue({ file: "a" });
	await chmod(folder.path, 0o755);
	await chmod(shop, 0o755);
	await chmod(join(shop, "a"), 0);
	await notAsRoot(() =>
		assert.rejects(FolderCatalogue.read(shop, PRICED), {
			code: "file-unusable",
			message: /cannot sell "a": permission denied/,
		}),
	);
});
