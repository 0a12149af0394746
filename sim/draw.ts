/*
 * What a seed decides: every other world has a bit of everything (`drawSwarm`), and each of the
 * others is small and about one kind of trouble, so that what seldom happens by chance happens often.
 */
import { LIES, type LiarKind } from "./lies.ts";
import { QUIET } from "./network.ts";
import {
	conditions,
	DAY,
	drawSwarm,
	EVERYBODY,
	HOUR,
	ITEMS,
	inOrder,
	MINUTE,
	type Plan,
	SECOND,
	type Step,
} from "./plan.ts";
import { Stream } from "./random.ts";

/** Of a small world, what is not as in all of them. */
type Theme = (
	die: Stream,
) => Pick<Plan, "steps"> & Partial<Omit<Plan, "seed" | "steps">>;

/** What may go wrong in the world of a seed. */
export function drawPlan(seed: string): Plan {
	const die = new Stream(seed, "theme");
	const plan = die.chance(0.5)
		? drawSwarm(seed)
		: themed(seed, die, die.pick(Object.values(THEMES)));
	return { ...plan, resumes: new Stream(seed, "resumption").chance(0.4) };
}

/** A world about one kind of trouble, whatever its seed is for otherwise. */
export function drawTheme(seed: string, name: string): Plan {
	const theme = THEMES[name];
	if (theme === undefined) throw new Error(`there is no theme called ${name}`);
	return themed(seed, new Stream(seed, "theme"), theme);
}

function themed(seed: string, die: Stream, theme: Theme): Plan {
	const isRough = die.chance(0.3);
	const { steps, ...others } = theme(die);
	return {
		seed,
		buyers: 1,
		merchants: 1,
		issuers: 1,
		notes: [100, 60],
		noteDays: 90,
		graceDays: 7,
		network: isRough ? conditions(die) : QUIET,
		link: isRough ? conditions(die) : QUIET,
		syncMs: die.pick([
			[1, 1],
			[0, 20],
		] as const),
		settleEveryMs: 0,
		standingMs: die.pick([0, 0, 30 * SECOND]),
		steps: inOrder(steps),
		...others,
	};
}

const BUYER = "buyer-0";
const MERCHANT = "merchant-0";

/** Names of all of them: `npm run sim -- --theme NAME`. */
export const THEMES: Readonly<Record<string, Theme>> = {
	/** What was paid is not handed in before it is void: its buyer is away for so long. */
	void(die) {
		const at = die.below(MINUTE);
		const away: Step = {
			at: 0,
			kind: "crash",
			device: `${BUYER}-module`,
			point: die.within(1, 2),
			table: "payments",
			downMs: die.pick([5 * DAY, 5 * DAY, 32 * DAY]),
		};
		const back = at + away.downMs;
		return {
			noteDays: 3,
			graceDays: 1,
			// A merchant that deposits nothing for longer than that loses it.
			settleEveryMs: DAY / 2,
			steps: [
				away,
				...buying(die, 1, at, MINUTE),
				...buying(die, die.below(3), at, back),
				...maybe(die, 0.4, () => crashing(die, back, 2 * MINUTE)),
				...visits(die, back + MINUTE, 5 * MINUTE),
			],
		};
	},
	/** Somebody is on a list, is met again, and is taken off it or certified anew. */
	listed(die) {
		const device = die.pick([
			`${BUYER}-agent`,
			`${BUYER}-module`,
			`${MERCHANT}-agent`,
			`${MERCHANT}-module`,
		]);
		const listed = MINUTE + die.below(MINUTE);
		const until = listed + die.within(2, 10) * MINUTE;
		return {
			buyers: die.within(1, 2),
			steps: [
				...buying(die, 3, 0, listed),
				{ at: listed, kind: "list", device, isHidden: die.chance(0.5) },
				// While they trade.
				...maybe(die, 0.5, () => ({
					at: listed - die.below(60),
					kind: "buy",
					buyer: 0,
					merchant: 0,
					item: die.below(ITEMS),
				})),
				...buying(die, 3, listed, until),
				die.chance(0.5)
					? { at: until, kind: "recertify", device }
					: {
							at: until,
							kind: "unlist",
							role: device.endsWith("agent") ? "agent" : "module",
						},
				...buying(die, 2, until, until + MINUTE),
			],
		};
	},
	/** An issuer with a wrong clock declines what it will book when it is right again. */
	vain(die) {
		const wrong = 2 * MINUTE;
		const right = wrong + die.within(1, 5) * MINUTE;
		const ahead = (at: number, device: string, aheadMs: number): Step => ({
			...{ at, kind: "clock", device, aheadMs },
		});
		return {
			noteDays: die.pick([2, 10]),
			graceDays: 1,
			steps: [
				...paying(die, die.within(1, 4), 0, wrong),
				ahead(
					wrong,
					"issuer-0-module",
					die.pick([20 * DAY, 20 * DAY, -2 * DAY, 40 * DAY]),
				),
				...maybe(die, 0.4, () =>
					ahead(wrong, `${MERCHANT}-module`, die.pick([3 * DAY, 40 * DAY])),
				),
				...paying(die, die.below(3), wrong, right),
				...visits(die, wrong + SECOND, right - wrong),
				ahead(right, "issuer-0-module", 0),
				ahead(right, `${MERCHANT}-module`, 0),
				...visits(die, right, MINUTE),
			],
		};
	},
	/** A purse is put back while a purchase is in doubt, and its agent asks about it. */
	restored(die) {
		const device = die.pick([
			`${BUYER}-module`,
			`${BUYER}-module`,
			`${MERCHANT}-module`,
			`${BUYER}-agent`,
		]);
		const when = die.pick([10, 30]) * SECOND;
		const until = when + die.within(1, 4) * MINUTE;
		return {
			steps: [
				...buying(die, die.below(2), 0, when),
				{ at: when, kind: "backup", device },
				...maybe(die, 0.8, () => ({
					at: when,
					kind: "crash",
					...die.pick([
						{ device: `${BUYER}-module`, table: "payments" },
						{ device: `${MERCHANT}-module`, table: "promises" },
						{ device: `${MERCHANT}-module`, table: "receipts" },
						{ device: `${BUYER}-agent`, table: "purchases" },
					]),
					point: 1,
					downMs: die.pick([SECOND, 10 * MINUTE]),
				})),
				...buying(die, die.within(1, 2), when, until),
				...maybe(die, 0.5, () => ({
					at: until - 1,
					kind: "crash",
					device: `${BUYER}-agent`,
					point: 1,
					downMs: 10,
				})),
				{
					at: until,
					kind: "restore",
					device,
					how: die.pick(["command", "noticed", "unnoticed"]),
				},
				...[1, 1000].map(
					(later): Step => ({
						at: until + later,
						kind: "resume",
						buyer: 0,
						merchant: 0,
					}),
				),
				...buying(die, die.below(3), until, until + MINUTE),
				...visits(die, until, 2 * MINUTE),
			],
		};
	},
	/** A ledger is put back, alone or along with everybody, and those who traded meanwhile come to it. */
	ledger(die) {
		const device = die.pick(["issuer-0-module", EVERYBODY]);
		const when = die.below(MINUTE);
		const until = when + die.within(1, 4) * MINUTE;
		return {
			buyers: die.within(1, 2),
			steps: [
				...buying(die, die.below(3), 0, when),
				{ at: when, kind: "backup", device },
				...buying(die, die.within(1, 4), when, until),
				...paying(die, die.below(3), when, until),
				...visits(die, when, until - when),
				...maybe(die, 0.5, () => crashing(die, when, until - when)),
				{ at: until, kind: "restore", device, how: "command" },
				...visits(die, until, MINUTE),
				...buying(die, die.below(3), until, until + MINUTE),
				...visits(die, until, 2 * MINUTE),
			],
		};
	},
	/** An agent is another device from then on, paired with the same module, which has something in doubt. */
	replaced(die) {
		const device = die.pick([
			`${BUYER}-agent`,
			`${BUYER}-agent`,
			`${MERCHANT}-agent`,
		]);
		const when = die.within(1, 30) * SECOND;
		return {
			steps: [
				...buying(die, die.within(1, 3), 0, when),
				...paying(die, die.below(2), 0, when),
				...maybe(die, 0.7, () => crashing(die, 0, when)),
				{ at: when, kind: "replace", device },
				...maybe(die, 0.3, () => ({
					at: when + die.below(5 * SECOND),
					kind: "pair",
					side: device.replace("-agent", ""),
				})),
				...buying(die, die.below(3), when, when + MINUTE),
				...visits(die, when, MINUTE),
			],
		};
	},
	/** Bits of a disk change, or its pages are damaged, while something is in doubt. */
	rotten(die) {
		const device = die.pick([
			`${BUYER}-agent`,
			`${BUYER}-module`,
			`${BUYER}-module`,
			`${MERCHANT}-agent`,
			`${MERCHANT}-module`,
			`${MERCHANT}-module`,
			"issuer-0-module",
		]);
		const when = die.within(1, 30) * SECOND;
		return {
			steps: [
				...buying(die, die.within(1, 3), 0, when),
				...paying(die, die.below(2), 0, when),
				...maybe(die, 0.7, () => crashing(die, 0, when)),
				...(die.chance(0.3)
					? [
							{ at: die.below(when), kind: "backup", device } as const,
							{ at: when, kind: "damage", device } as const,
						]
					: many(
							die.within(1, 3),
							(): Step => ({ at: when, kind: "rot", device }),
						)),
				...buying(die, die.below(3), when, when + MINUTE),
				...visits(die, when, MINUTE),
			],
		};
	},
	/** Devices die when something is durable of which nobody has heard yet. */
	killed(die) {
		const span = die.pick([MINUTE, 10 * MINUTE]);
		return {
			buyers: die.within(1, 2),
			steps: [
				...buying(die, die.within(2, 5), 0, span),
				...paying(die, die.below(3), 0, span),
				...many(die.within(1, 4), () => crashing(die, 0, span)),
				...visits(die, 0, span),
			],
		};
	},
	"lying-buyer-agent": (die) => lying(die, "buyer-agent"),
	"lying-buyer-module": (die) => lying(die, "buyer-module"),
	"lying-merchant-agent": (die) => lying(die, "merchant-agent"),
	"lying-merchant-module": (die) => lying(die, "merchant-module"),
	/** An owner has a second copy of its purse, and pays with both. */
	copied(die) {
		const span = 2 * MINUTE;
		const when = die.below(MINUTE);
		return {
			buyers: 2,
			merchants: 2,
			steps: [
				{
					at: 0,
					kind: "lie",
					device: `${BUYER}-module`,
					lie: "a second copy",
				},
				{ at: when, kind: "backup", device: BUYER },
				...anybody(die, buying(die, die.within(2, 5), 0, span)),
				...anybody(die, paying(die, die.within(2, 5), when, span)),
				{ at: span, kind: "restore", device: BUYER, how: "unnoticed" },
				...anybody(die, buying(die, die.within(1, 4), span, 2 * span)),
				...anybody(die, paying(die, die.within(2, 5), span, 2 * span)),
				...visits(die, span, 2 * span),
			],
		};
	},
	/** The owner has limits, and many buy at once. */
	limited(die) {
		const span = 2 * MINUTE;
		const issuers = [0];
		return {
			notes: [200, 200],
			merchants: die.within(1, 2),
			steps: [
				...issuers.map(
					(): Step => ({
						at: 0,
						kind: "limit",
						side: BUYER,
						perPayment: die.within(5, 60),
						perDay: die.within(5, 90),
					}),
				),
				...buying(die, die.within(3, 8), 0, die.pick([SECOND, span])),
				...paying(die, die.within(1, 4), 0, span),
				...maybe(die, 0.5, () => ({
					at: die.below(span),
					kind: "limit",
					side: BUYER,
					perPayment: die.within(0, 60),
					perDay: die.within(0, 90),
				})),
				...maybe(die, 0.5, () => crashing(die, 0, span)),
			],
		};
	},
	/** Notes have expired, and whoever holds them has a clock that says otherwise. */
	expired(die) {
		const late = die.pick([4, 5, 8]) * DAY;
		return {
			noteDays: 3,
			graceDays: die.pick([1, 7]),
			settleEveryMs: 0,
			steps: [
				...(["agent", "module"] as const).map(
					(role): Step => ({
						at: MINUTE,
						kind: "clock",
						device: `${BUYER}-${role}`,
						aheadMs: -late,
					}),
				),
				...buying(die, die.within(1, 3), late, late + HOUR),
				...paying(die, die.within(1, 3), late, late + HOUR),
				...visits(die, late, 2 * HOUR),
			],
		};
	},
	/** Clocks are wrong by far, at one party, and jump while it trades. */
	clocks(die) {
		const span = 3 * HOUR;
		const device = die.pick([BUYER, MERCHANT]);
		return {
			noteDays: die.pick([2, 10]),
			graceDays: die.pick([1, 7]),
			steps: [
				...buying(die, die.within(2, 5), 0, span),
				...paying(die, die.within(1, 4), 0, span),
				...visits(die, 0, span),
				...many(die.within(1, 3), () => ({
					at: die.below(span),
					kind: "clock",
					device: `${device}-${die.pick(["agent", "module"])}`,
					aheadMs:
						die.pick([-1, 1]) *
						die.pick([20 * MINUTE, 3 * HOUR, 2 * DAY, 20 * DAY]),
				})),
			],
		};
	},
};

/** One device lies, now in this way and now in that. */
function lying(die: Stream, by: LiarKind): ReturnType<Theme> {
	const lies = Object.keys(LIES).filter((lie) => LIES[lie]?.by === by);
	const device = by.replace("-", "-0-");
	const count = die.within(1, 4);
	const each = MINUTE;
	return {
		buyers: die.within(1, 2),
		merchants: die.within(1, 2),
		issuers: die.pick([1, 1, 2]),
		steps: Array.from({ length: count }, (_, at): readonly Step[] => {
			const [from, until] = [at * each, (at + 1) * each];
			return [
				{ at: from, kind: "lie", device, lie: die.pick(lies) },
				...anybody(die, buying(die, die.within(1, 3), from, until)),
				...anybody(die, paying(die, die.within(1, 2), from, until)),
				...maybe(die, 0.1, () => crashing(die, from, each)),
			];
		})
			.flat()
			.concat(visits(die, 0, count * each)),
	};
}

function many(count: number, step: () => Step): Step[] {
	return Array.from({ length: count }, step);
}

function maybe(die: Stream, probability: number, step: () => Step): Step[] {
	return die.chance(probability) ? [step()] : [];
}

function between(die: Stream, from: number, until: number): number {
	return from + die.below(Math.max(1, until - from));
}

function buying(
	die: Stream,
	count: number,
	from: number,
	until: number,
): Step[] {
	return many(count, () => ({
		at: between(die, from, until),
		kind: "buy",
		buyer: 0,
		merchant: 0,
		item: die.below(ITEMS),
	}));
}

function paying(
	die: Stream,
	count: number,
	from: number,
	until: number,
): Step[] {
	return many(count, () => ({
		at: between(die, from, until),
		kind: "pay",
		buyer: 0,
		merchant: 0,
		issuer: 0,
		amount: die.within(1, 40),
	}));
}

/** Not always of the same merchant. */
function anybody(die: Stream, steps: readonly Step[]): Step[] {
	return steps.map((step) =>
		step.kind === "buy" || step.kind === "pay"
			? {
					...step,
					buyer: die.pick([0, 0, 1]),
					merchant: die.pick([0, 0, 1]),
				}
			: step,
	);
}

/** Both sides meet the issuer. */
function visits(die: Stream, from: number, span: number): Step[] {
	return [BUYER, MERCHANT, BUYER].map((side) => ({
		at: between(die, from, from + span),
		kind: "settle",
		side,
		issuer: 0,
	}));
}

/** What the devices of each kind write that others rely on. */
const WRITTEN: readonly (readonly [device: string, table: string])[] = [
	[`${BUYER}-agent`, "purchases"],
	[`${BUYER}-agent`, "witnessed"],
	[`${BUYER}-module`, "payments"],
	[`${BUYER}-module`, "requests"],
	[`${BUYER}-module`, "notes"],
	[`${BUYER}-module`, "aborted"],
	[`${MERCHANT}-agent`, "sales"],
	[`${MERCHANT}-module`, "receipts"],
	[`${MERCHANT}-module`, "promises"],
	[`${MERCHANT}-module`, "requests"],
	["issuer-0-module", "answers"],
	["issuer-0-module", "transfers"],
	["issuer-0-module", "sales"],
];

function crashing(die: Stream, from: number, span: number): Step {
	const [device, table] = die.pick(WRITTEN);
	return {
		at: between(die, from, from + span),
		kind: "crash",
		device,
		table,
		point: die.within(1, 3),
		downMs: die.pick([10, 500, 5 * SECOND, MINUTE]),
	};
}
