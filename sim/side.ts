/* A side of a simulated world: an agent, its module, and what their owner has them do. */
import { asTetradError, TetradError } from "../src/errors.ts";
import { ECASH_SEED_BYTES } from "../src/money/cashu/index.ts";
import {
	ARCHIVE_START,
	type ArchiveCursor,
	type ArchiveStep,
	draftCancellation,
	draftLimits,
	draftOrder,
	ecashTables,
	type FoundToArchive,
	findToArchive,
	type IssuerTerms,
	keepEcashSeed,
	loadPurse,
	markRestored,
	nameInDeviceId,
	openArchive,
	type Payment,
	PurseMachine,
	type PurseReport,
	pruneArchived,
	purseTables,
	REQUEST_ID_BYTES,
} from "../src/money/index.ts";
import { type Pairing, PairingTries } from "../src/tetrad/index.ts";
import type { Offer, RailName } from "../src/trade/documents/index.ts";
import { loadTrade, moduleTrade } from "../src/trade/module/index.ts";
import { PURCHASES, readPurchaseOf } from "../src/trade/records/index.ts";
import { sameBytes } from "../src/wire/index.ts";
import { Agent } from "./agent.ts";
import type { Identity } from "./certificates.ts";
import type { SimulatedSigner } from "./crypto.ts";
import type { Device } from "./device.ts";
import type { Backup } from "./disk.ts";
import { OPEN } from "./invariants/ecash-rows.ts";
import { type MadeFiles, MadeGoods } from "./made-goods.ts";
import type { SimulatedMint } from "./mint.ts";
import { Module } from "./module.ts";
import { Owner } from "./owner.ts";
import { OwnerEcash } from "./owner-ecash.ts";
import { pairDevices } from "./pairing.ts";
import type { Step } from "./plan.ts";
import { type RefundPayment, Refunds } from "./refunds.ts";
import { type Done, StandingTetrads } from "./standing-tetrads.ts";
import type { Tetrad, TetradUser } from "./tetrad.ts";
import {
	type AgentMemory,
	askToSell,
	Buyer,
	crashedGoods,
	type GoodsOnDisk,
	type Item,
	rememberAgent,
	Seller,
	type Session,
} from "./trading.ts";
import type { World } from "./world.ts";

/** How long one task may take, in milliseconds. */
const TASK_MS = 90_000;

/** How long until something is tried again that came to nothing, in milliseconds. */
const AGAIN_MS = 20_000;

/** How often it is tried so soon; then it waits twice as long each time, up to this. */
const SOON = 8;
const MAX_AGAIN_MS = 1_800_000;

const DAY_MS = 86_400_000;

/** How long until an owner pairs again what is not paired, in milliseconds. */
const PAIR_AGAIN_MS = 2_000;
/** It does so less and less often, and at least this often. */
const MAX_PAIR_AGAIN_MS = 600_000;

/** How long until whoever is to be paid knows of it, in milliseconds. */
const EXPECTED_MS = 50;

/** An issuer, as those who meet it know it. */
interface Issuing {
	readonly agent: Agent;
	readonly id: Uint8Array;
}

/** How long what is in doubt is waited for in one tetrad, in milliseconds. */
const DOUBT_MS = 5_000;

export interface SideOptions {
	readonly world: World;
	readonly name: string;
	readonly identities: { readonly agent: Identity; readonly module: Identity };
	readonly owner: SimulatedSigner;
	readonly terms: readonly IssuerTerms[];
	/** What it sells; nothing for a buyer. */
	readonly items: ReadonlyMap<string, Item>;
	/** How long what it is paid can be booked, in milliseconds; as long as it may be unless given. */
	readonly bookWithinMs?: number | undefined;
}

/** What a purchase that was asked for came to, as far as its agent said so. */
export interface Answered {
	readonly kind: "bought" | "refused";
	readonly code: string;
}

/** How something that was done in a tetrad ends. */
interface Use {
	readonly done: () => void;
	readonly refused: (
		error: TetradError,
		said: string,
		isUntouched?: boolean,
	) => void;
}

export class Side {
	readonly world: World;
	readonly name: string;
	readonly agent: Agent;
	readonly module: Module<PurseReport>;
	readonly items: ReadonlyMap<string, Item>;
	readonly goods: Map<string, GoodsOnDisk> = new Map();
	/** How many purchases were asked of its agent while it ran. */
	asked = 0;
	/** How many of them came to nothing since no tetrad came about. */
	unmet = 0;
	readonly answers: Answered[] = [];
	readonly payments: Answered[] = [];
	readonly reports: PurseReport[] = [];
	readonly owner: Owner;
	readonly refunds: Refunds;
	readonly ecash: OwnerEcash;
	/** What its agent has made on order. */
	readonly made: MadeFiles = new Map();
	#makes: MadeGoods | undefined;
	readonly #options: SideOptions;
	/** Tetrads that others began, and the names of their agents. */
	readonly #serving = new Map<Session, string>();
	#memory: AgentMemory | undefined;
	#backups = new Map<string, Backup>();
	#targets = 0;
	/** When it last was through with each issuer, by the name of its agent. */
	readonly #met = new Map<string, number>();
	/** Issuers that its agent is meeting by itself. */
	readonly #settling = new Map<string, Issuing>();
	/** The last order to withdraw. */
	#ordered:
		| Omit<Parameters<typeof draftCancellation>[0], "cancelled">
		| undefined;
	#limits = 0n;
	readonly #standing: StandingTetrads;
	/** The host sees at the next start that the store was put back. */
	#wasPutBack = false;
	/** Whether its agent was ever replaced. */
	wasReplaced = false;
	/** Whether its module's store was ever put back. */
	wasRestored = false;
	/** The same of its agent, which may have forgotten what it has bought. */
	wasAgentRestored = false;
	/** Whether its agent is newer than the backup of its module, and knows of nothing that was paid before it came. */
	#isAgentNewer = false;

	/** Whose ecash its owner has named. */
	#mints: ReadonlySet<SimulatedMint>;

	/** What each of its two devices has of their pairing. */
	#pairings: Record<"agent" | "module", Pairing>;
	readonly #tries = new PairingTries();
	#isPairing = false;
	#pairAgainMs = PAIR_AGAIN_MS;

	constructor(options: SideOptions) {
		const { world, name, identities, owner, terms } = options;
		this.#options = options;
		this.world = world;
		this.name = name;
		this.items = options.items;
		this.#mints = new Set(world.mints.all);
		this.owner = new Owner(this, owner);
		this.ecash = new OwnerEcash(this, owner);
		this.refunds = new Refunds(this, (other, what, act) =>
			this.#meet(other.agent, `${what}: ${other.name}`, act),
		);
		this.module = new Module<PurseReport>({
			world,
			name: `${name}-module`,
			identity: identities.module,
			pairing: () => this.#pairings.module,
			machine: (self, context) => {
				const meetsIssuers = this.#wasPutBack;
				this.#wasPutBack = false;
				const state = self.runNow(loadPurse(self.crypto, { meetsIssuers }));
				const trade = self.runNow(loadTrade());
				const ecash =
					this.#mints.size === 0
						? undefined
						: world.mints.purse(
								self.runNow(
									keepEcashSeed({
										seed: self.crypto.random(ECASH_SEED_BYTES),
										entropy: undefined,
									}),
								),
								this.#mints,
							);
				return new PurseMachine(
					{
						context,
						issuers: terms,
						limits: { software: 1_000_000n },
						owner: { algorithm: owner.algorithm, publicKey: owner.publicKey },
						earlierKeys: self.earlier.map(({ signer }) => signer),
						sale: moduleTrade(trade),
						...(ecash === undefined ? {} : { ecash }),
					},
					state,
				);
			},
			report: (report) => {
				this.reports.push(report);
				this.ecash.hear(report);
				world.reported(this, report);
			},
			begun: () => this.ecash.handIn(),
		});
		this.agent = new Agent({
			world,
			name: `${name}-agent`,
			identity: identities.agent,
			pairing: () => this.#pairings.agent,
			dialModule: () => world.dialModule(this.agent, this.module),
			serve: (tetrad) => this.#serve(tetrad),
			begun: () => {
				this.#memory = rememberAgent(this.agent);
				this.#makes = new MadeGoods(this);
				world.agentStarted(this);
				const unmet = [...this.#settling.values()];
				this.#settling.clear();
				for (const issuer of unmet)
					this.agent.later(() => this.settleAgain(issuer));
			},
			gone: () => {
				this.#serving.clear();
				this.#standing.forget();
				for (const goods of this.goods.values())
					if (crashedGoods(goods, world.stream("crash")))
						world.count("goods torn");
			},
		});
		this.#standing = new StandingTetrads({
			agent: this.agent,
			idleMs: world.plan.standingMs ?? 0,
			taskMs: TASK_MS,
			meet: (agent, what, met, over) =>
				this.#meet(agent, what, met, { over, isStanding: true }),
		});
		const pairing = world.pairing(name);
		this.#pairings = {
			agent: pairing.ofAgent(this.module.certified().deviceId),
			module: pairing.ofModule(this.agent.certified().deviceId),
		};
	}

	/** Whether its agent and its module have the same pairing, with each other. */
	get isPaired(): boolean {
		const { agent, module } = this.#pairings;
		return (
			sameBytes(agent.key, module.key) &&
			sameBytes(agent.peerDeviceId, this.module.certified().deviceId) &&
			sameBytes(module.peerDeviceId, this.agent.certified().deviceId)
		);
	}

	/** Its owner stops both, pairs them, and starts them again; what failed is tried again. */
	pair(): void {
		this.#pairAgainMs = PAIR_AGAIN_MS;
		this.#tryToPair();
	}

	#tryToPair(): void {
		if (this.#isPairing) return;
		this.#isPairing = true;
		const { agent, module, world } = this;
		agent.die();
		module.die();
		pairDevices({
			...{ agent, module, tries: this.#tries },
			wire: world.wire(agent, module as unknown as Device),
			paired: (role, pairing) => {
				this.#pairings[role] = pairing;
				world.count("pair");
			},
			over: (failed) => {
				this.#isPairing = false;
				if (failed.length > 0) world.count("pairing failed");
				// Its owner is told of each try, and lets the module wait again.
				if (failed.some(({ code }) => code === "limit-exceeded"))
					this.#tries.allow();
				for (const device of [module, agent]) {
					device.die();
					device.start();
				}
				if (this.isPaired) return;
				world.schedule.after(this.#pairAgainMs, () => {
					if (!this.isPaired) this.#tryToPair();
				});
				this.#pairAgainMs = Math.min(2 * this.#pairAgainMs, MAX_PAIR_AGAIN_MS);
			},
		});
	}

	/** Its owner has another agent in the place of this one, and pairs it with the module. */
	replaceAgent(identity: Identity): void {
		this.wasReplaced = true;
		this.#isAgentNewer = true;
		this.agent.replace(identity);
		this.#backups.delete(this.agent.name);
		// Goods that were shown are the owner's.
		for (const [target, { opened }] of this.goods)
			if (opened === undefined) this.goods.delete(target);
		this.made.clear();
		this.pair();
	}

	start(): void {
		this.module.start();
		this.agent.start();
	}

	get #mind(): AgentMemory {
		if (this.#memory === undefined)
			throw new TetradError("internal", "an agent acts that is down");
		return this.#memory;
	}

	#serve(tetrad: Tetrad): TetradUser {
		const { items } = this;
		const { session } = new Seller({
			...{ device: this.agent, tetrad, memory: this.#mind, items },
			bookWithinMs: this.#options.bookWithinMs,
			made: this.#makes ?? new MadeGoods(this),
			giveOwed: (...to) => this.refunds.giveOwed(...to),
		});
		this.#serving.set(session, tetrad.parties.A.name);
		return {
			message: (from, bytes) => session.message(from, bytes),
			over: (end) => {
				this.#serving.delete(session);
				session.over(end);
			},
		};
	}

	/** Names of the devices with which a purchase of its agent's, or a payment, is not over. */
	get open(): ReadonlySet<string> {
		const purchases = this.agent.disk
			.rows(PURCHASES)
			.filter(({ state }) => state === "provisional")
			.map(({ merchant }) => merchant);
		const payments = this.module.disk
			.rows(purseTables.PAYMENTS)
			.filter(({ state }) => state === "committed")
			.map(({ payee }) => nameInDeviceId(payee));
		const locked = this.module.disk
			.rows(ecashTables.LOCKED)
			.filter(({ state }) => OPEN.has(state))
			.map(({ payee }) => nameInDeviceId(payee));
		return new Set([...purchases, ...payments, ...locked]);
	}

	// What its agent does by itself.

	/** Buys an item of a merchant's: asks for its price, and takes the offer, in a tetrad that stands where there is one. */
	buy(
		merchant: Side,
		item: string,
		{
			patienceMs,
			isShared = false,
			askOwner = false,
			order = "",
		}: {
			/** The buyer loses patience after so many milliseconds. */
			readonly patienceMs?: number | undefined;
			/** Also in a tetrad in which something else goes on. */
			readonly isShared?: boolean | undefined;
			/** Its owner is asked first. */
			readonly askOwner?: boolean | undefined;
			/** What is to be made. */
			readonly order?: string | undefined;
		} = {},
	): void {
		if (!this.agent.isUp) return;
		this.asked++;
		const what = `buys ${item} of ${merchant.name}`;
		this.#visit(merchant, { what, isShared }, (buyer, use) =>
			buyer.quote(
				{ name: item, order },
				(offer) => {
					if ((this.world.plan.standingMs ?? 0) === 0)
						return this.#take(offer, buyer, { patienceMs, askOwner }, use);
					use.done();
					this.#visit(merchant, { what, isShared }, (other, otherUse) =>
						this.#take(offer, other, { patienceMs, askOwner }, otherUse),
					);
				},
				(error) => use.refused(error, "has no offer"),
				this.#rails(),
			),
		);
	}

	/** What its owner would rather pay with; where there are no mints nobody asks. */
	#rails(): readonly RailName[] | undefined {
		const { mints } = this.world;
		if (mints.all.length === 0) return undefined;
		return this.world.stream("rails").chance(0.7)
			? ["cashu", "own-notes"]
			: ["own-notes", "cashu"];
	}

	#take(
		offer: Offer,
		buyer: Buyer,
		{
			patienceMs,
			askOwner,
		}: {
			readonly patienceMs: number | undefined;
			readonly askOwner: boolean;
		},
		{ done, refused }: Use,
	): void {
		const ask = buyer.buy(offer, {
			askOwner,
			answered: () => {
				this.answers.push({ kind: "bought", code: "" });
				done();
			},
			// What may have come of it is not begun again.
			refused: (error) =>
				this.agent.write(readPurchaseOf(offer.id), (row) =>
					refused(
						error,
						"has no goods",
						row === undefined || row.state === "aborted",
					),
				),
			step: () => {},
		});
		if (patienceMs !== undefined)
			this.agent.later(() => buyer.giveUp(ask), patienceMs);
	}

	/** Does something with a merchant: once more in a new tetrad when one that stood turns out to be gone before anything came of it. */
	#visit(
		merchant: Side,
		how: { readonly what: string; readonly isShared: boolean },
		act: (buyer: Buyer, use: Use) => void,
	): void {
		const failed = () => {
			this.unmet++;
		};
		const visit = (buyer: Buyer, isNew: boolean, done: Done) =>
			act(buyer, {
				done,
				refused: (error, said, isUntouched = true) => {
					done({ hasFailed: true });
					if (!isNew && isUntouched && buyer.tetrad.ended)
						return this.#standing.use(
							merchant.agent,
							{ ...how, isFresh: true },
							(other, _, otherDone) => visit(other, true, otherDone),
							failed,
						);
					this.#refused(error, said);
				},
			});
		this.#standing.use(merchant.agent, how, visit, failed);
	}

	#refused(error: TetradError, said: string): void {
		const { code } = error;
		this.world.heard(this.agent.name, error);
		this.answers.push({ kind: "refused", code });
		this.world.tell({ who: this.agent.name, what: `${said}: ${code}` });
	}

	/** Pays a merchant, whose agent knows that it will. */
	pay(merchant: Side, payment: Payment): void {
		this.#meet(
			merchant.agent,
			`pays ${payment.amount} to ${merchant.name}`,
			(buyer, done) => {
				merchant.expect(this, payment);
				this.agent.later(
					() =>
						buyer.session.pay(payment, (error) => {
							this.world.heard(this.agent.name, error);
							this.payments.push({
								kind: error === undefined ? "bought" : "refused",
								code: error?.code ?? "",
							});
							this.agent.later(done);
						}),
					EXPECTED_MS,
				);
			},
		);
	}

	/** In each tetrad with that side that somebody else began. */
	expect(payer: Side, payment: Payment): void {
		if (!this.agent.isUp) return;
		for (const [session, peer] of this.#serving)
			if (peer === payer.agent.certified().name) session.expect(payment);
	}

	/** Takes money back, in each tetrad with that side that somebody else began. */
	expectRefund(payer: Side, refund: RefundPayment): void {
		if (!this.agent.isUp) return;
		const from = payer.agent.certified();
		for (const [session, peer] of this.#serving)
			if (peer === from.name) this.refunds.expect(session, from, refund);
	}

	/** Meets an issuer: all that there is to do with it is done. What came to nothing is tried so many times more, as agents do. */
	settle(issuer: Issuing, tries = 0, ended: () => void = () => {}): void {
		let isDone = false;
		const over = (): void => {
			if (isDone || tries === 0) return ended();
			this.agent.later(() => this.settle(issuer, tries - 1, ended), AGAIN_MS);
		};
		this.#meet(
			issuer.agent,
			`settles with ${issuer.agent.name}`,
			(buyer, done) => {
				if (this.items.size > 0) askToSell(buyer.tetrad, issuer.id);
				buyer.session.settle(issuer.id, (error) => {
					isDone = error === undefined;
					if (isDone || error?.code === "issuer-refused")
						this.#met.set(issuer.agent.name, this.world.schedule.now);
					this.world.heard(this.agent.name, error);
					if (error !== undefined)
						this.world.tell({
							who: this.agent.name,
							what: `has not settled: ${error.code}, ${error.message}`,
						});
					this.#resumeAll(buyer, 0, done);
				});
			},
			{ over },
		);
	}

	/**
	 * As an agent does by itself from time to time: it meets each issuer once at a time, and goes on,
	 * also after a start, until it was through with it. An agent of the product does not even wait longer.
	 */
	settleAgain(issuer: Issuing, tried = 0): void {
		const { name } = issuer.agent;
		if (!this.agent.isUp || (tried === 0 && this.#settling.has(name))) return;
		this.#settling.set(name, issuer);
		const since = this.world.schedule.now;
		this.settle(issuer, 0, () => {
			if (this.hasMet(issuer, since) || this.world.isHealed) {
				this.#settling.delete(name);
				return;
			}
			const waits = AGAIN_MS * 2 ** Math.max(0, tried - SOON);
			this.agent.later(
				() => this.settleAgain(issuer, tried + 1),
				Math.min(waits, MAX_AGAIN_MS),
			);
		});
	}

	/** Whether it was through with that issuer since then. */
	hasMet(issuer: Issuing, since: number): boolean {
		return (this.#met.get(issuer.agent.name) ?? 0) >= since;
	}

	/** Goes on with what is not over, in a tetrad with that merchant. */
	resume(merchant: Side): void {
		this.#meet(merchant.agent, `resumes with ${merchant.name}`, (buyer, done) =>
			this.#resumeAll(buyer, DOUBT_MS, done),
		);
	}

	#resumeAll(buyer: Buyer, doubtMs: number, done: () => void): void {
		let open = 0;
		const one = (): void => {
			if (--open === 0) done();
		};
		buyer.resumeAll(
			{
				answered: () => this.agent.later(one),
				refused: (error) => {
					this.world.heard(this.agent.name, error);
					this.agent.later(one);
				},
				step: ({ kind }) => {
					if (kind === "in-doubt" || kind === "waiting")
						this.agent.later(done, doubtMs);
				},
			},
			(count) => {
				open = count;
				// A payment that only its module knows of is delivered meanwhile.
				if (count === 0) this.agent.later(done, doubtMs);
			},
		);
	}

	#meet(
		agent: Agent,
		what: string,
		act: (buyer: Buyer, done: () => void) => void,
		{
			over = () => {},
			isStanding = false,
		}: {
			readonly over?: () => void;
			/** It is kept for as long as somebody wants it. */
			readonly isStanding?: boolean;
		} = {},
	): void {
		if (!this.agent.isUp) return;
		const carrier = this.world.dial(this.agent, agent);
		if (carrier === undefined) return over();
		this.world.tell({ who: this.agent.name, what });
		let isOver = false;
		this.agent.connect(
			carrier,
			agent.name,
			(tetrad) => {
				const buyer = new Buyer({
					device: this.agent,
					tetrad,
					memory: this.#mind,
					goods: this.goods,
					newTarget: () => `goods ${++this.#targets} of ${this.name}`,
				});
				const done = (): void => {
					if (isOver) return;
					isOver = true;
					this.agent.later(() => tetrad.close(), 1);
				};
				if (!isStanding) this.agent.later(done, TASK_MS);
				this.agent.later(() => act(buyer, done));
				const { session } = buyer;
				return {
					message: (from, bytes) => session.message(from, bytes),
					over: (end) => {
						session.over(end);
						over();
					},
				};
			},
			(error) => {
				over();
				this.world.tell({
					who: this.agent.name,
					what: `makes no tetrad: ${error.code}, ${error.message}`,
				});
			},
		);
	}

	// What its owner does.

	order(issuer: Uint8Array, amount: bigint): void {
		const { owner } = this.#options;
		const request = this.world.stream("owner").bytes(REQUEST_ID_BYTES);
		const purse = this.module.certified().deviceId;
		const ordered = this.world.schedule.now;
		const order = { purse, request, issuer, amount };
		const draft = draftOrder({ ...order, ordered });
		const document = draft.sign(owner.signNow(draft.toSign));
		this.#ordered = order;
		this.module.tell({ kind: "order", document });
	}

	/** Takes back what was ordered last, if its module runs. */
	cancel(): void {
		if (this.#ordered === undefined || !this.module.isUp) return;
		const { owner } = this.#options;
		const cancelled = this.world.schedule.now;
		const draft = draftCancellation({ ...this.#ordered, cancelled });
		const document = draft.sign(owner.signNow(draft.toSign));
		this.world.count("cancel");
		this.module.tell({ kind: "cancel", document });
	}

	/** Stops the module, and takes what is over for so many days out of its purse, into files; a killed one has written the first file and nothing more. */
	archive(days: number, isKilled: boolean): void {
		const { module, world } = this;
		if (!module.isUp) return;
		module.die();
		const { crypto } = module;
		const purse = module.certified().deviceId;
		const before = module.now() - days * DAY_MS;
		let cursor: ArchiveCursor | undefined = ARCHIVE_START;
		while (cursor !== undefined) {
			const { banks } = world.policy;
			const { step, unarchived, next }: FoundToArchive = module.runNow(
				findToArchive(crypto, { purse, banks, before }, cursor),
			);
			cursor = next;
			if (unarchived.length > 0) {
				if (module.disk.rotten === 0) throw unarchived[0]?.error;
				world.count("rot noticed before an archive");
			}
			if (step === undefined) continue;
			this.#requireVerified(step);
			world.count(isKilled ? "archive killed" : "archive");
			if (isKilled) break;
			try {
				module.runNow(pruneArchived(crypto, purse, step, module.now()));
			} catch (thrown) {
				// The command ends with that, and what it did not take out is archived by the next.
				if (asTetradError(thrown).family === "environment") break;
				throw thrown;
			}
		}
		module.start();
	}

	/** What has rotted on the disk is in no archive. */
	#requireVerified({ archive, payments }: ArchiveStep): void {
		const { module, world } = this;
		const opened = openArchive(module.crypto, archive, world.policy.banks);
		if (opened.payments.length !== payments.length)
			world.fail(
				"archives can be verified",
				`${opened.payments.length} payments`,
			);
	}

	/** Puts a token of ecash into its purse, if its module runs. */
	receive(token: string): void {
		const request = this.world.stream("owner").bytes(REQUEST_ID_BYTES);
		this.module.tell({ kind: "receive-ecash", request, token });
	}

	/** Whether its owner has named any mint. */
	get takesEcash(): boolean {
		return this.#mints.size > 0;
	}

	/** Names other mints, and starts the module again. */
	nameMints(mints: readonly SimulatedMint[]): void {
		const isSame =
			mints.length === this.#mints.size &&
			mints.every((mint) => this.#mints.has(mint));
		if (isSame) return;
		this.#mints = new Set(mints);
		if (!this.module.isUp) return;
		this.module.die();
		this.module.start();
	}

	giveBack(issuer: Uint8Array): void {
		const request = this.world.stream("owner").bytes(REQUEST_ID_BYTES);
		this.module.tell({ kind: "give-back", request, issuer });
	}

	limit(
		issuers: readonly Uint8Array[],
		{
			perPayment,
			perDay,
			fee,
			approvalAbove,
			approveNewMerchants = false,
		}: Extract<Step, { readonly kind: "limit" }>,
	): void {
		const { owner } = this.#options;
		const draft = draftLimits({
			purse: this.module.certified().deviceId,
			request: this.world.stream("owner").bytes(REQUEST_ID_BYTES),
			number: ++this.#limits,
			money: issuers.map((issuer) => ({
				issuer,
				perPayment: BigInt(perPayment),
				perDay: BigInt(perDay),
				perMerchantDay: undefined,
				inAll: undefined,
				...(fee === undefined ? {} : { fee: BigInt(fee) }),
				approvalAbove:
					approvalAbove === undefined ? undefined : BigInt(approvalAbove),
			})),
			merchants: undefined,
			approveNewMerchants,
			ordered: this.world.schedule.now,
		});
		const document = draft.sign(owner.signNow(draft.toSign));
		this.module.tell({ kind: "limits", document });
	}

	backup(device: Agent | Module<PurseReport>): void {
		if (device.disk.unsynced > 0) return;
		this.#backups.set(device.name, device.disk.backup());
		if (device === this.module) this.#isAgentNewer = false;
	}

	/** Answers whether there was a backup. An owner whose agent cannot be a witness of what was paid since does it by command (docs/money.md). */
	restore(
		device: Agent | Module<PurseReport>,
		how: "command" | "noticed" | "unnoticed",
	): boolean {
		const backup = this.#backups.get(device.name);
		if (backup === undefined) return false;
		device.die();
		device.isDamaged = false;
		// On another disk, if that one has failed.
		device.disk.mend();
		device.disk.restore(backup);
		if (device === this.module) {
			this.wasRestored = true;
			this.ecash.wasPutBack();
			this.#wasPutBack = how === "noticed";
			if (how === "command" || this.#isAgentNewer)
				device.runNow(
					markRestored(
						device.crypto,
						device.now(),
						this.module.certified().deviceId,
					),
				);
		} else this.wasAgentRestored = true;
		device.start();
		return true;
	}
}
