/*
 * What a seed decides: every other world has a bit of everything (`drawSwarm`), and each of the
 * others is small and about one kind of trouble, so that what seldom happens by chance happens often.
 */
import { MENDED_THEMES } from "./draw-mended.ts";
import { MINT_THEMES, withEcashOrders, withMints } from "./draw-mints.ts";
import { LIES, type LiarKind } from "./lies.ts";
import { LOCK_LIES } from "./lock-lies.ts";
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
	const owners = new Stream(seed, "owners of ecash");
	const plan = die.chance(0.5)
		? withEcashOrders(
				withMints(drawSwarm(seed), new Stream(seed, "mints")),
				owners,
			)
		: themed(seed, die, drawnTheme(die, owners));
	return { ...plan, resumes: new Stream(seed, "resumption").chance(0.4) };
}

const LATER: readonly string[] = [
	"ecash-orders",
	"void-after",
	"ecash-approved",
	"vain-late",
];

/** Ledgers are put back in worlds of many seeds; those of that theme are for that alone. What a mended bug needs is met in others, too, and seldom. */
const ONLY_BY_NAME: readonly string[] = [
	"forgotten",
	...Object.keys(MENDED_THEMES),
];

/** What came later is drawn by itself, so that the worlds of most seeds are what they were before. */
function drawnTheme(die: Stream, later: Stream): Theme {
	const names = Object.keys(THEMES).filter(
		(name) => !LATER.includes(name) && !ONLY_BY_NAME.includes(name),
	);
	const name = die.pick(names);
	const theme = THEMES[later.chance(0.07) ? later.pick(LATER) : name];
	if (theme === undefined) throw new Error(`there is no theme ${name}`);
	return theme;
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
	...MINT_THEMES,
	...MENDED_THEMES,
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
	/** A ledger is put back, and has forgotten notes that were made since: some are paid with, some are exchanged, and some expire. */
	forgotten(die) {
		const device = "issuer-0-module";
		const until = die.pick([MINUTE, DAY, 2 * DAY, 5 * DAY]);
		const later = until + die.pick([0, MINUTE, DAY]);
		const side = die.pick([BUYER, BUYER, MERCHANT]);
		return {
			noteDays: 3,
			graceDays: 1,
			settleEveryMs: die.pick([0, DAY / 2]),
			steps: [
				{ at: 0, kind: "backup", device },
				...visits(die, 0, 10 * SECOND),
				...many(die.within(1, 3), () => ({
					...{ at: between(die, 0, MINUTE / 2), kind: "withdraw", side },
					...{ issuer: 0, amount: die.within(5, 60) },
				})),
				...visits(die, MINUTE / 2, MINUTE / 2),
				...buying(die, die.below(3), MINUTE / 2, until),
				...paying(die, die.below(3), MINUTE / 2, until),
				...maybe(die, 0.5, () => crashing(die, MINUTE / 2, until)),
				{ at: until, kind: "restore", device, how: "noticed" },
				...visits(die, until, MINUTE),
				...buying(die, die.below(3), until, later + MINUTE),
				...maybe(die, 0.3, () => crashing(die, until, later + MINUTE)),
				...visits(die, later, MINUTE),
			],
		};
	},
	/** What paid for goods that were opened is void, since their merchant is away for longer than that lives; nothing else goes wrong. */
	"void-after"(die) {
		const at = die.below(MINUTE);
		const [away, back] = [6 * DAY, 7 * DAY];
		const devices = [`${MERCHANT}-agent`, `${MERCHANT}-module`];
		return {
			noteDays: 3,
			graceDays: 1,
			settleEveryMs: 0,
			merchantsLose: true,
			...{ network: QUIET, link: QUIET },
			steps: [
				{
					...{ at: 0, kind: "crash", device: `${BUYER}-agent` },
					...{ table: "purchases", point: die.within(1, 3), downMs: away },
				},
				...buying(die, die.within(1, 3), at, at + SECOND),
				{ at: at + 3 * SECOND, kind: "power", devices, downMs: back },
				...visits(die, at + away + MINUTE, 5 * MINUTE),
				...visits(die, at + back + MINUTE, 5 * MINUTE),
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
	/** The same between the expiry of what was paid and the end of the grace, over which the world then goes. */
	"vain-late"(die) {
		const days = 2;
		const wrong = days * DAY + die.within(1, 8) * HOUR;
		const right = wrong + die.within(2, 8) * HOUR;
		const ahead = (at: number, aheadMs: number): Step => ({
			...{ at, kind: "clock", device: "issuer-0-module", aheadMs },
		});
		return {
			...{ noteDays: days, graceDays: 1, settleEveryMs: 0 },
			steps: [
				...paying(die, die.within(1, 4), 0, MINUTE),
				ahead(wrong, die.pick([20, 40]) * DAY),
				...visits(die, wrong + SECOND, HOUR),
				ahead(right, 0),
				...visits(die, right + SECOND, HOUR),
				...visits(die, (days + 2) * DAY, HOUR),
			],
		};
	},
	/** A purse is put back, and its agent sometimes, while a purchase is in doubt, and is met when all that it had has expired. */
	"restored-late"(die) {
		const device = die.pick([`${BUYER}-module`, `${BUYER}-module`, BUYER]);
		const when = 10 * SECOND;
		const until = when + MINUTE;
		const [expired, later] = [5 * DAY, 5 * DAY + 10 * MINUTE];
		return {
			...{ noteDays: 3, graceDays: 1, settleEveryMs: 0 },
			steps: [
				{ at: when, kind: "backup", device },
				{
					...({ at: when, kind: "crash" } as const),
					...die.pick([
						{ device: `${BUYER}-module`, table: "payments" },
						{ device: `${MERCHANT}-module`, table: "receipts" },
						{ device: `${BUYER}-agent`, table: "purchases" },
					]),
					...{ point: die.within(1, 2), downMs: die.pick([10, SECOND]) },
				},
				...buying(die, die.within(1, 3), when, until),
				{ at: until, kind: "restore", how: "command", device },
				...buying(die, die.below(3), until, until + MINUTE),
				...visits(die, until + SECOND, MINUTE),
				...visits(die, expired, MINUTE),
				...visits(die, expired + 2 * MINUTE, MINUTE),
				...many(
					die.within(1, 2),
					(): Step => ({
						...{ at: between(die, expired, later), kind: "resume" },
						...{ buyer: 0, merchant: 0 },
					}),
				),
				...maybe(die, 0.3, () => crashing(die, expired, later - expired)),
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
				// Under a new key all notes are exchanged, so that each is looked for where it stands.
				...maybe(
					die,
					0.3,
					(): Step => ({ at: when + SECOND, kind: "recertify", device }),
				),
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
	/** Payments wait for their owner, who says yes, no, or something else, too early, too late, or twice. */
	approved(die) {
		const span = die.pick([30 * SECOND, 2 * MINUTE]);
		const names = ["one", "two", "three"];
		const named = (count: number, from: number, until: number): Step[] =>
			paying(die, count, from, until).map((step) => ({
				...step,
				...{ name: die.pick(names), amount: 30 },
				// Asked for with anything else it is not what the owner was asked about.
				...(die.chance(0.15) ? { amount: 29 } : {}),
			}));
		return {
			notes: [300, 200],
			merchants: die.within(1, 2),
			steps: [
				...maybe(die, 0.8, () => ({
					at: 0,
					kind: "limit",
					side: BUYER,
					...{ perPayment: 60, perDay: die.pick([60, 100_000]) },
					...(die.chance(0.8) ? { approvalAbove: die.within(0, 25) } : {}),
					...(die.chance(0.4) ? { approveNewMerchants: true } : {}),
				})),
				...anybody(die, buying(die, die.within(1, 5), 0, span)).map((step) => ({
					...step,
					...(die.chance(0.5) ? { askOwner: true } : {}),
				})),
				...named(die.within(1, 4), 0, span),
				...saying(die, die.within(2, 8), SECOND, span, names),
				...named(die.within(1, 4), span, 2 * span),
				...saying(die, die.below(4), span, 2 * span, names),
				...named(die.within(0, 2), 2 * span, 3 * span),
				...maybe(die, 0.4, () => crashing(die, 0, 2 * span)),
				...maybe(die, 0.2, () => ({
					...{ at: die.below(span), kind: "crash", downMs: 500 },
					...{ device: `${BUYER}-module`, table: "approvals" },
					point: die.within(1, 3),
				})),
				...maybe(die, 0.3, () => ({
					at: die.below(2 * span),
					kind: "limit",
					side: BUYER,
					...{ perPayment: 60, perDay: 100_000 },
					...(die.chance(0.5) ? { approvalAbove: die.within(0, 40) } : {}),
				})),
				...visits(die, span, 2 * span),
			],
		};
	},
	/** The owner takes an approval back while the payment is on its way. */
	denied(die) {
		return {
			...{ network: QUIET, link: QUIET, syncMs: [0, 20] },
			steps: [
				{
					...({ at: 0, kind: "limit", side: BUYER } as const),
					...{ perPayment: 60, perDay: 100_000, approvalAbove: 10 },
				},
				...["one", "two", "three", "four"].flatMap((name, at) =>
					deniedOnTheWay(die, name, (at + 1) * 10 * SECOND),
				),
			],
		};
	},
	/** Things are made on order, paid or left, while something dies or is gone. */
	ordered(die) {
		const span = die.pick([30 * SECOND, 3 * MINUTE]);
		return {
			buyers: die.within(1, 2),
			merchants: die.within(1, 2),
			steps: [
				...ordering(die, die.within(2, 8), 0, span),
				...buying(die, die.below(2), 0, span),
				...many(die.below(4), () => crashing(die, 0, span)),
				...maybe(die, 0.4, () => ({
					...{ at: die.below(span), kind: "crash" as const },
					device: `${MERCHANT}-agent`,
					...{ table: "made", point: die.within(1, 4), downMs: 500 },
				})),
				...maybe(die, 0.2, () => ({
					...{ at: die.below(span), kind: "rot", device: `${BUYER}-agent` },
				})),
				...maybe(die, 0.15, () => ({
					...{ at: span, kind: "replace", device: `${BUYER}-agent` },
				})),
				...ordering(die, die.below(4), span, 2 * span),
				...visits(die, span, span),
			],
		};
	},
	/** What was sold is given back: in parts, again and again, more than there is, and while something dies. */
	refunded(die) {
		const sold = MINUTE;
		const span = 2 * MINUTE;
		const until = sold + span;
		const side = MERCHANT;
		const refund = (): Step => ({
			...{ at: between(die, sold + 5 * SECOND, until), kind: "refund" },
			...{ merchant: 0, buyer: 0, quarters: die.pick([1, 1, 2, 3, 4, 4, 5]) },
			...(die.chance(0.3) ? { isOwed: true } : {}),
		});
		return {
			...{ notes: [300, 200], buyers: die.within(1, 2) },
			steps: [
				...buying(die, die.within(1, 4), 0, sold / 2),
				...ordering(die, die.below(2), 0, sold / 2),
				{ at: sold, kind: "settle", side, issuer: 0 },
				{
					...({
						at: sold + SECOND,
						kind: "withdraw",
						side,
						issuer: 0,
					} as const),
					amount: die.within(5, 60),
				},
				{ at: sold + 2 * SECOND, kind: "settle", side, issuer: 0 },
				...many(die.within(2, 8), refund),
				...many(
					die.below(3),
					(): Step => ({
						...{ at: between(die, sold, until), kind: "fetch-refund" },
						...{ buyer: 0, merchant: 0 },
					}),
				),
				...maybe(die, 0.5, () => crashing(die, sold, span)),
				...maybe(die, 0.4, () => ({
					...{ at: between(die, sold, until), kind: "crash" as const },
					...die.pick([
						{ device: `${MERCHANT}-agent`, table: "refunds" },
						{ device: `${BUYER}-agent`, table: "refunds" },
						{ device: `${MERCHANT}-module`, table: "payments" },
						{ device: `${BUYER}-module`, table: "receipts" },
					]),
					...{ point: die.within(1, 2), downMs: die.pick([10, 5 * SECOND]) },
				})),
				...maybe(die, 0.2, () => ({
					at: between(die, sold, until),
					kind: "backup",
					device: `${MERCHANT}-agent`,
				})),
				...maybe(die, 0.2, () => ({
					...{ at: between(die, sold, until), kind: "restore" },
					...{ device: `${MERCHANT}-agent`, how: "noticed" },
				})),
				...maybe(die, 0.1, () => ({
					at: between(die, sold, until),
					kind: "replace",
					device: `${BUYER}-agent`,
				})),
				...buying(die, die.below(2), sold, until),
				...visits(die, sold, span),
			],
		};
	},
	/** What is committed is delivered when the time to pay is over, and is booked first then. */
	late(die) {
		const away = die.pick([2, 5, 26]) * HOUR;
		return {
			steps: [
				{
					...({ at: 0, kind: "crash", device: `${BUYER}-module` } as const),
					...{ table: "payments", point: die.within(1, 2), downMs: away },
				},
				...paying(die, die.within(1, 3), 0, MINUTE),
				...buying(die, die.below(3), 0, MINUTE),
				...many(
					die.within(1, 3),
					(): Step => ({
						...{ at: away + die.below(2 * MINUTE), kind: "resume" },
						...{ buyer: 0, merchant: 0 },
					}),
				),
				...maybe(die, 0.3, () => crashing(die, away, 2 * MINUTE)),
				...visits(die, away, 3 * MINUTE),
			],
		};
	},
	/** Disks are full at the moment at which something of a payment is to be kept. */
	full(die) {
		return {
			...{ network: QUIET, link: QUIET },
			steps: ["one", "two", "three", "four"].flatMap((name, at): Step[] => {
				const when = (at + 1) * 10 * SECOND;
				const device = die.pick([
					`${BUYER}-module`,
					`${BUYER}-module`,
					`${BUYER}-agent`,
					`${MERCHANT}-module`,
					`${MERCHANT}-agent`,
				]);
				return [
					die.chance(0.5)
						? {
								...{ at: when, kind: "pay", buyer: 0, merchant: 0, issuer: 0 },
								...{ amount: die.within(1, 20), name },
							}
						: {
								...{ at: when, kind: "buy", buyer: 0, merchant: 0 },
								item: die.below(ITEMS),
							},
					{
						...{ at: when + die.within(10, 120), kind: "full", device },
						forMs: die.pick([5, 20, 500, 5 * SECOND]),
					},
				];
			}),
		};
	},
	/** A module has a new key when notes come that are made out to the one before. */
	renewed(die) {
		const side = die.pick([BUYER, MERCHANT]);
		const device = `${side}-module`;
		return {
			...{ network: QUIET, link: QUIET, syncMs: [0, 20] },
			steps: [
				...buying(die, die.within(1, 3), 0, 10 * SECOND),
				{ at: 15 * SECOND, kind: "settle", side: MERCHANT, issuer: 0 },
				...[2, 4, 6].flatMap((at): Step[] => {
					const when = at * 10 * SECOND;
					return [
						{
							...{ at: when, kind: "withdraw", side, issuer: 0 },
							amount: die.within(1, 15),
						},
						{ at: when + SECOND, kind: "settle", side, issuer: 0 },
						{
							...{ at: when + SECOND + die.within(10, 70), kind: "power" },
							...{ devices: [device], downMs: 300 },
						},
						{ at: when + 2 * SECOND, kind: "recertify", device },
						{ at: when + 3 * SECOND, kind: "settle", side, issuer: 0 },
					];
				}),
				...buying(die, die.below(3), 70 * SECOND, 80 * SECOND),
				...visits(die, 80 * SECOND, 20 * SECOND),
			],
		};
	},
	/** A witness makes up a head, or is right, and the owner has the purse pay all the same. */
	overridden(die) {
		const span = 2 * MINUTE;
		const device = `${BUYER}-module`;
		const putBack: Step = {
			...{ at: MINUTE, kind: "restore", device },
			how: die.pick(["command", "noticed", "unnoticed"]),
		};
		const isMadeUp = die.chance(0.6);
		const by = die.pick([`${BUYER}-agent`, "issuer-0-module"]);
		const override = (at: number): Step => ({
			...{ at, kind: "override", side: BUYER, isOther: die.chance(0.25) },
		});
		return {
			steps: [
				...buying(die, die.below(3), 0, MINUTE),
				...(isMadeUp
					? [
							{
								...({ at: MINUTE, kind: "lie", device: by } as const),
								lie: by.endsWith("agent")
									? "a head that never was"
									: "heads that never were",
							},
						]
					: [
							{ at: die.below(MINUTE), kind: "backup", device } as const,
							putBack,
						]),
				...visits(die, MINUTE, span),
				...buying(die, die.within(1, 3), MINUTE, 2 * span),
				...paying(die, die.below(3), MINUTE, 2 * span),
				...many(die.within(1, 3), () =>
					override(between(die, MINUTE, 2 * span)),
				),
				...maybe(die, 0.4, () => crashing(die, MINUTE, span)),
				...visits(die, span, 2 * span),
				override(3 * span),
				...buying(die, die.within(0, 2), 3 * span, 4 * span),
			],
		};
	},
	/** An issuer says that it has not done what it has done. */
	"lying-issuer"(die) {
		const span = 2 * MINUTE;
		const lies = ["no outcome", "nothing booked"];
		const away = die.pick([0, 0, 5 * DAY, 32 * DAY]);
		return {
			...(away === 0
				? {}
				: { noteDays: 3, graceDays: 1, settleEveryMs: DAY / 2 }),
			buyers: die.within(1, 2),
			steps: [
				...maybe(die, 0.7, () => ({
					at: 0,
					kind: "crash",
					device: `${BUYER}-module`,
					point: die.within(1, 2),
					table: "payments",
					downMs: away === 0 ? 30 * SECOND : away,
				})),
				...buying(die, die.within(1, 4), 0, span),
				...paying(die, die.below(3), 0, span),
				{
					at: die.below(span),
					kind: "lie",
					device: "issuer-0-module",
					lie: die.pick(lies),
				},
				...visits(die, span, MINUTE),
				...visits(die, span + away, MINUTE),
				...visits(die, span + away + MINUTE, MINUTE),
				...maybe(die, 0.3, () => crashing(die, 0, span)),
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
	// What is said of locks is a lie where there are mints.
	const lies = Object.keys(LIES).filter(
		(lie) => LIES[lie]?.by === by && LOCK_LIES[lie] === undefined,
	);
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

function ordering(
	die: Stream,
	count: number,
	from: number,
	until: number,
): Step[] {
	return buying(die, count, from, until).map((step, at) => ({
		...step,
		order: `one of that kind, ${at}`,
		...(die.chance(0.2) ? { patienceMs: die.below(2_000) } : {}),
	}));
}

/** Words of the owner on single payments. */
function saying(
	die: Stream,
	count: number,
	from: number,
	until: number,
	names: readonly string[],
): Step[] {
	return many(count, () => ({
		at: between(die, from, until),
		kind: "approve",
		side: BUYER,
		isApproved: die.chance(0.7),
		how: die.pick([
			"waiting",
			"waiting",
			"waiting",
			"decided",
			"early",
			"again",
			"backdated",
			"another",
		]),
		name: die.pick(names),
	}));
}

/** What was approved is asked for again, and denied at about the time at which it is committed. */
function deniedOnTheWay(die: Stream, name: string, from: number): Step[] {
	const pay = (at: number): Step => ({
		...{ at, kind: "pay", buyer: 0, merchant: 0, issuer: 0 },
		...{ amount: 30, name },
	});
	const say = (at: number, isApproved: boolean): Step => ({
		...{ at, kind: "approve", side: BUYER, isApproved, how: "named", name },
	});
	const again = from + 2 * SECOND;
	return [
		pay(from),
		say(from + SECOND, true),
		pay(again),
		say(again + die.within(58, 75), false),
	];
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
