/*
 * A few modules with money, their agents and an issuer, in one process without a network: each
 * message is delivered on its own, and a module can be killed at any of its durable writes.
 */
import assert from "node:assert/strict";
import { carryOut, type Handlers } from "../../sim/routing.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { asTetradError, TetradError } from "../../src/errors.ts";
import {
	type CertifiedDevice,
	ChainVerdicts,
	encodeBundle,
	issueUntrustedList,
	type Signer,
	validateChain,
} from "../../src/identity/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import type { AskEffect, AskedEvent, Ended } from "../../src/machine/index.ts";
import {
	accountOf,
	type Balance,
	BOOKINGS,
	credit,
	draftApproval,
	draftCancellation,
	draftLimits,
	draftOrder,
	draftOverride,
	FIRST_HEAD,
	type Head,
	NOTES as ISSUED,
	IssuerMachine,
	type IssuerTerms,
	loadPurse,
	type MakeSalePart,
	type Meeting,
	type MoneyContext,
	type MoneyEffect,
	type MoneyEvent,
	type MoneyMachine,
	messages,
	noBalance,
	openAccount,
	type PurseEcash,
	PurseMachine,
	type PurseMachineOptions,
	type PurseReport,
	REQUEST_ID_BYTES,
	readBalances,
	type SaleJudge,
	type SpendingRules,
	TRANSFERS,
} from "../../src/money/index.ts";
import {
	NOTES,
	PAYMENTS,
	RECEIPTS,
} from "../../src/money/purse/purse-tables.ts";
import { concat, copy, enc, hex, utf8 } from "../../src/wire/index.ts";
import { makeWorld, type World } from "../support/authority.ts";
import { MemoryStore } from "../support/memory-store.ts";

const { body, message, WITH_AGENT } = messages;

export const COIN = { code: "COIN", exponent: 2 } as const;

/** What an agent heard from its module. */
export interface Heard {
	readonly kind: "paid" | "expecting" | "received" | "failed" | "settled";
	readonly tetrad: number;
	/** In hexadecimal; empty for `settled`. */
	readonly contract: string;
	readonly amount: bigint;
	/** In hexadecimal, as the chain under which it was signed. */
	readonly receipt: string;
	readonly chain: string;
	readonly code: string;
	readonly isInDoubt: boolean;
	readonly reason: string;
}

export interface Kill {
	/** The first write from now on is number 1. */
	readonly write: number;
	readonly when: "before" | "after";
}

interface Wired {
	readonly to: Module;
	readonly tetrad: number;
	/** Nothing: the tetrad is closed. */
	readonly bytes: Uint8Array | undefined;
}

type Start = (module: Module) => MoneyMachine<unknown>;

/** An event that a machine was handed, what it answered, and what it waited for then. */
interface Step {
	readonly event: MoneyEvent;
	readonly now: number;
	readonly effects: ReturnType<MoneyMachine<unknown>["handle"]>;
	readonly pending: MoneyMachine<unknown>["pending"];
}

/** A machine's life from what is in a store on: enough to live it again. */
export interface Recording {
	readonly store: MemoryStore;
	/** What it has drawn, in order. */
	readonly random: Uint8Array[];
	readonly steps: Step[];
}

/** A module's process, its store and its agent. */
export class Module {
	readonly name: string;
	device: CertifiedDevice;
	/** Its own agent; the module itself in a town where agents have no certificates. */
	agent: CertifiedDevice;
	readonly agentId: Uint8Array;
	/** Of its agent's key; none in such a town. */
	readonly agentSigner: Signer | undefined;
	/** Its own policy and the lists that it holds. */
	readonly verdicts: ChainVerdicts;
	store: MemoryStore = new MemoryStore();
	machine: MoneyMachine<unknown> | undefined;
	readonly reports: PurseReport[] = [];
	readonly heard: Heard[] = [];
	readonly ended: string[] = [];
	/** What the agent has kept. */
	head: Head = FIRST_HEAD;
	/** Tetrads that are open, with the other end of each. */
	readonly tetrads: Map<number, { peer: Module; tetrad: number }> = new Map();
	signer: Signer;
	/** With the keys that it had before and has kept. */
	earlier: readonly Signer[] = [];
	/** Signed and not handed over, while signing is slow. */
	readonly unsigned: MoneyEvent[] = [];
	isSlowToSign = false;
	readonly events: MoneyEvent[] = [];
	readonly start: Start;
	kill: Kill | undefined;
	writes = 0;
	recording: Recording | undefined;
	/** Its host sees that the store was put back or copied before the next start. */
	wasPutBack = false;
	/** What its machine draws next, when it lives a recorded life again. */
	toDraw: Uint8Array[] | undefined;
	/** Whether its store does not do, or its key does not sign, what is asked for now. */
	refuses: ((what: "transaction" | "signature") => boolean) | undefined;
	/** How far its clock is ahead of everybody's, in milliseconds. */
	clockAhead = 0;

	constructor(
		name: string,
		device: CertifiedDevice,
		signer: Signer,
		verdicts: ChainVerdicts,
		start: Start,
		agent: CertifiedAgent | undefined,
	) {
		this.name = name;
		this.device = device;
		this.agent = agent?.device ?? device;
		this.agentSigner = agent?.signer;
		this.verdicts = verdicts;
		this.signer = signer;
		this.start = start;
		this.agentId =
			agent?.device.deviceId ??
			enc(new Uint8Array(32), utf8(`agent of ${name}`));
	}

	draw(length: number): Uint8Array {
		const bytes =
			this.toDraw === undefined
				? nodeCrypto.random(length)
				: this.toDraw.shift();
		assert.ok(bytes?.length === length, `${this.name} draws something else`);
		this.recording?.random.push(bytes);
		return bytes;
	}

	last(kind: Heard["kind"]): Heard {
		const found = this.heard.findLast((heard) => heard.kind === kind);
		assert.ok(
			found,
			`${this.name} heard ${this.heard.map(({ kind }) => kind)}`,
		);
		return found;
	}
}

/** An agent and its key. */
interface CertifiedAgent {
	readonly device: CertifiedDevice;
	readonly signer: Signer;
}

export interface TownOptions {
	readonly limits?: PurseMachineOptions["limits"];
	readonly noteDays?: number;
	readonly graceDays?: number;
	/** Who certifies; a new world unless given. */
	readonly world?: TownWorld;
	/** The owner of all purses. */
	readonly owner?: Signer;
	/** Whether agents have certificates, as sales need them. */
	readonly certifiesAgents?: boolean;
	/** What purses are given that know of sales, and what issuers are; nothing unless given. */
	readonly sale?: (self: Module) => MakeSalePart;
	readonly judge?: (context: MoneyContext) => SaleJudge;
	/** What runs in a module with money in the place of a purse. */
	readonly purse?: (parts: {
		readonly context: MoneyContext;
		readonly issuers: readonly IssuerTerms[];
		readonly sale: MakeSalePart;
	}) => MoneyMachine<unknown>;
	/** The ecash of a purse; none unless given. */
	readonly ecash?: (self: Module) => PurseEcash | undefined;
	/** What becomes of what a module asks a server: its answer, or nothing when none ever comes. */
	readonly asked?: (asked: AskEffect, now: number) => AskedEvent | undefined;
	/** Hears what modules say to their agents that is not of money. */
	readonly heard?: (self: Module, tetrad: number, bytes: Uint8Array) => void;
}

export type TownWorld = Pick<World, "now" | "policy" | "module"> &
	Partial<Pick<World, "bank" | "agent">>;

export class Town {
	readonly world: TownWorld;
	readonly owner: Signer;
	readonly wire: Wired[] = [];
	now: number;
	/** Hears of every message that leaves a module. */
	sent: ((bytes: Uint8Array) => void) | undefined;
	/** Hears of everything that a module wants done. */
	wants:
		| ((module: Module, effect: { readonly kind: string }) => void)
		| undefined;
	/** Called after each delivery. */
	afterEach: (() => void) | undefined;
	#tetrads = 0;
	#limits = 0n;
	readonly #options: TownOptions;
	readonly #issuers: IssuerTerms[] = [];
	readonly #modules = new Set<Module>();
	readonly #bindings = new Map<number, Uint8Array>();
	readonly #listed: CertifiedDevice[] = [];
	#lists = 0n;

	private constructor(world: TownWorld, options: TownOptions) {
		this.world = world;
		this.owner = options.owner ?? generateSoftwareKey("P-256");
		this.now = world.now;
		this.#options = options;
	}

	static async make(options: TownOptions = {}): Promise<Town> {
		const world = options.world ?? (await makeWorld({ algorithm: "Ed25519" }));
		return new Town(world, options);
	}

	async issuer(name = "mint", store?: MemoryStore): Promise<Module> {
		const { noteDays, graceDays } = this.#options;
		const parameters = {
			currency: COIN,
			isPlay: true,
			...(noteDays === undefined ? {} : { noteDays }),
			...(graceDays === undefined ? {} : { graceDays }),
		};
		const module = await this.#module(
			name,
			(self) => {
				const context = this.#context(self);
				const judge = this.#options.judge?.(context);
				return new IssuerMachine(context, parameters, judge);
			},
			store,
		);
		this.#issuers.push({
			issuer: module.device.deviceId,
			name,
			currency: COIN,
			isPlay: true,
		});
		this.restart(module);
		return module;
	}

	async purse(name: string, store?: MemoryStore): Promise<Module> {
		const limits = this.#options.limits ?? { software: 1_000_000n };
		const module = await this.#module(
			name,
			(self) => {
				const context = this.#context(self);
				const { purse, ecash, sale: makesSale } = this.#options;
				if (purse !== undefined && makesSale !== undefined)
					return purse({
						...{ context, issuers: this.#issuers, sale: makesSale(self) },
					});
				const start = { meetsIssuers: self.wasPutBack };
				self.wasPutBack = false;
				const state = self.store.run(loadPurse(nodeCrypto, start));
				const sale = makesSale?.(self);
				const ofEcash = ecash?.(self);
				return new PurseMachine(
					{
						context,
						issuers: this.#issuers,
						limits,
						owner: this.owner,
						earlierKeys: self.earlier,
						...(sale === undefined ? {} : { sale }),
						...(ofEcash === undefined ? {} : { ecash: ofEcash }),
					},
					state,
				);
			},
			store,
		);
		this.restart(module);
		return module;
	}

	async #module(
		name: string,
		start: Start,
		store: MemoryStore | undefined,
	): Promise<Module> {
		const { device, signer } = await this.#certify(name);
		const verdicts = new ChainVerdicts(nodeCrypto, this.world.policy);
		const agent = await this.#agent(name);
		const module = new Module(name, device, signer, verdicts, start, agent);
		if (store !== undefined) module.store = store;
		this.#modules.add(module);
		return module;
	}

	async #certify(name: string): Promise<Pick<Module, "device" | "signer">> {
		const { chain, signer } = await this.world.module(name);
		const { policy, now } = this.world;
		const { banks } = policy;
		const device = validateChain(nodeCrypto, chain, "module", banks, now);
		return { device, signer };
	}

	async #agent(name: string): Promise<CertifiedAgent | undefined> {
		const { agent, policy, now } = this.world;
		if (this.#options.certifiesAgents !== true) return undefined;
		assert.ok(agent);
		const { chain, signer } = await agent(`agent-of-${name}`);
		const { agencies } = policy;
		const device = validateChain(nodeCrypto, chain, "agent", agencies, now);
		return { device, signer };
	}

	/** A new key and a new certificate for a module, which keeps the old key and starts again. */
	async recertify(module: Module): Promise<void> {
		this.die(module);
		module.earlier = [...module.earlier, module.signer];
		Object.assign(module, await this.#certify(module.name));
		this.restart(module);
	}

	/** The bank puts a certificate on its list, and these modules get the list. */
	async distrust(
		device: CertifiedDevice,
		...by: readonly Module[]
	): Promise<void> {
		this.#listed.push(device);
		const bundle = await this.publish(this.#listed);
		for (const { verdicts, clockAhead } of by)
			verdicts.lists.offer(bundle, this.now + clockAhead);
	}

	/** The bank's next list, with these certificates on it and no others, for whoever it is offered to. */
	async publish(listed: readonly CertifiedDevice[]): Promise<Uint8Array> {
		const { bank } = this.world;
		assert.ok(bank);
		const list = await issueUntrustedList(nodeCrypto, {
			issuer: bank.issuer,
			number: ++this.#lists,
			thisUpdate: this.now,
			nextUpdate: this.now + 86_400_000,
			entries: listed.map(({ path: [{ serial }] }) => ({
				serial,
				instant: this.now,
				reason: "keyCompromise",
			})),
		});
		return encodeBundle(list, new Uint8Array());
	}

	#context(self: Module): MoneyContext {
		return {
			crypto: { ...nodeCrypto, random: (length) => self.draw(length) },
			own: self.device,
			judge: (chain, now) => self.verdicts.judge(chain, "module", now),
			judgeSigned: (chain, at) =>
				self.verdicts.judgeSigned(chain, "module", at),
			certified: (chain) => self.verdicts.certified(chain, "module"),
			certifiedAgent: (chain) => self.verdicts.certified(chain, "agent"),
		};
	}

	// Lives and deaths.

	/** Starts a module from what is in its store. */
	restart(module: Module): void {
		if (module.machine !== undefined) this.die(module);
		module.kill = undefined;
		module.machine = module.start(module);
	}

	/** Starts a module from what is in its store, and records its life from there on. */
	record(module: Module): Recording {
		this.restart(module);
		const store = module.store.copy();
		module.recording = { store, random: [], steps: [] };
		return module.recording;
	}

	/** The same module where its recording begins, apart from all others. */
	again({
		name,
		device,
		signer,
		verdicts,
		start,
		agent: ofAgent,
		agentSigner,
		recording,
	}: Module): Module {
		assert.ok(recording);
		const agent = agentSigner && { device: ofAgent, signer: agentSigner };
		const module = new Module(name, device, signer, verdicts, start, agent);
		module.store = recording.store.copy();
		module.toDraw = [...recording.random];
		module.machine = start(module);
		return module;
	}

	die(module: Module): void {
		module.machine = undefined;
		module.events.length = 0;
		module.unsigned.length = 0;
		for (const tetrad of [...module.tetrads.keys()]) this.part(module, tetrad);
	}

	killAt(module: Module, kill: Kill): void {
		module.kill = { ...kill, write: module.writes + kill.write };
	}

	// Tetrads.

	/** Answers with the tetrad's number at both modules, whose agents have said how far they know the purses to be. */
	async meet(a: Module, b: Module): Promise<number> {
		const tetrad = await this.meetInSilence(a, b);
		for (const { head, events } of [a, b])
			events.push({
				kind: "from-agent",
				tetrad,
				bytes: message(WITH_AGENT.witness, head),
			});
		await this.work();
		return tetrad;
	}

	async meetInSilence(a: Module, b: Module): Promise<number> {
		const tetrad = ++this.#tetrads;
		const binding = nodeCrypto.random(32);
		this.#bindings.set(tetrad, binding);
		const ids = {
			A: a.agentId,
			B: b.agentId,
			X: a.device.deviceId,
			Y: b.device.deviceId,
		};
		a.tetrads.set(tetrad, { peer: b, tetrad });
		b.tetrads.set(tetrad, { peer: a, tetrad });
		for (const [self, peer, place] of [
			[a, b, "X"],
			[b, a, "Y"],
		] as const) {
			const meeting: Meeting = {
				tetrad,
				place,
				ids,
				binding,
				exporter: nodeCrypto.sha256(binding),
				peer: peer.device,
				agents: { own: self.agent, other: peer.agent },
			};
			self.events.push({ kind: "opened", meeting });
		}
		await this.work();
		return tetrad;
	}

	bindingOf(tetrad: number): Uint8Array {
		return this.#bindings.get(tetrad) as Uint8Array;
	}

	part(module: Module, tetrad: number): void {
		const other = module.tetrads.get(tetrad);
		module.tetrads.delete(tetrad);
		if (module.machine !== undefined)
			module.events.push({ kind: "closed", tetrad });
		if (other?.peer.tetrads.has(tetrad))
			this.wire.push({ to: other.peer, tetrad, bytes: undefined });
	}

	// What agents and owners ask for.

	pay(
		module: Module,
		tetrad: number,
		contract: Uint8Array,
		amount: bigint,
		issuer: Module,
		text = "",
	): void {
		this.#ask(module, tetrad, "pay", contract, amount, issuer, text);
	}

	expect(
		module: Module,
		tetrad: number,
		contract: Uint8Array,
		amount: bigint,
		issuer: Module,
		text = "",
	): void {
		this.#ask(module, tetrad, "expect", contract, amount, issuer, text);
	}

	#ask(
		module: Module,
		tetrad: number,
		what: "pay" | "expect",
		contract: Uint8Array,
		amount: bigint,
		issuer: Module,
		text: string,
	): void {
		module.events.push({
			kind: "from-agent",
			tetrad,
			bytes: message(WITH_AGENT[what], {
				contract,
				issuer: issuer.device.deviceId,
				currency: COIN.code,
				amount,
				text,
			}),
		});
	}

	settle(module: Module, tetrad: number, issuer: Module): void {
		const bytes = message(WITH_AGENT.settle, {
			issuer: issuer.device.deviceId,
		});
		module.events.push({ kind: "from-agent", tetrad, bytes });
	}

	/** The owner orders to withdraw. */
	async order(
		module: Module,
		issuer: Module,
		amount: bigint,
		request: Uint8Array = nodeCrypto.random(REQUEST_ID_BYTES),
	): Promise<void> {
		const draft = draftOrder({
			purse: module.device.deviceId,
			request,
			issuer: issuer.device.deviceId,
			amount,
			ordered: this.now,
		});
		const document = draft.sign(await this.owner.sign(draft.toSign));
		module.events.push({ kind: "order", document });
	}

	/** The owner, or whoever has that key, cancels an order. */
	async cancel(
		module: Module,
		issuer: Module,
		amount: bigint,
		request: Uint8Array,
		owner: Signer = this.owner,
	): Promise<void> {
		const draft = draftCancellation({
			purse: module.device.deviceId,
			request,
			issuer: issuer.device.deviceId,
			amount,
			cancelled: this.now,
		});
		const document = draft.sign(await owner.sign(draft.toSign));
		module.events.push({ kind: "cancel", document });
		await this.quiet();
	}

	/** The owner, or whoever has that key, overrides what a witness told. */
	async override(
		module: Module,
		{ number, hash }: Head,
		owner: Signer = this.owner,
	): Promise<void> {
		const draft = draftOverride({
			purse: module.device.deviceId,
			request: nodeCrypto.random(REQUEST_ID_BYTES),
			number,
			hash,
			ordered: this.now,
		});
		const document = draft.sign(await owner.sign(draft.toSign));
		module.events.push({ kind: "override", document });
		await this.quiet();
	}

	/** The owner, or whoever has that key, says what the purse may pay: `number` is one more than that of the last unless given. Answers with the document. */
	async limits(
		module: Module,
		rules: Partial<SpendingRules>,
		{
			number = ++this.#limits,
			owner = this.owner,
		}: { readonly number?: bigint; readonly owner?: Signer } = {},
	): Promise<Uint8Array> {
		const draft = draftLimits({
			money: [],
			merchants: undefined,
			approveNewMerchants: false,
			...rules,
			purse: module.device.deviceId,
			request: nodeCrypto.random(REQUEST_ID_BYTES),
			number,
			ordered: this.now,
		});
		const document = draft.sign(await owner.sign(draft.toSign));
		module.events.push({ kind: "limits", document });
		await this.quiet();
		return document;
	}

	/** The owner, or whoever has that key, approves or denies a payment. Answers with the document. */
	async decide(
		module: Module,
		payment: {
			readonly contract: Uint8Array;
			readonly payee: Module;
			readonly issuer: Module;
			readonly amount: bigint;
		},
		isApproved: boolean,
		{ owner = this.owner }: { readonly owner?: Signer } = {},
	): Promise<Uint8Array> {
		const draft = draftApproval({
			purse: module.device.deviceId,
			request: nodeCrypto.random(REQUEST_ID_BYTES),
			contract: payment.contract,
			payee: payment.payee.device.deviceId,
			issuer: payment.issuer.device.deviceId,
			amount: payment.amount,
			isApproved,
			ordered: this.now,
		});
		const document = draft.sign(await owner.sign(draft.toSign));
		module.events.push({ kind: "approval", document });
		await this.quiet();
		return document;
	}

	giveBack(module: Module, issuer: Module): void {
		module.events.push({
			kind: "give-back",
			request: nodeCrypto.random(REQUEST_ID_BYTES),
			issuer: issuer.device.deviceId,
		});
	}

	/** Opens an account with so much in it. */
	fund(issuer: Module, module: Module, amount: bigint): void {
		const account = module.device.deviceId;
		issuer.store.run(openAccount(account, this.now));
		const reference = hex(nodeCrypto.random(8));
		issuer.store.run(
			credit(nodeCrypto, { account, amount, reference, at: this.now }),
		);
	}

	/** Withdraws from a new account into the purse, in notes of these values. */
	async withdraw(
		module: Module,
		issuer: Module,
		...values: readonly bigint[]
	): Promise<void> {
		for (const value of values) {
			this.fund(issuer, module, value);
			await this.order(module, issuer, value);
		}
		await this.visit(module, issuer);
	}

	/** Meets the issuer, settles, and parts. */
	async visit(module: Module, issuer: Module): Promise<Heard> {
		const tetrad = await this.meet(module, issuer);
		this.settle(module, tetrad, issuer);
		await this.quiet();
		this.part(module, tetrad);
		await this.quiet();
		return module.last("settled");
	}

	// How it goes on.

	/** Hands over everything that waits inside of modules. */
	async work(): Promise<void> {
		for (;;) {
			const module = [...this.#modules].find(({ events }) => events.length > 0);
			const event = module?.events.shift();
			if (module === undefined || event === undefined) return;
			await this.#handle(module, event);
		}
	}

	/** Delivers one message, the first unless said otherwise. */
	async deliver(at = 0): Promise<void> {
		await this.work();
		const [wired] = this.wire.splice(at, 1);
		if (wired === undefined) return;
		const { to, tetrad, bytes } = wired;
		if (to.machine !== undefined && to.tetrads.has(tetrad)) {
			if (bytes !== undefined)
				to.events.push({ kind: "from-module", tetrad, bytes });
			else {
				to.tetrads.delete(tetrad);
				to.events.push({ kind: "closed", tetrad });
			}
		}
		await this.work();
		this.afterEach?.();
	}

	/** Delivers everything. */
	async quiet(): Promise<void> {
		await this.work();
		for (let i = 0; this.wire.length > 0; i++) {
			assert.ok(i < 100_000, "it never becomes quiet");
			await this.deliver();
		}
	}

	/** The messages that may come next: those of one way of one tetrad keep their order. */
	get next(): readonly number[] {
		const seen = new Set<string>();
		return this.wire.flatMap(({ to, tetrad }, at) => {
			const way = `${to.name} ${tetrad}`;
			if (seen.has(way)) return [];
			seen.add(way);
			return [at];
		});
	}

	/** Lets time pass. */
	async pass(milliseconds: number): Promise<void> {
		this.now += milliseconds;
		for (const module of this.#modules) module.events.push({ kind: "time" });
		await this.quiet();
	}

	async #handle(module: Module, event: MoneyEvent): Promise<void> {
		const { machine } = module;
		if (machine === undefined) return;
		const tetrad = "tetrad" in event ? event.tetrad : undefined;
		if (
			event.kind === "from-agent" &&
			tetrad !== undefined &&
			!module.tetrads.has(tetrad)
		)
			return;
		const now = this.now + module.clockAhead;
		const effects = machine.handle(event, now);
		const pending = new Map(machine.pending);
		module.recording?.steps.push({ event, now, effects, pending });
		const handlers = this.#handlersOf(module);
		for (const effect of effects) {
			// It was killed by the effect before.
			if (module.machine !== machine) return;
			this.wants?.(module, effect);
			await carryOut(effect, handlers);
		}
	}

	#handlersOf(
		module: Module,
	): Handlers<MoneyEffect<unknown> | Ended, void | Promise<void>> {
		return {
			"to-agent": ({ tetrad, bytes }) => this.#hear(module, tetrad, bytes),
			"to-module": ({ tetrad, bytes: lent }) => {
				const bytes = copy(lent);
				const peer = module.tetrads.get(tetrad)?.peer;
				this.sent?.(bytes);
				if (peer !== undefined) this.wire.push({ to: peer, tetrad, bytes });
			},
			sign: async ({ id, content, under = module.signer.publicKey }) => {
				if (module.refuses?.("signature") === true) {
					const error = new TetradError(
						"key-store-failed",
						"the key is out of reach",
					);
					module.events.push({ kind: "not-signed", id, error });
					return;
				}
				const signer = [module.signer, ...module.earlier].find(
					({ publicKey }) => hex(publicKey) === hex(under),
				);
				assert.ok(signer, "nobody has that key");
				const signature = await signer.sign(content);
				const signed: MoneyEvent = { kind: "signed", id, signature };
				if (module.isSlowToSign) module.unsigned.push(signed);
				else module.events.push(signed);
			},
			transact: ({ id, transaction }) =>
				this.#transact(module, id, transaction),
			ask: (asked) => this.#askServer(module, asked),
			end: ({ tetrad, error }) => {
				module.ended.push(error.code);
				this.part(module, tetrad);
			},
			report: ({ report }) => {
				module.reports.push(report as PurseReport);
			},
			ended: () => assert.fail("money ends with its module alone"),
		};
	}

	/** A module asks a server, in a town where there are any. */
	#askServer(module: Module, asked: AskEffect): void {
		const { asked: answering } = this.#options;
		assert.ok(answering, `there is no ${asked.server} in this town`);
		const answer = answering(asked, this.now);
		if (answer !== undefined) module.events.push(answer);
	}

	#transact(
		module: Module,
		id: number,
		transaction: Parameters<MemoryStore["run"]>[0],
	): void {
		const { store, kill } = module;
		try {
			const writes = store.wouldWrite(transaction);
			if (writes) module.writes++;
			const isHere = writes && kill?.write === module.writes;
			if (isHere && kill.when === "before") return this.die(module);
			if (module.refuses?.("transaction") === true)
				throw new TetradError("store-full", "the disk is full");
			const result = store.run(transaction);
			if (isHere) return this.die(module);
			module.events.push({ kind: "written", id, result });
		} catch (thrown) {
			const error = asTetradError(thrown);
			module.events.push({ kind: "not-written", id, error });
		}
	}

	#hear(module: Module, tetrad: number, bytes: Uint8Array): void {
		const NONE = {
			tetrad,
			contract: "",
			amount: 0n,
			receipt: "",
			chain: "",
			code: "",
			isInDoubt: false,
			reason: "",
		};
		switch (bytes[0]) {
			case WITH_AGENT.witness.type: {
				const { number, hash } = body(WITH_AGENT.witness, bytes);
				const head = { number, hash: copy(hash) };
				if (head.number > module.head.number) module.head = head;
				return;
			}
			case WITH_AGENT.paid.type:
			case WITH_AGENT.received.type: {
				const isPaid = bytes[0] === WITH_AGENT.paid.type;
				const fields = body(WITH_AGENT[isPaid ? "paid" : "received"], bytes);
				module.heard.push({
					...NONE,
					kind: isPaid ? "paid" : "received",
					contract: hex(fields.contract),
					amount: fields.amount,
					receipt: hex(fields.receipt),
					chain: hex(fields.chain),
				});
				return;
			}
			case WITH_AGENT.expecting.type: {
				const { contract } = body(WITH_AGENT.expecting, bytes);
				module.heard.push({
					...NONE,
					kind: "expecting",
					contract: hex(contract),
				});
				return;
			}
			case WITH_AGENT.failed.type: {
				const fields = body(WITH_AGENT.failed, bytes);
				module.heard.push({
					...NONE,
					kind: "failed",
					contract: hex(fields.contract),
					code: fields.code,
					isInDoubt: fields.isInDoubt,
					reason: fields.reason,
				});
				return;
			}
			case WITH_AGENT.settled.type: {
				const { code, reason } = body(WITH_AGENT.settled, bytes);
				module.heard.push({
					...NONE,
					kind: "settled",
					code,
					reason,
				});
				return;
			}
			default:
				assert.ok(
					this.#options.heard,
					"an agent cannot read what its module sent",
				);
				return this.#options.heard(module, tetrad, copy(bytes));
		}
	}

	// What there is.

	balance(module: Module, issuer: Module): Balance {
		const balances = module.store.run(readBalances(this.now, module.device));
		return (
			balances.get(hex(issuer.device.deviceId)) ??
			noBalance(issuer.device.deviceId, COIN.code)
		);
	}

	/**
	 * Holds that what purses have is what their issuer owes in notes: not a minor unit more or less.
	 * What the books of two modules both have at the moment counts once.
	 */
	requireConserved(issuer: Module): void {
		const purses = [...this.#modules].filter((module) => module !== issuer);
		const bookings = issuer.store.rows(BOOKINGS);
		const handedIn = new Set(
			issuer.store.rows(TRANSFERS).map(({ id }) => hex(id)),
		);
		const received = new Set(
			purses.flatMap(({ store }) =>
				store
					.rows(RECEIPTS)
					.filter(
						({ state, receipt }) => state !== "to-book" && receipt.length > 0,
					)
					.map(({ transfer_id }) => hex(transfer_id)),
			),
		);
		const held = new Map(
			purses.flatMap(({ store }) =>
				store.rows(NOTES).map((note) => [hex(note.id), note] as const),
			),
		);
		let owed = 0n;
		for (const { value } of issuer.store.rows(ISSUED)) owed += value;
		for (const { amount } of bookings) owed -= amount;
		let have = 0n;
		for (const purse of purses) {
			have += this.total(purse, issuer);
			for (const { state, in_doubt, transfer_id } of purse.store.rows(PAYMENTS))
				if (
					state === "committed" &&
					(received.has(hex(transfer_id)) || handedIn.has(hex(transfer_id)))
				)
					have -= in_doubt;
			for (const { state, amount, transfer_id } of purse.store.rows(RECEIPTS))
				if (state === "to-deposit" && handedIn.has(hex(transfer_id)))
					have -= amount;
		}
		for (const { id, value } of issuer.store.rows(ISSUED))
			if (!held.has(hex(id))) have += value;
		for (const { kind, note, amount } of bookings)
			if (kind === "claim" && held.get(hex(note))?.state !== "claimed")
				have -= amount;
		assert.equal(have, owed);
	}

	/** What the account of that module holds. */
	account(issuer: Module, module: Module): bigint {
		const { deviceId } = module.device;
		return issuer.store.run(accountOf(deviceId))?.balance ?? 0n;
	}

	/** The notes that a purse has paid with, by the beginning of their ids in hexadecimal. */
	ranges(module: Module): readonly string[] {
		return module.store
			.rows(NOTES)
			.filter(({ spent }) => spent > 0n)
			.map(({ id }) => hex(id).slice(0, 8));
	}

	/** All five together. */
	total(module: Module, issuer: Module): bigint {
		const { spendable, held, toDeposit, inDoubt, toClaim } = this.balance(
			module,
			issuer,
		);
		return spendable + held + toDeposit + inDoubt + toClaim;
	}
}

/** The same contract again, from a number. */
export function contractOf(number: number): Uint8Array {
	return nodeCrypto.sha256(concat(utf8("contract "), utf8(String(number))));
}
