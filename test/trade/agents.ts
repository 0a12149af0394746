/*
 * A buyer's agent and a merchant's in memory: the two machines, and for each a disk, a catalogue, a
 * store and a module that do what they are asked, one thing after another. Every message can be
 * changed on its way, and everything can be stopped anywhere.
 */
import { carryOut, type Handlers } from "../../sim/routing.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { asTetradError, TetradError } from "../../src/errors.ts";
import type { CertifiedDevice } from "../../src/identity/index.ts";
import type { Ended } from "../../src/machine/index.ts";
import { messages, unpackMessages } from "../../src/money/index.ts";
import {
	type BuyerAnswer,
	type BuyerAsk,
	type BuyerStep,
	Buying,
	type BuyingEffect,
	type BuyingEvent,
	type Conclusion,
	type LearnedPurchase,
	type MetModule,
	type PaidGoods,
	type ProvisionalPurchase,
	Selling,
	type SellingEffect,
	type SellingEvent,
	type TradeTetrad,
} from "../../src/trade/agent/index.ts";
import {
	ABOUT_PURCHASES,
	type ItemKind,
	type Listing,
	type Offer,
	parseContract,
	parseTerms,
	type Recalled,
	saltKey,
	termsHash,
} from "../../src/trade/documents/index.ts";
import {
	ContentCipher,
	chunkLength,
	encodeMerchandiseEvidence,
	isMerchandiseOf,
	MerchandiseReceiver,
	type SealedChunk,
} from "../../src/trade/merchandise/index.ts";
import { copy, hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { TEST_NOW } from "../support/authority.ts";
import type { TradeWorld } from "./world.ts";

const { body, message } = messages;

/** Who trades. */
export type AgentsWorld = Pick<
	TradeWorld,
	| "parties"
	| "exporter"
	| "binding"
	| "idOf"
	| "certificate"
	| "secret"
	| "keyOf"
>;

/** What a merchant has to sell, by name. */
export type Stock = Map<
	string,
	{ readonly content: Uint8Array; readonly kind: ItemKind }
>;

/** The price of everything, in minor units. */
export const PRICE = 420n;

function listingOf(
	world: AgentsWorld,
	name: string,
	stock: Stock,
	order = "",
	currency = "EUR",
): Listing {
	const item = stock.get(name);
	if (item === undefined)
		throw new TetradError("invalid-argument", "there is no such item");
	const isMade = item.kind === "made-on-order";
	return {
		description: { name, mediaType: "", about: `about ${name}`, order },
		kind: item.kind,
		length: isMade ? undefined : BigInt(item.content.length),
		issuer: world.idOf("issuer"),
		currency,
		money: { exponent: 2, isPlay: true },
		amount: PRICE,
	};
}

/** What a buyer's agent has on its disk and in its store; it outlives the agent's process. */
export class BuyerDisk {
	/** Sealed chunks, and opened goods, by what they were asked under. */
	readonly parts: Map<number, SealedChunk[]> = new Map();
	readonly goods: Map<string, Uint8Array> = new Map();
	/** Purchases that are provisional, and what became of them, by contract. */
	readonly kept: Map<string, ProvisionalPurchase> = new Map();
	readonly concluded: Map<string, Conclusion> = new Map();
	/** Where the goods of a contract are kept. */
	readonly places: Map<string, number> = new Map();
}

/** What the buyer's module has done; it outlives everything. */
export class BuyerModule {
	readonly world: AgentsWorld;
	/** Contracts that are paid, with their keys; and what will never be. */
	readonly paid: Map<string, Uint8Array> = new Map();
	readonly aborted: Set<string> = new Set();
	readonly finals: string[] = [];
	readonly recalled: Recalled[] = [];
	/** What it is told in the place of a key, in this order, while there is any. */
	readonly instead: ((contract: Uint8Array) => Uint8Array)[] = [];
	/** The same in the place of the answer to a cancel. */
	readonly insteadOfCancelled: ((contract: Uint8Array) => Uint8Array)[] = [];
	readonly rows: LearnedPurchase[] = [];

	constructor(world: AgentsWorld) {
		this.world = world;
	}

	hear(bytes: Uint8Array): Uint8Array[] {
		const said = ABOUT_PURCHASES;
		switch (bytes[0]) {
			case said.buy.type: {
				const contract = parseContract(
					nodeCrypto,
					body(said.buy, bytes).document,
				);
				const id = hex(contract.hash);
				if (this.aborted.has(id)) return [aborted(contract.hash)];
				const instead = this.instead.shift();
				if (instead !== undefined) return [instead(contract.hash)];
				this.paid.set(id, this.world.keyOf(contract));
				return [this.bought(contract.hash)];
			}
			case said.cancel.type: {
				const { contract } = body(said.cancel, bytes);
				const instead = this.insteadOfCancelled.shift();
				if (instead !== undefined) return [instead(contract)];
				if (this.paid.has(hex(contract))) return [this.bought(contract)];
				this.aborted.add(hex(contract));
				return [aborted(contract)];
			}
			case said.recall.type: {
				const recalled = body(said.recall, bytes);
				const { hash } = parseContract(nodeCrypto, recalled.document);
				this.recalled.push(recalled);
				const instead = this.instead.shift();
				return [instead === undefined ? this.bought(hash) : instead(hash)];
			}
			case said.final.type: {
				const { contract } = body(said.final, bytes);
				this.finals.push(hex(contract));
				return [message(said.closed, { contract: copy(contract) })];
			}
			case said.purchases.type: {
				const { after } = body(said.purchases, bytes);
				const at = this.rows.findIndex(
					({ purchase }) =>
						after !== undefined && hex(purchase.contract.hash) === hex(after),
				);
				const next = this.rows.slice(at + 1, at + 3);
				const last = next.at(-1)?.purchase.contract.hash ?? after;
				return [
					...next.map(({ purchase, step, bought }) =>
						message(said.purchase, {
							document: purchase.contract.document,
							salt: purchase.salt,
							description: purchase.description,
							sellerChain: purchase.chain,
							exporter: purchase.exporter,
							step,
							key: bought?.key,
							receipt: bought?.receipt ?? filled(0, 0),
							chain: bought?.receiptChain ?? filled(0, 0),
						}),
					),
					message(said.purchases, { after: last }),
				];
			}
			default:
				throw new Error("a buyer's module heard something else");
		}
	}

	bought(contract: Uint8Array): Uint8Array {
		const key = this.paid.get(hex(contract)) ?? filled(32, 0);
		return message(ABOUT_PURCHASES.bought, {
			contract: copy(contract),
			key,
			receipt: filled(5, 0x4e),
			chain: filled(6, 0xcc),
		});
	}
}

function aborted(contract: Uint8Array): Uint8Array {
	return notBought(contract, "aborted", "aborted", 0n);
}

export function notBought(
	contract: Uint8Array,
	outcome: "aborted" | "refunded" | "in-doubt",
	code: string,
	amount: bigint,
): Uint8Array {
	return message(ABOUT_PURCHASES.notBought, {
		contract: copy(contract),
		outcome,
		amount,
		code,
		reason: "so it is",
	});
}

/** The merchant's module, as far as its agent needs it. */
export function merchantModule(world: AgentsWorld) {
	return async (bytes: Uint8Array): Promise<Uint8Array[]> => {
		if (bytes[0] === ABOUT_PURCHASES.selling.type) {
			const { generation } = body(ABOUT_PURCHASES.selling, bytes);
			const g = generation === 0 ? 1 : generation;
			return [
				message(ABOUT_PURCHASES.seller, {
					certificate: await world.certificate(g),
					issuerChain: world.parties.issuer.chain,
					saltKey: saltKey(nodeCrypto, world.secret(g)),
				}),
			];
		}
		const terms = parseTerms(body(ABOUT_PURCHASES.sell, bytes).terms);
		return [
			message(ABOUT_PURCHASES.goodsKey, {
				termsHash: termsHash(nodeCrypto, terms),
				key: world.keyOf(terms),
			}),
		];
	};
}

/** What can be put between the two. */
interface Tampering {
	/** What arrives in the place of the `number`th message from there. */
	readonly message?: (
		from: "buyer" | "merchant",
		bytes: Uint8Array,
		number: number,
	) => readonly Uint8Array[];
	/** What the merchant's agent signs in the place of what its machine drafted. */
	readonly sign?: (content: Uint8Array) => Promise<Uint8Array>;
	/** What is read in the place of a part of the source. */
	readonly read?: (bytes: Uint8Array, number: number) => Uint8Array;
	/** After so many steps nothing more happens. */
	readonly stopAfter?: number;
	/** Whether what is asked of a disk under that kind is not answered until `release` is called. */
	readonly hold?: (effect: BuyingEffect | SellingEffect) => boolean;
}

export interface AgentsOptions extends Tampering {
	readonly stock: Stock;
	readonly disk?: BuyerDisk;
	readonly module?: BuyerModule;
	/** Of the tetrad; another one has others. */
	readonly exporter?: Uint8Array;
	readonly binding?: Uint8Array;
	readonly offerKey?: Uint8Array;
	/** Who is at the other end for the buyer, in the place of the merchant. */
	readonly otherMerchant?: CertifiedDevice;
	/** The merchant's module in this tetrad, in the place of the one with which it has sold before. */
	readonly otherModule?: CertifiedDevice;
	/** Where the merchant is met with each of its modules. */
	readonly modules?: readonly MetModule[];
	readonly merchantsModule?: (bytes: Uint8Array) => Promise<Uint8Array[]>;
	/** Who hears what the buyer's agent says to its module, in the place of `module`. */
	readonly buyersModule?: (bytes: Uint8Array) => Promise<Uint8Array[]>;
	readonly currency?: string;
	/** What a thing costs in each kind of money, of what it costs in notes. */
	readonly prices?: (listing: Listing) => readonly Listing[];
	readonly now?: number;
}

/** A message that was not taken yet. */
interface OnTheWay {
	readonly bytes: Uint8Array;
	readonly arrived: () => void;
}

/** Two agents in one tetrad. */
export class Agents {
	readonly world: AgentsWorld;
	readonly disk: BuyerDisk;
	readonly module: BuyerModule;
	readonly buying: Buying;
	readonly selling: Selling;
	readonly options: AgentsOptions;
	/** What the machines did, in order. */
	readonly buyerEffects: (BuyingEffect | Ended)[] = [];
	readonly merchantEffects: (SellingEffect | Ended)[] = [];
	readonly answers: Map<number, BuyerAnswer> = new Map();
	readonly refusals: Map<number, TetradError> = new Map();
	/** How often each was told that it is over. */
	readonly told: Map<number, number> = new Map();
	readonly stepsOf: Map<number, BuyerStep[]> = new Map();
	readonly signed: Uint8Array[] = [];
	readonly open: Set<number> = new Set();
	now: number;
	steps = 0;
	#asks = 0;
	#interruption: { at: number; event: BuyingEvent } | undefined;
	readonly #work: (() => Promise<void> | void)[] = [];
	readonly #held: (() => void)[] = [];
	readonly #toBuyer: OnTheWay[] = [];
	readonly #toMerchant: OnTheWay[] = [];
	#isMerchantsTurn = false;
	#buyerHears = false;
	#merchantHears = false;
	#sent = { buyer: 0, merchant: 0 };
	#reads = 0;
	readonly #sources = new Map<number, Uint8Array>();

	constructor(world: AgentsWorld, options: AgentsOptions) {
		this.world = world;
		this.options = options;
		this.now = options.now ?? TEST_NOW;
		this.disk = options.disk ?? new BuyerDisk();
		this.module = options.module ?? new BuyerModule(world);
		const { exporter = world.exporter, binding = world.binding } = options;
		const { buyerAgent, buyerModule, sellerAgent, sellerModule } =
			world.parties;
		const buyer = { agent: buyerAgent.device, module: buyerModule.device };
		const { otherModule = sellerModule.device, modules } = options;
		const merchant = { agent: sellerAgent.device, module: otherModule };
		const tetrad = { exporter, binding };
		const { otherMerchant = merchant.agent } = options;
		const ofBuyer: TradeTetrad = {
			...tetrad,
			own: buyer,
			other: { ...merchant, agent: otherMerchant },
		};
		const ofMerchant: TradeTetrad = { ...tetrad, own: merchant, other: buyer };
		this.buying = new Buying({ crypto: nodeCrypto, tetrad: ofBuyer });
		this.selling = new Selling({
			crypto: nodeCrypto,
			tetrad: ofMerchant,
			offerKey: options.offerKey ?? filled(32, 0x0f),
			modules,
		});
		this.#work.push(() => this.toSelling({ kind: "begin" }));
	}

	// For tests.

	/** Does everything that there is to do. */
	async run(): Promise<this> {
		for (;;) {
			if (this.steps >= (this.options.stopAfter ?? Number.POSITIVE_INFINITY))
				return this;
			this.steps++;
			if (this.#interruption?.at === this.steps) {
				const { event } = this.#interruption;
				this.#interruption = undefined;
				this.toBuying(event);
			}
			const next = this.#work.shift();
			if (next !== undefined) await next();
			else if (!this.#deliver()) return this;
		}
	}

	/** Asks for something, and answers with its number. */
	ask(asked: AskOf): number {
		const ask = ++this.#asks;
		this.#work.push(() => this.toBuying({ ...asked, ask } as BuyerAsk));
		return ask;
	}

	async page(after?: string): Promise<BuyerAnswer | undefined> {
		const ask = this.ask({ kind: "list", after });
		await this.run();
		return this.answers.get(ask);
	}

	async quote(name: string, order = ""): Promise<Offer> {
		const ask = this.ask({ kind: "quote", name, order });
		await this.run();
		const answer = this.answers.get(ask);
		if (answer?.kind !== "offer")
			throw this.refusals.get(ask) ?? new Error("no offer");
		return answer.offer;
	}

	/** Asks for an offer and takes it; the number of the purchase. */
	async buy(name: string, order = ""): Promise<number> {
		const offer = await this.quote(name, order);
		const ask = this.ask({ kind: "buy", offer, askOwner: false });
		await this.run();
		return ask;
	}

	/** Lets go of what was held back. */
	async release(): Promise<void> {
		for (const go of this.#held.splice(0)) go();
		await this.run();
	}

	get held(): number {
		return this.#held.length;
	}

	/** How much was asked. */
	get asked(): number {
		return this.#asks;
	}

	/** That happens after so many steps more. */
	interruptAfter(steps: number, event: BuyingEvent): void {
		this.#interruption = { at: this.steps + steps, event };
	}

	/** Something that takes its time. */
	later(work: () => Promise<void>): void {
		this.#work.push(work);
	}

	/** A message of nobody's machine. */
	arrives(from: "buyer" | "merchant", bytes: Uint8Array): void {
		const way = from === "buyer" ? this.#toMerchant : this.#toBuyer;
		way.push({ bytes, arrived: () => {} });
	}

	/** Something that happens by itself, next. */
	happens(event: BuyingEvent): void {
		this.#work.push(() => this.toBuying(event));
	}

	happensToMerchant(event: SellingEvent): void {
		this.#work.push(() => this.toSelling(event));
	}

	/** What is on the way between the two. */
	get onTheWay(): number {
		return this.#toBuyer.length + this.#toMerchant.length;
	}

	contracts(): string[] {
		return [...this.disk.kept.keys()];
	}

	// The two devices.

	/** One message to whoever hears, in turns. */
	#deliver(): boolean {
		this.#isMerchantsTurn = !this.#isMerchantsTurn;
		return this.#isMerchantsTurn
			? this.#deliverToMerchant() || this.#deliverToBuyer()
			: this.#deliverToBuyer() || this.#deliverToMerchant();
	}

	#deliverToBuyer(): boolean {
		const next = this.#buyerHears ? this.#toBuyer.shift() : undefined;
		if (next === undefined) return false;
		this.#buyerHears = false;
		next.arrived();
		this.toBuying({ kind: "from-agent", bytes: next.bytes });
		return true;
	}

	#deliverToMerchant(): boolean {
		const next = this.#merchantHears ? this.#toMerchant.shift() : undefined;
		if (next === undefined) return false;
		this.#merchantHears = false;
		next.arrived();
		this.toSelling({ kind: "from-agent", bytes: next.bytes });
		return true;
	}

	toBuying(event: BuyingEvent): void {
		for (const effect of this.buying.handle(event, this.now)) {
			this.buyerEffects.push(effect);
			if (this.options.hold?.(effect as BuyingEffect) === true)
				this.#held.push(() => carryOut(effect, this.#buyerHandlers));
			else carryOut(effect, this.#buyerHandlers);
		}
	}

	toSelling(event: SellingEvent): void {
		for (const effect of this.selling.handle(event, this.now)) {
			this.merchantEffects.push(effect);
			if (this.options.hold?.(effect as SellingEffect) === true)
				this.#held.push(() => carryOut(effect, this.#merchantHandlers));
			else carryOut(effect, this.#merchantHandlers);
		}
	}

	/** There is room for the next message when this one is taken. */
	#passOn(
		from: "buyer" | "merchant",
		bytes: Uint8Array,
		sent: () => void,
	): void {
		const number = this.#sent[from]++;
		const [first, ...others] = this.options.message?.(from, bytes, number) ?? [
			bytes,
		];
		const way = from === "buyer" ? this.#toMerchant : this.#toBuyer;
		if (first === undefined) return sent();
		way.push({ bytes: first, arrived: sent });
		for (const other of others) way.push({ bytes: other, arrived: () => {} });
	}

	#over(ask: number): void {
		this.told.set(ask, (this.told.get(ask) ?? 0) + 1);
	}

	readonly #buyerHandlers: Handlers<BuyingEffect | Ended> = {
		"to-agent": ({ bytes }) =>
			this.#passOn("buyer", bytes, () => this.happens({ kind: "sent" })),
		receive: () => {
			this.#buyerHears = true;
		},
		"to-module": ({ bytes }) => {
			const { buyersModule } = this.options;
			const hear =
				buyersModule ?? (async (one: Uint8Array) => this.module.hear(one));
			for (const one of buyersModule === undefined
				? unpackMessages(bytes)
				: [bytes])
				this.#work.push(async () => {
					for (const answer of await hear(one))
						this.toBuying({ kind: "from-module", bytes: answer });
				});
		},
		"begin-goods": ({ ask, from }) => {
			const { parts } = this.disk;
			parts.set(ask, (parts.get(ask) ?? []).slice(0, from));
			this.happens({ kind: "begun", ask });
		},
		"keep-chunk": ({ ask, chunk }) => {
			this.disk.parts.get(ask)?.push({
				...chunk,
				leaf: copy(chunk.leaf),
				sealed: copy(chunk.sealed),
			});
			this.happens({ kind: "chunk-kept", ask });
		},
		keep: ({ ask, purchase }) => {
			const { kept, places } = this.disk;
			const id = hex(purchase.contract.hash);
			if (!kept.has(id)) kept.set(id, purchase);
			places.set(id, ask);
			this.happens({ kind: "kept", ask });
		},
		"open-goods": ({ ask, goods }) =>
			this.happens(openGoods(this.disk, ask, goods)),
		conclude: ({ ask, contract, conclusion }) => {
			this.disk.concluded.set(hex(contract), conclusion);
			this.happens({ kind: "concluded", ask });
		},
		"drop-goods": ({ ask }) => {
			this.disk.parts.delete(ask);
		},
		step: ({ ask, step }) => {
			this.stepsOf.set(ask, [...(this.stepsOf.get(ask) ?? []), step]);
		},
		answered: ({ ask, answer }) => {
			this.#over(ask);
			this.answers.set(ask, answer);
		},
		refused: ({ ask, error }) => {
			this.#over(ask);
			this.refusals.set(ask, error);
		},
		end: () => this.happensToMerchant({ kind: "closed" }),
		learned: () => {},
		unknown: () => {},
		ended: () => {},
	};

	readonly #merchantHandlers: Handlers<SellingEffect | Ended> = {
		"to-agent": ({ bytes }) =>
			this.#passOn("merchant", bytes, () =>
				this.happensToMerchant({ kind: "sent" }),
			),
		receive: () => {
			this.#merchantHears = true;
		},
		"to-module": ({ bytes }) => {
			const hear = this.options.merchantsModule ?? merchantModule(this.world);
			this.#work.push(async () => {
				for (const answer of await hear(bytes))
					this.toSelling({ kind: "from-module", bytes: answer });
			});
		},
		list: ({ answer, after, limit }) => {
			const { stock, prices = (one) => [one] } = this.options;
			const names = [...stock.keys()];
			const from = after === undefined ? 0 : names.indexOf(after) + 1;
			const items = names
				.slice(from, from + limit)
				.flatMap((name) => prices(listingOf(this.world, name, stock)));
			const isLast = from + limit >= names.length;
			this.happensToMerchant({ kind: "listed", answer, items, isLast });
		},
		price: ({ answer, name, order }) =>
			this.#attempt(answer, () => {
				const { stock, currency, prices = (one) => [one] } = this.options;
				const inNotes = listingOf(this.world, name, stock, order, currency);
				const [listing = inNotes, ...others] = prices(inNotes);
				return { kind: "priced", answer, listing, others };
			}),
		open: ({ answer, goods }) => {
			this.open.add(answer);
			this.#attempt(answer, () => {
				const { name } = goods.description;
				const { content } = this.options.stock.get(name) ?? {};
				if (content === undefined)
					throw new TetradError("file-unusable", "/secret/path is gone");
				this.#sources.set(answer, content);
				const length = BigInt(content.length);
				return { kind: "opened", answer, length };
			});
		},
		read: ({ answer, at, length }) => {
			const part = this.#sources.get(answer)?.subarray(at, at + length);
			const read = copy(part ?? filled(0, 0));
			const bytes = this.options.read?.(read, this.#reads++) ?? read;
			this.happensToMerchant({ kind: "read", answer, bytes });
		},
		release: ({ answer }) => {
			this.open.delete(answer);
		},
		sign: ({ id, content }) => {
			this.signed.push(content);
			const { signer } = this.world.parties.sellerAgent;
			const sign = this.options.sign ?? ((bytes) => signer.sign(bytes));
			this.#work.push(async () => {
				const signature = await sign(content);
				this.toSelling({ kind: "signed", id, signature });
			});
		},
		ended: ({ error }) => {
			if (error !== undefined) this.happens({ kind: "abort", error });
		},
		progress: () => {},
		contracted: () => {},
		quoted: () => {},
		sold: () => {},
		unavailable: () => {},
	};

	/** What fails is told the machine. */
	#attempt(answer: number, make: () => SellingEvent): void {
		try {
			this.happensToMerchant(make());
		} catch (thrown) {
			const error = asTetradError(thrown);
			this.happensToMerchant({ kind: "failed", answer, error });
		}
	}
}

/** What is asked, without its number. */
type AskOf = BuyerAsk extends infer Each
	? Each extends BuyerAsk
		? Omit<Each, "ask">
		: never
	: never;

/** Opens goods as a device does: chunk after chunk, and shows them when all is what the contract says. */
function openGoods(
	disk: BuyerDisk,
	ask: number,
	{ contract, chain, key, exporter }: PaidGoods,
): BuyingEvent {
	const { id, length } = contract;
	const place = disk.places.get(hex(contract.hash)) ?? ask;
	const chunks = disk.parts.get(ask) ?? disk.parts.get(place) ?? [];
	const cipher = new ContentCipher(nodeCrypto, {
		key,
		exporter,
		contractId: id,
	});
	const opened: Uint8Array[] = [];
	const wrong = chunks.findIndex(({ index, leaf, sealed }) => {
		const chunk = cipher.open(index, leaf, sealed);
		if (chunk === undefined || chunk.length !== chunkLength(length, index))
			return true;
		opened.push(chunk);
		return false;
	});
	const receiver = new MerchandiseReceiver(
		nodeCrypto,
		id,
		wrong < 0 ? undefined : wrong,
	);
	for (const chunk of chunks) receiver.take(chunk);
	if (receiver.length < length || receiver.count === 0)
		return { kind: "goods-missing", ask, from: receiver.count };
	if (!isMerchandiseOf(contract, receiver.finish()))
		return { kind: "goods-missing", ask, from: 0 };
	if (wrong < 0) {
		disk.goods.set(hex(contract.hash), Buffer.concat(opened));
		return { kind: "goods-opened", ask, path: `goods ${ask}` };
	}
	const { plaintext, ciphertext } = receiver.paths();
	return {
		kind: "goods-wrong",
		ask,
		evidence: encodeMerchandiseEvidence({
			...(chunks[wrong] as SealedChunk),
			contract: contract.document,
			chain,
			key,
			exporter,
			count: plaintext.count,
			plaintextPath: plaintext.hashes,
			ciphertextPath: ciphertext.hashes,
		}),
	};
}
