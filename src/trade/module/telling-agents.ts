/* What agents are told of what they buy. */
import { type TetradError, unreachable } from "../../errors.ts";
import { messages, type SaleEvent, type SaleRail } from "../../money/index.ts";
import { ABOUT_PURCHASES, type NotBoughtOutcome } from "../documents/index.ts";
import type { FoundPurchase, FoundPurchases } from "./purchase-rows.ts";
import { said } from "./said.ts";
import { isVoid, resolving, spentBefore } from "./why-not-bought.ts";

const { message } = messages;

/** What is bought with its key. */
type KeyedEvent = Extract<SaleEvent, { readonly kind: "keyed" }>;

/** There is no key, and never will be. */
export type EndEvent = Extract<
	SaleEvent,
	{ readonly kind: "refunded" | "declined" }
>;

export class TellingAgents {
	readonly #rail: SaleRail;

	constructor(rail: SaleRail) {
		this.#rail = rail;
	}

	bought(tetrads: Iterable<number>, event: KeyedEvent): void {
		const bytes = message(ABOUT_PURCHASES.bought, {
			...event,
			...feeOf(event),
		});
		for (const tetrad of tetrads) this.#rail.toAgent(tetrad, bytes);
	}

	/** What its agent has brought to an end is closed. */
	closed(tetrad: number, contract: Uint8Array): void {
		this.#rail.toAgent(tetrad, message(ABOUT_PURCHASES.closed, { contract }));
	}

	/** Tells an agent where a purchase is, of its rows. */
	found(tetrad: number, { sale, step }: FoundPurchase): void {
		const { payment, key, receipt, chain } = sale;
		const { contract, amount } = payment;
		switch (step) {
			case "keyed":
			case "closed":
				return this.#rail.toAgent(
					tetrad,
					message(ABOUT_PURCHASES.bought, {
						...{ contract, key, receipt, chain, ...feeOf(sale) },
					}),
				);
			case "locked":
				return this.notBought(
					tetrad,
					contract,
					"in-doubt",
					amount,
					resolving(),
				);
			case "refunded":
				return this.ends(tetrad, {
					...{ kind: step, contract, amount, by: "issuer" },
					...{ ...sale.refund, ...feeOf(sale) },
				});
			case "declined":
				return this.ends(tetrad, {
					...{ kind: step, contract, error: sale.why ?? spentBefore() },
				});
			default:
				return unreachable(step);
		}
	}

	ends(tetrad: number, event: EndEvent): void {
		const { contract } = event;
		if (event.kind === "refunded")
			this.notBought(
				tetrad,
				contract,
				"refunded",
				event.amount,
				isVoid(event.by),
				event.fee,
			);
		else this.notBought(tetrad, contract, "aborted", 0n, event.error);
	}

	waiting(tetrad: number, contract: Uint8Array, why: TetradError): void {
		this.#rail.toAgent(
			tetrad,
			message(ABOUT_PURCHASES.waiting, { contract, ...said(why) }),
		);
	}

	notBought(
		tetrad: number,
		contract: Uint8Array,
		outcome: NotBoughtOutcome,
		amount: bigint,
		error: TetradError,
		fee?: bigint,
	): void {
		this.#rail.toAgent(
			tetrad,
			message(ABOUT_PURCHASES.notBought, {
				...{ contract, outcome, amount, ...said(error) },
				...feeOf({ fee }),
			}),
		);
	}

	/** One of all that are known. */
	known(
		tetrad: number,
		{ row, sale, terms, step }: FoundPurchases["purchases"][number],
	): void {
		this.#rail.toAgent(
			tetrad,
			message(ABOUT_PURCHASES.purchase, {
				document: terms.contract,
				sellerChain: terms.chain,
				salt: row.salt,
				description: row.description,
				exporter: row.exporter,
				step,
				key: sale.key.length === 0 ? undefined : sale.key,
				receipt: sale.receipt,
				chain: sale.chain,
				...feeOf(sale),
			}),
		);
	}

	/** These were all up to that one. */
	allKnown(tetrad: number, after: Uint8Array | undefined): void {
		this.#rail.toAgent(tetrad, message(ABOUT_PURCHASES.purchases, { after }));
	}
}

/** What a mint has taken, if it has taken anything. */
function feeOf({ fee = 0n }: { readonly fee?: bigint | undefined }): {
	readonly fee?: bigint;
} {
	return fee > 0n ? { fee } : {};
}
