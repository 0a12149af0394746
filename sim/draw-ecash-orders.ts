/* What a seed decides of what owners do with ecash beside purchases. */
import type { InvoiceOf, MintPlan } from "./mint-plan.ts";
import { HOUR, MINUTE, SECOND, type Step } from "./plan.ts";
import type { Stream } from "./random.ts";

/** Somebody whose purse is not in this world. */
const OUTSIDE = "outside";

/** One thing that the owner of one of these sides has done between two times. */
function ordering(
	die: Stream,
	{ count }: Pick<MintPlan, "count">,
	sides: readonly string[],
	at: number,
): Step {
	const side = die.pick(sides);
	const mint = die.below(count);
	const afterMs = die.pick([0, 100, 5 * SECOND, 5 * MINUTE]);
	switch (die.below(10)) {
		case 0:
		case 1:
		case 2: {
			const to = die.pick(["", OUTSIDE, OUTSIDE, ...sides]);
			return {
				...{ at, kind: "send-ecash", side, mint, afterMs },
				amount: die.within(1, 60),
				...(to === "" ? {} : { to, isPart: die.chance(0.3) }),
			};
		}
		case 3:
		case 4:
			return { at, kind: "take-ecash-back", side };
		case 5:
		case 6:
			return {
				...{ at, kind: "mint-ecash", side, mint },
				amount: die.within(1, 60),
				...(die.chance(0.8)
					? { paidAfterMs: die.pick([10, SECOND, MINUTE, 50 * MINUTE]) }
					: {}),
				onItsWayMs: die.pick([0, 0, 0, MINUTE, 20 * HOUR]),
			};
		case 7:
			return die.chance(0.5)
				? { at, kind: "restore-ecash", side, mint }
				: { at, kind: "order-ecash-again", side };
		default:
			return {
				...{ at, kind: "melt-ecash", side, mint, afterMs },
				of: die.pick<InvoiceOf>([
					...(["outside", "outside", "outside"] as const),
					...(["self", "another", "again"] as const),
				]),
				amount: die.within(1, 60),
				maxFee: die.pick([0, 2, 20, 20, 20]),
				tries: die.pick([[true], [true], [false], [false, true]]),
			};
	}
}

/** So many things that owners have done from a time on. */
export function drawEcashOrders(
	die: Stream,
	mints: Pick<MintPlan, "count">,
	{
		sides,
		from,
		span,
		count,
	}: {
		readonly sides: readonly string[];
		readonly from: number;
		readonly span: number;
		readonly count: number;
	},
): readonly Step[] {
	return Array.from({ length: count }, (): readonly Step[] => {
		const at = from + die.below(Math.max(1, span));
		const one = ordering(die, mints, sides, at);
		// What was sent is taken back while whoever got it redeems it, and what was ordered is ordered again.
		const soon = one.at + die.pick([1, 50, SECOND, 5 * SECOND, 5 * MINUTE]);
		if (one.kind === "send-ecash" && die.chance(0.4))
			return [one, { at: soon, kind: "take-ecash-back", side: one.side }];
		if ("side" in one && die.chance(0.15))
			return [one, { at: soon, kind: "order-ecash-again", side: one.side }];
		return [one];
	}).flat();
}
