import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type ListNumber,
	MAX_BUNDLE_BYTES,
	UntrustedLists,
} from "../../identity/index.ts";
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

/** The state of a home, which its holder of the lock reads and writes. */
export class HomeState {
	readonly #home: string;
	/** What was stored, as it was read. */
	readonly bundles: readonly Uint8Array[];
	#lastSeen: number | undefined;
	readonly #numbers: Map<string, bigint>;
	#writing: Promise<void> = Promise.resolve();

	private constructor(
		home: string,
		bundles: readonly Uint8Array[],
		state: z.infer<typeof stateFile>,
	) {
		this.#home = home;
		this.bundles = bundles;
		this.#lastSeen = state.lastSeen;
		this.#numbers = new Map(
			Object.entries(state.lists).map(([id, number]) => [id, BigInt(number)]),
		);
	}

	/** Reads what is there; a new home has nothing. Throws `home-unusable` for what cannot be read. */
	static async read(home: string): Promise<HomeState> {
		const path = join(home, "state.json");
		const bundles = await readBundles(home);
		if (await isThere(path))
			return new HomeState(
				home,
				bundles,
				parseJson(stateFile, await readText(path), path),
			);
		// The lists were learned, so the state was there and says more than a new one would.
		if (bundles.length > 0)
			throw unusable(
				`${path} is missing, and it says which lists this device has seen; put it back, or begin anew with: rm -r ${join(home, "lists")}, and import the newest lists`,
			);
		return new HomeState(home, [], { version: 1, lists: {} });
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
			seen: (time) =>
				this.#inTurn(async () => {
					this.#lastSeen = Math.max(time, this.#lastSeen ?? 0);
					await this.#write();
				}),
		};
	}

	async #store(bundle: Uint8Array, list: ListNumber): Promise<void> {
		const id = hex(list.authority);
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
		const state: z.infer<typeof stateFile> = {
			version: 1,
			...(this.#lastSeen === undefined ? {} : { lastSeen: this.#lastSeen }),
			lists: Object.fromEntries(
				[...this.#numbers].map(([id, number]) => [id, String(number)]),
			),
		};
		await replaceFile(
			join(this.#home, "state.json"),
			`${JSON.stringify(state, null, "\t")}\n`,
		);
	}

	#path(id: string): string {
		return join(this.#home, "lists", `${id}.list`);
	}

	#inTurn(work: () => Promise<void>): Promise<void> {
		const done = this.#writing.then(work);
		this.#writing = done.catch(() => {});
		return done;
	}
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
