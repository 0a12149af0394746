/* Merchants who take the money and give less than they sold. */
import { stat } from "node:fs/promises";
import { nodeCrypto } from "../../crypto/index.ts";
import type { AgentService, Purchase } from "../../device/service/index.ts";
import { draftReceipt, messages } from "../../money/index.ts";
import { BETWEEN_AGENTS } from "../../trade/documents/index.ts";
import { HashTree, sealedLeaf } from "../../trade/merchandise/index.ts";
import { copy } from "../../wire/index.ts";
import { type Attack, broken, held, type Outcome } from "../attack.ts";
import {
	type Alter,
	altering,
	type Behaviour,
	both,
	buysPamphlet,
	contracting,
	isNotBought,
	type Rogue,
	readTransfer,
	withRogueShop,
} from "../market/index.ts";
import type { Target } from "../target.ts";

const { BETWEEN_MODULES } = messages;

/** How long an invoice of a rogue stands. */
const PAY_WITHIN_MS = 120_000;

/** The purchase that was made last, as it is kept. */
async function lastPurchase(
	agent: AgentService,
): Promise<Purchase | undefined> {
	for await (const purchase of agent.purchases({ limit: 1 })) return purchase;
	return undefined;
}

/** Buys of a rogue that takes the money, and says what became of it once the issuer was asked. */
async function resolved(
	target: Target,
	behaviour: (rogue: Rogue, giveUp: () => void) => Behaviour,
	signal: AbortSignal,
	judge: (purchase: Purchase | undefined, code: string) => Promise<Outcome>,
): Promise<Outcome> {
	const patience = new AbortController();
	const giveUp = () => patience.abort();
	return withRogueShop(
		target,
		(rogue) => behaviour(rogue, giveUp),
		signal,
		async (agent, at) => {
			const until = AbortSignal.any([signal, patience.signal]);
			const path = target.newPath("goods");
			const ending = await buysPamphlet(agent, at, path, until);
			const code = ending.kind === "refused" ? ending.code : ending.kind;
			const { issuerAt } = target;
			if (ending.kind === "refused" && issuerAt !== undefined)
				await agent.resolve({
					at: `${issuerAt.host}:${issuerAt.port}`,
					signal,
				});
			return judge(await lastPurchase(agent), code);
		},
	);
}

/** A module that promises to take whatever it is offered. */
function promising(): Alter {
	return altering(BETWEEN_MODULES.prepare, async ({ contract }, reply) => {
		const payBy = Date.now() + PAY_WITHIN_MS;
		const tag = nodeCrypto.random(32);
		const prepared = { contract: copy(contract), payBy, tag };
		await reply(messages.message(BETWEEN_MODULES.prepared, prepared));
		return undefined;
	});
}

/** One that takes the money with a good receipt, and gives this for a key. */
function takingFor(rogue: Rogue, key: Uint8Array | undefined): Alter {
	return altering(BETWEEN_MODULES.deliver, async (deliver, reply) => {
		const { contract, id, payee, amount } = readTransfer(deliver);
		const draft = draftReceipt({
			...{ contract, transfer: id, payee, amount },
			accepted: Date.now(),
			head: undefined,
		});
		const receipt = draft.sign(await rogue.moduleSigner.sign(draft.toSign));
		const accepted = { receipt, chain: new Uint8Array(), key };
		await reply(messages.message(BETWEEN_MODULES.accepted, accepted));
		return undefined;
	});
}

const PROMISES = "docs/trade.md, How a key is sold";

export const CHEATING_MERCHANTS: readonly Attack[] = [
	{
		name: "key-withheld",
		group: "purchases",
		tried: "A merchant's module took the money, and said nothing any more.",
		reference: PROMISES,
		run: (target, signal) =>
			resolved(
				target,
				(_, giveUp) => ({
					module: {
						fromModule: altering(BETWEEN_MODULES.deliver, () => {
							giveUp();
							return undefined;
						}),
					},
				}),
				signal,
				async (purchase, code) =>
					purchase?.state === "bought" &&
					(await stat(purchase.path)).size === purchase.size
						? held(`told as ${code}; then the issuer gave the key`)
						: broken(`${purchase?.state ?? "nothing"}, with ${code}`),
			),
	},
	{
		name: "wrong-key-given",
		group: "purchases",
		tried:
			"A merchant's module took the money, and gave a key that opens nothing.",
		reference: PROMISES,
		run: (target, signal) =>
			resolved(
				target,
				(rogue) => ({
					module: { fromModule: takingFor(rogue, nodeCrypto.random(32)) },
				}),
				signal,
				async (purchase, code) =>
					purchase?.state === "bought"
						? held(`told as ${code}; then the issuer gave the right one`)
						: broken(`${purchase?.state ?? "nothing"}, with ${code}`),
			),
	},
	{
		name: "key-that-nobody-has",
		group: "purchases",
		tried:
			"A merchant sold for a key that does not follow from its secret, and its module took the money.",
		reference: "docs/money.md, Sales at an issuer",
		run: (target, signal) =>
			resolved(
				target,
				(rogue) => ({
					agent: {
						toAgent: contracting(rogue, () => ({
							keyHash: nodeCrypto.random(32),
						})),
					},
					module: {
						fromModule: both(promising(), takingFor(rogue, undefined)),
					},
				}),
				signal,
				async (purchase, code) =>
					purchase?.state === "void"
						? held(
								`told as ${code}; then the sale was void, and the money came back`,
							)
						: broken(`${purchase?.state ?? "nothing"}, with ${code}`),
			),
	},
	{
		name: "goods-that-do-not-open",
		group: "purchases",
		tried:
			"A merchant's agent sent sealed rubbish, and signed for it as it was sent.",
		reference: "docs/trade.md, Evidence of a wrong chunk",
		run: (target, signal) =>
			withRogueShop(
				target,
				(rogue) => ({ agent: { toAgent: rubbish(rogue) } }),
				signal,
				async (agent, at) => {
					const path = target.newPath("goods");
					const ending = await buysPamphlet(agent, at, path, signal);
					if (ending.kind === "bought") return broken("rubbish was bought");
					if (ending.code !== "merchandise-wrong")
						return broken(`it ended with ${ending.code}: ${ending.reason}`);
					const purchase = await lastPurchase(agent);
					if (purchase?.state !== "wrong")
						return broken(`it is kept as ${purchase?.state}`);
					const evidence = await agent.dispute(purchase.contract);
					return held(
						`the buyer has ${evidence.length} bytes that accuse the merchant's agent`,
					);
				},
			),
	},
	{
		name: "endless-goods",
		group: "purchases",
		tried:
			"A merchant announced a merchandise of an exabyte, and began to send it.",
		reference: "docs/trade.md, Between the agents",
		run: (target, signal) =>
			isNotBought(
				target,
				() => ({
					agent: {
						toAgent: altering(BETWEEN_AGENTS.merchandise, (sent) => ({
							...sent,
							length: 2n ** 47n,
						})),
					},
				}),
				signal,
			),
	},
	{
		name: "more-goods-than-announced",
		group: "purchases",
		tried: "A merchant sent more chunks than it had announced.",
		reference: "docs/trade.md, Between the agents",
		run: (target, signal) =>
			isNotBought(
				target,
				() => ({ agent: { toAgent: repeatedChunks } }),
				signal,
			),
	},
	{
		name: "price-raised-on-the-way",
		group: "purchases",
		tried:
			"A merchant offered for a hundred times what it had said before, to a buyer who had named a maximum.",
		reference: "docs/service.md, Programs and agents",
		run: (target, signal) =>
			isNotBought(
				target,
				() => ({
					agent: {
						toAgent: altering(BETWEEN_AGENTS.offer, (offer) => ({
							...offer,
							amount: offer.amount * 100n,
						})),
						fromAgent: altering(BETWEEN_AGENTS.take, (offer) => ({
							...offer,
							amount: offer.amount / 100n,
						})),
					},
				}),
				signal,
			),
	},
];

/** Sealed bytes that open under no key, in a contract that covers them. */
function rubbish(rogue: Rogue): Alter {
	let root: Uint8Array = new Uint8Array();
	let contractId: Uint8Array = new Uint8Array();
	return both(
		altering(BETWEEN_AGENTS.merchandise, (sent) => {
			contractId = copy(sent.contractId);
			return sent;
		}),
		both(
			altering(BETWEEN_AGENTS.chunk, (chunk) => {
				const sealed = nodeCrypto.random(chunk.sealed.length);
				const tree = new HashTree(nodeCrypto);
				tree.add(sealedLeaf(nodeCrypto, contractId, chunk.index, sealed));
				root = tree.root();
				return { ...chunk, sealed };
			}),
			contracting(rogue, () => ({ ciphertextRoot: root })),
		),
	);
}

/** Each chunk goes twice, the second time under the next number. */
const repeatedChunks: Alter = (message) => {
	const { chunk } = BETWEEN_AGENTS;
	if (message[0] !== chunk.type) return [message];
	const sent = messages.body(chunk, message);
	const more = messages.message(chunk, { ...sent, index: sent.index + 1 });
	return [message, more];
};
