/*
 * Worlds that are about bugs which were mended (planted-mended.ts): what each needs comes together
 * seldom in those of any seed. They are drawn by their names alone.
 */
import { buying, drawMints, type MintTheme, many } from "./draw-mints.ts";
import { QUIET_MINTS } from "./mint-plan.ts";
import { DAY, HOUR, MINUTE, SECOND, type Step } from "./plan.ts";

const BUYER = "buyer-0";
const MODULE = `${BUYER}-module`;

export const MENDED_THEMES: Readonly<Record<string, MintTheme>> = {
	/** A mint has new keys for each request that it is asked, for hours, so that it refuses all of them. */
	"ecash-refused"(die) {
		const mints = drawMints(die, {
			...{ count: 1, network: QUIET_MINTS, inputFeePpk: 0 },
		});
		const until = 5 * HOUR;
		const from = MINUTE;
		return {
			mints,
			steps: [
				{
					...{ at: from, kind: "mint-fault", mint: 0 },
					fault: { kind: "keyset-rotated" },
				},
				{ at: until, kind: "mint-clear", mint: 0 },
				{
					...{ at: from + 1, kind: "send-ecash", side: BUYER, mint: 0 },
					...{ amount: die.within(1, 60), afterMs: 0 },
				},
				...buying(die, die.below(2), from, MINUTE),
			],
		};
	},
	/** A purse is put back while its mint pays an invoice with what it has again by that, and asks for all that is its own. */
	"ecash-pending"(die) {
		const mints = drawMints(die, { count: 1, network: QUIET_MINTS });
		const when = 30 * SECOND;
		const until = when + die.within(5, 60) * SECOND;
		return {
			mints,
			steps: [
				{ at: when, kind: "backup", device: MODULE },
				{
					...{ at: when + SECOND, kind: "melt-ecash", side: BUYER, mint: 0 },
					...{ of: "outside", amount: die.within(1, 60), maxFee: 20 },
					...{ tries: [die.chance(0.7)], afterMs: die.pick([MINUTE, HOUR]) },
				},
				{
					...{ at: until, kind: "restore", device: MODULE },
					how: die.pick(["command", "noticed"] as const),
				},
				{
					...{ at: until + die.within(1, 5) * SECOND, kind: "restore-ecash" },
					...{ side: BUYER, mint: 0 },
				},
				...buying(die, die.below(2), until, 2 * HOUR),
			],
		};
	},
	/** An owner puts ecash into a purse that is locked to somebody else, while its mint may not be there. */
	"ecash-of-others"(die) {
		const mints = drawMints(die, { count: 1 });
		return {
			mints,
			steps: [
				...many(
					die.within(1, 2),
					(): Step => ({
						...{ at: MINUTE + die.below(MINUTE), kind: "receive", mint: 0 },
						...{ side: BUYER, amount: die.within(1, 100), isLocked: true },
					}),
				),
				...buying(die, die.below(3), 0, 2 * MINUTE),
				...many(
					die.below(2),
					(): Step => ({
						...{ at: MINUTE + die.below(MINUTE), kind: "mint-down", mint: 0 },
						forMs: die.pick([SECOND, MINUTE]),
					}),
				),
			],
		};
	},
	/** A mint gives a merchant nothing for a lock for a while, in which its buyer is gone and others come. */
	"ecash-others"(die) {
		const mints = drawMints(die, {
			...{ count: 1, sellsFor: ["ecash"], network: QUIET_MINTS },
		});
		const from = MINUTE;
		return {
			...{ mints, buyers: 2 },
			steps: [
				{
					...{ at: from, kind: "mint-fault", mint: 0 },
					fault: { kind: "early-claim-refused", times: die.within(3, 6) },
				},
				...buying(die, die.within(1, 2), from, SECOND),
				{
					...{ at: from + 2 * SECOND, kind: "power" },
					...{ devices: [`${BUYER}-agent`], downMs: HOUR },
				},
				...buying(die, 8, from + 2 * SECOND, MINUTE, { buyers: 2 }),
			],
		};
	},
	/** A module dies while it exchanges notes that expire soon, and is put back to before that without anybody noticing. */
	exchanged(die) {
		const when = 2 * DAY + die.within(8, 20) * HOUR;
		const until = when + MINUTE;
		const visit = (at: number): Step => ({
			...{ at, kind: "settle", side: BUYER, issuer: 0 },
		});
		return {
			noteDays: 3,
			steps: [
				...buying(die, die.below(2), 0, HOUR),
				{ at: when, kind: "backup", device: MODULE },
				{
					...{ at: when, kind: "crash", device: MODULE },
					...{ table: die.pick(["requests", "notes"]) },
					...{ point: die.within(1, 4), downMs: 10 * SECOND },
				},
				visit(when + 1),
				{ at: until, kind: "restore", device: MODULE, how: "unnoticed" },
				...buying(die, die.below(2), until, MINUTE),
				...[1, 20, 60].map((later) => visit(until + later * SECOND)),
			],
		};
	},
};
