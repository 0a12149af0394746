/*
 * A town whose purses and issuer know sales of one kind: terms are a few fields of enc, and the key
 * follows from all of them but its hash. Whoever has a secret of a trade of its own would do the same.
 */
import assert from "node:assert/strict";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { done, type Kind, type Write } from "../../src/machine/index.ts";
import type {
	MakeSalePart,
	OfferedSale,
	SaleEvent,
	SaleJudge,
	SalePart,
	SalePayment,
	SaleRail,
	Sold,
} from "../../src/money/index.ts";
import {
	bytes,
	copy,
	enc,
	formOf,
	hex,
	type Structure,
	sameBytes,
	structure,
	time,
	u64,
	utf8,
} from "../../src/wire/index.ts";
import { COIN, type Module, Town, type TownOptions } from "./town.ts";

const HOUR = 3_600_000;

interface Terms {
	readonly id: Uint8Array;
	readonly payer: Uint8Array;
	readonly payee: Uint8Array;
	readonly amount: bigint;
	readonly payBy: number;
	readonly keyHash: Uint8Array;
}

const TERMS: Structure<Terms> = structure<Terms>("terms", {
	id: bytes(16),
	payer: bytes(41, 104),
	payee: bytes(41, 104),
	amount: u64,
	payBy: time,
	keyHash: bytes(32),
});

/** One sale, as whoever sells it would make it. */
export interface Goods extends SalePayment {
	readonly key: Uint8Array;
}

function keyOf({ id, payer, payee, amount, payBy }: Terms): Uint8Array {
	const all = enc(id, payer, payee, formOf(u64, amount), formOf(time, payBy));
	return nodeCrypto.sha256(enc(utf8("key"), all));
}

function refused(why: string): TetradError {
	return new TetradError("payment-refused", why);
}

/** Reads terms, which are to be those of a transfer. */
function readTerms(
	encoded: Uint8Array,
	of: Pick<OfferedSale, "contract" | "amount" | "payer">,
): Terms {
	const terms = TERMS.decode(encoded);
	if (
		!sameBytes(nodeCrypto.sha256(encoded), of.contract) ||
		!sameBytes(terms.payer, of.payer) ||
		terms.amount !== of.amount
	)
		throw refused("these are the terms of another sale");
	return terms;
}

/** How an issuer judges such terms. It never refuses to book for the time. */
const JUDGE: SaleJudge = {
	seller: (asking, generation) => ({ ...asking, generation, issued: 1 }),
	toSign: ({ module }) => enc(utf8("certificate"), module),
	secret: ({ module }, signature) => ({
		secret: nodeCrypto.sha256(module),
		certificate: signature,
	}),
	judge(encoded, transfer) {
		const terms = readTerms(encoded, transfer);
		if (!sameBytes(terms.payee, transfer.payee))
			throw refused("these are the terms of another seller");
		const key = keyOf(terms);
		const isRight = sameBytes(nodeCrypto.sha256(key), terms.keyHash);
		return {
			bookBy: 8_000_000_000_000_000,
			verdict: isRight ? { kind: "sold", key } : { kind: "void" },
		};
	},
};

/** What happened at a module, with the durable writes that it had done by then. */
export interface Told {
	readonly event: SaleEvent;
	readonly writes: number;
}

/** What a test has to do with the sales of one module, through all of its lives. */
export class Clerk {
	readonly told: Told[] = [];
	/** How it sells; as it should unless set. */
	sells: ((right: Sold) => Sold | TetradError) | undefined;
	/** Whether it signs whatever is asked of it. */
	isBlind = false;
	judged = 0;
	secrets: string[] = [];
	wants: number | undefined;
	readonly results: unknown[] = [];
	/** What its agent has it do next. */
	readonly orders: ((rail: SaleRail, tetrad: number) => void)[] = [];

	last(kind: SaleEvent["kind"]): SaleEvent {
		const found = this.told.findLast(({ event }) => event.kind === kind);
		assert.ok(found, `told ${this.kinds}, and not ${kind}`);
		return found.event;
	}

	get kinds(): readonly string[] {
		return this.told.map(({ event }) => event.kind);
	}

	key(): string {
		const event = this.last("keyed");
		return event.kind === "keyed" ? hex(event.key) : "";
	}
}

const ASKED = 0x60;

class FakePart implements SalePart {
	readonly #rail: SaleRail;
	readonly #module: Module;
	readonly #clerk: Clerk;

	constructor(rail: SaleRail, module: Module, clerk: Clerk) {
		this.#rail = rail;
		this.#module = module;
		this.#clerk = clerk;
	}

	hears(from: "agent" | "module", type: number): boolean {
		return from === "agent" && type === ASKED;
	}

	fromAgent({ tetrad }: { readonly tetrad: number }): void {
		this.#clerk.orders.shift()?.(this.#rail, tetrad);
	}

	fromModule(): void {}
	opened(): void {}
	closed(): void {}
	time(): void {}

	deadlines(): Iterable<number> {
		return [];
	}

	written(job: Kind, result: unknown): void {
		this.#clerk.results.push(job, result);
	}

	notWritten(job: Kind, error: TetradError): void {
		this.#clerk.results.push(job, error.code);
	}

	happened(event: SaleEvent): void {
		this.#clerk.told.push({ event, writes: this.#module.writes });
	}

	judge(_: unknown, sale: OfferedSale): TetradError | undefined {
		this.#clerk.judged++;
		if (this.#clerk.isBlind) return undefined;
		try {
			const terms = readTerms(sale.terms, sale);
			return sameBytes(nodeCrypto.sha256(keyOf(terms)), terms.keyHash)
				? undefined
				: refused("nobody here signed that");
		} catch (error) {
			return error as TetradError;
		}
	}

	sell(_: unknown, sale: Parameters<SalePart["sell"]>[1]): Sold | TetradError {
		try {
			const key = keyOf(readTerms(sale.terms, sale));
			const right: Sold = { key, depositsFirst: false, also: [] };
			return this.#clerk.sells?.(right) ?? right;
		} catch (error) {
			return error as TetradError;
		}
	}

	wantedSecret(): number | undefined {
		return this.#clerk.wants;
	}

	keepSecret(
		_: unknown,
		__: unknown,
		{ secret }: Parameters<SalePart["keepSecret"]>[2],
	) {
		return done([], hex(secret));
	}

	secretKept(result: unknown): void {
		this.#clerk.secrets.push(String(result));
		this.#clerk.wants = undefined;
	}
}

export class SaleTown {
	readonly town: Town;
	readonly ann: Module;
	readonly bob: Module;
	readonly mint: Module;
	readonly #clerks: Map<string, Clerk>;

	private constructor(
		town: Town,
		modules: { ann: Module; bob: Module; mint: Module },
		clerks: Map<string, Clerk>,
	) {
		this.town = town;
		this.ann = modules.ann;
		this.bob = modules.bob;
		this.mint = modules.mint;
		this.#clerks = clerks;
	}

	/** Ann has 1000 in two notes. */
	static async make(options: TownOptions = {}): Promise<SaleTown> {
		const made = await SaleTown.poor(options);
		await made.town.withdraw(made.ann, made.mint, 600n, 400n);
		return made;
	}

	/** Ann has nothing yet. */
	static async poor(options: TownOptions = {}): Promise<SaleTown> {
		const clerks = new Map<string, Clerk>();
		const sale =
			(module: Module): MakeSalePart =>
			(rail) => {
				const clerk = clerks.get(module.name) ?? new Clerk();
				clerks.set(module.name, clerk);
				return new FakePart(rail, module, clerk);
			};
		const town = await Town.make({ sale, judge: () => JUDGE, ...options });
		const mint = await town.issuer();
		const ann = await town.purse("ann");
		const bob = await town.purse("bob");
		return new SaleTown(town, { ann, bob, mint }, clerks);
	}

	clerk(module: Module): Clerk {
		const clerk = this.#clerks.get(module.name);
		assert.ok(clerk);
		return clerk;
	}

	/** What bob sells to ann; `keyHash` is that of its key unless he lies. */
	goods(
		number: number,
		{
			amount = 250n,
			payBy = this.town.now + HOUR,
			keyHash,
		}: Partial<SalePayment> = {},
	): Goods {
		const payee = this.bob.device.deviceId;
		const open = {
			id: new Uint8Array(16).fill(number),
			payer: this.ann.device.deviceId,
			payee,
			amount,
			payBy,
			keyHash: new Uint8Array(32),
		};
		const key = keyOf(open);
		const right = keyHash ?? nodeCrypto.sha256(key);
		const terms = copy(TERMS.encode({ ...open, keyHash: right }));
		return {
			contract: nodeCrypto.sha256(terms),
			payee,
			issuer: this.mint.device.deviceId,
			currency: COIN.code,
			amount,
			terms,
			keyHash: right,
			payBy,
			key,
		};
	}

	/** Ann's part does that, in her tetrad. */
	order(
		tetrad: number,
		act: (rail: SaleRail, tetrad: number) => void,
		module: Module = this.ann,
	): void {
		this.clerk(module).orders.push(act);
		module.events.push({
			kind: "from-agent",
			tetrad,
			bytes: Uint8Array.of(ASKED),
		});
	}

	buy(tetrad: number, goods: SalePayment, also: readonly Write[] = []): void {
		this.order(tetrad, (rail, at) => rail.pay(at, goods, also));
	}

	/** Ann and bob meet, she buys that, and they part. */
	async bought(goods: SalePayment): Promise<void> {
		const tetrad = await this.town.meet(this.ann, this.bob);
		this.buy(tetrad, goods);
		await this.town.quiet();
		this.town.part(this.ann, tetrad);
		await this.town.quiet();
	}
}
