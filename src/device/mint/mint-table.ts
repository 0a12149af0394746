/* The store of a play mint: its rows, as it names them. */
import { type Schema, schema, type Table, table } from "../../machine/index.ts";

const COLUMNS = {
	/** The mint's own table. */
	part: "text",
	id: "text",
	/** JSON. */
	content: "text",
} as const;

export const MINT_ROWS: Table<typeof COLUMNS> = table("rows", COLUMNS, [
	"part",
	"id",
]);

export const PLAY_MINT_SCHEMA: Schema = schema("play_mint", [MINT_ROWS]);
