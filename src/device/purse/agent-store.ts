import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { Store, Transaction } from "../../machine/index.ts";
import { type Head, WITNESSED, witnessing } from "../../money/index.ts";
import {
	openSqliteSnapshot,
	openSqliteStore,
	type StoreView,
} from "../../store/index.ts";
import { AGENT_SCHEMA, logged } from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import { unusable } from "../home/index.ts";
import { borrowed } from "./borrowed-store.ts";
import {
	hasOldWitness,
	putOldWitnessAside,
	readOldWitness,
} from "./old-witness.ts";
import type { Witness } from "./witness.ts";

/** A head, and when it is kept for good. */
interface Known {
	readonly head: Head;
	readonly written: Promise<void>;
}

/**
 * What the agent of a home keeps of money and purchases, in agent.db there (docs/stores.md): one process has it
 * open at a time. An agent that has to do with neither has none: its store is made when there is something to keep.
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
	/** The newest head of each module, by its device id. */
	readonly #known = new Map<string, Known>();
	/** Those of them that are kept for good. */
	readonly #kept = new Map<string, Head>();
	#store: Promise<Store> | undefined;
	#isClosed = false;

	private constructor(open: () => Promise<Store>, now: () => number) {
		this.#open = open;
		this.#now = now;
	}

	/**
	 * Reads what is there; a new home has nothing. A witness.json of an older program is read into
	 * the store and put aside. Throws `home-unusable` for one that cannot be read, and what opening
	 * a store throws.
	 */
	static async open(home: string): Promise<AgentStore> {
		const store = new AgentStore(() => openIn(home), Date.now);
		// One that found no room when it was made is empty, and holds up no payment.
		const isUsed =
			(await hasContent(storePath(home))) || (await hasOldWitness(home));
		if (isUsed) await store.#opened();
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
		this.#kept.set(id, await this.transact(witnessing(module, head)));
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
					const [id, head] = [hex(module), { number, hash }];
					this.#kept.set(id, head);
					const known = this.#known.get(id);
					if (known === undefined || known.head.number < number)
						this.#known.set(id, { head, written: Promise.resolve() });
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
async function openIn(home: string): Promise<Store> {
	const old = await readOldWitness(home);
	const store = await openSqliteStore({
		path: storePath(home),
		schema: AGENT_SCHEMA,
	});
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

/** Looks at what the agent of a home keeps, which may be running. Throws `home-unusable` when it has kept nothing yet. */
export async function viewAgentStore(home: string): Promise<StoreView> {
	const path = storePath(home);
	if (!(await hasContent(path)))
		throw unusable(
			`the agent at ${home} has had to do with no purchase yet, and has no store`,
		);
	return await openSqliteSnapshot({
		path,
		schema: AGENT_SCHEMA,
		command: `tetrad agent --home ${home}`,
	});
}

function storePath(home: string): string {
	return join(home, "agent.db");
}

async function hasContent(path: string): Promise<boolean> {
	try {
		return (await lstat(path)).size > 0;
	} catch {
		return false;
	}
}
