/* Which money a module knows, how much of it can be paid with, and what its mints ask for that: what its agent has to know to choose among prices. */
import type { TetradError } from "../../errors.ts";
import { done, type Kind } from "../../machine/index.ts";
import {
	MAX_AMOUNT,
	type Meeting,
	messages,
	type SaleRail,
} from "../../money/index.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import {
	ABOUT_PURCHASES,
	type AskedPrice,
	type HeldMoney,
} from "../documents/index.ts";

const { body, message } = messages;

/** What a transaction of it is for. */
export interface MoneysJob {
	readonly kind: "telling-moneys";
	readonly tetrad: number;
	readonly prices: readonly AskedPrice[];
}

export class Moneys {
	readonly #rail: SaleRail;

	constructor(rail: SaleRail) {
		this.#rail = rail;
	}

	/** Throws for what is no such message. */
	asked({ tetrad }: Meeting, bytes: Uint8Array): void {
		const { prices = [] } = body(ABOUT_PURCHASES.moneys, bytes);
		const asked = prices.map(({ issuer, amount }) => ({
			...{ issuer: copy(issuer), amount },
		}));
		const job: MoneysJob = { kind: "telling-moneys", tetrad, prices: asked };
		this.#rail.transact(
			job satisfies Kind,
			this.#rail.spendable((amounts) => done([], amounts)),
		);
	}

	written(job: MoneysJob, amounts: readonly bigint[]): void {
		this.#tell(job, amounts);
	}

	/** It is still to be said which money there is; that there is any of it, nobody can say. */
	notWritten(job: MoneysJob, error: TetradError): void {
		const contract = new Uint8Array();
		this.#rail.report({ kind: "sale", what: "trouble", contract, error });
		this.#tell(job, []);
	}

	#tell({ tetrad, prices }: MoneysJob, amounts: readonly bigint[]): void {
		const moneys = this.#rail.moneys.map(
			({ issuer, currency, isPlay, isOfMint }, i): HeldMoney => ({
				issuer,
				currency: currency.code,
				money: { exponent: currency.exponent, isPlay },
				rail: isOfMint ? "cashu" : "own-notes",
				spendable: atMost(amounts[i] ?? 0n),
				...(isOfMint ? this.#feeOf(issuer, prices) : {}),
			}),
		);
		this.#rail.toAgent(tetrad, message(ABOUT_PURCHASES.moneysHeld, { moneys }));
	}

	#feeOf(
		issuer: Uint8Array,
		prices: readonly AskedPrice[],
	): Pick<HeldMoney, "fee"> {
		const price = prices.find((one) => sameBytes(one.issuer, issuer));
		const fee = price && this.#rail.feeOf(issuer, price.amount);
		return fee === undefined ? {} : { fee };
	}
}

/** A mint can say it has signed whatever it likes, and there may be more than any amount is. Nothing costs so much. */
function atMost(amount: bigint): bigint {
	return amount < MAX_AMOUNT ? amount : MAX_AMOUNT;
}
