import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { TetradError } from "../../errors.ts";
import { chosenCrypto } from "../../provider/index.ts";
import {
	FileSending,
	type FileSendingEffect,
	type FileSendingEvent,
	type ReceivedFile,
} from "../../talk/index.ts";
import type { Channel } from "../runtime/index.ts";
import { answerInTime, DEFAULT_ANSWER_MS } from "./answer-in-time.ts";
import { heard, runTalk, sessionOne } from "./talk-run.ts";

/** How far a file is on its way, in bytes. */
export interface TransferProgress {
	readonly bytes: number;
	readonly size: number;
}

/**
 * Sends a file to the other agent, and resolves when that one has acknowledged it. Rejects with
 * `file-unusable` for what is no file or cannot be read, with `carrier-failed` when it becomes shorter or longer or when other
 * bytes arrived, with `truncated` when the other agent closes before, and with `timed-out` when it
 * has not acknowledged the file `answerMs` after the last byte was sent.
 */
export async function sendFile(
	channel: Channel,
	path: string,
	progress: (progress: TransferProgress) => void,
	answerMs: number = DEFAULT_ANSWER_MS,
): Promise<ReceivedFile> {
	const file = await openToRead(path);
	try {
		const { size } = await file.stat();
		const name = basename(path);
		const delivered = Promise.withResolvers<Uint8Array>();
		await runTalk<FileSendingEvent, FileSendingEffect>(
			new FileSending(chosenCrypto(), { name, size }),
			{ kind: "begin" },
			(after) => ({
				...sessionOne(channel, after),
				receive: () =>
					after(
						answerInTime(
							heard(channel),
							answerMs,
							"the other agent acknowledges the file",
						),
					),
				read: ({ at, length }) => after(readPart(file, path, at, length)),
				progress: ({ bytes, size }) => progress({ bytes, size }),
				delivered: ({ sha256 }) => delivered.resolve(sha256),
			}),
		);
		return { name, size, sha256: await delivered.promise };
	} finally {
		await file.close();
	}
}

async function readPart(
	file: FileHandle,
	path: string,
	at: number,
	length: number,
): Promise<FileSendingEvent> {
	const part = new Uint8Array(length);
	try {
		const { bytesRead } = await file.read(part, 0, length, at);
		return { kind: "read", bytes: part.subarray(0, bytesRead) };
	} catch (thrown) {
		throw new TetradError(
			"file-unusable",
			`cannot read the file ${path}: ${(thrown as Error).message}`,
			{ cause: thrown },
		);
	}
}

/** Throws `file-unusable` unless `path` is a file that can be read. */
export async function openToRead(path: string): Promise<FileHandle> {
	try {
		// Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
		const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
		const info = await file.stat();
		if (info.isFile()) return file;
		await file.close();
	} catch (thrown) {
		throw new TetradError("file-unusable", `cannot read the file ${path}`, {
			cause: thrown,
		});
	}
	throw new TetradError("file-unusable", `${path} is not a file`);
}

/** In bytes. Throws as `openToRead`. */
export async function sizeOf(path: string): Promise<number> {
	await using file = await openToRead(path);
	return (await file.stat()).size;
}
