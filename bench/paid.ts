import { RunningSandbox } from "../test/support/sandbox.ts";
import {
	type BenchOptions,
	type BenchResult,
	clearTheTable,
	median,
	medianRatio,
	round,
} from "./measure.ts";
import { installStock } from "./stock.ts";
import { TurnTaker } from "./turn-taker.ts";

/** Of an answer. */
const BYTES = 4096;

/** Rounds before the first that counts. */
const WARM_UP = 3;

/** Whose turn it is in each round, with what, and how often one after another. */
const CONTESTANTS = {
	unpaid: ["purchase", "unpaid", 5],
	paid: ["purchase", "paid", 5],
	unpaidCall: ["purchase", "unpaid call", 5],
	paidCall: ["purchase", "paid call", 5],
	purchase: ["purchase", "purchase", 5],
	paidCold: ["purchase", "paid cold", 2],
	paidCallCold: ["purchase", "paid call cold", 2],
	purchaseCold: ["purchase", "purchase cold", 2],
	exact: ["exact", "paid", 5],
} as const satisfies Record<
	string,
	readonly ["purchase" | "exact", turn: string, times: number]
>;

type Contestant = keyof typeof CONTESTANTS;

/** Of each round, the median in milliseconds. */
type Taken = Readonly<Record<Contestant, number[]>>;

const NAMES = Object.keys(CONTESTANTS) as readonly Contestant[];

/** Requests and calls of tools that are paid for, beside the same unpaid, the purchase that each contains, and stock x402. */
export async function benchPaid({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	installStock();
	await using sandbox = await RunningSandbox.start();
	const bytes = String(BYTES);
	await using purchase = await TurnTaker.start(
		...["x402/purchase-turns.ts", bytes, sandbox.folder],
	);
	await using exact = await TurnTaker.start("x402/exact-turns.ts", bytes);
	const takers = { purchase, exact };
	const taken = Object.fromEntries(
		NAMES.map((name): [string, number[]] => [name, []]),
	) as Record<Contestant, number[]>;
	for (let i = -WARM_UP; i < rounds; i++) {
		for (const name of NAMES) {
			const [taker, turn, times] = CONTESTANTS[name];
			clearTheTable();
			const all: number[] = [];
			for (let at = 0; at < times; at++)
				all.push(await takers[taker].take(turn));
			if (i >= 0) taken[name].push(median(all));
		}
		const last = (name: Contestant) =>
			`${round(taken[name].at(-1) ?? Number.NaN, 1)} ms`;
		tell(
			i < 0
				? `warming up, ${-i} rounds to go`
				: `round ${i + 1} of ${rounds}: paid ${last("paid")}, a call ${last("paidCall")}, the purchase ${last("purchase")}, unpaid ${last("unpaid")}, x402 exact ${last("exact")}`,
		);
	}
	return resultOf(taken);
}

function resultOf(taken: Taken): BenchResult {
	const ms = (name: Contestant) => round(median(taken[name]), 1);
	const ratio = (of: Contestant, to: Contestant) =>
		round(medianRatio(taken[of], taken[to]), 2);
	const against = (paid: Contestant, purchase: Contestant) => ({
		ms: ms(paid),
		purchase_ms: ms(purchase),
		vs_purchase: ratio(paid, purchase),
	});
	const request = {
		unpaid_ms: ms("unpaid"),
		standing: against("paid", "purchase"),
		cold: against("paidCold", "purchaseCold"),
		x402_exact_ms: ms("exact"),
		vs_x402_exact: ratio("paid", "exact"),
	};
	const call = {
		unpaid_ms: ms("unpaidCall"),
		standing: against("paidCall", "purchase"),
		cold: against("paidCallCold", "purchaseCold"),
	};
	const lines = (what: string, { standing, cold }: typeof call) =>
		[
			["in a tetrad that stands", standing] as const,
			["cold", cold] as const,
		].map(
			([how, of]) =>
				`  ${what}, ${how}: ${of.ms} ms, the purchase that it contains ${of.purchase_ms} ms: ${of.vs_purchase} times that`,
		);
	return {
		report: { answer_bytes: BYTES, request, call },
		lines: [
			`Paid for ${BYTES} bytes, both modules and the issuer in processes of their own:`,
			...lines("a request over HTTP", request),
			...lines("a call of a tool over MCP", call),
			`  the same request paid by stock x402 exact, on a chain in memory: ${request.x402_exact_ms} ms; ours takes ${request.vs_x402_exact} times that`,
			`Unpaid, the request takes ${request.unpaid_ms} ms, and the call ${call.unpaid_ms} ms`,
		],
	};
}
