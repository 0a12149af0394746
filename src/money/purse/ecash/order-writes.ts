/* What is written of an order of its owner, as it goes on or is refused. */
import { insert, put, type Transaction } from "../../../machine/index.ts";
import { sumOf } from "../../cashu/index.ts";
import { ECASH_ORDERS, type EcashOrderRow } from "../ecash-tables.ts";
import type { PurseCore } from "../purse-core.ts";
import { type Change, type Changed, changing } from "../purse-tables.ts";
import type { EcashBook } from "./book.ts";
import { countersOf } from "./counters.ts";
import type { EcashResults } from "./jobs.ts";
import type { Move } from "./moves.ts";
import { withOpenSecrets } from "./open-secrets.ts";

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
	{ now, options }: PurseCore,
	book: EcashBook,
	move: Move,
	how: "insert" | "put",
): Transaction<Changed<EcashResults["moving-order"]>> {
	const { crypto } = options.context;
	const unless = (underWay: ReadonlySet<string>) =>
		changing(crypto, now, [], () => changeOf(book, move, how, underWay));
	return move.to.kind === "restore"
		? withOpenSecrets(unless)
		: unless(new Set());
}

/** What is under way is not restored. */
function changeOf(
	book: EcashBook,
	{ to, got = [], gone = [], isFound = false, outputs = [], entry }: Move,
	how: "insert" | "put",
	underWay: ReadonlySet<string>,
): Change<EcashResults["moving-order"]> {
	const proofs = isFound
		? got.filter((proof) => !book.has(proof) && !underWay.has(proof.secret))
		: got;
	const lost = isFound ? gone.filter((proof) => book.has(proof)) : gone;
	const row = isFound
		? {
				...{ ...to, amount: sumOf(proofs) },
				spends: to.state === "pending" ? to.spends : sumOf(lost),
			}
		: to;
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
