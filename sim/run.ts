/* Runs one plan from its beginning to its end. */

import { ecashTables, purseTables } from "../src/money/index.ts";
import { PURCHASES } from "../src/trade/records/index.ts";
import { BEGINNING, certificates, type Identity } from "./certificates.ts";
import { type Cryptography, STAND_IN } from "./crypto.ts";
import { OPEN } from "./invariants/ecash-rows.ts";
import {
	needsPerson,
	notRecalled,
	whatIsForgotten,
	whatIsLocked,
	whatIsOpen,
} from "./invariants/index.ts";
import { numbered, type Plan, type Step } from "./plan.ts";
import type { Side } from "./side.ts";
import type { Told } from "./trace.ts";
import { PREPARING_MS, type Prepared, type Violation, World } from "./world.ts";

export type { Violation } from "./world.ts";

/** How long everything may take to come to rest once nothing goes wrong any more, in milliseconds. */
const REST_MS = 60_000;

const DAY_MS = 86_400_000;

/** How long, beside the life of notes and the grace, money may be asked about that an issuer has forgotten, and how often it is. */
const LOST_AFTER_DAYS = 60;
const BETWEEN_MEETINGS_MS: number = 5 * DAY_MS;

/** How often everybody meets everybody then, in milliseconds. */
const ROUND_MS = 5_000;

/** How often an agent tries to meet its issuer before it waits for the next time. */
const TRIES = 8;

/** How often whoever waits for a mint meets the other side, and how often at most. */
const ASKING_MS = 120_000;
const ASKING_ROUNDS = 15;

/** A purse that was put back looks so long for what it may have paid: an hour after the time to pay it, which is not long at all here. */
const LOOKED_FOR_MS = 5_400_000;

/**
 * Far more than any plan needs: no small world has come near to the first, and of five with more
 * than two hundred sides, which had ended at that, each came to rest after at most 13,000 for each
 * side.
 */
const MAX_EVENTS = 2_000_000;
const MAX_EVENTS_OF_SIDE = 50_000;

export interface Result {
	readonly violation: Violation | undefined;
	readonly hash: string;
	/** Purchases that were asked of agents that ran. */
	readonly asked: number;
	/** Of these, since no tetrad came about. */
	readonly unmet: number;
	/** And as their agents said; some agents died before they could. */
	readonly bought: number;
	readonly refused: number;
	/** Payments beside purchases that came to their end. */
	readonly paid: number;
	/** Purchases whose goods can be read at the end. */
	readonly owned: number;
	readonly faults: ReadonlyMap<string, number>;
	readonly events: number;
	readonly virtualMs: number;
	/** What persons have to do at the end. */
	readonly persons: readonly string[];
	readonly told: readonly Told[];
	/** By device, the places at which it could have died in the time of the work, and the frames that it sent. */
	readonly points: ReadonlyMap<string, number>;
	readonly frames: ReadonlyMap<string, number>;
	/** By device, the questions that it asked mints in that time, and of each mint the places at which it could have died. */
	readonly questions: ReadonlyMap<string, number>;
	readonly mintPoints: readonly number[];
	/** Of the whole run: frames and bytes that were sent, and transactions that became durable. */
	readonly cost: {
		readonly frames: number;
		readonly bytes: number;
		readonly writes: number;
	};
}

/** Certificates and lists that a plan may need. */
export async function prepare(
	plan: Plan,
	cryptography: Cryptography = STAND_IN,
): Promise<Prepared> {
	const made = await certificates(cryptography);
	const devices = [
		...numbered("issuer", plan.issuers),
		...numbered("buyer", plan.buyers),
		...numbered("merchant", plan.merchants),
	].flatMap((side) => [`${side}-agent`, `${side}-module`]);
	const identities = new Map<string, readonly Identity[]>();
	for (const device of devices) {
		const authority = device.endsWith("agent") ? made.agency : made.bank;
		const all = [await authority.identity(device, 0)];
		let name = device;
		for (const step of plan.steps) {
			if (!isCertifying(step) || step.device !== device) continue;
			// Another device has another name.
			if (step.kind === "replace") name = `${device}-${all.length}`;
			all.push(await authority.identity(name, all.length));
		}
		identities.set(device, all);
	}
	const lists = new Map<number, Uint8Array>();
	const used = new Map<string, number>();
	for (const [number, step] of plan.steps.entries()) {
		if (isCertifying(step))
			used.set(step.device, (used.get(step.device) ?? 0) + 1);
		const now = BEGINNING + PREPARING_MS + step.at;
		if (step.kind === "list") {
			const authority = step.device.endsWith("agent") ? made.agency : made.bank;
			const listed = identities.get(step.device)?.[used.get(step.device) ?? 0];
			if (listed !== undefined)
				lists.set(number, await authority.list(number + 1, [listed], now));
		}
		if (step.kind === "unlist") {
			const authority = step.role === "agent" ? made.agency : made.bank;
			lists.set(number, await authority.list(number + 1, [], now));
		}
	}
	return { cryptography, certificates: made, identities, lists };
}

/** Whether a device has another certificate from then on. */
function isCertifying(
	step: Step,
): step is Extract<Step, { kind: "recertify" | "replace" }> {
	return step.kind === "recertify" || step.kind === "replace";
}

/** Runs a plan. With the same plan everything is the same again, to the last byte. */
export async function runPlan(
	plan: Plan,
	options: {
		readonly isTelling?: boolean;
		readonly cryptography?: Cryptography;
	} = {},
): Promise<Result> {
	return runPrepared(plan, await prepare(plan, options.cryptography), options);
}

export function runPrepared(
	plan: Plan,
	prepared: Prepared,
	{ isTelling = false }: { readonly isTelling?: boolean } = {},
): Result {
	const world = new World({ plan, prepared, isTelling });
	const { schedule, checks } = world;
	let events = 0;
	const maxEvents = MAX_EVENTS + world.sides.length * MAX_EVENTS_OF_SIDE;
	const until = (time: number): boolean => {
		while (world.violation === undefined && schedule.step(time)) {
			checks.stepped();
			if (++events > maxEvents) {
				world.fail("everything comes to rest", "it never becomes quiet");
				break;
			}
		}
		return world.violation === undefined;
	};
	const points = () =>
		new Map([...world.devices].map(([name, device]) => [name, device.points]));
	const since = (
		now: ReadonlyMap<string, number>,
		then: ReadonlyMap<string, number>,
	) =>
		new Map(
			[...now].map(([name, count]) => [name, count - (then.get(name) ?? 0)]),
		);

	world.begin();
	until(BEGINNING + PREPARING_MS);
	const [pointsBefore, framesBefore] = [points(), new Map(world.frames)];
	const asked = () => new Map(world.mints.questions);
	const mintPoints = () => world.mints.all.map((mint) => mint.points);
	const [askedBefore, mintPointsBefore] = [asked(), mintPoints()];
	world.isHealed = false;
	const { steps, settleEveryMs } = plan;
	steps.forEach((step, number) => {
		schedule.at(BEGINNING + PREPARING_MS + step.at, () => {
			world.trace.mix(number);
			world.step(step, number);
		});
	});
	const span = (steps.at(-1)?.at ?? 0) + 2_000;
	if (settleEveryMs > 0)
		for (let at = settleEveryMs; at < span; at += settleEveryMs)
			schedule.at(BEGINNING + PREPARING_MS + at, () => {
				for (const side of world.merchants)
					for (const issuer of world.issuers) side.settleAgain(issuer);
				const buyer = world.stream("workload").pick(world.buyers);
				for (const issuer of world.issuers) buyer.settle(issuer);
			});
	until(BEGINNING + PREPARING_MS + span);
	const [pointsAfter, framesAfter] = [points(), new Map(world.frames)];
	const [askedAfter, mintPointsAfter] = [asked(), mintPoints()];
	if (world.violation === undefined) world.heal();
	const healed = schedule.now;
	let isQuiet = false;
	for (let at = 0; at < REST_MS; at += ROUND_MS) {
		if (!until(healed + at)) break;
		// Everybody has to have met the issuers after the last fault.
		const restless = world.sides.filter(
			(side) =>
				!isAtRest(side, world) ||
				(needsPerson(side) === undefined &&
					world.issuers.some((issuer) => !side.hasMet(issuer, healed))),
		);
		// Whoever waited for a tetrad may buy something when all others are at rest.
		if (restless.length === 0) {
			if (isQuiet) break;
			isQuiet = true;
			continue;
		}
		isQuiet = false;
		// Not all at one moment, where there are many.
		const apart = restless.length > 8 ? Math.ceil(2_000 / restless.length) : 0;
		for (const [turn, side] of restless.entries()) {
			schedule.after(turn * apart, () => {
				for (const issuer of world.issuers) side.settle(issuer);
			});
			const { open } = side;
			// A merchant that gives money back is a payer, too.
			for (const other of world.sides)
				if (
					other !== side &&
					(open.has(other.agent.name) || open.has(other.module.name))
				)
					schedule.after(1_500 + turn * apart, () => side.resume(other));
		}
	}
	if (!isQuiet) until(schedule.now + ROUND_MS);
	if (world.violation === undefined) unlock(world, until);
	if (world.violation === undefined) checks.rested();
	if (world.violation === undefined) lose(world, until);
	const answers = world.sides.flatMap((side) => side.answers);
	return {
		violation: world.violation,
		hash: world.trace.hash,
		asked: world.buyers.reduce((sum, { asked }) => sum + asked, 0),
		unmet: world.buyers.reduce((sum, { unmet }) => sum + unmet, 0),
		bought: answers.filter(({ kind }) => kind === "bought").length,
		refused: answers.filter(({ kind }) => kind === "refused").length,
		paid: world.sides.flatMap(({ payments }) =>
			payments.filter(({ kind }) => kind === "bought"),
		).length,
		owned: world.buyers.flatMap(({ agent }) =>
			agent.disk.rows(PURCHASES).filter(({ state }) => state === "final"),
		).length,
		faults: world.faults,
		events,
		virtualMs: world.elapsed,
		persons: world.sides.flatMap((side) => needsPerson(side) ?? []),
		told: world.trace.told,
		points: since(pointsAfter, pointsBefore),
		frames: since(framesAfter, framesBefore),
		questions: since(askedAfter, askedBefore),
		mintPoints: mintPointsAfter.map(
			(count, at) => count - (mintPointsBefore[at] ?? 0),
		),
		cost: {
			frames: [...world.frames.values()].reduce((sum, of) => sum + of, 0),
			...world.cost,
		},
	};
}

/**
 * What is asked of mints is asked less and less often, and what nobody claims comes back at the
 * deadline of its contract: as long as something waits for that, buyers and merchants go on meeting.
 */
function unlock(world: World, until: (time: number) => boolean): void {
	const { sides, merchants, schedule } = world;
	const isOver = () =>
		sides.every(
			(side) => whatIsLocked(side).length === 0 && isAtRest(side, world),
		);
	const meet = (): void => {
		// Whoever waited for a tetrad until now may have bought something since all others were at rest.
		for (const side of sides)
			if (!isAtRest(side, world))
				for (const issuer of world.issuers) side.settle(issuer);
		for (const side of sides)
			for (const merchant of merchants)
				if (
					side.open.has(merchant.agent.name) ||
					side.open.has(merchant.module.name)
				)
					side.resume(merchant);
	};
	const rounds = (): boolean => {
		for (let round = 0; round < ASKING_ROUNDS && !isOver(); round++) {
			meet();
			if (!until(schedule.now + ASKING_MS)) return false;
		}
		return true;
	};
	// A purse that was put back may look for what it has paid, without anything that is locked.
	if (world.mints.all.length === 0 || isOver()) return;
	if (!rounds() || isOver()) return;
	const deadlines = sides.flatMap(({ module }) =>
		module.disk
			.rows(ecashTables.LOCKED)
			.filter(({ state }) => OPEN.has(state))
			.map(({ deadline }) => 1000 * Number(deadline)),
	);
	const isAskedStill = !sides.every((side) => isAtRest(side, world));
	const last = Math.max(
		schedule.now + (isAskedStill ? LOOKED_FOR_MS : 0),
		...deadlines,
	);
	if (until(last)) rounds();
}

/** Money that an issuer has forgotten is over, too, some weeks after it could be had: nobody asks about it for ever. */
function lose(world: World, until: (time: number) => boolean): void {
	const { sides, issuers, plan, schedule } = world;
	const open = () =>
		sides
			.filter(
				(side) =>
					!world.isLying(side.agent.name) && needsPerson(side) === undefined,
			)
			.flatMap((side) =>
				whatIsForgotten(side, world).map((what) => `${side.name}: ${what}`),
			);
	if (open().length === 0) return;
	const days = plan.noteDays + plan.graceDays + LOST_AFTER_DAYS;
	const last = schedule.now + days * DAY_MS;
	while (schedule.now < last && open().length > 0) {
		for (const side of sides)
			for (const issuer of issuers) side.settle(issuer, TRIES);
		if (!until(schedule.now + BETWEEN_MEETINGS_MS)) return;
	}
	const left = open();
	if (left.length > 0)
		world.fail(
			"everything comes to rest",
			`forgotten money is asked about for ever: ${left.join(", ")}`,
		);
	else world.count("forgotten money");
}

function isAtRest(side: Side, world: World): boolean {
	if (whatIsOpen(side).length === 0) return true;
	// A purse that waits for its owner has what it paid with ecash all the same, and hands in what its payers wait to be booked.
	const { disk, isUp } = side.module;
	const toBook = disk
		.rows(purseTables.RECEIPTS)
		.some(({ state }) => state === "to-book");
	return (
		needsPerson(side) !== undefined &&
		notRecalled(world, side).length === 0 &&
		!(isUp && toBook)
	);
}
