/*
 * What an agent does in one tetrad: the machines of payments, buying and selling, run as `Payments`,
 * `Buyer` and `Seller` of `src/device` run them.
 */
import { asTetradError, TetradError } from "../src/errors.ts";
import type { CertifiedDevice } from "../src/identity/index.ts";
import type { Ended, Transaction } from "../src/machine/index.ts";
import {
	AgentPayments,
	type AgentPaymentsEffect,
	type AgentPaymentsEvent,
	BINDING_BYTES,
	BINDING_LABEL,
	FIRST_HEAD,
	type Head,
	messages,
	nameInDeviceId,
	type Payment,
	WITNESSED,
	witnessing,
} from "../src/money/index.ts";
import {
	type AgentSessionEffect,
	type AgentSessionEvent,
	type BuyerAnswer,
	type BuyerAsk,
	type BuyerStep,
	Buying,
	type BuyingEffect,
	type BuyingEvent,
	chooseOffer,
	type Goods,
	type GoodsEvent,
	type LearnedPurchase,
	type PaidGoods,
	type ProvisionalPurchase,
	pricesOf,
	Selling,
	type SellingEffect,
	type SellingEvent,
	type TradeTetrad,
} from "../src/trade/agent/index.ts";
import {
	ABOUT_PURCHASES,
	EXPORTER_BYTES,
	EXPORTER_LABEL,
	type Listing,
	type Offer,
	parseContract,
	type RailName,
} from "../src/trade/documents/index.ts";
import {
	ContentCipher,
	chunkCount,
	chunkLength,
	encodeMerchandiseEvidence,
	isMerchandiseOf,
	MerchandiseReceiver,
	type SealedChunk,
} from "../src/trade/merchandise/index.ts";
import {
	beginPurchase,
	concludePurchase,
	logged,
	type PurchaseRow,
	readProvisional,
	readPurchase,
	recordSale,
} from "../src/trade/records/index.ts";
import { copy, hex } from "../src/wire/index.ts";
import type { Device } from "./device.ts";
import { Driver, signLater } from "./driver.ts";
import type { MadeGoods } from "./made-goods.ts";
import type { Stream } from "./random.ts";
import type { Handlers } from "./routing.ts";
import type { Tetrad, TetradUser } from "./tetrad.ts";

const { message } = messages;

const NONE: Uint8Array = new Uint8Array();
const MAX_RESUMED = 256;

/** What an agent keeps beside its tetrads, in one life of its process. */
export interface AgentMemory {
	/** The newest heads of its module, by device id in hexadecimal: known as soon as they are told. */
	readonly heads: Map<string, Head>;
	/** Those that are durable. */
	readonly kept: Map<string, Head>;
	/** Its merchant's offers are good as long as it lives. */
	readonly offerKey: Uint8Array;
	/** Names of what contracts that went out are about, by hash in hexadecimal. */
	readonly offered: Map<string, string>;
}

export function rememberAgent(device: Device): AgentMemory {
	const heads = new Map(
		device.disk
			.rows(WITNESSED)
			.map(({ module, number, hash }) => [hex(module), { number, hash }]),
	);
	const kept = new Map(heads);
	return {
		heads,
		kept,
		offerKey: device.crypto.random(32),
		offered: new Map(),
	};
}

/** With an entry in the log of the agent for each change of a purchase or a sale. */
export function transact<Result>(
	device: Device,
	transaction: Transaction<Result>,
	then: (result: Result) => void,
	otherwise?: (error: TetradError) => void,
): void {
	device.write(
		logged(device.crypto, transaction, device.now()),
		then,
		otherwise,
	);
}

/** What machines of trade have to know of a tetrad. */
function tradeTetrad(tetrad: Tetrad): TradeTetrad {
	const { A, B, X, Y } = tetrad.parties;
	const a = { agent: A, module: X };
	const b = { agent: B, module: Y };
	return {
		...(tetrad.place === "A" ? { own: a, other: b } : { own: b, other: a }),
		binding: tetrad.export(BINDING_LABEL, BINDING_BYTES),
		exporter: tetrad.export(EXPORTER_LABEL, EXPORTER_BYTES),
	};
}

export interface SessionOptions {
	readonly device: Device;
	readonly tetrad: Tetrad;
	readonly memory: AgentMemory;
}

/** The two sessions of an agent in one tetrad. What is about purchases goes to `feed`. */
export class Session implements TetradUser {
	readonly #options: SessionOptions;
	readonly #feed: (event: AgentSessionEvent) => void;
	readonly #payments: Driver<AgentPaymentsEvent, AgentPaymentsEffect>;
	/** Whoever waits for what was asked of the module. */
	readonly #waiting = new Map<number, (error?: TetradError) => void>();
	/** Messages of the other agent that nobody has asked for yet. */
	readonly #unread: Uint8Array[] = [];
	#isReceiving = false;
	#asks = 0;
	#end: Ended | undefined;

	constructor(
		options: SessionOptions,
		feed: (event: AgentSessionEvent) => void,
	) {
		const { device, tetrad } = options;
		this.#options = options;
		this.#feed = feed;
		this.#payments = new Driver<AgentPaymentsEvent, AgentPaymentsEffect>({
			device,
			machine: new AgentPayments(),
			handlers: {
				"to-module": ({ bytes }) => tetrad.send("module", copy(bytes)),
				keep: ({ id, head }) => this.#keep(id, head),
				answered: ({ ask }) => this.#waiting.get(ask)?.(),
				"answered-unkept": ({ ask }) => this.#waiting.get(ask)?.(),
				refused: ({ ask, error }) => this.#waiting.get(ask)?.(error),
				other: ({ bytes }) => feed({ kind: "from-module", bytes }),
				end: () => tetrad.close(),
			},
			ended: () => this.#paymentsOver(),
			failed: () => {
				tetrad.close();
				this.#paymentsOver();
			},
		});
		const head = options.memory.heads.get(hex(this.#module)) ?? FIRST_HEAD;
		this.#payments.feed({ kind: "opened", head });
	}

	/** Has the module do its business with that issuer, which is the other module. */
	settle(issuer: Uint8Array, then: (error?: TetradError) => void): void {
		const ask = this.#asks++;
		this.#waiting.set(ask, then);
		this.#payments.feed({ kind: "settle", ask, issuer });
	}

	/** Has the module take that payment from the other module, and hears when it has come. */
	expect(payment: Payment, text = "", then?: () => void): void {
		const ask = this.#asks++;
		this.#payments.feed({ kind: "expect", ask, payment, text });
		if (then === undefined) return;
		const coming = this.#asks++;
		const { contract } = payment;
		this.#waiting.set(coming, (error) => {
			if (error === undefined) then();
		});
		this.#payments.feed({ kind: "receive", ask: coming, contract });
	}

	/** Has the module pay the other module. */
	pay(payment: Payment, then: (error?: TetradError) => void, text = ""): void {
		const ask = this.#asks++;
		this.#waiting.set(ask, then);
		this.#payments.feed({ kind: "pay", ask, payment, text });
	}

	message(from: "agent" | "module", bytes: Uint8Array): void {
		if (from === "module")
			return this.#payments.feed({ kind: "from-module", bytes: copy(bytes) });
		this.#unread.push(copy(bytes));
		this.#read();
	}

	over(end: Ended): void {
		this.#end = end;
		this.#payments.feed(
			end.error === undefined
				? { kind: "closed" }
				: { kind: "abort", error: end.error },
		);
	}

	get handlers(): Handlers<AgentSessionEffect> {
		const { device, tetrad } = this.#options;
		return {
			"to-agent": ({ bytes }) => {
				tetrad.send("agent", copy(bytes));
				device.later(() => {
					if (!tetrad.ended) this.#feed({ kind: "sent" });
				}, 1);
			},
			receive: () => {
				this.#isReceiving = true;
				this.#read();
			},
			"to-module": ({ bytes }) => tetrad.send("module", copy(bytes)),
		};
	}

	#read(): void {
		const bytes = this.#isReceiving ? this.#unread.shift() : undefined;
		if (bytes === undefined) return;
		this.#isReceiving = false;
		this.#options.device.later(() => this.#feed({ kind: "from-agent", bytes }));
	}

	/** All that the module has said was heard by then. */
	#paymentsOver(): void {
		const error = this.#end?.error;
		this.#feed(
			error === undefined ? { kind: "closed" } : { kind: "abort", error },
		);
	}

	get #module(): Uint8Array {
		const { place, parties } = this.#options.tetrad;
		return parties[place === "A" ? "X" : "Y"].deviceId;
	}

	#keep(id: number, head: Head): void {
		const { device, memory } = this.#options;
		const module = this.#module;
		const name = hex(module);
		const known = memory.heads.get(name);
		if (known === undefined || known.number < head.number)
			memory.heads.set(name, head);
		transact(
			device,
			witnessing(module, head),
			(kept) => {
				memory.kept.set(name, kept);
				this.#payments.feed({ kind: "kept", id });
			},
			(error) => {
				// As an agent does (`src/device/purse/agent-store.ts`): what could not be kept is not known either.
				const kept = memory.kept.get(name);
				if (memory.heads.get(name) === head) {
					if (kept === undefined) memory.heads.delete(name);
					else memory.heads.set(name, kept);
				}
				this.#payments.feed({ kind: "not-kept", id, error });
			},
		);
	}
}

/** Goods on the disk of their buyer. */
export interface GoodsOnDisk {
	chunks: SealedChunk[];
	/** So many of them are durable. */
	durable: number;
	opened: Uint8Array | undefined;
}

/**
 * The power goes: of what is not durable the file has all, nothing, or what reached the disk in any
 * order, with holes and halves. Answers whether something in it is not what was written.
 */
export function crashedGoods(goods: GoodsOnDisk, stream: Stream): boolean {
	const { chunks, durable } = goods;
	if (chunks.length <= durable) return false;
	const fates = chunks
		.slice(durable)
		.map(() => stream.pick(["whole", "torn", "missing"] as const));
	const last = fates.findLastIndex((fate) => fate !== "missing");
	chunks.length = durable + last + 1;
	let isTorn = false;
	for (const [at, fate] of fates.slice(0, last + 1).entries()) {
		if (fate === "whole") continue;
		isTorn = true;
		const { index, leaf, sealed } = chunks[durable + at] as SealedChunk;
		const there = fate === "torn" ? stream.below(sealed.length) : 0;
		const half = new Uint8Array(sealed.length);
		half.set(sealed.subarray(0, there));
		chunks[durable + at] = {
			index,
			leaf: fate === "torn" ? leaf : new Uint8Array(leaf.length),
			sealed: half,
		};
	}
	return isTorn;
}

/** A bit changes of goods that are there, sealed. Answers of which, or nothing when there are none. */
export function rotGoods(
	goods: ReadonlyMap<string, GoodsOnDisk>,
	stream: Stream,
): string | undefined {
	const sealed = [...goods].filter(
		([, { chunks, opened }]) => chunks.length > 0 && opened === undefined,
	);
	if (sealed.length === 0) return undefined;
	const [target, { chunks }] = stream.pick(sealed);
	const at = stream.below(chunks.length);
	const chunk = chunks[at] as SealedChunk;
	const bytes = copy(chunk.sealed);
	const bit = stream.below(8 * bytes.length);
	bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
	chunks[at] = { ...chunk, sealed: bytes };
	return target;
}

export interface BuyerOptions extends SessionOptions {
	/** By target. */
	readonly goods: Map<string, GoodsOnDisk>;
	/** A name for goods that has no other. */
	readonly newTarget: () => string;
}

interface Asked {
	readonly answered: (answer: BuyerAnswer) => void;
	readonly refused: (error: TetradError) => void;
	readonly step: (step: BuyerStep) => void;
	readonly target: string | undefined;
	readonly offer: Offer | undefined;
	readonly isTold?: boolean;
}

type AskOf<Ask> = Ask extends BuyerAsk ? Omit<Ask, "ask"> : never;

const FOR_SELLERS: ReadonlySet<number | undefined> = new Set(
	(["seller", "goodsKey", "unsold", "sold", "soldTo"] as const).map(
		(name) => ABOUT_PURCHASES[name].type,
	),
);

export class Buyer {
	readonly session: Session;
	readonly tetrad: Tetrad;
	readonly #options: BuyerOptions;
	readonly #driver: Driver<BuyingEvent, BuyingEffect>;
	readonly #asked = new Map<number, Asked>();
	readonly #goingOn = new Set<string>();
	/** Whoever has a file open keeps it when another tetrad takes it away or begins it anew. */
	readonly #files = new Map<number, GoodsOnDisk>();
	#isLearning = false;
	#asks = 0;

	constructor(options: BuyerOptions) {
		const { device, tetrad } = options;
		this.#options = options;
		this.tetrad = tetrad;
		this.session = new Session(options, (event) => {
			if (event.kind === "from-module" && FOR_SELLERS.has(event.bytes[0]))
				return;
			this.#driver.feed(event);
		});
		this.#driver = new Driver<BuyingEvent, BuyingEffect>({
			device,
			machine: new Buying({
				crypto: device.crypto,
				tetrad: tradeTetrad(tetrad),
			}),
			handlers: {
				...this.session.handlers,
				"begin-goods": ({ ask, from }) => {
					const goods = from === 0 ? this.#beginGoods(ask) : this.#goodsOf(ask);
					goods.durable = Math.min(goods.durable, from);
					device.later(() => this.#happened({ kind: "begun", ask }));
				},
				"keep-chunk": ({ ask, chunk }) => {
					this.#goodsOf(ask).chunks[chunk.index] = {
						...chunk,
						leaf: copy(chunk.leaf),
						sealed: copy(chunk.sealed),
					};
					device.later(() => this.#happened({ kind: "chunk-kept", ask }));
				},
				keep: ({ ask, purchase, count }) => this.#keep(ask, purchase, count),
				"open-goods": ({ ask, goods }) =>
					device.later(() => this.#happened(this.#open(ask, goods)), 1),
				conclude: ({ ask, contract, conclusion, path }) =>
					transact(
						device,
						concludePurchase(contract, conclusion, device.now(), path),
						() => this.#happened({ kind: "concluded", ask }),
						(error) => this.#happened({ kind: "not-done", ask, error }),
					),
				"drop-goods": ({ ask }) => {
					const target = this.#asked.get(ask)?.target;
					const there =
						target === undefined ? undefined : options.goods.get(target);
					this.#files.delete(ask);
					if (target === undefined) return;
					// What was sealed goes, and what was shown stays.
					if (there?.opened === undefined) options.goods.delete(target);
					else options.goods.set(target, { ...there, chunks: [], durable: 0 });
				},
				step: ({ ask, step }) => this.#asked.get(ask)?.step(step),
				answered: ({ ask, answer }) => this.#over(ask)?.answered(answer),
				refused: ({ ask, error }) => this.#over(ask)?.refused(error),
				learned: ({ learned }) => this.#learned(learned),
				unknown: ({ contract }) => this.#goOn(copy(contract)),
				end: () => tetrad.close(),
			},
			ended: ({ error }) => this.#finish(error),
			failed: (error) => {
				tetrad.close();
				this.#finish(error);
			},
		});
	}

	/** Asks for the catalogue, and looks at none of it. */
	list(): void {
		const nothing = () => {};
		this.#ask(
			{ kind: "list", after: undefined },
			{
				...{ answered: nothing, refused: nothing, step: nothing },
				...{ target: undefined, offer: undefined },
			},
		);
	}

	/** An offer of one item in notes; with rails, in the money that its owner prefers of what the module knows. */
	quote(
		{ name, order }: { readonly name: string; readonly order: string },
		then: (offer: Offer) => void,
		otherwise: (error: TetradError) => void,
		rails?: readonly RailName[],
	): void {
		const asked = (answered: (answer: BuyerAnswer) => void) => ({
			...{ answered, refused: otherwise, step: () => {} },
			...{ target: undefined, offer: undefined },
		});
		this.#ask(
			{ kind: "quote", name, order, rails },
			asked((answer) => {
				if (answer.kind !== "offer") return;
				if (rails === undefined) return then(answer.offer);
				this.#choose([answer.offer, ...answer.others], rails, asked, {
					then,
					otherwise,
				});
			}),
		);
	}

	/** As `TradingAgent` does. */
	#choose(
		offers: readonly Offer[],
		rails: readonly RailName[],
		asked: (answered: (answer: BuyerAnswer) => void) => Asked,
		{
			then,
			otherwise,
		}: {
			readonly then: (offer: Offer) => void;
			readonly otherwise: (error: TetradError) => void;
		},
	): void {
		this.#ask(
			{ kind: "moneys", prices: pricesOf(offers) },
			asked((answer) => {
				if (answer.kind !== "moneys") return;
				let chosen: Offer;
				try {
					chosen = chooseOffer(offers, answer.moneys, { rails });
				} catch (thrown) {
					return otherwise(asTetradError(thrown));
				}
				then(chosen);
			}),
		);
	}

	buy(
		offer: Offer,
		{
			answered,
			refused,
			step,
			askOwner,
		}: Pick<Asked, "answered" | "refused" | "step"> & {
			readonly askOwner: boolean;
		},
	): number {
		const target = this.#options.newTarget();
		return this.#ask(
			{ kind: "buy", offer, askOwner },
			{ answered, refused, step, target, offer },
		);
	}

	giveUp(ask: number): void {
		const error = new TetradError("aborted", "the caller gave up waiting");
		this.#driver.feed({ kind: "give-up", ask, error });
	}

	/** Goes on with what is kept and not over, and says of how much. */
	resumeAll(
		told: Pick<Asked, "answered" | "refused" | "step">,
		then: (count: number) => void,
	): void {
		// What is read is durable when the answer is here.
		this.#options.device.write(readProvisional(MAX_RESUMED), (rows) => {
			let count = 0;
			for (const row of rows) if (this.#resume(row, told)) count++;
			then(count);
		});
	}

	learn(then: () => void): void {
		this.#ask(
			{ kind: "learn" },
			{
				answered: then,
				refused: then,
				step: () => {},
				target: undefined,
				offer: undefined,
			},
		);
	}

	#resume(
		row: PurchaseRow,
		told: Pick<Asked, "answered" | "refused" | "step">,
	): boolean {
		const id = hex(row.contract);
		if (this.#goingOn.has(id)) return false;
		this.#goingOn.add(id);
		const purchase: ProvisionalPurchase = {
			contract: parseContract(this.#options.device.crypto, row.document),
			chain: row.chain,
			issuerChain: row.issuer_chain,
			salt: row.salt,
			description: row.description,
			exporter: row.exporter,
		};
		this.#ask(
			{ kind: "resume", purchase, isFinal: row.state === "final" },
			{
				...told,
				refused: (error) => {
					this.#goingOn.delete(id);
					told.refused(error);
				},
				target: row.target,
				offer: undefined,
			},
		);
		return true;
	}

	#ask(asked: AskOf<BuyerAsk>, waiting: Asked): number {
		const ask = this.#asks++;
		this.#asked.set(ask, waiting);
		this.#driver.feed({ ...asked, ask });
		return ask;
	}

	/** Whoever asked is told once; what goes on is still about the same goods. */
	#over(ask: number): Asked | undefined {
		const asked = this.#asked.get(ask);
		if (asked === undefined || asked.isTold) return undefined;
		this.#asked.set(ask, { ...asked, isTold: true });
		return asked;
	}

	#happened(event: GoodsEvent): void {
		this.#driver.feed(event);
	}

	#targetOf(ask: number): string {
		const target = this.#asked.get(ask)?.target;
		if (target === undefined)
			throw new TetradError("internal", "there are no goods of that number");
		return target;
	}

	#goodsOf(ask: number): GoodsOnDisk {
		const open =
			this.#files.get(ask) ?? this.#options.goods.get(this.#targetOf(ask));
		if (open === undefined) return this.#beginGoods(ask);
		this.#files.set(ask, open);
		return open;
	}

	/** A new file, in the place of what was sealed there. */
	#beginGoods(ask: number): GoodsOnDisk {
		const { goods } = this.#options;
		const target = this.#targetOf(ask);
		const opened = goods.get(target)?.opened;
		const begun: GoodsOnDisk = { chunks: [], durable: 0, opened };
		goods.set(target, begun);
		this.#files.set(ask, begun);
		return begun;
	}

	#keep(ask: number, purchase: ProvisionalPurchase, count: number): void {
		const { device } = this.#options;
		const asked = this.#asked.get(ask);
		const offer = asked?.offer;
		if (asked?.target === undefined || offer === undefined)
			throw new TetradError("internal", "nothing was offered");
		const goods = this.#goodsOf(ask);
		goods.durable = Math.min(count, goods.chunks.length);
		const { other } = tradeTetrad(this.tetrad);
		transact(
			device,
			beginPurchase({
				...rowOf(purchase, device.now()),
				offer: offer.id,
				exponent: BigInt(offer.money.exponent),
				play: offer.money.isPlay ? 1n : 0n,
				merchant: other.agent.name,
				merchant_module: other.module.name,
				address: other.agent.name,
				target: asked.target,
				overwrite: 0n,
			}),
			() => this.#happened({ kind: "kept", ask }),
			(error) => this.#happened({ kind: "not-done", ask, error }),
		);
	}

	#open(
		ask: number,
		{ contract, chain, key, exporter }: PaidGoods,
	): GoodsEvent {
		const { device } = this.#options;
		const goods = this.#goodsOf(ask);
		const { id, length } = contract;
		const cipher = new ContentCipher(device.crypto, {
			key,
			exporter,
			contractId: id,
		});
		const opened: Uint8Array[] = [];
		const wrong = goods.chunks.findIndex(({ index, leaf, sealed }) => {
			const chunk = cipher.open(index, leaf, sealed);
			if (chunk === undefined || chunk.length !== chunkLength(length, index))
				return true;
			opened.push(chunk);
			return false;
		});
		const receiver = new MerchandiseReceiver(
			device.crypto,
			id,
			wrong < 0 ? undefined : wrong,
		);
		for (const [at, chunk] of goods.chunks.entries()) {
			if (chunk.index === at) {
				receiver.take(chunk);
				continue;
			}
			device.world.fail(
				"goods are kept in order",
				`${device.name} has chunk ${chunk.index} in the place of chunk ${at}`,
			);
			return { kind: "goods-missing", ask, from: at };
		}
		if (receiver.count < chunkCount(length))
			return { kind: "goods-missing", ask, from: receiver.count };
		if (!isMerchandiseOf(contract, receiver.finish()))
			return { kind: "goods-missing", ask, from: 0 };
		if (wrong < 0) {
			const path = this.#targetOf(ask);
			goods.opened = Buffer.concat(opened);
			const there = this.#options.goods.get(path) ?? goods;
			there.opened = goods.opened;
			this.#options.goods.set(path, there);
			return { kind: "goods-opened", ask, path };
		}
		const { plaintext, ciphertext } = receiver.paths();
		return {
			kind: "goods-wrong",
			ask,
			evidence: encodeMerchandiseEvidence({
				...(goods.chunks[wrong] as SealedChunk),
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

	#learned({ purchase, step }: LearnedPurchase): void {
		const { device, newTarget } = this.#options;
		const { contract } = purchase;
		transact(
			device,
			beginPurchase({
				...rowOf(purchase, device.now()),
				offer: NONE,
				exponent: -1n,
				play: 0n,
				merchant: nameInDeviceId(contract.sellerAgent),
				merchant_module: nameInDeviceId(contract.sellerModule),
				address: "",
				target: newTarget(),
				overwrite: 0n,
			}),
			() => {
				if (step !== "refunded") return;
				const outcome = {
					kind: "refunded",
					credited: contract.amount,
					code: "purchase-void",
					reason: "",
				} as const;
				transact(
					device,
					concludePurchase(contract.hash, outcome, device.now()),
					() => {},
				);
			},
		);
	}

	/** The module speaks of a purchase that is not asked for here. */
	#goOn(contract: Uint8Array): void {
		this.#options.device.write(readPurchase(contract), (row) => {
			if (row !== undefined) {
				const nothing = () => {};
				this.#resume(row, {
					answered: nothing,
					refused: nothing,
					step: nothing,
				});
				return;
			}
			if (this.#isLearning) return;
			this.#isLearning = true;
			this.learn(() => {
				this.#isLearning = false;
			});
		});
	}

	#finish(error: TetradError | undefined): void {
		const why =
			error ?? new TetradError("tetrad-closed", "the tetrad has been closed");
		for (const ask of [...this.#asked.keys()]) this.#over(ask)?.refused(why);
	}
}

function rowOf(
	{
		contract,
		chain,
		issuerChain,
		salt,
		description,
		exporter,
	}: ProvisionalPurchase,
	now: number,
) {
	return {
		contract: contract.hash,
		time: BigInt(now),
		document: contract.document,
		chain,
		issuer_chain: issuerChain,
		salt,
		description,
		exporter,
	};
}

/** One thing that is sold. */
export interface Item {
	readonly listing: Listing;
	/** Of the same thing in other money. */
	readonly others?: readonly Listing[];
	/** What is made on order has none before that. */
	readonly content: Uint8Array | undefined;
}

export interface SellerOptions extends SessionOptions {
	readonly items: ReadonlyMap<string, Item>;
	/** As long as it may be unless given. */
	readonly bookWithinMs: number | undefined;
	readonly made: MadeGoods;
	/** Pays in that tetrad what is owed to its buyer. */
	readonly giveOwed: (buyer: CertifiedDevice, session: Session) => void;
}

export class Seller {
	readonly session: Session;
	readonly #options: SellerOptions;
	readonly #driver: Driver<SellingEvent, SellingEffect>;
	readonly #open = new Map<number, Uint8Array>();
	/** What nobody waits for any more. */
	readonly #released = new Set<number>();
	readonly #buyer: CertifiedDevice;

	constructor(options: SellerOptions) {
		const { device, tetrad, memory, items, bookWithinMs } = options;
		this.#options = options;
		this.#buyer = tradeTetrad(tetrad).other.agent;
		this.session = new Session(options, (event) => this.#feed(event));
		this.#driver = new Driver<SellingEvent, SellingEffect>({
			device,
			machine: new Selling({
				crypto: device.crypto,
				tetrad: tradeTetrad(tetrad),
				offerKey: memory.offerKey,
				...(bookWithinMs === undefined ? {} : { bookWithinMs }),
			}),
			handlers: {
				...this.session.handlers,
				list: ({ answer }) => {
					options.giveOwed(this.#buyer, this.session);
					device.later(() =>
						this.#feed({
							kind: "listed",
							answer,
							items: [...items.values()].flatMap(({ listing, others = [] }) => [
								listing,
								...others,
							]),
							isLast: true,
						}),
					);
				},
				price: ({ answer, name, order }) =>
					this.#have(answer, name, ({ listing, others = [], content }) => {
						if ((content === undefined) !== (order !== ""))
							return failedTo(answer, "it is sold in another way");
						const ordered = (one: Listing): Listing => ({
							...one,
							description: { ...one.description, order },
						});
						return {
							...{ kind: "priced", answer, listing: ordered(listing) },
							others: others.map(ordered),
						};
					}),
				open: ({ answer, goods }) => this.#openGoods(answer, goods),
				read: ({ answer, at, length }) => {
					const content = this.#open.get(answer) ?? NONE;
					const bytes = copy(content.subarray(at, at + length));
					device.later(() => this.#feed({ kind: "read", answer, bytes }));
				},
				release: ({ answer }) => {
					this.#open.delete(answer);
					this.#released.add(answer);
				},
				progress: () => {},
				quoted: () => {},
				contracted: ({ contract: { id, hash }, description }) => {
					memory.offered.set(hex(hash), description.name);
					options.made.contracted(id, hash);
				},
				sold: (sold) => this.#sold(sold),
				unavailable: ({ error }) =>
					device.world.tell({
						who: device.name,
						what: `has nothing for its buyer: ${error.code}, ${error.message}`,
					}),
				sign: (effect) =>
					signLater(device, effect, (event) => this.#feed(event)),
			},
			ended: () => tetrad.close(),
			failed: () => tetrad.close(),
		});
		this.#feed({ kind: "begin" });
	}

	#feed(event: SellingEvent): void {
		this.#driver.feed(event);
	}

	#have(
		answer: number,
		name: string,
		made: (item: Item) => SellingEvent,
	): void {
		const { device, items } = this.#options;
		const item = items.get(name);
		device.later(() =>
			this.#feed(
				item === undefined ? failedTo(answer, "not sold here") : made(item),
			),
		);
	}

	/** What was made is there again; else it is made, unless it was paid for already. */
	#openGoods(answer: number, goods: Goods): void {
		const { made, items, device } = this.#options;
		const opened = (content: Uint8Array): SellingEvent => {
			this.#open.set(answer, content);
			return { kind: "opened", answer, length: BigInt(content.length) };
		};
		const { name } = goods.description;
		const item = items.get(name);
		const again = made.again(goods.contractId);
		if (item === undefined || item.content !== undefined || again !== undefined)
			return this.#have(answer, name, ({ content }) =>
				opened(again ?? content ?? NONE),
			);
		const failed = (error: TetradError): void =>
			device.later(() => this.#feed({ kind: "failed", answer, error }));
		if (goods.itemKind === undefined)
			return failed(
				new TetradError("merchandise-changed", "it is not kept any more"),
			);
		made.make(goods, {
			made: (content) => this.#feed(opened(content)),
			failed,
			isOver: () => this.#released.has(answer) || this.#options.tetrad.ended,
		});
	}

	#sold({
		contract,
		amount,
		receipt,
		chain,
		buyerAgent = this.#buyer.deviceId,
	}: Extract<SellingEffect, { readonly kind: "sold" }>): void {
		const { device, items, memory } = this.#options;
		const item = memory.offered.get(hex(contract)) ?? "";
		// What was sold before it was started it takes for the first of its things.
		const sold = items.get(item) ?? [...items.values()][0];
		if (sold === undefined) return;
		const { listing } = sold;
		const record = recordSale({
			contract: copy(contract),
			time: BigInt(device.now()),
			buyer: nameInDeviceId(buyerAgent),
			buyer_agent: copy(buyerAgent),
			item,
			issuer: listing.issuer,
			currency: listing.currency,
			exponent: BigInt(listing.money.exponent),
			play: 1n,
			amount,
			receipt: copy(receipt),
			receipt_chain: copy(chain),
			rail: listing.mint === undefined ? "own-notes" : "cashu",
			mint: listing.mint?.url ?? "",
			unit: listing.mint?.unit ?? "",
		});
		transact(device, record, () => {});
	}
}
function failedTo(answer: number, why: string): SellingEvent {
	return {
		...{ kind: "failed", answer },
		error: new TetradError("payment-refused", why),
	};
}

/** What an agent asks its module to sell with, when it meets that issuer next. */
export function askToSell(tetrad: Tetrad, issuer: Uint8Array): void {
	tetrad.send(
		"module",
		message(ABOUT_PURCHASES.selling, { issuer, generation: 0 }),
	);
}
