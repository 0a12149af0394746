/* Stores in SQLite that are brought to another version, and what is beside them. */
import assert from "node:assert/strict";
import { readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { after } from "node:test";
import { temporaryFolder } from "../support/folders.ts";
import {
	type Copies,
	contents,
	debtsFirst,
	debtsThird,
	diaryFirst,
	diaryFourth,
	expected,
	fill,
	manyRows,
	unchanged,
	VERSIONS,
} from "./migration-contract.ts";
import { openSchema, type Place } from "./place.ts";

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
let stores = 0;
export const make = (): Extract<Place, { readonly kind: "sqlite" }> => ({
	kind: "sqlite",
	path: join(folder.path, `store-${++stores}`),
});

export function pathOf(place: Place): string {
	assert.ok(place.kind === "sqlite");
	return place.path;
}

export const NOTES = "dear diary";

export const copies: Copies = {
	async list(place) {
		const path = pathOf(place);
		const names = await readdir(dirname(path));
		return names
			.filter((name) => name.startsWith(`${basename(path)}.version-`))
			.toSorted()
			.map((name) => join(dirname(path), name));
	},
	async occupy(place) {
		await writeFile(`${pathOf(place)}.version-1`, NOTES, { mode: 0o600 });
	},
	async isOccupied(place) {
		return NOTES === (await readFile(`${pathOf(place)}.version-1`, "utf8"));
	},
	async restore(_, copy) {
		assert.equal((await stat(copy)).mode & 0o777, 0o600);
		const place = make();
		await rename(copy, place.path);
		return place;
	},
};

export const isThereStill = async (path: string): Promise<void> => {
	await using store = await openSchema({ kind: "sqlite", path }, VERSIONS[1]);
	assert.deepEqual(
		await contents(store, debtsFirst, diaryFirst),
		unchanged(ROWS),
	);
};
export const isBroughtOver = async (path: string): Promise<void> => {
	await using store = await openSchema({ kind: "sqlite", path }, VERSIONS[4]);
	assert.deepEqual(
		await contents(store, debtsThird, diaryFourth),
		expected(ROWS),
	);
};
/** Few enough that each statement of a migration can be the last one. */
export const ROWS: ReturnType<typeof manyRows> = manyRows(6);
export async function filled(): Promise<{ readonly path: string }> {
	const place = make();
	await using store = await openSchema(place, VERSIONS[1]);
	await fill(store, ROWS);
	return place;
}
