/* Runs one plan from its beginning to its end. */

import { PURCHASES } from "../src/trade/records/index.ts";
import { BEGINNING, certificates, type Identity } from "./certificates.ts";
import { type Cryptography, STAND_IN } from "./crypto.ts";
import { needsPerson, whatIsOpen } from "./invariants/index.ts";
import { numbered, type Plan, type Step } from "./plan.ts";
import type { Side } from "./side.ts";
import type { Told } from "./trace.ts";
import { PREPARING_MS, type Prepared, type Violation, World } from "./world.ts";

export type { Violation } from "./world.ts";

/** How long everything may take to come to rest once nothing goes wrong any more, in milliseconds. */
const REST_MS = 60_000;

/** How often everybody meets everybody then, in milliseconds. */
const ROUND_MS = 5_000;

/** How often an agent tries to meet its issuer before it waits for the next time. */
const TRIES = 8;

/** Far more than any plan needs. */
const MAX_EVENTS = 2_000_000;

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
	const until = (time: number): boolean => {
		while (world.violation === undefined && schedule.step(time)) {
			checks.stepped();
			if (++events > MAX_EVENTS) {
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
					for (const issuer of world.issuers) side.settle(issuer, TRIES);
				const buyer = world.stream("workload").pick(world.buyers);
				for (const issuer of world.issuers) buyer.settle(issuer);
			});
	until(BEGINNING + PREPARING_MS + span);
	const [pointsAfter, framesAfter] = [points(), new Map(world.frames)];
	if (world.violation === undefined) world.heal();
	const healed = schedule.now;
	let isQuiet = false;
	for (let at = 0; at < REST_MS; at += ROUND_MS) {
		if (!until(healed + at)) break;
		// Everybody has to have met the issuers after the last fault.
		const restless = world.sides.filter(
			(side) =>
				!isAtRest(side) ||
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
			for (const merchant of world.merchants)
				if (open.has(merchant.agent.name) || open.has(merchant.module.name))
					schedule.after(1_500 + turn * apart, () => side.resume(merchant));
		}
	}
	if (!isQuiet) until(schedule.now + ROUND_MS);
	if (world.violation === undefined) checks.rested();
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
		cost: {
			frames: [...world.frames.values()].reduce((sum, of) => sum + of, 0),
			...world.cost,
		},
	};
}

function isAtRest(side: Side): boolean {
	return whatIsOpen(side).length === 0 || needsPerson(side) !== undefined;
}
