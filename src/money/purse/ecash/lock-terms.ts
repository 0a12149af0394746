import {
	type LockTerms,
	lockDeadline,
	payeeKey,
	refundPrivateKey,
} from "../../cashu/index.ts";
import type { AtMint } from "../sale-part.ts";
import type { EcashParts } from "./parts.ts";

/** What the lock of a contract is made of, at its payer. Throws `malformed` for a payee whose key is none: nothing can be locked to that. */
export function lockTerms(
	{ options, core }: EcashParts,
	contract: Uint8Array,
	keyHash: Uint8Array,
	at: AtMint,
): LockTerms {
	const { crypto: ecash, seed } = options;
	const { crypto } = core.options.context;
	const refundKey = refundPrivateKey(crypto, seed, contract);
	try {
		return {
			keyHash,
			payee: payeeKey(crypto, ecash, at.payeeKey, at.termsHash),
			deadline: lockDeadline(at.bookBy),
			refund: ecash.publicKey(refundKey),
			contract,
			binding: at.binding,
		};
	} finally {
		refundKey.fill(0);
	}
}
