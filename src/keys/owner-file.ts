import { constants } from "node:fs";
import { type FileHandle, link, open, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { nodeCrypto } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { hex } from "../wire/index.ts";

const OWNER_ONLY = 0o600;
const GROUP_AND_OTHERS = 0o077;

/** What a file is called in the sentences about it, and how large it may be. */
export interface OwnerFileKind {
	readonly noun: string;
	readonly maxBytes: number;
	/** What to do when there is none. */
	readonly whenMissing: string;
}

/**
 * The bytes of a file that only its owner may read, in a buffer that is the caller's to wipe.
 * Everything is checked on the opened file, so nobody can put another in its place between
 * check and use. Rejects with `home-unusable` for a file that is missing, a symbolic link or
 * not regular, belongs to another user, lets anybody else in, or is too large.
 */
export async function readOwnerFile(
	path: string,
	kind: OwnerFileKind,
): Promise<Buffer> {
	// Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
	const file = await open(
		path,
		constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
	).catch((cause) => {
		throw new TetradError("home-unusable", whyNotOpened(path, kind, cause), {
			cause,
		});
	});
	const content = Buffer.alloc(kind.maxBytes + 1);
	try {
		return await readChecked(path, kind, file, content);
	} catch (thrown) {
		content.fill(0);
		if (thrown instanceof TetradError) throw thrown;
		throw new TetradError(
			"home-unusable",
			`the ${kind.noun} ${path} could not be read (${errorCode(thrown)}); check the disk`,
			{ cause: thrown },
		);
	} finally {
		await file.close();
	}
}

/** Fills `content` and returns the part of it that was filled. */
async function readChecked(
	path: string,
	{ noun, maxBytes }: OwnerFileKind,
	file: FileHandle,
	content: Buffer,
): Promise<Buffer> {
	const status = await file.stat();
	if (!status.isFile())
		throw unusable(`${path} is not a regular file; name the ${noun} itself`);
	if (status.uid !== process.getuid?.())
		throw unusable(
			`the ${noun} ${path} belongs to another user; run as its owner, or chown it to the user who runs this`,
		);
	if ((status.mode & GROUP_AND_OTHERS) !== 0)
		throw unusable(
			`the ${noun} ${path} is open to other users; run: chmod 600 ${path}`,
		);
	let length = 0;
	while (length < content.length) {
		const { bytesRead } = await file.read(content, length);
		if (bytesRead === 0) return content.subarray(0, length);
		length += bytesRead;
	}
	throw unusable(
		`the ${noun} ${path} is over ${maxBytes} bytes, so it holds something else; name the right file`,
	);
}

/**
 * Writes a new file for its owner only, and resolves when the file and its name are on the
 * disk. The name appears together with the whole content or not at all, and an existing one
 * is never overwritten. Rejects with `home-unusable`, and with what `taken` makes when the
 * name exists.
 */
export async function writeOwnerFile(
	path: string,
	noun: string,
	content: string | Uint8Array,
	taken: () => TetradError,
): Promise<void> {
	const draft = join(
		dirname(path),
		`.${basename(path)}.${hex(nodeCrypto.random(8))}`,
	);
	const file = await open(
		draft,
		constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
		OWNER_ONLY,
	).catch((cause) => {
		throw new TetradError("home-unusable", whyNotCreated(path, cause), {
			cause,
		});
	});
	let named = false;
	try {
		await file.writeFile(content);
		await file.sync();
		await file.close();
		// Unlike a renaming, a link never takes the place of a file that is there.
		await link(draft, path);
		named = true;
		await unlink(draft);
		await syncDirectory(dirname(path));
	} catch (cause) {
		await file.close().catch(() => {});
		await unlink(draft).catch(() => {});
		if (named) await unlink(path).catch(() => {});
		if (errorCode(cause) === "EEXIST") throw taken();
		throw new TetradError(
			"home-unusable",
			`the ${noun} ${path} could not be written (${errorCode(cause)}); check the disk`,
			{ cause },
		);
	}
}

/** A name is durably there, or durably gone, only when its directory is on the disk. */
export async function syncDirectory(path: string): Promise<void> {
	await using directory = await open(path, constants.O_RDONLY);
	await directory.sync();
}

export function unusable(what: string, cause?: unknown): TetradError {
	return new TetradError(
		"home-unusable",
		what,
		cause === undefined ? undefined : { cause },
	);
}

function whyNotCreated(path: string, cause: unknown): string {
	const code = errorCode(cause);
	if (code === "ENOENT")
		return `${path} cannot be made because its folder is missing; make it with: mkdir -p -m 700 ${dirname(path)}`;
	return `${path} cannot be made (${code}); check the permissions of ${dirname(path)}`;
}

function whyNotOpened(
	path: string,
	{ noun, whenMissing }: OwnerFileKind,
	cause: unknown,
): string {
	const code = errorCode(cause);
	if (code === "ENOENT") return `there is no ${noun} ${path}; ${whenMissing}`;
	if (code === "ELOOP")
		return `${path} is a symbolic link; name the ${noun} itself`;
	if (code === "EACCES")
		return `the ${noun} ${path} may not be read; run as its owner, or run: chmod 600 ${path}`;
	return `the ${noun} ${path} cannot be opened (${code}); check the path`;
}

export function errorCode(cause: unknown): string {
	return cause instanceof Error && "code" in cause
		? String(cause.code)
		: "unknown";
}
