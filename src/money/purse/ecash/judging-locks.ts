/* The check of a lock that a payer gives, and what claims it. */

import { sameBytes } from "../../../wire/index.ts";
import {
	claimInputs,
	lockDeadline,
	parseLock,
	payeeBaseKey,
	payeeKey,
	payeePrivateKey,
	type VerifiedLock,
	verifyLock,
} from "../../cashu/index.ts";
import { refused, unknownIssuer } from "../acceptance-refusals.ts";
import { checked } from "../checked.ts";
import type { OpenMeeting } from "../purse-core.ts";
import type { AtMint, OfferedSale } from "../sale-part.ts";
import type { EcashBook } from "./book.ts";
import type { Mints } from "./mints.ts";
import { intoOwn } from "./own-outputs.ts";
import type { EcashParts } from "./parts.ts";
import type { StoredSwap } from "./stored-swap.ts";

/** What came with one `lock`. */
export interface Delivery {
	readonly meeting: OpenMeeting;
	readonly sale: OfferedSale;
	readonly lock: Uint8Array;
}

/** Whether its mint is known to have the keysets of all of it; also for what cannot be read, which is refused for that. */
export function areKeysetsKnown(
	mints: Mints,
	{ sale, lock }: Delivery,
): boolean {
	const keysets = mints.keysets(sale.issuer);
	const parsed = checked(() => parseLock(lock));
	if (parsed.kind === "failed") return true;
	return parsed.value.every(({ keyset }) => keysets?.get(keyset) !== undefined);
}

/** The lock is judged, without the mint, and then what claims it is made. Throws `payment-refused`. */
export function claimSwap(
	{ options, core }: EcashParts,
	mints: Mints,
	book: EcashBook,
	{ sale, lock }: Delivery,
	key: Uint8Array,
	at: AtMint,
): StoredSwap {
	const { crypto: ecash, seed } = options;
	const { crypto } = core.options.context;
	const keysets = mints.keysets(sale.issuer);
	if (keysets === undefined) throw unknownIssuer();
	const base = payeeBaseKey(crypto, seed, at.agent);
	let privateKey: Uint8Array | undefined;
	try {
		const basePublic = ecash.publicKey(base);
		if (!sameBytes(basePublic, at.payeeKey))
			throw refused("it is locked to another module's key");
		const verified: VerifiedLock = verifyLock(ecash, parseLock(lock), {
			terms: {
				keyHash: crypto.sha256(key),
				payee: payeeKey(crypto, ecash, basePublic, at.termsHash),
				deadline: lockDeadline(at.bookBy),
				contract: sale.contract,
				binding: at.binding,
			},
			unit: at.unit,
			price: sale.amount,
			keysets,
			now: core.now,
		});
		privateKey = payeePrivateKey(crypto, ecash, base, at.termsHash);
		const inputs = claimInputs(crypto, ecash, verified, { key, privateKey });
		const { proofs } = verified;
		return intoOwn(options, mints, book, { inputs, proofs }, sale.issuer);
	} finally {
		base.fill(0);
		privateKey?.fill(0);
	}
}
