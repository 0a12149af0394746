/* A market whose buyer pays with ecash of a play mint, asked without a network. */
import assert from "node:assert/strict";
import {
	type EcashCryptography,
	standInEcash,
} from "../../sim/ecash-crypto.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { put, remove } from "../../src/machine/index.ts";
import {
	FaultyMint,
	PlayMint,
	type PlayMintOptions,
} from "../../src/mint/index.ts";
import {
	type EcashCrypto,
	KnownKeysets,
	makeOutputs,
	mintQuoteRequest,
	mintRequest,
	type Proof,
	parseKeys,
	parseKeysets,
	parseMintQuote,
	parseSignatures,
	parseStates,
	plainInputs,
	pointsOf,
	splitAmount,
	stateRequest,
	sumOf,
	swapRequest,
	unblindAll,
} from "../../src/money/cashu/index.ts";
import { ABOUT_LOCKS, mintId } from "../../src/money/documents/index.ts";
import {
	type Balance,
	ecashPurse,
	ecashTables,
	noBalance,
	purseTables,
	readBalances,
} from "../../src/money/index.ts";
import { EcashBook } from "../../src/money/purse/ecash/book.ts";
import { countersOf } from "../../src/money/purse/ecash/counters.ts";
import type { Contract } from "../../src/trade/documents/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import type { Module } from "../money/town.ts";
import { Market, type MarketOptions, type Visit } from "./market.ts";
import type { RailMarket } from "./rail-contract.ts";

const { APART_LOCKS_NAME, META } = purseTables;

/** As of a purse that has drawn its seed itself. */
const APART = put(META, { name: APART_LOCKS_NAME, value: Uint8Array.of(1) });

export const MINT_URL = "https://mint.example";
const UNIT = "sat";
const SAT = { code: "SAT", exponent: 0 } as const;
export const MINT_ISSUER: Uint8Array = mintId(nodeCrypto, MINT_URL);

const TRUSTED = {
	issuer: MINT_ISSUER,
	name: "mint.example",
	currency: SAT,
	isPlay: true,
	url: MINT_URL,
	unit: UNIT,
} as const;

/** As a mint has it. */
type Request = Parameters<FaultyMint["handle"]>[0];

/** Equations are those of the curve, and most of what a purchase for ecash costs is not. */
const STAND_IN: EcashCryptography = standInEcash(nodeCrypto);

/** What owners have changed of their modules. */
interface Changed {
	readonly seeds: Map<string, Uint8Array>;
	readonly unnamed: Set<string>;
}

export class EcashMarket {
	readonly market: Market;
	readonly mint: FaultyMint;
	readonly cryptography: EcashCryptography;
	readonly #clock: () => number;
	/** What the mint asks for each input, in thousandths. */
	readonly #feePpk: bigint;
	/** Each has other ecash. */
	#strangers = 0;
	/** Those that purses have taken in the place of their own, by name. */
	readonly #seeds: Map<string, Uint8Array>;
	/** Whose settings name no mint, by name. */
	readonly #unnamed: Set<string>;

	private constructor(
		market: Market,
		mint: FaultyMint,
		cryptography: EcashCryptography,
		{ inputFeePpk = 0 }: PlayMintOptions,
		{ seeds, unnamed }: Changed,
	) {
		this.#seeds = seeds;
		this.#unnamed = unnamed;
		this.market = market;
		this.mint = mint;
		this.cryptography = cryptography;
		this.#clock = () => market.town.now;
		this.#feePpk = BigInt(inputFeePpk);
	}

	/** Ann has 1000 of its ecash, and Bob's module sells for it. What stands in for secp256k1 computes it all, unless another is given. */
	static async make(
		options: MarketOptions = {},
		play: PlayMintOptions = {},
		cryptography: EcashCryptography = STAND_IN,
	): Promise<EcashMarket> {
		const { purse: crypto, mint: primitives } = cryptography;
		const seed = nodeCrypto.sha256(utf8("a play mint"));
		const mint = new FaultyMint(PlayMint.create(seed, { ...play, primitives }));
		/** Seconds that the mint's clock is ahead. */
		const clock = { now: 0 };
		const seeds = new Map<string, Uint8Array>();
		const unnamed = new Set<string>();
		const market = await Market.make({
			...options,
			paidWith: {
				rail: "cashu",
				issuer: MINT_ISSUER,
				currency: SAT.code,
				money: { exponent: 0, isPlay: true },
			},
			ecash: (self) =>
				unnamed.has(self.name)
					? undefined
					: ecashPurse({
							...{ crypto, mints: [TRUSTED] },
							seed: seeds.get(self.name) ?? seedOf(self),
						}),
			asked: ({ id, server, ...request }, now) => {
				assert.equal(server, MINT_URL);
				const reply = mint.handle(request, now);
				if (reply.kind === "silence")
					return {
						kind: "not-answered",
						id,
						error: new TetradError("carrier-failed", "no answer"),
					};
				const { status, body } = reply;
				return { kind: "answered", id, status, body };
			},
			fund: async ({ ann, bob, town }) => {
				clock.now = town.now;
				const seed = seedOf(ann);
				const proofs = mintFor(crypto, mint, seed, 1000n, town.now);
				const book = new EcashBook(nodeCrypto, [TRUSTED], [], new Map());
				for (const { keyset } of proofs)
					book.take(MINT_ISSUER, { id: keyset }, 1);
				ann.store.run({
					kind: "done",
					writes: [
						APART,
						...book.writeNew(MINT_ISSUER, proofs),
						...countersOf(book, proofs),
					],
					result: undefined,
				});
				town.restart(ann);
				bob.store.run({ kind: "done", writes: [APART], result: undefined });
				town.restart(bob);
			},
		});
		const changed = { seeds, unnamed };
		return new EcashMarket(market, mint, cryptography, play, changed);
	}

	/** What its purses compute with. */
	get crypto(): EcashCrypto {
		return this.cryptography.purse;
	}

	/** New ecash of the mint that nobody here has. */
	token(amount: bigint): readonly Proof[] {
		const seed = seedOf({ name: `${++this.#strangers} somebody else` });
		return mintFor(this.crypto, this.mint, seed, amount, this.#clock());
	}

	/** A module has this ecash and none beside, as if it had received it. */
	giveOnly(module: Module, proofs: readonly Proof[]): void {
		const { PROOFS } = ecashTables;
		const book = new EcashBook(nodeCrypto, [TRUSTED], [], new Map());
		module.store.run({
			kind: "done",
			writes: [
				...module.store.rows(PROOFS).map(({ id }) => remove(PROOFS, { id })),
				...book.writeNew(MINT_ISSUER, proofs),
			],
			result: undefined,
		});
		this.market.town.restart(module);
	}

	/** Its owner brings another seed. */
	takesSeed(module: Module, seed: Uint8Array): void {
		this.#seeds.set(module.name, seed);
		this.market.town.restart(module);
	}

	/** Its owner names the mint in its settings, or names none. */
	names(module: Module, isNamed: boolean): void {
		if (isNamed) this.#unnamed.delete(module.name);
		else this.#unnamed.add(module.name);
		this.market.town.restart(module);
	}

	/** Its seed may have made locks with counters of the purse's. */
	hadCountedLocks(module: Module): void {
		module.store.run({
			kind: "done",
			writes: [remove(META, { name: APART_LOCKS_NAME })],
			result: undefined,
		});
		this.market.town.restart(module);
	}

	/** One unit of new ecash for each of these secrets, which may be locks. */
	tokenWith(secrets: readonly string[]): readonly Proof[] {
		const seed = seedOf({ name: `${++this.#strangers} somebody else` });
		const now = this.#clock();
		return mintFor(this.crypto, this.mint, seed, secrets, now);
	}

	/** As the suite of rails knows it. */
	get rail(): RailMarket {
		return {
			market: this.market,
			balance: (module) => this.balance(module),
			requireConserved: () => this.requireConserved(),
			pass: () => this.pass(),
			passDeadline: () => this.passDeadline(),
			spendBefore: async () => this.spendBefore(this.market.ann),
		};
	}

	/** What a module's owner is told that it has, as every owner is. */
	told({ store }: Module): Balance {
		const balances = store.run(readBalances(this.market.town.now));
		return balances.get(hex(MINT_ISSUER)) ?? noBalance(MINT_ISSUER, SAT.code);
	}

	/** What a module could spend. */
	balance({ store }: Module): bigint {
		return sumOf(store.rows(ecashTables.PROOFS));
	}

	stateOf(contract: Uint8Array, module: Module): string | undefined {
		const { LOCKED, CLAIMED } = ecashTables;
		return [...module.store.rows(LOCKED), ...module.store.rows(CLAIMED)].find(
			(row) => hex(row.contract) === hex(contract),
		)?.state;
	}

	/** One more purchase, up to a message of that kind between its modules, which is the next. */
	async buyUntil(
		kind: keyof typeof ABOUT_LOCKS,
	): Promise<{ readonly visit: Visit; readonly contract: Contract }> {
		const visit = await this.market.meet();
		const contract = await this.market.contract(visit);
		this.market.buy(visit, contract);
		const { town } = this.market;
		await town.work();
		for (let i = 0; town.wire[0]?.bytes?.[0] !== ABOUT_LOCKS[kind].type; i++) {
			assert.ok(i < 100, `there is no ${kind}`);
			await town.deliver();
		}
		return { visit, contract };
	}

	/** All proofs are somebody's, once, and the mint owes no more and no less for them. */
	requireConserved(total = 1000n): void {
		let sum = 0n;
		const seen = new Set<string>();
		for (const module of [this.market.ann, this.market.bob]) {
			const rows = module.store.rows(ecashTables.PROOFS);
			sum += sumOf(rows);
			const ys = pointsOf(this.crypto, rows);
			if (ys.length === 0) continue;
			const states = parseStates(
				this.ask(stateRequest(ys.slice(0, 256))),
				ys.slice(0, 256),
			);
			for (const { kind, y } of states) {
				assert.equal(kind, "unspent", "a purse has what is spent");
				assert.ok(!seen.has(hex(y)), "two purses have one proof");
				seen.add(hex(y));
			}
		}
		assert.equal(sum, total);
	}

	/** Lets pass what time it takes until whatever is asked has been answered, or is over. */
	async pass(): Promise<void> {
		const { town } = this.market;
		for (let i = 0; i < 5; i++) {
			await town.pass(11 * 60_000);
			this.market.listen();
		}
	}

	/** Past the deadline of every contract that was made until now. */
	async passDeadline(): Promise<void> {
		const { town } = this.market;
		await town.pass(6 * 86_400_000);
		this.market.listen();
		await this.pass();
	}

	/** Somebody else who has a copy of a purse swaps all of its ecash, or its proofs of one amount. */
	spendBefore({ store }: Module, of?: bigint): void {
		const rows = store
			.rows(ecashTables.PROOFS)
			.filter(({ amount }) => of === undefined || amount === of);
		const inputs = rows.map((row) => ({ ...row, dleq: undefined }));
		this.swapAway(inputs, new Uint8Array(64));
	}

	/** Somebody else swaps proofs into outputs that follow from another seed. */
	swapAway(proofs: readonly Proof[], seed: Uint8Array): void {
		const [first] = proofs;
		assert.ok(first);
		const fee = (BigInt(proofs.length) * this.#feePpk + 999n) / 1000n;
		const outputs = makeOutputs(
			this.crypto,
			{ seed, keyset: first.keyset, counter: 0 },
			powersIn(sumOf(proofs) - fee),
		);
		this.ask(swapRequest(plainInputs(proofs), outputs));
	}

	ask(request: Request): Uint8Array {
		const reply = this.mint.mint.handle(request, this.#clock());
		assert.equal(reply.status, 200, new TextDecoder().decode(reply.body));
		return reply.body;
	}
}

/** The powers of two that make a sum. */
const powersIn = (sum: bigint): bigint[] =>
	[...sum.toString(2)]
		.map((digit, at, all) => BigInt(digit) << BigInt(all.length - 1 - at))
		.filter((power) => power > 0n);

export function seedOf({ name }: Pick<Module, "name">): Uint8Array {
	const half = nodeCrypto.sha256(utf8(`the seed of ${name}`));
	return new Uint8Array([...half, ...nodeCrypto.sha256(half)]);
}

/** So much new ecash, derived from that seed, or one unit for each of these secrets. */
function mintFor(
	ecash: EcashCrypto,
	{ mint }: FaultyMint,
	seed: Uint8Array,
	of: bigint | readonly string[],
	now: number,
): readonly Proof[] {
	const amount = typeof of === "bigint" ? of : BigInt(of.length);
	const secrets = typeof of === "bigint" ? [] : of;
	const ask = (request: Request): Uint8Array => {
		const { status, body } = mint.handle(request, now);
		assert.equal(status, 200, new TextDecoder().decode(body));
		return body;
	};
	const get = (path: string) =>
		ask({ method: "GET", path, body: new Uint8Array() });
	const notices = parseKeysets(get("/v1/keysets"));
	const keysets = new KnownKeysets(
		parseKeys(nodeCrypto, ecash, get("/v1/keys"), notices),
	);
	const keyset = keysets.active(UNIT, now);
	assert.ok(keyset);
	const { quote } = parseMintQuote(ask(mintQuoteRequest(UNIT, amount)));
	mint.pay(quote);
	const outputs = makeOutputs(
		ecash,
		{ seed, keyset: keyset.id, counter: 0 },
		typeof of === "bigint" ? splitAmount(keyset, of) : of.map(() => 1n),
	).map((output, at) => {
		const secret = secrets[at] ?? output.secret;
		return {
			...{ ...output, secret },
			blinded: ecash.blind(utf8(secret), output.factor),
		};
	});
	const answer = ask(mintRequest(quote, outputs));
	return unblindAll(ecash, keysets, outputs, parseSignatures(answer));
}
