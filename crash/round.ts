/*
 * One round: owners do what owners do, processes die of it, everything heals, and it is looked up
 * whether all holds that must. The seed decides who does what, who dies, when and at which step, as
 * far as real processes can be told.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { dice } from "../test/support/dice.ts";
import type { DeathAt } from "../test/support/told-to-die.ts";
import { audit, openIn } from "./audit.ts";
import type { Fate } from "./disk.ts";
import { type Device, kill } from "./machine.ts";
import { itemOf, Work } from "./work.ts";
import {
	BUYERS,
	type BuyerName,
	MACHINES,
	type MachineName,
	type World,
} from "./world.ts";

type Roll = (sides: number) => number;

/** What somebody does in a round, when it begins, in milliseconds. */
type Deed =
	| {
			readonly kind: "buy";
			readonly at: number;
			readonly buyer: BuyerName;
			/** By a program that runs, or by a command. */
			readonly by: "program" | "command";
			readonly item: number;
	  }
	| { readonly kind: "pay"; readonly at: number }
	| {
			readonly kind: "withdraw";
			readonly at: number;
			readonly buyer: BuyerName;
			readonly amount: bigint;
	  };

/** Who dies. */
type Strike =
	/** One process, and maybe the next one in its place so many milliseconds later. */
	| {
			readonly kind: "kill";
			readonly at: number;
			readonly device: string;
			/** One that the device supervises. */
			readonly supervised?: string;
			/** Whether it is asked to stop at first, and killed only by `againAfter`. */
			readonly isAsked: boolean;
			readonly againAfter?: number;
	  }
	/** One process at one of its steps; a command that an owner gives where there is no device. */
	| {
			readonly kind: "step";
			readonly at: number;
			readonly machine: MachineName;
			readonly device?: string;
			readonly step: DeathAt;
	  }
	/** All processes of a machine; in a power cut its disk forgets what was not synced, by these dice. */
	| {
			readonly kind: "crash" | "power cut";
			readonly at: number;
			readonly machine: MachineName;
			/** It comes with this step of a process there, if that comes first. */
			readonly step?: DeathAt;
			readonly dice: number;
			/** How long it stays off, in milliseconds. */
			readonly offMs: number;
			/** Once more so many milliseconds later, while its processes recover. */
			readonly againAfter?: number;
	  };

export interface RoundPlan {
	readonly seed: number;
	readonly deeds: readonly Deed[];
	readonly strikes: readonly Strike[];
}

/** What rounds came to, in all. */
export interface Figures {
	rounds: number;
	kills: number;
	powerCuts: number;
	/** What became of what was not synced, by power cut. */
	readonly fates: Record<Fate, number>;
	syncs: number;
	/** Changes of files and of names that power cuts lost, of those that were not synced. */
	changesLost: number;
	namesLost: number;
	purchases: number;
	bought: number;
	payments: number;
	withdrawals: number;
}

export function noFigures(): Figures {
	return {
		...{ rounds: 0, kills: 0, powerCuts: 0, syncs: 0 },
		fates: { lost: 0, kept: 0, first: 0, torn: 0 },
		...{ changesLost: 0, namesLost: 0 },
		...{ purchases: 0, bought: 0, payments: 0, withdrawals: 0 },
	};
}

/** Deeds begin, and processes are killed, within so many milliseconds. */
const DEEDS_MS = 400;
const STRIKES_MS = 2200;

/** A process that has been started again is killed again within so many milliseconds. */
const AGAIN_MS = 900;

/** One that was asked to stop is killed at it within so many milliseconds. */
const STOPPING_MS = 250;

/** The longest that a machine stays off, in milliseconds: others notice, and give up. */
const OFF_MS = 2500;

/** Of a process, and of a command. */
const STEPS: Readonly<Record<DeathAt["kind"], number>> = {
	write: 14,
	message: 30,
};

/** How long a world may take to come to rest, in milliseconds. */
const REST_MS = 120_000;

/** What does not come to rest by itself is gone on with by its owner after so many milliseconds. */
const OWNER_MS = 4000;

const PAY_EVERY = 3;

/** So many things that were not bought in a round are bought after it. */
const MOST_ANEW = 3;

/** Every process that can be killed by itself. */
const VICTIMS: readonly (readonly [device: string, supervised?: string])[] = [
	["issuer module"],
	["issuer agent"],
	["shop up"],
	["shop up", "module"],
	["shop up", "agent"],
	["buyer module"],
	["buyer agent"],
	["buyer shopper"],
	["guest module"],
];

/** What happens in the round of a seed. */
export function drawRound(seed: number, hasPower: boolean): RoundPlan {
	// Neighbours are not alike in their first throws otherwise.
	const roll = dice(Math.imul(seed, 0x9e3779b1));
	for (let skipped = 0; skipped < 8; skipped++) roll(2);
	const at = () => roll(DEEDS_MS);
	const deeds: Deed[] = [];
	for (let number = 4 + roll(6); number > 0; number--)
		deeds.push({
			...{ kind: "buy", at: at(), buyer: "buyer", by: "program" },
			item: roll(3),
		});
	const commands: readonly BuyerName[] = [
		...(roll(2) === 0 ? (["buyer"] as const) : []),
		"guest",
		...(roll(3) === 0 ? (["guest"] as const) : []),
	];
	for (const buyer of commands)
		deeds.push({ kind: "buy", at: at(), buyer, by: "command", item: roll(3) });
	if (roll(PAY_EVERY) === 0) deeds.push({ kind: "pay", at: at() });
	for (const buyer of BUYERS)
		if (roll(buyer === "buyer" ? 2 : 6) === 0)
			deeds.push({
				...{ kind: "withdraw", at: at(), buyer },
				amount: BigInt(100 + roll(400)),
			});
	const strikes: Strike[] = [];
	if (hasPower) strikes.push(machineStrike(roll, "power cut"));
	for (let number = 1 + roll(4); number > 0; number--) {
		const kind = roll(8);
		if (kind === 0) strikes.push(machineStrike(roll, "crash"));
		else if (kind < 4) strikes.push(stepStrike(roll));
		else strikes.push(killStrike(roll));
	}
	return { seed, deeds, strikes };
}

function stepOf(roll: Roll): DeathAt {
	const kind = roll(3) === 0 ? "message" : "write";
	return {
		kind,
		number: 1 + roll(STEPS[kind]),
		when: roll(2) === 0 ? "before" : "after",
	};
}

function machineStrike(roll: Roll, kind: "crash" | "power cut"): Strike {
	const machine = MACHINES[roll(MACHINES.length)] ?? "issuer";
	const atStep = roll(2) === 0 ? { step: stepOf(roll) } : {};
	return {
		...{ kind, at: roll(STRIKES_MS), machine, ...atStep },
		dice: roll(2 ** 31),
		offMs: roll(3) === 0 ? roll(OFF_MS) : 0,
		...(roll(4) === 0 ? { againAfter: 100 + roll(2 * AGAIN_MS) } : {}),
	};
}

function stepStrike(roll: Roll): Strike {
	const common = { kind: "step", at: roll(STRIKES_MS / 2) } as const;
	const step = stepOf(roll);
	if (roll(4) === 0) {
		const machine = BUYERS[roll(BUYERS.length)] ?? "guest";
		return { ...common, at: 0, machine, step };
	}
	const [device = ""] = VICTIMS[roll(VICTIMS.length)] ?? [];
	const machine = device.split(" ")[0] as MachineName;
	return { ...common, machine, device, step };
}

function killStrike(roll: Roll): Strike {
	const [device, supervised] = VICTIMS[roll(VICTIMS.length)] ?? [
		"issuer module",
	];
	// A program that is ours alone has nothing to do at the end.
	const isAsked = roll(4) === 0 && device !== "buyer shopper";
	return {
		...{ kind: "kill", at: roll(STRIKES_MS), device, isAsked },
		...(supervised === undefined ? {} : { supervised }),
		...(roll(3) === 0
			? { againAfter: 30 + roll(isAsked ? STOPPING_MS : AGAIN_MS) }
			: {}),
	};
}

/** What the guest begins with, in minor units. */
const FIRST_NOTES = 100_00n;

/** Everybody has money before the first round. */
export async function beginWork(world: World): Promise<Work> {
	const work = new Work(world);
	await world.withdraw("guest", FIRST_NOTES);
	await comeToRest(world, work, 0);
	return work;
}

/** Runs a round in a world at rest, and counts what it does. Rejects with what does not hold. */
export async function runRound(
	world: World,
	work: Work,
	{ deeds, strikes }: RoundPlan,
	figures: Figures,
): Promise<void> {
	await world.untilUp();
	const deathsBefore = work.deaths;
	const from = work.purchases.length;
	world.isStruck = true;
	const over = new AbortController();
	const working = Promise.all(deeds.map((deed) => run(world, work, deed)));
	const striking = Promise.all(
		strikes.map((strike) =>
			new Striking(world, figures, over.signal).strike(strike),
		),
	);
	// Whoever waits for a step that does not come is let go.
	striking.catch(() => {});
	try {
		await working;
	} finally {
		over.abort();
	}
	await striking;
	for (const machine of world.all) {
		machine.fate.end();
		for (const device of machine.devices) device.fate.end();
	}
	world.isStruck = false;
	await comeToRest(world, work, from);
	const bought = await audit(world, work);
	await buyAnew(work, from);
	world.requireNoTrouble();
	figures.rounds++;
	figures.kills += work.deaths - deathsBefore;
	for (const { kind } of deeds) {
		if (kind === "pay") figures.payments++;
		if (kind === "withdraw") figures.withdrawals++;
	}
	figures.purchases += work.purchases.length - from;
	figures.bought += bought - work.bought;
	work.bought = bought;
}

/** Nothing that was not bought is in the way of buying it now, to the same place. */
async function buyAnew(work: Work, from: number): Promise<void> {
	const missing = work.purchases
		.slice(from)
		// Of what is made on order, a merchant makes no more for whoever has left some unpaid.
		.filter(
			({ buyer, item, target }) =>
				buyer === "buyer" && !item.isMade && !existsSync(target),
		)
		.slice(0, MOST_ANEW);
	await Promise.all(
		missing.map(async (bought) => {
			// What was told so far was true.
			bought.told.length = 0;
			bought.quote = undefined;
			await work.again(bought);
			const [told] = bought.told;
			if (told?.claims.includes("bought") !== true)
				throw new Error(
					`${bought.target} cannot be bought any more: ${told?.said}`,
				);
		}),
	);
}

async function run(world: World, work: Work, deed: Deed): Promise<void> {
	await pause(deed.at);
	switch (deed.kind) {
		case "buy":
			if (deed.by === "program") await work.buyByProgram(itemOf(deed.item));
			else await work.buyByCommand(deed.buyer, itemOf(deed.item));
			return;
		case "pay":
			await work.pay();
			return;
		case "withdraw":
			return world.withdraw(deed.buyer, deed.amount);
	}
}

class Striking {
	readonly #world: World;
	readonly #figures: Figures;
	readonly #over: AbortSignal;

	constructor(world: World, figures: Figures, over: AbortSignal) {
		this.#world = world;
		this.#figures = figures;
		this.#over = over;
	}

	async strike(strike: Strike): Promise<void> {
		await pause(strike.at);
		switch (strike.kind) {
			case "kill": {
				const device = this.#device(strike.device);
				if (strike.isAsked) device.ask(strike.supervised);
				else this.#kill(device, strike.supervised);
				if (strike.againAfter === undefined) return;
				await pause(strike.againAfter);
				return this.#kill(device, strike.supervised);
			}
			case "step":
				await this.#atStep(strike.machine, strike.device, strike.step);
				return;
			case "crash":
			case "power cut": {
				const { machine, step, offMs, againAfter } = strike;
				if (step !== undefined) await this.#atStep(machine, undefined, step);
				const roll = strike.kind === "crash" ? undefined : dice(strike.dice);
				await this.#crash(machine, roll, offMs);
				if (againAfter === undefined) return;
				await pause(againAfter);
				return this.#crash(machine, roll, 0);
			}
		}
	}

	async #crash(
		machine: MachineName,
		roll: Roll | undefined,
		offMs: number,
	): Promise<void> {
		const off = { roll, offMs };
		const { killed, cut } = await this.#world.machines[machine].crash(off);
		const figures = this.#figures;
		figures.kills += killed;
		if (cut === undefined) return;
		figures.powerCuts++;
		figures.fates[cut.fate]++;
		figures.syncs += cut.syncs;
		figures.changesLost += cut.lost;
		figures.namesLost += cut.namesLost;
	}

	#kill(device: Device, supervised: string | undefined): void {
		const pid = device.pid(supervised);
		if (pid === 0) return;
		kill(pid);
		this.#figures.kills++;
	}

	/** Until somebody has died of it, or the work is over. */
	async #atStep(
		machine: MachineName,
		device: string | undefined,
		step: DeathAt,
	): Promise<void> {
		const { fate, devices } = this.#world.machines[machine];
		const told = device === undefined ? undefined : this.#device(device);
		const fates =
			told === undefined
				? [fate, ...devices.map((one) => one.fate)]
				: [told.fate];
		for (const one of fates) one.tell(step);
		while (!this.#over.aborted && fates.every((one) => !one.hasCome(step)))
			await pause(10);
		for (const one of fates) {
			if (one.hasCome(step) && device !== undefined) this.#figures.kills++;
			one.end();
		}
	}

	#device(name: string): Device {
		const found = this.#world.all
			.flatMap(({ devices }) => devices)
			.find((device) => device.name === name);
		if (found === undefined) throw new Error(`there is no ${name}`);
		return found;
	}
}

/** Fails unless agents that are started again leave nothing of what was sealed for goods. */
export async function requireTidy(world: World, work: Work): Promise<void> {
	await world.machines.buyer.crash();
	await world.untilUp();
	await work.asGuest("resolve");
	for (const name of BUYERS) {
		const inbox = join(world.machines[name].folder, "inbox");
		const hidden = (await readdir(inbox)).filter((one) => one.startsWith("."));
		const begun = join(world.home(name, "agent"), "begun");
		const marks = await readdir(begun).catch(() => []);
		assert.deepEqual([hidden, marks], [[], []], `left of goods at ${name}`);
	}
}

/** Everybody runs again, and owners do what the guides say about what does not go on by itself. */
async function comeToRest(
	world: World,
	work: Work,
	from: number,
): Promise<void> {
	await world.untilUp();
	for (const payment of work.payments)
		for (let tries = 0; !payment.isTold; tries++) {
			if (tries === 5) throw new Error("a payment is never made");
			await work.pay(payment);
		}
	const since = Date.now();
	for (let asked = 0; ; ) {
		world.requireNoTrouble();
		const open = await openIn(world);
		if (open.length === 0) return;
		const waited = Date.now() - since;
		if (waited > REST_MS)
			throw new Error(`does not come to rest: ${open.join("; ")}`);
		await world.untilUp();
		if (open.some((what) => what.startsWith("guest"))) {
			await work.asGuest("resolve");
			if (
				(await openIn(world)).some((what) => what.startsWith("guest has not"))
			)
				await work.asGuest("resolve", world.address("shop"), "--merchant");
		}
		if (waited > OWNER_MS * (asked + 1)) {
			asked++;
			for (const bought of work.purchases.slice(from))
				if (bought.quote !== undefined && bought.told.every(isUncertain))
					await work.again(bought);
			await work.resolveByProgram();
		}
		await pause(100);
	}
}

function isUncertain({
	claims,
}: {
	readonly claims: readonly string[];
}): boolean {
	return claims.length === 0;
}
