/* What is written of an order of its owner, as it goes on or is refused. */
import { insert, put, type Transaction } from "../../../machine/index.ts";
import { sumOf } from "../../cashu/index.ts";
import { ECASH_ORDERS, type EcashOrderRow, PROOFS } from "../ecash-tables.ts";
import type { PurseCore } from "../purse-core.ts";
import {
	type Change,
	type Changed,
	changing,
	folding,
} from "../purse-tables.ts";
import type { EcashBook } from "./book.ts";
import { countersOf } from "./counters.ts";
import type { EcashResults } from "./jobs.ts";
import type { Move } from "./moves.ts";
import { withOpenSecrets } from "./open-secrets.ts";
import { waitingRow } from "./restoring.ts";

/** Writes that an order was never begun. */
export function refusing(
	{ now, options }: PurseCore,
	row: EcashOrderRow,
): Transaction<Changed<undefined>> {
	return changing(options.context.crypto, now, [], () => ({
		entries: [],
		writes: [insert(ECASH_ORDERS, row)],
		result: undefined,
	}));
}

/** Writes that an order is in another state now, or begins. */
export function moving(
	core: PurseCore,
	book: EcashBook,
	move: Move,
	how: "insert" | "put",
): Transaction<Changed<EcashResults["moving-order"]>> {
	const { crypto } = core.options.context;
	const { to, isFound = false } = move;
	const unless = (underWay: Secrets, held: Secrets) =>
		changing(crypto, core.now, [], () =>
			changeOf(book, move, how, underWay, held),
		);
	if (to.kind !== "restore") return unless(NONE, NONE);
	return withOpenSecrets((underWay) =>
		isFound
			? withHeldSecrets((held) => unless(underWay, held))
			: unless(underWay, NONE),
	);
}

type Secrets = ReadonlySet<string>;

const NONE: Secrets = new Set();

/** Of all that the purse has as it is written: another restore may add the same right before, and what one mint says is never put in the place of another one's proof. */
function withHeldSecrets<Result>(
	then: (secrets: Secrets) => Transaction<Result>,
): Transaction<Result> {
	const none: readonly string[] = [];
	return folding(
		{ table: PROOFS },
		"id",
		none,
		(sum, rows) => [...sum, ...rows.map(({ secret }) => secret)],
		(secrets) => then(new Set(secrets)),
	);
}

/** What is under way is not restored, nor what is `held`. */
function changeOf(
	book: EcashBook,
	{
		to,
		got = [],
		gone = [],
		waits,
		isFound = false,
		outputs = [],
		entry,
	}: Move,
	how: "insert" | "put",
	underWay: Secrets,
	held: Secrets,
): Change<EcashResults["moving-order"]> {
	const proofs = isFound
		? got.filter(({ secret }) => !held.has(secret) && !underWay.has(secret))
		: got;
	const had = (waits?.had ?? []).filter(({ secret }) => held.has(secret));
	const found = (waits?.found ?? []).filter(
		({ secret }) => !held.has(secret) && !underWay.has(secret),
	);
	const spent = isFound ? gone.filter(({ secret }) => held.has(secret)) : gone;
	const lost = [...spent, ...had];
	const isWaiting = had.length + found.length > 0;
	const restored = { ...to, amount: sumOf(proofs), spends: sumOf(spent) };
	const row = !isFound
		? to
		: isWaiting
			? waitingRow(restored, { had, found })
			: restored;
	const { request: subject, mint: peer, amount } = row;
	return {
		entries:
			entry === undefined
				? []
				: [
						{
							...{ subject, peer, what: entry.what },
							amount: isFound ? amount : entry.amount,
						},
					],
		writes: [
			how === "insert" ? insert(ECASH_ORDERS, row) : put(ECASH_ORDERS, row),
			...book.writeNew(row.mint, proofs),
			...book.writeSpent(lost),
			...countersOf(book, outputs),
		],
		result: { row, got: proofs, gone: lost, underWay },
	};
}
