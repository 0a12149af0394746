/* A mint that signs what it is asked to, for tests of those who ask. It keeps no books. */
import { createHash } from "node:crypto";
import {
	createBlindSignature,
	createDLEQProof,
	getPubKeyFromPrivKey,
	pointFromBytes,
} from "@cashu/cashu-ts";
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
import { loadEcash } from "../../../src/provider/index.ts";
import { hex, utf8 } from "../../../src/wire/index.ts";

export const ecash: EcashCrypto = loadEcash();
export const crypto: CryptoProvider = nodeCrypto;

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
}

/** One keyset, and the private keys that are behind it. */
export class TestKeyset {
	readonly keyset: Keyset;
	readonly #privateKeys = new Map<bigint, Uint8Array>();

	constructor({
		name = "a keyset",
		version = 1,
		unit = "sat",
		inputFeePpk = 0n,
		finalExpiry,
		isActive = true,
		powers = 20,
	}: KeysetOptions = {}) {
		const keys = new Map<bigint, Uint8Array>();
		for (let i = 0n; i < powers; i++) {
			const privateKey = hash(`${name} ${i}`);
			this.#privateKeys.set(2n ** i, privateKey);
			keys.set(2n ** i, getPubKeyFromPrivKey(privateKey));
		}
		const said = { unit, inputFeePpk, finalExpiry, isActive, keys };
		const id = deriveKeysetId(crypto, { ...said, id: Uint8Array.of(version) });
		this.keyset = { ...said, id };
	}

	sign(amount: bigint, blinded: Uint8Array): WrittenSignature {
		const privateKey = this.#privateKeys.get(amount);
		if (privateKey === undefined) throw new Error(`no key for ${amount}`);
		const point = pointFromBytes(blinded);
		const id = hex(this.keyset.id);
		const { C_ } = createBlindSignature(point, privateKey, id);
		const { e, s } = createDLEQProof(point, privateKey);
		return {
			id,
			amount: Number(amount),
			C_: C_.toHex(true),
			dleq: { e: hex(e), s: hex(s) },
		};
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
			ecash,
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
