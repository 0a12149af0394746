/*
 * What shall happen in a simulated world, as data: who is there, how bad the network is, and one
 * step after another. A seed decides it; a plan without some of its steps is a plan again, which is
 * how a failing one is made small.
 */
import type { Tail } from "./disk.ts";
import type { MintPlan, MintStep } from "./mint-plan.ts";
import { type Conditions, QUIET } from "./network.ts";
import { Stream } from "./random.ts";

/** Something that shall happen, so many milliseconds after the world's work begins. */
export type Step = { readonly at: number } & (
	| {
			readonly kind: "buy";
			readonly buyer: number;
			readonly merchant: number;
			readonly item: number;
			/** The buyer loses patience after so many milliseconds. */
			readonly patienceMs?: number;
			/** Also in a tetrad in which something else goes on. */
			readonly isShared?: boolean;
			/** Its agent wants the owner to be asked first. */
			readonly askOwner?: boolean;
			/** That is made on order, in the place of an item that is there. */
			readonly order?: string;
	  }
	/** A buyer's module pays a merchant's, for nothing that is sold. */
	| {
			readonly kind: "pay";
			readonly buyer: number;
			readonly merchant: number;
			readonly issuer: number;
			readonly amount: number;
			/** Its contract follows from that: with the same name it is asked for again. */
			readonly name?: string;
	  }
	/** A side meets an issuer. */
	| { readonly kind: "settle"; readonly side: string; readonly issuer: number }
	/** A buyer goes on with what is not over. */
	| {
			readonly kind: "resume";
			readonly buyer: number;
			readonly merchant: number;
	  }
	/** Dies at its `point`th effect from then on; with a table, when it has written to it durably that often. */
	| {
			readonly kind: "crash";
			readonly device: string;
			readonly point: number;
			/** Only effects at which something is written and not durable count. */
			readonly isWriting?: boolean;
			/** What is left of that; drawn unless given. */
			readonly tail?: Tail;
			readonly downMs: number;
			readonly table?: string;
			/** Dies so often again, at these effects from each start on. */
			readonly again?: readonly number[];
	  }
	/** The power of all of them goes at one moment. */
	| {
			readonly kind: "power";
			readonly devices: readonly string[];
			readonly downMs: number;
	  }
	/** The `transaction`th write from then on fails, and all that is asked of the disk does for a while after it. Nobody is told whether it was written. */
	| {
			readonly kind: "disk-error";
			readonly device: string;
			readonly transaction: number;
			readonly isWritten: boolean;
			readonly forMs: number;
	  }
	/** Loses the frame of that number of those that a device sends from then on; then the connection breaks, or only that frame is gone. */
	| {
			readonly kind: "lose";
			readonly device: string;
			readonly frame: number;
			readonly breaks: boolean;
	  }
	/** Somebody plays to a device again what it was sent in an earlier connection, by a call of that somebody's, and puts old frames on the connections that it has. */
	| { readonly kind: "replay"; readonly device: string }
	/** All connections of a device break. */
	| { readonly kind: "break"; readonly device: string }
	| {
			readonly kind: "clock";
			readonly device: string;
			/** 0 sets it right. */
			readonly aheadMs: number;
	  }
	/** The owner of a device whose clock is right takes out what it has seen of a time to come. */
	| { readonly kind: "forget-time"; readonly device: string }
	| { readonly kind: "full"; readonly device: string; readonly forMs: number }
	/** Pages of its store cannot be read any more: it has to be put back, which is done at the end if it was not before. */
	| { readonly kind: "damage"; readonly device: string }
	/** A bit changes in a document of a module's store, or in goods that an agent has not opened yet. */
	| { readonly kind: "rot"; readonly device: string }
	| { readonly kind: "backup"; readonly device: string }
	/** The last backup of a device, of both devices of a side, of an issuer's ledger, or of `EVERYBODY` is put back; a purse with `tetrad purse restore`, or so that the host notices it, or so that nobody does. */
	| {
			readonly kind: "restore";
			readonly device: string;
			readonly how: "command" | "noticed" | "unnoticed";
	  }
	/** A new key and certificate; of an issuer's module it is a rotation. */
	| { readonly kind: "recertify"; readonly device: string }
	/** Another device in the place of an agent, with nothing of what that one had. */
	| { readonly kind: "replace"; readonly device: string }
	/** Agent and module of a side are paired anew. */
	| { readonly kind: "pair"; readonly side: string }
	/** An authority lists the certificate that the device has then, and everybody gets the list; when it is hidden, not the side of that device. */
	| {
			readonly kind: "list";
			readonly device: string;
			readonly isHidden?: boolean;
	  }
	/** From then on a device lies: the name of a rule of lies.ts. */
	| { readonly kind: "lie"; readonly device: string; readonly lie: string }
	/** An empty list in the place of the last. */
	| { readonly kind: "unlist"; readonly role: "agent" | "module" }
	| {
			readonly kind: "withdraw";
			readonly side: string;
			readonly issuer: number;
			readonly amount: number;
	  }
	/** The last order to withdraw is taken back. */
	| { readonly kind: "cancel"; readonly side: string }
	/** What is over for so many days goes out of the purse, into files. */
	| {
			readonly kind: "archive";
			readonly side: string;
			readonly days: number;
			readonly isKilled: boolean;
	  }
	| {
			readonly kind: "give-back";
			readonly side: string;
			readonly issuer: number;
	  }
	/** The owner limits each payment. */
	| {
			readonly kind: "limit";
			readonly side: string;
			readonly perPayment: number;
			readonly perDay: number;
			/** What a mint may ask for beside a price. */
			readonly fee?: number;
			/** What is more waits for the owner. */
			readonly approvalAbove?: number;
			/** So does the first payment to a module. */
			readonly approveNewMerchants?: boolean;
	  }
	/**
	 * The owner approves or denies a payment: one that waits; one that was decided on before; that of a
	 * name, or `early`, when nobody has asked for it yet; in a word that was handed in before, in one that
	 * was signed before the last, or in one that is about another amount or payee.
	 */
	| {
			readonly kind: "approve";
			readonly side: string;
			readonly isApproved: boolean;
			readonly how:
				| "waiting"
				| "decided"
				| "named"
				| "early"
				| "again"
				| "backdated"
				| "another";
			readonly name?: string;
	  }
	/** The owner of a merchant has so many quarters of a sale to that buyer given back, or asks again for what is owed of one. */
	| {
			readonly kind: "refund";
			readonly merchant: number;
			readonly buyer: number;
			readonly quarters: number;
			readonly isOwed?: boolean;
	  }
	/** A buyer takes back what is left of a purchase, if its merchant owes that. */
	| {
			readonly kind: "fetch-refund";
			readonly buyer: number;
			readonly merchant: number;
	  }
	/** The owner of a purse that is behind has it pay all the same; or says so of something that it is not behind. */
	| {
			readonly kind: "override";
			readonly side: string;
			readonly isOther: boolean;
	  }
	| MintStep
);

export interface Plan {
	readonly seed: string;
	readonly buyers: number;
	readonly merchants: number;
	readonly issuers: number;
	/** In notes of so many minor units each, of each issuer. */
	readonly notes: readonly number[];
	readonly noteDays: number;
	readonly graceDays: number;
	/** Between agents, and between an agent and its module. */
	readonly network: Conditions;
	readonly link: Conditions;
	/** How long a transaction takes to be durable, in milliseconds, at least and at most. */
	readonly syncMs: readonly [number, number];
	/** How often each merchant, and one of the buyers, meets its issuers by itself, in milliseconds; 0 for never. */
	readonly settleEveryMs: number;
	/** How long a buyer keeps a tetrad in which nothing goes on, in milliseconds; none is kept unless given. */
	readonly standingMs?: number;
	/** Devices keep tokens of their tetrads, and agents resume with them. */
	readonly resumes?: boolean;
	/** Merchants are away for longer than what they were paid with lives, and lose it (docs/money.md). */
	readonly merchantsLose?: boolean;
	/** None unless given. */
	readonly mints?: MintPlan;
	readonly steps: readonly Step[];
}

export const SECOND = 1000;
export const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;

/** How wrong a clock may be. */
const SKEWS = [
	3 * SECOND,
	5 * MINUTE,
	20 * MINUTE,
	3 * HOUR,
	2 * DAY,
	20 * DAY,
	400 * DAY,
	// Not within any certificate.
	7 * 365 * DAY,
] as const;

/** Of an issuer, whose clock is believed within its certificate. */
const ISSUER_SKEWS = [...SKEWS.slice(0, 4), ...SKEWS.slice(-1)] as const;

/** How many there are in a world, and how much they do. */
interface Size {
	readonly buyers: number;
	readonly merchants: number;
	readonly issuers: number;
	/** At least and at most. */
	readonly purchases: readonly [number, number];
	/** Faults and other steps are so many times as many as in a small world, at most. */
	readonly scale: number;
	/** Purchases come in bursts, in tetrads that are kept. */
	readonly isBusy: boolean;
}

/** Half of the worlds are small, since those find most and are soon shrunk; the others have more and more of everything, and are more and more seldom. */
const SIZES: readonly {
	readonly until: number;
	readonly draw: (die: Stream) => Size;
}[] = [
	{
		until: 0.5,
		draw: (die) => ({
			buyers: die.within(1, 3),
			merchants: die.within(1, 2),
			issuers: die.chance(0.25) ? 2 : 1,
			purchases: [3, die.pick([10, 40])],
			scale: 1,
			isBusy: die.chance(0.25),
		}),
	},
	{
		until: 0.88,
		draw: (die) => ({
			buyers: die.within(1, 4),
			merchants: die.within(1, 2),
			issuers: die.chance(0.25) ? 2 : 1,
			purchases: [120, 450],
			scale: 2,
			isBusy: true,
		}),
	},
	{
		until: 0.99,
		draw: (die) => ({
			buyers: die.within(8, 30),
			merchants: die.within(3, 10),
			issuers: die.within(1, 3),
			purchases: [600, 2400],
			scale: 6,
			isBusy: true,
		}),
	},
	{ until: 1, draw: drawCrowd },
];

/** Hundreds of sides. */
function drawCrowd(die: Stream): Size {
	return {
		buyers: die.within(160, 240),
		merchants: die.within(20, 40),
		issuers: die.within(2, 4),
		purchases: [2000, 6000],
		scale: 20,
		isBusy: true,
	};
}

function drawSize(die: Stream): Size {
	const at = die.below(1000) / 1000;
	return (SIZES.find(({ until }) => at < until)?.draw ?? drawCrowd)(die);
}

/** A world of hundreds of sides, whatever its seed is for otherwise. */
export function drawLarge(seed: string): Plan {
	return drawSwarm(seed, drawCrowd(new Stream(seed, "size")));
}

/** Swarm testing: each kind of fault is there in some worlds and not in others, often or seldom. */
export function drawSwarm(
	seed: string,
	size: Size = drawSize(new Stream(seed, "size")),
): Plan {
	const die = new Stream(seed, "plan");
	const { buyers, merchants, issuers, scale, isBusy } = size;
	const span = die.pick([
		20 * SECOND,
		MINUTE,
		5 * MINUTE,
		HOUR,
		3 * DAY,
		30 * DAY,
		60 * DAY,
	]);
	const noteDays = span > DAY ? die.pick([10, 90]) : die.pick([2, 10, 90]);
	const graceDays = span > 30 * DAY ? 7 : die.pick([1, 7]);
	const purchases = die.within(...size.purchases);
	const steps: Step[] = [];
	const at = () => die.below(span);
	const sides = [
		...numbered("buyer", buyers),
		...numbered("merchant", merchants),
	];
	const traders = sides.flatMap((side) => [`${side}-agent`, `${side}-module`]);
	const everybody = [
		...traders,
		...numbered("issuer", issuers).flatMap((side) => [
			`${side}-agent`,
			`${side}-module`,
		]),
	];
	const often = (probability: number, most: number): number =>
		die.chance(probability) ? die.within(1, most * scale) : 0;
	const add = (count: number, step: () => Step) => {
		for (let i = 0; i < count; i++) steps.push(step());
	};
	const isHasty = die.chance(0.2);
	for (let left = purchases; left > 0; ) {
		const count = isBusy ? Math.min(left, die.within(1, 100)) : 1;
		left -= count;
		const from = at();
		const apart = die.pick([0, 100, 2 * SECOND]);
		const isShared = isBusy && die.chance(0.6);
		const [buyer, merchant] = [die.below(buyers), die.below(merchants)];
		add(count, () => ({
			at: from + (count === 1 ? 0 : die.below(count * apart + 1)),
			kind: "buy",
			buyer,
			merchant,
			item: die.below(ITEMS),
			...(isShared ? { isShared } : {}),
			...(isHasty && die.chance(0.5) ? { patienceMs: die.below(400) } : {}),
		}));
	}
	add(often(0.5, die.pick([3, 12])), () => ({
		at: at(),
		kind: "pay",
		buyer: die.below(buyers),
		merchant: die.below(merchants),
		issuer: die.below(issuers),
		amount: die.within(1, 60),
	}));
	add(often(0.6, 4), () => ({
		at: at(),
		kind: "settle",
		side: die.pick(sides),
		issuer: die.below(issuers),
	}));
	add(often(0.3, 3), () => ({
		at: at(),
		kind: "resume",
		buyer: die.below(buyers),
		merchant: die.below(merchants),
	}));
	const crashes = die.chance(0.5) ? traders : everybody;
	add(often(0.7, 12), () => ({
		at: at(),
		kind: "crash",
		device: die.pick(crashes),
		...(die.chance(0.3)
			? { isWriting: true, point: die.within(1, 6) }
			: { point: die.within(1, die.pick([5, 30, 150])) }),
		downMs: die.pick([0, 10, 500, 5 * SECOND, 40 * SECOND]),
		...(die.chance(0.3)
			? {
					again: Array.from({ length: die.within(1, 3) }, () =>
						die.within(1, die.pick([5, 30])),
					),
				}
			: {}),
	}));
	add(often(0.25, 3), () => {
		const share = die.pick([0.3, 0.6, 1]);
		return {
			at: at(),
			kind: "power",
			devices: everybody.filter(() => die.chance(share)),
			downMs: die.pick([0, 500, 20 * SECOND]),
		};
	});
	add(often(0.25, 3), () => ({
		at: at(),
		kind: "disk-error",
		device: die.pick(everybody),
		transaction: die.within(1, die.pick([3, 12])),
		isWritten: die.chance(0.5),
		forMs: die.pick([0, 0, SECOND, 20 * SECOND]),
	}));
	// What was committed and not delivered then is void by the time that its buyer is back.
	if (span > DAY)
		add(often(0.4, 3), () => ({
			at: at(),
			kind: "crash",
			device: `buyer-${die.below(buyers)}-module`,
			point: die.within(10, 60),
			downMs: span > 30 * DAY ? 32 * DAY : 6 * DAY,
		}));
	add(often(0.3, 4), () => ({
		at: at(),
		kind: "break",
		device: die.pick(everybody),
	}));
	add(often(0.2, 4), () => ({
		at: at(),
		kind: "replay",
		device: die.pick(everybody),
	}));
	const wrongClock = (device: string, skews: readonly number[]): void => {
		const when = at();
		const aheadMs = die.pick([-1, 1]) * die.pick(skews);
		steps.push({ at: when, kind: "clock", device, aheadMs });
		const isSetRight = die.chance(0.5);
		// Nobody meets an issuer whose clock is not within any certificate, and what cannot be handed in until it is void is lost (docs/guides/when-something-went-wrong.md).
		const far = Math.abs(aheadMs);
		// A merchant that deposits nothing for so long loses what it was paid.
		const isAway =
			skews === ISSUER_SKEWS
				? far > 400 * DAY
				: device.startsWith("merchant") && span > DAY && far >= 20 * DAY;
		if (!isSetRight && !isAway) return;
		const until =
			when +
			die.below(Math.min(isAway ? DAY / 2 : span, Math.max(1, span - when)));
		steps.push({ at: until, kind: "clock", device, aheadMs: 0 });
		if (die.chance(0.5))
			steps.push({ at: until + 1, kind: "forget-time", device });
	};
	for (let left = often(0.35, 3); left > 0; left--)
		wrongClock(die.pick(traders), SKEWS);
	// How much is lost while an issuer's clock is far ahead, and believed, is in docs/money.md.
	for (let left = often(0.15, 2); left > 0; left--)
		wrongClock(die.pick(["issuer-0-module", "issuer-0-agent"]), ISSUER_SKEWS);
	add(often(0.2, 2), () => ({
		at: at(),
		kind: "full",
		device: die.pick(everybody),
		forMs: die.pick([SECOND, 30 * SECOND]),
	}));
	add(often(0.2, 2), () => ({
		at: at(),
		kind: "recertify",
		device: die.pick(everybody),
	}));
	if (die.chance(0.25)) {
		// What nobody can notice of a side that is put back as a whole is in docs/money.md.
		const isWhole = die.chance(0.4);
		const buyer = die.below(buyers);
		const device = die.chance(0.7)
			? `buyer-${buyer}${isWhole ? "" : "-module"}`
			: die.pick(isWhole ? sides : traders);
		const when = at();
		const until = when + die.below(Math.max(1, span - when));
		steps.push({ at: when, kind: "backup", device });
		steps.push({
			at: until,
			kind: "restore",
			device,
			how: isWhole ? "command" : die.pick(["command", "noticed", "unnoticed"]),
		});
		// What was done in between is what can be done again.
		for (const from of [when, until])
			add(die.below(4), () => ({
				at: from + die.below(Math.max(1, Math.floor(span / 4))),
				kind: "buy",
				buyer,
				merchant: die.below(merchants),
				item: die.below(ITEMS),
			}));
	}
	if (die.chance(0.08)) {
		// A purse that goes back along with its issuer, and whose owner does not say so, nobody can hold to anything.
		const device = die.pick(["issuer-0-module", EVERYBODY]);
		const when = at();
		const until = when + die.below(Math.max(1, span - when));
		steps.push({ at: when, kind: "backup", device });
		steps.push({ at: until, kind: "restore", device, how: "command" });
	}
	add(often(0.1, 2), () => ({ at: at(), kind: "pair", side: die.pick(sides) }));
	add(often(0.12, 2), () => ({
		at: at(),
		kind: "replace",
		device: `buyer-${die.below(buyers)}-agent`,
	}));
	if (die.chance(0.06)) {
		const device = die.pick([...traders, "issuer-0-module"]);
		const when = at();
		const until = when + die.below(Math.max(1, span - when));
		steps.push({ at: when, kind: "backup", device });
		steps.push({ at: until, kind: "damage", device });
		if (die.chance(0.5))
			steps.push({
				at: until + die.below(Math.max(1, span - until)),
				...{ kind: "restore", device, how: "command" },
			});
	}
	add(often(0.1, 2), () => ({
		at: at(),
		kind: "rot",
		device: die.pick([...traders, "issuer-0-module"]),
	}));
	if (die.chance(0.1)) {
		const device = die.pick(traders);
		const when = at();
		const later = () => when + die.below(Math.max(1, span - when));
		steps.push({ at: when, kind: "list", device });
		const until = later();
		// Whoever is listed is certified anew, or was listed by mistake.
		if (die.chance(0.5)) steps.push({ at: until, kind: "recertify", device });
		else
			steps.push({
				at: until,
				kind: "unlist",
				role: device.endsWith("agent") ? "agent" : "module",
			});
	}
	add(often(0.2, 2), () => ({
		at: at(),
		kind: "withdraw",
		side: die.pick(sides),
		issuer: die.below(issuers),
		amount: die.within(1, 40),
	}));
	for (let left = often(0.15, 2); left > 0; left--) {
		const side = die.pick(sides);
		const when = at();
		steps.push({
			...{ at: when, kind: "withdraw", side, amount: die.within(1, 40) },
			issuer: die.below(issuers),
		});
		steps.push({
			at: when + die.pick([0, 1, 2, 30, MINUTE]),
			kind: "cancel",
			side,
		});
	}
	if (span > DAY)
		add(often(0.4, 2), () => ({
			at: at(),
			kind: "archive",
			side: die.pick(sides),
			days: die.pick([0, 0, 1, 10]),
			isKilled: die.chance(0.3),
		}));
	add(often(0.1, 1), () => ({
		at: at(),
		kind: "give-back",
		side: die.pick(sides),
		issuer: die.below(issuers),
	}));
	add(often(0.25, 2), () => ({
		at: at(),
		kind: "limit",
		side: die.pick(sides),
		perPayment: die.within(0, 60),
		perDay: die.within(0, 200),
	}));
	steps.push(...drawOrders(new Stream(seed, "orders"), size, span));
	return {
		seed,
		buyers,
		merchants,
		issuers,
		notes: Array.from(
			{ length: die.within(1, isBusy ? 8 : 4) },
			() => die.within(20, 400) * (isBusy ? 12 : 1),
		),
		noteDays,
		graceDays,
		network: conditions(die),
		link: conditions(die),
		syncMs: die.pick([
			[1, 1],
			[0, 20],
			[5, 400],
		] as const),
		settleEveryMs: settleEvery(die, span, graceDays),
		standingMs: isBusy ? die.pick([5, 30, 300]) * SECOND : 0,
		steps: inOrder(steps),
	};
}

/** What is made on order, waits for its owner, or is given back, in some worlds each; of a stream of its own. */
function drawOrders(
	die: Stream,
	{ buyers, merchants, issuers, scale }: Size,
	span: number,
): readonly Step[] {
	const steps: Step[] = [];
	const at = () => die.below(span);
	const some = (probability: number, most: number, step: () => Step): void => {
		if (!die.chance(probability)) return;
		for (let left = die.within(1, most * scale); left > 0; left--)
			steps.push(step());
	};
	const who = () => ({
		buyer: die.below(buyers),
		merchant: die.below(merchants),
	});
	some(0.3, 6, () => ({
		...{ at: at(), kind: "buy", ...who(), item: 0 },
		order: `one like number ${die.below(1000)}`,
	}));
	if (die.chance(0.2)) {
		const side = `buyer-${die.below(buyers)}`;
		steps.push({
			...{ at: at(), kind: "limit", side, perPayment: 60, perDay: 100_000 },
			approvalAbove: die.within(0, 40),
			approveNewMerchants: die.chance(0.3),
		});
		some(1, 6, () => ({
			...{ at: at(), kind: "approve", side, isApproved: die.chance(0.7) },
			how: die.pick(["waiting", "waiting", "decided", "again", "backdated"]),
		}));
	}
	if (die.chance(0.2)) {
		const merchant = die.below(merchants);
		const side = `merchant-${merchant}`;
		const issuer = die.below(issuers);
		const when = at();
		const later = () => when + die.below(Math.max(1, span - when));
		steps.push(
			{ at: when, kind: "settle", side, issuer },
			{
				...{ at: when + SECOND, kind: "withdraw", side, issuer },
				amount: die.within(5, 60),
			},
			{ at: when + 2 * SECOND, kind: "settle", side, issuer },
		);
		some(1, 4, () => ({
			...{ at: later(), kind: "refund", merchant, buyer: die.below(buyers) },
			quarters: die.within(1, 5),
			isOwed: die.chance(0.3),
		}));
		some(0.3, 2, () => ({
			...{ at: later(), kind: "fetch-refund", merchant },
			buyer: die.below(buyers),
		}));
	}
	return steps;
}

/** In the place of a device: all agents, purses and ledgers. */
export const EVERYBODY = "everybody";

/** Things that each merchant sells. */
export const ITEMS = 3;

/** What each of them makes on order. */
export const MADE_ITEM = "made";

/** The contract of the payments of that name. */
export function namedContract(
	{ seed }: Pick<Plan, "seed">,
	name: string,
): Uint8Array {
	return new Stream(seed, `contract ${name}`).bytes(32);
}

export function inOrder(steps: readonly Step[]): readonly Step[] {
	return steps.toSorted((a, b) => a.at - b.at);
}

export function numbered(name: string, count: number): string[] {
	return Array.from({ length: count }, (_, at) => `${name}-${at}`);
}

/** Owners whose agents meet no issuer for longer than a grace lose what is not deposited, and are told so: here nobody does. */
function settleEvery(die: Stream, span: number, graceDays: number): number {
	const often = Math.max(5 * SECOND, Math.floor(span / die.pick([2, 8])));
	return span < DAY
		? die.pick([0, often])
		: Math.min(often, (graceDays * DAY) / 3);
}

export function conditions(die: Stream): Conditions {
	const delay = die.pick([
		[1, 1],
		[1, 30],
		[20, 400],
	] as const);
	const rarely = (probability: number) =>
		die.chance(probability) ? die.pick([0.0005, 0.003, 0.01]) : 0;
	return {
		...QUIET,
		delay,
		breaks: rarely(0.4),
		cutsOneWay: rarely(0.2),
		flips: rarely(0.1),
		truncates: rarely(0.05),
		drops: rarely(0.1),
		repeats: rarely(0.1),
		exchanges: rarely(0.1),
		injects: rarely(0.1),
	};
}
