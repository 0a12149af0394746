/* A mint that signs what it is asked to, for tests of those who ask. It keeps no books. */
import { createHash } from "node:crypto";
import {
	type EcashCryptography,
	realEcash,
	standInEcash,
} from "../../../sim/ecash-crypto.ts";
import { type CryptoProvider, nodeCrypto } from "../../../src/crypto/index.ts";
import {
	deriveKeysetId,
	type EcashCrypto,
	type Keyset,
	KnownKeysets,
	type Output,
	type ProvenProof,
	parseSignatures,
	unblindAll,
} from "../../../src/money/cashu/index.ts";
import { hex, utf8 } from "../../../src/wire/index.ts";

export const crypto: CryptoProvider = nodeCrypto;

const REAL = realEcash();
export const ecash: EcashCrypto = REAL.purse;

/** For tests of many proofs that are not about the curve: its equations are the same, and it costs next to nothing. */
export const STAND_IN: EcashCryptography = standInEcash(crypto);

/** The members of a signature in JSON. */
export interface WrittenSignature {
	readonly id: string;
	readonly amount: number;
	readonly C_: string;
	readonly dleq: { readonly e: string; readonly s: string };
}

export interface KeysetOptions {
	/** What keys follow from. */
	readonly name?: string;
	readonly version?: 0 | 1;
	readonly unit?: string;
	readonly inputFeePpk?: bigint;
	readonly finalExpiry?: number;
	readonly isActive?: boolean;
	/** How many powers of two there are keys for. */
	readonly powers?: number;
	/** What it computes with; secp256k1 unless it is given. */
	readonly cryptography?: EcashCryptography;
}

/** One keyset, and the private keys that are behind it. */
export class TestKeyset {
	readonly keyset: Keyset;
	readonly #cryptography: EcashCryptography;
	readonly #privateKeys = new Map<bigint, Uint8Array>();

	constructor({
		name = "a keyset",
		version = 1,
		unit = "sat",
		inputFeePpk = 0n,
		finalExpiry,
		isActive = true,
		powers = 20,
		cryptography = REAL,
	}: KeysetOptions = {}) {
		this.#cryptography = cryptography;
		const keys = new Map<bigint, Uint8Array>();
		for (let i = 0n; i < powers; i++) {
			const privateKey = hash(`${name} ${i}`);
			this.#privateKeys.set(2n ** i, privateKey);
			keys.set(2n ** i, cryptography.purse.publicKey(privateKey));
		}
		const said = { unit, inputFeePpk, finalExpiry, isActive, keys };
		const id = deriveKeysetId(crypto, { ...said, id: Uint8Array.of(version) });
		this.keyset = { ...said, id };
	}

	sign(amount: bigint, blinded: Uint8Array): WrittenSignature {
		const privateKey = this.#privateKeys.get(amount);
		if (privateKey === undefined) throw new Error(`no key for ${amount}`);
		const signed = this.#cryptography.mint.sign(hex(blinded), privateKey);
		if (signed === undefined) throw new Error("it is asked to sign no point");
		return { id: hex(this.keyset.id), amount: Number(amount), ...signed };
	}

	/** The answer to a swap that asks for these. */
	answer(outputs: readonly Output[]): Uint8Array {
		return json({
			signatures: outputs.map(({ amount, blinded }) =>
				this.sign(amount, blinded),
			),
		});
	}

	/** Proofs of these outputs. */
	proofs(outputs: readonly Output[]): ProvenProof[] {
		return unblindAll(
			this.#cryptography.purse,
			new KnownKeysets([this.keyset]),
			outputs,
			parseSignatures(this.answer(outputs)),
		);
	}

	/** Its members in JSON. */
	written(): Record<string, unknown> {
		const { id, unit, isActive, inputFeePpk, finalExpiry, keys } = this.keyset;
		return {
			id: hex(id),
			unit,
			active: isActive,
			input_fee_ppk: Number(inputFeePpk),
			final_expiry: finalExpiry ?? null,
			keys: Object.fromEntries(
				[...keys].map(([amount, key]) => [`${amount}`, hex(key)]),
			),
		};
	}
}

/** 32 bytes that follow from a text. */
export function hash(text: string): Uint8Array {
	return new Uint8Array(createHash("sha256").update(text).digest());
}

export function json(value: unknown): Uint8Array {
	return utf8(JSON.stringify(value));
}

export function bytesOf(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
