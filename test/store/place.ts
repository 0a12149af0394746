/* Where a store of a test is, and how it is opened there. */
import type { Schema, Store } from "../../src/machine/index.ts";
import { openPostgresStore, openSqliteStore } from "../../src/store/index.ts";

/** Where a store is. */
export type Place =
	| { readonly kind: "sqlite"; readonly path: string }
	| {
			readonly kind: "postgres";
			readonly url: string;
			readonly namespace: string;
			readonly synchronous?: boolean;
			readonly isShared?: boolean;
	  };

export function openSchema(place: Place, declared: Schema): Promise<Store> {
	return place.kind === "sqlite"
		? openSqliteStore({ ...place, schema: declared })
		: openPostgresStore({ ...place, schema: declared });
}
