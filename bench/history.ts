import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";

/** In which stores of a market a purchase that was handed in leaves rows, and in which tables. */
const LEFT_IN: Readonly<Record<string, readonly string[]>> = {
	"merchant/purse.db": ["receipts", "requests", "log"],
	"merchant/agent.db": ["sales", "log"],
	"ledger.db": ["entries", "bookings", "transfers", "sales", "answers"],
};

/** Purchases that one transaction writes. */
const AT_ONCE = 20_000;

/** Between two purchases, in milliseconds. */
const APART_MS = 100;

/** How long the ids and hashes of a purchase are, in bytes; certified ids of devices are longer. */
const ID_BYTES: readonly number[] = [16, 32];

/**
 * Gives the merchant and the issuer of a market so many purchases more behind them, by SQL: all rows
 * that its one purchase until now has left are written again and again, with documents of that one
 * purchase, under other ids, which are spread evenly over all ids, and at times before it. Their books
 * do not add up, and nobody could read their documents as theirs; they are only there to be in the way.
 */
export function addHistory(folder: string, purchases: number): void {
	for (const [file, tables] of Object.entries(LEFT_IN)) {
		using database = new DatabaseSync(join(folder, file));
		database.exec("PRAGMA synchronous = OFF");
		const copies = tables.flatMap((table) => copiesOf(database, table));
		for (let from = 1; from <= purchases; from += AT_ONCE) {
			const to = Math.min(purchases, from + AT_ONCE - 1);
			database.exec("BEGIN IMMEDIATE");
			for (const copy of copies) copy(from, to, purchases);
			database.exec("COMMIT");
		}
		database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
	}
}

/** Writes the copies of one row whose numbers are in that range. */
type Copy = (from: number, to: number, of: number) => void;

function copiesOf(database: DatabaseSync, table: string): Copy[] {
	const rows = database
		.prepare(`SELECT rowid AS place, * FROM "${table}"`)
		.all();
	// What a purchase adds to a log goes on from its end.
	const numbers = rows.length;
	return rows.map(({ place, ...row }, at) => {
		const columns = Object.keys(row);
		const values = Object.entries(row).map(([column, value]) =>
			copied(column, value, numbers, at),
		);
		const statement = database.prepare(
			`WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)
			INSERT INTO "${table}" (${columns.map((name) => `"${name}"`).join()})
			SELECT ${values.join()} FROM n CROSS JOIN "${table}" AS was WHERE was.rowid = :place`,
		);
		return (first, last, of) => {
			const step = Math.floor(2 ** 32 / (of + 1));
			statement.run({
				first,
				last,
				place: place as number,
				...(values.some((value) => value.includes(":step")) ? { step } : {}),
			});
		};
	});
}

/** The value of a column in the copy of number i. */
function copied(
	column: string,
	value: SQLOutputValue,
	numbers: number,
	at: number,
): string {
	const was = `was."${column}"`;
	if (column === "number") return `${numbers} * i + ${at + 1}`;
	if (column === "at" || column === "time" || column === "accepted")
		return `${was} - ${APART_MS} * i`;
	if (
		value instanceof Uint8Array &&
		ID_BYTES.includes(value.length) &&
		column !== "receipt_chain"
	)
		return `CAST(unhex(printf('%08x', i * :step)) || substr(${was}, 5) AS BLOB)`;
	return was;
}
