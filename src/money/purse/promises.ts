import { TetradError } from "../../errors.ts";
import type { TamperResistance } from "../../identity/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	type IssuerTerms,
	type Payment,
	samePayment,
} from "../documents/index.ts";
import { otherPayer, refused } from "./acceptance-refusals.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import { MAX_PROMISES } from "./purse-limits.ts";
import type { UndepositedSums } from "./purse-load.ts";
import type { ReceiptRow } from "./purse-tables.ts";

/** An invoice that is out, or a transfer that is being taken: counted among what is undeposited until its payer can commit no more. */
interface Promised extends Payment {
	/** Device id. */
	readonly payer: Uint8Array;
	readonly level: TamperResistance;
	readonly payBy: number;
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
		{ peer: { tamperResistance: level } }: OpenMeeting,
		wanted: Payment,
	): TetradError | undefined {
		const id = hex(wanted.contract);
		this.#forget();
		if (!this.#promised.has(id) && this.#promised.size >= MAX_PROMISES)
			return new TetradError("busy", "too many payments are promised");
		let sum = this.#undeposited.get(keyOf(wanted.issuer, level)) ?? 0n;
		for (const [contract, promised] of this.#promised)
			if (
				contract !== id &&
				promised.level === level &&
				sameBytes(promised.issuer, wanted.issuer)
			)
				sum += promised.amount;
		const { limits = this.#core.options.limits } =
			this.#core.termsOf(wanted.issuer) ?? {};
		const limit = limits[level] ?? 0n;
		return sum + wanted.amount > limit
			? refused(
					`the payee takes no more money from modules of the level "${level}" until it has made a deposit`,
				)
			: undefined;
	}

	promise(
		{ peer: { deviceId: payer, tamperResistance: level } }: OpenMeeting,
		{ contract, issuer, currency, amount }: Payment,
		payBy: number,
	): void {
		this.#promised.delete(hex(contract));
		this.#promised.set(hex(contract), {
			contract,
			issuer,
			currency,
			amount,
			payer,
			level,
			payBy,
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

	/** Their payers could commit no more, so what was not delivered was most likely never paid. */
	#forget(): void {
		for (const [contract, { payBy }] of this.#promised) {
			// A map keeps the order of insertion, in which these times rise.
			if (this.#core.now < payBy) return;
			if (!this.#taking.has(contract)) this.#promised.delete(contract);
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
