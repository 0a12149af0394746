/* A certified merchant whose contract says something else than what was agreed on. */
import { nodeCrypto } from "../../crypto/index.ts";
import {
	BETWEEN_AGENTS,
	type Contract,
	type ContractBody,
	type Offer,
} from "../../trade/documents/index.ts";
import type { Attack } from "../attack.ts";
import { altering, contracting, isNotBought } from "../market/index.ts";

const random = (length: number) => nodeCrypto.random(length);

function contract(
	attack: Pick<Attack, "name" | "tried"> & Partial<Attack>,
	change: (contract: Contract) => Partial<ContractBody>,
): Attack {
	return {
		group: "purchases",
		reference: "docs/trade.md, Between the agents",
		...attack,
		run: (target, signal) =>
			isNotBought(
				target,
				(rogue) => ({ agent: { toAgent: contracting(rogue, change) } }),
				signal,
			),
	};
}

function moreDecimals(offer: Offer, more: number): Offer {
	const { money } = offer;
	return { ...offer, money: { ...money, exponent: money.exponent + more } };
}

export const CHANGED_CONTRACTS: readonly Attack[] = [
	contract(
		{
			name: "contract-at-another-price",
			tried: "A merchant offered at one price, and signed for another one.",
		},
		({ amount }) => ({ amount: amount * 100n }),
	),
	contract(
		{
			name: "contract-about-another-item",
			tried:
				"A merchant signed a contract about another item than it was asked for.",
		},
		() => ({ item: random(32) }),
	),
	contract(
		{
			name: "contract-of-another-tetrad",
			tried:
				"A merchant signed with the binding and the exporter of another tetrad.",
		},
		() => ({ binding: random(32), exporterHash: random(32) }),
	),
	contract(
		{
			name: "contract-with-another-buyer",
			tried: "A merchant signed a contract with somebody else as its buyer.",
		},
		({ issuer }) => ({ buyerModule: issuer }),
	),
	contract(
		{
			name: "contract-about-other-goods",
			tried: "A merchant sent one merchandise, and signed for another one.",
		},
		() => ({ plaintextRoot: random(32) }),
	),
	contract(
		{
			name: "contract-about-longer-goods",
			tried: "A merchant signed for more bytes than it had sent.",
		},
		({ length }) => ({ length: length + 65_536n }),
	),
	contract(
		{
			name: "contract-in-other-money",
			tried: "A merchant offered in one currency, and signed for another one.",
		},
		() => ({ currency: "GOLD" }),
	),
	{
		name: "price-in-other-decimals",
		group: "purchases",
		tried:
			"A merchant showed a price with other decimals than its issuer's money has, so that it looks a hundredth of what it is.",
		reference: "docs/trade.md, What a module makes sure of",
		run: (target, signal) =>
			isNotBought(
				target,
				() => ({
					agent: {
						toAgent: altering(BETWEEN_AGENTS.offer, (offer) =>
							moreDecimals(offer, 2),
						),
						// The merchant knows its offer again by what it was.
						fromAgent: altering(BETWEEN_AGENTS.take, (offer) =>
							moreDecimals(offer, -2),
						),
					},
				}),
				signal,
			),
	},
];
