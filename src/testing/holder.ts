import { nodeCrypto } from "../crypto/index.ts";
import {
	Purse,
	type PurseSpending,
	viewSpending,
	type WaitingPayment,
} from "../device/purse/index.ts";
import type { ResumedPurchase } from "../device/trade/index.ts";
import { TetradError } from "../errors.ts";
import { generateSoftwareKey, type SoftwareKey } from "../keys/index.ts";
import {
	draftApproval,
	draftLimits,
	draftOrder,
	formatAmount,
	type IssuerTerms,
	MAX_AMOUNT,
	type MoneyLimits,
	parseAmount,
	purseTables,
	REQUEST_ID_BYTES,
} from "../money/index.ts";
import { type SideOptions, type Surroundings, TestSide } from "./side.ts";

/** What an owner lets a purse pay; amounts are decimal, and what is left out is not limited. */
export interface TestLimits {
	readonly perPayment?: string;
	readonly perDay?: string;
	readonly perMerchantDay?: string;
	readonly inAll?: string;
	/** A payment of more than this waits for the owner. */
	readonly approvalAbove?: string;
	/** The first payment to a merchant waits for the owner. */
	readonly approveNewMerchants?: boolean;
}

/** What somebody has, decimal. */
export interface TestBalance {
	/** In the purse, to be paid with. */
	readonly spendable: string;
	/** In the purse, received and not booked yet. */
	readonly toDeposit: string;
	/** In the purse, of payments of which the outcome is not known. */
	readonly inDoubt: string;
	/** In the account at the issuer. */
	readonly account: string;
}

/** What a holder needs of the issuer. */
export interface Mint {
	readonly terms: IssuerTerms;
	readonly address: string;
	account(module: Uint8Array): Promise<bigint>;
	credit(module: Uint8Array, amount: string): Promise<void>;
}

const NO_LIMIT = {
	software: MAX_AMOUNT,
	token: MAX_AMOUNT,
	tpm: MAX_AMOUNT,
};

/** A side that holds money, and its owner. */
export class Holder implements AsyncDisposable {
	readonly side: TestSide<Purse>;
	readonly #mint: Mint;
	readonly #owner: SoftwareKey;

	private constructor(side: TestSide<Purse>, mint: Mint, owner: SoftwareKey) {
		this.side = side;
		this.#mint = mint;
		this.#owner = owner;
	}

	static async make(
		options: Omit<SideOptions<Purse>, "schema" | "holder">,
		mint: Mint,
		around: Surroundings,
	): Promise<Holder> {
		const owner = await generateSoftwareKey("Ed25519");
		const issuers = [{ terms: mint.terms, undeposited: NO_LIMIT }];
		const side = await TestSide.make(
			{
				...options,
				schema: purseTables.PURSE_SCHEMA,
				holder: (store) =>
					Purse.over(store, { issuers, owner: owner.publicKey }),
			},
			around,
		);
		return new Holder(side, mint, owner);
	}

	/** Credits the account at the issuer, and has the purse withdraw that. */
	async fund(amount: string): Promise<void> {
		const { side } = this;
		const purse = side.certified.deviceId;
		await this.#mint.credit(purse, amount);
		const draft = draftOrder({
			purse,
			request: nodeCrypto.random(REQUEST_ID_BYTES),
			issuer: this.#mint.terms.issuer,
			amount: this.#amount(amount),
			ordered: side.module.clock.now(),
		});
		const document = draft.sign(await this.#owner.sign(draft.toSign));
		side.module.running.holder.order(document);
		await this.settle();
	}

	/** Meets the issuer: withdraws what was ordered, deposits what was received, and hears what became of what is in doubt. */
	async settle({
		sells = false,
	}: {
		readonly sells?: boolean;
	} = {}): Promise<readonly ResumedPurchase[]> {
		const { trading } = this.side.agent.running;
		return trading.resume(this.#mint.address, { isIssuer: true, sells });
	}

	/** In minor units, with what is in the account. */
	async holds(): Promise<Readonly<Record<keyof TestBalance, bigint>>> {
		const { side } = this;
		const [balance] = await side.module.running.holder.balances();
		if (balance === undefined)
			throw new TetradError("internal", "a purse has no balance");
		const { spendable, held, toDeposit, inDoubt } = balance;
		return {
			spendable: spendable + held,
			toDeposit,
			inDoubt,
			account: await this.#mint.account(side.certified.deviceId),
		};
	}

	async balance(): Promise<TestBalance> {
		const { spendable, toDeposit, inDoubt, account } = await this.holds();
		return {
			spendable: this.#text(spendable),
			toDeposit: this.#text(toDeposit),
			inDoubt: this.#text(inDoubt),
			account: this.#text(account),
		};
	}

	/** The owner says what the purse may pay from now on. */
	async limit(limits: TestLimits): Promise<void> {
		const before = (await this.#spending()).limits;
		const { issuer } = this.#mint.terms;
		const of = (text: string | undefined) =>
			text === undefined ? undefined : this.#amount(text);
		const money: MoneyLimits = {
			issuer,
			perPayment: of(limits.perPayment),
			perDay: of(limits.perDay),
			perMerchantDay: of(limits.perMerchantDay),
			inAll: of(limits.inAll),
			approvalAbove: of(limits.approvalAbove),
		};
		const number = (before?.number ?? 0n) + 1n;
		const draft = draftLimits({
			purse: this.side.certified.deviceId,
			request: nodeCrypto.random(REQUEST_ID_BYTES),
			number,
			ordered: this.side.module.clock.now(),
			money: [money],
			merchants: undefined,
			approveNewMerchants: limits.approveNewMerchants ?? false,
		});
		const document = draft.sign(await this.#owner.sign(draft.toSign));
		this.side.module.running.holder.limits(document);
		await this.#until(({ limits: now }) => now?.number === number);
	}

	/** What waits for the owner. */
	async waiting(): Promise<readonly WaitingPayment[]> {
		const { waiting } = await this.#spending();
		return waiting.filter(({ state }) => state === "waiting");
	}

	/** The owner approves or denies a payment that waits. */
	async decide(
		{ contract, payee, issuer, amount, fee }: WaitingPayment,
		isApproved: boolean,
	): Promise<void> {
		const draft = draftApproval({
			purse: this.side.certified.deviceId,
			request: nodeCrypto.random(REQUEST_ID_BYTES),
			contract,
			payee,
			issuer,
			amount: amount + fee,
			isApproved,
			ordered: this.side.module.clock.now(),
		});
		const document = draft.sign(await this.#owner.sign(draft.toSign));
		this.side.module.running.holder.approval(document);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.side[Symbol.asyncDispose]();
	}

	#spending(): Promise<PurseSpending> {
		return viewSpending(this.side.store, this.side.module.clock.now());
	}

	/** The purse writes an order down before it obeys, and tells nobody here. */
	async #until(holds: (spending: PurseSpending) => boolean): Promise<void> {
		for (let turn = 0; turn < MAX_TURNS; turn++) {
			if (holds(await this.#spending())) return;
			await new Promise((resolve) => setImmediate(resolve));
		}
		throw new TetradError(
			"payment-refused",
			"the purse has not taken the owner's order",
		);
	}

	#amount(text: string): bigint {
		return parseAmount(text, this.#mint.terms.currency);
	}

	#text(amount: bigint): string {
		return formatAmount(amount, this.#mint.terms.currency);
	}
}

/** How often a purse is looked at for an order: far more often than it takes. */
const MAX_TURNS = 1000;
