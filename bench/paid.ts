import { RunningSandbox } from "../test/support/sandbox.ts";
import {
	type BenchOptions,
	type BenchResult,
	median,
	medianRatio,
	round,
} from "./measure.ts";
import { installStock } from "./stock.ts";
import { TurnTaker } from "./turn-taker.ts";

/** Of an answer. */
const BYTES = 4096;

/** Rounds before the first that counts. */
const WARM_UP = 2;

/** Whose turn it is, with what. */
const CONTESTANTS = {
	unpaid: ["purchase", "unpaid"],
	paid: ["purchase", "paid"],
	unpaidCall: ["purchase", "unpaid call"],
	paidCall: ["purchase", "paid call"],
	purchase: ["purchase", "purchase"],
	exact: ["exact", "paid"],
	paidCold: ["purchase", "paid cold"],
	paidCallCold: ["purchase", "paid call cold"],
	purchaseCold: ["purchase", "purchase cold"],
} as const satisfies Record<
	string,
	readonly ["purchase" | "exact", turn: string]
>;

type Contestant = keyof typeof CONTESTANTS;

const COLD = ["paidCold", "paidCallCold", "purchaseCold"] as const;
const STANDING = [
	...["unpaid", "paid", "unpaidCall", "paidCall"],
	...["purchase", "exact"],
] as const;

/** Turns of each in a round. */
const TURNS = { cold: 2, standing: 5 } as const;

/** Of each round, the median in milliseconds. */
type Taken = Readonly<Record<Contestant, number>>[];

/** Requests and calls of tools that are paid for, beside the same unpaid, the purchase that each contains, and stock x402. */
export async function benchPaid({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	installStock();
	await using sandbox = await RunningSandbox.start();
	await sandbox.liftLimits();
	const bytes = String(BYTES);
	await using purchase = await TurnTaker.start(
		...["x402/purchase-turns.ts", bytes, sandbox.folder],
	);
	await using exact = await TurnTaker.start("x402/exact-turns.ts", bytes);
	const takers = { purchase, exact };
	const take = (name: Contestant) => {
		const [taker, turn] = CONTESTANTS[name];
		return takers[taker].take(turn);
	};
	const taken: Taken = [];
	for (let i = -WARM_UP; i < rounds; i++) {
		const cold = await inTurns(take, COLD, TURNS.cold);
		// The first after a cold one stands in no tetrad yet.
		await inTurns(take, STANDING, 1);
		const standing = await inTurns(take, STANDING, TURNS.standing);
		const all = { ...cold, ...standing };
		if (i >= 0) taken.push(all);
		const said = (name: Contestant) => `${round(all[name], 1)} ms`;
		tell(
			`${i < 0 ? "warming up" : `round ${i + 1} of ${rounds}`}: paid ${said("paid")}, a call ${said("paidCall")}, the purchase ${said("purchase")}, unpaid ${said("unpaid")}, x402 exact ${said("exact")}`,
		);
	}
	return resultOf(taken);
}

/** One after another, so often, so that a machine whose speed drifts does not decide. */
async function inTurns<Name extends Contestant>(
	take: (name: Name) => Promise<number>,
	names: readonly Name[],
	times: number,
): Promise<Record<Name, number>> {
	const all: [Name, number][] = [];
	for (let at = 0; at < times; at++)
		for (const name of names) all.push([name, await take(name)]);
	const of = (name: Name) =>
		all.flatMap(([taker, ms]) => (taker === name ? [ms] : []));
	return Object.fromEntries(
		names.map((name) => [name, median(of(name))]),
	) as Record<Name, number>;
}

function resultOf(taken: Taken): BenchResult {
	const of = (name: Contestant) => taken.map((each) => each[name]);
	const ms = (name: Contestant) => round(median(of(name)), 1);
	const ratio = (one: Contestant, other: Contestant) =>
		round(medianRatio(of(one), of(other)), 2);
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
