/*
 * What a merchant's owner has its agent give back, and how it comes to the buyer's, as
 * `src/device/process/refunding.ts` and `takeRefund` of `TradingAgent` do it.
 */
import { TetradError } from "../src/errors.ts";
import type { CertifiedDevice } from "../src/identity/index.ts";
import type { Payment } from "../src/money/index.ts";
import {
	parseContract,
	parseRefundText,
	refundContract,
	refundText,
} from "../src/trade/documents/index.ts";
import {
	gotRefund,
	oweRefund,
	PURCHASES,
	type PurchaseRow,
	payRefund,
	REFUNDS,
	type RefundRow,
	readComeBack,
	readPurchase,
	SALES,
	type SaleRow,
} from "../src/trade/records/index.ts";
import { sameBytes } from "../src/wire/index.ts";
import type { Step } from "./plan.ts";
import type { Side } from "./side.ts";
import { type Buyer, type Session, transact } from "./trading.ts";

type Refund = Extract<Step, { readonly kind: "refund" }>;

/** How long until whoever is to be paid knows of it, in milliseconds. */
const EXPECTED_MS = 50;

/** How often a buyer that fetches a refund asks for the catalogue, and how long, in milliseconds. */
const ASKED_EVERY_MS = 1_000;
const FETCHED_WITHIN_MS = 10_000;

/** Makes a tetrad of a side's with another one's agent. */
type Meet = (
	other: Side,
	what: string,
	act: (trader: Buyer, done: () => void) => void,
) => void;

export class Refunds {
	readonly #side: Side;
	readonly #meet: Meet;

	constructor(side: Side, meet: Meet) {
		this.#side = side;
		this.#meet = meet;
	}

	/** Its owner has a sale given back, or so many quarters of it, or asks again for what is owed. */
	give(buyer: Side, { quarters, isOwed }: Refund): void {
		const { world, agent } = this.#side;
		if (!agent.isUp) return;
		const stream = world.stream("owner");
		const sales = this.#salesTo(buyer);
		if (sales.length === 0) return;
		const sale = stream.pick(sales);
		if (isOwed) {
			for (const row of this.#owed(sale)) this.#pay(buyer, sale, row);
			return;
		}
		const amount = (sale.amount * BigInt(quarters) + 3n) / 4n;
		if (amount <= 0n) return;
		transact(
			agent,
			oweRefund({
				sale: sale.contract,
				paid: sale.amount,
				amount,
				now: agent.now(),
				contractOf: (number) =>
					refundContract(agent.crypto, { contract: sale.contract, number }),
			}),
			(row) => {
				world.count("refund");
				this.#pay(buyer, sale, row);
			},
			(error) => {
				world.heard(agent.name, error);
				if (error.code === "invalid-argument") world.count("refund too large");
			},
		);
	}

	/** Whoever it sells to asks for its catalogue: what is owed to that one is paid. */
	giveOwed(to: CertifiedDevice, session: Session): void {
		for (const sale of this.#side.agent.disk.rows(SALES)) {
			if (!sameBytes(sale.buyer_agent, to.deviceId)) continue;
			for (const row of this.#owed(sale)) this.#payIn(session, sale, row);
		}
	}

	/** Takes back what is left of a purchase, if its merchant owes that. */
	fetch(merchant: Side): void {
		const { world, agent } = this.#side;
		if (!agent.isUp) return;
		const { name } = merchant.agent.certified();
		const purchases = agent.disk
			.rows(PURCHASES)
			.filter((row) => row.state === "final" && row.merchant === name);
		if (purchases.length === 0) return;
		const purchase = world.stream("owner").pick(purchases);
		agent.write(readComeBack(purchase.contract), (before) =>
			this.#fetch(merchant, purchase, before),
		);
	}

	/** Expects a refund in each tetrad with that merchant that somebody else began. */
	expect(session: Session, from: CertifiedDevice, of: RefundPayment): void {
		session.expect(of.payment, of.text, () => keepRefund(this.#side, from, of));
	}

	#fetch(
		merchant: Side,
		{ contract: sale, document }: PurchaseRow,
		{
			amount: before,
			next,
		}: { readonly amount: bigint; readonly next: number },
	): void {
		const { agent } = this.#side;
		const paid = parseContract(agent.crypto, document);
		const amount = paid.amount - before;
		if (amount <= 0n) return;
		const of = { contract: sale, number: next };
		const { issuer, currency } = paid;
		const contract = refundContract(agent.crypto, of);
		const refund = {
			payment: { contract, issuer, currency, amount },
			text: refundText(of),
		};
		this.#meet(merchant, "fetches a refund", (trader, done) => {
			const { B } = trader.tetrad.parties;
			this.expect(trader.session, B, refund);
			for (let at = 0; at < FETCHED_WITHIN_MS; at += ASKED_EVERY_MS)
				agent.later(() => {
					if (!trader.tetrad.ended) trader.list();
				}, at);
			agent.later(done, FETCHED_WITHIN_MS);
		});
	}

	#salesTo(buyer: Side): readonly SaleRow[] {
		const { world, agent } = this.#side;
		const { deviceId } = buyer.agent.certified();
		return agent.disk
			.rows(SALES)
			.filter(
				({ buyer_agent, issuer }) =>
					sameBytes(buyer_agent, deviceId) &&
					world.issuers.some(({ id }) => sameBytes(id, issuer)),
			);
	}

	#owed({ contract }: SaleRow): readonly RefundRow[] {
		return this.#side.agent.disk
			.rows(REFUNDS)
			.filter(
				({ sale, side, state }) =>
					side === "gives" && state === "owed" && sameBytes(sale, contract),
			);
	}

	#pay(buyer: Side, sale: SaleRow, row: RefundRow): void {
		const refund = refundOf(sale, row);
		this.#meet(buyer, "gives money back", (trader, done) => {
			// Money is given back to whom it came from.
			if (!sameBytes(trader.tetrad.parties.B.deviceId, sale.buyer_agent))
				return done();
			buyer.expectRefund(this.#side, refund);
			this.#side.agent.later(
				() => this.#payIn(trader.session, sale, row, done),
				EXPECTED_MS,
			);
		});
	}

	#payIn(
		session: Session,
		sale: SaleRow,
		row: RefundRow,
		done: () => void = () => {},
	): void {
		const { world, agent, payments } = this.#side;
		const { payment, text } = refundOf(sale, row);
		session.pay(
			payment,
			(error) => {
				world.heard(agent.name, error);
				payments.push({
					kind: error === undefined ? "bought" : "refused",
					code: error?.code ?? "",
				});
				if (error === undefined) {
					world.count("refund paid");
					transact(agent, payRefund(row), () => {});
				}
				agent.later(done);
			},
			text,
		);
	}
}

/** A refund as both agents have it. */
export interface RefundPayment {
	readonly payment: Payment;
	readonly text: string;
}

function refundOf(
	{ issuer, currency }: SaleRow,
	{ sale, number, contract, amount }: RefundRow,
): RefundPayment {
	return {
		payment: { contract, issuer, currency, amount },
		text: refundText({ contract: sale, number: Number(number) }),
	};
}

/** Keeps a payment that has come as the refund of a purchase, if it is one. */
function keepRefund(
	{ agent, world }: Side,
	from: CertifiedDevice,
	{ payment, text }: RefundPayment,
): void {
	const said = parseRefundText(text);
	if (said === undefined)
		throw new TetradError("internal", "that text is none of a refund");
	const sale = new Uint8Array(Buffer.from(said.contract, "hex"));
	const of = { contract: sale, number: said.number };
	if (!sameBytes(refundContract(agent.crypto, of), payment.contract)) return;
	agent.write(readPurchase(sale), (purchase) => {
		if (purchase === undefined) return;
		const { sellerAgent, issuer, currency } = parseContract(
			agent.crypto,
			purchase.document,
		);
		if (
			!sameBytes(payment.issuer, issuer) ||
			payment.currency !== currency ||
			!sameBytes(from.deviceId, sellerAgent)
		)
			return;
		transact(
			agent,
			gotRefund({
				sale,
				number: BigInt(said.number),
				contract: payment.contract,
				time: BigInt(agent.now()),
				amount: payment.amount,
			}),
			() => world.count("refund come"),
		);
	});
}
