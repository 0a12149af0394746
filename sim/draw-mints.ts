/* What a seed decides of mints: worlds about nothing else, and mints in worlds with a bit of everything. */
import { MINT_FAULTS, type MintFault } from "../src/mint/index.ts";
import { drawEcashOrders } from "./draw-ecash-orders.ts";
import { LOCK_LIES } from "./lock-lies.ts";
import {
	type MintConditions,
	type MintPlan,
	QUIET_MINTS,
	type SellsFor,
} from "./mint-plan.ts";
import {
	DAY,
	HOUR,
	ITEMS,
	inOrder,
	MINUTE,
	numbered,
	type Plan,
	SECOND,
	type Step,
} from "./plan.ts";
import type { Stream } from "./random.ts";

const BUYER = "buyer-0";
const MERCHANT = "merchant-0";

/** Of a world, what is not as in all of them. */
export type MintTheme = (
	die: Stream,
) => Pick<Plan, "steps" | "mints"> & Partial<Omit<Plan, "seed">>;

/** What a mint that is honest does wrong, and a little of what one does that is not. */
function drawFault(die: Stream): MintFault {
	const kinds = Object.keys(MINT_FAULTS) as MintFault["kind"][];
	const kind = die.pick(kinds);
	const at = die.chance(0.5) ? die.pick(MINT_FAULTS[kind]) : undefined;
	const times = die.chance(0.8) ? die.within(1, 4) : undefined;
	const where = {
		...(at === undefined ? {} : { at }),
		...(times === undefined ? {} : { times }),
	};
	switch (kind) {
		case "slow":
			return { kind, ms: die.pick([100, 20 * SECOND, 50 * SECOND]), ...where };
		case "huge-answer":
			// More than is read is not made often.
			return { kind, bytes: die.pick([10, 1000, 1000, 2 ** 22]), ...where };
		case "not-json":
			return {
				...{ kind, ...where },
				...(die.chance(0.5) ? { status: die.pick([200, 400, 404, 502]) } : {}),
			};
		case "clock-skewed":
			return {
				...{ kind, ...where },
				seconds: die.pick([-1, 1]) * die.pick([60, 7200, 40 * 86_400]),
			};
		case "state-lied":
			return {
				...{ kind, ...where },
				state: die.pick(["UNSPENT", "PENDING", "SPENT"] as const),
			};
		case "locks-ignored":
			return { kind, isAnnounced: die.chance(0.5), ...where };
		default:
			return { kind, ...where };
	}
}

function mintConditions(die: Stream): MintConditions {
	const often = (probability: number) =>
		die.chance(probability) ? die.pick([0.02, 0.1, 0.3]) : 0;
	return {
		delay: die.pick([
			[1, 1],
			[5, 80],
			[50, 3000],
		] as const),
		losesQuestion: often(0.4),
		losesAnswer: often(0.5),
		doubles: often(0.3),
		isLate: often(0.3),
	};
}

export function drawMints(
	die: Stream,
	others: Partial<MintPlan> = {},
): MintPlan {
	return {
		count: die.pick([1, 1, 2]),
		inputFeePpk: die.pick([0, 0, 100, 1000]),
		tokens: die.pick([[100], [64, 37], [200, 200]]),
		sellsFor: [die.pick<SellsFor>(["ecash", "ecash", "both"])],
		lockedMs: die.pick([6 * HOUR, 6 * HOUR, 6 * HOUR, 2 * DAY, 30 * DAY]),
		network: die.chance(0.5) ? mintConditions(die) : QUIET_MINTS,
		...others,
	};
}

export function many(count: number, step: () => Step): Step[] {
	return Array.from({ length: count }, step);
}

export function buying(
	die: Stream,
	count: number,
	from: number,
	span: number,
	{
		buyers = 1,
		merchants = 1,
	}: { readonly buyers?: number; readonly merchants?: number } = {},
): Step[] {
	return many(count, () => ({
		at: from + die.below(Math.max(1, span)),
		kind: "buy",
		buyer: die.below(buyers),
		merchant: die.below(merchants),
		item: die.below(ITEMS),
	}));
}

/** What is written for ecash, and others rely on. */
const WRITTEN: readonly (readonly [device: string, table: string])[] = [
	[`${BUYER}-agent`, "purchases"],
	[`${BUYER}-module`, "ecash_paid"],
	[`${BUYER}-module`, "ecash_paid"],
	[`${BUYER}-module`, "ecash_received"],
	[`${BUYER}-module`, "aborted"],
	[`${MERCHANT}-agent`, "sales"],
	[`${MERCHANT}-module`, "ecash_sold"],
	[`${MERCHANT}-module`, "ecash_sold"],
	[`${MERCHANT}-module`, "selling_secrets"],
];

function crashing(die: Stream, from: number, span: number): Step {
	const [device, table] = die.pick(WRITTEN);
	return {
		at: from + die.below(Math.max(1, span)),
		kind: "crash",
		device,
		table,
		point: die.within(1, 4),
		downMs: die.pick([10, 500, 5 * SECOND, 20 * MINUTE]),
	};
}

/** What goes wrong with a mint between two times, one thing or several. */
function troubles(
	die: Stream,
	mints: MintPlan,
	from: number,
	span: number,
	count: number,
): Step[] {
	const at = () => from + die.below(Math.max(1, span));
	return many(count, (): Step => {
		const mint = die.below(mints.count);
		switch (die.below(8)) {
			case 0:
				return {
					...{ at: at(), kind: "mint-down", mint },
					forMs: die.pick([SECOND, MINUTE, HOUR]),
				};
			case 1:
			case 2:
				return {
					...{ at: at(), kind: "mint-crash", mint, point: die.within(1, 12) },
					downMs: die.pick([10, SECOND, MINUTE]),
				};
			case 3:
				return {
					...{ at: at(), kind: "rotate", mint },
					...(die.chance(0.3) ? { inputFeePpk: die.pick([0, 100, 500]) } : {}),
				};
			case 4:
				return { at: at(), kind: "mint-clear", mint };
			default:
				return {
					...{ at: at(), kind: "mint-fault", mint },
					fault: drawFault(die),
				};
		}
	});
}

function resuming(die: Stream, from: number, span: number): Step[] {
	return many(die.within(1, 3), () => ({
		at: from + die.below(Math.max(1, span)),
		kind: "resume",
		buyer: 0,
		merchant: 0,
	}));
}

/** Why nobody claims until then what is locked soon. */
function unclaimed(die: Stream, from: number, until: number): Step {
	const downMs = until - from;
	switch (die.below(3)) {
		case 0:
			return {
				...{ at: from, kind: "mint-fault", mint: 0 },
				fault: { kind: "early-claim-refused" },
			};
		case 1:
			return {
				...{ at: from, kind: "mint-crash", mint: 0, downMs },
				point: die.within(4, 9),
			};
		default:
			return {
				...{ at: 0, kind: "crash", device: `${MERCHANT}-module` },
				...{ point: 1, table: "ecash_sold", downMs },
			};
	}
}

/** What is written for what owners do. */
const WRITTEN_FOR_OWNERS = [
	...(["ecash_orders", "ecash_orders", "ecash_orders"] as const),
	...(["ecash_proofs", "ecash_counters", "ecash_received"] as const),
];

/** A purse is put back, and its owner asks its mints for all that is its own, before it does anything else or after that. */
function restoring(
	die: Stream,
	mints: MintPlan,
	device: string,
	span: number,
	sides: readonly string[],
): readonly Step[] {
	const when = die.below(span);
	const until = when + die.below(Math.max(1, span - when));
	const side = device.replace("-module", "");
	return [
		{ at: when, kind: "backup", device },
		{
			...{ at: until, kind: "restore", device },
			how: die.pick(["command", "noticed", "unnoticed"] as const),
		},
		...numbered("", mints.count).flatMap((_, mint): Step[] =>
			die.chance(0.7)
				? [{ at: until + die.below(MINUTE), kind: "restore-ecash", side, mint }]
				: [],
		),
		...drawEcashOrders(die, mints, {
			...{ sides, from: until, span: MINUTE, count: die.below(4) },
		}),
	];
}

/** Names of worlds about mints: `npm run sim -- --theme NAME`. */
export const MINT_THEMES: Readonly<Record<string, MintTheme>> = {
	/** Purchases with ecash while devices die, and what goes to mints or comes from there is lost. */
	ecash(die) {
		const mints = drawMints(die, { network: mintConditions(die) });
		const span = die.pick([MINUTE, 10 * MINUTE]);
		const [buyers, merchants] = [die.within(1, 2), die.within(1, 2)];
		return {
			...{ mints, buyers, merchants },
			steps: [
				...buying(die, die.within(2, 6), 0, span, { buyers, merchants }),
				...many(die.below(4), () => crashing(die, 0, span)),
				...many(
					die.below(2),
					(): Step => ({
						...{ at: die.below(span), kind: "power" },
						devices: die.pick([
							[`${BUYER}-module`, `${MERCHANT}-module`],
							[`${BUYER}-agent`, `${BUYER}-module`],
						]),
						downMs: die.pick([10, 5 * SECOND, 20 * MINUTE]),
					}),
				),
				...resuming(die, 0, span),
			],
		};
	},
	/** Mints that are down, die, rotate their keys, and do all that a mint can do wrong. */
	"ecash-mints"(die) {
		const mints = drawMints(die);
		const span = die.pick([MINUTE, 10 * MINUTE, HOUR]);
		const [buyers, merchants] = [die.within(1, 2), die.within(1, 2)];
		return {
			...{ mints, buyers, merchants },
			steps: [
				...buying(die, die.within(2, 8), 0, span, { buyers, merchants }),
				...troubles(die, mints, 0, span, die.within(1, 6)),
				...many(die.below(2), () => crashing(die, 0, span)),
				...many(
					die.below(3),
					(): Step => ({
						at: die.below(span),
						kind: "receive",
						side: BUYER,
						mint: die.below(mints.count),
						amount: die.within(1, 100),
						...(die.chance(0.4) ? { sharedWith: MERCHANT } : {}),
					}),
				),
				...resuming(die, 0, span),
			],
		};
	},
	/** Nobody claims what is locked until its deadline, and clocks are wrong around it. */
	"ecash-late"(die) {
		const mints = drawMints(die, {
			sellsFor: ["ecash"],
			lockedMs: die.pick([6 * HOUR, 6 * HOUR, 2 * DAY]),
		});
		const began = die.below(MINUTE);
		const deadline = began + mints.lockedMs;
		const back =
			deadline + die.pick([-1, 1]) * die.pick([SECOND, MINUTE, HOUR]);
		const skew = () =>
			die.pick([-1, 1]) * die.pick([MINUTE, HOUR, mints.lockedMs]);
		return {
			mints,
			steps: [
				unclaimed(die, began, back),
				...buying(die, die.within(1, 3), began, SECOND),
				...many(
					die.below(3),
					(): Step => ({
						at: die.pick([began, die.below(deadline)]),
						kind: "clock",
						device: die.pick([
							`${BUYER}-module`,
							`${BUYER}-module`,
							`${MERCHANT}-module`,
						]),
						aheadMs: skew(),
					}),
				),
				...many(
					die.below(2),
					(): Step => ({
						at: die.pick([0, die.below(deadline)]),
						kind: "mint-clock",
						mint: 0,
						aheadMs: skew(),
					}),
				),
				...troubles(
					...([die, mints, deadline - HOUR, 2 * HOUR] as const),
					die.below(3),
				),
				...resuming(die, deadline - HOUR, 2 * HOUR),
				...many(die.below(2), () => crashing(die, deadline - HOUR, 2 * HOUR)),
			],
		};
	},
	/** A purse is put back that has ecash, while its money is on its way. */
	"ecash-restored"(die) {
		const mints = drawMints(die);
		const device = die.pick([`${BUYER}-module`, `${MERCHANT}-module`, BUYER]);
		const when = die.pick([10, 30]) * SECOND;
		const until = when + die.within(1, 4) * MINUTE;
		return {
			mints,
			steps: [
				...buying(die, die.below(3), 0, when),
				{ at: when, kind: "backup", device },
				...buying(die, die.within(1, 3), when, until - when),
				...many(die.below(2), () => crashing(die, when, until - when)),
				{
					...{ at: until, kind: "restore", device },
					how:
						device === BUYER
							? "command"
							: die.pick(["command", "noticed", "unnoticed"] as const),
				},
				// Behind, it pays all the same when its owner says so.
				...many(
					die.below(3),
					(): Step => ({
						at: until + 5 * SECOND + die.below(MINUTE),
						...{ kind: "override", side: device.replace("-module", "") },
						isOther: die.chance(0.1),
					}),
				),
				...buying(die, die.below(6), until, 2 * MINUTE),
				...resuming(die, until, 2 * MINUTE),
				...many(
					die.below(2),
					(): Step => ({
						at: until + die.below(MINUTE),
						kind: "receive",
						side: BUYER,
						mint: 0,
						amount: die.within(1, 100),
					}),
				),
			],
		};
	},
	/** A module lies about what is locked, or claimed. */
	"ecash-lies"(die) {
		const mints = drawMints(die, { sellsFor: ["ecash"] });
		const count = die.within(1, 4);
		return {
			...{ mints, merchants: die.within(1, 2) },
			steps: Array.from({ length: count }, (_, at): readonly Step[] => {
				const lie = die.pick(Object.keys(LOCK_LIES));
				const [from, span] = [at * MINUTE, MINUTE];
				const side = LOCK_LIES[lie]?.by === "buyer-module" ? BUYER : MERCHANT;
				return [
					{ at: from, kind: "lie", device: `${side}-module`, lie },
					...buying(die, die.within(1, 3), from, span, { merchants: 2 }),
					...resuming(die, from, span),
					...(die.chance(0.2) ? [crashing(die, from, span)] : []),
				];
			}).flat(),
		};
	},
	/** Owners send, take back, mint, melt and restore, among purchases, while anything goes wrong. */
	"ecash-orders"(die) {
		const mints = drawMints(die, { areFast: die.chance(0.3) });
		const span = die.pick([MINUTE, 10 * MINUTE, 2 * HOUR]);
		const [buyers, merchants] = [die.within(1, 2), die.within(1, 2)];
		const sides = [
			...numbered("buyer", buyers),
			...numbered("merchant", merchants),
		];
		const modules = sides.map((side) => `${side}-module`);
		const at = () => die.below(span);
		const some = (probability: number, most: number, step: () => Step) =>
			die.chance(probability) ? many(die.within(1, most), step) : [];
		const putBack = die.chance(0.25) ? die.pick(modules) : undefined;
		return {
			...{ mints, buyers, merchants },
			steps: [
				...drawEcashOrders(die, mints, {
					...{ sides, from: 0, span, count: die.within(3, 12) },
				}),
				...buying(die, die.below(4), 0, span, { buyers, merchants }),
				...(die.chance(0.4)
					? troubles(die, mints, 0, span, die.within(1, 4))
					: []),
				...some(0.6, 3, () => ({
					...{ at: at(), kind: "crash", device: die.pick(modules) },
					table: die.pick(WRITTEN_FOR_OWNERS),
					point: die.within(1, 4),
					downMs: die.pick([10, 500, 5 * SECOND, 20 * MINUTE]),
				})),
				...some(0.3, 2, () => ({
					...{ at: at(), kind: "crash", device: die.pick(modules) },
					...{ isWriting: true, point: die.within(1, 12) },
					downMs: die.pick([10, 5 * SECOND]),
				})),
				...some(0.2, 1, () => ({
					...{ at: at(), kind: "power", devices: modules },
					downMs: die.pick([10, 5 * SECOND, 20 * MINUTE]),
				})),
				...some(0.2, 2, () => ({
					...{ at: at(), kind: "disk-error", device: die.pick(modules) },
					...{ transaction: die.within(1, 6), isWritten: die.chance(0.5) },
					forMs: die.pick([0, SECOND, 20 * SECOND]),
				})),
				...some(0.15, 2, () => ({
					...{ at: at(), kind: "full", device: die.pick(modules) },
					forMs: die.pick([5, 500, 5 * SECOND]),
				})),
				...some(0.3, 3, () => ({
					...{ at: at(), kind: "lose-question", device: die.pick(modules) },
					...{ question: die.within(1, 4), isAnswer: die.chance(0.7) },
					breaks: die.chance(0.5),
				})),
				...some(0.2, 2, () => ({
					...{ at: at(), kind: "clock", device: die.pick(modules) },
					aheadMs: die.pick([-1, 1]) * die.pick([MINUTE, HOUR, 10 * HOUR]),
				})),
				...some(0.1, 1, () => ({
					...{ at: at(), kind: "mint-clock", mint: die.below(mints.count) },
					aheadMs: die.pick([-1, 1]) * die.pick([MINUTE, HOUR, 2 * DAY]),
				})),
				...some(0.15, 2, () => ({
					...{ at: at(), kind: "name-mints", side: die.pick(sides) },
					mints: die.pick([[], [0], [0, 1]]),
				})),
				...some(0.3, 2, () => ({
					...{ at: at(), kind: "receive", side: die.pick(sides) },
					...{ mint: die.below(mints.count), amount: die.within(1, 100) },
				})),
				...(putBack === undefined
					? []
					: restoring(die, mints, putBack, span, sides)),
				...resuming(die, 0, span),
			],
		};
	},
	/** What is paid with ecash waits for its owner, while mints ask for more or less beside it. */
	"ecash-approved"(die) {
		const mints = drawMints(die, {
			inputFeePpk: die.pick([0, 100, 500, 1000]),
			sellsFor: [die.pick<SellsFor>(["ecash", "ecash", "both"])],
		});
		const span = die.pick([30 * SECOND, 2 * MINUTE]);
		const at = () => die.below(2 * span);
		const some = (probability: number, most: number, step: () => Step) =>
			die.chance(probability) ? many(die.within(1, most), step) : [];
		const limit = (when: number): Step => ({
			...{ at: when, kind: "limit", side: BUYER },
			...{ perPayment: 60, perDay: die.pick([60, 100_000]) },
			...(die.chance(0.8) ? { approvalAbove: die.within(0, 25) } : {}),
			...(die.chance(0.4) ? { approveNewMerchants: true } : {}),
			...(die.chance(0.4) ? { fee: die.within(0, 6) } : {}),
		});
		return {
			...{ mints, merchants: die.within(1, 2) },
			steps: [
				...(die.chance(0.8) ? [limit(0)] : []),
				...some(0.3, 1, () => limit(at())),
				...buying(die, die.within(2, 6), 0, span, { merchants: 2 }).map(
					(step) => ({
						...step,
						...(die.chance(0.5) ? { askOwner: true } : {}),
					}),
				),
				...many(
					die.within(2, 10),
					(): Step => ({
						...{ at: SECOND + at(), kind: "approve", side: BUYER },
						isApproved: die.chance(0.75),
						how: die.pick([
							...(["waiting", "waiting", "waiting", "decided"] as const),
							...(["again", "backdated", "another"] as const),
						]),
					}),
				),
				// What was asked about with one fee is paid with another.
				...some(0.7, 4, () => ({
					...{ at: at(), kind: "rotate", mint: die.below(mints.count) },
					inputFeePpk: die.pick([0, 100, 500, 1000, 2000]),
				})),
				...some(0.4, 2, () => ({
					...{ at: at(), kind: "receive", side: BUYER },
					...{ mint: die.below(mints.count), amount: die.within(1, 100) },
				})),
				...many(
					die.within(2, 6),
					(): Step => ({ at: at(), kind: "resume", buyer: 0, merchant: 0 }),
				),
				...many(die.below(2), () => crashing(die, 0, 2 * span)),
				...some(0.2, 1, () => ({
					...{ at: at(), kind: "crash", device: `${BUYER}-module` },
					...{ table: "approvals", point: die.within(1, 3), downMs: 500 },
				})),
			],
		};
	},
	/** Owners name other mints, and limit what is paid with their ecash. */
	"ecash-owners"(die) {
		const mints = drawMints(die, { count: 2 });
		const span = 5 * MINUTE;
		return {
			...{ mints, buyers: 2, merchants: 2 },
			steps: [
				...buying(die, die.within(3, 8), 0, span, { buyers: 2, merchants: 2 }),
				...many(
					die.within(1, 4),
					(): Step => ({
						at: die.below(span),
						kind: "name-mints",
						side: die.pick([BUYER, MERCHANT]),
						mints: die.pick([[], [0], [1], [0, 1]]),
					}),
				),
				...many(
					die.below(3),
					(): Step => ({
						at: die.below(span),
						kind: "limit",
						side: BUYER,
						perPayment: die.within(5, 60),
						perDay: die.within(5, 90),
					}),
				),
				...many(die.below(2), () => crashing(die, 0, span)),
				...resuming(die, 0, span),
			],
		};
	},
};

/** How often all purses together may ask mints for what they have to say of themselves, which each does each hour: hundreds of them for weeks do nothing else. */
const MOST_ASKED = 50_000;

/** The same world, and in some of them mints beside its issuers. */
export function withMints(plan: Plan, die: Stream): Plan {
	if (plan.mints !== undefined || !die.chance(0.25)) return plan;
	const span = (plan.steps.at(-1)?.at ?? 0) + 1;
	const sellsFor = numbered("", plan.merchants).map(() =>
		die.pick<SellsFor>(["notes", "ecash", "both"]),
	);
	// Many buy much there.
	const tokens = plan.steps.length > 200 ? [2000, 1000] : [300, 150];
	const mints = drawMints(die, { sellsFor, tokens });
	const asked = (plan.buyers + plan.merchants) * mints.count * (span / HOUR);
	if (asked > MOST_ASKED) return plan;
	const steps = die.chance(0.6)
		? troubles(die, mints, 0, span, die.within(1, 6))
		: [];
	return { ...plan, mints, steps: inOrder([...plan.steps, ...steps]) };
}

/** The same world, and in some of those with mints owners do more with their ecash than to buy. */
export function withEcashOrders(plan: Plan, die: Stream): Plan {
	if (plan.mints === undefined || !die.chance(0.4)) return plan;
	const span = (plan.steps.at(-1)?.at ?? 0) + 1;
	const orders = drawEcashOrders(die, plan.mints, {
		sides: [
			...numbered("buyer", plan.buyers),
			...numbered("merchant", plan.merchants),
		],
		...{ from: 0, span, count: die.within(1, 12) },
	});
	const mints = { ...plan.mints, areFast: die.chance(0.3) };
	return { ...plan, mints, steps: inOrder([...plan.steps, ...orders]) };
}
