/* The mints of a simulated world, how one gets to them, and what happens to them. */
import { TetradError, unreachable } from "../src/errors.ts";
import type { AskEffect, AskedEvent } from "../src/machine/index.ts";
import type { MintChange } from "../src/mint/index.ts";
import { MAX_MINT_ANSWER_BYTES } from "../src/money/cashu/index.ts";
import { ecashPurse, type PurseEcash } from "../src/money/index.ts";
import { hex } from "../src/wire/index.ts";
import type { Device } from "./device.ts";
import type { EcashCryptography } from "./ecash-crypto.ts";
import { Invoices } from "./invoices.ts";
import type { IssuerSide, PriceMoney } from "./issuer-side.ts";
import { type MintReply, SimulatedMint } from "./mint.ts";
import {
	isOwnersStep,
	type MintConditions,
	type MintPlan,
	type MintStep,
	QUIET_MINTS,
} from "./mint-plan.ts";
import { numbered } from "./plan.ts";
import type { World } from "./world.ts";

/** After so long a device takes a mint not to answer, as `src/device/runtime` does. */
const PATIENCE_MS = 30_000;

/** How much later than that a question may come to a mint, at most. */
const LATE_MS = 1_800_000;

/** How long after another one a side is given its tokens before the work begins. */
const TURN_MS = 500;

export class Mints {
	readonly all: readonly SimulatedMint[];
	readonly ecash: EcashCryptography | undefined;
	readonly invoices: Invoices;
	/** How many questions each device has asked. */
	readonly questions: Map<string, number> = new Map();
	/** Questions that are under way, by device. */
	readonly underWay: Map<string, number> = new Map();
	readonly #world: World;
	readonly #plan: MintPlan | undefined;
	readonly #lost = new Map<
		string,
		{ questions: number; readonly isAnswer: boolean; readonly breaks: boolean }
	>();

	constructor(world: World) {
		const { mints: plan } = world.plan;
		this.#world = world;
		this.#plan = plan;
		this.invoices = new Invoices(world);
		this.ecash = plan && world.cryptography.ecash();
		const { ecash } = this;
		this.all =
			plan === undefined || ecash === undefined
				? []
				: numbered("mint", plan.count).map(
						(name) => new SimulatedMint(world, name, ecash, plan),
					);
	}

	of(issuer: Uint8Array): SimulatedMint | undefined {
		return this.all.find((mint) => hex(mint.issuer) === hex(issuer));
	}

	/** What a purse is made with whose owner has named some of them. */
	purse(
		seed: Uint8Array,
		named: ReadonlySet<SimulatedMint>,
	): PurseEcash | undefined {
		const mints = this.all.filter((mint) => named.has(mint));
		if (this.ecash === undefined || mints.length === 0) return undefined;
		return ecashPurse({
			...{ crypto: this.ecash.purse, seed },
			mints: mints.map(({ trusted }) => trusted),
		});
	}

	/** For what a merchant sells one of its items, which have numbers: for the notes of an issuer, for ecash of a mint, or for both. */
	moneyOf(
		merchant: number,
		item: number,
		issuers: readonly IssuerSide[],
	): readonly PriceMoney[] {
		const sells = this.#plan?.sellsFor ?? [];
		const kind = sells[merchant % Math.max(1, sells.length)] ?? "notes";
		const turn = merchant + item;
		const [issuer, mint] = [
			issuers[turn % issuers.length],
			this.all[turn % Math.max(1, this.all.length)],
		];
		return [
			...(mint === undefined || kind === "notes" ? [] : [mint.money]),
			...(issuer === undefined || kind === "ecash" ? [] : [issuer.money]),
		];
	}

	/** How long what is paid to a merchant can be booked, in milliseconds; nothing where it says nothing of that. */
	bookWithinMs(merchant: number): number | undefined {
		const sells = this.#plan?.sellsFor ?? [];
		// What is made on order is paid for with notes.
		const makes = this.#world.plan.steps.some(
			(step) => step.kind === "buy" && step.order !== undefined,
		);
		if (makes) return undefined;
		return sells[merchant % Math.max(1, sells.length)] === "ecash"
			? this.#plan?.lockedMs
			: undefined;
	}

	/** Before the work begins: each buyer's owner has some ecash. */
	begin(): void {
		const { buyers, schedule } = this.#world;
		const tokens = this.#plan?.tokens ?? [];
		for (const [turn, buyer] of buyers.entries())
			for (const mint of this.all)
				for (const amount of tokens)
					schedule.after(1 + TURN_MS * turn, () => {
						const token = mint.token(BigInt(amount));
						if (token !== undefined) buyer.receive(token);
					});
	}

	// What is asked.

	ask(
		device: Device,
		{ id, server, ...request }: AskEffect,
		answer: (event: AskedEvent) => void,
	): void {
		const world = this.#world;
		const mint = this.all.find(({ url }) => url === server);
		if (mint === undefined) throw new TetradError("internal", "no such server");
		const { schedule, trace } = world;
		const stream = world.stream("network of mints");
		const { name } = device;
		this.questions.set(name, (this.questions.get(name) ?? 0) + 1);
		this.#count(device, 1);
		trace.mixBytes(request.body);
		world.tell({ who: name, to: mint.name, what: request.path });
		world.checks.asked(device, mint, request);
		const heard = device.alive(answer);
		let isOver = false;
		const over = (event: AskedEvent): void => {
			if (isOver) return;
			isOver = true;
			this.#count(device, -1);
			heard(event);
		};
		const broken = (): void =>
			over({ kind: "not-answered", id, error: carrierFailed(server) });
		schedule.after(PATIENCE_MS, () =>
			over({ kind: "not-answered", id, error: timedOut(server) }),
		);
		const now = world.isHealed ? QUIET_MINTS : this.#conditions;
		const happens = (kind: Exclude<keyof MintConditions, "delay">) => {
			const does = now[kind] > 0 && stream.chance(now[kind]);
			if (does) this.#fault(device, mint, kind);
			return does;
		};
		const way = () => {
			const [least, most] = now.delay;
			return least === most ? least : stream.within(least, most);
		};
		const lost = this.#loses(name);
		if (lost !== undefined)
			this.#fault(
				device,
				mint,
				lost.isAnswer ? "losesAnswer" : "losesQuestion",
			);
		/** Whoever asked hears of some of what is lost at once. */
		const breaks = lost?.breaks ?? stream.chance(0.7);
		const gone = () => {
			if (breaks) schedule.after(way(), broken);
		};
		if (lost?.isAnswer === false || happens("losesQuestion")) return gone();
		const losesAnswer = lost?.isAnswer === true || happens("losesAnswer");
		const isLate = happens("isLate");
		const arrival = isLate ? PATIENCE_MS + stream.below(LATE_MS) : way();
		const take = (hear: (reply: MintReply) => void) => () =>
			mint.take(request, hear);
		schedule.after(
			arrival,
			take((reply) => {
				if (losesAnswer) return gone();
				schedule.after(way(), () => {
					if (reply === "silence") return broken();
					const { status, body } = reply;
					trace.mixBytes(body);
					world.tell({ who: mint.name, to: name, what: `${status}` });
					if (body.length > MAX_MINT_ANSWER_BYTES)
						return over({ kind: "not-answered", id, error: tooLong(server) });
					over({ kind: "answered", id, status, body });
				});
			}),
		);
		if (happens("doubles"))
			schedule.after(
				arrival + way() + stream.below(2 * PATIENCE_MS),
				take(() => {}),
			);
	}

	get #conditions(): MintConditions {
		return this.#plan?.network ?? QUIET_MINTS;
	}

	#count({ name }: Device, more: number): void {
		this.underWay.set(name, (this.underWay.get(name) ?? 0) + more);
	}

	#fault(device: Device, mint: SimulatedMint, kind: string): void {
		const what = SAID[kind] ?? kind;
		this.#world.count(what);
		this.#world.tell({
			who: device.name,
			what: `${what}: what it asks ${mint.name}`,
			isFault: true,
		});
	}

	/** What is lost by the plan of what it asks now. */
	#loses(
		device: string,
	): { readonly isAnswer: boolean; readonly breaks: boolean } | undefined {
		const lost = this.#lost.get(device);
		if (lost === undefined || --lost.questions > 0) return undefined;
		this.#lost.delete(device);
		return lost;
	}

	/** What a mint has on its disk from now on. */
	kept(mint: SimulatedMint, changes: readonly MintChange[]): void {
		const { trace, checks } = this.#world;
		trace.mix(changes.length);
		checks?.mintKept(mint, changes);
		this.invoices?.kept(mint, changes);
	}

	// Steps.

	step(step: MintStep): void {
		const world = this.#world;
		const tell = (what: string) =>
			world.tell({ who: "world", what, isFault: true });
		if (step.kind === "lose-question") {
			const { device, question, isAnswer, breaks = false } = step;
			this.#lost.set(device, { questions: question, isAnswer, breaks });
			return;
		}
		if (step.kind === "name-mints") {
			world.count("mints named");
			tell(`${step.side} names the mints ${step.mints.join(", ")}`);
			const named = this.all.filter((_, at) => step.mints.includes(at));
			world.sides.find(({ name }) => name === step.side)?.nameMints(named);
			return;
		}
		if (isOwnersStep(step)) {
			const side = world.sides.find(({ name }) => name === step.side);
			return side?.ecash.step(step);
		}
		const mint = this.all[step.mint];
		if (mint === undefined) return;
		switch (step.kind) {
			case "mint-fault": {
				const { kind } = step.fault;
				world.count(`mint: ${kind}`);
				tell(`${mint.name} has a fault: ${JSON.stringify(step.fault)}`);
				return mint.add(step.fault);
			}
			case "mint-clear":
				tell(`${mint.name} is honest again`);
				return mint.clear();
			case "mint-down":
				world.count("mint down");
				tell(`${mint.name} is down for ${step.forMs} ms`);
				mint.die();
				world.schedule.after(step.forMs, () => mint.start());
				return;
			case "mint-crash": {
				const { point, tail, downMs } = step;
				return mint.crashAt({ point, tail, downMs });
			}
			case "mint-clock":
				world.count("clock of a mint");
				tell(`the clock of ${mint.name} is ${step.aheadMs} ms ahead`);
				mint.clockAhead = step.aheadMs;
				return;
			case "rotate":
				world.count("keys rotated");
				tell(`${mint.name} signs with new keys`);
				return mint.rotate(step.inputFeePpk);
			case "receive": {
				const token = mint.token(BigInt(step.amount), step);
				if (token === undefined) return;
				const owners = [step.side, step.sharedWith];
				for (const side of world.sides)
					if (owners.includes(side.name)) side.receive(token);
				if (step.sharedWith !== undefined) world.count("token given twice");
				return;
			}
			default:
				return unreachable(step);
		}
	}

	heal(): void {
		this.#lost.clear();
		for (const mint of this.all) {
			mint.noCrash();
			mint.start();
			mint.clear();
			mint.clockAhead = 0;
		}
		for (const side of this.#world.sides) side.nameMints(this.all);
		this.invoices.heal();
	}
}

/** What a fault is counted as. */
const SAID: Readonly<Record<string, string>> = {
	losesQuestion: "question lost",
	losesAnswer: "answer lost",
	doubles: "question doubled",
	isLate: "question late",
};

function carrierFailed(server: string): TetradError {
	return new TetradError("carrier-failed", `${server} could not be asked`);
}

function timedOut(server: string): TetradError {
	return new TetradError("timed-out", `${server} has not answered in time`);
}

function tooLong(server: string): TetradError {
	return new TetradError("limit-exceeded", `${server} answers with too much`);
}
