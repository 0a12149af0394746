import { nodeCrypto } from "../../crypto/index.ts";
import type { TrustAnchor } from "../../identity/index.ts";
import type {
	Read,
	Row,
	Scan,
	Store,
	Transaction,
} from "../../machine/index.ts";
import {
	Audit,
	type AuditResult,
	type IssuerTerms,
} from "../../money/index.ts";
import { readSaleTerms } from "../../trade/issuer/index.ts";

/** Rows whose surroundings are read at the same time. */
const ROWS_AT_ONCE = 64;

/** The roots that a ledger is audited under. */
export interface AuditRoots {
	/** Under which its issuer was certified at any time. */
	readonly banks: readonly TrustAnchor[];
	/** Under which the agents of merchants are certified. */
	readonly agencies: readonly TrustAnchor[];
}

/** Audits a ledger as it is at one moment, while others go on with it. */
export function runAudit(
	terms: IssuerTerms,
	{ banks, agencies }: AuditRoots,
	store: Pick<Store, "snapshot">,
): Promise<AuditResult> {
	const audit = new Audit(
		nodeCrypto,
		terms,
		banks,
		readSaleTerms(nodeCrypto, agencies),
	);
	return store.snapshot(async (scan) => {
		for (const step of audit.steps) {
			let looking: Promise<void>[] = [];
			for await (const row of scan(step.read)) {
				looking.push(look(scan, step.check(row)));
				if (looking.length < ROWS_AT_ONCE) continue;
				await Promise.all(looking);
				looking = [];
			}
			await Promise.all(looking);
			await look(scan, step.finish());
		}
		return audit.result();
	});
}

/** A transaction that only reads, on a snapshot. */
async function look(scan: Scan, transaction: Transaction<void>): Promise<void> {
	let next = transaction;
	while (next.kind === "read") {
		const rows: Row[][] = [];
		for (const read of next.reads) rows.push(await rowsOf(scan, read));
		next = next.decide(rows);
	}
}

async function rowsOf(scan: Scan, { limit, ...read }: Read): Promise<Row[]> {
	const rows: Row[] = [];
	for await (const row of scan(read)) {
		rows.push(row);
		if (rows.length === limit) break;
	}
	return rows;
}
