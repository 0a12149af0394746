import { TetradError } from "../errors.ts";
import type { Store, Transaction } from "../machine/index.ts";
import type { Life } from "./life.ts";

/** Something that happens at a durable write. */
interface Plan {
	readonly when: "before" | "after";
	/** Writes until then. */
	left: number;
	readonly act: () => void;
}

/** What a device keeps, in memory; it outlives the device's crashes. */
export class TestDisk {
	readonly #name: string;
	readonly #plans = new Set<Plan>();
	#isFull = false;
	#writes = 0;

	constructor(name: string) {
		this.#name = name;
	}

	/** Nothing can be written while it is. */
	get isFull(): boolean {
		return this.#isFull;
	}

	set isFull(isFull: boolean) {
		this.#isFull = isFull;
	}

	/** Transactions that have written something, since the device was made. */
	get writes(): number {
		return this.#writes;
	}

	/** Acts at a durable write that is still to come, the first one being 1: before it is made, or when it is there and nobody knows. Throws `invalid-argument`. */
	atWrite(write: number, when: "before" | "after", act: () => void): void {
		if (!Number.isSafeInteger(write) || write < 1)
			throw new TetradError("invalid-argument", "writes are counted from 1");
		this.#plans.add({ when, left: write, act });
	}

	/** Throws `file-unusable` when nothing can be kept any more: for what is beside the store. */
	requireRoom(life: Life): void {
		if (life.isOver || this.#isFull)
			throw new TetradError(
				"file-unusable",
				`there is no room on the disk of ${this.#name}`,
			);
	}

	/** A store as one life of the device has it open. */
	view(store: Store, life: Life): Store {
		return {
			failed: new Promise(() => {}),
			transact: async (transaction) => {
				this.#requireLife(life);
				let isWriting = false;
				const writing = () => {
					this.#requireLife(life);
					if (this.#isFull)
						throw new TetradError(
							"store-full",
							`the disk of ${this.#name} is full`,
						);
					this.#come("before");
					this.#requireLife(life);
					isWriting = true;
				};
				const result = await store.transact(watched(transaction, writing));
				if (isWriting) {
					this.#writes++;
					this.#come("after");
				}
				this.#requireLife(life);
				return result;
			},
			snapshot: async (look) => {
				this.#requireLife(life);
				return store.snapshot(look);
			},
			[Symbol.asyncDispose]: async () => {},
		};
	}

	#come(when: Plan["when"]): void {
		for (const plan of [...this.#plans]) {
			if (plan.when !== when || --plan.left > 0) continue;
			this.#plans.delete(plan);
			plan.act();
		}
	}

	#requireLife(life: Life): void {
		if (life.isOver)
			throw new TetradError("store-failed", `${this.#name} has crashed`);
	}
}

/** The same transaction; `writing` is called before it writes something, and may throw. */
function watched<Result>(
	transaction: Transaction<Result>,
	writing: () => void,
): Transaction<Result> {
	if (transaction.kind === "read")
		return {
			...transaction,
			decide: (rows) => watched(transaction.decide(rows), writing),
		};
	if (transaction.writes.length > 0) writing();
	return transaction;
}
