/*
 * Both ways in which a lock is spent: its payee claims it with the goods key, at any time; its payer
 * takes it back, after the deadline by the mint's clock, unless it was claimed. The signatures are
 * over the secrets alone, so they stay good when the outputs have to be others.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { hex, sameBytes, utf8 } from "../../wire/index.ts";
import type { EcashCrypto } from "./ecash-crypto.ts";
import { writeJson } from "./json.ts";
import type { Proof } from "./proof.ts";
import type { Input } from "./requests.ts";
import type { VerifiedLock } from "./verify-lock.ts";

/** What a payee claims a lock with. */
export interface ClaimKeys {
	/** The goods key, 32 bytes: whoever gets the request knows it from then on. */
	readonly key: Uint8Array;
	/** The payee's private key for this contract, 32 bytes. */
	readonly privateKey: Uint8Array;
}

/** The inputs of a claim. Throws `invalid-argument` for a key that does not open this lock, so that none is shown for nothing. */
export function claimInputs(
	crypto: CryptoProvider,
	ecash: EcashCrypto,
	{ proofs, terms }: VerifiedLock,
	{ key, privateKey }: ClaimKeys,
): Input[] {
	if (
		!sameBytes(crypto.sha256(key), terms.keyHash) ||
		!sameBytes(ecash.publicKey(privateKey), terms.payee)
	)
		throw new TetradError(
			"invalid-argument",
			"this key is for another lock than is to be claimed",
		);
	return proofs.map((proof) => signed(ecash, proof, privateKey, hex(key)));
}

/**
 * The inputs with which a payer takes a lock back. The preimage is there and empty, because some
 * mints read no witness of a lock by a hash without one.
 */
export function refundInputs(
	ecash: EcashCrypto,
	proofs: readonly Proof[],
	privateKey: Uint8Array,
): Input[] {
	return proofs.map((proof) => signed(ecash, proof, privateKey, ""));
}

function signed(
	ecash: EcashCrypto,
	proof: Proof,
	privateKey: Uint8Array,
	preimage: string,
): Input {
	const signature = ecash.sign(utf8(proof.secret), privateKey);
	const witness = writeJson({ preimage, signatures: [hex(signature)] });
	return { ...proof, witness };
}

/** Y of proofs, by which a mint tells their states. */
export function pointsOf(
	ecash: EcashCrypto,
	proofs: readonly Pick<Proof, "secret">[],
): Uint8Array[] {
	return proofs.map(({ secret }) => ecash.hashToCurve(utf8(secret)));
}
