/* A town of processes in which requests of HTTP are paid for: an issuer and a buyer that are served, and APIs on stock middlewares, each with an agent of its own. */
import { join } from "node:path";
import {
	type AgentService,
	openAgent,
	type Purchase,
} from "../../../src/device/service/index.ts";
import { creditInSandbox } from "../../../src/device/setup/index.ts";
import type { TetradPaymentsOptions } from "../../../src/http/x402/index.ts";
import { done } from "../../support/commands.ts";
import { portsForLater } from "../../support/ports.ts";
import { Command } from "../../support/processes.ts";
import { RunningSandbox } from "../../support/sandbox.ts";
import { STOCK } from "../../support/stock.ts";

/** What each answer costs there, in minor units. */
export const PRICE = 5n;

/** How long an API may take to say what it has done. Nothing that goes well takes it. */
const PATIENCE_MS = 30_000;

/** Which framework serves an API. */
export type Framework = "express" | "hono";

/** What an API is told of how it is paid for. */
type ApiOptions = Pick<TetradPaymentsOptions, "answerWithinMs" | "origin">;

/** An API that is paid for, and what it has done. */
export interface PaidApi {
	readonly url: string;
	readonly process: Command;
	/** How often a handler ran for that path. */
	ran(path: string): Promise<number>;
	/** How often handlers ran for paths that begin so. */
	ranBelow(path: string): Promise<number>;
	/** Resolves when a handler is held at that path, where Express serves it. */
	isHeld(path: string): Promise<void>;
	/** Lets it go on. */
	release(path: string): Promise<void>;
}

/** It runs until it is disposed of. */
export class PaidTown implements AsyncDisposable {
	readonly agent: AgentService;
	readonly #world: string;
	readonly #open: AsyncDisposableStack;

	private constructor(
		world: string,
		agent: AgentService,
		open: AsyncDisposableStack,
	) {
		this.#world = world;
		this.agent = agent;
		this.#open = open;
	}

	static async make(): Promise<PaidTown> {
		await using open = new AsyncDisposableStack();
		const sandbox = open.use(await RunningSandbox.start());
		await sandbox.liftLimits();
		const buyer = sandbox.side("buyer");
		const served = open.use(new Command(["serve", "--home", buyer, "--json"]));
		await served.expect("settled");
		const agent = open.use(await openAgent(buyer));
		return new PaidTown(sandbox.folder, agent, open.move());
	}

	/** The side of the buyer, for programs of their own. */
	get buyer(): string {
		return join(this.#world, "buyer");
	}

	/** Starts an API on a framework, with a side of its own. */
	async api(framework: Framework, options: ApiOptions = {}): Promise<PaidApi> {
		const home = await this.shop(framework === "hono" ? "hono" : undefined);
		const program = `${STOCK}x402/${framework}-api.ts`;
		const process = this.#open.use(
			new Command([home, JSON.stringify(options)], { program }),
		);
		const { address: url } = await process.expect("listening");
		const ask = async (
			path: string,
		): Promise<Readonly<Record<string, number>>> => {
			const signal = AbortSignal.timeout(PATIENCE_MS);
			const response = await fetch(`${url}${path}`, { signal });
			return JSON.parse(await response.text());
		};
		return {
			url,
			process,
			ran: async (path) => (await ask("/ran"))[path] ?? 0,
			async ranBelow(path) {
				const all = Object.entries(await ask("/ran"));
				const below = all.filter(([name]) => name.startsWith(path));
				return below.reduce((sum, [, times]) => sum + times, 0);
			},
			isHeld: async (path) => void (await ask(`/is-held?path=${path}`)),
			release: async (path) => void (await ask(`/release?path=${path}`)),
		};
	}

	/** A side that sells, with money to give back: that of the sandbox, or a new one of that name. */
	async shop(name?: string): Promise<string> {
		const home =
			name === undefined
				? join(this.#world, "shop")
				: join(this.#world, "..", name);
		if (name !== undefined) {
			const [port] = await portsForLater(1);
			const args = ["--sandbox", this.#world, "--listen", `127.0.0.1:${port}`];
			await done(["setup", "shop", home, ...args, "--price", "1.00"]);
		}
		// A merchant gives back what its purse can pay.
		await creditInSandbox(this.#world, join(home, "module"));
		await done(["purse", "withdraw", "5", "--home", home]);
		return home;
	}

	/** What the buyer can still pay, in minor units. */
	async spendable(): Promise<bigint> {
		const [balance] = await this.agent.balance();
		return balance?.spendable ?? 0n;
	}

	/** What was bought last. */
	async lastPurchase(): Promise<Purchase | undefined> {
		for await (const purchase of this.agent.purchases({ limit: 1 }))
			return purchase;
		return undefined;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#open.disposeAsync();
	}
}
