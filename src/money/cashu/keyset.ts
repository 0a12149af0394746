/*
 * Keysets: the keys with which a mint signs, one for each amount (NUT-01), and what it says of them
 * (NUT-02). The id of a keyset follows from its keys, so a mint that swaps its keys has another.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { concat, hex, malformed, sameBytes, utf8 } from "../../wire/index.ts";
import { isUnit, MAX_UNIT_LENGTH } from "../documents/index.ts";
import type { EcashCrypto } from "./ecash-crypto.ts";
import {
	array,
	asObject,
	fromHex,
	hexBytes,
	integer,
	object,
	optionally,
	seconds,
	text,
	truth,
} from "./fields.ts";
import { type JsonObject, parseJson } from "./json.ts";
import {
	LONG_KEYSET_ID_BYTES,
	MAX_FEE_PPK,
	MAX_KEYS,
	MAX_KEYSETS,
	MAX_PROOF_AMOUNT,
	POINT_BYTES,
	SHORT_KEYSET_ID_BYTES,
} from "./limits.ts";
import { requireSize } from "./size.ts";

/** What a mint says of a keyset (NUT-02). */
export interface KeysetNotice {
	/** 8 bytes of version 00, or 33 of version 01. */
	readonly id: Uint8Array;
	readonly unit: string;
	/** Whether the mint signs with it; one that is not active is still taken as input. */
	readonly isActive: boolean;
	/** What an input of it costs, in thousandths of the unit. */
	readonly inputFeePpk: bigint;
	/** From when on the mint owes nothing for it, in seconds since 1970. */
	readonly finalExpiry: number | undefined;
}

/** The same with its keys, by amount, from the smallest: one that has the id that follows from them. */
export interface Keyset extends KeysetNotice {
	readonly keys: ReadonlyMap<bigint, Uint8Array>;
}

/** Reads the answer of `GET /v1/keysets`. Keysets of a version or a unit that we do not know are left out. Throws `malformed` and `limit-exceeded`. */
export function parseKeysets(answer: Uint8Array): KeysetNotice[] {
	return keysetsOf(answer).flatMap((of) => readNotice(of) ?? []);
}

/**
 * Reads the answer of `GET /v1/keys` or `GET /v1/keys/{id}`. Keysets of a version or a unit that we
 * do not know are left out. What older mints leave out of it is in `notices`, by `parseKeysets`.
 * Throws `malformed` and `limit-exceeded`, and `authentication-failed` for keys of which another id
 * follows, or that are no keys.
 */
export function parseKeys(
	crypto: CryptoProvider,
	ecash: EcashCrypto,
	answer: Uint8Array,
	notices: readonly KeysetNotice[],
): Keyset[] {
	return keysetsOf(answer).flatMap((of) => {
		const id = readId(of);
		const notice = notices.find((one) => id && sameBytes(one.id, id));
		if (notice === undefined) return [];
		return requireOwnId(crypto, ecash, {
			...notice,
			keys: readKeys(object(of, "keys")),
		});
	});
}

function keysetsOf(answer: Uint8Array): JsonObject[] {
	requireSize(answer);
	const all = asObject(parseJson(answer), "the answer");
	const found = array(all, "keysets", Number.POSITIVE_INFINITY, (item) =>
		asObject(item, "a keyset"),
	);
	if (found.length > MAX_KEYSETS)
		throw new TetradError(
			"limit-exceeded",
			`the mint has ${found.length} keysets, and this purse takes ${MAX_KEYSETS} of one mint at most: nothing is paid or sold there`,
		);
	return found;
}

/** `undefined` for one of a version or a unit that we do not know; mints still have such of before there were versions. */
function readNotice(of: JsonObject): KeysetNotice | undefined {
	const id = readId(of);
	const unit = text(of, "unit", MAX_UNIT_LENGTH);
	if (id === undefined || !isUnit(unit)) return undefined;
	const fee = (one: JsonObject, name: string) =>
		integer(one, name, MAX_FEE_PPK);
	return {
		id,
		unit,
		isActive: truth(of, "active"),
		inputFeePpk: optionally(of, "input_fee_ppk", fee) ?? 0n,
		// Zero is none, as it is in the id.
		finalExpiry: optionally(of, "final_expiry", seconds) || undefined,
	};
}

const MAX_ID_LENGTH = 128;

function readId(of: JsonObject): Uint8Array | undefined {
	const id = fromHex(text(of, "id", MAX_ID_LENGTH));
	return id !== undefined && isKeysetId(id) ? id : undefined;
}

/** Whether bytes have the form of an id of a version that we know. */
export function isKeysetId(id: Uint8Array): boolean {
	switch (id[0]) {
		case 0:
			return id.length === SHORT_KEYSET_ID_BYTES;
		case 1:
			return id.length === LONG_KEYSET_ID_BYTES;
		default:
			return false;
	}
}

/** What BIP 32 has for the number of a keyset of version 00 is below that (NUT-13). */
const SHORT_PLACES: bigint = 2n ** 31n - 1n;

/** Whether NUT-13 derives the same outputs for both: they are one keyset, or two of version 00 that a mint has made so. */
export function isSamePlace(a: Uint8Array, b: Uint8Array): boolean {
	return placeOf(hex(a)) === placeOf(hex(b));
}

/** Of an id in hexadecimal: the same for all of which NUT-13 derives the same outputs, and for no others. */
export function placeOf(id: string): string {
	return id.startsWith("00") ? `00 ${BigInt(`0x${id}`) % SHORT_PLACES}` : id;
}

/** Reads the id of a keyset that a proof or a signature names. Throws `malformed`. */
export function keysetId(of: JsonObject, name: string): Uint8Array {
	const id = hexBytes(of, name, SHORT_KEYSET_ID_BYTES, LONG_KEYSET_ID_BYTES);
	if (!isKeysetId(id)) throw malformed(`${name} is no id of a keyset`);
	return id;
}

const AMOUNT = /^[1-9][0-9]{0,19}$/;

/** Keys of amounts that are larger than ours can be are left out, after all of them have gone into the id. */
function readKeys(of: JsonObject): Map<bigint, Uint8Array> {
	if (of.size === 0 || of.size > MAX_KEYS)
		throw malformed(`a keyset has ${of.size} keys, and not 1 to ${MAX_KEYS}`);
	const amounts = [...of.keys()].map((amount) => {
		if (!AMOUNT.test(amount))
			throw malformed("a key of a keyset is for what is no amount");
		return BigInt(amount);
	});
	amounts.sort((a, b) => (a < b ? -1 : 1));
	return new Map(
		amounts.map((amount) => [amount, hexBytes(of, `${amount}`, POINT_BYTES)]),
	);
}

/** Throws `authentication-failed` unless its id follows from its keys, which all are keys. */
function requireOwnId(
	crypto: CryptoProvider,
	ecash: EcashCrypto,
	keyset: Keyset,
): Keyset {
	if (
		!sameBytes(deriveKeysetId(crypto, keyset), keyset.id) ||
		![...keyset.keys.values()].every((key) => ecash.isPoint(key))
	)
		throw new TetradError(
			"authentication-failed",
			`the mint's keys are not those of its keyset ${hex(keyset.id)}`,
		);
	return {
		...keyset,
		keys: new Map(
			[...keyset.keys].filter(([amount]) => amount <= MAX_PROOF_AMOUNT),
		),
	};
}

/** The id that follows from keys and what is said of them, of the version that `id` has (NUT-02). */
export function deriveKeysetId(
	crypto: CryptoProvider,
	{ id, keys, unit, inputFeePpk, finalExpiry }: Omit<Keyset, "isActive">,
): Uint8Array {
	if (id[0] === 0) {
		const hash = crypto.sha256(...keys.values());
		return concat(
			Uint8Array.of(0),
			hash.subarray(0, SHORT_KEYSET_ID_BYTES - 1),
		);
	}
	const pairs = [...keys].map(([amount, key]) => `${amount}:${hex(key)}`);
	const said =
		`${pairs.join(",")}|unit:${unit}` +
		(inputFeePpk === 0n ? "" : `|input_fee_ppk:${inputFeePpk}`) +
		(finalExpiry === undefined ? "" : `|final_expiry:${finalExpiry}`);
	return concat(Uint8Array.of(1), crypto.sha256(utf8(said)));
}

function isSame(a: Keyset, b: Keyset): boolean {
	return (
		a.unit === b.unit &&
		a.keys.size === b.keys.size &&
		[...a.keys].every(([amount, key]) => {
			const other = b.keys.get(amount);
			return other !== undefined && sameBytes(key, other);
		})
	);
}

/** The keysets that an owner's module knows of one mint. */
export class KnownKeysets {
	readonly #byId: ReadonlyMap<string, Keyset>;

	constructor(keysets: Iterable<Keyset>) {
		this.#byId = new Map([...keysets].map((one) => [hex(one.id), one]));
	}

	get(id: Uint8Array): Keyset | undefined {
		return this.#byId.get(hex(id));
	}

	/** The key of an amount in a keyset. Throws `malformed` for a keyset that is not known, or has none. */
	key(id: Uint8Array, amount: bigint): Uint8Array {
		const key = this.get(id)?.keys.get(amount);
		if (key === undefined)
			throw malformed(
				`the mint has no key for ${amount} in a keyset ${hex(id)} that is known`,
			);
		return key;
	}

	/**
	 * These and what the mint says now. Throws `authentication-failed` for a keyset that is known with
	 * other keys, or in another unit: ids of version 00 are so short that a mint can make two of one.
	 */
	with(said: Iterable<Keyset>): KnownKeysets {
		const byId = new Map(this.#byId);
		for (const keyset of said) {
			const known = this.get(keyset.id);
			if (known !== undefined && !isSame(known, keyset))
				throw new TetradError(
					"authentication-failed",
					`the mint has changed its keyset ${hex(keyset.id)}`,
				);
			byId.set(hex(keyset.id), keyset);
		}
		return new KnownKeysets(byId.values());
	}

	all(): Keyset[] {
		return [...this.#byId.values()];
	}

	/** Those whose short id, the first 8 bytes, is this one, or that have it. A token may name them so (NUT-00). */
	named(id: Uint8Array): Keyset[] {
		return this.all().filter((one) =>
			sameBytes(one.id.subarray(0, id.length), id),
		);
	}

	/** The active one of a unit that costs least, and of those the one with the smallest id. */
	active(unit: string, now: number): Keyset | undefined {
		return this.all()
			.filter(
				(one) =>
					one.isActive &&
					one.unit === unit &&
					(one.finalExpiry === undefined || one.finalExpiry * 1000 > now),
			)
			.sort(
				(a, b) =>
					Number(a.inputFeePpk - b.inputFeePpk) ||
					(hex(a.id) < hex(b.id) ? -1 : 1),
			)[0];
	}
}
