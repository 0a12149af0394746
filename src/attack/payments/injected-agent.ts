/* The buyer's own agent, talked into something: it has its key and its pairing, and asks its module for what it likes. */
import { connect } from "../../carrier/index.ts";
import { nodeCrypto } from "../../crypto/index.ts";
import { readHome } from "../../device/home/index.ts";
import { readIssuerTerms } from "../../device/purse/index.ts";
import { type Tetrad, TrustedAgent } from "../../device/runtime/index.ts";
import {
	type ModuleService,
	openModule,
	type SpendingLimits,
} from "../../device/service/index.ts";
import { secretsOfSide } from "../../device/side/index.ts";
import {
	CONTRACT_BYTES,
	FIRST_HEAD,
	messages,
	type Payment,
	REQUEST_ID_BYTES,
	unpackMessages,
} from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { type Attack, broken, held, type Outcome } from "../attack.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";

const { WITH_AGENT, WITH_ISSUER } = messages;

/** How long a module may take to answer its agent. */
const PATIENCE_MS = 10_000;

/** What the module says to a payment that it was asked for. */
type Said = { readonly code: string; readonly reason: string } | "paid";

class InjectedAgent {
	readonly tetrad: Tetrad;
	readonly #issuer: Uint8Array;
	readonly #currency: string;

	constructor(tetrad: Tetrad, issuer: Uint8Array, currency: string) {
		this.tetrad = tetrad;
		this.#issuer = issuer;
		this.#currency = currency;
	}

	/** Asks the module to pay the merchant's module. Rejects when it says nothing, or ends the tetrad. */
	async pay(contract: Uint8Array, amount: bigint): Promise<Said> {
		const payment: Payment = {
			...{ contract, amount },
			issuer: this.#issuer,
			currency: this.#currency,
		};
		const { pay, failed, paid } = WITH_AGENT;
		await this.say(messages.message(pay, { ...payment, text: "cheese" }));
		for (;;) {
			const said = await this.hear();
			if (said[0] === paid.type) return "paid";
			if (said[0] !== failed.type) continue;
			const { contract: about, ...why } = messages.body(failed, said);
			if (sameBytes(about, contract)) return why;
		}
	}

	say(message: Uint8Array): Promise<void> {
		return this.tetrad.module.send(message);
	}

	readonly #heard: Uint8Array[] = [];

	async hear(): Promise<Uint8Array> {
		for (;;) {
			const next = this.#heard.shift();
			if (next !== undefined) return next;
			const signal = AbortSignal.timeout(PATIENCE_MS);
			const bytes = await this.tetrad.module.receive({ signal });
			if (bytes === undefined) throw new Error("the tetrad was closed");
			this.#heard.push(...unpackMessages(bytes));
		}
	}
}

/** Has the buyer's agent do something else than buying, in a tetrad with the merchant. */
async function injected(
	target: Target,
	signal: AbortSignal,
	act: (agent: InjectedAgent, purse: ModuleService) => Promise<Outcome>,
): Promise<Outcome> {
	const side = target.side("buyer");
	const { issuer } = side;
	if (issuer === undefined) throw new NotTried("the buyer has no issuer");
	await using purse = await openModule(side.path);
	const terms = await readIssuerTerms(issuer.termsPath);
	await using home = await readHome(
		side.agent.home,
		"agent",
		secretsOfSide(side, "agent"),
	);
	if (home.pairing === undefined) throw new NotTried("it is not paired");
	await using agent = new TrustedAgent(home);
	agent.useModule({
		pairing: home.pairing,
		dial: () => connect(side.module.at, { signal }),
	});
	const carrier = await connect(target.merchantAt, { signal });
	await using tetrad = await agent.connect(carrier, { signal });
	const { issuer: id, currency } = terms;
	const one = new InjectedAgent(tetrad, id, currency.code);
	// The module pays nothing before its agent has said which head it keeps, and answers with its own.
	await one.say(messages.message(WITH_AGENT.witness, FIRST_HEAD));
	await one.hear();
	// The tetrad is there until that is over.
	return await act(one, purse);
}

const random = () => nodeCrypto.random(CONTRACT_BYTES);

/** The first limit of that kind that the owner of the module has set. */
async function limitOf(
	purse: ModuleService,
	kind: keyof SpendingLimits,
): Promise<bigint> {
	const { money } = await purse.limits();
	const limit = money.find((one) => one[kind] !== undefined)?.[kind];
	if (limit === undefined)
		throw new NotTried(`the owner has set no limit: ${kind}`);
	return limit;
}

async function spendable(purse: ModuleService): Promise<bigint> {
	const balances = await purse.balance();
	return balances.reduce((sum, one) => sum + one.spendable, 0n);
}

/** Somebody who has no owner's secret. */
function noSecret(): never {
	throw new NotTried(
		"the purse has an owner with a secret, and nothing of that owner's is approved here",
	);
}

export const INJECTED_AGENT: readonly Attack[] = [
	{
		name: "agent-withdraws",
		group: "payments",
		tried:
			"The buyer's own agent told its module to withdraw, as only its owner may.",
		reference: "docs/money.md, Order",
		run: (target, signal) =>
			injected(target, signal, async (agent, purse) => {
				const before = await spendable(purse);
				const request = nodeCrypto.random(REQUEST_ID_BYTES);
				await agent.say(
					messages.message(WITH_ISSUER.withdraw, { request, amount: 1n }),
				);
				const ended = await agent.tetrad.closed.then(
					() => "closed",
					(thrown: { readonly code?: string }) => thrown.code ?? "",
				);
				return (await spendable(purse)) === before
					? held(`the module ended the conversation: ${ended}`)
					: broken("the module did something with its money");
			}),
	},
	{
		name: "agent-pays-above-the-limit",
		group: "payments",
		tried:
			"The buyer's own agent asked its module for one payment above the owner's limit.",
		reference: "docs/money.md, Limits of the owner",
		run: (target, signal) =>
			injected(target, signal, async (agent, purse) => {
				const limit = await limitOf(purse, "perPayment");
				const said = await agent.pay(random(), limit + 1n);
				if (said === "paid") return broken("the module paid");
				return /limit/i.test(said.reason)
					? held(`refused: ${said.reason}`)
					: broken(`refused for another reason: ${said.reason}`);
			}),
	},
	{
		name: "approval-used-twice",
		group: "payments",
		tried:
			"The buyer's own agent had one payment approved, and asked for others with that approval: another amount, another contract.",
		reference: "docs/money.md, What waits for the owner",
		run: (target, signal) =>
			injected(target, signal, async (agent, purse) => {
				const amount = (await limitOf(purse, "approvalAbove")) + 1n;
				const [approved, other] = [random(), random()];
				const first = await agent.pay(approved, amount);
				if (first === "paid") return broken("the module paid");
				if (first.code !== "approval-needed")
					return broken(`the owner is not asked: ${first.reason}`);
				const owner = { owner: async () => noSecret() };
				await purse.approve(hex(approved), owner);
				try {
					for (const [contract, sum] of [
						[approved, amount + 1n],
						[other, amount],
					] as const) {
						const said = await agent.pay(contract, sum);
						if (said === "paid") return broken("the module paid");
					}
					const waiting = await purse.approvals();
					const asked = waiting.find(({ contract }) => contract === hex(other));
					return asked?.state === "waiting"
						? held("the other amount was refused, and the other contract waits")
						: broken("the other contract did not wait for the owner");
				} finally {
					for (const one of await purse.approvals())
						if ([hex(approved), hex(other)].includes(one.contract))
							await purse.deny(one.contract, owner);
				}
			}),
	},
];
