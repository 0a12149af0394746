/* Sums in the amounts that a keyset has keys for, and what inputs cost (NUT-02). */
import { TetradError } from "../../errors.ts";
import type { Keyset, KeysetNotice } from "./keyset.ts";
import { MAX_LOCK_PROOFS, MAX_OUTPUTS } from "./limits.ts";

/**
 * As few amounts of the keyset as make the sum by taking the largest first, smallest first. Throws
 * `invalid-argument` where that does not come out even, and `limit-exceeded` for more than `max`.
 */
export function splitAmount(
	keyset: Pick<Keyset, "keys">,
	sum: bigint,
	max: number = MAX_OUTPUTS,
): bigint[] {
	const { parts, rest } = partsOf(keyset, sum, max);
	if (rest === 0n) return parts;
	if (parts.length === max)
		throw new TetradError(
			"limit-exceeded",
			`more than ${max} proofs of this keyset are needed for ${sum}`,
		);
	throw new TetradError(
		"invalid-argument",
		`the mint's keyset has no amounts that make ${sum}`,
	);
}

/** At most `max` of them, smallest first, and what they do not make of the sum. */
function partsOf(
	{ keys }: Pick<Keyset, "keys">,
	sum: bigint,
	max: number,
): { readonly parts: bigint[]; readonly rest: bigint } {
	const parts: bigint[] = [];
	let rest = sum;
	for (const amount of [...keys.keys()].reverse())
		for (; rest >= amount && parts.length < max; rest -= amount)
			parts.push(amount);
	return { parts: parts.reverse(), rest };
}

/** What it costs to spend these inputs: the sum of what each costs, rounded up to a whole unit. */
export function feeOf(
	inputs: Iterable<Pick<KeysetNotice, "inputFeePpk">>,
): bigint {
	let ppk = 0n;
	for (const { inputFeePpk } of inputs) ppk += inputFeePpk;
	return (ppk + 999n) / 1000n;
}

/** How a lock is made up so that its payee gets the price of it. */
export interface LockPlan {
	/** Of its proofs, smallest first. */
	readonly amounts: readonly bigint[];
	/** Their sum: the price, and what claiming them costs. */
	readonly sum: bigint;
	readonly fee: bigint;
}

/**
 * The amounts of a lock: with as few proofs as there can be, they are worth the price and exactly
 * what it costs to claim them, which depends on how many they are. Where fewer would make the sum
 * than cost so much, the largest that can be are halved. Throws `limit-exceeded` where no
 * `MAX_LOCK_PROOFS` proofs of the keyset make it.
 */
export function planLock(
	keyset: Pick<Keyset, "keys" | "inputFeePpk">,
	price: bigint,
): LockPlan {
	const feeFor = (count: number) =>
		feeOf(Array.from({ length: count }, () => keyset));
	for (let count = 1; count <= MAX_LOCK_PROOFS; count++) {
		const fee = feeFor(count);
		const amounts = withCount(keyset, price + fee, count, feeFor);
		if (amounts !== undefined) return { amounts, sum: price + fee, fee };
	}
	throw new TetradError(
		"limit-exceeded",
		`no ${MAX_LOCK_PROOFS} proofs of this keyset make a lock of ${price}`,
	);
}

/** At most so many amounts that make a sum and cost as much as so many do, or `undefined`. */
function withCount(
	keyset: Pick<Keyset, "keys">,
	sum: bigint,
	count: number,
	feeFor: (count: number) => bigint,
): bigint[] | undefined {
	const { parts: amounts, rest } = partsOf(keyset, sum, count);
	if (rest !== 0n) return undefined;
	while (amounts.length < count && feeFor(amounts.length) !== feeFor(count)) {
		const at = amounts.findLastIndex(
			(amount) => amount % 2n === 0n && keyset.keys.has(amount / 2n),
		);
		const [whole] = amounts.splice(at, at === -1 ? 0 : 1);
		if (whole === undefined) return undefined;
		amounts.push(whole / 2n, whole / 2n);
	}
	return amounts.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
