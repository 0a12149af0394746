/* The selling secrets of a module: what it sells with, and what it still has to ask issuers for. */

import { TetradError } from "../../errors.ts";
import { type CertifiedDevice, chainHash } from "../../identity/index.ts";
import {
	byKey,
	done,
	put,
	reading,
	type Transaction,
} from "../../machine/index.ts";
import {
	CLOCK_TOLERANCE_MS,
	type GivenSecret,
	type Meeting,
	type MoneyContext,
	purseTables,
	saleTables,
} from "../../money/index.ts";
import { copy, hex, sameBytes } from "../../wire/index.ts";
import {
	GENERATION_MS,
	parseSellingCertificate,
	secretHash,
	verifySellingCertificate,
} from "../documents/index.ts";
import { MAX_SELLING_SECRETS, MAX_WANTED_SECRETS } from "./limits.ts";

const { ISSUER_CHAINS } = purseTables;
const { SELLING_SECRETS } = saleTables;

/** Whose: both are device ids. */
export interface SecretOf {
	/** The own agent that sells. */
	readonly agent: Uint8Array;
	readonly issuer: Uint8Array;
}

/** A selling secret that is durable. */
export interface KeptSecret extends SecretOf {
	/** From 1. */
	readonly generation: number;
	readonly secret: Uint8Array;
	/** The selling certificate. */
	readonly certificate: Uint8Array;
	/** The issuer's, encoded: the one under which it signed it. */
	readonly chain: Uint8Array;
}

/** One that an agent has asked for. */
interface Wanted extends SecretOf {
	/** 0 for the current one. */
	readonly generation: number;
	/** Tetrads whose agent waits for it. */
	readonly askers: Set<number>;
}

/** What a module that buys and sells has to know of what is durable when it starts. */
export interface TradeState {
	readonly secrets: readonly KeptSecret[];
}

/** Reads it from the store of the purse. */
export function loadTrade(): Transaction<TradeState> {
	return reading(
		[{ table: SELLING_SECRETS, limit: MAX_SELLING_SECRETS }],
		([rows]) =>
			reading(
				rows.map(({ chain: hash }) => byKey(ISSUER_CHAINS, { hash })),
				(chains) =>
					done([], {
						secrets: rows.map((row, i) => ({
							...row,
							generation: Number(row.generation),
							chain: chains[i]?.[0]?.chain ?? purseTables.NO_CHAIN,
						})),
					}),
			),
	);
}

export class SellingSecrets {
	/** By agent and issuer, in hexadecimal; the newest generation first. */
	readonly #kept = new Map<string, KeptSecret[]>();
	readonly #wanted: Wanted[] = [];

	constructor(kept: readonly KeptSecret[]) {
		for (const secret of kept) this.#add(secret);
	}

	/** The secret of that generation, and the newest for 0. */
	of(whose: SecretOf, generation: number): KeptSecret | undefined {
		const kept = this.#kept.get(nameOf(whose));
		return generation === 0
			? kept?.[0]
			: kept?.find((secret) => secret.generation === generation);
	}

	/** The agent of that tetrad waits for it. Throws `busy` for an old one when too many of these are waited for: which ones is a buyer's word. */
	want(whose: SecretOf, generation: number, tetrad: number): void {
		const known = this.#wanted.find(
			(wanted) =>
				wanted.generation === generation && nameOf(wanted) === nameOf(whose),
		);
		if (known !== undefined) {
			known.askers.add(tetrad);
			return;
		}
		const old = this.#wanted.filter((wanted) => wanted.generation !== 0);
		if (generation !== 0 && old.length >= MAX_WANTED_SECRETS)
			throw new TetradError("busy", "too many selling secrets are waited for");
		const { agent, issuer } = whose;
		const askers = new Set([tetrad]);
		this.#wanted.push({ agent, issuer, generation, askers });
	}

	/** What to ask that issuer for in a tetrad of that agent: the current one, when that was asked for, or when what there is has grown old or was signed under another certificate; and else what was asked for. */
	missing(
		whose: SecretOf,
		issuer: CertifiedDevice,
		now: number,
	): number | undefined {
		const wanted = this.#wanted
			.filter((one) => nameOf(one) === nameOf(whose))
			.map(({ generation }) => generation);
		if (wanted.includes(0)) return 0;
		return this.#toRenew(whose, issuer, now) ?? wanted[0];
	}

	#toRenew(
		whose: SecretOf,
		issuer: CertifiedDevice,
		now: number,
	): number | undefined {
		const newest = this.of(whose, 0);
		if (newest === undefined) return undefined;
		const current = currentGeneration(now);
		const { issuerCertificate } = parseSellingCertificate(newest.certificate);
		const isCurrent =
			newest.generation >= current &&
			sameBytes(issuerCertificate, issuer.certificateId);
		if (isCurrent) return undefined;
		// One that an issuer gave ahead of its time is certified anew, since it stays the newest.
		return newest.generation > current ? newest.generation : 0;
	}

	/** It could not be made. Answers with the tetrads whose agent has waited for it. */
	givenUp(whose: SecretOf): readonly number[] {
		const askers: number[] = [];
		for (const wanted of [...this.#wanted]) {
			if (nameOf(wanted) !== nameOf(whose)) continue;
			askers.push(...wanted.askers);
			this.#wanted.splice(this.#wanted.indexOf(wanted), 1);
		}
		return askers;
	}

	/** It is durable. Answers with the tetrads whose agent has waited for it. */
	kept(secret: KeptSecret): readonly number[] {
		this.#add(secret);
		const askers: number[] = [];
		for (const wanted of [...this.#wanted]) {
			const { generation } = wanted;
			if (
				nameOf(wanted) !== nameOf(secret) ||
				(generation !== 0 && generation !== secret.generation)
			)
				continue;
			askers.push(...wanted.askers);
			this.#wanted.splice(this.#wanted.indexOf(wanted), 1);
		}
		return askers;
	}

	/** It is still to be asked for. */
	closed(tetrad: number): void {
		for (const { askers } of this.#wanted) askers.delete(tetrad);
	}

	#add(secret: KeptSecret): void {
		const name = nameOf(secret);
		const others = (this.#kept.get(name) ?? []).filter(
			({ generation }) => generation !== secret.generation,
		);
		this.#kept.set(
			name,
			[...others, secret].toSorted((a, b) => b.generation - a.generation),
		);
	}
}

/**
 * What to write of a selling secret that an issuer gave for the agent of that tetrad. Throws
 * `issuer-refused` for one that is somebody else's or not the one that its certificate is about,
 * and as `judge` and `verifySellingCertificate` do.
 */
export function keepSellingSecret(
	{ crypto, own, judge }: MoneyContext,
	now: number,
	{ agents }: Meeting,
	issuer: Uint8Array,
	given: GivenSecret,
): Transaction<KeptSecret> {
	const secret = copy(given.secret);
	const certificate = copy(given.certificate);
	const chain = copy(given.chain);
	const { value } = verifySellingCertificate(
		crypto,
		parseSellingCertificate(certificate),
		judge(chain, now),
	);
	const agent = agents.own.deviceId;
	const { generation } = value;
	if (
		!sameBytes(value.issuer, issuer) ||
		!sameBytes(value.module, own.deviceId) ||
		!sameBytes(value.agent, agent) ||
		!sameBytes(value.secretHash, secretHash(crypto, secret)) ||
		generation < 1
	)
		throw new TetradError(
			"issuer-refused",
			"the issuer gave a selling secret that is another one than it certifies, or another merchant's",
		);
	const hash = chainHash(crypto, chain);
	return done(
		[
			put(ISSUER_CHAINS, { hash, chain }),
			put(SELLING_SECRETS, {
				...{ agent, issuer, secret, certificate },
				generation: BigInt(generation),
				chain: hash,
			}),
		],
		{ agent, issuer, generation, secret, certificate, chain },
	);
}

/** Whether a generation may have begun by the issuer's clock, which may be ahead. */
export function mayHaveBegun(generation: number, now: number): boolean {
	return generation <= currentGeneration(now + CLOCK_TOLERANCE_MS);
}

function currentGeneration(now: number): number {
	return Math.floor(now / GENERATION_MS) + 1;
}

function nameOf({ agent, issuer }: SecretOf): string {
	return `${hex(agent)} ${hex(issuer)}`;
}
