/* What a part that knows of sales may ask of its purse, put together of the purse's parts. */
import { byKey, reading, type Transaction } from "../../machine/index.ts";
import { hex } from "../../wire/index.ts";
import type { IssuerTerms } from "../documents/index.ts";
import { readBalances } from "./balance-history.ts";
import { LOCKED, type LockedRow } from "./ecash-tables.ts";
import { lostError } from "./payment-refusals.ts";
import type { PurseCore } from "./purse-core.ts";
import {
	type Changed,
	HEAD_READ,
	headOf,
	NO_CHAIN,
	PAYMENTS,
	type PaymentRow,
	RECEIPT_CHAINS,
} from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import type { CommittedSale, KnownMoney, SaleRail } from "./sale-part.ts";

/** `pay` and `cancel` are those of the purse's payments, and `recall`, `atMint` and `feeOf` of its ecash. */
export function makeSaleRail(
	core: PurseCore,
	work: PurseWork,
	ofPurse: Pick<SaleRail, "pay" | "recall" | "cancel" | "atMint" | "feeOf">,
): SaleRail {
	return {
		context: core.options.context,
		get now() {
			return core.now;
		},
		meetings: core.meetings,
		issuerOf: (issuer) => core.termsOf(issuer),
		moneys: moneysOf(core),
		spendable: (then) => spendable(core, then),
		...ofPurse,
		committed: committedSales,
		transact: (job, transaction) =>
			work.transact({ kind: "sale-work", job }, withHead(transaction)),
		toAgent: (tetrad, bytes) => core.toAgent(tetrad, bytes),
		toModule: (tetrad, bytes) => core.toModule(tetrad, bytes),
		report: (report) => core.report(report),
	};
}

function moneysOf({
	options: { issuers, ecash },
}: PurseCore): readonly KnownMoney[] {
	const known = (isOfMint: boolean) => (terms: IssuerTerms) => ({
		...{ issuer: terms.issuer, name: terms.name, currency: terms.currency },
		...{ isPlay: terms.isPlay, isOfMint },
	});
	return [
		...issuers.map(known(false)),
		...(ecash?.mints ?? []).map(known(true)),
	];
}

function spendable<Result>(
	core: PurseCore,
	then: (amounts: readonly bigint[]) => Transaction<Result>,
): Transaction<Result> {
	return andThen(readBalances(core.now, core.options.context.own), (balances) =>
		then(
			moneysOf(core).map(
				({ issuer }) => balances.get(hex(issuer))?.spendable ?? 0n,
			),
		),
	);
}

/** Of the rows of payments, with notes or with ecash, and of their receipts' chains. */
function committedSales<Result>(
	contracts: readonly Uint8Array[],
	then: (sales: readonly (CommittedSale | undefined)[]) => Transaction<Result>,
): Transaction<Result> {
	const count = contracts.length;
	return reading(
		[
			...contracts.map((contract) => byKey(PAYMENTS, { contract })),
			...contracts.map((contract) => byKey(LOCKED, { contract })),
		] as never,
		(found: readonly (readonly unknown[])[]) => {
			const rows = contracts.map((_, i) => ({
				notes: found[i]?.[0] as PaymentRow | undefined,
				ecash: found[count + i]?.[0] as LockedRow | undefined,
			}));
			return reading(
				rows.map(({ notes, ecash }) =>
					byKey(RECEIPT_CHAINS, {
						hash: (notes ?? ecash)?.receipt_chain ?? NO_CHAIN,
					}),
				),
				(chains) =>
					then(
						rows.map(({ notes, ecash }, i) => {
							const chain = chains[i]?.[0]?.chain ?? NO_CHAIN;
							if (notes !== undefined) return committedSale(notes, chain);
							return ecash && ecashSale(ecash, chain);
						}),
					),
			);
		},
	);
}

function ecashSale(row: LockedRow, chain: Uint8Array): CommittedSale {
	const { key, receipt, mint: issuer, state } = row;
	const payment = {
		...row,
		issuer,
		keyHash: row.key_hash,
		payBy: Number(row.pay_by),
	};
	const step = ecashStep(state);
	const amount = row.returned;
	const refund =
		step === "refunded" ? ({ amount, by: "mint" } as const) : undefined;
	const { fee } = row;
	return { payment, step, refund, why: undefined, key, receipt, chain, fee };
}

function ecashStep(state: string): CommittedSale["step"] {
	switch (state) {
		case "locked":
		case "keyed":
		case "refunded":
		case "declined":
			return state;
		case "refunding":
			return "locked";
		default:
			return "committed";
	}
}

function committedSale(row: PaymentRow, chain: Uint8Array): CommittedSale {
	const { key, receipt } = row;
	const payment = {
		...row,
		keyHash: row.key_hash,
		payBy: Number(row.pay_by),
	};
	const step = stepOf(row);
	const { amount } = row;
	const refund =
		step === "refunded" ? ({ amount, by: "issuer" } as const) : undefined;
	const why = row.state === "lost" ? lostError() : undefined;
	return { payment, step, refund, why, key, receipt, chain };
}

function stepOf({ state, key }: PaymentRow): CommittedSale["step"] {
	switch (state) {
		case "lapsed":
			return "refunded";
		case "short":
			return "declined";
		case "lost":
			return key.length === 0 ? "declined" : "keyed";
		default:
			return key.length === 0 ? "locked" : "keyed";
	}
}

/** What a part writes is no change of the purse, whose head stays. */
export function withHead<Result>(
	transaction: Transaction<Result>,
): Transaction<Changed<Result>> {
	return reading([HEAD_READ], ([rows]) =>
		mapped(transaction, (result) => ({ head: headOf(rows), result })),
	);
}

/** Goes on with what a transaction that writes nothing has read. */
function andThen<From, Into>(
	read: Transaction<From>,
	then: (result: From) => Transaction<Into>,
): Transaction<Into> {
	return read.kind === "done"
		? then(read.result)
		: { ...read, decide: (rows) => andThen(read.decide(rows), then) };
}

function mapped<From, Into>(
	transaction: Transaction<From>,
	map: (result: From) => Into,
): Transaction<Into> {
	return transaction.kind === "done"
		? { ...transaction, result: map(transaction.result) }
		: {
				...transaction,
				decide: (rows) => mapped(transaction.decide(rows), map),
			};
}
