/*
 * A program that buys at the agent that runs on its machine, as many things at once as it is told
 * to: one JSON object a line on standard input, and what it was told of each on standard output.
 */
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import {
	type AgentService,
	runningAgent,
} from "../src/device/service/index.ts";
import { asTetradError, TetradError } from "../src/errors.ts";

/** What shall be done: something bought, or gone on with where there is a quote; or all that is in doubt gone on with. */
export interface Errand {
	readonly id: number;
	/** Where the shop answers. */
	readonly address: string;
	readonly buy?: {
		readonly item: string;
		readonly order?: string;
		readonly to: string;
		readonly quote?: string;
	};
}

export type ShopperEvent =
	| { readonly event: "ready" }
	| { readonly event: "quoted"; readonly id: number; readonly quote: string }
	| { readonly event: "done"; readonly id: number }
	| {
			readonly event: "failed";
			readonly id: number;
			readonly code: string;
			readonly reason: string;
	  };

/** In minor units; nothing costs more. */
const MAXIMUM = 100n;

/** So often a price is asked for, and so long it is waited in between, in milliseconds. */
const QUOTE_TRIES = 20;
const QUOTE_PAUSE_MS = 150;

const [home = ""] = process.argv.slice(2);

function say(event: ShopperEvent): void {
	process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function openRunning(): Promise<AgentService> {
	const agent = await runningAgent(home);
	if (agent !== undefined) return agent;
	throw new TetradError("carrier-failed", "the agent does not run");
}

/** Asks until there is an answer, as a program does whose agent or merchant is being started again. */
async function quoted(
	address: string,
	{ item, order }: NonNullable<Errand["buy"]>,
): Promise<string> {
	for (let tries = 1; ; tries++)
		try {
			await using agent = await openRunning();
			return (await agent.quote(address, item, { order })).id;
		} catch (thrown) {
			if (tries === QUOTE_TRIES) throw thrown;
			await pause(QUOTE_PAUSE_MS);
		}
}

async function run({ id, address, buy }: Errand): Promise<void> {
	try {
		const quote = buy && (buy.quote ?? (await quoted(address, buy)));
		await using agent = await openRunning();
		if (buy === undefined || quote === undefined) await agent.resolve();
		else {
			say({ event: "quoted", id, quote });
			await agent.buy(quote, { to: buy.to, maximum: MAXIMUM });
		}
		say({ event: "done", id });
	} catch (thrown) {
		const { code, message: reason } = asTetradError(thrown);
		say({ event: "failed", id, code, reason });
	}
}

createInterface({ input: process.stdin }).on("line", (line) => {
	void run(JSON.parse(line) as Errand);
});
say({ event: "ready" });
