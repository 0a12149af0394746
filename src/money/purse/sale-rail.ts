/* What a part that knows of sales may ask of its purse, put together of the purse's parts. */
import { reading, type Transaction } from "../../machine/index.ts";
import type { PurseCore } from "./purse-core.ts";
import { type Changed, HEAD_READ, headOf } from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import type { SaleRail } from "./sale-part.ts";

/** `pay` and `cancel` are those of the purse's payments. */
export function makeSaleRail(
	core: PurseCore,
	work: PurseWork,
	{ pay, cancel }: Pick<SaleRail, "pay" | "cancel">,
): SaleRail {
	return {
		context: core.options.context,
		get now() {
			return core.now;
		},
		meetings: core.meetings,
		issuerOf: (issuer) => core.termsOf(issuer),
		pay,
		cancel,
		transact: (job, transaction) =>
			work.transact({ kind: "sale-work", job }, withHead(transaction)),
		toAgent: (tetrad, bytes) => core.toAgent(tetrad, bytes),
		toModule: (tetrad, bytes) => core.toModule(tetrad, bytes),
		report: (report) => core.report(report),
	};
}

/** What a part writes is no change of the purse, whose head stays. */
export function withHead<Result>(
	transaction: Transaction<Result>,
): Transaction<Changed<Result>> {
	return reading([HEAD_READ], ([rows]) =>
		mapped(transaction, (result) => ({ head: headOf(rows), result })),
	);
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
