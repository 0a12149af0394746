import { TetradError } from "../../errors.ts";
import type { TamperResistance } from "../../identity/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	type IssuerTerms,
	PAY_WITHIN_MS,
	type Payment,
	samePayment,
} from "../documents/index.ts";
import { otherPayer, refused } from "./acceptance-refusals.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import {
	MAX_PROMISES,
	MAX_PROMISES_TO_PAYER,
	PROMISED_PART,
} from "./purse-limits.ts";
import type { UndepositedSums } from "./purse-load.ts";
import type { ReceiptRow } from "./purse-tables.ts";

/** An invoice that is out, or a transfer that is being taken: counted among what is undeposited until its payer can commit no more. */
interface Promised extends Payment {
	/** Device id. */
	readonly payer: Uint8Array;
	/** The same in hexadecimal: all are looked at whenever one more is promised. */
	readonly payerId: string;
	readonly level: TamperResistance;
	/** Of what is promised for the same issuer and level, which have one limit. */
	readonly limitedWith: string;
	/** When it is forgotten. */
	until: number;
}

/** What this module may still take: it has promised some, and holds some undeposited, and there is a limit to both. */
export class Promises {
	readonly #core: PurseCore;
	/** By contract, in hexadecimal. */
	readonly #promised = new Map<string, Promised>();
	/** Contracts whose transfers are being taken, in hexadecimal: their promises are kept. */
	readonly #taking = new Set<string>();
	/** By issuer in hexadecimal and level. */
	readonly #undeposited = new Map<string, bigint>();

	constructor(core: PurseCore, undeposited: UndepositedSums) {
		this.#core = core;
		for (const [issuer, byLevel] of undeposited)
			for (const [level, amount] of Object.entries(byLevel))
				this.#undeposited.set(`${issuer} ${level}`, amount);
	}

	/** The terms of the issuer, if its money is taken here. */
	takes({
		issuer,
		currency,
	}: Pick<Payment, "issuer" | "currency">): IssuerTerms | undefined {
		const terms = this.#core.termsOf(issuer);
		return terms?.currency.code === currency ? terms : undefined;
	}

	has(contract: Uint8Array): boolean {
		return this.#promised.has(hex(contract));
	}

	/** Why an invoice may not go out, or `undefined`. */
	whyNotPromise(
		meeting: OpenMeeting,
		wanted: Payment,
	): TetradError | undefined {
		// Two could commit, and only one of them would ever get a receipt.
		this.#forget();
		const promised = this.#promised.get(hex(wanted.contract));
		if (
			promised !== undefined &&
			(!sameBytes(promised.payer, meeting.peer.deviceId) ||
				!samePayment(promised, wanted))
		)
			return otherPayer();
		return this.whyTooMuch(meeting, wanted);
	}

	/** Why no more may be held undeposited, or `undefined`. */
	whyTooMuch(
		{ peer: { deviceId, tamperResistance: level } }: OpenMeeting,
		wanted: Payment,
	): TetradError | undefined {
		const id = hex(wanted.contract);
		this.#forget();
		const payer = hex(deviceId);
		const { limits = this.#core.options.limits } =
			this.#core.termsOf(wanted.issuer) ?? {};
		const limit = limits[level] ?? 0n;
		const promised = this.#promisedBeside(id, level, wanted.issuer);
		const own = promised.get(payer) ?? { count: 0, amount: 0n };
		if (
			!this.#promised.has(id) &&
			(this.#promised.size >= MAX_PROMISES ||
				own.count >= MAX_PROMISES_TO_PAYER)
		)
			return new TetradError("busy", "too many payments are promised");
		let sum = this.#undeposited.get(keyOf(wanted.issuer, level)) ?? 0n;
		// One payer that lets invoices lie must not keep all others out.
		for (const [of, { amount }] of promised) {
			const most = limit / PROMISED_PART;
			sum += of === payer || amount < most ? amount : most;
		}
		return sum + wanted.amount > limit
			? refused(
					`the payee takes no more money from modules of the level "${level}" until it has made a deposit`,
				)
			: undefined;
	}

	promise(
		{ peer: { deviceId: payer, tamperResistance: level } }: OpenMeeting,
		{ contract, issuer, currency, amount }: Payment,
		until: number,
	): void {
		this.#promised.delete(hex(contract));
		this.#promised.set(hex(contract), {
			contract,
			issuer,
			currency,
			amount,
			payer,
			payerId: hex(payer),
			level,
			limitedWith: keyOf(issuer, level),
			until,
		});
	}

	/** No invoice went out. */
	takeBack(contract: Uint8Array): void {
		if (!this.#taking.has(hex(contract))) this.#promised.delete(hex(contract));
	}

	/** The transfer for that contract is being taken, until `stopTaking`. */
	startTaking(contract: Uint8Array): void {
		this.#taking.add(hex(contract));
	}

	stopTaking(contract: Uint8Array): void {
		this.#taking.delete(hex(contract));
	}

	/** It was received, and counts until it is deposited. */
	received({ contract, issuer, level, amount }: ReceiptRow): void {
		this.#promised.delete(hex(contract));
		this.#count(issuer, level, amount);
	}

	/** An issuer has answered for it: it counts no more. */
	booked({ issuer, level, amount }: ReceiptRow): void {
		this.#count(issuer, level, -amount);
	}

	/** What each payer was promised but for that contract, by its device id in hexadecimal. */
	#promisedBeside(
		contract: string,
		level: TamperResistance,
		issuer: Uint8Array,
	): Map<string, { readonly count: number; readonly amount: bigint }> {
		const sums = new Map<string, { count: number; amount: bigint }>();
		const limited = keyOf(issuer, level);
		for (const [id, { limitedWith, payerId, amount }] of this.#promised) {
			if (id === contract || limitedWith !== limited) continue;
			const sum = sums.get(payerId);
			if (sum === undefined) sums.set(payerId, { count: 1, amount });
			else {
				sum.count++;
				sum.amount += amount;
			}
		}
		return sums;
	}

	/** Their payers could commit no more, so what was not delivered was most likely never paid. When the clock was ahead and is right again, they have no longer than others. */
	#forget(): void {
		const { now } = this.#core;
		for (const [contract, promised] of this.#promised) {
			promised.until = Math.min(promised.until, now + PAY_WITHIN_MS);
			if (promised.until <= now && !this.#taking.has(contract))
				this.#promised.delete(contract);
		}
	}

	#count(issuer: Uint8Array, level: string, amount: bigint): void {
		const key = keyOf(issuer, level);
		this.#undeposited.set(key, (this.#undeposited.get(key) ?? 0n) + amount);
	}
}

function keyOf(issuer: Uint8Array, level: string): string {
	return `${hex(issuer)} ${level}`;
}
