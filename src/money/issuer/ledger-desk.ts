/* What an issuer's operators see of its ledger and do in it, as transactions. */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	byKey,
	done,
	insert,
	put,
	type Read,
	reading,
	type Transaction,
} from "../../machine/index.ts";
import { sameBytes, utf8 } from "../../wire/index.ts";
import {
	encodeEvidence,
	type IssuerTerms,
	MAX_AMOUNT,
	MAX_REFERENCE_BYTES,
	PAGE_ROWS,
	parseNote,
	parseTransfer,
	requireAmount,
} from "../documents/index.ts";
import { foldRows } from "./fold-rows.ts";
import { entries, newAccount, SYSTEM } from "./ledger-entries.ts";
import { creditTransaction, ledgerValue } from "./ledger-ids.ts";
import { type SaleState, stateOf } from "./ledger-sales.ts";
import {
	ACCOUNTS,
	BOOKINGS,
	CHAINS,
	CONFLICTS,
	CREDITS,
	META,
	NOTES,
	type RowOf,
	SALES,
	TRANSFERS,
	VOIDS,
} from "./ledger-tables.ts";

export type Account = RowOf<typeof ACCOUNTS>;
export type ConflictRow = RowOf<typeof CONFLICTS>;

/** What became of a note. */
export interface NoteStatus {
	readonly id: Uint8Array;
	readonly holder: Uint8Array;
	readonly value: bigint;
	readonly issued: number;
	readonly expires: number;
	/** What came back of it, and what of that was claimed by its holder. */
	readonly booked: bigint;
	readonly claimed: bigint;
	readonly bookings: number;
}

/** What became of a sale. */
export interface SaleStatus {
	readonly transfer: Uint8Array;
	readonly contract: Uint8Array;
	readonly state: SaleState;
	/** Device ids. */
	readonly payer: Uint8Array;
	readonly payee: Uint8Array;
	/** In minor units. */
	readonly amount: bigint;
	/** When it was handed in; milliseconds since the epoch. */
	readonly at: number;
	/** When the payer of a void one was credited; before that, the amount is owed to it. */
	readonly credited: number | undefined;
}

/** Makes a new store this issuer's ledger, or throws `home-unusable` when it is another's. */
export function claimLedger(terms: IssuerTerms): Transaction<void> {
	const value = ledgerValue(terms);
	return reading([byKey(META, { name: "terms" })], ([[known]]) => {
		if (known === undefined)
			return done([insert(META, { name: "terms", value })], undefined);
		if (sameBytes(known.value, value)) return done([], undefined);
		throw new TetradError(
			"home-unusable",
			"this store is the ledger of another issuer or of another currency; give each issuer its own",
		);
	});
}

/** `masterHash` of the master secret with which the sales of this ledger are judged; `undefined` before there was one. */
export function sellingMasterOf(): Transaction<Uint8Array | undefined> {
	return reading([byKey(META, { name: "selling" })], ([[known]]) =>
		done([], known?.value),
	);
}

/** Ties a ledger to a master secret, or throws `home-unusable` when it is tied to another: under that one, every sale would be void. */
export function claimSellingMaster(value: Uint8Array): Transaction<void> {
	return reading([byKey(META, { name: "selling" })], ([[known]]) => {
		if (known === undefined)
			return done([insert(META, { name: "selling", value })], undefined);
		if (sameBytes(known.value, value)) return done([], undefined);
		throw new TetradError(
			"home-unusable",
			"the master secret of this issuer is another one than its ledger knows, and every sale under it would be void; put back the selling.secret that the ledger was begun with",
		);
	});
}

/** Opens the account of a module, which may be open already. Throws `invalid-argument` for what is no device id. */
export function openAccount(id: Uint8Array, at: number): Transaction<Account> {
	const fresh = newAccount(id, at);
	return reading([byKey(ACCOUNTS, { id })], ([[account]]) =>
		account === undefined
			? done([insert(ACCOUNTS, fresh)], fresh)
			: done([], account),
	);
}

/**
 * Puts play money, or money that the issuer's owner stands behind, into an account. The same
 * reference credits once. Throws `invalid-argument` when there is no such account, and for a
 * reference that stands for something else.
 */
export function credit(
	crypto: CryptoProvider,
	asked: {
		readonly account: Uint8Array;
		readonly amount: bigint;
		readonly reference: string;
		readonly at: number;
	},
): Transaction<{ readonly account: Account; readonly isNew: boolean }> {
	type Credited = { readonly account: Account; readonly isNew: boolean };
	const { account: id, amount, reference, at } = asked;
	requireAmount(amount);
	const about = utf8(reference);
	if (about.length === 0 || about.length > MAX_REFERENCE_BYTES)
		throw invalid(
			`a reference has 1 to ${MAX_REFERENCE_BYTES} bytes, and is another one for each credit`,
		);
	return reading(
		[byKey(CREDITS, { reference }), byKey(ACCOUNTS, { id })],
		([[known], [account]]): Transaction<Credited> => {
			if (account === undefined)
				throw invalid("there is no such account; open it first");
			if (known !== undefined) {
				if (sameBytes(known.account, id) && known.amount === amount)
					return done([], { account, isNew: false });
				throw invalid(
					"that reference stands for another credit; give each credit its own",
				);
			}
			const balance = account.balance + amount;
			if (balance > MAX_AMOUNT)
				throw invalid("an account cannot hold more than 2^63 - 1 minor units");
			const after = { ...account, balance };
			return done(
				[
					insert(CREDITS, { reference, account: id, amount, at: BigInt(at) }),
					put(ACCOUNTS, after),
					...entries(creditTransaction(crypto, reference), at, "credit", [
						[id, amount, about],
						[SYSTEM.backing, -amount, about],
					]),
				],
				{ account: after, isNew: true },
			);
		},
	);
}

export function accountOf(id: Uint8Array): Transaction<Account | undefined> {
	return reading([byKey(ACCOUNTS, { id })], ([[account]]) => done([], account));
}

/** Accounts of that certified name: one for each bank that certified a module by it. */
export function accountsNamed(name: string): Transaction<readonly Account[]> {
	return reading(
		[{ table: ACCOUNTS, index: "by_name", equals: { name }, limit: PAGE_ROWS }],
		([accounts]) => done([], accounts),
	);
}

/** One page of accounts in the order of their ids; the next one begins above the last. */
export function listAccounts(
	above?: Uint8Array,
	limit: number = PAGE_ROWS,
): Transaction<readonly Account[]> {
	return reading(
		[{ table: ACCOUNTS, ...(above === undefined ? {} : { above }), limit }],
		([accounts]) => done([], accounts),
	);
}

/** One page of conflicts, as `listAccounts`; `holder` asks for those of one module. */
export function listConflicts(
	above?: Uint8Array,
	limit: number = PAGE_ROWS,
	holder?: Uint8Array,
): Transaction<readonly ConflictRow[]> {
	return reading(
		[
			{
				table: CONFLICTS,
				...(holder === undefined
					? {}
					: { index: "by_holder", equals: { holder } }),
				...(above === undefined ? {} : { above }),
				limit,
			},
		],
		([conflicts]) => done([], conflicts),
	);
}

/**
 * One page of sales in the order of their transfers' ids, as `listAccounts`; `contract` asks for
 * those of one. What a sale is for, and its key, are not shown.
 */
export function listSales(
	crypto: CryptoProvider,
	above?: Uint8Array,
	limit: number = PAGE_ROWS,
	contract?: Uint8Array,
): Transaction<readonly SaleStatus[]> {
	return reading(
		[
			{
				table: SALES,
				...(contract === undefined
					? {}
					: { index: "by_contract", equals: { contract } }),
				...(above === undefined ? {} : { above }),
				limit,
			},
		],
		([sales]): Transaction<readonly SaleStatus[]> => {
			const reads = sales.flatMap(({ transfer }) => [
				byKey(TRANSFERS, { id: transfer }),
				byKey(VOIDS, { transfer }),
			]);
			return reading(reads as unknown as readonly Read[] as [], (found) => {
				const rows = found as unknown as readonly (readonly never[])[];
				return done(
					[],
					sales.map((sale, i) => {
						const [handedIn] = rows[2 * i] as readonly RowOf<
							typeof TRANSFERS
						>[];
						const [credited] = rows[2 * i + 1] as readonly RowOf<
							typeof VOIDS
						>[];
						if (handedIn === undefined) throw incomplete();
						const { payer, payee, amount } = parseTransfer(
							crypto,
							handedIn.document,
						);
						return {
							transfer: sale.transfer,
							contract: sale.contract,
							state: stateOf(sale),
							payer,
							payee,
							amount,
							at: Number(handedIn.at),
							credited: credited && Number(credited.at),
						};
					}),
				);
			});
		},
	);
}

/** The evidence of a conflict, which `openEvidence` accepts, or `undefined` when there is no such conflict. */
export function evidenceOf(
	crypto: CryptoProvider,
	id: Uint8Array,
): Transaction<Uint8Array | undefined> {
	return reading(
		[byKey(CONFLICTS, { id })],
		([[conflict]]): Transaction<Uint8Array | undefined> => {
			if (conflict === undefined) return done([], undefined);
			return reading(
				[
					byKey(NOTES, { id: conflict.note }),
					byKey(TRANSFERS, { id: conflict.first }),
					byKey(TRANSFERS, { id: conflict.second }),
				],
				([[note], [first], [second]]) => {
					if (note === undefined || first === undefined || second === undefined)
						throw incomplete();
					const { issuerCertificate } = parseNote(crypto, note.document);
					return reading(
						[
							byKey(CHAINS, { certificate: issuerCertificate }),
							byKey(CHAINS, { certificate: note.holder_certificate }),
						],
						([[issuer], [holder]]) => {
							if (issuer === undefined || holder === undefined)
								throw incomplete();
							return done(
								[],
								encodeEvidence({
									issuerChain: issuer.chain,
									holderChain: holder.chain,
									note: note.document,
									first: first.document,
									second: second.document,
								}),
							);
						},
					);
				},
			);
		},
	);
}

export function noteStatus(
	id: Uint8Array,
): Transaction<NoteStatus | undefined> {
	return reading(
		[byKey(NOTES, { id })],
		([[note]]): Transaction<NoteStatus | undefined> => {
			if (note === undefined) return done([], undefined);
			return foldRows(
				{ table: BOOKINGS, equals: { note: id } },
				{ booked: 0n, claimed: 0n, bookings: 0 },
				({ booked, claimed, bookings }, { amount, kind }) => ({
					booked: booked + amount,
					claimed: kind === "claim" ? claimed + amount : claimed,
					bookings: bookings + 1,
				}),
				(sums) =>
					done([], {
						id,
						holder: note.holder,
						value: note.value,
						issued: Number(note.issued),
						expires: Number(note.expires),
						...sums,
					}),
			);
		},
	);
}

function invalid(what: string): TetradError {
	return new TetradError("invalid-argument", what);
}

function incomplete(): TetradError {
	return new TetradError(
		"internal",
		"the ledger is not whole any more; see what is wrong with: tetrad issuer audit",
	);
}
