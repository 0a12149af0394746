/* Proofs, which are the money of a mint, in the forms in which they are kept, carried and sent. */

import {
	bytes,
	type Field,
	list,
	malformed,
	mapped,
	optional,
	row,
	type Structure,
	sameBytes,
	structure,
	text,
} from "../../wire/index.ts";
import { amount, sumAmounts } from "../documents/index.ts";
import type { CarriedDleq } from "./ecash-crypto.ts";
import { isKeysetId } from "./keyset.ts";
import {
	LONG_KEYSET_ID_BYTES,
	MAX_INPUTS,
	MAX_LOCK_PROOFS,
	MAX_SECRET_BYTES,
	POINT,
	SCALAR,
	SHORT_KEYSET_ID_BYTES,
} from "./limits.ts";

/** Money: a secret, and a mint's signature on it (NUT-00). */
export interface Proof {
	readonly keyset: Uint8Array;
	readonly amount: bigint;
	/** The very text that was signed. */
	readonly secret: string;
	/** C, 33 bytes. */
	readonly signature: Uint8Array;
	/** What shows without the mint that it signed, where it did not keep that to itself. */
	readonly dleq: CarriedDleq | undefined;
}

/** One that shows that its mint signed. */
export interface ProvenProof extends Proof {
	readonly dleq: CarriedDleq;
}

const KEYSET: Field<Uint8Array> = mapped(
	bytes(SHORT_KEYSET_ID_BYTES, LONG_KEYSET_ID_BYTES),
	{
		from(id) {
			if (!isKeysetId(id)) throw malformed("a proof is of no keyset");
			return id;
		},
		to: (id) => id,
	},
);

const DLEQ: Field<CarriedDleq> = row<CarriedDleq>({
	e: SCALAR,
	s: SCALAR,
	r: SCALAR,
});

const SECRET: Field<string> = text(1, MAX_SECRET_BYTES);

const PROOF: Structure<Proof> = structure<Proof>("a proof", {
	keyset: KEYSET,
	amount,
	secret: SECRET,
	signature: POINT,
	dleq: optional(DLEQ),
});

const PROVEN: Structure<ProvenProof> = structure<ProvenProof>(
	"a proof that shows its mint",
	{
		keyset: KEYSET,
		amount,
		secret: SECRET,
		signature: POINT,
		dleq: DLEQ,
	},
);

/** `enc` of them, one after another. */
function manyOf<Of>(item: Structure<Of>, max: number): Field<readonly Of[]> {
	const one: Field<Of> = mapped(bytes(1, item.maxBytes), {
		from: item.decode,
		to: item.encode,
	});
	return list(one, 1, max);
}

const PROOFS: Structure<{ readonly proofs: readonly Proof[] }> = structure<{
	readonly proofs: readonly Proof[];
}>("proofs", { proofs: manyOf(PROOF, MAX_INPUTS) });

const LOCK: Structure<{ readonly proofs: readonly ProvenProof[] }> = structure<{
	readonly proofs: readonly ProvenProof[];
}>("a lock", { proofs: manyOf(PROVEN, MAX_LOCK_PROOFS) });

/** Proofs as a purse keeps them. Throws `invalid-argument` for more than `MAX_INPUTS`. */
export function encodeProofs(proofs: readonly Proof[]): Uint8Array {
	return new Uint8Array(PROOFS.encode({ proofs }));
}

/** Throws `malformed`. Bytes in them are views. */
export function parseProofs(encoded: Uint8Array): readonly Proof[] {
	return PROOFS.decode(encoded).proofs;
}

/** The largest encoded lock, in bytes. */
export const MAX_LOCK_BYTES: number = LOCK.maxBytes;

/** The proofs of a lock as a payer gives them to a payee. Throws `invalid-argument` for more than `MAX_LOCK_PROOFS`. */
export function encodeLock(proofs: readonly ProvenProof[]): Uint8Array {
	return new Uint8Array(LOCK.encode({ proofs }));
}

/** Throws `malformed`, also for a proof that does not show that its mint signed. Bytes in them are views, and nothing in them is checked. */
export function parseLock(encoded: Uint8Array): readonly ProvenProof[] {
	if (encoded.length > MAX_LOCK_BYTES) throw malformed("a lock is too long");
	return LOCK.decode(encoded).proofs;
}

/** What proofs are worth together. Throws `invalid-argument` beyond 2^63 − 1. */
export function sumOf(proofs: Iterable<Pick<Proof, "amount">>): bigint {
	return sumAmounts([...proofs].map((proof) => proof.amount));
}

/** Whether a proof shows that its mint signed. */
export function isProven(proof: Proof): proof is ProvenProof {
	return proof.dleq !== undefined;
}

export function isSameProof(a: Proof, b: Proof): boolean {
	return a.secret === b.secret && sameBytes(a.signature, b.signature);
}
