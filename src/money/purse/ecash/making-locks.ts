/* What is spent to lock the price of a sale, and what it costs beside. */
import { TetradError } from "../../../errors.ts";
import {
	inOrder,
	lockSeed,
	makeLockOutputs,
	makeOutputs,
	plainInputs,
	planLock,
	splitAmount,
} from "../../cashu/index.ts";
import type { EcashBook } from "./book.ts";
import { lockTerms } from "./lock-terms.ts";
import type { AgreedSale } from "./locked-row.ts";
import type { Mints } from "./mints.ts";
import type { EcashParts } from "./parts.ts";
import { makeSwap, type StoredSwap } from "./stored-swap.ts";

/** What locks are made with. */
export interface LockTools {
	readonly parts: EcashParts;
	readonly mints: Mints;
	readonly book: EcashBook;
}

/** What its mint asks for beside an amount, with the proofs that are there now. Throws `insufficient-funds` and what a mint is refused for. */
export function costOf(
	tools: LockTools,
	issuer: Uint8Array,
	amount: bigint,
): bigint {
	const { plan, keysets } = planOf(tools, issuer, amount);
	return plan.fee + tools.book.choose(issuer, keysets, plan.sum).fee;
}

function planOf({ mints }: LockTools, issuer: Uint8Array, amount: bigint) {
	const keyset = mints.active(issuer);
	const keysets = mints.keysets(issuer);
	if (keysets === undefined) throw new TetradError("internal", "no keysets");
	return { keyset, keysets, plan: planLock(keyset, amount) };
}

/** What locks the price, and brings the change, and what it costs beside. Throws `insufficient-funds` and what a mint is refused for. */
export function lockSwap(
	tools: LockTools,
	{ asked, at }: Pick<AgreedSale, "asked" | "at">,
): { readonly swap: StoredSwap; readonly fee: bigint } {
	const { parts, book } = tools;
	const { issuer, amount, contract, sale } = asked;
	const { crypto: ecash, seed } = parts.options;
	const { crypto } = parts.core.options.context;
	// Before any counter is taken: whoever sells names what may be no key.
	const terms = lockTerms(parts, contract, sale.keyHash, at);
	const { keyset, keysets, plan } = planOf(tools, issuer, amount);
	const chosen = book.reserve(issuer, keysets, plan.sum);
	try {
		const change = splitAmount(keyset, chosen.change);
		const counter = book.take(issuer, keyset, change.length);
		const place = { seed, keyset: keyset.id, counter };
		const own = lockSeed(crypto, seed, contract);
		const lock = wiping(own, (seed) =>
			makeLockOutputs(
				ecash,
				{ ...place, seed, counter: 0 },
				plan.amounts,
				terms,
			),
		);
		const swap = makeSwap(
			ecash,
			plainInputs(chosen.inputs),
			inOrder([...lock, ...makeOutputs(ecash, place, change)]),
		);
		return { swap, fee: plan.fee + chosen.fee };
	} catch (thrown) {
		book.release(chosen.inputs);
		throw thrown;
	}
}

/** What is made of a seed that is wiped then, whatever comes of it. */
function wiping<Made>(
	seed: Uint8Array,
	make: (seed: Uint8Array) => Made,
): Made {
	try {
		return make(seed);
	} finally {
		seed.fill(0);
	}
}
