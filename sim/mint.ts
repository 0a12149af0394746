/*
 * A mint of a simulated world: a play mint with all that one can do wrong, a clock and a disk of its
 * own, and a process that can die. As `MintServer` of `src/device/mint` has it, no answer leaves
 * before all is durable that was changed until then; what was not can be lost when it dies, and
 * then nobody has heard of it.
 */
import type { CryptoProvider } from "../src/crypto/index.ts";
import type { MintReply as FaultyReply } from "../src/mint/faulty-mint.ts";
import {
	FaultyMint,
	type MintChange,
	type MintFault,
	type MintTable,
	PlayMint,
	type PlayMintOptions,
} from "../src/mint/index.ts";
import type { MintAnswer, MintRequest } from "../src/mint/play-mint.ts";
import type { MintRows } from "../src/mint/state.ts";
import {
	type Keyset,
	KnownKeysets,
	type LockTerms,
	makeLockOutputs,
	makeOutputs,
	meltQuoteStateRequest,
	mintQuoteRequest,
	mintRequest,
	type Output,
	type Proof,
	type ProvenProof,
	parseKeys,
	parseKeysets,
	parseMintQuote,
	parseSignatures,
	plainInputs,
	splitAmount,
	sumOf,
	swapRequest,
	unblindAll,
	writeToken,
} from "../src/money/cashu/index.ts";
import { mintId, type TrustedMint } from "../src/money/index.ts";
import { hex, parseUtf8, utf8 } from "../src/wire/index.ts";
import type { Tail } from "./disk.ts";
import type { EcashCryptography } from "./ecash-crypto.ts";
import type { PriceMoney } from "./issuer-side.ts";
import type { MintPlan } from "./mint-plan.ts";
import type { World } from "./world.ts";

/** Its name of the unit, and ours. */
const UNIT = "sat";
const SAT = { code: "SAT", exponent: 0 } as const;

/** How often one fault has it take new keys: a purse takes 256 keysets of one mint at most, and none is ever dropped. */
const MAX_ROTATIONS = 40;

/** What becomes of a question. */
export type MintReply = MintAnswer | "silence";

/** What it changed and is not durable. */
interface Unsynced {
	readonly changes: readonly MintChange[];
}

/** What is kept of each of its tables, by key. */
type Kept = { readonly [Name in MintTable]: Map<string, MintRows[Name]> };

/** Dies there, counted from when it is said; the first place is 1. */
interface MintCrash {
	point: number;
	readonly tail: Tail | undefined;
	readonly downMs: number;
}

export class SimulatedMint {
	readonly world: World;
	readonly name: string;
	readonly url: string;
	/** What stands for it where an issuer has its device id. */
	readonly issuer: Uint8Array;
	/** As the owners know it who have named it. */
	readonly trusted: TrustedMint;
	/** How far its clock is ahead, in milliseconds. */
	clockAhead = 0;
	/** Places at which it could have died. */
	points = 0;
	/** What is on its disk. */
	readonly kept: Kept = {
		mint: new Map(),
		keysets: new Map(),
		proofs: new Map(),
		signatures: new Map(),
		mintQuotes: new Map(),
		meltQuotes: new Map(),
		answers: new Map(),
	};
	/** Kinds of faults that it ever had. */
	readonly sins: Set<MintFault["kind"]> = new Set();
	readonly #options: PlayMintOptions;
	readonly #crypto: CryptoProvider;
	readonly #ecash: EcashCryptography;
	readonly #isFast: boolean;
	#faults: MintFault[] = [];
	#unsynced: Unsynced[] = [];
	#syncedAt = 0;
	#faulty: FaultyMint;
	#isUp = true;
	#life = 0;
	#crash: MintCrash | undefined;
	#tokens = 0;

	constructor(
		world: World,
		name: string,
		ecash: EcashCryptography,
		{ inputFeePpk, areFast = false }: MintPlan,
	) {
		this.#crypto = world.cryptography.provider(world.stream(name));
		this.world = world;
		this.name = name;
		this.url = `https://${name}.example`;
		this.issuer = mintId(this.#crypto, this.url);
		this.trusted = {
			...{ issuer: this.issuer, name: `${name}.example`, currency: SAT },
			...{ isPlay: true, url: this.url, unit: UNIT },
		};
		this.#ecash = ecash;
		this.#isFast = areFast;
		this.#options = {
			...{ units: [UNIT], inputFeePpk, primitives: ecash.mint },
			payment: "by-hand",
			melting: areFast ? "at-once" : "by-hand",
		};
		const seed = world.stream(`seed of ${name}`).bytes(32);
		this.#faulty = new FaultyMint(PlayMint.create(seed, this.#options));
		this.#keepNow();
	}

	/** What a price says of it. */
	get money(): PriceMoney {
		const { issuer, currency, url, unit } = this.trusted;
		return {
			...{ issuer, currency: currency.code, mint: { url, unit } },
			money: { exponent: currency.exponent, isPlay: true },
		};
	}

	get isUp(): boolean {
		return this.#isUp;
	}

	now(): number {
		return this.world.schedule.now + this.clockAhead;
	}

	/** Somebody asks. `answer` is called once, if it lives that long. */
	take(request: MintRequest, answer: (reply: MintReply) => void): void {
		if (!this.#isUp) return answer("silence");
		const abandoned = () => answer("silence");
		if (this.#mayDie("it has read a question")) return abandoned();
		const { reply, changes } = this.#handle(request);
		const unsynced = { changes };
		const { schedule } = this.world;
		if (changes.length > 0) {
			this.#unsynced.push(unsynced);
			this.#syncedAt =
				Math.max(this.#syncedAt, schedule.now) + this.world.mintSyncMs(this);
			if (this.#mayDie("what it has done is durable")) return abandoned();
		}
		const life = this.#life;
		schedule.at(this.#syncedAt, () => {
			if (this.#life !== life) return abandoned();
			this.#sync(unsynced);
			if (this.#mayDie("it answers")) return abandoned();
			if (reply.kind === "silence") return answer("silence");
			const { delayMs, status, body } = reply;
			schedule.after(delayMs, () => answer({ status, body }));
		});
	}

	/** What it pays is over by the time that it answers, or a while after that. */
	#handle(request: MintRequest): {
		readonly reply: FaultyReply;
		readonly changes: readonly MintChange[];
	} {
		const reply = this.#faulty.handle(request, this.now());
		const changes = this.#faulty.mint.takeChanges();
		if (this.#isFast) return { reply, changes };
		for (const { table, key, row } of changes) {
			if (table !== "meltQuotes" || row === undefined) continue;
			const quote: MintRows["meltQuotes"] = JSON.parse(row);
			if (quote.state !== "PENDING") continue;
			const { afterMs, isPaid } = this.world.mints.invoices.tried(
				quote.request,
			);
			if (afterMs > 0) {
				this.world.mints.invoices.endLater(this, key, { afterMs, isPaid });
				continue;
			}
			this.#faulty.mint.settleMelt(key, isPaid);
			return {
				reply: saysNow(reply, () =>
					this.#faulty.mint.handle(meltQuoteStateRequest(key), this.now()),
				),
				changes: [...changes, ...this.#faulty.mint.takeChanges()],
			};
		}
		return { reply, changes };
	}

	/** When the time of an invoice of its own is over, in seconds of its clock. */
	expiryOf(invoice: string): number | undefined {
		for (const { request, expiry } of this.kept.mintQuotes.values())
			if (request === invoice) return expiry;
		return undefined;
	}

	/** An invoice of its own is paid from now on; whether there is one, and it is there to hear of that. */
	pay(invoice: string): "paid" | "unknown" | "down" {
		const [found] = [...this.kept.mintQuotes].filter(
			([, { request }]) => request === invoice,
		);
		if (found === undefined) return "unknown";
		if (!this.#isUp) return "down";
		this.#faulty.mint.pay(found[0]);
		this.#keepNow();
		return "paid";
	}

	/** What it is paying is over; whether it is there to hear of that. */
	endPaying(quote: string, isPaid: boolean): boolean {
		if (!this.#isUp) return false;
		// What was not durable when it died it never began.
		const now = this.#faulty.mint.handle(
			meltQuoteStateRequest(quote),
			this.now(),
		);
		if (!isPending(now.body)) return true;
		this.#faulty.mint.settleMelt(quote, isPaid);
		this.#keepNow();
		return true;
	}

	// What goes wrong with it.

	add(fault: MintFault): void {
		this.sins.add(fault.kind);
		const kept: MintFault =
			fault.kind === "keyset-rotated"
				? { times: MAX_ROTATIONS, ...fault }
				: fault;
		this.#faults.push(kept);
		if (!this.#isUp) return;
		this.#faulty.add(kept);
		this.#keepNow();
	}

	/** Nothing is wrong with it any more, and what was stuck is free again. */
	clear(): void {
		this.#faults = [];
		if (!this.#isUp) return;
		this.#faulty.clear();
		this.#keepNow();
	}

	/** Signs with new keys only from now on. */
	rotate(inputFeePpk?: number): void {
		if (!this.#isUp) return;
		this.#faulty.mint.rotate(UNIT, inputFeePpk);
		this.#keepNow();
	}

	crashAt({ point, tail, downMs }: MintCrash): void {
		this.#crash = { point, tail, downMs };
	}

	noCrash(): void {
		this.#crash = undefined;
	}

	#mayDie(before: string): boolean {
		this.points++;
		const crash = this.#crash;
		if (crash === undefined || --crash.point > 0) return false;
		this.#crash = undefined;
		this.world.count("crash of a mint");
		this.world.tell({
			who: this.name,
			what: `dies before ${before}`,
			isFault: true,
		});
		this.die(crash.tail);
		this.world.schedule.after(crash.downMs, () => this.start());
		return true;
	}

	die(given?: Tail): void {
		if (!this.#isUp) return;
		this.#isUp = false;
		this.#life++;
		const stream = this.world.stream("crash of mints");
		const count = this.#unsynced.length;
		const tail = given ?? stream.pick(["lost", "kept", "cut"] as const);
		const kept =
			tail === "lost" ? 0 : tail === "kept" ? count : stream.below(count + 1);
		for (const one of this.#unsynced.slice(0, kept)) this.#write(one.changes);
		this.#unsynced = [];
		this.#syncedAt = 0;
		this.world.trace.mix(0xdead);
	}

	start(): void {
		if (this.#isUp) return;
		this.#faulty = new FaultyMint(PlayMint.of(this.#rows(), this.#options));
		for (const fault of this.#faults) this.#faulty.add(fault);
		this.#isUp = true;
		this.#keepNow();
	}

	// What it has on its disk.

	#sync(unsynced: Unsynced): void {
		const at = this.#unsynced.indexOf(unsynced);
		for (const { changes } of this.#unsynced.splice(0, at + 1))
			this.#write(changes);
	}

	/** What is changed while nobody asks is durable at once. */
	#keepNow(): void {
		const changes = this.#faulty.mint.takeChanges();
		if (changes.length > 0) this.#unsynced.push({ changes });
		for (const one of this.#unsynced.splice(0)) this.#write(one.changes);
	}

	#write(changes: readonly MintChange[]): void {
		for (const { table, key, row } of changes) {
			const rows = this.kept[table] as Map<string, unknown>;
			if (row === undefined) rows.delete(key);
			else rows.set(key, JSON.parse(row));
		}
		this.world.mintKept(this, changes);
	}

	/** Whether it ever asked for something when a proof was spent. */
	get asksForSpending(): boolean {
		return [...this.kept.keysets.values()].some(
			({ inputFeePpk }) => inputFeePpk > 0,
		);
	}

	/** Why it would not take these proofs for others; nothing changes by asking. */
	whyNotTaken(proofs: readonly Proof[]): string | undefined {
		const copy = PlayMint.of(this.#rows(), this.#options);
		const keyset = this.#keyset(copy);
		const ppk = proofs.reduce(
			(sum, { keyset: id }) =>
				sum + (this.kept.keysets.get(hex(id))?.inputFeePpk ?? 0),
			0,
		);
		const brings = sumOf(proofs) - BigInt(Math.ceil(ppk / 1000));
		// What costs as much as it is worth is taken by nobody.
		if (brings <= 0n) return undefined;
		const outputs = makeOutputs(
			this.#ecash.purse,
			{ seed: new Uint8Array(64), keyset: keyset.id, counter: 0 },
			splitAmount(keyset, brings),
		);
		const request = swapRequest(plainInputs(proofs), outputs);
		const { status, body } = copy.handle(request, this.now());
		return status === 200 ? undefined : parseUtf8(body);
	}

	#rows(): readonly MintChange[] {
		return Object.entries(this.kept).flatMap(([table, of]) =>
			[...of].map(
				([key, row]): MintChange => ({
					...{ table: table as MintTable, key, row: JSON.stringify(row) },
				}),
			),
		);
	}

	/** That it signs with. */
	#keyset(mint: PlayMint): Keyset {
		return this.#keysets(mint).active;
	}

	#keysets(mint: PlayMint): {
		readonly all: KnownKeysets;
		readonly active: Keyset;
	} {
		const get = (path: string) =>
			mint.handle({ method: "GET", path, body: new Uint8Array() }, this.now())
				.body;
		const { purse } = this.#ecash;
		const all = new KnownKeysets(
			parseKeys(
				this.#crypto,
				purse,
				get("/v1/keys"),
				parseKeysets(get("/v1/keysets")),
			),
		);
		const active = all.active(UNIT, this.now());
		if (active === undefined) throw new Error(`${this.name} has no keys`);
		return { all, active };
	}

	// Ecash that somebody brings from elsewhere.

	/** A token of so much new ecash, which nobody in this world has, and nobody in it can open where it is locked; nothing while something is wrong with it. */
	token(
		amount: bigint,
		{ isLocked = false }: { readonly isLocked?: boolean } = {},
	): string | undefined {
		const proofs = this.issue(({ keys, id }) => {
			const seed = this.#crypto.sha256(
				utf8(`token ${++this.#tokens} of ${this.name}`),
			);
			const place = { seed, keyset: id, counter: 0 };
			const amounts = splitAmount({ keys }, amount);
			const { purse } = this.#ecash;
			return isLocked
				? makeLockOutputs(purse, place, amounts, this.#ofOthers())
				: makeOutputs(purse, place, amounts);
		});
		return (
			proofs && writeToken({ mint: this.url, unit: UNIT, proofs: [...proofs] })
		);
	}

	/** With which somebody locks money to somebody else, both of whom are not in this world. */
	#ofOthers(): LockTerms {
		const some = (what: string) =>
			this.#crypto.sha256(utf8(`${what} of ${this.name}`));
		const key = (whose: string) => this.#ecash.purse.publicKey(some(whose));
		return {
			...{ payee: key("payee"), refund: key("payer") },
			...{ keyHash: some("key"), deadline: Math.floor(this.now() / 1000) },
			...{ contract: some("contract"), binding: some("binding") },
		};
	}

	/** Somebody who is not in this world has new proofs made of these, if they are unspent. */
	redeem(proofs: readonly Proof[]): void {
		if (!this.#isUp || this.#faults.length > 0) return;
		const { mint } = this.#faulty;
		const { active } = this.#keysets(mint);
		const ppk = proofs.reduce(
			(sum, { keyset }) =>
				sum + (this.kept.keysets.get(hex(keyset))?.inputFeePpk ?? 0),
			0,
		);
		const brings = sumOf(proofs) - BigInt(Math.ceil(ppk / 1000));
		if (brings <= 0n) return;
		const seed = this.#crypto.sha256(
			utf8(`redeemed ${++this.#tokens} at ${this.name}`),
		);
		const place = { seed, keyset: active.id, counter: 0 };
		const outputs = makeOutputs(
			this.#ecash.purse,
			place,
			splitAmount(active, brings),
		);
		const request = swapRequest(plainInputs(proofs), outputs);
		if (mint.handle(request, this.now()).status !== 200) return;
		this.world.count("token redeemed outside");
		this.world.checks.minted(this, outputs);
		this.#keepNow();
	}

	/** Signs what somebody has paid for who is not in this world. */
	issue(
		make: (keyset: Keyset) => readonly Output[],
	): readonly ProvenProof[] | undefined {
		if (!this.#isUp || this.#faults.length > 0) return undefined;
		const { purse } = this.#ecash;
		const { mint } = this.#faulty;
		const ask = (request: MintRequest): Uint8Array => {
			const { status, body } = mint.handle(request, this.now());
			if (status !== 200)
				throw new Error(`${this.name} mints nothing: ${parseUtf8(body)}`);
			return body;
		};
		const { all, active } = this.#keysets(mint);
		const outputs = make(active);
		const quoted = ask(mintQuoteRequest(UNIT, sumOf(outputs)));
		const { quote } = parseMintQuote(quoted);
		mint.pay(quote);
		const answer = ask(mintRequest(quote, outputs));
		const proofs = unblindAll(purse, all, outputs, parseSignatures(answer));
		this.world.checks.minted(this, outputs);
		this.#keepNow();
		return proofs;
	}
}

function isPending(body: Uint8Array): boolean {
	try {
		return JSON.parse(parseUtf8(body)).state === "PENDING";
	} catch {
		return false;
	}
}

/** An answer that a payment is under way says what has become of it by then; one that a fault has changed stays as it is. */
function saysNow(reply: FaultyReply, ask: () => MintAnswer): FaultyReply {
	if (reply.kind !== "answer" || !isPending(reply.body)) return reply;
	return { ...reply, ...ask() };
}
