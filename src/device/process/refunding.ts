import type { Address } from "../../carrier/index.ts";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type IssuerTerms,
	nameInDeviceId,
	type Payment,
} from "../../money/index.ts";
import {
	parseContract,
	parseRefundText,
	refundContract,
	refundText,
} from "../../trade/documents/index.ts";
import {
	gotRefund,
	oweRefund,
	payRefund,
	readPurchase,
	type SaleRow,
} from "../../trade/records/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type { Tetrad } from "../runtime/index.ts";
import { AgentAtWork } from "./agent-at-work.ts";
import { call } from "./agent-call.ts";
import { sayingUnpaid } from "./paying-other.ts";
import type { Report } from "./process-events.ts";
import type { CallMerchant } from "./trade-process.ts";
import { withAgent } from "./with-agent.ts";

/** Money that is given back. */
export interface RefundOptions extends CallMerchant {
	/** Where the buyer's agent answers, and takes payments. */
	readonly connect: Address;
	readonly sale: SaleRow;
	/** In minor units. */
	readonly amount: bigint;
}

/** Has the own module give back what a sale was paid with, or a part of it. Asked again after a failure, it is the same refund. */
export async function runRefunding(
	options: RefundOptions,
	report: Report,
): Promise<void> {
	const { connect, sale, amount, routing, root } = options;
	const plan = { addresses: [connect], calls: { routing, root } };
	await withAgent(options, plan, report, async ({ agent, store }) => {
		const refund = await store.transact(
			oweRefund({
				sale: sale.contract,
				paid: sale.amount,
				amount,
				now: Date.now(),
				contractOf: (number) =>
					refundContract(nodeCrypto, { contract: sale.contract, number }),
			}),
		);
		const of = { contract: sale.contract, number: Number(refund.number) };
		const wanted = {
			terms: termsOf(sale),
			amount,
			text: refundText(of),
			contract: refund.contract,
		};
		let isPaid = false;
		await sayingUnpaid(wanted, report, async (pay) => {
			const work = new AgentAtWork(agent, store, (event) => {
				if (event.event === "paid") isPaid = true;
				report(event);
			});
			await call(work, connect, {
				...options,
				...(pay === undefined ? {} : { pay }),
				requirePeer: (tetrad) => requireBuyer(tetrad, sale),
			});
		});
		if (isPaid) await store.transact(payRefund(refund));
	});
}

/** Keeps a payment that has come as the refund of a purchase, if it is one: from whom the purchase was paid to, and in the same money. */
export async function keepRefund(
	store: AgentStore,
	tetrad: Pick<Tetrad, "parties" | "place">,
	payment: Payment,
	text: string,
): Promise<void> {
	const said = parseRefundText(text);
	if (said === undefined) return;
	const sale = new Uint8Array(Buffer.from(said.contract, "hex"));
	const of = { contract: sale, number: said.number };
	if (!sameBytes(refundContract(nodeCrypto, of), payment.contract)) return;
	const purchase = await store.transact(readPurchase(sale));
	if (purchase === undefined) return;
	const { sellerAgent, issuer, currency } = parseContract(
		nodeCrypto,
		purchase.document,
	);
	if (!sameBytes(payment.issuer, issuer) || payment.currency !== currency)
		return;
	const other = tetrad.parties[tetrad.place === "A" ? "B" : "A"];
	if (!sameBytes(other.deviceId, sellerAgent)) return;
	await store.transact(
		gotRefund({
			sale,
			number: BigInt(said.number),
			contract: payment.contract,
			time: BigInt(Date.now()),
			amount: payment.amount,
		}),
	);
}

/** Money is given back to whom it came from. */
function requireBuyer(tetrad: Tetrad, { buyer, buyer_agent }: SaleRow): void {
	const other = tetrad.parties[tetrad.place === "A" ? "B" : "A"];
	if (!sameBytes(other.deviceId, buyer_agent))
		throw new TetradError(
			"payment-refused",
			`another agent than ${buyer}, which bought it, answers there: ${hex(other.deviceId)}`,
		);
}

function termsOf({ issuer, currency, exponent, play }: SaleRow): IssuerTerms {
	return {
		issuer,
		name: nameInDeviceId(issuer),
		currency: { code: currency, exponent: Number(exponent) },
		isPlay: play === 1n,
	};
}
