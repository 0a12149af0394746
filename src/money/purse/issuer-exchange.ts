/* Own notes that go back to their issuer, for new ones or into the account. */
import { HASH_BYTES } from "../../crypto/index.ts";
import { hex } from "../../wire/index.ts";
import {
	draftTransfer,
	exchangeContract,
	type HolderKey,
	message,
	type Note,
	REQUEST_ID_BYTES,
	type TransferBody,
	WITH_ISSUER,
} from "../documents/index.ts";
import {
	NO_TETRAD,
	type ReadyTransfer,
	selectionLists,
} from "./commit-transfer.ts";
import { newRequest } from "./issuer-requests.ts";
import { isToExchange, type Selection } from "./purse-book.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import { ANSWER_WITHIN_MS, EXCHANGE_CERTIFICATE_MS } from "./purse-limits.ts";
import type { RequestRow } from "./purse-tables.ts";

/** A transfer of own notes to their issuer, still to be signed. */
export interface Exchange {
	/** Id of the request that it goes with. */
	readonly request: Uint8Array;
	/** New notes (0), or the account (1). */
	readonly into: 0 | 1;
	readonly selection: Selection;
	readonly transfer: TransferBody;
	/** The key that the notes were made out to, if it is not the module's present one. */
	readonly under: HolderKey | undefined;
}

/**
 * The next notes to exchange: all that are left when they go into the account (1), else those in
 * the last part of their life, and those that nobody would be paid with because the certificate
 * under which they were signed is listed or no longer current, or because they were made out to a
 * key that this module had before. Those under one key go together. Reserves nothing. `renewed`
 * notes (ids in hexadecimal) came of an exchange just now and are not renewed again: an issuer
 * whose clock is behind makes none that live long enough, however often.
 */
export function nextExchange(
	core: PurseCore,
	{ peer }: OpenMeeting,
	into: 0 | 1,
	renewed: ReadonlySet<string>,
): Exchange | undefined {
	const { options, now, book, ownId: payer } = core;
	const { crypto, own } = options.context;
	const issuer = peer.deviceId;
	// A new note lives no longer than these two certificates.
	const longest = Math.min(own.notAfter, peer.notAfter);
	const isTrusted = core.trusting();
	const canRenew =
		longest - now > EXCHANGE_CERTIFICATE_MS &&
		core.isTrusted(peer.encodedChain);
	const isToRenew = (note: Note, chain: Uint8Array) =>
		(isToExchange(note, now + ANSWER_WITHIN_MS, now) &&
			note.expires < longest) ||
		!isTrusted(chain);
	const whole = (key: HolderKey, under: HolderKey | undefined) => {
		const found = book.selectWhole(
			issuer,
			key,
			(note, chain) =>
				note.expires > now + ANSWER_WITHIN_MS &&
				(into === 1 ||
					(canRenew &&
						!renewed.has(hex(note.id)) &&
						(under !== undefined || isToRenew(note, chain)))),
		);
		return found && { ...found, under };
	};
	const { earlierKeys = [] } = options;
	const next =
		whole(own, undefined) ??
		earlierKeys
			.values()
			.map((key) => whole(key, key))
			.find((found) => found !== undefined);
	if (next === undefined) return undefined;
	const { selection, currency, under } = next;
	const request = crypto.random(REQUEST_ID_BYTES);
	const amount = selection.pieces.reduce(
		(sum, piece) => sum + piece.amount,
		0n,
	);
	return {
		request,
		into,
		selection,
		under,
		transfer: {
			payer,
			payee: issuer,
			issuer,
			currency,
			amount,
			contract: exchangeContract(crypto, request, into),
			binding: NO_TETRAD,
			parties: NO_TETRAD,
			pieces: selection.pieces,
			purpose: "payment",
		},
	};
}

/** What is committed and asked once the transfer is signed. */
export function signedExchange(
	{ options, chains }: PurseCore,
	{ request, into, selection, transfer: body }: Exchange,
	signature: Uint8Array,
): { readonly ready: ReadyTransfer; readonly request: RequestRow } {
	const { crypto } = options.context;
	const transfer = draftTransfer(body).sign(crypto, signature);
	const { issuer, contract: subject, amount } = transfer;
	const invoice = { payBy: 0, tag: new Uint8Array(HASH_BYTES) };
	return {
		ready: { transfer, selection, invoice, what: "", sale: undefined },
		request: newRequest({
			request,
			kind: into === 1 ? "return" : "exchange",
			issuer,
			subject,
			amount,
			message: message(WITH_ISSUER.exchange, {
				request,
				into,
				transfer: transfer.document,
				...selectionLists(selection, chains),
			}),
		}),
	};
}
