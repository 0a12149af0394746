/*
 * Modules that lie about locks of ecash. A payer gives another lock than its contract says, well
 * made and signed by the mint, for money that it has brought from elsewhere; a payee denies what it
 * has claimed, or gives a wrong key for it.
 */
import {
	encodeLock,
	inOrder,
	type LockTerms,
	lockDeadline,
	makeLockOutputs,
	type Output,
	type ProvenProof,
	payeeKey,
	planLock,
} from "../src/money/cashu/index.ts";
import { ABOUT_LOCKS } from "../src/money/documents/index.ts";
import { messages } from "../src/money/index.ts";
import {
	type Contract,
	parseContract,
	parsePurchaseTerms,
} from "../src/trade/documents/index.ts";
import { atMintOf } from "../src/trade/module/at-mint.ts";
import { copy, hex, utf8 } from "../src/wire/index.ts";
import type { Liar, Lie } from "./lies.ts";

const { BETWEEN_MODULES, body, message } = messages;

/** How a lock is another than it has to be. */
interface Other {
	readonly terms?: (terms: LockTerms, liar: Liar) => Partial<LockTerms>;
	/** What is taken off the price. */
	readonly less?: bigint;
	readonly proofs?: (proof: ProvenProof) => ProvenProof;
}

function otherLock(other: Other): Lie {
	return {
		by: "buyer-module",
		says(liar, to, bytes) {
			if (to !== "module" || bytes[0] !== ABOUT_LOCKS.lock.type) return [bytes];
			const said = body(ABOUT_LOCKS.lock, copy(bytes));
			const name = `lock ${hex(said.contract)} ${hex(liar.random(4))}`;
			const { crypto } = liar.device;
			const document = parsePurchaseTerms(copy(said.terms)).contract;
			const proofs = made(liar, parseContract(crypto, document), name, other);
			if (proofs === undefined) return [bytes];
			const lock = encodeLock(proofs);
			liar.forbid({ id: lock, as: "ecash_sold" });
			return [message(ABOUT_LOCKS.lock, { ...said, lock })];
		},
	};
}

/** Nothing where the mint signs nothing now, or the price is too small for the lie. */
function made(
	liar: Liar,
	contract: Contract,
	name: string,
	{ terms = () => ({}), less = 0n, proofs = (proof) => proof }: Other,
): readonly ProvenProof[] | undefined {
	const { world, crypto } = liar.device;
	const { ecash } = world.mints;
	const mint = world.mints.of(contract.issuer);
	const at = atMintOf(contract);
	const price = contract.amount - less;
	if (ecash === undefined || mint === undefined || at === undefined)
		return undefined;
	if (price <= 0n) return undefined;
	const seed = crypto.sha256(utf8(name));
	const right: LockTerms = {
		keyHash: contract.keyHash,
		payee: payeeKey(crypto, ecash.purse, at.payeeKey, at.termsHash),
		deadline: lockDeadline(at.bookBy),
		refund: ecash.purse.publicKey(seed),
		contract: contract.hash,
		binding: at.binding,
	};
	const signed = mint.issue((keyset): readonly Output[] =>
		inOrder(
			makeLockOutputs(
				ecash.purse,
				{ seed, keyset: keyset.id, counter: 0 },
				planLock(keyset, price).amounts,
				{ ...right, ...terms(right, liar) },
			),
		),
	);
	return signed?.map(proofs);
}

function flipped(bytes: Uint8Array): Uint8Array {
	const other = copy(bytes);
	other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
	return other;
}

type LockClaimed = Parameters<typeof ABOUT_LOCKS.lockClaimed.body.encode>[0];

/** A payee that has claimed a lock. */
function otherClaim(alter: (said: LockClaimed) => readonly Uint8Array[]): Lie {
	return {
		by: "merchant-module",
		says: (_, to, bytes) =>
			to === "module" && bytes[0] === ABOUT_LOCKS.lockClaimed.type
				? alter(body(ABOUT_LOCKS.lockClaimed, copy(bytes)))
				: [bytes],
	};
}

/** By the names that plans have for them. */
export const LOCK_LIES: Readonly<Record<string, Lie>> = {
	"a lock for another hash": otherLock({
		terms: ({ keyHash }) => ({ keyHash: flipped(keyHash) }),
	}),
	"a lock that runs out": otherLock({
		terms: ({ deadline }) => ({ deadline: deadline - 86_400 }),
	}),
	"a lock of less": otherLock({ less: 1n }),
	"a lock of another tetrad": otherLock({
		terms: (_, liar) => ({ binding: liar.random(32) }),
	}),
	"a lock for another contract": otherLock({
		terms: (_, liar) => ({ contract: liar.random(32) }),
	}),
	"a lock to another key": otherLock({
		terms: ({ refund }) => ({ payee: refund }),
	}),
	"a lock of an unknown keyset": otherLock({
		proofs: (proof) => ({ ...proof, keyset: flipped(proof.keyset) }),
	}),
	"a lock that nobody signed": otherLock({
		proofs: (proof) => ({ ...proof, signature: opposite(proof.signature) }),
	}),
	"a wrong key of a lock": otherClaim((said) => [
		message(ABOUT_LOCKS.lockClaimed, { ...said, key: flipped(said.key) }),
	]),
	"a lock denied": otherClaim(({ contract }) => [
		message(BETWEEN_MODULES.refused, {
			...{ contract, code: "payment-refused", reason: "nothing came" },
		}),
	]),
	"silence about a lock": otherClaim(() => []),
};

/** The other point with the same x. */
function opposite(point: Uint8Array): Uint8Array {
	const other = copy(point);
	other[0] = (other[0] ?? 0) ^ 1;
	return other;
}
