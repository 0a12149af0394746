/*
 * A simulated world: sides and issuers, what connects them, and time. Everything that could come out
 * otherwise is drawn from streams of its seed.
 */
import { nodeCrypto } from "../src/crypto/index.ts";
import type { TetradError } from "../src/errors.ts";
import type { Write } from "../src/machine/index.ts";
import type { MintChange } from "../src/mint/index.ts";
import {
	type IssuerReport,
	type PurseReport,
	unpackMessages,
} from "../src/money/index.ts";
import {
	makePolicy,
	type Pairing,
	type Policy,
	type Routing,
} from "../src/tetrad/index.ts";
import { hex, utf8 } from "../src/wire/index.ts";
import type { Agent } from "./agent.ts";
import { BEGINNING, type Certificates, type Identity } from "./certificates.ts";
import type { Cryptography, SealWatcher } from "./crypto.ts";
import type { Device } from "./device.ts";
import { type Checks, makeChecks } from "./invariants/index.ts";
import { IssuerSide } from "./issuer-side.ts";
import { type Believing, IN_LEAGUE, LIES } from "./lies.ts";
import type { SimulatedMint } from "./mint.ts";
import { isMintStep } from "./mint-plan.ts";
import { Mints } from "./mints.ts";
import type { Module } from "./module.ts";
import {
	CarrierEnd,
	type CarrierOptions,
	type Conditions,
	QUIET,
	type Watcher,
} from "./network.ts";
import {
	EVERYBODY,
	ITEMS,
	MADE_ITEM,
	namedContract,
	numbered,
	type Plan,
	type Step,
} from "./plan.ts";
import { Stream } from "./random.ts";
import { rot } from "./rot.ts";
import { Schedule } from "./schedule.ts";
import { Side } from "./side.ts";
import { describeMessage } from "./story.ts";
import type { Tetrad } from "./tetrad.ts";
import { type Told, Trace } from "./trace.ts";
import type { Item } from "./trading.ts";
import { rotGoods } from "./trading.ts";
import { Wiretap } from "./wiretap.ts";

/** What must never be, and was. */
export interface Violation {
	readonly invariant: string;
	readonly what: string;
	/** Milliseconds since the world began. */
	readonly at: number;
}

export interface Pairs {
	ofAgent(module: Uint8Array): Pairing;
	ofModule(agent: Uint8Array): Pairing;
}

/** Certificates that a world may need, made before it begins. */
export interface Prepared {
	readonly cryptography: Cryptography;
	readonly certificates: Certificates;
	/** By the name of a device, one after another. */
	readonly identities: ReadonlyMap<string, readonly Identity[]>;
	/** The lists of the steps that list or unlist, by the number of the step. */
	readonly lists: ReadonlyMap<number, Uint8Array>;
}

export interface WorldOptions {
	readonly plan: Plan;
	readonly prepared: Prepared;
	/** Whether a story is kept. */
	readonly isTelling?: boolean;
}

/** What goods begin with, and nothing else may: it is looked for on every wire. */
export const CANARY: Uint8Array = utf8("canary of the goods");

/** How long a call of somebody's lasts who replays another, in milliseconds. */
const REPLAYED_MS = 5_000;

/** What is told when nothing goes wrong any more. */
export const WELL_AGAIN = "everything is well again";

/** What is set aside for preparations before the work begins, in milliseconds. */
export const PREPARING_MS = 60_000;

export class World {
	readonly plan: Plan;
	readonly cryptography: Cryptography;
	readonly schedule: Schedule = new Schedule(BEGINNING);
	readonly trace: Trace;
	readonly policy: Policy;
	readonly issuers: readonly IssuerSide[];
	readonly mints: Mints;
	readonly buyers: readonly Side[];
	readonly merchants: readonly Side[];
	readonly sides: readonly Side[];
	readonly devices: ReadonlyMap<string, Device>;
	readonly checks: Checks;
	/** How often each kind of fault has happened. */
	readonly faults: Map<string, number> = new Map();
	/** What was sent by all of them, in bytes, and how many transactions have become durable. */
	readonly cost = { bytes: 0, writes: 0 };
	/** How many frames each device has sent. */
	readonly frames: Map<string, number> = new Map();
	/** What nobody honest may have said, or have in a table: message or table, and of what. */
	readonly forbidden: Set<string> = new Set();
	violation: Violation | undefined;
	/** Whether nothing goes wrong any more. */
	isHealed = true;
	readonly sealed: SealWatcher;
	readonly #prepared: Prepared;
	readonly #sideOf: ReadonlyMap<string, Side>;
	readonly #streams = new Map<string, Stream>();
	/** Open connections, by the names of both. */
	readonly #carriers = new Set<{
		readonly ends: readonly [CarrierEnd, CarrierEnd];
	}>();
	/** Lists that authorities have published. */
	readonly #bundles: Uint8Array[] = [];
	/** Frames that are lost by the plan, by the device that sends them. */
	readonly #lost = new Map<
		string,
		{ frames: number; readonly how: "breaks" | "drops" }
	>();
	readonly #certified = new Map<string, number>();
	#isMuted = false;
	readonly #wiretap: Wiretap;
	/** Of connections, when somebody keeps what goes over them. */
	readonly #tapped: Pick<CarrierOptions, "record" | "recorded">;

	constructor({ plan, prepared, isTelling = false }: WorldOptions) {
		this.plan = plan;
		this.#prepared = prepared;
		this.cryptography = prepared.cryptography;
		this.trace = new Trace(isTelling);
		this.#wiretap = new Wiretap(this.stream("attacker"));
		const isTapped =
			plan.network.injects > 0 ||
			plan.link.injects > 0 ||
			plan.steps.some(({ kind }) => kind === "replay");
		this.#tapped = isTapped
			? {
					record: (...ends) => this.#wiretap.record(...ends),
					recorded: (...ends) => this.#wiretap.frame(...ends),
				}
			: {};
		this.sealed = (...given) => this.checks?.sealed(...given);
		const { agency, bank } = prepared.certificates;
		this.policy = makePolicy({
			agencies: [agency.anchor],
			banks: [bank.anchor],
		});
		const identities = (side: string) => ({
			agent: this.#identity(`${side}-agent`),
			module: this.#identity(`${side}-module`),
		});
		const { noteDays, graceDays } = plan;
		this.issuers = numbered("issuer", plan.issuers).map(
			(name) =>
				new IssuerSide({
					...{ world: this, name, noteDays, graceDays },
					identities: identities(name),
				}),
		);
		const terms = this.issuers.map((issuer) => issuer.terms);
		this.mints = new Mints(this);
		const side = (
			name: string,
			items: ReadonlyMap<string, Item>,
			bookWithinMs?: number,
		) =>
			new Side({
				...{ world: this, name, terms, items, bookWithinMs },
				identities: identities(name),
				owner: this.cryptography.signer(`owner of ${name}`),
			});
		this.buyers = numbered("buyer", plan.buyers).map((name) =>
			side(name, new Map()),
		);
		this.merchants = numbered("merchant", plan.merchants).map((name, at) =>
			side(name, this.#items(name, at), this.mints.bookWithinMs(at)),
		);
		this.sides = [...this.buyers, ...this.merchants];
		this.#sideOf = new Map(
			this.sides.flatMap((side) => [
				[side.agent.name, side] as const,
				[side.module.name, side] as const,
			]),
		);
		this.devices = new Map(
			[...this.issuers, ...this.sides].flatMap(({ agent, module }) => [
				[agent.name, agent as Device] as const,
				[module.name, module as unknown as Device] as const,
			]),
		);
		this.checks = makeChecks(this);
	}

	/** The side that a device belongs to; none for an issuer's. */
	sideOf({ name }: Pick<Device, "name">): Side | undefined {
		return this.#sideOf.get(name);
	}

	/** Whether some store of money was ever put back: what was done since may be done again, or be forgotten. */
	get wasPutBack(): boolean {
		return [...this.sides, ...this.issuers].some(
			({ wasRestored }) => wasRestored,
		);
	}

	/** Milliseconds since it began. */
	get elapsed(): number {
		return this.schedule.now - BEGINNING;
	}

	stream(name: string): Stream {
		const known = this.#streams.get(name);
		if (known !== undefined) return known;
		const made = new Stream(this.plan.seed, name);
		this.#streams.set(name, made);
		return made;
	}

	readonly routing = (): Routing =>
		this.stream("workload").chance(0.2) ? "crossed" : "direct";

	/** How long what a device writes takes to be durable. */
	syncMs(device: Device): number {
		const [least, most] = this.isHealed ? [1, 1] : this.plan.syncMs;
		return least === most
			? least
			: this.stream(`disk ${device.name}`).within(least, most);
	}

	/** The same of a mint. */
	mintSyncMs({ name }: SimulatedMint): number {
		const [least, most] = this.isHealed ? [1, 1] : this.plan.syncMs;
		return least === most
			? least
			: this.stream(`disk ${name}`).within(least, most);
	}

	mintKept(mint: SimulatedMint, changes: readonly MintChange[]): void {
		this.mints?.kept(mint, changes);
	}

	pairing(side: string): Pairs {
		const key = nodeCrypto.sha256(utf8(`pairing of ${side}`));
		return {
			ofAgent: (module) => ({ peerDeviceId: module, key }),
			ofModule: (agent) => ({ peerDeviceId: agent, key }),
		};
	}

	#identity(device: string): Identity {
		const number = this.#certified.get(device) ?? 0;
		this.#certified.set(device, number + 1);
		const identity = this.#prepared.identities.get(device)?.[number];
		if (identity === undefined) throw new Error(`${device} has no certificate`);
		return identity;
	}

	#items(merchant: string, number: number): ReadonlyMap<string, Item> {
		const stream = new Stream(this.plan.seed, `items of ${merchant}`);
		return new Map(
			numbered("item", ITEMS).map((name, at): [string, Item] => {
				const content = this.canaried(stream);
				const item = {
					description: { name, mediaType: "", about: "", order: "" },
					kind: "file",
					length: BigInt(content.length),
					amount: BigInt(stream.within(1, 50)),
				} as const;
				const [listing, ...others] = this.mints
					.moneyOf(number, at, this.issuers)
					.map((money) => ({ ...item, ...money }));
				if (listing === undefined) throw new Error("there is no money");
				return [name, { listing, others, content }];
			}),
		).set(MADE_ITEM, this.#madeItem(merchant, number));
	}

	#madeItem(merchant: string, number: number): Item {
		const { terms } = this.issuers[number % this.issuers.length] ?? {};
		if (terms === undefined) throw new Error("there is no issuer");
		const { issuer, currency } = terms;
		const stream = new Stream(this.plan.seed, `orders of ${merchant}`);
		const name = MADE_ITEM;
		return {
			listing: {
				description: { name, mediaType: "", about: "", order: "" },
				kind: "made-on-order",
				length: undefined,
				...{ issuer, currency: currency.code },
				money: { exponent: currency.exponent, isPlay: true },
				amount: BigInt(stream.within(1, 30)),
			},
			content: undefined,
		};
	}

	/** Goods that can be told from everything else. */
	canaried(stream: Stream): Uint8Array {
		return new Uint8Array(
			Buffer.concat([
				CANARY,
				// Now and then more than one chunk.
				stream.bytes(
					stream.chance(0.1) ? 140_000 : stream.pick([0, 100, 3000]),
				),
			]),
		);
	}

	// Who lies in it.

	/** Whether that device, or the other one of its side, has ever lied. */
	isLying(name: string): boolean {
		return this.sides.some(
			({ agent, module }) =>
				(agent.name === name || module.name === name) &&
				(agent.lie !== undefined || module.lie !== undefined),
		);
	}

	forbid({ as, id }: Believing): void {
		this.forbidden.add(`${as} ${hex(id)}`);
	}

	/** Whoever signs for a liar is one. */
	signFor(name: string, content: Uint8Array): Uint8Array {
		const device = this.devices.get(name);
		if (device === undefined) throw new Error(`there is no ${name}`);
		device.lie ??= IN_LEAGUE;
		return device.sign(content);
	}

	// What happens in it.

	fail(invariant: string, what: string): void {
		if (this.#isMuted) return;
		this.violation ??= { invariant, what, at: this.elapsed };
	}

	count(fault: string): void {
		this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
	}

	tell(told: Omit<Told, "at">): void {
		this.trace.tell({ ...told, at: this.elapsed });
	}

	durable(device: Device, writes: readonly Write[]): void {
		this.cost.writes++;
		this.trace.mix(writes.length);
		if (this.trace.isTelling)
			this.tell({
				who: device.name,
				what: `has durable: ${writes.map(({ kind, table }) => `${kind} ${table.name}`).join(", ")}`,
			});
		this.checks.durable(device, writes);
	}

	said(
		device: Device,
		{ to, name }: { readonly to: "agent" | "module"; readonly name: string },
		bytes: Uint8Array,
		tetrad: Tetrad,
	): void {
		for (const one of unpackMessages(bytes)) {
			this.trace.mix(one[0] ?? 0);
			if (this.trace.isTelling)
				this.tell({ who: device.name, to: name, what: describeMessage(one) });
			// What has rotted on its disk is no word of its own: it is heard, and held against nobody.
			this.#isMuted = device.disk.rotten > 0;
			this.checks.said(device, to, one, tetrad);
			this.#isMuted = false;
		}
	}

	confirmed(device: Device, tetrad: Tetrad): void {
		this.tell({
			who: device.name,
			what: `confirms a tetrad as ${tetrad.place}`,
		});
		this.checks.confirmed(device, tetrad);
		if (tetrad.place === "A" && tetrad.transcript.resumes !== undefined)
			this.count("tetrads resumed");
	}

	reported(side: Side, report: PurseReport): void {
		if (this.trace.isTelling)
			this.tell({
				who: side.module.name,
				what: `reports ${report.kind}${"error" in report && report.error !== undefined ? `: ${report.error.code}, ${report.error.message}` : ""}`,
			});
		if ("error" in report) this.heard(side.module.name, report.error);
		this.checks.reported(side, report);
	}

	issuerReported(issuer: IssuerSide, report: IssuerReport): void {
		if (this.trace.isTelling)
			this.tell({
				who: issuer.module.name,
				what: `reports ${report.kind}${report.kind === "settled" ? ` ${report.asked}` : ""}${report.kind === "trouble" ? `: ${report.code}, ${report.reason}` : ""}`,
			});
		if (report.kind === "trouble" && report.code === "internal")
			this.fail("no machine breaks", `${issuer.name}: ${report.reason}`);
		this.checks.issuerReported(issuer, report);
	}

	/** A machine that must not end has ended. */
	broke(device: Device, error: TetradError | undefined): void {
		this.fail(
			"no machine breaks",
			`${device.name}: ${error?.stack ?? "it ended"}`,
		);
	}

	/** Somebody was told why something was not done: it is never our own mistake. */
	heard(who: string, error: TetradError | undefined): void {
		if (error !== undefined) this.checks.heard(who, error);
		if (error?.code === "internal")
			this.fail("no machine breaks", `${who}: ${error.stack}`);
	}

	agentStarted(side: Side): void {
		if (this.isHealed) return;
		// As the process of an agent does: it goes on with what is not over.
		side.agent.later(() => {
			for (const issuer of this.issuers) side.settle(issuer);
		}, 50);
	}

	// Connections.

	dial(from: Agent, to: Agent): CarrierEnd | undefined {
		if (!to.isUp) return undefined;
		const [near, far] = this.#connect(from, to, () => this.plan.network);
		to.later(() => to.called(far), 1);
		return near;
	}

	dialModule<Report>(from: Agent, to: Module<Report>): CarrierEnd | undefined {
		if (!to.isUp) return undefined;
		const device = to as unknown as Device;
		const [near, far] = this.wire(from, device);
		to.later(() => to.linked(far), 1);
		return near;
	}

	/** Between two devices of one owner. */
	wire(from: Device, to: Device): readonly [CarrierEnd, CarrierEnd] {
		return this.#connect(from, to, () => this.plan.link);
	}

	#connect(
		from: Device,
		to: Device,
		conditions: () => Conditions,
	): readonly [CarrierEnd, CarrierEnd] {
		const ends = CarrierEnd.pair(from.name, to.name, {
			schedule: this.schedule,
			stream: this.stream("network"),
			conditions: () => (this.isHealed ? QUIET : conditions()),
			watcher: this.#watcher,
			loses: (from) => this.#loses(from),
			...this.#tapped,
		});
		this.#carriers.add({ ends });
		return ends;
	}

	/** Somebody who has kept what a device was sent calls it, and says all of it again. */
	#replay(device: Agent | Module<never>): void {
		if (!device.isUp) return;
		const frames = this.#wiretap.connection(
			device.name,
			// An agent is called by other agents, and a module by its own.
			(name) => name.endsWith("-agent"),
		);
		for (const { ends } of this.#carriers)
			for (const end of ends) if (end.peer === device.name) end.inject();
		if (frames.length === 0) return;
		this.count("replay");
		const [near, far] = CarrierEnd.pair("wiretap", device.name, {
			schedule: this.schedule,
			stream: this.stream("network"),
			conditions: () => QUIET,
			watcher: this.#watcher,
			loses: () => undefined,
		});
		this.#carriers.add({ ends: [near, far] });
		near.receive({ frame: () => {}, closed: () => {} });
		if ("called" in device) device.called(far);
		else device.linked(far);
		frames.forEach((bytes, at) => {
			this.schedule.after(at, () => near.send(bytes));
		});
		this.schedule.after(REPLAYED_MS, () => near.close());
	}

	#loses(from: string): "breaks" | "drops" | undefined {
		const lost = this.#lost.get(from);
		if (lost === undefined || --lost.frames > 0) return undefined;
		this.#lost.delete(from);
		return lost.how;
	}

	readonly #watcher: Watcher = {
		sent: (from, to, bytes) => {
			this.frames.set(from, (this.frames.get(from) ?? 0) + 1);
			this.cost.bytes += bytes.length;
			this.trace.mixBytes(bytes);
			this.checks.sent(from, to, bytes);
		},
		fault: (kind, from, to) => {
			this.count(kind);
			this.tell({
				who: from,
				what: `${kind}: what it sends ${to}`,
				isFault: true,
			});
		},
	};

	/** A device is gone: all its connections end. */
	hangUp(device: Device): void {
		for (const carrier of this.#carriers) {
			const [near, far] = carrier.ends;
			if (near.name === device.name) near.abandon();
			else if (far.name === device.name) far.abandon();
			if (near.isClosed && far.isClosed) this.#carriers.delete(carrier);
		}
	}

	breakAll(device: Device): void {
		for (const { ends } of this.#carriers)
			for (const end of ends)
				if (end.name === device.name && !end.isClosed) end.break();
	}

	// Steps.

	begin(): void {
		for (const { module, agent } of [...this.issuers, ...this.sides]) {
			module.start();
			agent.start();
		}
		this.mints.begin();
		const { notes } = this.plan;
		this.issuers.forEach((issuer, at) => {
			for (const side of this.sides) {
				const account = side.module.certified().deviceId;
				this.checks.credited(issuer, side, 1n);
				issuer.credit(account, 1n);
				if (this.buyers.includes(side))
					for (const value of notes) {
						this.checks.credited(issuer, side, BigInt(value));
						issuer.credit(account, BigInt(value));
						side.order(issuer.id, BigInt(value));
					}
				const turn = this.sides.indexOf(side);
				this.schedule.after(1 + 3000 * at + 100 * turn, () =>
					side.settle(issuer),
				);
			}
		});
	}

	/** The number is that of the step in its plan. */
	step(step: Step, number: number): void {
		const tell = (what: string) =>
			this.tell({ who: "world", what, isFault: true });
		if (isMintStep(step)) return this.mints.step(step);
		switch (step.kind) {
			case "buy": {
				const merchant = this.merchants[step.merchant];
				const buyer = this.buyers[step.buyer];
				if (merchant === undefined) return;
				return buyer?.buy(
					merchant,
					step.order === undefined ? `item-${step.item}` : MADE_ITEM,
					step,
				);
			}
			case "pay": {
				const merchant = this.merchants[step.merchant];
				const issuer = this.issuers[step.issuer];
				if (merchant === undefined || issuer === undefined) return;
				const contract = namedContract(this.plan, step.name ?? `${number}`);
				const { issuer: id, currency } = issuer.terms;
				return this.buyers[step.buyer]?.pay(merchant, {
					...{ contract, issuer: id, currency: currency.code },
					amount: BigInt(step.amount),
				});
			}
			case "settle": {
				const issuer = this.issuers[step.issuer];
				if (issuer === undefined) return;
				return this.#side(step.side)?.settle(issuer);
			}
			case "resume": {
				const merchant = this.merchants[step.merchant];
				if (merchant === undefined) return;
				return this.buyers[step.buyer]?.resume(merchant);
			}
			case "crash":
				return this.devices.get(step.device)?.crashAt(step);
			case "power": {
				this.count("power");
				tell(`the power goes of ${step.devices.join(", ")}`);
				const devices = step.devices.flatMap(
					(name) => this.devices.get(name) ?? [],
				);
				for (const device of devices) device.die();
				this.schedule.after(step.downMs, () => {
					for (const device of devices) device.start();
				});
				return;
			}
			case "disk-error": {
				const { transaction, isWritten, forMs } = step;
				return this.devices
					.get(step.device)
					?.failAt({ transaction, isWritten, forMs });
			}
			case "lose": {
				const how = step.breaks ? "breaks" : "drops";
				this.#lost.set(step.device, { frames: step.frame, how });
				return;
			}
			case "replay": {
				const device = this.devices.get(step.device);
				tell(`somebody replays to ${step.device} what it was sent before`);
				return device && this.#replay(device as Agent | Module<never>);
			}
			case "break": {
				const device = this.devices.get(step.device);
				if (device === undefined) return;
				this.count("break");
				tell(`all connections of ${step.device} break`);
				return this.breakAll(device);
			}
			case "clock":
				this.count("clock");
				tell(`the clock of ${step.device} is ${step.aheadMs} ms ahead`);
				return this.devices.get(step.device)?.setClock(step.aheadMs);
			case "forget-time": {
				const device = this.devices.get(step.device);
				if (device?.forgetTime() !== true) return;
				this.count("time forgotten");
				tell(`${step.device} has seen no time to come any more`);
				return;
			}
			case "full": {
				const device = this.devices.get(step.device);
				if (device === undefined) return;
				this.count("full");
				tell(`the disk of ${step.device} is full for ${step.forMs} ms`);
				device.disk.isFull = true;
				this.schedule.after(step.forMs, () => {
					device.disk.isFull = false;
				});
				return;
			}
			case "damage": {
				const device = this.devices.get(step.device);
				if (device === undefined || device.isDamaged) return;
				this.count("damage");
				tell(`pages of the store of ${step.device} are damaged`);
				return device.damage();
			}
			case "rot": {
				const what = this.#rot(step.device);
				if (what === undefined) return;
				this.count("rot");
				return tell(`a bit changes of ${what} at ${step.device}`);
			}
			case "backup":
				for (const [side, device] of this.#disksOf(step.device))
					side.backup(device);
				for (const issuer of this.#ledgersOf(step.device)) issuer.backup();
				return;
			case "restore":
				tell(
					`the disk of ${step.device} is put back to a backup (${step.how})`,
				);
				for (const [side, device] of this.#disksOf(step.device))
					if (side.restore(device, step.how)) this.count("restore");
				for (const issuer of this.#ledgersOf(step.device))
					if (issuer.restore()) this.count("restore of an issuer");
				return;
			case "recertify": {
				const device = this.devices.get(step.device);
				this.count("recertify");
				tell(`${step.device} has a new key and a new certificate`);
				return device?.recertify(this.#identity(step.device));
			}
			case "lie": {
				const device = this.devices.get(step.device);
				const lie = LIES[step.lie];
				const kind = step.device.replace(/-\d+-/, "-");
				if (device === undefined || lie?.by !== kind) return;
				tell(`${step.device} lies from now on: ${step.lie}`);
				device.lie = lie;
				return;
			}
			case "pair":
				tell(`the devices of ${step.side} are paired anew`);
				return this.#side(step.side)?.pair();
			case "replace": {
				const side = this.sides.find(({ agent }) => agent.name === step.device);
				if (side === undefined) return;
				this.count("replace");
				tell(`${step.device} is another device now`);
				return side.replaceAgent(this.#identity(step.device));
			}
			case "list":
			case "unlist": {
				const bundle = this.#prepared.lists.get(number);
				if (bundle === undefined) return;
				this.count(step.kind);
				tell(
					step.kind === "list"
						? `${step.device} is listed`
						: "a list is empty again",
				);
				this.#bundles.push(bundle);
				for (const device of this.devices.values())
					if (device.isUp && !isHiddenFrom(step, device))
						device.learnList(bundle);
				return;
			}
			case "withdraw": {
				const issuer = this.issuers[step.issuer];
				if (issuer === undefined) return;
				return this.#side(step.side)?.order(issuer.id, BigInt(step.amount));
			}
			case "cancel":
				return this.#side(step.side)?.cancel();
			case "archive":
				return this.#side(step.side)?.archive(step.days, step.isKilled);
			case "give-back": {
				const issuer = this.issuers[step.issuer];
				if (issuer === undefined) return;
				return this.#side(step.side)?.giveBack(issuer.id);
			}
			case "limit":
				return this.#side(step.side)?.limit(
					[
						...this.issuers.map(({ id }) => id),
						...this.mints.all.map(({ issuer }) => issuer),
					],
					step,
				);
			case "refund": {
				const buyer = this.buyers[step.buyer];
				if (buyer === undefined) return;
				return this.merchants[step.merchant]?.refunds.give(buyer, step);
			}
			case "fetch-refund": {
				const merchant = this.merchants[step.merchant];
				if (merchant === undefined) return;
				return this.buyers[step.buyer]?.refunds.fetch(merchant);
			}
			case "approve":
				return this.#side(step.side)?.owner.approve(step);
			case "override":
				return this.#side(step.side)?.owner.override(step);
		}
	}

	/** Nothing goes wrong any more, and everybody runs. */
	heal(): void {
		this.isHealed = true;
		this.tell({
			who: "world",
			what: WELL_AGAIN,
			isFault: true,
		});
		this.#lost.clear();
		// Whoever relies on an issuer that lies for good has to wait for good.
		for (const { module } of this.issuers) module.lie = undefined;
		for (const device of this.devices.values()) {
			device.noCrash();
			device.disk.mend();
			if (device.isDamaged) this.#putBack(device);
			if (device.clockAhead !== 0) device.setClock(0);
			device.start();
			// Whoever is told that it has seen a later time knows that it was wrong, and takes it out.
			if (device.forgetTime()) this.count("time forgotten");
			// Whoever was away, or had a wrong clock, gets the lists of its authorities.
			for (const bundle of this.#bundles) device.learnList(bundle);
		}
		this.mints.heal();
		for (const side of this.sides) if (!side.isPaired) side.pair();
	}

	#side(name: string): Side | undefined {
		return this.sides.find((side) => side.name === name);
	}

	/** Whoever has no backup of a store that cannot be opened begins with an empty one, which is no case of ours: there is one. */
	#putBack(device: Device): void {
		const isBack = [
			...this.#disksOf(device.name).map(([side, one]) =>
				side.restore(one, "command"),
			),
			...this.#ledgersOf(device.name).map((issuer) => issuer.restore()),
		].some(Boolean);
		// Without a backup it was damaged in no plan that was drawn, but in one that was made smaller.
		if (!isBack) device.isDamaged = false;
	}

	/** Answers what has changed. */
	#rot(name: string): string | undefined {
		const device = this.devices.get(name);
		if (device === undefined) return undefined;
		const stream = this.stream("rot");
		const side = this.sides.find(({ agent }) => agent.name === name);
		if (side !== undefined) return rotGoods(side.goods, stream);
		const isLedger = this.issuers.some(({ module }) => module.name === name);
		const what = rot(device, isLedger, stream);
		if (what !== undefined) device.disk.rotten++;
		return what;
	}

	/** Of the module of an issuer, or of all of them. */
	#ledgersOf(name: string): readonly IssuerSide[] {
		return this.issuers.filter(({ module }) =>
			[module.name, EVERYBODY].includes(name),
		);
	}

	/** Of a device, of both devices of a side, or of everybody. */
	#disksOf(
		name: string,
	): readonly (readonly [Side, Agent | Module<PurseReport>])[] {
		return this.sides.flatMap((side) =>
			[side.module, side.agent]
				.filter((device) => [device.name, side.name, EVERYBODY].includes(name))
				.map((device) => [side, device] as const),
		);
	}
}

/** Whoever is on a list may see to it that its own devices do not hear of that. */
function isHiddenFrom(step: Step, { name }: Device): boolean {
	if (step.kind !== "list" || step.isHidden !== true) return false;
	const side = (device: string) => device.replace(/-(agent|module)$/, "");
	return side(name) === side(step.device);
}
