/*
 * The merchant's module, y: it keeps the selling secrets, and lets a goods key go when the money
 * for it is there.
 *
 *   (nothing) ─an issuer answers─▶ SECRET                                          of an agent, an issuer and a generation
 *
 *   prepare ─judged─▶ (an invoice is out) ─deliver, judged─▶ ACCEPTED ─booked─▶ BOOKED         the key goes out at ACCEPTED
 *                                                │               └─declined─▶ REFUSED
 *                                                └─late─▶ (to be booked first) ─booked─▶ BOOKED     and here at BOOKED
 *
 * What stands in capitals is durable: a secret in `selling_secrets`, and a sale in the purse's row
 * of what it received. Its own agent gets keys ahead, to seal goods with: of its own sales, and of nobody
 * else's. Nothing is kept of a sale before it is paid.
 */
import { asTetradError, TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import type { Kind, Transaction } from "../../machine/index.ts";
import {
	CLOCK_TOLERANCE_MS,
	type DeliveredSale,
	type GivenSecret,
	type IssuerTerms,
	type Meeting,
	messages,
	type OfferedSale,
	type SaleEvent,
	type SaleRail,
	type SellsAtMint,
	type Sold,
} from "../../money/index.ts";
import { copy, hex, sameBytes } from "../../wire/index.ts";
import {
	ABOUT_PURCHASES,
	type Contract,
	type ContractSeller,
	type ContractTerms,
	type EcashSaid,
	goodsKey,
	keyHash,
	parseContract,
	parsePurchaseTerms,
	parseSeller,
	parseTerms,
	saltKey,
	sellerOf,
	termsHash,
	verifyContract,
} from "../documents/index.ts";
import { atMintOf } from "./at-mint.ts";
import { BOOKING_MARGIN_MS, MAX_UNTOLD_SALES } from "./limits.ts";
import { isSoldWith, makeOwnSecret } from "./own-secret.ts";
import { said } from "./said.ts";
import {
	type KeptSecret,
	keepSellingSecret,
	mayHaveBegun,
	type SecretOf,
	SellingSecrets,
} from "./selling-secrets.ts";

const { body, message } = messages;

/** What happens to a sale at its payee. */
type SellerEvent = Extract<
	SaleEvent,
	{ readonly kind: "sold" | "booked" | "refused" }
>;

type SoldEvent = Extract<SellerEvent, { readonly kind: "sold" }>;

/** What its own agent is told of a sale, with the contract. */
interface SaleOfAgent
	extends Pick<SoldEvent, "contract" | "amount" | "receipt" | "chain"> {
	readonly read: Contract;
}

/** What a contract and a transfer have in common. */
interface PaidSale {
	readonly contract: Uint8Array;
	/** Device ids. */
	readonly payer: Uint8Array;
	readonly issuer: Uint8Array;
	readonly currency: string;
	readonly amount: bigint;
}

/** What a seller's transaction is for. */
export interface SellerJob {
	readonly kind: "making-secret";
	readonly whose: SecretOf;
}

export class SellerModule {
	readonly #rail: SaleRail;
	readonly #secrets: SellingSecrets;
	/** By contract, in hexadecimal. */
	readonly #untold = new Map<string, SaleOfAgent>();

	constructor(rail: SaleRail, kept: readonly KeptSecret[]) {
		this.#rail = rail;
		this.#secrets = new SellingSecrets(kept);
	}

	// What the own agent says. Throws for what is no such message.

	selling({ tetrad, agents }: Meeting, bytes: Uint8Array): void {
		const asked = body(ABOUT_PURCHASES.selling, bytes);
		const issuer = copy(asked.issuer);
		const whose = { agent: agents.own.deviceId, issuer };
		const { generation } = asked;
		const atMint = this.#rail.atMint(issuer, whose.agent);
		if (atMint !== undefined)
			return this.#sellingAtMint(tetrad, whose, atMint, generation);
		const kept = this.#secrets.of(whose, generation);
		if (kept !== undefined) return this.#tellSeller(tetrad, kept);
		if (this.#rail.issuerOf(issuer) === undefined)
			return this.#unsold(tetrad, undefined, unknownIssuer());
		if (!mayHaveBegun(generation, this.#rail.now))
			return this.#unsold(tetrad, undefined, notBegun());
		try {
			this.#secrets.want(whose, generation, tetrad);
			this.#unsold(tetrad, undefined, noSecret());
		} catch (thrown) {
			this.#unsold(tetrad, undefined, asTetradError(thrown));
		}
	}

	/** For a mint's ecash no issuer gives a secret, and this module makes its own. */
	#sellingAtMint(
		tetrad: number,
		whose: SecretOf,
		at: SellsAtMint,
		generation: number,
	): void {
		const { context } = this.#rail;
		const kept = this.#secrets.of(whose, generation);
		const isOld = generation !== 0;
		if (kept !== undefined && (isOld || isSoldWith(kept, context, at)))
			return this.#tellSeller(tetrad, kept);
		if (isOld) return this.#unsold(tetrad, undefined, notMade());
		this.#secrets.want(whose, 0, tetrad);
		this.#rail.transact(
			{ kind: "making-secret", whose } satisfies SellerJob as Kind,
			makeOwnSecret(context, whose, at, (kept?.generation ?? 0) + 1),
		);
	}

	written(_: SellerJob, kept: KeptSecret): void {
		this.secretKept(kept);
	}

	notWritten({ whose }: SellerJob, error: TetradError): void {
		for (const tetrad of this.#secrets.givenUp(whose))
			this.#unsold(tetrad, undefined, error);
	}

	sell(meeting: Meeting, bytes: Uint8Array): void {
		const { crypto } = this.#rail.context;
		const terms = parseTerms(body(ABOUT_PURCHASES.sell, bytes).terms);
		const hash = termsHash(crypto, terms);
		try {
			const key = this.#keyAhead(meeting, terms, hash);
			this.#rail.toAgent(
				meeting.tetrad,
				message(ABOUT_PURCHASES.goodsKey, { termsHash: hash, key }),
			);
			key.fill(0);
		} catch (thrown) {
			this.#unsold(meeting.tetrad, hash, asTetradError(thrown));
		}
	}

	opened(meeting: Meeting): void {
		if (!mayHear(meeting)) return;
		for (const [name, sale] of this.#untold) {
			if (!sameBytes(sale.read.sellerAgent, meeting.agents.own.deviceId))
				continue;
			this.#untold.delete(name);
			this.#tellSold(meeting, sale);
		}
	}

	closed(tetrad: number): void {
		this.#secrets.closed(tetrad);
	}

	// What a payer wants, and has committed.

	judge(meeting: Meeting, sale: OfferedSale): TetradError | undefined {
		const { now } = this.#rail;
		try {
			const { contract, key } = this.#judged(meeting, sale, (chain) => {
				const { own } = meeting.agents;
				if (!sameBytes(chain, own.encodedChain))
					throw refused("its seller's chain is another one than its agent has");
				return own;
			});
			key.fill(0);
			if (!sameBytes(contract.binding, meeting.binding))
				throw refused("it was made in another tetrad");
			if (now >= contract.payBy || now >= contract.bookBy)
				throw refused("the time is over until which it could be paid");
			return undefined;
		} catch (thrown) {
			return asTetradError(thrown);
		}
	}

	keyFor(meeting: Meeting, sale: DeliveredSale): Sold | TetradError {
		const { now, context } = this.#rail;
		try {
			const { contract, key } = this.#judged(meeting, sale, (chain) =>
				context.certifiedAgent(copy(chain)),
			);
			// What it was paid for late, or has to be booked soon, is booked before it is given.
			const depositsFirst =
				now > contract.payBy + CLOCK_TOLERANCE_MS ||
				now + BOOKING_MARGIN_MS >= contract.bookBy;
			const atMint = atMintOf(contract);
			return {
				...{ key, depositsFirst, also: [] },
				...(atMint === undefined ? {} : { atMint }),
			};
		} catch (thrown) {
			return asTetradError(thrown);
		}
	}

	happened(event: SellerEvent): void {
		const { contract } = event;
		switch (event.kind) {
			case "sold":
				return this.#sold(event);
			case "booked":
				return;
			case "refused":
				return this.#rail.report({
					...{ kind: "sale", what: "refused", contract, error: event.error },
				});
		}
	}

	// What it needs of its issuers.

	wantedSecret(
		{ agents, peer }: Meeting,
		{ issuer }: IssuerTerms,
	): number | undefined {
		const whose = { agent: agents.own.deviceId, issuer };
		return this.#secrets.missing(whose, peer, this.#rail.now);
	}

	keepSecret(
		meeting: Meeting,
		{ issuer }: IssuerTerms,
		given: GivenSecret,
	): Transaction<KeptSecret> {
		const { context, now } = this.#rail;
		return keepSellingSecret(context, now, meeting, issuer, given);
	}

	secretKept(kept: KeptSecret): void {
		for (const tetrad of this.#secrets.kept(kept))
			this.#tellSeller(tetrad, kept);
	}

	// The steps.

	/**
	 * For its own agent, to seal goods with: before anything is paid, or once more for who has paid
	 * and has lost them, in another tetrad then and maybe behind another agent. What the key is
	 * paid for is judged with the payment.
	 */
	#keyAhead(
		{ agents }: Meeting,
		terms: ContractTerms,
		hash: Uint8Array,
	): Uint8Array {
		if (!sameBytes(terms.sellerAgent, agents.own.deviceId))
			throw refused("it is another agent's sale");
		const { crypto } = this.#rail.context;
		return this.#keyOf(terms, parseSeller(crypto, terms.certificate), hash);
	}

	/** A contract that the own agent signed, for which this is paid, with its key. */
	#judged(
		{ agents }: Meeting,
		sale: PaidSale & { readonly terms: Uint8Array },
		certified: (chain: Uint8Array) => CertifiedDevice,
	): { readonly contract: Contract; readonly key: Uint8Array } {
		const { crypto } = this.#rail.context;
		const { contract: document, chain } = parsePurchaseTerms(sale.terms);
		const contract = parseContract(crypto, document);
		verifyContract(crypto, contract, certified(chain));
		if (!sameBytes(contract.sellerAgent, agents.own.deviceId))
			throw refused("another agent than this module's own has signed it");
		if (
			!sameBytes(contract.hash, sale.contract) ||
			!sameBytes(contract.buyerModule, sale.payer) ||
			!sameBytes(contract.issuer, sale.issuer) ||
			contract.currency !== sale.currency ||
			contract.amount !== sale.amount
		)
			throw refused("it is not what is paid for");
		const key = this.#keyOf(contract, contract.seller, contract.termsHash);
		if (sameBytes(keyHash(crypto, key), contract.keyHash))
			return { contract, key };
		key.fill(0);
		throw refused("its key is not the one of its terms");
	}

	#keyOf(
		terms: ContractTerms,
		seller: ContractSeller,
		hash: Uint8Array,
	): Uint8Array {
		const { module, agent, issuer, generation } = sellerOf(seller);
		const { crypto, own } = this.#rail.context;
		const known = this.#rail.issuerOf(terms.issuer);
		if (known === undefined || known.currency.code !== terms.currency)
			throw unknownIssuer();
		if (
			!sameBytes(terms.sellerModule, own.deviceId) ||
			!sameBytes(module, own.deviceId) ||
			!sameBytes(agent, terms.sellerAgent) ||
			!sameBytes(issuer, terms.issuer)
		)
			throw refused("it is another module's sale");
		const kept =
			generation === 0
				? undefined
				: this.#secrets.of({ agent, issuer }, generation);
		if (kept === undefined) throw noSecret();
		// Whoever names another key to lock the money to, or another mint, gets no key of goods.
		if (
			seller.kind === "at-mint" &&
			!sameBytes(terms.certificate, kept.certificate)
		)
			throw refused("it is not sold on the terms that this module gave");
		return goodsKey(crypto, kept.secret, hash);
	}

	#sold({
		contract,
		amount,
		receipt,
		chain,
		terms,
		payer,
		tetrads,
	}: SoldEvent): void {
		const { meetings, context } = this.#rail;
		this.#rail.report({
			...{ kind: "sale", what: "sold", contract, error: undefined },
		});
		const document = parsePurchaseTerms(terms).contract;
		const read = parseContract(context.crypto, document);
		const sale = { contract, amount, receipt, chain, read };
		const ofAgent = [...meetings.values()].filter(
			(meeting) =>
				sameBytes(meeting.agents.own.deviceId, read.sellerAgent) &&
				(mayHear(meeting) || tetrads.includes(meeting.tetrad)),
		);
		// Whoever made the contract knows best what it is about, and its agent may have several processes.
		const meeting =
			ofAgent.find(({ tetrad }) => tetrads.includes(tetrad)) ??
			ofAgent.find(({ peer }) => sameBytes(peer.deviceId, payer)) ??
			ofAgent[0];
		if (meeting === undefined) this.#tellLater(sale);
		else this.#tellSold(meeting, sale);
	}

	#tellSold(
		{ tetrad, agents }: Meeting,
		{ contract, amount, receipt, chain, read }: SaleOfAgent,
	): void {
		const { buyerAgent } = read;
		const said = {
			...{ contract, amount, receipt, chain },
			...this.#ecashOf(read),
		};
		this.#rail.toAgent(
			tetrad,
			sameBytes(agents.other.deviceId, buyerAgent)
				? message(ABOUT_PURCHASES.sold, said)
				: message(ABOUT_PURCHASES.soldTo, { ...said, buyerAgent }),
		);
	}

	#tellLater(sale: SaleOfAgent): void {
		this.#untold.set(hex(sale.contract), sale);
		const [oldest] = this.#untold.keys();
		if (this.#untold.size > MAX_UNTOLD_SALES && oldest !== undefined)
			this.#untold.delete(oldest);
	}

	/** Of what is sold for notes there is nothing to say. */
	#ecashOf({ seller, issuer, currency }: Contract): {
		readonly ecash?: EcashSaid;
	} {
		const known = this.#rail.issuerOf(issuer);
		if (seller.kind === "certified" || known === undefined) return {};
		const { currency: of, isPlay } = known;
		const money = { exponent: of.exponent, isPlay };
		return { ecash: { issuer, currency, money } };
	}

	#tellSeller(
		tetrad: number,
		{ certificate, chain, secret }: KeptSecret,
	): void {
		const key = saltKey(this.#rail.context.crypto, secret);
		this.#rail.toAgent(
			tetrad,
			message(ABOUT_PURCHASES.seller, {
				certificate,
				issuerChain: chain,
				saltKey: key,
			}),
		);
		key.fill(0);
	}

	#unsold(
		tetrad: number,
		hash: Uint8Array | undefined,
		error: TetradError,
	): void {
		this.#rail.toAgent(
			tetrad,
			message(ABOUT_PURCHASES.unsold, { termsHash: hash, ...said(error) }),
		);
	}
}

/** Whether its agent may be selling there: where it has called somebody itself, as its issuer, it buys or pays. */
function mayHear({ place }: Meeting): boolean {
	return place === "Y";
}

function unknownIssuer(): TetradError {
	return refused(
		"this module takes no money of that issuer and currency; its owner would have to import the issuer's terms",
	);
}

function notBegun(): TetradError {
	return refused("that generation of selling secrets has not begun");
}

function notMade(): TetradError {
	return refused(
		"this module has made no selling secret of that generation for that mint",
	);
}

function noSecret(): TetradError {
	return new TetradError(
		"busy",
		"this module has no selling secret of that issuer and generation yet; it asks for one when it meets the issuer",
	);
}

function refused(why: string): TetradError {
	return new TetradError("payment-refused", why);
}
