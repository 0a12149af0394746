import { z } from "zod";
import { TetradError } from "../../errors.ts";
import { concat, utf8 } from "../../wire/index.ts";

/*
 * What is sealed in a backup of a purse, version 1:
 *
 *   offset  bytes
 *        0      4  length of the header, big-endian
 *        4      n  header: JSON, with the names and lengths of all files, in order
 *    4 + n         their bytes, one behind the other, and nothing behind them
 */

/** Files of one backup. */
const MAX_FILES = 1000;

/** The header, in bytes. */
const MAX_HEADER_BYTES = 262_144;

const LENGTH_BYTES = 4;

/** A name of a file in a home, or in a folder of it. Nothing leads out of it. */
const NAME =
	/^(?:[A-Za-z0-9][A-Za-z0-9_-]{0,63}\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

const header = z.strictObject({
	version: z.literal(1),
	module: z.string().regex(/^([0-9a-f]{2}){37,200}$/),
	made: z.iso.datetime(),
	changes: z.string().regex(/^(0|[1-9]\d{0,18})$/),
	files: z
		.array(
			z.strictObject({
				name: z.string().regex(NAME),
				bytes: z.int().nonnegative(),
			}),
		)
		.min(1)
		.max(MAX_FILES),
});

/** A file of a home, by its path there. */
export interface BackedUpFile {
	readonly name: string;
	readonly bytes: Uint8Array;
}

/** What a backup holds. */
export interface BackupContent {
	/** The device id of the module, in hexadecimal. */
	readonly module: string;
	/** When it was made. */
	readonly made: Date;
	/** How many changes the purse had made. */
	readonly changes: bigint;
	readonly files: readonly BackedUpFile[];
}

export function encodeBackup({
	module,
	made,
	changes,
	files,
}: BackupContent): Uint8Array {
	const head = utf8(
		JSON.stringify({
			version: 1,
			module,
			made: made.toISOString(),
			changes: String(changes),
			files: files.map(({ name, bytes }) => ({ name, bytes: bytes.length })),
		} satisfies z.infer<typeof header>),
	);
	const length = new Uint8Array(LENGTH_BYTES);
	new DataView(length.buffer).setUint32(0, head.length);
	return concat(length, head, ...files.map(({ bytes }) => bytes));
}

/** Throws `file-unusable` for what is no backup of this version. */
export function parseBackup(content: Uint8Array): BackupContent {
	try {
		const { buffer, byteOffset, byteLength } = content;
		const view = new DataView(buffer, byteOffset, byteLength);
		const length = view.getUint32(0);
		if (length > MAX_HEADER_BYTES) throw new RangeError("a long header");
		let at = LENGTH_BYTES + length;
		const text = Buffer.from(content.subarray(LENGTH_BYTES, at)).toString();
		const { files, made, changes, module } = header.parse(JSON.parse(text));
		const names = new Set(files.map(({ name }) => name));
		const parted = files.map(({ name, bytes }) => {
			const start = at;
			at += bytes;
			return { name, bytes: content.subarray(start, at) };
		});
		if (at !== content.length || names.size !== files.length)
			throw new RangeError("other lengths or names");
		return {
			module,
			made: new Date(made),
			changes: BigInt(changes),
			files: parted,
		};
	} catch (cause) {
		throw new TetradError(
			"file-unusable",
			"this backup is of another version, or damaged",
			{ cause },
		);
	}
}
