import { TetradError } from "../../../errors.ts";
import {
	feeOf,
	type Input,
	makeOutputs,
	type Proof,
	splitAmount,
	sumOf,
} from "../../cashu/index.ts";
import type { EcashBook } from "./book.ts";
import type { Mints } from "./mints.ts";
import type { EcashOptions } from "./parts.ts";
import { makeSwap, type RefusedSwap, type StoredSwap } from "./stored-swap.ts";

/** What a swap spends. */
export interface Spent {
	readonly inputs: readonly Input[];
	readonly proofs: readonly Proof[];
	/** The last swap of these inputs that was sent, where it is made again. */
	readonly before?: StoredSwap | undefined;
}

/**
 * A swap of proofs into outputs that are one's own, of all that they bring after what it costs.
 * Throws `insufficient-funds` where that is nothing, and as `Mints.active`.
 */
export function intoOwn(
	{ crypto: ecash, seed }: EcashOptions,
	mints: Mints,
	book: EcashBook,
	spent: Spent,
	mint: Uint8Array,
): StoredSwap {
	const keyset = mints.active(mint);
	const brings = broughtBy(mints, mint, spent.proofs);
	if (brings <= 0n)
		throw new TetradError(
			"insufficient-funds",
			"spending it at its mint costs as much as it is worth",
		);
	const amounts = splitAmount(keyset, brings);
	const counter = book.take(mint, keyset, amounts.length);
	const outputs = makeOutputs(
		ecash,
		{ seed, keyset: keyset.id, counter },
		amounts,
	);
	return makeSwap(ecash, spent.inputs, outputs, spent.before);
}

/** Whether a swap has outputs for all that its inputs bring, as the mint says now. Throws as `broughtBy`. */
export function isBalanced(
	mints: Mints,
	mint: Uint8Array,
	{ spends, outputs }: RefusedSwap,
): boolean {
	return sumOf(outputs) === broughtBy(mints, mint, spends);
}

/** What is left of proofs after what spending them costs. Throws `busy` for a proof of a keyset that its mint does not show. */
export function broughtBy(
	mints: Mints,
	mint: Uint8Array,
	proofs: readonly Proof[],
): bigint {
	const keysets = mints.keysets(mint);
	const fee = feeOf(
		proofs.map(({ keyset: id }) => {
			const keyset = keysets?.get(id);
			if (keyset === undefined)
				throw new TetradError(
					"busy",
					"the mint does not show the keyset that a proof is of",
				);
			return keyset;
		}),
	);
	return sumOf(proofs) - fee;
}
