/*
 * Which proofs pay for a sum. Those that bring it exactly are hard to find in general; with amounts
 * that are powers of two, as all mints have them, taking the largest that fits finds them.
 */
import { TetradError } from "../../errors.ts";
import { feeOf } from "./amounts.ts";
import type { Keyset } from "./keyset.ts";
import { MAX_INPUTS } from "./limits.ts";
import { type Proof, sumOf } from "./proof.ts";

/** A proof, and the keyset that it is of. */
export interface Spendable<Of extends Proof = Proof> {
	readonly proof: Of;
	readonly keyset: Pick<Keyset, "inputFeePpk" | "isActive">;
}

/** Proofs that are spent together. */
export interface Chosen<Of extends Proof = Proof> {
	readonly inputs: readonly Of[];
	readonly fee: bigint;
	/** What is left of them after the sum and the fee, and comes back in new ones. */
	readonly change: bigint;
}

/** In thousandths of the unit, so that fees are exact: a sum is covered when what is brought is. */
const MILLI = 1000n;

interface Candidate<Of extends Proof> extends Spendable<Of> {
	/** What it brings after what it costs. */
	readonly brings: bigint;
}

/**
 * Proofs that bring a sum after what spending them costs, with as little change as can be found,
 * and of those with the same change the fewest. Of proofs that are worth the same, those of keysets
 * that are not active any more go first. One that costs as much as it is worth is never spent.
 * Throws `insufficient-funds`, and `limit-exceeded` when more than `max` would be needed.
 */
export function chooseProofs<Of extends Proof>(
	all: readonly Spendable<Of>[],
	sum: bigint,
	max: number = MAX_INPUTS,
): Chosen<Of> {
	const candidates = all
		.map((one) => ({
			...one,
			brings: one.proof.amount * MILLI - one.keyset.inputFeePpk,
		}))
		.filter(({ brings }) => brings > 0n)
		.sort(largestFirst);
	const needed = sum * MILLI;
	if (brought(candidates) < needed)
		throw new TetradError(
			"insufficient-funds",
			`there is less than ${sum} of this mint's ecash after what spending it costs`,
		);
	let best: readonly Candidate<Of>[] | undefined;
	for (let first = 0; first < candidates.length; first++) {
		if (candidates[first]?.brings === candidates[first - 1]?.brings) continue;
		const found = greedily(candidates.slice(first), needed);
		if (found === undefined) break;
		if (found.length <= max && (best === undefined || isBetter(found, best)))
			best = found;
	}
	const few = largest(candidates, needed);
	if (few.length <= max && (best === undefined || isBetter(few, best)))
		best = few;
	if (best === undefined)
		throw new TetradError(
			"limit-exceeded",
			`more than ${max} proofs would be needed for ${sum}: swap them for larger ones first`,
		);
	const fee = feeOf(best.map(({ keyset }) => keyset));
	const inputs = best.map(({ proof }) => proof);
	return { inputs, fee, change: sumOf(inputs) - fee - sum };
}

function largestFirst<Of extends Proof>(
	a: Candidate<Of>,
	b: Candidate<Of>,
): number {
	if (a.brings !== b.brings) return a.brings > b.brings ? -1 : 1;
	return Number(a.keyset.isActive) - Number(b.keyset.isActive);
}

function brought(chosen: readonly { readonly brings: bigint }[]): bigint {
	return chosen.reduce((sum, { brings }) => sum + brings, 0n);
}

/** Each that fits into what is still needed, from the largest, and the smallest that covers the rest; `undefined` where all of them do not bring it. */
function greedily<Of extends Proof>(
	candidates: readonly Candidate<Of>[],
	needed: bigint,
): readonly Candidate<Of>[] | undefined {
	const chosen: Candidate<Of>[] = [];
	const left: Candidate<Of>[] = [];
	let rest = needed;
	for (const one of candidates) {
		if (one.brings <= rest) {
			chosen.push(one);
			rest -= one.brings;
		} else left.push(one);
	}
	if (rest === 0n) return chosen;
	const last = left.at(-1);
	if (last === undefined) return undefined;
	return withoutNeedless([...chosen, last], needed);
}

/** From the largest, until it is enough. */
function largest<Of extends Proof>(
	candidates: readonly Candidate<Of>[],
	needed: bigint,
): readonly Candidate<Of>[] {
	let rest = needed;
	const end = candidates.findIndex(({ brings }) => {
		rest -= brings;
		return rest <= 0n;
	});
	return withoutNeedless(candidates.slice(0, end + 1), needed);
}

/** Leaves out, from the smallest, what the others bring enough without. */
function withoutNeedless<Of extends Proof>(
	chosen: readonly Candidate<Of>[],
	needed: bigint,
): readonly Candidate<Of>[] {
	let over = brought(chosen) - needed;
	const kept: Candidate<Of>[] = [];
	for (const one of chosen.toSorted((a, b) => largestFirst(b, a))) {
		if (one.brings <= over) over -= one.brings;
		else kept.push(one);
	}
	return kept;
}

function isBetter<Of extends Proof>(
	a: readonly Candidate<Of>[],
	b: readonly Candidate<Of>[],
): boolean {
	const [overA, overB] = [brought(a), brought(b)];
	return overA === overB ? a.length < b.length : overA < overB;
}
