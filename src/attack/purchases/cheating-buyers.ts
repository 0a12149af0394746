/* Buyers who take more than they pay for. */
import { readFile } from "node:fs/promises";
import type { CatalogueItem } from "../../device/service/index.ts";
import type { Buyer } from "../../device/trade/index.ts";
import { asTetradError } from "../../errors.ts";
import { messages } from "../../money/index.ts";
import { BETWEEN_AGENTS, type Offer } from "../../trade/documents/index.ts";
import { copy } from "../../wire/index.ts";
import { type Attack, broken, held } from "../attack.ts";
import {
	altering,
	type Behaviour,
	cheapOffer,
	hearing,
	paysHonestly,
	type Rogue,
	rogueOf,
} from "../market/index.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";

/** Does something in a tetrad of a rogue with the merchant. */
async function asBuyer<Value>(
	rogue: Rogue,
	target: Target,
	behaviour: Behaviour,
	signal: AbortSignal,
	act: (buyer: Buyer) => Promise<Value>,
): Promise<Value> {
	const buyer = await rogue.buyer(target.merchantAt, behaviour, signal);
	try {
		return await act(buyer);
	} finally {
		await buyer.tetrad.close();
	}
}

/** The code with which a purchase was refused, or "bought". */
async function buys(
	target: Target,
	buyer: Buyer,
	offer: Offer,
	signal: AbortSignal,
): Promise<string> {
	try {
		const path = target.newPath("goods");
		await buyer.buy(offer, { path }, () => {}, { signal });
		return "bought";
	} catch (thrown) {
		return asTetradError(thrown).code;
	}
}

export const CHEATING_BUYERS: readonly Attack[] = [
	{
		name: "offer-made-cheaper",
		group: "purchases",
		tried: "A buyer took an offer, and had made it cheaper.",
		reference: "docs/trade.md, Between the agents",
		async run(target, signal) {
			const rogue = await rogueOf(target);
			await paysHonestly(rogue, target, signal);
			const toAgent = altering(BETWEEN_AGENTS.take, (offer) => ({
				...offer,
				amount: 1n,
			}));
			return asBuyer(
				rogue,
				target,
				{ agent: { toAgent } },
				signal,
				async (buyer) => {
					const offer = await cheapOffer(buyer, signal);
					const code = await buys(target, buyer, offer, signal);
					return code === "bought"
						? broken("it was sold for that")
						: held(`refused: ${code}`);
				},
			);
		},
	},
	{
		name: "offer-to-somebody-else",
		group: "purchases",
		tried: "A buyer took the offer that a merchant had made to another one.",
		reference: "docs/trade.md, Between the agents",
		async run(target, signal) {
			const [rogue, stranger] = [
				await rogueOf(target),
				await rogueOf(target, "stranger"),
			];
			const offer = await asBuyer(rogue, target, {}, signal, async (buyer) => {
				const made = await cheapOffer(buyer, signal);
				const code = await buys(target, buyer, made, signal);
				if (code !== "bought") throw new Error(`an honest buyer: ${code}`);
				return cheapOffer(buyer, signal);
			});
			return asBuyer(stranger, target, {}, signal, async (buyer) => {
				const code = await buys(target, buyer, offer, signal);
				return code === "offer-expired"
					? held(`refused: ${code}`)
					: broken(`it was not told that this is not its offer, but ${code}`);
			});
		},
	},
	{
		name: "goods-read-before-they-are-paid",
		group: "purchases",
		tried:
			"A buyer took the goods, and looked for them in what came before it paid.",
		reference: "docs/trade.md, How a key is sold",
		async run(target, signal) {
			const rogue = await rogueOf(target);
			const came: Uint8Array[] = [];
			let isPaying = false;
			const behaviour: Behaviour = {
				agent: {
					fromAgent: (message) => {
						if (!isPaying && message[0] !== BETWEEN_AGENTS.offer.type)
							came.push(copy(message));
						return [message];
					},
				},
				module: {
					toModule: hearing(messages.BETWEEN_MODULES.prepare, () => {
						isPaying = true;
					}),
				},
			};
			const path = target.newPath("goods");
			return asBuyer(rogue, target, behaviour, signal, async (buyer) => {
				const offer = await cheapOffer(buyer, signal);
				await buyer.buy(offer, { path }, () => {}, { signal });
				const goods = await readFile(path);
				if (goods.length < 8) throw new NotTried("the goods are too short");
				const begins = goods.subarray(0, 8);
				return came.some((bytes) => Buffer.from(bytes).includes(begins))
					? broken("the goods are in it")
					: held(
							`${came.length} messages came first, and the goods are in none of them`,
						);
			});
		},
	},
	{
		name: "orders-never-paid",
		group: "purchases",
		tried:
			"A buyer had things made on order, one after another, and paid for none.",
		reference: "docs/trade.md, What the merchant's agent does",
		async run(target, signal) {
			const stranger = await rogueOf(target, "stranger");
			const rogue = await rogueOf(target);
			let made = 0;
			// It has no money: each is made, and cannot be paid.
			const ends = await asBuyer(
				stranger,
				target,
				{},
				signal,
				async (buyer) => {
					for (; made < MANY_ORDERS; made++) {
						const offer = await cheapOffer(buyer, signal);
						if (offer.kind !== "made-on-order")
							throw new NotTried("the merchant makes nothing on order");
						const code = await buys(target, buyer, offer, signal);
						if (code === "bought") return "bought";
						if (code !== "insufficient-funds") return code;
					}
					return undefined;
				},
			);
			if (ends === undefined || ends === "bought")
				return broken(`${made} things were made for nobody`);
			await paysHonestly(rogue, target, signal);
			return held(`after ${made} it was told ${ends}, and others are served`);
		},
	},
	{
		name: "one-quote-bought-five-times",
		group: "purchases",
		tried: "A program bought one quote five times at once.",
		reference: "docs/service.md, Programs and agents",
		async run(target, signal) {
			const merchant = target.merchant;
			return target.withBuyer(async (agent) => {
				let cheapest: CatalogueItem | undefined;
				for await (const item of agent.catalogue(merchant, { signal }))
					if (cheapest === undefined || item.amount < cheapest.amount)
						cheapest = item;
				if (cheapest === undefined) throw new NotTried("nothing is sold");
				const { item, kind } = cheapest;
				const order = kind === "made-on-order" ? "five times" : undefined;
				const quote = await agent.quote(merchant, item, { order, signal });
				const [before] = await agent.balance();
				const to = target.newPath("goods");
				const bought = await Promise.all(
					Array.from({ length: 5 }, () => agent.buy(quote, { to, signal })),
				);
				const [after] = await agent.balance();
				const paid = (before?.spendable ?? 0n) - (after?.spendable ?? 0n);
				const contracts = new Set(bought.map(({ contract }) => contract));
				return contracts.size === 1 && paid === quote.amount
					? held("one contract, paid once")
					: broken(`${contracts.size} contracts, and ${paid} was paid`);
			});
		},
	},
];

/** More things than anybody should make for who pays nothing. */
const MANY_ORDERS = 40;
