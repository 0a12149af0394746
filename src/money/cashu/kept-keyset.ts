/* A keyset as a purse keeps it, so that what it has can be asked about while its mint is away. */
import {
	bool,
	bytes,
	copy,
	type Field,
	list,
	malformed,
	mapped,
	type Structure,
	structure,
	text,
	u64,
} from "../../wire/index.ts";
import { amount, isUnit, MAX_UNIT_LENGTH } from "../documents/index.ts";
import { isKeysetId, type Keyset } from "./keyset.ts";
import {
	LONG_KEYSET_ID_BYTES,
	MAX_FEE_PPK,
	MAX_KEYS,
	POINT,
	SHORT_KEYSET_ID_BYTES,
} from "./limits.ts";

interface Key {
	readonly amount: bigint;
	readonly key: Uint8Array;
}

interface Kept {
	readonly id: Uint8Array;
	readonly unit: string;
	readonly isActive: boolean;
	readonly inputFeePpk: bigint;
	/** In seconds since 1970; zero without one. */
	readonly finalExpiry: bigint;
	readonly keys: readonly Key[];
}

const KEY: Structure<Key> = structure<Key>("a key of a keyset", {
	amount,
	key: POINT,
});

const KEY_FIELD: Field<Key> = mapped(bytes(1, KEY.maxBytes), {
	from: (encoded: Uint8Array) => KEY.decode(encoded),
	to: (key: Key) => copy(KEY.encode(key)),
});

const KEYSET: Structure<Kept> = structure<Kept>("a keyset", {
	id: bytes(SHORT_KEYSET_ID_BYTES, LONG_KEYSET_ID_BYTES),
	unit: text(1, MAX_UNIT_LENGTH),
	isActive: bool,
	inputFeePpk: u64,
	finalExpiry: u64,
	keys: list(KEY_FIELD, 1, MAX_KEYS),
});

/** What `parseKeyset` reads. */
export function encodeKeyset(keyset: Keyset): Uint8Array {
	const { finalExpiry = 0, keys } = keyset;
	return copy(
		KEYSET.encode({
			...keyset,
			finalExpiry: BigInt(finalExpiry),
			keys: [...keys].map(([amount, key]) => ({ amount, key })),
		}),
	);
}

/** Throws `malformed` for what `encodeKeyset` has not written. That the id follows from the keys was checked before it was kept. */
export function parseKeyset(encoded: Uint8Array): Keyset {
	const { id, unit, isActive, inputFeePpk, finalExpiry, keys } =
		KEYSET.decode(encoded);
	const amounts = new Set(keys.map(({ amount }) => amount));
	const isKept =
		isKeysetId(id) &&
		isUnit(unit) &&
		inputFeePpk <= MAX_FEE_PPK &&
		finalExpiry <= Number.MAX_SAFE_INTEGER &&
		amounts.size === keys.length;
	if (!isKept) throw malformed("a keyset that was kept is none");
	return {
		...{ id: copy(id), unit, isActive, inputFeePpk },
		finalExpiry: Number(finalExpiry) || undefined,
		keys: new Map(keys.map(({ amount, key }) => [amount, copy(key)])),
	};
}
