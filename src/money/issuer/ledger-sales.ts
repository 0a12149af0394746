/*
 * Sales in the issuer's book. A transfer that is marked as a sale is booked whole or not at all,
 * and what became of it when it was first handed in, by its payer or its payee, stays so:
 *
 *   handed in ─┬─ a range is another transfer's ───────────────> declined
 *              ├─ in time, and the key is that of its terms ───> booked      whoever asks; its payer gets the key
 *              ├─ in time, and the key is another one ─────────> void ──┐
 *              └─ too late ─┬─ its payee asks ──> nothing changes       ├─ its payer asks ──> credited, once
 *                           └─ its payer asks ──> void ─────────────────┘
 *
 * The ranges come first: whoever has spent them twice learns no key, and gets nothing back.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError, unreachable } from "../../errors.ts";
import { byKey, insert, reading, type Write } from "../../machine/index.ts";
import {
	body,
	message,
	type VerifiedTransfer,
	WITH_ISSUER,
} from "../documents/index.ts";
import {
	type Answered,
	type Asked,
	booked,
	bookedMessage,
	declined,
	declinedBefore,
	outcome,
	outcomeBefore,
	type Refusal,
	saidBefore,
} from "./ledger-answers.ts";
import { bookingsOf, transferRow } from "./ledger-bookings.ts";
import { creditAccount, requestEntries, SYSTEM } from "./ledger-entries.ts";
import { type RowOf, SALES, TRANSFERS, VOIDS } from "./ledger-tables.ts";
import {
	conflictsOf,
	type FoundTransfer,
	withTransfer,
} from "./ledger-transfers.ts";
import type { JudgedSale } from "./sale-judge.ts";

/** A sale as it was handed in. */
export interface HandedInSale extends JudgedSale {
	/** Its terms, in memory of their own. */
	readonly terms: Uint8Array;
}

/** What became of a sale. */
export type SaleState = "booked" | "void" | "declined";

const spentTwice: Refusal = {
	code: "double-spent",
	reason:
		"a part of these notes was booked for another transfer before, and a sale is booked whole or not at all",
};

const declaredVoid: Refusal = {
	code: "purchase-void",
	reason:
		"this sale is void and will never be booked: it came too late, or its contract is for another key than its merchant can have",
};

type By = "payee" | "payer";

export class SaleLedger {
	readonly #crypto: CryptoProvider;
	readonly #graceMs: number;

	/** `graceMs` is the time from the expiry of a note in which its transfers are still booked. */
	constructor(crypto: CryptoProvider, graceMs: number) {
		this.#crypto = crypto;
		this.#graceMs = graceMs;
	}

	/** Books a sale for its payee, who asks. */
	deposit(
		asked: Asked,
		verified: VerifiedTransfer,
		sale: HandedInSale,
	): Answered {
		return this.#handIn(asked, verified, sale, "payee");
	}

	/** Says what became of a sale, to its payer, and makes it final: the key, or the money back. */
	resolve(
		asked: Asked,
		verified: VerifiedTransfer,
		sale: HandedInSale,
	): Answered {
		return this.#handIn(asked, verified, sale, "payer");
	}

	#handIn(
		asked: Asked,
		verified: VerifiedTransfer,
		sale: HandedInSale,
		by: By,
	): Answered {
		const first = (found: FoundTransfer): Answered => {
			const { known, taken } = found;
			const { id: transfer } = verified.value.transfer;
			if (known !== undefined)
				return reading([byKey(SALES, { transfer })], ([[row]]) =>
					this.#before(
						asked,
						verified,
						sale,
						found,
						row,
						by,
						isForOther(known, by),
					),
				);
			if (taken.length > 0)
				return this.#declined(asked, verified, sale, found, by);
			const tooLate = found.whyNot ?? whyTooLate(asked, sale);
			if (tooLate !== undefined)
				return by === "payee"
					? declined(asked, tooLate)
					: this.#void(asked, verified, sale, found, by);
			return sale.verdict.kind === "sold"
				? this.#booked(asked, verified, sale, sale.verdict.key, found, by)
				: this.#void(asked, verified, sale, found, by);
		};
		return withTransfer(this.#graceMs, asked, verified, first, (kept) =>
			withKey(kept, sale),
		);
	}

	/** It was handed in before. Only a void sale changes once more: when its payer asks for the money. */
	#before(
		asked: Asked,
		{ value: { transfer } }: VerifiedTransfer,
		{ verdict }: HandedInSale,
		{ isVoid, payer }: FoundTransfer,
		row: RowOf<typeof SALES> | undefined,
		by: By,
		forOther: boolean,
	): Answered {
		const state = row === undefined ? undefined : stateOf(row);
		switch (state) {
			case "booked":
				return by === "payee"
					? saidBefore(
							bookedMessage(asked.request, transfer.amount, []),
							forOther,
						)
					: outcomeBefore(
							asked,
							1,
							transfer.amount,
							forOther,
							// What a disk kept of it may have rotted, and was derived again just now.
							verdict.kind === "sold" ? verdict.key : row?.key,
						);
			case "declined":
				return declinedBefore(asked, spentTwice, forOther);
			case "void":
				if (by === "payee")
					return declinedBefore(asked, declaredVoid, forOther);
				// The money came back to whoever asks, at its own request.
				if (isVoid) return outcomeBefore(asked, 2, transfer.amount, false);
				return outcome(
					asked,
					2,
					transfer.amount,
					[],
					[
						voidRow(asked, transfer.id, transfer.amount),
						...creditAccount(
							this.#crypto,
							asked,
							payer,
							transfer.amount,
							"void",
							[SYSTEM.owed, transfer.id],
						),
					],
				);
			case undefined:
				throw new TetradError(
					"internal",
					"a transfer that is marked as a sale was handed in, and no sale is there",
				);
			default:
				return unreachable(state);
		}
	}

	#declined(
		asked: Asked,
		verified: VerifiedTransfer,
		sale: HandedInSale,
		{ taken }: FoundTransfer,
		by: By,
	): Answered {
		return declined(
			asked,
			spentTwice,
			this.#rows(asked, verified, sale, "declined", by),
			conflictsOf(this.#crypto, asked, verified, taken),
		);
	}

	#booked(
		asked: Asked,
		verified: VerifiedTransfer,
		sale: HandedInSale,
		key: Uint8Array,
		{ payee, free }: FoundTransfer,
		by: By,
	): Answered {
		const { id, amount } = verified.value.transfer;
		const writes = [
			...this.#rows(asked, verified, sale, "booked", by, key),
			...bookingsOf(asked, free, "deposit", id),
			...creditAccount(this.#crypto, asked, payee, amount, "deposit", [
				SYSTEM.returned,
				id,
			]),
		];
		return by === "payee"
			? booked(asked, amount, [], [], writes)
			: outcome(asked, 1, amount, [], writes, key);
	}

	/** The ranges are gone for good. The payer is credited when it asks: at once if it is the one that does. */
	#void(
		asked: Asked,
		verified: VerifiedTransfer,
		sale: HandedInSale,
		{ payer, free }: FoundTransfer,
		by: By,
	): Answered {
		const { id, amount } = verified.value.transfer;
		const writes = [
			...this.#rows(asked, verified, sale, "void", by),
			...bookingsOf(asked, free, "void", id),
		];
		return by === "payer"
			? outcome(
					asked,
					2,
					amount,
					[],
					[
						...writes,
						voidRow(asked, id, amount),
						...creditAccount(this.#crypto, asked, payer, amount, "void", [
							SYSTEM.expired,
							id,
						]),
					],
				)
			: declined(asked, declaredVoid, [
					...writes,
					...requestEntries(this.#crypto, asked, "void", [
						[SYSTEM.owed, amount, id],
						[SYSTEM.expired, -amount, id],
					]),
				]);
	}

	/** What is kept of every sale that was handed in. */
	#rows(
		asked: Asked,
		{ value: { transfer } }: VerifiedTransfer,
		{ terms }: HandedInSale,
		state: SaleState,
		by: By,
		key: Uint8Array = new Uint8Array(),
	): readonly Write[] {
		const { id, contract, amount } = transfer;
		const credited = state === "booked" ? amount : 0n;
		return [
			insert(TRANSFERS, transferRow(asked, transfer, credited, by)),
			insert(SALES, { transfer: id, contract, state, key, terms }),
		];
	}
}

/** The same answer, if it has a key: what a disk kept of that may have rotted, and was derived again just now. */
function withKey(kept: Uint8Array, { verdict }: HandedInSale): Uint8Array {
	if (verdict.kind !== "sold" || kept[0] !== WITH_ISSUER.outcome.type)
		return kept;
	const said = body(WITH_ISSUER.outcome, kept);
	if (said.key === undefined) return kept;
	return message(WITH_ISSUER.outcome, { ...said, key: verdict.key });
}

function voidRow(
	{ request, at }: Asked,
	transfer: Uint8Array,
	returned: bigint,
): Write {
	return insert(VOIDS, { transfer, request, returned, at: BigInt(at) });
}

function whyTooLate(
	{ at }: Asked,
	{ bookBy }: HandedInSale,
): Refusal | undefined {
	if (at <= bookBy) return undefined;
	return {
		code: "payment-refused",
		reason: `this sale was to be booked by ${new Date(bookBy).toISOString()}, and that is over`,
	};
}

/** Throws `internal` for a ledger that says anything else. */
export function stateOf({ state }: RowOf<typeof SALES>): SaleState {
	if (state === "booked" || state === "void" || state === "declined")
		return state;
	throw new TetradError("internal", "a sale is in no state that there is");
}

/** Whether the other party handed it in first. */
function isForOther({ resolved }: RowOf<typeof TRANSFERS>, by: By): boolean {
	return (resolved === 1n) === (by === "payee");
}
