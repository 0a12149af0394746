/* What each order of an owner is, by its kind. */
import { TetradError, unreachable } from "../../../errors.ts";
import type { MeltQuote, MintQuote } from "../../cashu/index.ts";
import type { EcashState } from "../ecash-load.ts";
import type { EcashOrderRow } from "../ecash-tables.ts";
import { Melting } from "./melting.ts";
import type { MintRun } from "./mint-run.ts";
import { Minting } from "./minting.ts";
import type { Move, Next } from "./moves.ts";
import { secretsUnderWay } from "./open-secrets.ts";
import type { BeginningOrder, OrderTools } from "./ordered.ts";
import { Restoring } from "./restoring.ts";
import { Sending } from "./sending.ts";

/** What a mint says of an order before anything is written. */
export type Quote = MintQuote | MeltQuote;

export class OrderTrades {
	readonly sending: Sending;
	readonly restoring: Restoring;
	readonly #minting: Minting;
	readonly #melting: Melting;

	constructor(tools: OrderTools, state: EcashState) {
		this.sending = new Sending(tools);
		this.#minting = new Minting(tools);
		this.#melting = new Melting(tools);
		this.restoring = new Restoring(
			tools,
			secretsUnderWay(state),
			state.countedLocks,
		);
	}

	run(row: EcashOrderRow, isFromStore: boolean): MintRun<Next> {
		return this.#ofRow(row).run(row, isFromStore);
	}

	anew(row: EcashOrderRow): Move {
		return this.#ofRow(row).anew(row);
	}

	#ofRow({ kind }: EcashOrderRow) {
		switch (kind) {
			case "send":
				return this.sending;
			case "mint":
				return this.#minting;
			case "melt":
				return this.#melting;
			case "restore":
				return this.restoring;
			default:
				throw new TetradError("internal", "an order of ecash is of no kind");
		}
	}

	/** The trade of an order, along with it. */
	of(order: BeginningOrder): {
		quote(): MintRun<Quote | TetradError> | undefined;
		begin(quote: Quote | undefined): Move;
	} {
		switch (order.kind) {
			case "send":
				return {
					quote: () => this.sending.quote(),
					begin: () => this.sending.begin(order),
				};
			case "mint":
				return {
					quote: () => this.#minting.quote(order),
					begin: (quote) => this.#minting.begin(order, quote as MintQuote),
				};
			case "melt":
				return {
					quote: () => this.#melting.quote(order),
					begin: (quote) => this.#melting.begin(order, quote as MeltQuote),
				};
			case "restore":
				return {
					quote: () => this.restoring.quote(),
					begin: () => this.restoring.begin(order),
				};
			default:
				return unreachable(order);
		}
	}
}
