/* What all that an owner orders of a mint has in common, whatever it is (sending.ts, minting.ts, melting.ts, restoring.ts). */
import type { TetradError } from "../../../errors.ts";
import type { KnownKeysets } from "../../cashu/index.ts";
import type { EcashOrder } from "../../documents/index.ts";
import { checked } from "../checked.ts";
import { OPEN_ORDERS } from "../ecash-load.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { EcashOrderRow } from "../ecash-tables.ts";
import type { EcashBook } from "./book.ts";
import type { MintRun, RunStep } from "./mint-run.ts";
import type { Mints } from "./mints.ts";
import type { Move, Next } from "./moves.ts";
import type { EcashParts } from "./parts.ts";

/** What is begun with a row; what is taken back is in the row of what was sent. */
export type BeginningOrder = Exclude<
	EcashOrder,
	{ readonly kind: "take-back" }
>;

/** What its machines work with. */
export interface OrderTools {
	readonly parts: EcashParts;
	readonly mints: Mints;
	readonly book: EcashBook;
}

/** What one kind of order is. */
export interface Trade<Order extends BeginningOrder, Quote> {
	/** What the mint is asked before anything is written; nothing where it is asked nothing. */
	quote(order: Order): MintRun<Quote | TetradError> | undefined;
	/** Throws why it is not done. What is `gone` then was reserved. */
	begin(order: Order, quote: Quote): Move;
	/** What the mint is asked in the state of a row that is not over; one that is `isFromStore` may be over at the mint, in a life that the purse has forgotten. */
	run(row: EcashOrderRow, isFromStore: boolean): MintRun<Next>;
	/** Another request in the place of one that the mint never carries out. Throws where it cannot be made now. */
	anew(row: EcashOrderRow): Move;
}

const NOTHING: Uint8Array = new Uint8Array();

export function isOpen({ state }: Pick<EcashOrderRow, "state">): boolean {
	return OPEN_ORDERS.includes(state);
}

/** The row of an order, as far as it is known when it begins. */
export function orderRow(
	{ parts, mints }: Pick<OrderTools, "parts" | "mints">,
	{ request, kind, mint }: Pick<BeginningOrder, "request" | "kind" | "mint">,
	known: Partial<EcashOrderRow> & Pick<EcashOrderRow, "state">,
): EcashOrderRow {
	return {
		...{ request, kind, mint },
		currency: mints.of(mint)?.currency.code ?? "",
		...{ amount: 0n, fee: 0n, spends: 0n, returned: 0n, expires: 0n },
		...{ quote: "", invoice: "", preimage: "", code: "", reason: "" },
		...{ swap: NOTHING, back_swap: NOTHING, token: NOTHING },
		asked: BigInt(parts.core.now),
		...{ over_heard: 0n, over_seen: 0n, had: 0n },
		...known,
	};
}

/** The same run, of whose outcome something follows. Where that throws, the mint is asked again. */
export function followed<Outcome, Then>(
	run: MintRun<Outcome>,
	then: (outcome: Outcome) => Then,
): MintRun<Then> {
	return {
		get next() {
			return run.next;
		},
		unanswered: () => run.unanswered(),
		answered(keysets: KnownKeysets, answer: MintAnswer): RunStep<Then> {
			const step = run.answered(keysets, answer);
			if (step.kind !== "over") return step;
			const made = checked(() => then(step.outcome));
			if (made.kind === "ok") return { kind: "over", outcome: made.value };
			// What follows cannot be made now.
			run.unanswered();
			return { kind: "later", error: made.error };
		},
	};
}
