import { asTetradError, TetradError } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import { nameInDeviceId } from "../../money/index.ts";
import { chosenCrypto } from "../../provider/index.ts";
import {
	type Goods,
	Selling,
	type SellingEffect,
	type SellingEvent,
	type SellingOptions,
	type TradeTetrad,
} from "../../trade/agent/index.ts";
import type {
	Contract,
	ItemDescription,
	Listing,
} from "../../trade/documents/index.ts";
import { copy, hex } from "../../wire/index.ts";
import { Driver, signFor } from "../runtime/index.ts";
import {
	MerchandiseBytes,
	MerchandiseFile,
	type MerchandiseSource,
} from "./merchandise-file.ts";
import type { Shop, ShopSale } from "./shop.ts";
import { isForBuyers } from "./told-of-other-trade.ts";
import {
	TradeSession,
	type TradeSessionOptions,
	tradeTetrad,
} from "./trade-session.ts";

/** What the owner of a shop may want to see. */
export type SellerEvent =
	| {
			readonly kind: "sending";
			readonly bytes: bigint;
			readonly length: bigint;
	  }
	/** A contract has gone to its buyer. */
	| {
			readonly kind: "offered";
			readonly contract: Contract;
			readonly description: ItemDescription;
	  }
	| { readonly kind: "sold"; readonly sale: ShopSale }
	/** Why a buyer did not get what it asked for, or something of a sale could not be kept. */
	| { readonly kind: "trouble"; readonly error: TetradError };

/** What a merchant's agent sells with in one tetrad. */
export interface SellerOptions
	extends TradeSessionOptions,
		Pick<
			SellingOptions,
			"offerKey" | "offerValidMs" | "payWithinMs" | "bookWithinMs" | "modules"
		> {
	readonly shop: Shop;
	/** The agent's own. */
	readonly signer: Signer;
	readonly observe?: (event: SellerEvent) => void;
	/** Called when the own module sells nothing for the money of the shop now. */
	readonly cannotSell?: () => void;
}

/** Something that was asked for under a number, and is open until it is released. */
interface Opened {
	readonly gaveUp: AbortController;
	readonly source: Promise<MerchandiseSource>;
	/** Reads are answered in the order in which they were asked for. */
	reading: Promise<unknown>;
}

/** Sells to the other agent of a tetrad until that is over. Rejects with why it ended, if not in order. */
export function sellIn(options: SellerOptions): Promise<void> {
	return new Seller(options).over;
}

class Seller {
	readonly over: Promise<void>;
	readonly #options: SellerOptions;
	readonly #driver: Driver<SellingEvent, SellingEffect>;
	readonly #opened = new Map<number, Opened>();
	/** Contracts of refunds that are being paid. */
	readonly #givingBack = new Set<string>();
	/** What was made on order here and is not paid: ids of contracts, by themselves and by hash, in hexadecimal. */
	readonly #unpaid = new Map<string, Uint8Array>();

	constructor(options: SellerOptions) {
		const { tetrad, shop, signer } = options;
		const over = Promise.withResolvers<void>();
		const known = tradeTetrad(tetrad);
		const buyer = known.other.agent;
		this.over = over.promise;
		this.#options = options;
		const end = (error?: TetradError) => {
			// What fails in here is no buyer's doing.
			if (tetrad.isCutHere || error?.code === "internal") this.#cut();
			for (const number of this.#opened.keys()) this.#release(number);
			const left = new Set(this.#unpaid.values());
			if (left.size > 0) shop.left?.([...left]);
			void tetrad.close();
			if (error === undefined) over.resolve();
			else over.reject(error);
		};
		const session = new TradeSession(options, (event) => {
			if (!isForBuyers(event)) this.#feed(event);
		});
		this.#driver = new Driver<SellingEvent, SellingEffect>({
			machine: new Selling({
				...options,
				crypto: chosenCrypto(),
				tetrad: known,
			}),
			now: options.now ?? Date.now,
			handlers: {
				...session.handlers,
				list: ({ answer, after, limit }) => {
					this.#keep(this.#giveBack(session, known));
					this.#after(answer, shop.list(after, limit), (page) => ({
						kind: "listed",
						answer,
						...page,
					}));
				},
				price: ({ answer, name, order }) =>
					this.#after(
						answer,
						shop.price(name, order).then(requireOne),
						([listing, ...others]) => ({
							...{ kind: "priced", answer, listing, others },
						}),
					),
				quoted: ({ offer }) => shop.quoted?.(offer, buyer),
				open: ({ answer, goods }) => {
					const gaveUp = new AbortController();
					const source = this.#open(goods, gaveUp.signal);
					this.#opened.set(answer, { gaveUp, source, reading: source });
					this.#after(answer, source, ({ length }) => ({
						kind: "opened",
						answer,
						length: BigInt(length),
					}));
				},
				read: ({ answer, at, length }) =>
					this.#after(answer, this.#read(answer, at, length), (bytes) => ({
						kind: "read",
						answer,
						bytes,
					})),
				release: ({ answer }) => this.#release(answer),
				progress: ({ bytes, length }) =>
					this.#observe({ kind: "sending", bytes, length }),
				contracted: ({ contract, description }) => {
					this.#observe({ kind: "offered", contract, description });
					const id = this.#unpaid.get(hex(contract.id));
					if (id !== undefined) this.#unpaid.set(hex(contract.hash), id);
					this.#keep(shop.contracted(contract, description));
				},
				sold: ({ kind: _, buyerAgent, ...said }) => {
					const sale = { ...said, buyer: buyerOf(buyerAgent) ?? buyer };
					const { contract } = said;
					const id = this.#unpaid.get(hex(contract));
					if (id !== undefined) this.#unpaid.delete(hex(id));
					this.#unpaid.delete(hex(contract));
					this.#observe({ kind: "sold", sale });
					this.#keep(shop.sold(sale));
				},
				unavailable: ({ error, cannotSell }) => {
					this.#observe({ kind: "trouble", error });
					if (cannotSell) this.#options.cannotSell?.();
				},
				sign: (effect) => signFor(signer, effect, (event) => this.#feed(event)),
			},
			ended: ({ error }) => end(error),
			failed: end,
		});
		this.#feed({ kind: "begin" });
	}

	#feed(event: SellingEvent): void {
		this.#driver.feed(event);
	}

	/** Pays what is owed to the buyer, each once at a time: what its module does not expect holds up nothing else. */
	async #giveBack(
		{ payments }: TradeSession,
		{ own, other }: TradeTetrad,
	): Promise<void> {
		const { shop } = this.#options;
		const { deviceId } = own.module;
		const owed = (await shop.owed?.(other.agent, deviceId)) ?? [];
		await Promise.all(
			owed.map(async ({ payment, text, paid, refused }) => {
				const name = hex(payment.contract);
				if (this.#givingBack.has(name)) return;
				this.#givingBack.add(name);
				try {
					await payments.pay(payment, { text });
					await paid();
				} catch (thrown) {
					const error = refused(asTetradError(thrown));
					if (error !== undefined) this.#observe({ kind: "trouble", error });
				} finally {
					this.#givingBack.delete(name);
				}
			}),
		);
	}

	/** What comes to nothing while it is made is not left: whoever makes it knows. */
	async #open(goods: Goods, signal: AbortSignal): Promise<MerchandiseSource> {
		const { contractId, itemKind } = goods;
		if (itemKind === "made-on-order")
			this.#unpaid.set(hex(contractId), contractId);
		try {
			return await this.#options.shop.open(goods, signal);
		} catch (thrown) {
			this.#unpaid.delete(hex(contractId));
			throw thrown;
		}
	}

	/** Hands over what somebody was asked for, or that it came to nothing. */
	#after<Value>(
		answer: number,
		coming: Promise<Value>,
		event: (value: Value) => SellingEvent,
	): void {
		coming.then(
			(value) => this.#feed(event(value)),
			(thrown: unknown) =>
				this.#feed({ kind: "failed", answer, error: asTetradError(thrown) }),
		);
	}

	async #read(answer: number, at: number, length: number): Promise<Uint8Array> {
		const opened = this.#opened.get(answer);
		if (opened === undefined)
			throw new TetradError("internal", "nothing is open to be read");
		const { source, reading } = opened;
		const bytes = reading.then(async () => {
			const from = await source;
			const read = await from.read(at, length);
			// Their memory is given back once they are sent; what another source returns may be its own.
			return from instanceof MerchandiseFile || from instanceof MerchandiseBytes
				? read
				: copy(read);
		});
		opened.reading = bytes.catch(() => {});
		return bytes;
	}

	/** Whoever makes it hears that this side has cut it before it hears that nobody waits for it. */
	#cut(): void {
		const cut = new Set(this.#unpaid.values());
		this.#unpaid.clear();
		if (cut.size > 0) this.#options.shop.cut?.([...cut]);
	}

	#release(answer: number): void {
		if (this.#options.tetrad.isCutHere) this.#cut();
		const opened = this.#opened.get(answer);
		this.#opened.delete(answer);
		opened?.gaveUp.abort();
		void opened?.reading
			.then(async () => (await opened.source)[Symbol.asyncDispose]())
			.catch(() => {});
	}

	#keep(work: Promise<void>): void {
		work.catch((thrown: unknown) =>
			this.#observe({ kind: "trouble", error: asTetradError(thrown) }),
		);
	}

	#observe(event: SellerEvent): void {
		this.#options.observe?.(event);
	}
}

/** The agent of that device id, as an authority has certified it; nothing without one. */
function buyerOf(
	deviceId: Uint8Array | undefined,
): ShopSale["buyer"] | undefined {
	return deviceId && { deviceId, name: nameInDeviceId(deviceId) };
}

/** A shop that answers sells it for something. */
function requireOne(
	listings: readonly Listing[],
): readonly [Listing, ...Listing[]] {
	const [first, ...others] = listings;
	if (first === undefined)
		throw new TetradError("internal", "a shop has priced something in nothing");
	return [first, ...others];
}
