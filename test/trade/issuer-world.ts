/* An issuer that knows of sales, buyers and merchants behind their agents, and what they hand in. */
import assert from "node:assert/strict";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { type Signer, validateChain } from "../../src/identity/index.ts";
import {
	messages,
	type Note,
	type Piece,
	type Transfer,
	type TransferBody,
} from "../../src/money/index.ts";
import {
	type Contract,
	type ContractBody,
	draftContract,
	encodePurchaseTerms,
	goodsKey,
	keyHash,
	termsHash,
} from "../../src/trade/documents/index.ts";
import { copy, hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import {
	type LedgerOptions,
	type Ledgers,
	makeLedger,
} from "../money/ledger-world.ts";
import {
	deposit,
	type Mint,
	type Module,
	pay,
	piece,
	requestId,
	resolve,
} from "../money/mint.ts";
import { DAY } from "../support/authority.ts";

const { WITH_ISSUER, body, message } = messages;

/** A module that comes from behind its agent. */
export interface Trader extends Module {
	readonly agentSigner: Signer;
	readonly agentChain: Uint8Array;
	readonly agent: NonNullable<Module["agent"]>;
}

/** What an issuer's module gave a merchant's. */
export interface Selling {
	readonly secret: Uint8Array;
	readonly certificate: Uint8Array;
}

/** One sale, as both sides have it. */
export interface Sale {
	readonly contract: Contract;
	readonly terms: Uint8Array;
	readonly transfer: Transfer;
	readonly notes: readonly Note[];
	/** That the merchant's module has for it. */
	readonly key: Uint8Array;
}

/** An answer, in short. */
export type Said =
	| { readonly kind: "booked"; readonly credited: bigint }
	| {
			readonly kind: "outcome";
			readonly state: number;
			readonly credited: bigint;
			/** In hexadecimal. */
			readonly key: string | undefined;
	  }
	| { readonly kind: "declined"; readonly code: string };

export function said(bytes: Uint8Array): Said {
	switch (bytes[0]) {
		case WITH_ISSUER.booked.type: {
			const { credited, conflicts } = body(WITH_ISSUER.booked, bytes);
			assert.deepEqual(conflicts, []);
			return { kind: "booked", credited };
		}
		case WITH_ISSUER.outcome.type: {
			const { state, credited, key } = body(WITH_ISSUER.outcome, bytes);
			return { kind: "outcome", state, credited, key: key && hex(key) };
		}
		case WITH_ISSUER.declined.type:
			return {
				kind: "declined",
				code: body(WITH_ISSUER.declined, bytes).code,
			};
		default:
			return assert.fail(`an answer begins with ${bytes[0]}`);
	}
}

export const refused: Said = { kind: "declined", code: "payment-refused" };
export const isVoid: Said = { kind: "declined", code: "purchase-void" };
export const spentTwice: Said = { kind: "declined", code: "double-spent" };
export const booked = (credited: bigint): Said => ({
	kind: "booked",
	credited,
});
export const bought = ({ transfer, key }: Sale): Said => ({
	kind: "outcome",
	state: 1,
	credited: transfer.amount,
	key: hex(key),
});
export const outcome = (state: number, credited: bigint): Said => ({
	kind: "outcome",
	state,
	credited,
	key: undefined,
});

export const PRICE = 100n;
export const MASTER: Uint8Array = filled(32, 0x3a);

export class SaleWorld implements AsyncDisposable {
	readonly ledger: Ledgers;
	readonly buyer: Trader;
	readonly merchant: Trader;
	readonly #sellings = new Map<Trader, Selling>();

	private constructor(ledger: Ledgers, buyer: Trader, merchant: Trader) {
		this.ledger = ledger;
		this.buyer = buyer;
		this.merchant = merchant;
	}

	/** `master` is that of the issuer, or "none". */
	static async make(
		options: LedgerOptions = {},
		master: Uint8Array | "none" = MASTER,
	): Promise<SaleWorld> {
		await using stack = new AsyncDisposableStack();
		const ledger = stack.use(
			await makeLedger({
				...options,
				...(master === "none" ? {} : { master }),
			}),
		);
		const [buyer, merchant] = await Promise.all([
			traderOf(ledger, "ann"),
			traderOf(ledger, "bob"),
		]);
		stack.move();
		return new SaleWorld(ledger, buyer, merchant);
	}

	get mint(): Mint {
		return this.ledger.mint;
	}

	get issuer(): Module {
		return this.ledger.issuer;
	}

	trader(name: string): Promise<Trader> {
		return traderOf(this.ledger, name);
	}

	async secret(of: Module, generation = 0): Promise<Selling> {
		const request = requestId();
		const asked = message(WITH_ISSUER.secret, { request, generation });
		const answer = await this.mint.once(of, copy(asked));
		assert.equal(answer[0], WITH_ISSUER.sellingSecret.type);
		const { secret, certificate } = body(WITH_ISSUER.sellingSecret, answer);
		return { secret, certificate };
	}

	/** As an honest merchant's module keeps it. */
	async #sellingOf(merchant: Trader): Promise<Selling> {
		const known = this.#sellings.get(merchant);
		if (known !== undefined) return known;
		const selling = await this.secret(merchant);
		this.#sellings.set(merchant, selling);
		return selling;
	}

	/** A contract between the two at `PRICE`, with the right key unless told otherwise. */
	async contract(
		changes: Partial<ContractBody> = {},
		by: {
			readonly merchant?: Trader;
			readonly buyer?: Trader;
			readonly selling?: Selling;
			readonly signer?: Signer;
		} = {},
	): Promise<{ readonly contract: Contract; readonly key: Uint8Array }> {
		const { merchant = this.merchant, buyer = this.buyer } = by;
		const selling = by.selling ?? (await this.#sellingOf(merchant));
		const { now } = this.mint;
		const terms = {
			id: nodeCrypto.random(16),
			made: now,
			buyerAgent: buyer.agent.deviceId,
			buyerModule: buyer.device.deviceId,
			sellerAgent: merchant.agent.deviceId,
			sellerModule: merchant.device.deviceId,
			binding: filled(32, 0xb1),
			rail: "own-notes",
			issuer: this.issuer.device.deviceId,
			currency: "PLAY",
			amount: PRICE,
			item: filled(32, 0x17),
			plaintextRoot: filled(32, 0x91),
			length: 100n,
			exporterHash: filled(32, 0xe0),
			payBy: now + 120_000,
			bookBy: now + DAY,
			certificate: selling.certificate,
			...changes,
		} as const;
		const key = goodsKey(
			nodeCrypto,
			selling.secret,
			termsHash(nodeCrypto, terms),
		);
		const { toSign, sign } = draftContract({
			keyHash: keyHash(nodeCrypto, key),
			ciphertextRoot: filled(32, 0xc7),
			...terms,
		});
		const signer = by.signer ?? merchant.agentSigner;
		return { contract: sign(nodeCrypto, await signer.sign(toSign)), key };
	}

	/** That contract, paid with a note of its own or with these pieces. */
	async sale(
		changes: Partial<ContractBody> = {},
		by: Parameters<SaleWorld["contract"]>[1] & {
			readonly notes?: readonly Note[];
			readonly pieces?: readonly Piece[];
			readonly transfer?: Partial<TransferBody>;
		} = {},
	): Promise<Sale> {
		const { merchant = this.merchant, buyer = this.buyer } = by;
		const made = await this.contract(changes, by);
		const { contract } = made;
		const notes = by.notes ?? [await this.ledger.note(contract.amount, buyer)];
		const pieces =
			by.pieces ??
			notes.slice(0, 1).map((note) => piece(note, 0n, contract.amount));
		const transfer = await pay(buyer, merchant, pieces, this.issuer, {
			contract: contract.hash,
			purpose: "sale",
			...by.transfer,
		});
		const terms = encodePurchaseTerms({
			contract: contract.document,
			chain: merchant.agentChain,
		});
		return { ...made, terms, transfer, notes };
	}

	/** A sale whose merchant's agent signed for a key that is not that of its terms. */
	wrong(by: Parameters<SaleWorld["sale"]>[1] = {}): Promise<Sale> {
		return this.sale({ keyHash: keyHash(nodeCrypto, filled(32, 0x66)) }, by);
	}

	depositing(sale: Sale, request: Uint8Array = requestId()): Uint8Array {
		const { transfer, notes, terms } = sale;
		return deposit(request, transfer, notes, this.issuer, terms);
	}

	resolving(sale: Sale, request: Uint8Array = requestId()): Uint8Array {
		const { transfer, notes, terms } = sale;
		return resolve(request, transfer, notes, this.issuer, terms);
	}

	async deposit(sale: Sale, by: Module = this.merchant): Promise<Said> {
		return said(await this.mint.once(by, this.depositing(sale)));
	}

	async resolve(sale: Sale, by: Module = this.buyer): Promise<Said> {
		return said(await this.mint.once(by, this.resolving(sale)));
	}

	async inquire(sale: Sale, by: Module = this.buyer): Promise<Said> {
		const request = requestId();
		const { id: transfer } = sale.transfer;
		const asked = message(WITH_ISSUER.inquire, { request, transfer });
		return said(await this.mint.once(by, copy(asked)));
	}

	/** What the accounts of buyer and merchant hold, and what is owed. */
	async held(): Promise<{
		readonly buyer: bigint;
		readonly merchant: bigint;
		readonly owed: bigint;
	}> {
		const { owed } = await this.ledger.sound();
		return {
			buyer: await this.ledger.balanceOf(this.buyer),
			merchant: await this.ledger.balanceOf(this.merchant),
			owed,
		};
	}

	/** Fails unless nothing of a sale is in the books. */
	async requireUnknown(sale: Sale): Promise<void> {
		assert.deepEqual(await this.inquire(sale), outcome(0, 0n));
		assert.deepEqual(await this.held(), { buyer: 0n, merchant: 0n, owed: 0n });
	}

	[Symbol.asyncDispose](): PromiseLike<void> {
		return this.ledger[Symbol.asyncDispose]();
	}
}

async function traderOf(ledger: Ledgers, name: string): Promise<Trader> {
	const { world } = ledger;
	const [module, { signer: agentSigner, chain: agentChain }] =
		await Promise.all([ledger.module(`${name}-purse`), world.agent(name)]);
	const agent = validateChain(
		nodeCrypto,
		agentChain,
		"agent",
		world.policy.agencies,
		world.now,
	);
	return { ...module, agent, agentSigner, agentChain };
}
