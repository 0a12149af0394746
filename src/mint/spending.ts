/* What has to be so before proofs are taken and outputs are signed: nothing here changes anything. */
import { feeFor, type MintKeyset, requireGenuine } from "./keysets.ts";
import { claimsToBeLock, requireUnlocked, type Spending } from "./locks.ts";
import { Refusal } from "./refusal.ts";
import type { Input, Output } from "./requests.ts";
import type { Spendable } from "./state.ts";
import type { Vault } from "./vault.ts";

/** What a mint that is not honest leaves undone; see `MintFault`. */
export interface Leniency {
	readonly ignoresLocks?: boolean;
	readonly ignoresSpent?: boolean;
	/** A request that was answered before is worked on again. */
	readonly answersAnew?: boolean;
}

/** Proofs that may all be spent together. */
export interface Taken {
	readonly proofs: readonly Spendable[];
	readonly unit: string;
	/** What is left of them when the fees for inputs are paid; below zero when they do not suffice. */
	readonly amount: bigint;
}

/** Throws `Refusal` unless these proofs can be spent now, in seconds since the epoch. */
export function requireSpendable(
	vault: Vault,
	spending: Spending,
	now: number,
	{ ignoresLocks = false, ignoresSpent = false }: Leniency,
): Taken {
	const { inputs } = spending;
	const proofs = inputs.map((input) => remembered(vault, input));
	if (new Set(proofs.map(({ Y }) => Y)).size < proofs.length)
		throw new Refusal("sameInput", "a proof stands there twice");
	const keysets = inputs.map((input) => {
		const keyset = known(vault, input.id);
		requireGenuine(vault.primitives, keyset, input);
		return keyset;
	});
	for (const { Y } of proofs) {
		const found = vault.state.get("proofs", Y)?.state;
		if (found === "PENDING")
			throw new Refusal("pending", "a proof is pending in something else");
		if (found === "SPENT" && !ignoresSpent)
			throw new Refusal("spent", "a proof is spent");
	}
	if (!ignoresLocks) requireUnlocked(vault.primitives, spending, now);
	return {
		proofs,
		unit: oneUnit(keysets),
		amount: sumOf(inputs) - feeFor(keysets),
	};
}

/**
 * Throws `Refusal` unless these outputs can be signed, and answers their keysets. Amounts are
 * judged by whoever signs.
 */
export function requireSignable(
	vault: Vault,
	outputs: readonly Pick<Output, "id" | "B_">[],
	unit: string,
): MintKeyset[] {
	return outputs.map(({ id, B_ }) => {
		const keyset = known(vault, id);
		if (!keyset.isActive)
			throw new Refusal("keysetInactive", "an output has an inactive keyset");
		if (keyset.unit !== unit)
			throw new Refusal("units", "inputs and outputs are of several units");
		if (vault.state.get("signatures", B_.toLowerCase()) !== undefined)
			throw new Refusal("signedBefore", "an output was signed before");
		return keyset;
	});
}

export function sumOf(of: readonly { readonly amount: bigint }[]): bigint {
	return of.reduce((sum, { amount }) => sum + amount, 0n);
}

/** Of a proof without a lock the witness says nothing, so it is forgotten. */
function remembered(vault: Vault, { secret, witness }: Input): Spendable {
	const Y = vault.primitives.pointOf(secret);
	return witness !== undefined && claimsToBeLock(secret)
		? { Y, witness }
		: { Y };
}

function known(vault: Vault, id: string): MintKeyset {
	const keyset = vault.keyset(id);
	if (keyset === undefined)
		throw new Refusal("keysetUnknown", "a keyset is not known");
	return keyset;
}

function oneUnit(keysets: readonly MintKeyset[]): string {
	const [unit = "", ...others] = new Set(keysets.map(({ unit }) => unit));
	if (others.length > 0)
		throw new Refusal("units", "the inputs are of several units");
	return unit;
}
