import { TetradError } from "../../../errors.ts";
import {
	type Columns,
	done,
	type Read,
	type Row,
	type Table,
	type Transaction,
} from "../../../machine/index.ts";
import { hex } from "../../../wire/index.ts";

/** One way through a table. */
export interface AuditStep {
	readonly read: Omit<Read, "limit">;
	/** To be called with each row in order; what it returns is to be carried out before the step finishes, and writes nothing. */
	check(row: Row): Transaction<void>;
	/** After the last row. */
	finish(): Transaction<void>;
}

export const NOTHING: Transaction<void> = done([], undefined);

export interface Checks<Of> {
	readonly check: (row: Of) => Transaction<void>;
	readonly finish?: () => Transaction<void>;
}

export function stepOf<Of extends Columns>(
	table: Table<Of>,
	{ check, finish }: Checks<Row<Of>>,
	index?: string,
): AuditStep {
	const read = { table, ...(index === undefined ? {} : { index }) };
	return {
		read: read as unknown as AuditStep["read"],
		check: (row) => check(row as unknown as Row<Of>),
		finish: finish ?? (() => NOTHING),
	};
}

export function rowName(table: string, key: Uint8Array): string {
	return `${table} ${hex(key)}`;
}

export function demand(holds: boolean, why: string): asserts holds {
	if (!holds) throw new TetradError("malformed", why);
}
