/*
 * A purchase of real processes, each of which is killed before and after every one of its durable
 * writes and, chosen by a seed, of its messages, a third of them once more while they recover.
 * TETRAD_LONG_WALKS=1 takes every message, and dies again in every recovery.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dice } from "../support/dice.ts";
import { temporaryFolder } from "../support/folders.ts";
import {
	MORTALS,
	type Mortal,
	type Point,
	pointName,
	Street,
} from "../support/street.ts";
import type { DeathAt } from "../support/told-to-die.ts";

const IS_LONG = process.env["TETRAD_LONG_WALKS"] === "1";
const SEED = Number(process.env["TETRAD_WALK_SEED"] ?? 1);

/** Messages of each device that are tried, unless all are. */
const SOME_MESSAGES = 1;
/** Within so many steps of its start a recovery is killed. */
const EARLY_STEPS: Readonly<Record<DeathAt["kind"], number>> = {
	write: 4,
	message: 12,
};
const WHENS = ["before", "after"] as const;

type Steps = Readonly<Record<Mortal, readonly DeathAt["kind"][]>>;

/** What each device does in a purchase, and until everything is at rest. */
async function recordSteps(street: Street): Promise<Steps> {
	for (const who of MORTALS) street.fates[who].count();
	const { code, reason } = await street.buy(street.newTarget());
	assert.equal(code, undefined, reason);
	const ofBuyer = street.fates.A.end();
	await street.resolve("issuer");
	await street.requireRest();
	const end = (who: Mortal) => street.fates[who].end();
	return {
		A: ofBuyer,
		X: end("X"),
		B: end("B"),
		Y: end("Y"),
		mint: end("mint"),
		clerk: end("clerk"),
	};
}

/** Steps of a kind, by number. What a command does before it says anything, and when all is said, is to open and to close its home. */
function numbersOf(
	steps: readonly DeathAt["kind"][],
	kind: DeathAt["kind"],
	who: Mortal,
): number[] {
	const [first, last] =
		who === "A" && !IS_LONG
			? [steps.indexOf("message"), steps.lastIndexOf("message")]
			: [0, steps.length];
	let number = 0;
	return steps.flatMap((step, at) => {
		if (step !== kind) return [];
		number++;
		return at >= first && at <= last ? [number] : [];
	});
}

function pointsOf(steps: Steps): Point[] {
	const roll = dice(SEED);
	const either = () => WHENS[roll(2)] ?? "after";
	return MORTALS.flatMap((who) => {
		const both = (kind: DeathAt["kind"]): DeathAt[] =>
			numbersOf(steps[who], kind, who).flatMap((number) =>
				WHENS.map((when) => ({ kind, number, when })),
			);
		// A buyer's agent has many, of which the next one begins where one ended.
		const writes = both("write").filter(
			({ when, number }) =>
				IS_LONG || who !== "A" || when === WHENS[number % WHENS.length],
		);
		const messages = both("message");
		while (!IS_LONG && messages.length > SOME_MESSAGES)
			messages.splice(roll(messages.length), 1);
		return [...writes, ...messages].map((at, nth) => {
			// How often a seed is rolled hangs on the messages that were recorded.
			if (!IS_LONG && nth % 3 > 0) return { who, at };
			const kind = roll(2) === 0 ? "write" : "message";
			const number = 1 + roll(EARLY_STEPS[kind]);
			return { who, at, again: { kind, number, when: either() } };
		});
	});
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let streets: readonly Street[];

before(async () => {
	folder = await temporaryFolder();
	streets = await Promise.all(
		["left", "right"].map((name) => Street.open(join(folder.path, name))),
	);
});
after(async () => {
	for (const street of streets ?? []) await street[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

/**
 * How many writes of each are tried at least. What waits for the disk at once is one write, so how
 * many there are hangs on its speed: test/trade/critical-path holds the exact number. The issuer's agent
 * keeps nothing.
 */
const LEAST_WRITES: Readonly<Record<Mortal, number>> = {
	A: 9,
	X: 6,
	B: 3,
	Y: 3,
	mint: 3,
	clerk: 0,
};

/** Deaths that were to be, and that were. */
class Deaths {
	tried = 0;
	died = 0;

	count(died: boolean): void {
		this.tried++;
		if (died) this.died++;
	}

	/** Fails the test unless so many were tried, and this part of them came. */
	require(what: string, least: number, part: number): void {
		const { tried, died } = this;
		assert.ok(
			tried >= least && died >= Math.floor(tried * part),
			`${what}: ${died} deaths at ${tried} points`,
		);
	}
}

const forEach = (): Readonly<Record<Mortal, Deaths>> => ({
	A: new Deaths(),
	X: new Deaths(),
	B: new Deaths(),
	Y: new Deaths(),
	mint: new Deaths(),
	clerk: new Deaths(),
});

describe("a purchase of five devices", () => {
	test("comes to a true end whoever is killed at whichever step", async (t) => {
		const [first] = streets;
		assert.ok(first);
		const points = pointsOf(await recordSteps(first));
		const deaths = { write: forEach(), message: forEach(), again: forEach() };
		const failures: Error[] = [];
		const walk = async (street: Street) => {
			for (let point = points.shift(); point; point = points.shift()) {
				const name = pointName(point);
				try {
					const { died, diedAgain } = await street.live(point);
					const { who, at, again } = point;
					deaths[at.kind][who].count(died);
					if (again !== undefined) deaths.again[who].count(diedAgain);
				} catch (cause) {
					// What was left behind would fail all that follow.
					failures.push(new Error(name, { cause }));
					return;
				}
			}
		};
		await Promise.all(streets.map(walk));
		t.diagnostic(JSON.stringify(deaths));
		if (failures.length > 0) throw new AggregateError(failures, "it did not");
		await Promise.all(streets.map((street) => street.requireNothingSealed()));
		for (const who of MORTALS)
			deaths.write[who].require(`writes of ${who}`, LEAST_WRITES[who], 3 / 4);
		// How many messages there are hangs on the time: on a slow machine a merchant settles more often in the record than in a purchase.
		const all = (of: Readonly<Record<Mortal, Deaths>>): Deaths => {
			const sum = new Deaths();
			for (const { tried, died } of Object.values(of)) {
				sum.tried += tried;
				sum.died += died;
			}
			return sum;
		};
		all(deaths.message).require("messages", MORTALS.length, 1 / 3);
		all(deaths.again).require("recoveries", 8, 1 / 2);
	});
});
