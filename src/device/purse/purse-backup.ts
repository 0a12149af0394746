import { constants } from "node:fs";
import {
	link,
	mkdir,
	open,
	readdir,
	readFile,
	rename,
	rm,
	rmdir,
	stat,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	MAX_BACKUP_BYTES,
	SEAL_BYTES,
	type SecretSource,
	sealBackup,
	unsealBackup,
} from "../../keys/index.ts";
import { markRestored, purseTables } from "../../money/index.ts";
import { copySqliteStore, openSqliteStore } from "../../store/index.ts";
import { hex } from "../../wire/index.ts";
import {
	askOnce,
	HomeLock,
	isThere,
	reason,
	requireHome,
	unusable,
} from "../home/index.ts";
import {
	type BackedUpFile,
	type BackupContent,
	encodeBackup,
	parseBackup,
} from "./backup-content.ts";
import { viewHistory } from "./owner-view.ts";
import {
	moduleIdOf,
	purseStorePath,
	readPurseSettings,
	viewPurse,
} from "./purse-home.ts";
import { openOwner } from "./purse-owner.ts";

/*
 * A backup is a file with the purse as it was at one moment and the home around it, sealed with
 * the passphrase of the purse's owner: whoever has both has the module.
 */

const DATABASE = "purse.db";

/** What else of a home is in a backup. Archives are files of their own, and logs and locks are of a process. */
const OF_A_HOME =
	/^(?:(?:device|policy|pairing|pairing-tries|previous|purse|state)\.json|(?:chain|key)[A-Za-z0-9._-]*\.(?:pem|sealed))$/;
const FOLDERS = ["trust", "lists"] as const;

/** One file of a home beside its database, in bytes. */
const MAX_HOME_FILE_BYTES: number = 16 * 1024 * 1024;

/** What was backed up or restored. */
export interface PurseBackup {
	/** When the backup was made. */
	readonly made: Date;
	/** How many changes the purse had made by then. */
	readonly changes: bigint;
	/** The size of the backup. */
	readonly bytes: number;
}

/**
 * Writes a backup of the purse of a home into a new file, also while its module runs. `secret` is
 * the owner's. Throws `home-unusable`, `key-store-failed` for another passphrase, `file-unusable`
 * when the file is there or cannot be written, and `limit-exceeded`.
 */
export async function backUpPurse(
	home: string,
	file: string,
	secret: SecretSource,
): Promise<PurseBackup> {
	const { owner } = await readPurseSettings(home);
	if (owner === "unsafe-no-owner")
		throw unusable(
			`the purse in ${home} has no owner, whose passphrase would seal its backup; stop its module and copy the home`,
		);
	if (await isThere(file)) throw taken(file);
	const passphrase = askOnce(secret);
	try {
		await openOwner(owner, passphrase.ask);
		const content = await contentOf(home);
		const key = await passphrase.ask({ what: "", isNew: false });
		try {
			const sealed = await sealBackup(encodeBackup(content), key);
			await writeNew(file, sealed);
			const { made, changes } = content;
			return { made, changes, bytes: sealed.length };
		} finally {
			key.fill(0);
		}
	} finally {
		passphrase.forget();
	}
}

async function contentOf(home: string): Promise<BackupContent> {
	const names = (await readdir(home)).filter((name) => OF_A_HOME.test(name));
	for (const folder of FOLDERS)
		if (await isThere(join(home, folder)))
			// What is being written in its place is renamed in the meantime.
			for (const name of await readdir(join(home, folder)))
				if (!name.endsWith(".new")) names.push(`${folder}/${name}`);
	const files: BackedUpFile[] = [];
	for (const name of names.toSorted())
		files.push({ name, bytes: await readPart(join(home, name)) });
	const copy = join(
		home,
		`${DATABASE}.backing-up-${hex(nodeCrypto.random(8))}`,
	);
	try {
		const made = new Date();
		// Counted before: the copy may have more, and never less, than is said of it.
		const changes = await changesOf(home);
		await copySqliteStore(purseStorePath(home), copy);
		const { size } = await stat(copy);
		if (size > MAX_BACKUP_BYTES)
			throw new TetradError(
				"limit-exceeded",
				`the purse in ${home} has ${size} bytes, and a backup at most ${MAX_BACKUP_BYTES}: archive what is over with tetrad purse archive, or stop its module and copy the home`,
			);
		files.push({ name: DATABASE, bytes: await readFile(copy) });
		return { module: hex(await moduleIdOf(home)), made, changes, files };
	} finally {
		await rm(copy, { force: true });
	}
}

async function changesOf(home: string): Promise<bigint> {
	await using view = await viewPurse(home);
	const [newest] = await viewHistory(view.store, view.issuers, 1);
	return newest?.number ?? 0n;
}

async function readPart(path: string): Promise<Uint8Array> {
	const { size } = await stat(path);
	if (size > MAX_HOME_FILE_BYTES)
		throw unusable(`${path} has ${size} bytes, and is no file of a home`);
	return readFile(path);
}

/**
 * Puts the purse of a backup into a home: a new one, or that of the same module without a purse.
 * `secret` is that of the owner, when the backup was made. Throws `home-unusable` when a purse is
 * there, which is never written over, or for the home of another module; `busy` while the module
 * runs; `file-unusable` for what is no backup; and `key-store-failed` for another passphrase.
 */
export async function restorePurse(
	file: string,
	home: string,
	secret: SecretSource,
): Promise<PurseBackup> {
	await requireNoPurseIn(home);
	const { content: read, bytes } = await readBackup(file, secret);
	const content = await marked(read, home);
	if (await isThere(join(home, "device.json")))
		await restoreInto(home, content);
	else await restoreHome(home, content);
	const { made, changes } = content;
	return { made, changes, bytes };
}

/** The same, with its purse held as one that was restored, before it is anywhere where a module finds it. */
async function marked(
	content: BackupContent,
	home: string,
): Promise<BackupContent> {
	const folder = draftOf(home);
	const path = join(folder, DATABASE);
	try {
		await mkdir(folder, { mode: 0o700 });
		const files: BackedUpFile[] = [];
		for (const file of content.files) {
			if (file.name !== DATABASE) {
				files.push(file);
				continue;
			}
			await writeNewFile(path, file.bytes);
			await markStore(path, content.module);
			files.push({ name: DATABASE, bytes: await readFile(path) });
		}
		return { ...content, files };
	} catch (thrown) {
		if (thrown instanceof TetradError) throw thrown;
		throw unusable(`cannot make ${folder}: ${reason(thrown)}`, thrown);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function markStore(path: string, module: string): Promise<void> {
	const store = await openSqliteStore({
		path,
		schema: purseTables.PURSE_SCHEMA,
	});
	try {
		const ownId = new Uint8Array(Buffer.from(module, "hex"));
		await store.transact(markRestored(nodeCrypto, Date.now(), ownId));
	} finally {
		await store[Symbol.asyncDispose]();
	}
	if (await isThere(`${path}-wal`))
		throw unusable(`${path} was not closed: its log is left`);
}

/** A folder beside a home, for what is to be in it. */
function draftOf(home: string): string {
	const path = resolve(home);
	return join(dirname(path), `.${basename(path)}.${hex(nodeCrypto.random(8))}`);
}

async function requireNoPurseIn(home: string): Promise<void> {
	for (const end of ["", "-wal"])
		if (await isThere(`${purseStorePath(home)}${end}`))
			throw unusable(
				`there is a purse in ${home}, and one that is there is never written over: it may be the newest; move it away if you are sure that it is not`,
			);
}

async function readBackup(
	file: string,
	secret: SecretSource,
): Promise<{ readonly content: BackupContent; readonly bytes: number }> {
	const sealed = await readSealed(file);
	const opened = await unsealBackup(sealed, () =>
		secret({ what: "passphrase of the owner of the purse", isNew: false }),
	);
	if (opened === undefined)
		throw new TetradError("file-unusable", `${file} is no backup of a purse`);
	if (opened === "not-opened")
		throw new TetradError(
			"key-store-failed",
			`${file} could not be opened: the passphrase is not that of the purse's owner when it was made, or the file was changed`,
		);
	return { content: parseBackup(opened), bytes: sealed.length };
}

async function readSealed(file: string): Promise<Uint8Array> {
	try {
		// Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
		await using opened = await open(
			file,
			constants.O_RDONLY | constants.O_NONBLOCK,
		);
		const found = await opened.stat();
		if (!found.isFile() || found.size > MAX_BACKUP_BYTES + SEAL_BYTES)
			throw new TetradError("file-unusable", `${file} is no backup of a purse`);
		return await opened.readFile();
	} catch (thrown) {
		if (thrown instanceof TetradError) throw thrown;
		throw new TetradError(
			"file-unusable",
			`cannot read ${file}: ${reason(thrown)}`,
			{ cause: thrown },
		);
	}
}

/** The home is there, and lost its purse: everything else in it is newer than the backup. */
async function restoreInto(
	home: string,
	{ module, files }: BackupContent,
): Promise<void> {
	await requireHome(home, "device");
	if (hex(await moduleIdOf(home)) !== module)
		throw unusable(`the backup is of another module than that of ${home}`);
	using _ = await HomeLock.take(home);
	await requireNoPurseIn(home);
	const kept = ["purse.json", DATABASE];
	for (const { name, bytes } of files)
		if (
			name === DATABASE ||
			(kept.includes(name) && !(await isThere(join(home, name))))
		)
			await writeWhole(join(home, name), bytes);
}

/** It appears whole, or not at all. */
async function restoreHome(
	home: string,
	{ files }: BackupContent,
): Promise<void> {
	const path = resolve(home);
	const draft = draftOf(home);
	try {
		await mkdir(draft, { mode: 0o700 });
		for (const { name, bytes } of files) {
			await mkdir(dirname(join(draft, name)), { mode: 0o700, recursive: true });
			await writeNewFile(join(draft, name), bytes);
		}
		for (const folder of [...FOLDERS.map((name) => join(draft, name)), draft])
			if (await isThere(folder)) await syncFolder(folder);
		// Only an empty folder makes room for it.
		if (await isThere(path)) await rmdir(path);
		await rename(draft, path);
		await syncFolder(dirname(path));
	} catch (thrown) {
		await rm(draft, { recursive: true, force: true });
		throw unusable(`cannot make ${home}: ${reason(thrown)}`, thrown);
	}
}

/** A file of a home that is in use: whole or not there, and never over another. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
	const draft = `${path}.restoring-${hex(nodeCrypto.random(8))}`;
	try {
		await writeNewFile(draft, bytes);
		await link(draft, path);
		await rm(draft);
		await syncFolder(dirname(path));
	} catch (thrown) {
		await rm(draft, { force: true });
		throw unusable(`cannot write ${path}: ${reason(thrown)}`, thrown);
	}
}

/** A backup goes to disks of all kinds, also such without links. */
async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
	try {
		await writeNewFile(path, bytes);
		await syncFolder(dirname(resolve(path)));
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "EEXIST") throw taken(path);
		await rm(path, { force: true });
		throw new TetradError(
			"file-unusable",
			`cannot write ${path}: ${reason(thrown)}`,
			{ cause: thrown },
		);
	}
}

async function writeNewFile(path: string, bytes: Uint8Array): Promise<void> {
	await using file = await open(path, "wx", 0o600);
	await file.writeFile(bytes);
	await file.sync();
}

async function syncFolder(path: string): Promise<void> {
	await using folder = await open(path, constants.O_RDONLY);
	await folder.sync();
}

function taken(file: string): TetradError {
	return new TetradError(
		"file-unusable",
		`${file} is there already, and a backup is written over nothing; name another file`,
	);
}
