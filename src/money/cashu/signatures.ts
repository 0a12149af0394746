/* What a mint has signed, and the proofs that come of it. */
import { TetradError } from "../../errors.ts";
import { hex, malformed, sameBytes } from "../../wire/index.ts";
import type { Dleq, EcashCrypto } from "./ecash-crypto.ts";
import {
	array,
	asObject,
	hexBytes,
	integer,
	object,
	optionally,
} from "./fields.ts";
import { type Json, parseJson } from "./json.ts";
import { type KnownKeysets, keysetId } from "./keyset.ts";
import {
	MAX_OUTPUTS,
	MAX_PROOF_AMOUNT,
	POINT_BYTES,
	SCALAR_BYTES,
} from "./limits.ts";
import type { Output } from "./output.ts";
import type { Proof, ProvenProof } from "./proof.ts";
import { requireSize } from "./size.ts";

/** A blind signature as it was read (NUT-00). */
export interface BlindSignature {
	readonly keyset: Uint8Array;
	readonly amount: bigint;
	/** C_, 33 bytes. */
	readonly signature: Uint8Array;
	readonly dleq: Dleq | undefined;
}

/** A signature that was made before, and the output that it was made on (NUT-09). */
export interface RestoredSignature extends BlindSignature {
	/** B_, 33 bytes. */
	readonly blinded: Uint8Array;
}

/** Reads the answer of a swap (NUT-03) or of minting (NUT-04). Throws `malformed` and `limit-exceeded`. */
export function parseSignatures(answer: Uint8Array): BlindSignature[] {
	requireSize(answer);
	const of = asObject(parseJson(answer), "the answer");
	return array(of, "signatures", MAX_OUTPUTS, readSignature);
}

/** Reads the answer of a restore: signatures for some of the outputs that were asked for. Throws `malformed` and `limit-exceeded`. */
export function parseRestored(answer: Uint8Array): RestoredSignature[] {
	requireSize(answer);
	const of = asObject(parseJson(answer), "the answer");
	const outputs = array(of, "outputs", MAX_OUTPUTS, (item) =>
		hexBytes(asObject(item, "an output"), "B_", POINT_BYTES),
	);
	const signatures = array(of, "signatures", MAX_OUTPUTS, readSignature);
	if (outputs.length !== signatures.length)
		throw malformed(
			"the mint restores as many outputs as it has no signatures for",
		);
	return signatures.map((signature, i) => ({
		...signature,
		blinded: outputs[i] as Uint8Array,
	}));
}

/** Reads one signature, also among the change of a melt. */
export function readSignature(item: Json): BlindSignature {
	const of = asObject(item, "a signature");
	return {
		keyset: keysetId(of, "id"),
		amount: integer(of, "amount", MAX_PROOF_AMOUNT),
		signature: hexBytes(of, "C_", POINT_BYTES),
		dleq: optionally(of, "dleq", (one, name) => {
			const dleq = object(one, name);
			return {
				e: hexBytes(dleq, "e", SCALAR_BYTES),
				s: hexBytes(dleq, "s", SCALAR_BYTES),
			};
		}),
	};
}

/**
 * The proofs that a mint made of outputs, in their order. Throws `malformed` when it signed others,
 * more or fewer, and `authentication-failed` when a signature does not show that it is by the key
 * of its keyset (NUT-12): such a proof might be worth nothing, and nobody would take it.
 */
export function unblindAll(
	ecash: EcashCrypto,
	keysets: KnownKeysets,
	outputs: readonly Output[],
	signatures: readonly BlindSignature[],
): ProvenProof[] {
	if (signatures.length !== outputs.length)
		throw malformed(
			`the mint signed ${signatures.length} outputs, and not ${outputs.length}`,
		);
	return outputs.map((output, i) => {
		const signature = signatures[i] as BlindSignature;
		requireFor(output, signature);
		return unblind(ecash, keysets, output, signature);
	});
}

/** The same for the change of a melt: the mint fills as many blank outputs as it needs, from the first (NUT-08). */
export function unblindChange(
	ecash: EcashCrypto,
	keysets: KnownKeysets,
	blanks: readonly Output[],
	change: readonly BlindSignature[],
): ProvenProof[] {
	if (change.length > blanks.length)
		throw malformed("the mint gives more change than there were outputs for");
	return change.map((signature, i) =>
		unblind(ecash, keysets, blanks[i] as Output, signature),
	);
}

/**
 * The same for what was restored: of each output either its proof or `undefined`, in the order of
 * the outputs. `blanks` are outputs that the mint gave an amount. Signatures on outputs that nobody
 * asked for are `malformed`, and so are two on one. One without a proof of equality is taken,
 * because not all mints keep them; it cannot be part of a lock.
 */
export function unblindRestored(
	ecash: EcashCrypto,
	keysets: KnownKeysets,
	outputs: readonly Output[],
	restored: readonly RestoredSignature[],
	kind: "outputs" | "blanks",
): (Proof | undefined)[] {
	const byBlinded = new Map<string, RestoredSignature>();
	const asked = new Set(outputs.map(({ blinded }) => hex(blinded)));
	for (const one of restored) {
		const name = hex(one.blinded);
		if (!asked.delete(name))
			throw malformed("the mint restores what it was not asked for");
		byBlinded.set(name, one);
	}
	return outputs.map((output) => {
		const signature = byBlinded.get(hex(output.blinded));
		if (signature === undefined) return undefined;
		if (kind === "outputs") requireFor(output, signature);
		return signature.dleq === undefined
			? unproven(ecash, keysets, output, signature)
			: unblind(ecash, keysets, output, signature);
	});
}

function requireFor(output: Output, { keyset, amount }: BlindSignature): void {
	if (!sameBytes(keyset, output.keyset) || amount !== output.amount)
		throw malformed(
			"the mint signed another amount or keyset than it was asked for",
		);
}

function unblind(
	ecash: EcashCrypto,
	keysets: KnownKeysets,
	output: Output,
	signature: BlindSignature,
): ProvenProof {
	const { dleq } = signature;
	const mintKey = keysets.key(signature.keyset, signature.amount);
	if (
		dleq === undefined ||
		!ecash.verifyDleq(dleq, output.blinded, signature.signature, mintKey)
	)
		throw new TetradError(
			"authentication-failed",
			`the mint does not show that it signed with the key of its keyset ${hex(signature.keyset)}`,
		);
	return {
		...unproven(ecash, keysets, output, signature),
		dleq: { ...dleq, r: output.factor },
	};
}

function unproven(
	ecash: EcashCrypto,
	keysets: KnownKeysets,
	{ secret, factor, keyset: asked }: Output,
	{ keyset, amount, signature }: BlindSignature,
): Proof {
	if (amount === 0n || !sameBytes(keyset, asked))
		throw malformed("the mint signed nothing, or in another keyset");
	const mintKey = keysets.key(keyset, amount);
	const unblinded = ecash.unblind(signature, factor, mintKey);
	if (unblinded === undefined)
		throw malformed("the mint's signature is no point");
	return { keyset, amount, secret, signature: unblinded, dleq: undefined };
}
