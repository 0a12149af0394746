/*
 * All that a mint remembers, as rows of texts. Each change is also handed out once, so that whoever
 * runs the mint can make it durable before the answer leaves.
 */
import { TetradError } from "../errors.ts";
import { parseUtf8, utf8 } from "../wire/index.ts";

/** What the rows of each table hold; amounts are decimal. */
export interface MintRows {
	/** One row, "mint". */
	readonly mint: {
		/** Hexadecimal. */
		readonly seed: string;
		/** Quotes that there were, which makes the next id. */
		readonly quotes: number;
	};
	/** By id. */
	readonly keysets: {
		readonly unit: string;
		readonly inputFeePpk: number;
		readonly isActive: boolean;
		/** What its keys are derived from, beside the seed. */
		readonly label: string;
	};
	/** By Y; whoever is not here is unspent. */
	readonly proofs: {
		readonly state: "SPENT" | "PENDING";
		/** That opened the lock of a proof. */
		readonly witness?: string;
	};
	/** By B_. */
	readonly signatures: {
		readonly id: string;
		readonly amount: string;
		readonly C_: string;
		readonly dleq: { readonly e: string; readonly s: string };
	};
	/** By id. */
	readonly mintQuotes: {
		readonly request: string;
		readonly unit: string;
		readonly amount: string;
		readonly state: "UNPAID" | "PAID" | "ISSUED";
		/** Seconds since the epoch. */
		readonly expiry: number;
	};
	/** By id. */
	readonly meltQuotes: {
		readonly request: string;
		readonly unit: string;
		readonly amount: string;
		readonly feeReserve: string;
		readonly state: "UNPAID" | "PENDING" | "PAID";
		/** Seconds since the epoch. */
		readonly expiry: number;
		/** What pays for it while it is pending. */
		readonly paying?: Paying;
		/** The B_ of those outputs that were signed as change. */
		readonly change?: readonly string[];
	};
	/** By a hash of the request (NUT-19). */
	readonly answers: {
		readonly body: string;
		/** Seconds since the epoch. */
		readonly at: number;
	};
}

/** A proof that may be spent, as it is remembered once it is. */
export interface Spendable {
	readonly Y: string;
	readonly witness?: string;
}

/** Proofs on their way out, and the blank outputs for what is too much. */
export interface Paying {
	readonly proofs: readonly Spendable[];
	/** Without the fees for inputs. */
	readonly amount: string;
	readonly outputs: readonly { readonly id: string; readonly B_: string }[];
}

export type MintTable = keyof MintRows;

/** One row as it is from now on; without a text it is gone. */
export interface MintChange {
	readonly table: MintTable;
	readonly key: string;
	/** JSON. */
	readonly row: string | undefined;
}

type Tables = { readonly [Name in MintTable]: Map<string, MintRows[Name]> };

const VERSION = 1;

export class MintState {
	readonly #tables: Tables = {
		mint: new Map(),
		keysets: new Map(),
		proofs: new Map(),
		signatures: new Map(),
		mintQuotes: new Map(),
		meltQuotes: new Map(),
		answers: new Map(),
	};
	#changes: MintChange[] = [];

	/** Throws `store-failed` for rows that no mint of this version wrote. */
	static of(changes: Iterable<MintChange>): MintState {
		const state = new MintState();
		for (const { table, key, row } of changes) {
			if (!Object.hasOwn(state.#tables, table)) throw unreadable();
			try {
				state.put(table, key, JSON.parse(row ?? ""));
			} catch {
				throw unreadable();
			}
		}
		state.#changes = [];
		return state;
	}

	/** What `exported` made. Throws `store-failed` for anything else. */
	static imported(bytes: Uint8Array): MintState {
		let rows: MintChange[];
		try {
			const [version, ...entries] = JSON.parse(parseUtf8(bytes));
			if (version !== VERSION) throw unreadable();
			rows = entries.map(([table, key, row]: [MintTable, string, unknown]) => ({
				table,
				key,
				row: JSON.stringify(row),
			}));
		} catch {
			throw unreadable();
		}
		return MintState.of(rows);
	}

	exported(): Uint8Array {
		const rows = Object.entries(this.#tables).flatMap(([table, entries]) =>
			[...entries].map(([key, row]) => [table, key, row]),
		);
		return utf8(JSON.stringify([VERSION, ...rows]));
	}

	get<Name extends MintTable>(
		table: Name,
		key: string,
	): MintRows[Name] | undefined {
		return this.#tables[table].get(key);
	}

	/** In the order in which they were first written. */
	entries<Name extends MintTable>(
		table: Name,
	): MapIterator<[string, MintRows[Name]]> {
		return this.#tables[table].entries();
	}

	put<Name extends MintTable>(
		table: Name,
		key: string,
		row: MintRows[Name],
	): void {
		this.#tables[table].set(key, row);
		this.#changes.push({ table, key, row: JSON.stringify(row) });
	}

	remove(table: MintTable, key: string): void {
		if (this.#tables[table].delete(key))
			this.#changes.push({ table, key, row: undefined });
	}

	/** What changed since the last time, in order. */
	takeChanges(): readonly MintChange[] {
		const changes = this.#changes;
		this.#changes = [];
		return changes;
	}
}

function unreadable(): TetradError {
	return new TetradError(
		"store-failed",
		"these are not the rows of a play mint of this version",
	);
}
