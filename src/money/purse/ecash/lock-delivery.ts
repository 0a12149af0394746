/* What payer and payee say to each other of a lock once the mint has made it, on the payer's side. */
import type { CertifiedDevice } from "../../../identity/index.ts";
import { copy, sameBytes } from "../../../wire/index.ts";
import {
	ABOUT_LOCKS,
	message,
	openReceipt,
	openReceiptUnderChain,
} from "../../documents/index.ts";
import { checked } from "../checked.ts";
import type { LockedRow } from "../ecash-tables.ts";
import type { OpenMeeting, PurseCore } from "../purse-core.ts";
import { shownLock } from "./locked-row.ts";

/** Gives what is locked to its payee, when it is there. */
export function deliverLock(
	core: PurseCore,
	row: LockedRow,
	{ tetrad, peer, parties }: OpenMeeting,
): void {
	const isFor =
		row.state === "locked" &&
		sameBytes(row.payee, peer.deviceId) &&
		sameBytes(row.parties, parties);
	const lock = isFor ? shownLock(row) : undefined;
	if (lock === undefined) return;
	const { contract, mint: issuer, currency, amount, terms } = row;
	core.toModule(
		tetrad,
		message(ABOUT_LOCKS.lock, {
			...{ contract, issuer, currency, amount, terms, lock },
		}),
	);
}

/** What came with a key. */
interface Claimed {
	readonly receipt: Uint8Array;
	/** Empty for the one that the payee shows in this tetrad. */
	readonly chain: Uint8Array;
}

/** The receipt and the encoded chain that it was signed under, as they are kept; nothing for one that is for something else, or was not signed by the payee. */
export function receiptOf(
	core: PurseCore,
	row: LockedRow,
	peer: CertifiedDevice,
	{ receipt, chain }: Claimed,
): Claimed | undefined {
	const { crypto, judgeSigned } = core.options.context;
	const isOfPeer = chain.length === 0;
	const opened = checked(() =>
		isOfPeer
			? openReceipt(crypto, receipt, peer)
			: openReceiptUnderChain(crypto, receipt, chain, judgeSigned),
	);
	const lock = shownLock(row);
	if (opened.kind === "failed" || lock === undefined) return undefined;
	const { value } = opened.value;
	const isForIt =
		sameBytes(value.contract, row.contract) &&
		sameBytes(value.payee, row.payee) &&
		sameBytes(value.transfer, crypto.sha256(lock)) &&
		value.amount === row.amount;
	if (!isForIt) return undefined;
	return {
		receipt: copy(receipt),
		chain: isOfPeer ? peer.encodedChain : copy(chain),
	};
}
