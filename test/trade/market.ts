/*
 * A buyer, a merchant and an issuer with real purses and books, and agents that say what a test
 * wants them to say. There is no merchandise: what a purchase comes to is its key.
 */
import assert from "node:assert/strict";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { messages } from "../../src/money/index.ts";
import { PAYMENTS, RECEIPTS } from "../../src/money/purse/purse-tables.ts";
import {
	ABOUT_PURCHASES,
	type Contract,
	type ContractBody,
	type ContractTerms,
	draftContract,
	encodeItemDescription,
	encodeTerms,
	exporterHash,
	type HeldMoney,
	itemHash,
	keyHash,
	type NotBoughtOutcome,
	type PurchaseSaid,
	type RailName,
	termsHash,
} from "../../src/trade/documents/index.ts";
import { SaleDesk } from "../../src/trade/issuer/index.ts";
import { loadTrade, moduleTrade } from "../../src/trade/module/index.ts";
import { copy, hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { COIN, type Module, Town, type TownOptions } from "../money/town.ts";
import { DAY, makeWorld } from "../support/authority.ts";

const { body, message } = messages;

export const PRICE = 250n;

/** As the merchant says it, and as it is. */
const MONEY = { exponent: 2, isPlay: true };
export const MINUTE = 60_000;
const MASTER = filled(32, 0x3a);
const SALT = filled(32, 0x5a);

/** What the buyer's agent heard of a purchase. */
type HeardOfPurchase =
	| {
			readonly kind: "bought";
			readonly key: Uint8Array;
			readonly receipt: Uint8Array;
			readonly fee?: bigint | undefined;
	  }
	| { readonly kind: "waiting"; readonly code: string }
	| {
			readonly kind: "notBought";
			readonly outcome: NotBoughtOutcome;
			readonly amount: bigint;
			readonly code: string;
			readonly reason: string;
			readonly fee?: bigint | undefined;
	  }
	| { readonly kind: "closed" };

/** In short, for comparisons. */
function brief(heard: HeardOfPurchase): string {
	switch (heard.kind) {
		case "bought":
			return "bought";
		case "waiting":
			return `waiting: ${heard.code}`;
		case "notBought":
			return `${heard.outcome} ${heard.amount}: ${heard.code}`;
		case "closed":
			return "closed";
	}
}

interface Sold {
	/** In which it was told. */
	readonly tetrad: number;
	readonly contract: string;
	readonly amount: bigint;
	readonly receipt: Uint8Array;
	/** In hexadecimal; nothing where it is the other agent of that tetrad. */
	readonly buyerAgent: string | undefined;
}

type Unheard = {
	readonly module: Module;
	readonly tetrad: number;
	readonly bytes: Uint8Array;
};

/** A tetrad of buyer and merchant. */
export interface Visit {
	readonly tetrad: number;
	readonly binding: Uint8Array;
	readonly exporter: Uint8Array;
}

/** What contracts name of the money that they are paid with. */
export interface PaidWith {
	readonly rail: RailName;
	readonly issuer: Uint8Array;
	readonly currency: string;
	/** As the merchant says it, and as it is. */
	readonly money: { readonly exponent: number; readonly isPlay: boolean };
}

export interface MarketOptions extends TownOptions {
	readonly money?: bigint;
	/** What is sold for; notes of the issuer unless given. */
	readonly paidWith?: PaidWith;
	/** Gives the buyer its money, in the place of its bank. */
	readonly fund?: (market: Market, desk: SaleDesk) => Promise<void>;
}

export class Market {
	readonly town: Town;
	readonly ann: Module;
	readonly bob: Module;
	readonly mint: Module;
	readonly paidWith: PaidWith;
	/** By contract in hexadecimal. */
	readonly #heard = new Map<string, HeardOfPurchase[]>();
	readonly sold: Sold[] = [];
	readonly purchases: PurchaseSaid[] = [];
	/** What came last of these, by module and in order. */
	readonly #unheard: Unheard[] = [];
	#items = 0;

	private constructor(
		town: Town,
		{ ann, bob, mint }: Pick<Market, "ann" | "bob" | "mint">,
		unheard: Unheard[],
		paidWith: PaidWith,
	) {
		this.town = town;
		this.paidWith = paidWith;
		this.ann = ann;
		this.bob = bob;
		this.mint = mint;
		this.#unheard = unheard;
	}

	/** Ann has money, and Bob's module a selling secret. */
	static async make(options: MarketOptions = {}): Promise<Market> {
		const { money = 1000n, fund, paidWith, ...others } = options;
		const unheard: Unheard[] = [];
		const world = others.world ?? (await makeWorld({ algorithm: "Ed25519" }));
		const town = await Town.make({
			sale: (self) => moduleTrade(self.store.run(loadTrade())),
			...others,
			world,
			certifiesAgents: true,
			judge: (context) => new SaleDesk(context, { read: (use) => use(MASTER) }),
			heard: (module, tetrad, bytes) => {
				unheard.push({ module, tetrad, bytes });
			},
		});
		const mint = await town.issuer();
		const ann = await town.purse("ann");
		const bob = await town.purse("bob");
		const market = new Market(
			town,
			{ ann, bob, mint },
			unheard,
			paidWith ?? {
				rail: "own-notes",
				issuer: mint.device.deviceId,
				currency: COIN.code,
				money: MONEY,
			},
		);
		if (fund === undefined) await town.withdraw(ann, mint, money);
		else {
			const { verdicts, device: own } = mint;
			const certifiedAgent = (chain: Uint8Array) =>
				verdicts.certified(chain, "agent");
			const context = { crypto: nodeCrypto, own, certifiedAgent };
			await fund(market, new SaleDesk(context, { read: (use) => use(MASTER) }));
		}
		await market.learnsSecret(bob);
		return market;
	}

	/** A merchant's agent asks what to sell with, and its module meets the issuer. */
	async learnsSecret(merchant: Module): Promise<void> {
		const { town, mint } = this;
		town.fund(mint, merchant, 1n);
		const tetrad = await town.meet(merchant, mint);
		this.say(
			merchant,
			tetrad,
			message(ABOUT_PURCHASES.selling, {
				issuer: this.paidWith.issuer,
				generation: 0,
			}),
		);
		town.settle(merchant, tetrad, mint);
		await this.quiet();
		town.part(merchant, tetrad);
		await this.quiet();
	}

	async meet(
		buyer: Module = this.ann,
		merchant: Module = this.bob,
	): Promise<Visit> {
		const tetrad = await this.town.meet(buyer, merchant);
		const binding = this.town.bindingOf(tetrad);
		return { tetrad, binding, exporter: nodeCrypto.sha256(binding) };
	}

	/** What an agent says. */
	say(module: Module, tetrad: number, bytes: Uint8Array): void {
		module.events.push({ kind: "from-agent", tetrad, bytes });
	}

	async quiet(): Promise<void> {
		await this.town.quiet();
		this.listen();
	}

	/** Takes in what agents have heard. */
	listen(): void {
		for (const unheard of this.#unheard.splice(0)) this.#hear(unheard);
	}

	#hear({ module, tetrad, bytes }: Unheard): void {
		const add = (contract: Uint8Array, heard: HeardOfPurchase): void => {
			const id = hex(contract);
			this.#heard.set(id, [...(this.#heard.get(id) ?? []), heard]);
		};
		switch (bytes[0]) {
			case ABOUT_PURCHASES.bought.type: {
				const { contract, ...fields } = body(ABOUT_PURCHASES.bought, bytes);
				return add(contract, { kind: "bought", ...fields });
			}
			case ABOUT_PURCHASES.waiting.type: {
				const { contract, code } = body(ABOUT_PURCHASES.waiting, bytes);
				return add(contract, { kind: "waiting", code });
			}
			case ABOUT_PURCHASES.notBought.type: {
				const { contract, ...fields } = body(ABOUT_PURCHASES.notBought, bytes);
				return add(contract, { kind: "notBought", ...fields });
			}
			case ABOUT_PURCHASES.closed.type:
				return add(body(ABOUT_PURCHASES.closed, bytes).contract, {
					kind: "closed",
				});
			case ABOUT_PURCHASES.purchase.type:
				this.purchases.push(body(ABOUT_PURCHASES.purchase, bytes));
				return;
			case ABOUT_PURCHASES.purchases.type:
				this.after = body(ABOUT_PURCHASES.purchases, bytes).after;
				return;
			case ABOUT_PURCHASES.sold.type: {
				const { contract, amount, receipt } = body(ABOUT_PURCHASES.sold, bytes);
				this.sold.push({
					...{ tetrad, contract: hex(contract), amount, receipt },
					buyerAgent: undefined,
				});
				return;
			}
			case ABOUT_PURCHASES.soldTo.type: {
				const said = body(ABOUT_PURCHASES.soldTo, bytes);
				const { contract, amount, receipt, buyerAgent } = said;
				this.sold.push({
					...{ tetrad, contract: hex(contract), amount, receipt },
					buyerAgent: hex(buyerAgent),
				});
				return;
			}
			case ABOUT_PURCHASES.seller.type: {
				const { certificate, issuerChain } = body(
					ABOUT_PURCHASES.seller,
					bytes,
				);
				this.selling.set(module, { certificate, issuerChain });
				return;
			}
			case ABOUT_PURCHASES.goodsKey.type: {
				const { termsHash: hash, key } = body(ABOUT_PURCHASES.goodsKey, bytes);
				this.keys.set(hex(hash), key);
				return;
			}
			case ABOUT_PURCHASES.moneysHeld.type:
				this.held = body(ABOUT_PURCHASES.moneysHeld, bytes).moneys;
				return;
			case ABOUT_PURCHASES.unsold.type: {
				const { code, reason } = body(ABOUT_PURCHASES.unsold, bytes);
				this.unsold.push(`${code}: ${reason}`);
				return;
			}
			default:
				assert.fail(`an agent hears ${bytes[0]}`);
		}
	}

	/** With which agents sell. */
	readonly selling: Map<
		Module,
		{ readonly certificate: Uint8Array; readonly issuerChain: Uint8Array }
	> = new Map();
	/** That the merchant's agent was given, by the hash of their terms. */
	readonly keys: Map<string, Uint8Array> = new Map();
	readonly unsold: string[] = [];
	/** What a module has said of its money last. */
	held: readonly HeldMoney[] = [];
	after: Uint8Array | undefined;

	heard(contract: Contract): readonly HeardOfPurchase[] {
		return this.#heard.get(hex(contract.hash)) ?? [];
	}

	brief(contract: Contract): readonly string[] {
		return this.heard(contract).map(brief);
	}

	description(): Uint8Array {
		return encodeItemDescription({
			name: "Song",
			mediaType: "audio/flac",
			about: "",
			order: "",
		});
	}

	terms(
		{ binding, exporter }: Visit,
		changes: Partial<ContractTerms> = {},
		parties: { readonly buyer?: Module; readonly merchant?: Module } = {},
	): ContractTerms {
		const { buyer = this.ann, merchant = this.bob } = parties;
		const { now } = this.town;
		const id = new Uint8Array(16);
		new DataView(id.buffer).setUint32(12, ++this.#items);
		return {
			id,
			made: now,
			buyerAgent: buyer.agent.deviceId,
			buyerModule: buyer.device.deviceId,
			sellerAgent: merchant.agent.deviceId,
			sellerModule: merchant.device.deviceId,
			binding,
			rail: this.paidWith.rail,
			issuer: this.paidWith.issuer,
			currency: this.paidWith.currency,
			amount: PRICE,
			item: itemHash(nodeCrypto, SALT, this.description()),
			plaintextRoot: filled(32, 0x91),
			length: 100n,
			exporterHash: exporterHash(nodeCrypto, exporter),
			payBy: now + 40 * MINUTE,
			bookBy: now + 5 * DAY,
			certificate: changes.certificate ?? this.sellingOf(merchant).certificate,
			...changes,
		};
	}

	sellingOf(merchant: Module): {
		readonly certificate: Uint8Array;
		readonly issuerChain: Uint8Array;
	} {
		const selling = this.selling.get(merchant);
		assert.ok(selling, `${merchant.name} has no selling secret`);
		return selling;
	}

	/** The key of terms that an agent asks its own module for; nothing when it gives none. */
	async keyOf(
		{ tetrad }: Visit,
		terms: ContractTerms,
		merchant: Module = this.bob,
	): Promise<Uint8Array | undefined> {
		this.say(
			merchant,
			tetrad,
			message(ABOUT_PURCHASES.sell, { terms: encodeTerms(terms) }),
		);
		await this.town.work();
		this.listen();
		return this.keys.get(hex(termsHash(nodeCrypto, terms)));
	}

	/** A contract that the merchant's agent signs, with the key of its module unless told otherwise. */
	async contract(
		visit: Visit,
		changes: Partial<ContractBody> = {},
		parties: { readonly buyer?: Module; readonly merchant?: Module } = {},
	): Promise<Contract> {
		const { keyHash: saidHash, ciphertextRoot, ...ofTerms } = changes;
		const terms = this.terms(visit, ofTerms, parties);
		let hash = saidHash;
		if (hash === undefined) {
			const key = await this.keyOf(visit, terms, parties.merchant);
			assert.ok(key, `no key: ${this.unsold.at(-1)}`);
			hash = keyHash(nodeCrypto, key);
		}
		return this.sign(parties.merchant ?? this.bob, {
			...terms,
			keyHash: hash,
			ciphertextRoot: ciphertextRoot ?? filled(32, 0xc7),
		});
	}

	async sign(merchant: Module, signed: ContractBody): Promise<Contract> {
		const { agentSigner } = merchant;
		assert.ok(agentSigner);
		const { toSign, sign } = draftContract(signed);
		return sign(nodeCrypto, await agentSigner.sign(toSign));
	}

	buyBytes(
		{ document }: Pick<Contract, "document">,
		changes: Partial<{
			salt: Uint8Array;
			description: Uint8Array;
			issuerChain: Uint8Array;
			money: { readonly exponent: number; readonly isPlay: boolean };
			askOwner: boolean;
			mostFee: bigint;
		}> = {},
	): Uint8Array {
		return message(ABOUT_PURCHASES.buy, {
			document,
			salt: SALT,
			description: this.description(),
			issuerChain: this.mint.device.encodedChain,
			money: this.paidWith.money,
			askOwner: false,
			...changes,
		});
	}

	/** The buyer's agent says it, and hears of nothing before everything is quiet. */
	buy(
		{ tetrad }: Visit,
		contract: Contract,
		changes: Parameters<Market["buyBytes"]>[1] = {},
		buyer: Module = this.ann,
	): void {
		this.say(buyer, tetrad, this.buyBytes(contract, changes));
	}

	about(
		kind: "cancel" | "final" | "resolve",
		tetrad: number,
		{ hash: contract }: Pick<Contract, "hash">,
		buyer: Module = this.ann,
	): void {
		this.say(buyer, tetrad, message(ABOUT_PURCHASES[kind], { contract }));
	}

	/** The buyer's agent tells its module all that it keeps of a purchase. */
	recall(
		tetrad: number,
		{ document }: Pick<Contract, "document">,
		{ exporter }: Pick<Visit, "exporter">,
		buyer: Module = this.ann,
		merchant: Module = this.bob,
	): void {
		this.say(
			buyer,
			tetrad,
			message(ABOUT_PURCHASES.recall, {
				document,
				salt: SALT,
				description: this.description(),
				sellerChain: merchant.agent.encodedChain,
				exporter,
			}),
		);
	}

	/** All that was bought, as an agent learns it. */
	async learn(
		{ tetrad }: { readonly tetrad: number },
		buyer: Module = this.ann,
	): Promise<readonly PurchaseSaid[]> {
		this.purchases.length = 0;
		let after: Uint8Array | undefined;
		do {
			this.after = after;
			this.say(buyer, tetrad, message(ABOUT_PURCHASES.purchases, { after }));
			const before = after;
			await this.quiet();
			after = this.after && copy(this.after);
			if (hex(after ?? filled(0, 0)) === hex(before ?? filled(0, 0))) break;
		} while (after !== undefined);
		return [...this.purchases];
	}

	// What there is.

	/** Whether the key of a purchase is with its buyer's agent. */
	isKeyed(contract: Contract): boolean {
		return this.heard(contract).some(
			(heard) =>
				heard.kind === "bought" &&
				hex(keyHash(nodeCrypto, heard.key)) === hex(contract.keyHash),
		);
	}

	paymentOf({ hash }: Contract, buyer: Module = this.ann): string | undefined {
		return buyer.store
			.rows(PAYMENTS)
			.find(({ contract }) => hex(contract) === hex(hash))?.state;
	}

	receiptOf(
		{ hash }: Contract,
		merchant: Module = this.bob,
	): string | undefined {
		return merchant.store
			.rows(RECEIPTS)
			.find(({ contract }) => hex(contract) === hex(hash))?.state;
	}

	/** The merchant has the money: in its books, or the issuer's. */
	isPaid(contract: Contract, merchant: Module = this.bob): boolean {
		return ["to-deposit", "deposited"].includes(
			this.receiptOf(contract, merchant) ?? "",
		);
	}

	requireConserved(): void {
		this.town.requireConserved(this.mint);
	}

	/** Both meet the issuer until nothing is open. */
	async settle(): Promise<void> {
		const { town, ann, bob, mint } = this;
		for (const module of [ann, bob, ann]) {
			await town.visit(module, mint);
			this.listen();
		}
	}
}
