import { constants } from "node:fs";
import {
	lstat,
	mkdir,
	open,
	readdir,
	rename,
	rm,
	stat,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { z } from "zod";
import { TetradError } from "../../errors.ts";
import { parsePem } from "../../identity/index.ts";
import { syncDirectory } from "../../keys/index.ts";

/** A text file of a home, in bytes. */
const MAX_FILE_BYTES = 262_144;

/**
 * Makes a folder for its owner only, and those that it lies in, unless they are there. Resolves
 * when their names are on the disk: what is durable in a folder is lost with it. Rejects as the
 * file system does.
 */
export async function makeFolder(path: string): Promise<void> {
	const whole = resolve(path);
	const first = await mkdir(whole, { mode: 0o700, recursive: true });
	const above = dirname(first ?? whole);
	for (let at = whole; at !== above; ) {
		at = dirname(at);
		try {
			await syncDirectory(at);
		} catch (thrown) {
			// One that was there, in a folder that is somebody else's, is not ours to care for.
			const { code } = thrown as NodeJS.ErrnoException;
			if (first !== undefined || code !== "EACCES") throw thrown;
		}
	}
}

/** A new folder that only its owner may read; one that is so already will do. */
export async function makePrivateFolder(path: string): Promise<void> {
	try {
		await makeFolder(path);
	} catch (thrown) {
		throw unusable(`cannot make ${path}: ${reason(thrown)}`, thrown);
	}
	await requireOwn(path);
	// A folder that others use shall not be closed to them.
	const names = (await isOpen(path)) ? await readdir(path) : [];
	const isHome = Object.values(KINDS).some(({ file }) => names.includes(file));
	if (names.length > 0 && !isHome)
		throw unusable(
			`others may read ${path}, and it is not empty; name a new folder`,
		);
	await requirePrivate(path);
}

/** What a home is of, the file that no other folder has, and how such a home is made. */
const KINDS = {
	device: {
		file: "device.json",
		noun: "home",
		is: "the home of a device",
		command: (path: string) => `tetrad authority issue --device ${path} …`,
	},
	authority: {
		file: "authority.json",
		noun: "authority",
		is: "the folder of an authority",
		command: (path: string) => `tetrad authority init --home ${path} …`,
	},
	enrolment: {
		file: "enrolment.json",
		noun: "device that is being enrolled",
		is: "the home of a device that has no certificate yet",
		command: (path: string) => `tetrad enroll --home ${path} …`,
	},
} as const;

/**
 * Throws `home-unusable` unless `path` is a home of that kind, of this user, and nobody else may
 * enter it. What is no home is not told to close itself: others may need it.
 */
export async function requireHome(
	path: string,
	kind: keyof typeof KINDS,
): Promise<void> {
	const { file, noun, is, command } = KINDS[kind];
	await requireOwn(path, `there is no ${noun} at ${path}`, command(path));
	if (!(await isThere(join(path, file)))) {
		for (const other of Object.values(KINDS))
			if (await isThere(join(path, other.file)))
				throw unusable(`${path} is ${other.is}, and not ${is}`);
		if (await isThere(join(path, "tetrad.toml")))
			throw unusable(
				`${path} is the folder of a side, and not ${is}; name that of one of its devices, such as ${join(path, "agent")}`,
			);
		throw unusable(
			`there is no ${noun} at ${path}: ${join(path, file)} is not there; make one with: ${command(path)}`,
		);
	}
	await requirePrivate(path);
}

async function isOpen(path: string): Promise<boolean> {
	return ((await stat(path)).mode & 0o077) !== 0;
}

/**
 * Writes a file for its owner only, in the place of an earlier one, and resolves when content and
 * name are on the disk. After a crash either the old content is there or the new one, whole.
 */
export async function replaceFile(
	path: string,
	content: string | Uint8Array,
): Promise<void> {
	const draft = `${path}.new`;
	try {
		await using file = await open(draft, "w", 0o600);
		await file.writeFile(content);
		await file.sync();
		await rename(draft, path);
		await syncDirectory(dirname(path));
	} catch (thrown) {
		await rm(draft, { force: true }).catch(() => {});
		throw unusable(
			`cannot write ${path} for good: ${reason(thrown)}; check the disk and its permissions`,
			thrown,
		);
	}
}

/** Throws `home-unusable` unless `path` is a folder of this user that nobody else may enter. */
export async function requirePrivate(path: string): Promise<void> {
	await requireOwn(path);
	if (await isOpen(path))
		throw unusable(`others may read ${path}; close it with: chmod 700 ${path}`);
}

async function requireOwn(
	path: string,
	missing: string = `there is no folder ${path}`,
	command?: string,
): Promise<void> {
	let info: Awaited<ReturnType<typeof stat>>;
	try {
		info = await stat(path);
	} catch (thrown) {
		throw unusable(
			`${missing} (${reason(thrown)})${command === undefined ? "" : `; make one with: ${command}`}`,
			thrown,
		);
	}
	if (!info.isDirectory()) throw unusable(`${path} is not a folder`);
	if (info.uid !== process.getuid?.())
		throw unusable(`${path} belongs to another user`);
}

/** The certificates of a PEM file, in DER. */
export async function readCertificates(path: string): Promise<Uint8Array[]> {
	const text = await readText(path);
	try {
		return parsePem(text);
	} catch (thrown) {
		throw unusable(`${path} holds no certificates in PEM`, thrown);
	}
}

/** A whole small text file. */
export async function readText(path: string): Promise<string> {
	const bytes = await readBytes(path, MAX_FILE_BYTES);
	return Buffer.from(bytes).toString("utf8");
}

/** A whole file of at most `maxBytes`. Throws `home-unusable`, naming it and what is wrong. */
export async function readBytes(
	path: string,
	maxBytes: number,
): Promise<Uint8Array> {
	try {
		// Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
		await using file = await open(
			path,
			constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
		);
		const info = await file.stat();
		if (!info.isFile()) throw new Error("it is not a file");
		if (info.size > maxBytes) throw new Error("it is too large");
		return new Uint8Array(await file.readFile());
	} catch (thrown) {
		throw unusable(`cannot read ${path}: ${reason(thrown)}`, thrown);
	}
}

/** Whether there is a file at `path`, of whichever kind: a link that leads nowhere is one, and whoever reads it hears of that. */
export async function isThere(path: string): Promise<boolean> {
	try {
		await lstat(path);
		return true;
	} catch {
		return false;
	}
}

/** A JSON file's content under its schema. Throws `home-unusable` with the path inside it, and never with what stands there. */
export function parseJson<T>(
	schema: z.ZodType<T>,
	text: string,
	path: string,
): T {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (thrown) {
		// The parser's own message quotes the text, which may hold a key.
		throw unusable(
			`${path} is not JSON`,
			thrown instanceof SyntaxError ? undefined : thrown,
		);
	}
	const result = schema.safeParse(value);
	if (result.success) return result.data;
	const [issue] = result.error.issues;
	throw unusable(
		`${path}: ${issue?.path.join(".") || "the file"}: ${issue?.message ?? "is not valid"}`,
	);
}

/** What a failed file operation means to the owner. */
export function reason(thrown: unknown): string {
	if (!(thrown instanceof Error)) return "unknown";
	const { code } = thrown as NodeJS.ErrnoException;
	switch (code) {
		case "ENOENT":
			return "it does not exist";
		case "EACCES":
			return "permission denied";
		case "EEXIST":
			return "it exists already";
		case "ELOOP":
			return "it is a symbolic link";
		case "ENOSPC":
		case "EDQUOT":
			return "its disk is full";
		case "ENOTDIR":
			return "a part of the path is not a folder";
		default:
			return code ?? thrown.message;
	}
}

export function unusable(message: string, cause?: unknown): TetradError {
	return new TetradError(
		"home-unusable",
		message,
		cause === undefined ? undefined : { cause },
	);
}
