/*
 * What a mint computes. A simulator that replaces cryptography gives its own; points, keys,
 * signatures and hashes are in hexadecimal digits, as they stand in requests.
 */
import {
	computeMessageDigest,
	createBlindSignature,
	createDLEQProof,
	deriveKeysetId,
	getPubKeyFromPrivKey,
	getValidSigners,
	hashToCurve,
	pointFromHex,
	verifyHTLCHash,
	verifyUnblindedSignature,
} from "@cashu/cashu-ts";
import { hex, utf8 } from "../wire/index.ts";

export interface MintPrimitives {
	/** SHA-256 of a text: 32 bytes, which may also be a private key. */
	hash(text: string): Uint8Array;
	publicKey(privateKey: Uint8Array): string;
	/** That follows from public keys by amount, unit and fee (NUT-02). */
	keysetId(
		publicKeys: Readonly<Record<string, string>>,
		unit: string,
		inputFeePpk: number,
	): string;
	/** Y of a secret (NUT-00). */
	pointOf(secret: string): string;
	/** Whether C is what this key makes of a secret; not when it is no point. */
	isGenuine(secret: string, C: string, privateKey: Uint8Array): boolean;
	/** What this key makes of a blinded message, with the proof of it (NUT-12); `undefined` when it is no point. */
	sign(
		B_: string,
		privateKey: Uint8Array,
	):
		| {
				readonly C_: string;
				readonly dleq: { readonly e: string; readonly s: string };
		  }
		| undefined;
	/** Whether 32 bytes have this SHA-256. */
	isPreimage(preimage: string, hash: string): boolean;
	/** How many of these keys have signed a message, each counted once; what is no key has not. */
	signersOf(
		message: string,
		signatures: readonly string[],
		publicKeys: readonly string[],
	): number;
}

/** On the library that wallets of Cashu use. */
export const CASHU_PRIMITIVES: MintPrimitives = {
	hash: (text) => computeMessageDigest(text),
	publicKey: (privateKey) => hex(getPubKeyFromPrivKey(privateKey)),
	keysetId: (publicKeys, unit, inputFeePpk) =>
		deriveKeysetId(publicKeys, { unit, input_fee_ppk: inputFeePpk }),
	pointOf: (secret) => hashToCurve(utf8(secret)).toHex(true),
	isGenuine(secret, text, privateKey) {
		const C = pointIn(text);
		const proof = C && { id: "", secret: utf8(secret), C };
		return proof !== undefined && verifyUnblindedSignature(proof, privateKey);
	},
	sign(text, privateKey) {
		const B_ = pointIn(text);
		if (B_ === undefined) return undefined;
		const { C_ } = createBlindSignature(B_, privateKey, "");
		const { e, s } = createDLEQProof(B_, privateKey);
		return { C_: C_.toHex(true), dleq: { e: hex(e), s: hex(s) } };
	},
	isPreimage: verifyHTLCHash,
	signersOf: (message, signatures, publicKeys) =>
		getValidSigners([...signatures], message, [...publicKeys]).length,
};

function pointIn(text: string): ReturnType<typeof pointFromHex> | undefined {
	try {
		return pointFromHex(text.toLowerCase());
	} catch {
		return undefined;
	}
}
