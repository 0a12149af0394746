import { HASH_BYTES } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	byKey,
	insert,
	put,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { dec, enc, hex, sameBytes } from "../../wire/index.ts";
import {
	BETWEEN_MODULES,
	encodeList,
	type Invoice,
	MAX_ISSUER_CHAINS,
	MAX_PIECES,
	message,
	NO_TERMS,
	type Piece,
	parseList,
	type Transfer,
	type TransferWithNotes,
} from "../documents/index.ts";
import type { AskedSale } from "./payment-state.ts";
import type { Selection } from "./purse-book.ts";
import type { PurseCore } from "./purse-core.ts";
import {
	ABORTED,
	type Change,
	type Changed,
	changing,
	NO_CHAIN,
	NO_KEY,
	NOT_ARCHIVED,
	NOTES,
	type NoteRow,
	PAYMENTS,
	type PaymentRow,
	unchanged,
} from "./purse-tables.ts";
import type { Counting } from "./spending-sums.ts";

/** What the transaction that commits a payment does for its owner's limits. */
export interface CountedCommit {
	/** When it counts, by the limits' clock; zero when its money is not limited. */
	readonly at: number;
	readonly counting: Counting | undefined;
	readonly also: readonly Write[];
}

/** An exchange, which pays nobody. */
const NOT_COUNTED: CountedCommit = { at: 0, counting: undefined, also: [] };

/** A transfer that is signed and has not left this module. */
export interface ReadyTransfer {
	readonly transfer: Transfer;
	readonly selection: Selection;
	/** All zero for an exchange, which needs none. */
	readonly invoice: Invoice;
	/** What it is for; empty for an exchange. */
	readonly what: string;
	/** Nothing unless the transfer is marked as a sale. */
	readonly sale: AskedSale | undefined;
}

/** What became of a commit: the row, `aborted` when its contract was cancelled before, or nothing when the ranges cannot be given away any more. */
export type CommitResult = PaymentRow | "aborted" | undefined;

/**
 * The one irrevocable write of a payment: the ranges are given away and the transfer is there to
 * be delivered, both or neither, and `also` along with them. Its result is `undefined`, and
 * nothing is written, when the ranges do not begin where their notes are spent up to; it is
 * `aborted` when the contract was cancelled before.
 */
export function commitTransfer(
	core: PurseCore,
	ready: ReadyTransfer,
	also: readonly Write[] = [],
	counted: CountedCommit = NOT_COUNTED,
): Transaction<Changed<CommitResult>> {
	const { transfer } = ready;
	const row = paymentRow(ready, core.now, counted.at);
	const reads = [
		byKey(PAYMENTS, { contract: transfer.contract }),
		byKey(ABORTED, { contract: transfer.contract }),
		...transfer.pieces.map(({ noteId }) => byKey(NOTES, { id: noteId })),
		...(counted.counting?.reads ?? []),
	];
	return changing(
		core.options.context.crypto,
		core.now,
		reads as never,
		(rows: readonly (readonly unknown[])[]): Change<CommitResult> => {
			const [[paid] = [], [aborted] = [], ...rest] = rows;
			const notes = rest.slice(0, transfer.pieces.length);
			const sums = rest.slice(transfer.pieces.length);
			const spent = transfer.pieces.map((piece, i) =>
				afterSpending(notes[i]?.[0] as NoteRow | undefined, piece),
			);
			if (paid !== undefined)
				throw new TetradError("internal", "a contract would be paid twice");
			if (aborted !== undefined) return unchanged("aborted");
			if (spent.includes(undefined)) return unchanged(undefined);
			const { contract: subject, amount, payee: peer } = transfer;
			return {
				entries: [{ what: "committed", subject, amount, peer }],
				writes: [
					...(spent as NoteRow[]).map((note) => put(NOTES, note)),
					insert(PAYMENTS, row),
					...also,
					...counted.also,
					...(counted.counting?.writes(sums as never) ?? []),
				],
				result: row,
			};
		},
	);
}

function afterSpending(
	note: NoteRow | undefined,
	{ offset, amount }: Piece,
): NoteRow | undefined {
	if (note?.state !== "live" || note.spent !== offset) return undefined;
	const spent = offset + amount;
	if (spent > note.value) return undefined;
	return { ...note, spent, state: spent === note.value ? "used" : "live" };
}

function paymentRow(
	{ transfer, selection, invoice, what, sale }: ReadyTransfer,
	now: number,
	counted: number,
): PaymentRow {
	return {
		contract: transfer.contract,
		transfer_id: transfer.id,
		transfer: transfer.document,
		notes: encodeList(selection.notes),
		chains: enc(...selection.chains),
		payee: transfer.payee,
		parties: transfer.parties,
		pay_by: BigInt(invoice.payBy),
		tag: invoice.tag,
		issuer: transfer.issuer,
		currency: transfer.currency,
		amount: transfer.amount,
		in_doubt: transfer.amount,
		committed: BigInt(now),
		state: "committed",
		receipt: new Uint8Array(),
		receipt_chain: NO_CHAIN,
		terms: sale?.terms ?? NO_TERMS,
		key_hash: sale?.keyHash ?? NO_KEY,
		key: NO_KEY,
		archive: NOT_ARCHIVED,
		counted: BigInt(counted),
		what,
	};
}

/**
 * Stands for the binding and the parties in a transfer of own notes to their issuer: it belongs to
 * a request and to no tetrad, so that the stored bytes can be sent in whichever comes next.
 */
export const NO_TETRAD: Uint8Array = new Uint8Array(HASH_BYTES);

export function isExchange({ parties }: Pick<PaymentRow, "parties">): boolean {
	return sameBytes(parties, NO_TETRAD);
}

/** The message that delivers a committed payment: the same bytes each time. */
export function deliverBytes(
	row: PaymentRow,
	chains: ReadonlyMap<string, Uint8Array>,
): Uint8Array {
	return message(BETWEEN_MODULES.deliver, {
		transfer: row.transfer,
		notes: parseList(row.notes, MAX_PIECES),
		chains: chainList(row.chains, chains),
		payBy: Number(row.pay_by),
		tag: row.tag,
		terms: row.terms,
	});
}

/** The chains that a row names by their hashes. */
export function chainList(
	hashes: Uint8Array,
	chains: ReadonlyMap<string, Uint8Array>,
): readonly Uint8Array[] {
	return dec(hashes, MAX_ISSUER_CHAINS).map(
		(hash) => chains.get(hex(hash)) ?? new Uint8Array(),
	);
}

/** A transfer's own notes and chains, as they go along with it. */
export function selectionLists(
	selection: Selection,
	chains: ReadonlyMap<string, Uint8Array>,
): Pick<TransferWithNotes, "notes" | "chains"> {
	return {
		notes: selection.notes,
		chains: chainList(enc(...selection.chains), chains),
	};
}
