/*
 * A simulated device: a disk, a clock, keys, and a process that can die before any effect of any of
 * its machines. What a device is beside that, an agent or a module, is in its subclasses.
 */
import type { CryptoProvider } from "../src/crypto/index.ts";
import { DeviceClock } from "../src/device/runtime/clock.ts";
import { asTetradError, TetradError } from "../src/errors.ts";
import {
	type CertifiedDevice,
	ChainVerdicts,
	type DeviceRole,
	type ListNumber,
	validateChain,
} from "../src/identity/index.ts";
import {
	done,
	type Transaction,
	type TransactOptions,
	type WorkEvent,
	type Write,
} from "../src/machine/index.ts";
import { messages, unpackMessages } from "../src/money/index.ts";
import { MAX_WAITING } from "../src/store/limits.ts";
import {
	type DeviceContext,
	ListMemory,
	MAX_LIST_MEMORY_BYTES,
	ResumptionTokens,
} from "../src/tetrad/index.ts";
import { copy, hex, sameBytes } from "../src/wire/index.ts";
import type { Identity } from "./certificates.ts";
import {
	Disk,
	failed,
	isPassing,
	TAILS,
	type Tail,
	type Unsynced,
} from "./disk.ts";
import type { AnyDriver } from "./driver.ts";
import type { Liar, Lie } from "./lies.ts";
import type { Tetrad } from "./tetrad.ts";
import type { World } from "./world.ts";

/** Dies there: at the `point`th place from where it is armed, the first being 1. */
export interface CrashPoint {
	readonly point: number;
	/** Only places at which something is written and not durable count. */
	readonly isWriting?: boolean;
	/** What is left of what was not durable; drawn unless given. */
	readonly tail?: Tail;
	/** How long until it is started again, in milliseconds. */
	readonly downMs: number;
	/** Started again, it dies at these places, too, each counted from its start. */
	readonly again?: readonly number[];
	readonly isAgain?: boolean;
	/** Only the places count at which what was written to this table is durable. */
	readonly table?: string;
}

/** What became of a transaction. */
type Answer = (
	event: Exclude<WorkEvent, { kind: "signed" | "not-signed" }>,
) => void;

/** A transaction that is carried out with the next that somebody waits for. */
interface CanWait {
	readonly id: number;
	readonly transaction: Transaction<unknown>;
	readonly answer: Answer;
}

/** How long until whoever cannot start is started again, in milliseconds. */
const RESTART_MS = 1000;

/** As in `src/device/runtime/clock.ts`. */
const MAX_SET_BACK_MS = 300_000;
const STORE_TIME_MS = 60_000;

export abstract class Device {
	readonly world: World;
	readonly name: string;
	readonly role: DeviceRole;
	readonly disk: Disk = new Disk();
	readonly drivers: Set<AnyDriver> = new Set();
	readonly crypto: CryptoProvider;
	/** Its store cannot be opened any more, and has to be put back. */
	isDamaged = false;
	/** How far its clock is ahead, in milliseconds. */
	clockAhead = 0;
	/** Places at which it could have died, and those of them at which something was not durable. */
	points = 0;
	#writings = 0;
	/** How often the table was written to after which it dies. */
	#wrote = 0;
	identity: Identity;
	/** What it has formed keys over, in hexadecimal. */
	readonly transcripts: Set<string> = new Set();
	/** By what rule it lies, if it does. */
	lie: Lie | undefined;
	readonly #memory = new Map<string, unknown>();
	/** Untrusted lists that it has stored, by authority. */
	readonly #lists = new Map<string, Uint8Array>();
	readonly #earlier: Identity[] = [];
	/** The hashes of all that it has signed, in hexadecimal. */
	readonly #signed = new Set<string>();
	/** What its chain says was read once. */
	#certified:
		| { readonly identity: Identity; readonly device: CertifiedDevice }
		| undefined;
	#crash: CrashPoint | undefined;
	/** How long its disk fails once it does, in milliseconds. */
	#failsMs = 0;
	#life = 0;
	/** When all that was written so far is durable. */
	#syncedAt = 0;
	/** In the order in which they were asked for. */
	#canWait: CanWait[] = [];
	/** The latest time that was believed, in this life, and as it is on the disk. */
	#lastSeen: number | undefined;
	#storedSeen: number | undefined;
	#isUp = false;
	/** Its process ended because of the clock, and is started when that is set. */
	#wantsStart = false;
	#context: DeviceContext | undefined;

	constructor(
		world: World,
		name: string,
		role: DeviceRole,
		identity: Identity,
	) {
		this.world = world;
		this.name = name;
		this.role = role;
		this.identity = identity;
		this.crypto = world.cryptography.provider(
			world.stream(`device ${name}`),
			world.sealed,
		);
	}

	get isUp(): boolean {
		return this.#isUp;
	}

	/** Its time, in milliseconds since the epoch. */
	now(): number {
		return this.world.schedule.now + this.clockAhead;
	}

	get context(): DeviceContext {
		if (this.#context === undefined)
			throw new TetradError("internal", `${this.name} is down`);
		return this.#context;
	}

	get own(): CertifiedDevice {
		return this.context.own;
	}

	get earlier(): readonly Identity[] {
		return this.#earlier;
	}

	/** As its authority certified it, whether or not it runs. */
	certified(): CertifiedDevice {
		if (this.#certified?.identity !== this.identity) {
			const { agencies, banks } = this.world.policy;
			const device = validateChain(
				this.crypto,
				this.identity.chain,
				this.role,
				this.role === "agent" ? agencies : banks,
				this.world.schedule.now,
			);
			this.#certified = { identity: this.identity, device };
		}
		return this.#certified.device;
	}

	/** Whether it has signed exactly that, with whichever key. */
	hasSigned(content: Uint8Array): boolean {
		return this.#signed.has(hex(this.crypto.sha256(content)));
	}

	sign(content: Uint8Array, under?: Uint8Array): Uint8Array {
		this.world.checks.signed(this, content);
		this.#signed.add(hex(this.crypto.sha256(content)));
		const signer = [this.identity, ...this.#earlier].find(
			({ signer: { publicKey } }) =>
				under === undefined || sameBytes(publicKey, under),
		)?.signer;
		if (signer === undefined)
			throw new TetradError("key-store-failed", "nobody has that key");
		return signer.signNow(content);
	}

	/** What it says in the place of a message: the message, unless it lies. */
	says(
		tetrad: Tetrad,
		to: "agent" | "module",
		bytes: Uint8Array,
	): readonly Uint8Array[] {
		const { lie, world } = this;
		if (lie === undefined) return [bytes];
		const liar: Liar = {
			...{ device: this, tetrad, memory: this.#memory },
			forbid: (believing) => world.forbid(believing),
			signFor: (name, content) => world.signFor(name, content),
			random: (length) => world.stream(`lies of ${this.name}`).bytes(length),
		};
		return unpackMessages(bytes).flatMap((one) => {
			if (one[0] === messages.BETWEEN_MODULES.deliver.type)
				this.#memory.set("delivered", copy(one));
			const said = lie.says(liar, to, one);
			if (said.length !== 1 || said[0] !== one) world.count("lie");
			return said;
		});
	}

	// Lives and deaths.

	start(): void {
		if (this.#isUp || this.isDamaged) return;
		this.#context = this.standby();
		this.#lastSeen = this.#storedSeen;
		this.#wantsStart = false;
		this.#isUp = true;
		this.world.trace.mix(0x57a7);
		try {
			this.believeClock();
			this.started();
		} catch (thrown) {
			const error = asTetradError(thrown);
			const { code } = error;
			this.die();
			if (isPassing(error)) return this.#restart();
			// Nothing is done with a store in which a document cannot be read: its owner is told.
			if (this.disk.rotten > 0)
				return this.world.count("rot noticed at a start");
			if (code !== "clock-wrong" && code !== "chain-refused") throw thrown;
			this.world.count("clock not believed at a start");
			this.#wantsStart = true;
		}
	}

	/** What it is with all that is on its disk, while it does not run. */
	standby(): DeviceContext {
		const { policy } = this.world;
		const verdicts = new ChainVerdicts(this.crypto, policy);
		for (const bundle of this.#lists.values()) verdicts.lists.restore(bundle);
		return {
			crypto: this.crypto,
			policy,
			verdicts,
			own: this.certified(),
			listMemory: new ListMemory(MAX_LIST_MEMORY_BYTES),
			// In memory: a device that is started again has none.
			...(this.world.plan.resumes ? { tokens: new ResumptionTokens() } : {}),
			unsafeKeylog: (label, secret) => {
				if (label === "T") this.transcripts.add(hex(secret));
			},
		};
	}

	/** Another device takes its place, which has nothing of what this one had. It does not run yet. */
	replace(identity: Identity): void {
		this.die();
		this.disk.mend();
		this.disk.restore({ tables: [], rotten: 0 });
		this.#lists.clear();
		this.#earlier.length = 0;
		this.#lastSeen = undefined;
		this.#storedSeen = undefined;
		this.isDamaged = false;
		this.identity = identity;
	}

	/** It is started again a while later, as whatever supervises it does. */
	#restart(): void {
		this.world.schedule.after(RESTART_MS, () => this.start());
	}

	/** Its process ends at once, wherever it is. */
	die(tail?: Tail): void {
		if (!this.#isUp) return;
		const { world } = this;
		this.#isUp = false;
		this.#life++;
		this.#syncedAt = 0;
		if (this.#canWait.length > 0) world.count("death while writes wait");
		this.#canWait = [];
		for (const driver of [...this.drivers]) driver.stop();
		this.drivers.clear();
		this.#recover(tail);
		world.trace.mix(0xdead);
		world.tell({ who: this.name, what: "dies", isFault: true });
		this.died();
	}

	/** What was not durable is lost, or is there after all. */
	#recover(given?: Tail): void {
		const { disk, world } = this;
		if (disk.unsynced === 0) return;
		const stream = world.stream("crash");
		const tail = given ?? stream.pick(TAILS);
		const { kept, torn, reordered } = disk.crash(tail, stream);
		world.count(`writes ${tail}`);
		if (torn > 0) world.count("writes torn");
		if (reordered > 0) world.count("writes reordered");
		for (const { writes } of kept) world.durable(this, writes);
	}

	/** The store has failed: an agent opens it again, and a module ends, as their processes do. */
	#storeFailed(): void {
		this.world.count("disk error");
		this.world.tell({
			who: this.name,
			what: "has an error of its disk",
			isFault: true,
		});
		if (this.#failsMs > 0) {
			const { disk } = this;
			disk.isBroken = true;
			this.world.schedule.after(this.#failsMs, () => {
				disk.isBroken = false;
			});
			this.#failsMs = 0;
		}
		if (this.role === "module") {
			this.die();
			this.#restart();
		} else {
			this.#syncedAt = 0;
			this.#recover();
		}
	}

	/** It dies at that place from now on. */
	crashAt(crash: CrashPoint): void {
		const { point } = crash;
		this.#wrote = 0;
		this.#crash = { ...crash, point: this.#reached(crash) + point };
	}

	#reached({ isWriting, table }: CrashPoint): number {
		if (table !== undefined) return this.#wrote;
		return isWriting === true ? this.#writings : this.points;
	}

	/** One of the places where it can die: true when it just did. `durable` is what has become so there. */
	mayCrash(
		kind: string,
		isWriting = false,
		durable: readonly Write[] = [],
	): boolean {
		if (!this.#isUp) return true;
		this.points++;
		if (isWriting) this.#writings++;
		const crash = this.#crash;
		if (crash === undefined) return false;
		if (durable.some(({ table }) => table.name === crash.table)) this.#wrote++;
		if (this.#reached(crash) < crash.point) return false;
		this.#crash = undefined;
		this.world.count(crash.isAgain ? "crash in recovery" : "crash");
		this.world.tell({
			who: this.name,
			what: `crashes before ${kind}`,
			isFault: true,
		});
		this.die(crash.tail);
		const [point, ...again] = crash.again ?? [];
		this.world.schedule.after(crash.downMs, () => {
			if (point !== undefined && !this.world.isHealed)
				this.crashAt({ ...crash, point, again, isAgain: true });
			this.start();
		});
		return true;
	}

	/** Its disk fails at that transaction from now on, and for so many milliseconds after it. */
	failAt({
		transaction,
		isWritten,
		forMs,
	}: {
		readonly transaction: number;
		readonly isWritten: boolean;
		readonly forMs: number;
	}): void {
		this.#failsMs = forMs;
		this.disk.failAt(transaction, isWritten);
	}

	/** Pages of its store are damaged: its process ends, and starts on none of it. */
	damage(): void {
		this.isDamaged = true;
		this.die();
	}

	noCrash(): void {
		this.#crash = undefined;
	}

	/** Does something next, if its process lives that long. */
	later(run: () => void, milliseconds = 0): void {
		const life = this.#life;
		this.world.schedule.after(milliseconds, () => {
			if (this.#isUp && this.#life === life) run();
		});
	}

	/** What is handed over is dropped when the process has ended by then. */
	alive<Given extends readonly unknown[]>(
		run: (...given: Given) => void,
	): (...given: Given) => void {
		const life = this.#life;
		return (...given) => {
			if (this.#isUp && this.#life === life) run(...given);
		};
	}

	protected abstract started(): void;
	protected abstract died(): void;
	/** An untrusted list has come into force. */
	protected abstract listsChanged(): void;

	// What it does.

	setClock(ahead: number): void {
		this.clockAhead = ahead;
		for (const driver of [...this.drivers]) driver.clockChanged();
		if (this.#wantsStart) this.start();
	}

	/** Its owner does what `clock-wrong` says when the time that was seen was wrong: takes it out of the home. Answers whether there was a reason to. */
	forgetTime(): boolean {
		const { lastSeen: seen } = this;
		if (seen === undefined || this.now() >= seen - MAX_SET_BACK_MS)
			return false;
		this.#lastSeen = undefined;
		this.#storedSeen = undefined;
		// What is in a home is read at a start.
		this.die();
		this.start();
		return true;
	}

	/** The latest time that it has believed, in milliseconds since the epoch, as far as it remembers. */
	get lastSeen(): number | undefined {
		return this.#isUp ? this.#lastSeen : this.#storedSeen;
	}

	/** A new key and a new certificate; the old key is kept. */
	recertify(identity: Identity): void {
		const wasUp = this.#isUp;
		this.die();
		this.#earlier.unshift(this.identity);
		this.identity = identity;
		if (wasUp) this.start();
	}

	/** Its time, before a tetrad is begun, as the clock of a device has it. Throws what that throws. */
	believeClock(): number {
		const { own, verdicts } = this.context;
		const lastSeen = this.#lastSeen;
		const clock = new DeviceClock({ now: () => this.now(), lastSeen });
		const now = clock.believable(own, verdicts.lists);
		this.world.checks.clockBelieved(this, now, lastSeen);
		this.#lastSeen = Math.max(now, lastSeen ?? now);
		// It is on the disk once a minute, and the last minute is lost in a crash.
		const stored = this.#storedSeen ?? Number.NEGATIVE_INFINITY;
		if (now - stored >= STORE_TIME_MS) this.#storedSeen = this.#lastSeen;
		return now;
	}

	/** Takes a list that came or that its owner has got, and answers what a machine is to be told. */
	learnList(bundle: Uint8Array): ListNumber | TetradError | undefined {
		const { lists } = this.context.verdicts;
		try {
			const examined = lists.examine(bundle, this.now());
			if (examined.kind === "unusable") return examined.was;
			const { list } = examined;
			const was = { authority: list.authority, number: list.number };
			if (examined.kind === "same") return was;
			this.#lists.set(hex(list.authority), examined.bundle);
			examined.enforce();
			if (examined.kind === "newer") this.listsChanged();
			return was;
		} catch (thrown) {
			return asTetradError(thrown);
		}
	}

	/**
	 * Carries out a transaction; what it was answered comes when it is durable. As in `DurableStore`,
	 * one that can wait is not carried out before the next that cannot, or its time is over, and
	 * those that look do not see it.
	 */
	transact(
		id: number,
		transaction: Transaction<unknown>,
		answer: Answer,
		{ waitMs = 0, looks = false }: TransactOptions = {},
	): void {
		if (waitMs > 0 && this.#canWait.length + 1 < MAX_WAITING) {
			const one = { id, transaction, answer };
			this.#canWait.push(one);
			this.world.count("write that waits");
			return this.later(() => {
				if (this.#canWait.includes(one)) this.#writeWhatWaits();
			}, waitMs);
		}
		if (looks || this.#writeWhatWaits())
			this.#carryOut(id, transaction, answer);
	}

	/** Carries out what can wait. False when the process has ended over it. */
	#writeWhatWaits(): boolean {
		const life = this.#life;
		for (const one of this.#canWait.splice(0)) {
			this.#carryOut(one.id, one.transaction, one.answer);
			if (this.#life !== life) return false;
		}
		return true;
	}

	/** As whoever has ended a tetrad has it written. */
	protected writeWhatWaits(): void {
		if (this.#canWait.length > 0)
			this.transact(0, done([], undefined), () => {});
	}

	#carryOut(
		id: number,
		transaction: Transaction<unknown>,
		answer: Answer,
	): void {
		const { disk, world } = this;
		let ran: {
			readonly result: unknown;
			readonly unsynced: Unsynced | undefined;
		};
		try {
			ran = disk.run(transaction);
		} catch (thrown) {
			const error = asTetradError(thrown);
			if (error.code === "store-failed") this.#storeFailed();
			this.later(() => answer({ kind: "not-written", id, error }));
			return;
		}
		const { result, unsynced } = ran;
		const { schedule } = world;
		const { openings } = disk;
		const answerLater = (wait: number, run: () => void) =>
			this.later(() => {
				// Whatever waited when the store failed is answered with that.
				if (disk.openings === openings) run();
				else answer({ kind: "not-written", id, error: failed() });
			}, wait);
		// What only reads may have read what is not durable yet, and is answered after that.
		if (unsynced === undefined) {
			const wait = Math.max(0, this.#syncedAt - schedule.now);
			return answerLater(wait, () => answer({ kind: "written", id, result }));
		}
		this.#syncedAt = Math.max(
			this.#syncedAt,
			schedule.now + world.syncMs(this),
		);
		if (this.mayCrash("what it wrote is durable", true)) return;
		answerLater(this.#syncedAt - schedule.now, () => {
			disk.sync(unsynced);
			world.durable(this, unsynced.writes);
			if (this.mayCrash("hearing that it is durable", false, unsynced.writes))
				return;
			answer({ kind: "written", id, result });
		});
	}

	/** Carries out a transaction while nothing else is under way; it is durable at once. */
	runNow<Result>(transaction: Transaction<Result>): Result {
		const { result, unsynced } = this.disk.run(transaction);
		this.disk.syncAll();
		if (unsynced !== undefined) this.world.durable(this, unsynced.writes);
		return result;
	}

	/** As `transact`, for who wants to go on with what came of it. */
	write<Result>(
		transaction: Transaction<Result>,
		then: (result: Result) => void,
		otherwise: (error: TetradError) => void = () => {},
	): void {
		this.transact(0, transaction, (event) => {
			if (event.kind === "written") then(event.result as Result);
			else otherwise(event.error);
		});
	}
}
