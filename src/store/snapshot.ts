import { setImmediate } from "node:timers/promises";
import { TetradError } from "../errors.ts";
import type { Read, Row, Scan, Store } from "../machine/index.ts";
import { type CheckedRead, checkRead, type SqlValue } from "./checks.ts";
import type { Declared } from "./declared.ts";
import { FIRST_SCAN_ROWS, MAX_SNAPSHOTS, SCAN_ROWS } from "./limits.ts";

/** All tables as they were at one moment. */
export interface Snapshot {
	rows(read: CheckedRead, after?: readonly SqlValue[]): Promise<Row[]>;
	/** Never throws. */
	close(): Promise<void>;
}

/** Looks at a store that another process may be writing to. */
export type StoreView = Pick<Store, "snapshot"> & AsyncDisposable;

export function viewOf(snapshots: Snapshots): StoreView {
	return {
		snapshot: (look: (scan: Scan) => Promise<never>) => snapshots.show(look),
		[Symbol.asyncDispose]: () => snapshots.close(),
	} as StoreView;
}

/** Shows snapshots until it is closed. */
export class Snapshots {
	readonly #declared: Declared;
	readonly #take: () => Promise<Snapshot>;
	readonly #open = new Set<Snapshot>();
	#count = 0;
	#closed = false;

	constructor(declared: Declared, take: () => Promise<Snapshot>) {
		this.#declared = declared;
		this.#take = take;
	}

	async show<Result>(look: (scan: Scan) => Promise<Result>): Promise<Result> {
		if (this.#closed) throw over();
		if (this.#count >= MAX_SNAPSHOTS)
			throw new TetradError(
				"busy",
				`${MAX_SNAPSHOTS} snapshots of the store are being looked at; wait until one is done`,
			);
		this.#count++;
		try {
			const snapshot = await this.#take();
			this.#open.add(snapshot);
			try {
				return await look(this.#scanOf(snapshot));
			} finally {
				if (this.#open.delete(snapshot)) await snapshot.close();
			}
		} finally {
			this.#count--;
		}
	}

	/** Those who still look are told so at their next rows. */
	async close(): Promise<void> {
		this.#closed = true;
		const open = [...this.#open];
		this.#open.clear();
		await Promise.all(open.map((snapshot) => snapshot.close()));
	}

	#scanOf(snapshot: Snapshot): Scan {
		const rows = this.#rowsOf.bind(this, snapshot);
		return ((read: Omit<Read, "limit" | "skip">) =>
			rows(read)) as unknown as Scan;
	}

	async *#rowsOf(
		snapshot: Snapshot,
		read: Omit<Read, "limit" | "skip">,
	): AsyncIterable<Row> {
		let after: SqlValue[] | undefined;
		// Whoever looks for one row shall not pay for hundreds.
		for (
			let limit = FIRST_SCAN_ROWS;
			;
			limit = Math.min(4 * limit, SCAN_ROWS)
		) {
			const checked = checkRead(this.#declared, { ...read, limit });
			// Others have their turn between two batches, also where a read does not wait.
			await setImmediate();
			if (this.#closed || !this.#open.has(snapshot)) throw over();
			const rows = await snapshot.rows(checked, after);
			yield* rows;
			const last = rows.at(-1);
			if (last === undefined || rows.length < limit) return;
			after = checked.order.map((name) => last[name] as SqlValue);
		}
	}
}

function over(): TetradError {
	return new TetradError(
		"invalid-argument",
		"the snapshot is over: its store was closed, or the function that it was shown to has returned",
	);
}
