/* The keys of a mint, derived from its seed: nothing of them has to be stored. */
import type { MintPrimitives } from "./primitives.ts";
import { Refusal } from "./refusal.ts";
import type { Input, Output } from "./requests.ts";
import type { MintRows } from "./state.ts";

type KeysetRow = MintRows["keysets"];

/** A keyset with what signs. */
export interface MintKeyset {
	readonly id: string;
	readonly unit: string;
	readonly inputFeePpk: number;
	readonly isActive: boolean;
	/** By amount, hexadecimal. */
	readonly publicKeys: Readonly<Record<string, string>>;
	readonly privateKeys: Readonly<Record<string, Uint8Array>>;
}

/** Powers of two that a keyset has keys for. */
const POWERS = 32;

/** The largest amount of a proof. */
export const LARGEST_AMOUNT: bigint = 2n ** BigInt(POWERS - 1);

interface Keys {
	/** That follows from keys, unit and fee (NUT-02). */
	readonly id: string;
	readonly publicKeys: Readonly<Record<string, string>>;
	readonly privateKeys: Readonly<Record<string, Uint8Array>>;
}

/** Keys of a mint with one seed, each derived once, because that takes some time. */
export class KeyCache {
	readonly #primitives: MintPrimitives;
	readonly #seed: string;
	readonly #derived = new Map<string, Keys>();

	/** `seed` is in hexadecimal. */
	constructor(primitives: MintPrimitives, seed: string) {
		this.#primitives = primitives;
		this.#seed = seed;
	}

	of({ unit, inputFeePpk, label }: Omit<KeysetRow, "isActive">): Keys {
		const from = [this.#seed, "keyset", unit, inputFeePpk, label].join("|");
		let keys = this.#derived.get(from);
		if (keys === undefined) {
			keys = deriveKeys(this.#primitives, from, unit, inputFeePpk);
			this.#derived.set(from, keys);
		}
		return keys;
	}

	/** The id is the one that was announced, whatever the keys are now. */
	keyset(id: string, row: KeysetRow): MintKeyset {
		return { ...row, ...this.of(row), id };
	}
}

/** Each key is a hash, which is a scalar for all that anybody will ever see. */
function deriveKeys(
	primitives: MintPrimitives,
	from: string,
	unit: string,
	inputFeePpk: number,
): Keys {
	const privateKeys: Record<string, Uint8Array> = {};
	const publicKeys: Record<string, string> = {};
	for (let power = 0; power < POWERS; power++) {
		const amount = String(2 ** power);
		const key = primitives.hash(`${from}|${amount}`);
		privateKeys[amount] = key;
		publicKeys[amount] = primitives.publicKey(key);
	}
	const id = primitives.keysetId(publicKeys, unit, inputFeePpk);
	return { id, publicKeys, privateKeys };
}

/** Throws `Refusal` unless the mint signed this proof. */
export function requireGenuine(
	primitives: MintPrimitives,
	keyset: MintKeyset,
	{ amount, secret, C }: Input,
): void {
	const key = keyset.privateKeys[String(amount)];
	if (key === undefined || !primitives.isGenuine(secret, C, key))
		throw new Refusal("proof", "a proof was not signed by this mint");
}

/** Signs a blinded message, and proves that it was this keyset (NUT-12). */
export function sign(
	primitives: MintPrimitives,
	{ id, privateKeys }: MintKeyset,
	{ amount, B_ }: Pick<Output, "amount" | "B_">,
): MintRows["signatures"] {
	const key = privateKeys[String(amount)];
	if (key === undefined)
		throw new Refusal("amount", "there is no key for an amount");
	const signature = primitives.sign(B_, key);
	if (signature === undefined)
		throw new Refusal("request", "a point is not on the curve");
	return { id, amount: String(amount), ...signature };
}

/** NUT-02: thousandths of each input, all together rounded up. */
export function feeFor(keysets: readonly MintKeyset[]): bigint {
	const ppk = keysets.reduce((sum, { inputFeePpk }) => sum + inputFeePpk, 0);
	return BigInt(Math.ceil(ppk / 1000));
}
