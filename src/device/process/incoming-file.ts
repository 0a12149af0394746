import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { TetradError } from "../../errors.ts";
import {
	type FileWorkEffect,
	type FileWorkEvent,
	numberedName,
} from "../../talk/index.ts";
import { releaseAround } from "../../wire/index.ts";
import type { Handlers } from "../runtime/index.ts";
import type { After } from "./talk-run.ts";

/** A file that is not whole yet. */
interface Part {
	readonly file: FileHandle;
	readonly path: string;
	/** Where it goes when it is whole; a file is there to hold the name. */
	readonly target: string;
}

type State =
	| { readonly kind: "none" }
	| { readonly kind: "part"; readonly part: Part };

/** The disk under a machine that takes files into one folder, one after another. What is asked is done in order. */
export class IncomingFile {
	readonly #folder: string;
	#state: State = { kind: "none" };
	#work: Promise<unknown> = Promise.resolve();

	constructor(folder: string) {
		this.#folder = folder;
	}

	/** Begins a file under `name` or the next free one. */
	create(name: string): Promise<void> {
		return this.#inTurn(async () => {
			const part = await createPart(this.#folder, name);
			this.#state = { kind: "part", part };
		});
	}

	write(bytes: Uint8Array): Promise<void> {
		return this.#inTurn(() => this.#part().file.writeFile(bytes));
	}

	/** Resolves with where it is, once it is durable there. */
	keep(): Promise<string> {
		return this.#inTurn(async () => {
			const { file, path, target } = this.#part();
			await file.sync();
			await file.close();
			await rename(path, target);
			this.#state = { kind: "none" };
			await using folder = await open(this.#folder, constants.O_RDONLY);
			await folder.sync();
			return target;
		});
	}

	/** Leaves nothing of a file that is not kept. */
	discard(): Promise<void> {
		return this.#inTurn(async () => {
			if (this.#state.kind === "none") return;
			const { file, path, target } = this.#state.part;
			this.#state = { kind: "none" };
			await file.close().catch(() => {});
			await rm(path, { force: true });
			await rm(target, { force: true });
		});
	}

	#part(): Part {
		if (this.#state.kind === "part") return this.#state.part;
		throw new TetradError("internal", "there is no file to write into");
	}

	/** Rejects with `file-unusable` for whatever the disk fails with. */
	#inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
		const done = this.#work.then(work).catch((thrown: unknown) => {
			throw thrown instanceof TetradError
				? thrown
				: unusable(this.#folder, thrown);
		});
		this.#work = done.catch(() => {});
		return done;
	}
}

type DiskEffect = Extract<
	FileWorkEffect,
	{ readonly kind: "create" | "write" | "keep" | "discard" }
>;

/** How what a machine asks of the disk is carried out. */
export function onDisk(
	files: IncomingFile,
	after: After<FileWorkEvent>,
): Handlers<DiskEffect> {
	return {
		create: ({ name }) =>
			after(files.create(name).then(() => ({ kind: "created" }))),
		write: ({ bytes }) => after(writeAll(files, bytes)),
		keep: () => after(files.keep().then((path) => ({ kind: "kept", path }))),
		discard: () => void files.discard(),
	};
}

async function writeAll(
	files: IncomingFile,
	bytes: Uint8Array,
): Promise<FileWorkEvent> {
	await files.write(bytes);
	// Left to the collector, each 64 MiB of a file are a collection of the whole heap or two.
	releaseAround(bytes);
	return { kind: "written" };
}

/** The target's name is taken at once, so that two transfers of one name do not meet. */
async function createPart(folder: string, name: string): Promise<Part> {
	for (let i = 1; i <= 1000; i++) {
		const target = join(folder, i === 1 ? name : numberedName(name, i));
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
			throw unusable(folder, thrown);
		}
	}
	throw new TetradError(
		"file-unusable",
		`${folder} has a thousand files named ${name}`,
	);
}

function unusable(folder: string, cause: unknown): TetradError {
	return new TetradError(
		"file-unusable",
		`cannot write into ${folder}: ${(cause as Error).message}`,
		{ cause },
	);
}
