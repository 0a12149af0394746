/* A ledger with a bit of everything in it, and what an audit says of it after changes behind its back. */
import { type CryptoProvider, nodeCrypto } from "../../src/crypto/index.ts";
import {
	Audit,
	type AuditResult,
	LEDGER_SCHEMA,
	MAX_READ_ROWS,
	type Read,
	type Row,
	type Transaction,
} from "../../src/money/index.ts";
import { systemName } from "../../src/money/issuer/audit/lines.ts";
import { readSaleTerms } from "../../src/trade/issuer/index.ts";
import { hex } from "../../src/wire/index.ts";
import { DAY } from "../support/authority.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { PRICE, SaleWorld } from "../trade/issuer-world.ts";
import {
	claim,
	deposit,
	exchange,
	giveBack,
	type Module,
	pay,
	piece,
	requestId,
	resolve,
	withdraw,
} from "./mint.ts";

export type Cell = Uint8Array | bigint | string;

/** The rows of each table by its name, in the order in which they were written. */
type Rows = Readonly<Record<string, readonly Row[]>>;

export interface BusyLedger {
	readonly rows: Rows;
	/** What an audit says of other rows. */
	audit(rows: Rows): AuditResult;
}

/** Whether rows before it say the same of other things: of such entries, two are enough. */
export function isOneOfMany(
	{ rows }: BusyLedger,
	table: string,
	row: Row,
): boolean {
	if (table !== "entries") return false;
	const kindOf = ({ kind, account }: Row) =>
		`${kind} ${systemName(account as Uint8Array)}`;
	const entries = rows["entries"] ?? [];
	const before = entries.slice(0, entries.indexOf(row));
	return before.filter((one) => kindOf(one) === kindOf(row)).length > 1;
}

/** No two things happen at one time, and nothing depends on what is random. */
export async function makeBusyLedger(): Promise<BusyLedger> {
	const store = new MemoryStore();
	await using world = await SaleWorld.make({
		open: async () => store,
		parameters: { noteDays: 20, graceDays: 2 },
	});
	await fill(world);
	const { terms } = world.mint.machine;
	const { banks, agencies } = world.ledger.world.policy;
	const crypto = remembering(nodeCrypto);
	return {
		rows: Object.fromEntries(
			LEDGER_SCHEMA.tables.map((table) => [table.name, store.rows(table)]),
		),
		audit(rows) {
			const readTerms = readSaleTerms(crypto, agencies);
			const audit = new Audit(crypto, terms, banks, readTerms);
			const carryOut = (transaction: Transaction<void>) => {
				let at = transaction;
				while (at.kind === "read")
					at = at.decide(at.reads.map((read) => found(rows, read)));
			};
			for (const step of audit.steps) {
				for (const row of found(rows, { ...step.read, limit: MAX_READ_ROWS }))
					carryOut(step.check(row));
				carryOut(step.finish());
			}
			return audit.result();
		},
	};
}

async function fill(world: SaleWorld): Promise<void> {
	const { ledger, issuer, mint } = world;
	const { payer, payee } = ledger;
	const once = async (who: Module, asked: Uint8Array) => {
		mint.now += 1000;
		await mint.once(who, asked);
	};
	const note = await ledger.note(1_000n);
	mint.now += 1000;
	const other = await ledger.note(500n);
	const both = [note, other];
	// Two payments that overlap on both notes, and one that comes too late for all of it.
	for (const offset of [0n, 50n]) {
		const pieces = [piece(note, offset, 100n), piece(other, offset, 10n)];
		const transfer = await pay(payer, payee, pieces, issuer);
		await once(payee, deposit(requestId(), transfer, both, issuer));
	}
	const late = await pay(payer, payee, [piece(note, 0n, 20n)], issuer);
	await once(payee, deposit(requestId(), late, [note], issuer));
	for (const into of [0, 1] as const) {
		const request = requestId();
		const pieces = [piece(note, 800n + 100n * BigInt(into), 100n)];
		const transfer = await giveBack(payer, pieces, issuer, request, into);
		await once(payer, exchange(request, into, transfer, [note], issuer));
	}
	// A payment that is void, one of which some was free, and an exchange of what was booked.
	for (const offset of [400n, 390n]) {
		const transfer = await pay(
			payer,
			payee,
			[piece(other, offset, 20n), piece(note, 900n - offset, 5n)],
			issuer,
		);
		await once(payer, resolve(requestId(), transfer, both, issuer));
	}
	const own = [piece(note, 850n, 20n)];
	const again = await giveBack(payer, own, issuer, requestId(), 0);
	await once(payer, resolve(requestId(), again, [note], issuer));
	const sold = async (
		ask: "deposit" | "resolve",
		sale: ReturnType<SaleWorld["sale"]>,
	) => {
		const made = await sale;
		mint.now += 1000;
		await world[ask](made);
		return made;
	};
	await sold("deposit", world.sale());
	await sold("resolve", world.sale());
	const notes = [await ledger.note(PRICE, world.buyer)];
	await sold("deposit", world.sale({}, { notes }));
	await sold("resolve", world.sale({}, { notes }));
	await sold("deposit", world.wrong());
	await sold("resolve", world.wrong());
	const wrong = sold("deposit", world.wrong());
	await sold("resolve", wrong);
	const tooLate = world.sale();
	await tooLate;
	mint.now += 2 * DAY;
	await sold("resolve", tooLate);
	// From the first moment at which it can be.
	mint.now = note.expires + 2 * DAY - 1000;
	await once(payer, claim(requestId(), note, issuer));
	await ledger.fund(payer, 30n);
	await once(payer, withdraw(requestId(), 30n));
	await ledger.fund(payee, 7n);
}

/** By table, read, and the columns that are equal: rows that are the same array need it once. */
const GROUPS = new WeakMap<readonly Row[], Map<string, Map<string, Row[]>>>();

/** What a store would find that has no constraints. */
function found(
	rows: Rows,
	{ table, index, equals = {}, below, order, limit }: Read,
): readonly Row[] {
	const names = Object.keys(equals);
	const columns = [
		...(index === undefined ? [] : (table.indexes[index] ?? [])),
		...table.key,
	];
	const all = rows[table.name] ?? [];
	const groups = GROUPS.get(all) ?? new Map<string, Map<string, Row[]>>();
	GROUPS.set(all, groups);
	const by = `${index} ${names}`;
	const group =
		groups.get(by) ??
		Map.groupBy(
			all.toSorted((a, b) => {
				for (const name of columns) {
					const difference = compare(a[name], b[name]);
					if (difference !== 0) return difference;
				}
				return 0;
			}),
			(row) => textOf(row, names),
		);
	groups.set(by, group);
	const next = columns[names.length] ?? "";
	const here = (group.get(textOf(equals, names)) ?? []).filter(
		(row) => below === undefined || compare(row[next], below) < 0,
	);
	return (order === "descending" ? here.toReversed() : here).slice(0, limit);
}

function compare(a: Cell | undefined, b: Cell | undefined): number {
	if (a instanceof Uint8Array && b instanceof Uint8Array)
		return Buffer.compare(a, b);
	if (a === undefined || b === undefined || a === b) return 0;
	return a < b ? -1 : 1;
}

const textOf = (row: Partial<Row>, names: readonly string[]): string =>
	names
		.map((name) => row[name])
		.map((cell) => (cell instanceof Uint8Array ? hex(cell) : `${cell}`))
		.join(" ");

/** What was verified once is so again, however often the same rows are audited. */
function remembering(crypto: CryptoProvider): CryptoProvider {
	const known = new Map<string, boolean>();
	return {
		...crypto,
		verify(algorithm, ...bytes) {
			const name = [algorithm, ...bytes.map(hex)].join(" ");
			const holds = known.get(name) ?? crypto.verify(algorithm, ...bytes);
			known.set(name, holds);
			return holds;
		},
	};
}
