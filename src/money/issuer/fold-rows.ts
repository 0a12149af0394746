import {
	type Columns,
	type Read,
	type Row,
	reading,
	type Transaction,
} from "../../machine/index.ts";
import { FOLD_ROWS } from "../documents/index.ts";

/** Goes through all rows of a read, a page at a time and until it is enough, and then on with what was made of them. `state` is this run's own. */
export function foldRows<Of extends Columns, State, Result>(
	read: Omit<Read<Of>, "limit">,
	state: State,
	step: (state: State, row: Row<Of>) => State,
	then: (state: State) => Transaction<Result>,
	isEnough: (state: State) => boolean = () => false,
): Transaction<Result> {
	return reading([{ ...read, limit: FOLD_ROWS }], ([rows]) => {
		let next = state;
		for (const row of rows) next = step(next, row);
		const last = rows.at(-1);
		if (rows.length < FOLD_ROWS || last === undefined || isEnough(next))
			return then(next);
		const column = read.table.key[Object.keys(read.equals ?? {}).length];
		return foldRows(
			{ ...read, above: last[column as keyof Row<Of>] as bigint },
			next,
			step,
			then,
			isEnough,
		);
	});
}
