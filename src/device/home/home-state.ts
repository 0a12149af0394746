import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import {
	type ListNumber,
	MAX_BUNDLE_BYTES,
	UntrustedLists,
} from "../../identity/index.ts";
import { waitForLock } from "../../keys/index.ts";
import type { Policy } from "../../tetrad/index.ts";
import { hex } from "../../wire/index.ts";
import {
	type ClockOptions,
	type ListStore,
	requireNotBehind,
	restoreLists,
} from "../runtime/index.ts";
import {
	isThere,
	parseJson,
	readBytes,
	readText,
	reason,
	replaceFile,
	unusable,
} from "./files.ts";

/*
 * What a device has learned and must not forget:
 *
 *   state.json            the last time that was seen, and the highest number of each authority's list
 *   lists/<authority>.list   the newest bundle of that authority
 *
 * Both only move forward. A list is written before state.json says that it was seen, so after a
 * crash the list is there whenever state.json asks for it.
 */

/** Lists of authorities that one home may hold: those of 64 roots and of 16 intermediates below each. */
const MAX_LIST_FILES = 1088;

const LIST_FILE = /^[0-9a-f]{64}\.list$/;

const stateFile = z.strictObject({
	version: z.literal(1),
	/** In milliseconds since the epoch. */
	lastSeen: z.int().min(0).max(8.64e15).optional(),
	/** By authority id. */
	lists: z
		.record(z.string().regex(/^[0-9a-f]{64}$/), z.string().regex(/^\d{1,20}$/))
		.refine(
			(lists) => Object.keys(lists).length <= MAX_LIST_FILES,
			`names more than ${MAX_LIST_FILES} authorities`,
		),
});

/** How often a process looks whether others have learned something, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

/** How long one waits until another has written, in milliseconds. */
const WRITTEN_WITHIN_MS = 5_000;

/**
 * The state of a home, which its holder of the lock reads and writes. Where several processes have
 * the home together, what is on the disk counts: each reads it again before it writes, under a lock
 * of its own, and looks every second for what others have learned.
 */
export class HomeState {
	readonly #home: string;
	readonly #isShared: boolean;
	/** What was stored, as it was read. */
	readonly bundles: readonly Uint8Array[];
	#lastSeen: number | undefined;
	readonly #numbers: Map<string, bigint>;
	#writing: Promise<void> = Promise.resolve();

	private constructor(
		home: string,
		bundles: readonly Uint8Array[],
		state: State,
		isShared: boolean,
	) {
		this.#home = home;
		this.#isShared = isShared;
		this.bundles = bundles;
		this.#lastSeen = state.lastSeen;
		this.#numbers = numbersOf(state);
	}

	/** Reads what is there; a new home has nothing. Throws `home-unusable` for what cannot be read. */
	static async read(home: string, isShared = false): Promise<HomeState> {
		if (!isShared) return HomeState.#read(home, false);
		// Between a list and the word that it is there, nobody else writes.
		await using _ = await lockState(home);
		return HomeState.#read(home, true);
	}

	static async #read(home: string, isShared: boolean): Promise<HomeState> {
		const path = pathIn(home);
		const bundles = await readBundles(home);
		if (await isThere(path))
			return new HomeState(home, bundles, await readState(path), isShared);
		// The lists were learned, so the state was there and says more than a new one would.
		if (bundles.length > 0)
			throw unusable(
				`${path} is missing, and it says which lists this device has seen; put it back, or begin anew with: rm -r ${join(home, "lists")}, and import the newest lists`,
			);
		return new HomeState(home, [], { version: 1, lists: {} }, isShared);
	}

	/**
	 * Throws `list-refused` when a list on the disk is older than what this device has seen, or is
	 * gone, and `clock-wrong` when `now` is behind the last time that was seen.
	 */
	requireForward(policy: Policy, now: number): void {
		requireNotBehind(now, this.#lastSeen);
		const lists = this.restored(policy);
		for (const [id, seen] of this.#numbers) {
			const held = lists.list(fromHex(id));
			if (held !== undefined && held.number >= seen) continue;
			const file = join(this.#home, "lists", `${id}.list`);
			throw new TetradError(
				"list-refused",
				held === undefined
					? `this device has seen list ${seen} of an authority, and ${file} does not hold it; import the newest list of that authority with: tetrad lists --home ${this.#home} --import FILE, or, if its root is trusted no longer, take its line out of state.json`
					: `this device has seen list ${seen} of ${held.issuerText}, and ${file} holds list ${held.number}, which is older; import the newest list with: tetrad lists --home ${this.#home} --import FILE`,
			);
		}
	}

	/** The stored lists under the roots of a policy; broken ones are refused unless told otherwise. */
	restored(policy: Policy, withoutBroken = false): UntrustedLists {
		const lists = new UntrustedLists(nodeCrypto, policy);
		restoreLists(lists, this.bundles, withoutBroken);
		return lists;
	}

	/** Resolves when nothing is being written any more. */
	settled(): Promise<void> {
		return this.#writing;
	}

	/** What was seen of an authority's list; 0 for none. */
	numberSeen(authority: Uint8Array): bigint {
		return this.#numbers.get(hex(authority)) ?? 0n;
	}

	get lists(): ListStore {
		return {
			bundles: this.bundles,
			store: (bundle, list) => this.#inTurn(() => this.#store(bundle, list)),
			forget: (authority) => this.#inTurn(() => this.#forget(authority)),
		};
	}

	clock(now: () => number): ClockOptions {
		return {
			now,
			lastSeen: this.#lastSeen,
			...(this.#isShared ? { seenElsewhere: () => this.#lastSeen } : {}),
			seen: (time) =>
				this.#inTurn(async () => {
					this.#lastSeen = Math.max(time, this.#lastSeen ?? 0);
					await this.#write();
				}),
		};
	}

	/** Has what other processes learn learned here, too, and heeds what time they have seen, until it is disposed of. */
	follow(learn: (bundle: Uint8Array) => Promise<unknown>): AsyncDisposable {
		const stop = new AbortController();
		const following = this.#follow(learn, stop.signal);
		return {
			async [Symbol.asyncDispose]() {
				stop.abort();
				await following;
			},
		};
	}

	async #follow(
		learn: (bundle: Uint8Array) => Promise<unknown>,
		signal: AbortSignal,
	): Promise<void> {
		const learned = new Map(this.#numbers);
		while (!signal.aborted) {
			await pause(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(
				() => {},
			);
			if (signal.aborted) return;
			try {
				await this.#look(learned, learn);
			} catch {
				// What cannot be read now is looked at again; whoever writes it says what is wrong.
			}
		}
	}

	async #look(
		learned: Map<string, bigint>,
		learn: (bundle: Uint8Array) => Promise<unknown>,
	): Promise<void> {
		const path = pathIn(this.#home);
		if (!(await isThere(path))) return;
		const state = await readState(path);
		this.#lastSeen = Math.max(state.lastSeen ?? 0, this.#lastSeen ?? 0);
		for (const [id, number] of numbersOf(state)) {
			const before = learned.get(id) ?? 0n;
			if (number <= before) continue;
			if (await this.#learnStored(id, learn)) learned.set(id, number);
		}
	}

	/** Whether it need not be tried again. What is of no use here is told of by whoever judges it; what the disk or its lock stood in the way of may pass. */
	async #learnStored(
		id: string,
		learn: (bundle: Uint8Array) => Promise<unknown>,
	): Promise<boolean> {
		try {
			await learn(await readBytes(this.#path(id), MAX_BUNDLE_BYTES));
			return true;
		} catch (thrown) {
			return asTetradError(thrown).family !== "environment";
		}
	}

	async #store(bundle: Uint8Array, list: ListNumber): Promise<void> {
		const id = hex(list.authority);
		// Another process has stored a newer one meanwhile, which comes here by itself.
		if (this.#isShared && list.number < this.numberSeen(list.authority)) return;
		await mkdir(join(this.#home, "lists"), { mode: 0o700, recursive: true });
		await replaceFile(this.#path(id), bundle);
		const seen = this.#numbers.get(id) ?? 0n;
		this.#numbers.set(id, list.number > seen ? list.number : seen);
		await this.#write();
	}

	/** The other way round than storing: what state.json asks for has to be there. */
	async #forget(authority: Uint8Array): Promise<void> {
		const id = hex(authority);
		this.#numbers.delete(id);
		await this.#write();
		await rm(this.#path(id), { force: true });
	}

	async #write(): Promise<void> {
		const state: State = {
			version: 1,
			...(this.#lastSeen === undefined ? {} : { lastSeen: this.#lastSeen }),
			lists: Object.fromEntries(
				[...this.#numbers].map(([id, number]) => [id, String(number)]),
			),
		};
		await replaceFile(
			pathIn(this.#home),
			`${JSON.stringify(state, null, "\t")}\n`,
		);
	}

	#path(id: string): string {
		return join(this.#home, "lists", `${id}.list`);
	}

	#inTurn(work: () => Promise<void>): Promise<void> {
		const done = this.#writing.then(() =>
			this.#isShared ? this.#afterOthers(work) : work(),
		);
		this.#writing = done.catch(() => {});
		return done;
	}

	async #afterOthers(work: () => Promise<void>): Promise<void> {
		await using _ = await lockState(this.#home);
		const path = pathIn(this.#home);
		if (await isThere(path)) {
			const state = await readState(path);
			this.#lastSeen = Math.max(state.lastSeen ?? 0, this.#lastSeen ?? 0);
			this.#numbers.clear();
			for (const [id, number] of numbersOf(state))
				this.#numbers.set(id, number);
		}
		await work();
	}
}

type State = z.infer<typeof stateFile>;

function pathIn(home: string): string {
	return join(home, "state.json");
}

async function readState(path: string): Promise<State> {
	return parseJson(stateFile, await readText(path), path);
}

function numbersOf({ lists }: State): Map<string, bigint> {
	return new Map(
		Object.entries(lists).map(([id, number]) => [id, BigInt(number)]),
	);
}

/** One process at a time writes the state of a home that several have. */
async function lockState(home: string): Promise<AsyncDisposable> {
	const path = join(home, "state.lock");
	let held: AsyncDisposable | undefined;
	try {
		held = await waitForLock(path, WRITTEN_WITHIN_MS);
	} catch (thrown) {
		throw unusable(`cannot lock ${path}: ${reason(thrown)}`, thrown);
	}
	if (held === undefined)
		throw unusable(
			`another process of the device in ${home} writes its state and does not end; stop that one, and start it again`,
		);
	return held;
}

async function readBundles(home: string): Promise<Uint8Array[]> {
	const folder = join(home, "lists");
	if (!(await isThere(folder))) return [];
	const names = (await readdir(folder)).filter((name) => LIST_FILE.test(name));
	if (names.length > MAX_LIST_FILES)
		throw unusable(
			`${folder} holds ${names.length} lists, and ${MAX_LIST_FILES} is the limit`,
		);
	const bundles: Uint8Array[] = [];
	for (const name of names.sort())
		bundles.push(await readBytes(join(folder, name), MAX_BUNDLE_BYTES));
	return bundles;
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
