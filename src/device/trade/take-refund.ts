import { setTimeout as pause } from "node:timers/promises";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	parseContract,
	refundContract,
	refundText,
} from "../../trade/documents/index.ts";
import {
	gotRefund,
	type PurchaseRow,
	readComeBack,
} from "../../trade/records/index.ts";
import type { Buyer } from "./buyer.ts";
import type { Calling } from "./calling.ts";
import { REFUND_ASKED_EVERY_MS, REFUND_WITHIN_MS } from "./limits.ts";
import { leave } from "./standing-tetrads.ts";
import type { TradeOptions, TradingAgentOptions } from "./trade-options.ts";

/** As `TradingAgent.takeRefund`. */
export async function takeRefund(
	calling: Calling,
	{ agent, store }: Pick<TradingAgentOptions, "agent" | "store">,
	{ contract: sale, document, address, merchant }: PurchaseRow,
	options: TradeOptions,
): Promise<bigint> {
	const { sellerAgent, sellerModule, issuer, currency, ...paid } =
		parseContract(nodeCrypto, document);
	const before = await store.transact(readComeBack(sale));
	const amount = paid.amount - before.amount;
	if (amount <= 0n) return before.amount;
	const number = before.next;
	const of = { contract: sale, number };
	const contract = refundContract(nodeCrypto, of);
	const late = AbortSignal.timeout(REFUND_WITHIN_MS);
	const signal =
		options.signal === undefined
			? late
			: AbortSignal.any([late, options.signal]);
	let buyer: Buyer | undefined;
	let hasCome = false;
	try {
		buyer = await calling.meetModule(
			address,
			{ deviceId: sellerAgent, name: merchant },
			sellerModule,
			{ ...options, signal },
		);
		const { payments } = buyer;
		const payment = { contract, issuer, currency, amount };
		await payments.expect(payment, { text: refundText(of), signal });
		const coming = payments.received(contract, { signal }).then(() => {
			hasCome = true;
		});
		coming.catch(() => {});
		// Whoever owes something pays it when it is asked for its catalogue, or later, where another tetrad is in the way.
		while (!hasCome) {
			await buyer.list(undefined, signal);
			await Promise.race([coming, pause(REFUND_ASKED_EVERY_MS)]);
		}
		// The merchant's module hears by now that it came, and its agent can keep that.
		await buyer.list(undefined, signal);
	} catch (thrown) {
		// What has come is here, whatever becomes of the tetrad after that.
		if (!hasCome)
			throw late.aborted
				? new TetradError(
						"timed-out",
						"the merchant has given nothing back yet; ask again later",
						{ cause: thrown },
					)
				: thrown;
	} finally {
		if (buyer !== undefined) await leave(buyer);
	}
	const time = BigInt(agent.now());
	await store.transact(
		gotRefund({ sale, number: BigInt(number), contract, time, amount }),
	);
	return paid.amount;
}
