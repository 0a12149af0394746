/* What a payer spends to have its money again, of a sale that is not over. */
import type { CryptoProvider } from "../../../crypto/index.ts";
import {
	parseProofs,
	plainInputs,
	refundInputs,
	refundPrivateKey,
} from "../../cashu/index.ts";
import type { LockedRow } from "../ecash-tables.ts";
import type { Spent } from "./own-outputs.ts";
import type { EcashOptions } from "./parts.ts";
import { parseSwap, type StoredSwap } from "./stored-swap.ts";

/** What was to be locked. */
export function takingBack(
	options: EcashOptions,
	_crypto: CryptoProvider,
	row: LockedRow,
): Spent {
	const { crypto: ecash, seed } = options;
	const { spends } = parseSwap(ecash, seed, row.lock_swap);
	const before = backSwapOf(options, row);
	return { inputs: plainInputs(spends), proofs: spends, before };
}

/** What is locked, and was not claimed by the deadline. */
export function refunding(
	options: EcashOptions,
	crypto: CryptoProvider,
	row: LockedRow,
): Spent {
	const { crypto: ecash, seed } = options;
	const proofs = parseProofs(row.lock);
	const key = refundPrivateKey(crypto, seed, row.contract);
	try {
		const inputs = refundInputs(ecash, proofs, key);
		return { inputs, proofs, before: backSwapOf(options, row) };
	} finally {
		key.fill(0);
	}
}

function backSwapOf(
	{ crypto: ecash, seed }: EcashOptions,
	{ back_swap }: LockedRow,
): StoredSwap | undefined {
	return back_swap.length === 0 ? undefined : parseSwap(ecash, seed, back_swap);
}
