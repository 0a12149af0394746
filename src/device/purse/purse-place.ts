import { readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import type { Store } from "../../machine/index.ts";
import {
	loadPurse,
	type PurseState,
	placing,
	readPlace,
} from "../../money/index.ts";
import { hex, utf8 } from "../../wire/index.ts";
import { reason, replaceFile, unusable } from "../home/index.ts";

/*
 * Where the database of a purse is, so that one that was put back or copied is noticed when it is
 * opened, before any witness has spoken:
 *
 *   purse.db.place-<name>   empty; made anew, under a new name, whenever the database is opened or
 *                           closed
 *
 * The database remembers that name, device, inode and birth of itself and of that file, and when
 * the file was last changed: whatever writes a file anew changes the last, and nobody can set it.
 * The old file goes once the database has the new name, so that a crash between the two is no alarm.
 */

const NAME = /^[0-9a-f]{32}$/;

/**
 * Loads the purse in the database at `path`, remembers where it is, and says whether it was there
 * before. One that was is loaded also where nothing can be written, as on a full disk. Throws
 * `home-unusable`, and what the store throws.
 */
export async function openPlaced(
	path: string,
	store: Pick<Store, "transact">,
	meetsIssuers: boolean,
): Promise<{ readonly state: PurseState; readonly wasMoved: boolean }> {
	const known = await store.transact(readPlace());
	const wasMoved = known === undefined || !(await isPlace(path, known));
	try {
		const place = await newPlace(path);
		const start = { place, meetsIssuers: meetsIssuers || wasMoved };
		const state = await store.transact(loadPurse(nodeCrypto, start));
		await removeMarks(path, place);
		return { state, wasMoved: wasMoved && state.met !== undefined };
	} catch (thrown) {
		if (wasMoved) throw thrown;
		// On a full disk it stays known by the old mark, which is there.
		const start = loadPurse(nodeCrypto, { meetsIssuers });
		return { state: await store.transact(start), wasMoved };
	}
}

/** What was copied while the database was open is no copy of what it is from now on. */
export async function renewPlace(path: string, store: Store): Promise<void> {
	const place = await newPlace(path);
	await store.transact(placing(place));
	await removeMarks(path, place);
}

async function isPlace(path: string, known: Uint8Array): Promise<boolean> {
	const text = Buffer.from(known).toString("utf8");
	const [name = ""] = text.split(" ");
	return NAME.test(name) && (await describe(path, name)) === text;
}

async function newPlace(path: string): Promise<Uint8Array> {
	const name = hex(nodeCrypto.random(16));
	await replaceFile(markOf(path, name), "");
	const text = await describe(path, name);
	if (text === undefined)
		throw unusable(`${markOf(path, name)} was made and is not there`);
	return utf8(text);
}

/** `undefined` when there is no such mark. */
async function describe(
	path: string,
	name: string,
): Promise<string | undefined> {
	try {
		const database = await stat(path, { bigint: true });
		const mark = await stat(markOf(path, name), { bigint: true });
		return [
			name,
			...[database.dev, database.ino, database.birthtimeNs],
			...[mark.dev, mark.ino, mark.birthtimeNs, mark.ctimeNs],
		].join(" ");
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw unusable(
			`cannot see where ${path} is: ${reason(thrown)}; check its permissions`,
			thrown,
		);
	}
}

/** Those of earlier times, and of a process that was killed meanwhile. */
async function removeMarks(path: string, place: Uint8Array): Promise<void> {
	const [name = ""] = Buffer.from(place).toString("utf8").split(" ");
	const current = basename(markOf(path, name));
	const start = basename(markOf(path, ""));
	for (const file of await readdir(dirname(path)))
		if (file.startsWith(start) && file !== current)
			await rm(join(dirname(path), file), { force: true });
}

function markOf(path: string, name: string): string {
	return `${path}.place-${name}`;
}
