/* A rogue that sells, and how its buyer comes out of that. */
import { readFile } from "node:fs/promises";
import { nodeCrypto } from "../../crypto/index.ts";
import type { AgentService, Purchase } from "../../device/service/index.ts";
import { asTetradError } from "../../errors.ts";
import {
	BETWEEN_AGENTS,
	type Contract,
	type ContractBody,
	draftContract,
	parseContract,
} from "../../trade/documents/index.ts";
import { broken, held, type Outcome } from "../attack.ts";
import type { Target } from "../target.ts";
import { type Behaviour, type Rogue, rogueOf } from "./rogue.ts";
import { type Alter, altering } from "./tampering.ts";

/** What a rogue sells where nothing else is said. */
const PAMPHLET = "pamphlet";
const TEXT = "All that glisters is not gold.";
const PRICE = "0.01";

/** How a purchase from a rogue ended. */
type Ending =
	| { readonly kind: "bought"; readonly purchase: Purchase }
	| {
			readonly kind: "refused";
			readonly code: string;
			readonly reason: string;
	  };

/** Buys a pamphlet of whoever answers there. */
export async function buysPamphlet(
	agent: AgentService,
	at: string,
	path: string,
	signal: AbortSignal,
): Promise<Ending> {
	try {
		const quote = await agent.quote(at, PAMPHLET, { signal });
		const purchase = await agent.buy(quote, { to: path, maximum: 1n, signal });
		return { kind: "bought", purchase };
	} catch (thrown) {
		const { code, message } = asTetradError(thrown);
		return { kind: "refused", code, reason: message };
	}
}

/** What the buyer has left to pay with: what it has committed is no part of it. */
async function moneyOf(agent: AgentService): Promise<bigint> {
	const balances = await agent.balance();
	return balances.reduce((sum, one) => sum + one.spendable, 0n);
}

/** Lets the buyer meet a rogue that misbehaves, once it has met one that does not. Throws when the honest one sells nothing. */
export async function withRogueShop(
	target: Target,
	behaviour: (rogue: Rogue) => Behaviour,
	signal: AbortSignal,
	act: (agent: AgentService, at: string) => Promise<Outcome>,
): Promise<Outcome> {
	const rogue = await rogueOf(target);
	const items = [{ name: PAMPHLET, goods: TEXT, price: PRICE }];
	return await target.withBuyer(async (agent) => {
		{
			await using shop = await rogue.sell(items);
			const path = target.newPath("honest");
			const honest = await buysPamphlet(agent, shop.at, path, signal);
			if (honest.kind === "refused")
				throw new Error(
					`an honest merchant sells nothing: ${honest.code}: ${honest.reason}`,
				);
			if ((await readFile(path, "utf8")) !== TEXT)
				return broken("an honest merchant's goods are not what it sold");
		}
		await using shop = await rogue.sell(items, behaviour(rogue));
		return await act(agent, shop.at);
	});
}

/** What came of goods that nobody should pay for. */
export async function isNotBought(
	target: Target,
	behaviour: (rogue: Rogue) => Behaviour,
	signal: AbortSignal,
): Promise<Outcome> {
	return withRogueShop(target, behaviour, signal, async (agent, at) => {
		const before = await moneyOf(agent);
		const path = target.newPath("goods");
		const ending = await buysPamphlet(agent, at, path, signal);
		const paid = before - (await moneyOf(agent));
		if (ending.kind === "bought") return broken("it was bought");
		return paid === 0n
			? held(`nothing was paid: ${ending.code}`)
			: broken(`${paid} minor units were paid: ${ending.code}`);
	});
}

/** Contracts that say something else than was agreed on, signed by the merchant's agent. */
export function contracting(
	rogue: Rogue,
	change: (contract: Contract) => Partial<ContractBody>,
): Alter {
	return altering(BETWEEN_AGENTS.contract, async (sent) => {
		const agreed = parseContract(nodeCrypto, sent.document);
		const draft = draftContract({ ...agreed, ...change(agreed) });
		const signature = await rogue.signer.sign(draft.toSign);
		const { document } = draft.sign(nodeCrypto, signature);
		return { ...sent, document };
	});
}
