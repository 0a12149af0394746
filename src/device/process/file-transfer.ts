/*
 * A file from one agent to the other, over session 1. Each message is a type byte and a body:
 *
 *   sender    offer {name, size} ─▶ chunk … ─▶ done {sha256}
 *   receiver                                               ─▶ receipt {sha256}
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { TetradError } from "../../errors.ts";
import {
	bytes,
	concat,
	FILE_MESSAGE,
	malformed,
	parseUtf8,
	sameBytes,
	structure,
	utf8,
	utf8Within,
} from "../../wire/index.ts";
import type { Channel } from "../runtime/index.ts";

const {
	offer: OFFER,
	chunk: CHUNK,
	done: DONE,
	receipt: RECEIPT,
} = FILE_MESSAGE;

const offerBody = structure("file offer", {
	name: bytes(1, 255),
	size: bytes(8),
});
const digestBody = structure("file digest", { sha256: bytes(32) });

/** File bytes in one message: with its type 64 KiB, which passed a quarter faster than the largest message did. */
const CHUNK_BYTES: number = 2 ** 16 - 1;

/** Of a received file's name: leaves room for " (1000).part" in the 255 bytes that file systems take. */
const MAX_NAME_BYTES = 200;

/** The largest file that a receiver takes unless told otherwise: 16 GiB. */
const DEFAULT_MAX_FILE_BYTES: number = 2 ** 34;

export interface TransferProgress {
	readonly bytes: number;
	readonly size: number;
}

export interface Transferred {
	readonly name: string;
	readonly size: number;
	readonly sha256: Uint8Array;
	/** Where the receiver put it. */
	readonly path?: string;
}

type Progress = (progress: TransferProgress) => void;

/** Sends a file and waits for the receiver's digest. Throws `carrier-failed` when it is another one. */
export async function sendFile(
	channel: Channel,
	path: string,
	progress: Progress,
): Promise<Transferred> {
	const file = await openToRead(path);
	try {
		const { size } = await file.stat();
		const name = basename(path);
		const hash = createHash("sha256");
		await channel.send(
			message(OFFER, offerBody.encode({ name: utf8(name), size: u64(size) })),
		);
		for (let at = 0; at < size; ) {
			const chunk = new Uint8Array(1 + Math.min(CHUNK_BYTES, size - at));
			chunk[0] = CHUNK;
			const { bytesRead } = await file.read(chunk, 1, chunk.length - 1, at);
			if (bytesRead === 0)
				throw new TetradError(
					"carrier-failed",
					`${path} became shorter while it was sent`,
				);
			const part = chunk.subarray(0, 1 + bytesRead);
			hash.update(part.subarray(1));
			await channel.send(part);
			at += bytesRead;
			progress({ bytes: at, size });
		}
		const sha256 = new Uint8Array(hash.digest());
		await channel.send(message(DONE, digestBody.encode({ sha256 })));
		const answer = await take(channel, RECEIPT);
		if (!sameBytes(digestBody.decode(answer).sha256, sha256))
			throw new TetradError(
				"carrier-failed",
				"the file that arrived is not the file that was sent",
			);
		return { name, size, sha256 };
	} finally {
		await file.close();
	}
}

/**
 * Receives one file into `folder`, under the sender's name made harmless, never over a file that
 * is there. The receipt is sent by `acknowledge`, which the caller calls when it is content.
 */
export async function receiveFile(
	channel: Channel,
	offer: Uint8Array,
	folder: string,
	progress: Progress,
	maxBytes: number = DEFAULT_MAX_FILE_BYTES,
): Promise<Transferred & { acknowledge(): Promise<void> }> {
	const body = bodyOf(offer, OFFER);
	const fields = offerBody.decode(body);
	const size = Number(
		new DataView(
			fields.size.buffer,
			fields.size.byteOffset,
			fields.size.byteLength,
		).getBigUint64(0),
	);
	if (size > maxBytes)
		throw new TetradError(
			"limit-exceeded",
			`the peer offers a file of ${size} bytes; ${maxBytes} are accepted`,
		);
	const name = harmless(parseUtf8(fields.name));
	const part = await createPart(folder, name);
	const hash = createHash("sha256");
	try {
		for (let at = 0; at < size; ) {
			const chunk = await take(channel, CHUNK);
			if (chunk.length === 0 || chunk.length > size - at)
				throw malformed("a chunk does not fit into its file");
			await part.file.writeFile(chunk);
			hash.update(chunk);
			at += chunk.length;
			progress({ bytes: at, size });
		}
		const { sha256: claimed } = digestBody.decode(await take(channel, DONE));
		const sha256 = new Uint8Array(hash.digest());
		if (!sameBytes(claimed, sha256))
			throw malformed("the file's digest is not the one announced");
		await part.file.sync();
		await part.file.close();
		await rename(part.path, part.target);
		return {
			name,
			size,
			sha256,
			path: part.target,
			acknowledge: () =>
				channel.send(message(RECEIPT, digestBody.encode({ sha256 }))),
		};
	} catch (thrown) {
		await part.file.close().catch(() => {});
		await rm(part.path, { force: true });
		await rm(part.target, { force: true });
		throw thrown;
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

/** The target's name is taken at once, so that two transfers of one name do not meet. */
async function createPart(folder: string, name: string) {
	for (let i = 1; i <= 1000; i++) {
		const target = join(folder, i === 1 ? name : `${name} (${i})`);
		try {
			const placeholder = await open(target, "wx", 0o600);
			await placeholder.close();
			const path = `${target}.part`;
			const file = await open(path, "wx", 0o600).catch(async (thrown) => {
				await rm(target);
				throw thrown;
			});
			return { target, path, file };
		} catch (thrown) {
			if ((thrown as NodeJS.ErrnoException).code === "EEXIST") continue;
			throw new TetradError(
				"file-unusable",
				`cannot write into ${folder}: ${(thrown as Error).message}`,
				{ cause: thrown },
			);
		}
	}
	throw new TetradError(
		"file-unusable",
		`${folder} has a thousand files named ${name}`,
	);
}

/** A peer chooses the name, so it may not choose the folder, hide the file, or hold control characters. */
function harmless(name: string): string {
	const plain = basename(name)
		.replace(/[^\p{L}\p{N} ._()+-]/gu, "_")
		.replace(/^\.+/, "_");
	return plain === "" ? "file" : parseUtf8(utf8Within(plain, MAX_NAME_BYTES));
}

async function take(channel: Channel, type: number): Promise<Uint8Array> {
	const next = await channel.receive();
	if (next === undefined)
		throw new TetradError(
			"truncated",
			"the peer closed in the middle of a file",
		);
	return bodyOf(next, type);
}

function bodyOf(bytes: Uint8Array, type: number): Uint8Array {
	if (bytes[0] !== type)
		throw malformed("this is not the next message of a file");
	return bytes.subarray(1);
}

function message(type: number, body: Uint8Array): Uint8Array {
	return concat(Uint8Array.of(type), body);
}

function u64(value: number): Uint8Array {
	const bytes = new Uint8Array(8);
	new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
	return bytes;
}
