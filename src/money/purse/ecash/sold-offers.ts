/* Offers of a sale that a payer would pay with ecash, which are answered once their mint is known. Nothing of it is durable. */

import type { TetradError } from "../../../errors.ts";
import type { Transaction } from "../../../machine/index.ts";
import { byKey } from "../../../machine/index.ts";
import { copy, hex, sameBytes } from "../../../wire/index.ts";
import { ABOUT_LOCKS, body, message } from "../../documents/index.ts";
import {
	noSales,
	otherTransfer,
	refuse,
	unknownIssuer,
} from "../acceptance-refusals.ts";
import { CLAIMED, type ClaimedRow } from "../ecash-tables.ts";
import type { OpenMeeting, PurseCore } from "../purse-core.ts";
import { ANSWER_WITHIN_MS, MAX_PROMISES } from "../purse-limits.ts";
import {
	type Change,
	type Changed,
	changing,
	unchanged,
} from "../purse-tables.ts";
import type { OfferedSale } from "../sale-part.ts";
import type { EcashJobOf } from "./jobs.ts";
import type { Mints } from "./mints.ts";
import type { EcashParts } from "./parts.ts";

interface Offer {
	readonly meeting: OpenMeeting;
	readonly sale: OfferedSale;
	readonly until: number;
}

export class SoldOffers {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	/** By contract, in hexadecimal. */
	readonly #offers = new Map<string, Offer>();

	constructor(parts: EcashParts, mints: Mints) {
		this.#parts = parts;
		this.#mints = mints;
	}

	/** Throws for what is no such message. */
	offered(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(ABOUT_LOCKS.lockOffer, bytes);
		const sale = saleOf(meeting, fields);
		const { contract, issuer } = sale;
		const why = this.#mints.whyNot(issuer);
		if (why === undefined || why.code !== "busy" || !isTaken(this.#mints, sale))
			return this.#answer(meeting, sale);
		if (this.#offers.size >= MAX_PROMISES)
			return refuse(this.#parts.core, meeting.tetrad, contract, why);
		const until = this.#parts.core.now + ANSWER_WITHIN_MS / 2;
		this.#offers.set(hex(contract), { meeting, sale, until });
		this.#mints.need(issuer);
	}

	closed(tetrad: number): void {
		for (const [id, { meeting }] of this.#offers)
			if (meeting.tetrad === tetrad) this.#offers.delete(id);
	}

	/** It is known, or not. */
	mintAsked(mint: Uint8Array): void {
		for (const [id, { meeting, sale }] of [...this.#offers]) {
			if (!sameBytes(sale.issuer, mint)) continue;
			if (this.#mints.whyNot(mint)?.code === "busy") continue;
			this.#offers.delete(id);
			this.#answer(meeting, sale);
		}
	}

	*deadlines(): Generator<number> {
		for (const { until } of this.#offers.values()) yield until;
	}

	time(): void {
		const { now } = this.#parts.core;
		for (const [id, { meeting, sale, until }] of [...this.#offers]) {
			if (until > now) continue;
			this.#offers.delete(id);
			this.#answer(meeting, sale);
		}
	}

	#answer(meeting: OpenMeeting, offered: OfferedSale): void {
		const { core, sale } = this.#parts;
		const { contract, issuer } = offered;
		const refusal = isTaken(this.#mints, offered)
			? (this.#mints.whyNot(issuer) ??
				(sale === undefined ? noSales() : sale.judge(meeting, offered)))
			: unknownIssuer();
		if (refusal !== undefined)
			return refuse(core, meeting.tetrad, contract, refusal);
		this.#parts.transact<"looking-up-sold-offer">(
			{ kind: "looking-up-sold-offer", contract, tetrad: meeting.tetrad },
			soldFor(core, contract),
		);
	}

	lookedUp(
		{ contract, tetrad }: EcashJobOf<"looking-up-sold-offer">,
		row: ClaimedRow | undefined,
	): void {
		const { core } = this.#parts;
		if (row !== undefined)
			return refuse(core, tetrad, contract, otherTransfer());
		core.toModule(tetrad, message(ABOUT_LOCKS.lockAgreed, { contract }));
	}

	notLookedUp(
		{ contract, tetrad }: EcashJobOf<"looking-up-sold-offer">,
		error: TetradError,
	): void {
		refuse(this.#parts.core, tetrad, contract, error);
	}
}

/** Whether its owner takes that money. */
export function isTaken(
	mints: Mints,
	{ issuer, currency }: Pick<OfferedSale, "issuer" | "currency">,
): boolean {
	return mints.of(issuer)?.currency.code === currency;
}

/** What was claimed, or is, for a contract. */
export function soldFor(
	core: PurseCore,
	contract: Uint8Array,
): Transaction<Changed<ClaimedRow | undefined>> {
	return changing(
		core.options.context.crypto,
		core.now,
		[byKey(CLAIMED, { contract })],
		([[row]]): Change<ClaimedRow | undefined> => unchanged(row),
	);
}

/** What a payer offers, or pays. */
export function saleOf(
	{ peer }: OpenMeeting,
	fields: Omit<OfferedSale, "payer">,
): OfferedSale {
	const { contract, issuer, currency, amount, terms } = fields;
	return {
		contract: copy(contract),
		issuer: copy(issuer),
		currency,
		amount,
		terms: copy(terms),
		payer: peer.deviceId,
	};
}
