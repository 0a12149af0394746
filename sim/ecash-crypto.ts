/*
 * What stands in for secp256k1 in simulated worlds: a group of the same order, in which a point
 * shows the number that it is of. All equations, of blind signatures, of the proofs of them and of
 * Schnorr signatures, are those of the NUTs, and cost a few multiplications; so what is altered
 * fails as it would. Whoever knows this file can compute every private key; nobody in a simulated
 * world does.
 */
import type { CryptoProvider } from "../src/crypto/index.ts";
import {
	CASHU_PRIMITIVES,
	type MintPrimitives,
} from "../src/mint/primitives.ts";
import { deriveKeysetId, type EcashCrypto } from "../src/money/cashu/index.ts";
import { loadEcash } from "../src/provider/index.ts";
import { concat, enc, hex, sameBytes, utf8 } from "../src/wire/index.ts";

/** What purses and mints of one world compute with. */
export interface EcashCryptography {
	readonly purse: EcashCrypto;
	readonly mint: MintPrimitives;
}

/** On the library that wallets of Cashu use. */
export function realEcash(): EcashCryptography {
	return { purse: loadEcash(), mint: CASHU_PRIMITIVES };
}

/** The order of secp256k1 (SEC 2, 2.4.1). */
const ORDER =
	0xffff_ffff_ffff_ffff_ffff_ffff_ffff_fffe_baae_dce6_af48_a03b_bfd2_5e8c_d036_4141n;
const HALF: bigint = (ORDER - 1n) / 2n;

const POINT_BYTES = 33;
const SCALAR_BYTES = 32;

/** With the hash that stands in for SHA-256. */
export function standInEcash(
	crypto: Pick<CryptoProvider, "sha256">,
): EcashCryptography {
	/** A number of 1 to n − 1. */
	const scalarOf = (...parts: readonly Uint8Array[]): bigint =>
		(numberOf(crypto.sha256(enc(...parts))) % (ORDER - 1n)) + 1n;
	const curve = (secret: Uint8Array) => scalarOf(utf8("curve"), secret);
	const challenge = (...points: readonly bigint[]) =>
		scalarOf(utf8("challenge"), ...points.map(pointOf));
	const isProof = (
		e: Uint8Array,
		s: Uint8Array,
		blinded: bigint,
		signature: bigint,
		key: bigint,
	): boolean => {
		const [given, answer] = [numberOf(e), numberOf(s)];
		const one = answer - given * key;
		const other = answer * blinded - given * signature;
		return challenge(one, other, key, signature) === given;
	};
	const prove = (blinded: bigint, key: bigint) => {
		const nonce = scalarOf(utf8("nonce"), pointOf(blinded), scalarBytes(key));
		const e = challenge(nonce, nonce * blinded, key, key * blinded);
		return { e: scalarBytes(e), s: scalarBytes(nonce + e * key) };
	};
	const purse: EcashCrypto = {
		isPoint: (bytes) => inPoint(bytes) !== undefined,
		hashToCurve: (secret) => pointOf(curve(secret)),
		blind: (secret, factor) => pointOf(curve(secret) + numberOf(factor)),
		unblind(signature, factor, mintKey) {
			const [signed, key] = [inPoint(signature), inPoint(mintKey)];
			if (signed === undefined || key === undefined) return undefined;
			return pointOf(signed - numberOf(factor) * key);
		},
		verifyDleq({ e, s }, blinded, signature, mintKey) {
			const points = [inPoint(blinded), inPoint(signature), inPoint(mintKey)];
			const [b, c, k] = points;
			if (b === undefined || c === undefined || k === undefined) return false;
			return isProof(e, s, b, c, k);
		},
		verifyCarriedDleq({ e, s, r }, secret, signature, mintKey) {
			const [c, k] = [inPoint(signature), inPoint(mintKey)];
			if (c === undefined || k === undefined) return false;
			const factor = numberOf(r);
			return isProof(e, s, curve(secret) + factor, c + factor * k, k);
		},
		derive(seed, keyset, counter) {
			const place = [seed, keyset, utf8(String(counter))];
			return {
				secret: crypto.sha256(enc(utf8("secret"), ...place)),
				factor: scalarBytes(scalarOf(utf8("factor"), ...place)),
			};
		},
		publicKey: (privateKey) => pointOf(numberOf(privateKey)),
		addToPublicKey(publicKey, tweak) {
			const point = inPoint(publicKey);
			const sum = point === undefined ? 0n : inField(point + numberOf(tweak));
			return sum === 0n ? undefined : pointOf(sum);
		},
		addToPrivateKey: (privateKey, tweak) =>
			scalarBytes(numberOf(privateKey) + numberOf(tweak)),
		sign(message, privateKey) {
			const key = even(numberOf(privateKey));
			const nonce = even(scalarOf(utf8("signing"), message, scalarBytes(key)));
			const e = scalarOf(
				utf8("signed"),
				scalarBytes(nonce),
				scalarBytes(key),
				message,
			);
			return concat(scalarBytes(nonce), scalarBytes(nonce + e * key));
		},
		verify(message, signature, publicKey) {
			const point = inPoint(publicKey);
			if (point === undefined || signature.length !== 2 * SCALAR_BYTES)
				return false;
			const key = even(point);
			const nonce = signature.subarray(0, SCALAR_BYTES);
			const answer = numberOf(signature.subarray(SCALAR_BYTES));
			const e = scalarOf(utf8("signed"), nonce, scalarBytes(key), message);
			return inField(answer - e * key) === numberOf(nonce);
		},
	};
	const isSignedBy = (message: string, signature: string, key: string) =>
		purse.verify(utf8(message), bytesOf(signature), bytesOf(key));
	const mint: MintPrimitives = {
		// It may be a private key.
		hash: (text) => scalarBytes(scalarOf(utf8("text"), utf8(text))),
		publicKey: (privateKey) => hex(purse.publicKey(privateKey)),
		keysetId: (publicKeys, unit, inputFeePpk) =>
			hex(
				deriveKeysetId(crypto as CryptoProvider, {
					...{ id: Uint8Array.of(1), unit, inputFeePpk: BigInt(inputFeePpk) },
					finalExpiry: undefined,
					keys: new Map(
						Object.entries(publicKeys).map(([amount, key]) => [
							BigInt(amount),
							bytesOf(key),
						]),
					),
				}),
			),
		pointOf: (secret) => hex(purse.hashToCurve(utf8(secret))),
		isGenuine: (secret, C, privateKey) =>
			inPoint(bytesOf(C)) ===
			inField(curve(utf8(secret)) * numberOf(privateKey)),
		sign(B_, privateKey) {
			const blinded = inPoint(bytesOf(B_));
			if (blinded === undefined) return undefined;
			const key = numberOf(privateKey);
			const { e, s } = prove(blinded, key);
			return {
				C_: hex(pointOf(blinded * key)),
				dleq: { e: hex(e), s: hex(s) },
			};
		},
		isPreimage: (preimage, hash) =>
			sameBytes(crypto.sha256(bytesOf(preimage)), bytesOf(hash)),
		signersOf: (message, signatures, publicKeys) =>
			publicKeys.filter((key) =>
				signatures.some((signature) => isSignedBy(message, signature, key)),
			).length,
	};
	return { purse, mint };
}

function inField(value: bigint): bigint {
	const rest = value % ORDER;
	return rest < 0n ? rest + ORDER : rest;
}

/** Of a number and its opposite, whose points have one x, the smaller one. */
function even(value: bigint): bigint {
	const inside = inField(value);
	return inside > HALF ? ORDER - inside : inside;
}

function pointOf(value: bigint): Uint8Array {
	const inside = inField(value);
	const sign = inside > HALF ? 3 : 2;
	return concat(Uint8Array.of(sign), scalarBytes(even(inside)));
}

function inPoint(bytes: Uint8Array): bigint | undefined {
	const [sign] = bytes;
	if (bytes.length !== POINT_BYTES || (sign !== 2 && sign !== 3))
		return undefined;
	const value = numberOf(bytes.subarray(1));
	if (value === 0n || value > HALF) return undefined;
	return sign === 2 ? value : ORDER - value;
}

function numberOf(bytes: Uint8Array): bigint {
	return BigInt(`0x${hex(bytes)}`);
}

function scalarBytes(value: bigint): Uint8Array {
	return bytesOf(
		inField(value)
			.toString(16)
			.padStart(2 * SCALAR_BYTES, "0"),
	);
}

function bytesOf(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
