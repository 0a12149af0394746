/* What an owner has ordered of mints, as it is read off the tables of a purse. */
import type { Store } from "../../machine/index.ts";
import { parseProofs, writeToken } from "../../money/cashu/index.ts";
import {
	type EcashOrderKind,
	type EcashOrderState,
	ecashTables,
	type IssuerTerms,
	type TrustedMint,
} from "../../money/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { MAX_HISTORY } from "./limits.ts";

const { ECASH_ORDERS, RECEIVED } = ecashTables;

/** An order of ecash, or a token that was put into the purse. Amounts are in minor units. */
export interface EcashOrderView {
	/** 16 bytes. */
	readonly request: Uint8Array;
	readonly kind: EcashOrderKind | "receive";
	/** The mint's, which stands where an issuer does. */
	readonly terms: TrustedMint;
	readonly amount: bigint;
	/** What it has cost beside that, as far as it is known. */
	readonly fee: bigint;
	/** What of it has come back. */
	readonly returned: bigint;
	readonly state: EcashOrderState | "received";
	/** Of new ecash and of what the mint pays. */
	readonly invoice: string | undefined;
	/** Until when the mint lets it count; milliseconds since the epoch. */
	readonly expires: number | undefined;
	/** Of a token that was made: whoever has it can redeem it. Secret. */
	readonly token: string | undefined;
	/** That an invoice was paid, where the mint tells it. */
	readonly preimage: string | undefined;
	/** Why it was not done. */
	readonly error:
		| { readonly code: string; readonly reason: string }
		| undefined;
	/** When it was ordered; milliseconds since the epoch. */
	readonly asked: number;
}

/** The states in which nothing more comes of it. */
const OVER: readonly EcashOrderView["state"][] = [
	...(["redeemed", "taken-back", "minted", "lapsed", "paid"] as const),
	...(["failed", "restored", "declined", "refused", "received"] as const),
];

type View = Pick<Store, "snapshot">;

/** The newest first, and of those that are over only when `all` are wanted. */
export function viewEcashOrders(
	view: View,
	terms: readonly IssuerTerms[],
	all: boolean,
): Promise<EcashOrderView[]> {
	return view.snapshot(async (scan) => {
		const found: EcashOrderView[] = [];
		for await (const row of scan({ table: ECASH_ORDERS }))
			found.push(...orderView(row, terms));
		for await (const row of scan({ table: RECEIVED }))
			found.push(...receivedView(row, terms));
		return found
			.filter(({ state }) => all || !OVER.includes(state))
			.sort((a, b) => b.asked - a.asked)
			.slice(0, MAX_HISTORY);
	});
}

/** The one of that request, if the purse has taken it down. */
export function viewEcashOrder(
	view: View,
	terms: readonly IssuerTerms[],
	request: Uint8Array,
): Promise<EcashOrderView | undefined> {
	return view.snapshot(async (scan) => {
		const equals = { request };
		for await (const row of scan({ table: ECASH_ORDERS, equals }))
			return orderView(row, terms)[0];
		for await (const row of scan({ table: RECEIVED, equals }))
			return receivedView(row, terms)[0];
		return undefined;
	});
}

/** Nothing of a mint that the owner names no more. */
function orderView(
	row: ecashTables.EcashOrderRow,
	terms: readonly IssuerTerms[],
): EcashOrderView[] {
	const mint = mintOf(terms, row.mint);
	if (mint === undefined) return [];
	const { request, amount, fee, returned, code, reason, token } = row;
	const proofs = token.length === 0 ? [] : parseProofs(token);
	return [
		{
			...{ request, terms: mint, amount, fee, returned },
			kind: row.kind as EcashOrderKind,
			state: row.state as EcashOrderState,
			invoice: row.invoice || undefined,
			expires: Number(row.expires) * 1000 || undefined,
			token:
				proofs.length === 0
					? undefined
					: writeToken({ mint: mint.url, unit: mint.unit, proofs }),
			preimage: row.preimage || undefined,
			error: code === "" ? undefined : { code, reason },
			asked: Number(row.asked),
		},
	];
}

function receivedView(
	row: ecashTables.ReceivedRow,
	terms: readonly IssuerTerms[],
): EcashOrderView[] {
	const mint = mintOf(terms, row.mint);
	if (mint === undefined) return [];
	const { request, amount, state, asked, code, reason } = row;
	return [
		{
			...{ request, kind: "receive", terms: mint, amount },
			...{ fee: 0n, returned: 0n, asked: Number(asked) },
			state: state as "swapping" | "received" | "refused",
			...{ invoice: undefined, expires: undefined, token: undefined },
			preimage: undefined,
			error: code === "" ? undefined : { code, reason },
		},
	];
}

function mintOf(
	terms: readonly IssuerTerms[],
	mint: Uint8Array,
): TrustedMint | undefined {
	const found = terms.find(({ issuer }) => sameBytes(issuer, mint));
	return found !== undefined && "url" in found
		? (found as TrustedMint)
		: undefined;
}
