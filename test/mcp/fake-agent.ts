/* An agent that does what a test says, for what takes too long with real ones, or never happens. */
import type {
	AgentService,
	Approval,
	BuyOptions,
	Purchase,
	Quote,
	QuoteOptions,
} from "../../src/device/service/index.ts";
import { TetradError } from "../../src/errors.ts";
import { AgentDoor } from "../../src/mcp/tools/agent-door.ts";
import {
	WalletTools,
	type WalletToolsOptions,
} from "../../src/mcp/tools/wallet-tools.ts";

const MONEY = { currency: "PLAY", exponent: 2, play: true, issuer: "mint" };

const QUOTE: Quote = {
	...MONEY,
	id: "0a".repeat(16),
	item: "tea",
	kind: "file",
	amount: 420n,
	merchant: "bob",
	merchantId: "b0",
	address: "tcp:127.0.0.1:7000",
	module: "bob-till",
	moduleId: "b1",
	until: "2030-01-01T00:00:00.000Z",
	rail: "own-notes",
	promises: {
		isOffline: true,
		seenBy: "issuer",
		locks: "at-commit",
		finalAt: "commit",
		doubtEnds: "when-asked",
		buyerRisks: [],
		merchantRisks: [],
		merchantRisksWhenAsked: [],
	},
};

export const PURCHASE: Purchase = {
	...MONEY,
	contract: "c0".repeat(32),
	quote: QUOTE.id,
	state: "bought",
	rail: "own-notes",
	time: new Date().toISOString(),
	item: "tea",
	merchant: "bob",
	merchantId: "b0",
	module: "bob-till",
	amount: 420n,
	until: "2030-01-01T00:00:00.000Z",
	path: "/nowhere/tea",
	size: 3,
	receipted: true,
};

/** One purchase that has been asked for. */
export interface Buying extends BuyOptions {
	readonly quote: string;
	readonly over: PromiseWithResolvers<Purchase>;
}

/** It quotes tea, and buys when the test says so. */
export class FakeAgent {
	readonly name = "alice";
	/** All that was asked for, in order. */
	readonly buying: Buying[] = [];
	/** Resolves when something is first bought. */
	readonly asked: PromiseWithResolvers<void> = Promise.withResolvers();
	kept: Purchase[] = [];
	/** What the mint asks for beside each price; nothing where that is not known. */
	fee: bigint | undefined;
	waiting: Pick<Approval, "contract" | "state">[] = [];
	resolved = 0;
	/** What is done when it is asked what became of purchases. */
	resolves: () => Promise<void> = async () => {};
	isGone = false;

	async quote(_: string, item: string, __: QuoteOptions): Promise<Quote> {
		this.#here();
		const number = this.buying.length + 1;
		const id = number.toString(16).padStart(32, "0");
		return { ...QUOTE, item, id, fee: this.fee };
	}

	buy(quote: string, options: BuyOptions): Promise<Purchase> {
		const over = Promise.withResolvers<Purchase>();
		this.buying.push({ ...options, quote, over });
		this.asked.resolve();
		return over.promise;
	}

	async *purchases(): AsyncIterable<Purchase> {
		this.#here();
		yield* this.kept;
	}

	async approvals(): Promise<Pick<Approval, "contract" | "state">[]> {
		return this.waiting;
	}

	async resolve(): Promise<Purchase[]> {
		this.resolved++;
		await this.resolves();
		return [];
	}

	async balance(): Promise<object[]> {
		this.#here();
		const none = { toDeposit: 0n, toBook: 0n, toClaim: 0n, ordered: 0n };
		return [{ ...MONEY, ...none, spendable: 1230n, held: 0n, inDoubt: 0n }];
	}

	async status(): Promise<object> {
		this.#here();
		return {};
	}

	#here(): void {
		if (this.isGone) throw new TetradError("carrier-failed", "it is gone");
	}
}

/** Tools whose door opens these agents, one after another. */
export function toolsOf(
	agents: readonly FakeAgent[],
	options: Partial<WalletToolsOptions> = {},
): WalletTools {
	let opened = 0;
	const door = new AgentDoor(async () => {
		const agent = agents[opened++];
		if (agent === undefined) throw new TetradError("busy", "it is in use");
		return {
			agent: agent as unknown as AgentService,
			async [Symbol.asyncDispose]() {},
		};
	});
	return new WalletTools({
		door,
		home: "/side",
		folder: "/nowhere",
		...options,
	});
}
