/*
 * A disk that stops under a command after its nth change, as it does for a process that is killed
 * there: the call that made the change never returns, nor does any later one, so nothing that the
 * command would still do happens, its `catch` and `finally` included. What the system takes back
 * from a dead process is taken back: its open files, and the locks that it held through SQLite.
 * Whoever is not inside such a command has the disk as ever.
 */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import fs from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync } from "node:sqlite";

/** What changes the disk, or waits until it is changed, by path. */
const CHANGES = [
	...["appendFile", "chmod", "chown", "copyFile", "cp", "lchown", "link"],
	...["mkdir", "mkdtemp", "rename", "rm", "rmdir", "symlink", "truncate"],
	...["unlink", "utimes", "writeFile"],
] as const;

/** The same, of an open file. */
const CHANGES_OF_FILES = [
	...["appendFile", "chmod", "chown", "datasync", "sync", "truncate"],
	...["utimes", "write", "writeFile", "writev"],
] as const;

type Call = (this: unknown, ...args: unknown[]) => unknown;
type Calls = Record<string, Call>;

/** A command's view of the disk. */
class View {
	/** Changes so far. */
	steps = 0;
	readonly stopped: PromiseWithResolvers<void> = Promise.withResolvers();
	readonly #stopAfter: number;
	/** How to close the files that it has open. */
	readonly #files = new Set<() => Promise<void>>();
	readonly #databases = new Set<DatabaseSync>();
	readonly #underway = new Set<Promise<unknown>>();
	#isStopped = false;

	constructor(stopAfter: number) {
		this.#stopAfter = stopAfter;
	}

	async change(call: () => unknown): Promise<unknown> {
		if (this.#isStopped) return never();
		const isLast = ++this.steps === this.#stopAfter;
		// Nothing else of the command may change the disk while its last change is made.
		if (isLast) this.#isStopped = true;
		const changing = Promise.resolve(call());
		this.#underway.add(changing);
		try {
			return await changing;
		} finally {
			this.#underway.delete(changing);
			if (isLast) {
				await Promise.allSettled(this.#underway);
				await this.#takeBack();
				this.stopped.resolve();
			}
			if (this.#isStopped) await never();
		}
	}

	/** What changes nothing, and returns no more when the disk has stopped. */
	async pass(call: () => unknown): Promise<unknown> {
		if (this.#isStopped) return never();
		return call();
	}

	opened(file: FileHandle): void {
		const { close } = file;
		this.#files.add(close);
		file.close = () =>
			this.pass(() => {
				this.#files.delete(close);
				return close();
			}) as Promise<void>;
	}

	used(database: DatabaseSync): void {
		this.#databases.add(database);
	}

	async #takeBack(): Promise<void> {
		for (const close of this.#files) await close();
		for (const database of this.#databases)
			if (database.isOpen) database.close();
	}
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const never = () => new Promise<never>(() => {});

const outside: AsyncLocalStorage<View> = new AsyncLocalStorage();

/** Puts another function in the place of one; returns how to put it back. */
function replace(
	object: Calls,
	name: string,
	by: (call: Call) => Call,
): () => void {
	const call = object[name];
	assert.ok(call !== undefined, name);
	object[name] = by(call);
	return () => {
		object[name] = call;
	};
}

export class StoppingDisk implements Disposable {
	readonly #undo: (() => void)[];

	/** From now on and until it is disposed of, commands can be run on a disk that stops. */
	static async install(): Promise<StoppingDisk> {
		const probe = await fs.promises.open(import.meta.filename, "r");
		const file: Calls = Object.getPrototypeOf(probe);
		await probe.close();
		const promises = fs.promises as unknown as Calls;
		const changing = (call: Call): Call =>
			function (this: unknown, ...args) {
				const view = outside.getStore();
				if (view === undefined) return call.apply(this, args);
				return view.change(() => call.apply(this, args));
			};
		const undo = [
			...CHANGES.map((name) => replace(promises, name, changing)),
			...CHANGES_OF_FILES.map((name) => replace(file, name, changing)),
			replace(promises, "open", opening),
			replace(DatabaseSync.prototype as unknown as Calls, "exec", (call) => {
				return function (this: unknown, ...args) {
					outside.getStore()?.used(this as DatabaseSync);
					return call.apply(this, args);
				};
			}),
			// They could neither be counted nor kept from returning.
			...CHANGES.map((name) =>
				replace(fs as unknown as Calls, `${name}Sync`, (call) => {
					return function (this: unknown, ...args) {
						assert.equal(outside.getStore(), undefined, `${name}Sync`);
						return call.apply(this, args);
					};
				}),
			),
		];
		syncBuiltinESMExports();
		return new StoppingDisk(undo);
	}

	private constructor(undo: (() => void)[]) {
		this.#undo = undo;
	}

	/**
	 * Runs a command whose disk stops after this many changes. Resolves with what it returned, or
	 * with `undefined` when its disk stopped.
	 */
	async run<T>(
		stopAfter: number,
		command: () => Promise<T>,
	): Promise<T | undefined> {
		const view = new View(stopAfter);
		const listeners = SIGNALS.map((signal) => process.listeners(signal));
		const stopped = view.stopped.promise.then(() => {
			// A process that is gone hears no signals.
			for (const [index, signal] of SIGNALS.entries())
				for (const listener of process.listeners(signal))
					if (!listeners[index]?.includes(listener))
						process.off(signal, listener);
			return undefined;
		});
		return Promise.race([outside.run(view, command), stopped]);
	}

	[Symbol.dispose](): void {
		for (const undo of this.#undo) undo();
		syncBuiltinESMExports();
	}
}

/** Opening changes the disk when it may make or empty a file. */
function opening(call: Call): Call {
	return function (this: unknown, ...args) {
		const view = outside.getStore();
		if (view === undefined) return call.apply(this, args);
		const [, flags = "r"] = args;
		const open = async () => {
			const file = (await call.apply(this, args)) as FileHandle;
			view.opened(file);
			return file;
		};
		const { O_CREAT, O_TRUNC } = fs.constants;
		const isChange =
			typeof flags === "number"
				? (flags & (O_CREAT | O_TRUNC)) !== 0
				: flags !== "r";
		return isChange ? view.change(open) : view.pass(open);
	};
}
