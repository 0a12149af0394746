import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LEDGER_SCHEMA, type Store } from "../src/money/index.ts";
import { openPostgresStore, openSqliteStore } from "../src/store/index.ts";
import type { PostgresServer } from "../test/support/postgres.ts";

export type Database = "SQLite" | "PostgreSQL";

/** Where a ledger is, and how it is filled. */
export interface LedgerPlace extends AsyncDisposable {
	open(): Promise<Store>;
	/**
	 * Puts so many filler notes and their bookings into a closed ledger, by SQL. Nobody signed them:
	 * their documents are zeros after the word "filler", as long as a note is. They are only there
	 * to be in the way; their ids are spread evenly over all ids.
	 */
	fill(notes: number): Promise<void>;
}

/** Bytes of a note with names of a usual length. */
const DOCUMENT_BYTES = 400;

const LIFE_MS = 30 * 86_400_000;

export async function sqlitePlace(): Promise<LedgerPlace> {
	const folder = await mkdtemp(join(tmpdir(), "tetrad-bench-"));
	const path = join(folder, "ledger.db");
	return {
		open: () => openSqliteStore({ path, schema: LEDGER_SCHEMA }),
		async fill(notes) {
			using database = new DatabaseSync(path);
			database.exec("PRAGMA synchronous = OFF");
			// In the order of the key, so that no page is split.
			database.exec(`
				WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${notes - 1})
				INSERT INTO notes (id, holder, holder_certificate, request, value, issued, expires, document)
				SELECT CAST(unhex(printf('%08x', i * ${Math.floor(2 ** 32 / notes)})) || randomblob(28) AS BLOB),
					zeroblob(52), zeroblob(32), randomblob(16), 1000, ${Date.now()}, ${Date.now() + LIFE_MS},
					CAST('filler' || zeroblob(${DOCUMENT_BYTES - 6}) AS BLOB)
				FROM n`);
			database.exec(`
				INSERT INTO bookings (note, "offset", amount, kind, reference, at)
				SELECT id, 0, value, 'deposit', randomblob(32), issued FROM notes ORDER BY id`);
			database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
		},
		[Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
	};
}

/** A namespace in a server that others use too. */
export function postgresPlace(
	server: PostgresServer,
	namespace: string,
): LedgerPlace {
	return {
		open: () =>
			openPostgresStore({
				url: server.url(),
				schema: LEDGER_SCHEMA,
				namespace,
			}),
		async fill(notes) {
			await server.sql(`
				INSERT INTO ${namespace}.notes (id, holder, holder_certificate, request, value, issued, expires, document)
				SELECT decode(lpad(to_hex(i::bigint * ${Math.floor(2 ** 32 / notes)}), 8, '0'), 'hex')
						|| substring(sha256(i::text::bytea) FROM 1 FOR 28),
					decode(repeat('00', 52), 'hex'), decode(repeat('00', 32), 'hex'),
					substring(sha256(i::text::bytea) FROM 1 FOR 16), 1000, ${Date.now()}, ${Date.now() + LIFE_MS},
					'filler'::bytea || decode(repeat('00', ${DOCUMENT_BYTES - 6}), 'hex')
				FROM generate_series(0, ${notes - 1}) AS i`);
			await server.sql(`
				INSERT INTO ${namespace}.bookings (note, "offset", amount, kind, reference, at)
				SELECT id, 0, value, 'deposit', id, issued FROM ${namespace}.notes`);
			for (const table of ["notes", "bookings"])
				await server.sql(`VACUUM ANALYZE ${namespace}.${table}`);
			await server.sql("CHECKPOINT");
		},
		async [Symbol.asyncDispose]() {},
	};
}
