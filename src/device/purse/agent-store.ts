import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { Store, Transaction } from "../../machine/index.ts";
import {
	type Head,
	readWitnessed,
	WITNESSED,
	witnessing,
} from "../../money/index.ts";
import { logged } from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import { isAgentStoreUsed, openAgentStore } from "./agent-store-place.ts";
import { borrowed } from "./borrowed-store.ts";
import { putOldWitnessAside, readOldWitness } from "./old-witness.ts";
import type { Witness } from "./witness.ts";

/** A head, and when it is kept for good. */
interface Known {
	readonly head: Head;
	readonly written: Promise<void>;
}

/**
 * What the agent of a home keeps of money and purchases, in agent.db there or in PostgreSQL (docs/stores.md): one
 * process has it open at a time, unless all of them share it. An agent that has to do with neither has none: its store
 * is made when there is something to keep.
 *
 * @example
 * ```ts
 * import { AgentStore, Payments } from "tetrad";
 *
 * await using store = await AgentStore.open("home");
 * const payments = new Payments(tetrad, { witness: store });
 * await payments.settle(terms.issuer);
 * ```
 */
export class AgentStore implements Witness, AsyncDisposable {
	readonly #open: () => Promise<Store>;
	readonly #now: () => number;
	/** Whether other processes keep heads there, too. */
	readonly #isShared: boolean;
	/** The newest head of each module, by its device id. */
	readonly #known = new Map<string, Known>();
	/** Those of them that are kept for good. */
	readonly #kept = new Map<string, Head>();
	#store: Promise<Store> | undefined;
	#isClosed = false;

	private constructor(
		open: () => Promise<Store>,
		now: () => number,
		isShared = false,
	) {
		this.#open = open;
		this.#now = now;
		this.#isShared = isShared;
	}

	/**
	 * Reads what is there; a new home has nothing. A witness.json of an older program is read into
	 * the store and put aside. With `isShared` other processes may have it open that say so, too,
	 * which PostgreSQL alone can do. Throws `home-unusable` for one that cannot be read,
	 * `invalid-argument` for one that cannot be shared, and what opening a store throws.
	 */
	static async open(
		home: string,
		{ isShared = false }: { readonly isShared?: boolean } = {},
	): Promise<AgentStore> {
		const store = new AgentStore(
			() => openIn(home, isShared),
			Date.now,
			isShared,
		);
		if (isShared || (await isAgentStoreUsed(home))) await store.#opened();
		return store;
	}

	/** What an agent keeps in a store that is open already (docs/stores.md), which nothing else writes to; whoever opened it closes it, after this. `now` is the agent's clock, the machine's unless given. */
	static async over(
		store: Store,
		now: () => number = Date.now,
	): Promise<AgentStore> {
		const kept = new AgentStore(async () => borrowed(store), now);
		await kept.#opened();
		return kept;
	}

	head(module: Uint8Array): Head | undefined {
		return this.#known.get(hex(module))?.head;
	}

	catchUp(module: Uint8Array): Promise<void> | undefined {
		return this.#isShared ? this.#catchUp(module) : undefined;
	}

	/** Rejects with what the store rejects with; the next head is tried all the same. */
	keep(module: Uint8Array, head: Head): Promise<void> {
		const id = hex(module);
		const known = this.#known.get(id);
		if (known !== undefined && head.number <= known.head.number)
			return known.written;
		const written = this.#write(id, module, head);
		this.#known.set(id, { head, written });
		written.catch(() => this.#forget(id, written));
		return written;
	}

	/** For what is kept beside heads, with an entry in the agent's log for each change: what it resolves to is durable. Rejects with what the store rejects with; the next transaction is tried all the same. */
	async transact<Result>(transaction: Transaction<Result>): Promise<Result> {
		const opening = this.#opened();
		const store = await opening;
		try {
			return await store.transact(logged(nodeCrypto, transaction, this.#now()));
		} catch (thrown) {
			// One that has failed shows what is there when it is opened again.
			if (thrown instanceof TetradError && thrown.code === "store-failed") {
				await store[Symbol.asyncDispose]();
				if (this.#store === opening) this.#store = undefined;
			}
			throw thrown;
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#isClosed = true;
		const store = await this.#store?.catch(() => undefined);
		await store?.[Symbol.asyncDispose]();
	}

	async #write(id: string, module: Uint8Array, head: Head): Promise<void> {
		this.#isKept(id, await this.transact(witnessing(module, head)));
	}

	async #catchUp(module: Uint8Array): Promise<void> {
		const head = await this.transact(readWitnessed(module));
		if (head !== undefined) this.#isKept(hex(module), head);
	}

	/** Of what is kept, by whomever, only the newest counts. */
	#isKept(id: string, head: Head): void {
		const kept = this.#kept.get(id);
		if (kept !== undefined && kept.number > head.number) return;
		this.#kept.set(id, head);
		const known = this.#known.get(id);
		if (known === undefined || known.head.number < head.number)
			this.#known.set(id, { head, written: Promise.resolve() });
	}

	/** What could not be kept is not known either. */
	#forget(id: string, written: Promise<void>): void {
		if (this.#known.get(id)?.written !== written) return;
		const head = this.#kept.get(id);
		if (head === undefined) this.#known.delete(id);
		else this.#known.set(id, { head, written: Promise.resolve() });
	}

	#opened(): Promise<Store> {
		if (this.#isClosed)
			return Promise.reject(
				new TetradError("invalid-argument", "the agent's store is closed"),
			);
		if (this.#store === undefined) {
			const opening = this.#read();
			this.#store = opening;
			opening.catch(() => {
				if (this.#store === opening) this.#store = undefined;
			});
		}
		return this.#store;
	}

	async #read(): Promise<Store> {
		const store = await this.#open();
		try {
			await store.snapshot(async (scan) => {
				for await (const { module, number, hash } of scan({
					table: WITNESSED,
				})) {
					this.#isKept(hex(module), { number, hash });
				}
			});
			return store;
		} catch (thrown) {
			await store[Symbol.asyncDispose]();
			throw thrown;
		}
	}
}

/** The store in a home, with what an older program has kept beside it. */
async function openIn(home: string, isShared: boolean): Promise<Store> {
	const old = await readOldWitness(home);
	const store = await openAgentStore(home, isShared);
	try {
		if (old !== undefined) {
			await store.transact(witnessing(old.module, old.head));
			await putOldWitnessAside(home);
		}
		return store;
	} catch (thrown) {
		await store[Symbol.asyncDispose]();
		throw thrown;
	}
}
