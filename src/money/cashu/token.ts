/* Tokens: proofs as people hand them to each other, in text (NUT-00). Version A is read, and B is read and written. */
import { base64urlnopad } from "@scure/base";
import { TetradError } from "../../errors.ts";
import { hex, malformed } from "../../wire/index.ts";
import {
	isUnit,
	MAX_UNIT_LENGTH,
	normaliseMintUrl,
} from "../documents/index.ts";
import { type Cbor, type CborMap, parseCbor, writeCbor } from "./cbor.ts";
import {
	array,
	asObject,
	hexBytes,
	integer,
	object,
	optionally,
	text,
} from "./fields.ts";
import { type Json, type JsonObject, parseJson } from "./json.ts";
import type { KnownKeysets } from "./keyset.ts";
import {
	LONG_KEYSET_ID_BYTES,
	MAX_PROOF_AMOUNT,
	MAX_SECRET_BYTES,
	MAX_TOKEN_LENGTH,
	MAX_TOKEN_PROOFS,
	POINT_BYTES,
	SCALAR_BYTES,
	SHORT_KEYSET_ID_BYTES,
} from "./limits.ts";
import { printable } from "./mint-error.ts";
import type { Proof } from "./proof.ts";
import type { Input } from "./requests.ts";

/** A token as it was read. The ids of its keysets may be the first 8 bytes alone. */
export interface Token {
	/** Normalised. */
	readonly mint: string;
	readonly unit: string;
	/** What its sender says, printable and cut off; empty where nothing is said. */
	readonly memo: string;
	/** With what they were already given to be spent with. */
	readonly proofs: readonly Input[];
}

const MAX_MEMO = 4096;
const MAX_URL = 1024;

/**
 * Reads a token, with or without `cashu:` before it. Throws `malformed` for anything else, for a
 * token of several mints, of none, of no proofs, with a proof twice, or in a unit that is no
 * currency of ours, and `limit-exceeded` for one that is too long.
 */
export function parseToken(written: string): Token {
	if (written.length > MAX_TOKEN_LENGTH)
		throw new TetradError(
			"limit-exceeded",
			`the token has ${written.length} characters, and ${MAX_TOKEN_LENGTH} are read`,
		);
	const token = written.trim().replace(/^cashu:(?:\/\/)?/i, "");
	const body = () => unarmoured(token.slice("cashuA".length));
	switch (token.slice(0, "cashuA".length)) {
		case "cashuA":
			return requireSound(readTokenA(asObject(parseJson(body()), "the token")));
		case "cashuB":
			return requireSound(readTokenB(parseCbor(body())));
		default:
			throw malformed("a token begins with cashuA or cashuB");
	}
}

/** In either alphabet of base64, with or without its padding. */
function unarmoured(body: string): Uint8Array {
	const plain = body.replace(/=+$/, "").replace(/\+/g, "-").replace(/\//g, "_");
	try {
		return base64urlnopad.decode(plain);
	} catch (cause) {
		throw new TetradError("malformed", "a token is not in base64", { cause });
	}
}

function requireSound(token: Token): Token {
	const { proofs, unit } = token;
	if (!isUnit(unit))
		throw malformed("a token is in a unit that is no currency");
	if (proofs.length === 0) throw malformed("a token has no proofs");
	if (proofs.length > MAX_TOKEN_PROOFS)
		throw new TetradError(
			"limit-exceeded",
			`the token has ${proofs.length} proofs, and ${MAX_TOKEN_PROOFS} are read`,
		);
	if (new Set(proofs.map(({ secret }) => secret)).size < proofs.length)
		throw malformed("a token has one proof twice");
	return token;
}

function requireMint(url: string): string {
	try {
		return normaliseMintUrl(url);
	} catch (cause) {
		throw new TetradError("malformed", "a token is of no mint", { cause });
	}
}

/** Version A: JSON, and `sat` where it has no unit. */
function readTokenA(of: JsonObject): Token {
	const entries = array(of, "token", MAX_TOKEN_PROOFS, (item) =>
		asObject(item, "a part of the token"),
	);
	const mints = new Set(
		entries.map((entry) => requireMint(text(entry, "mint", MAX_URL))),
	);
	const [mint] = mints;
	if (mint === undefined || mints.size > 1)
		throw malformed("a token is of one mint");
	const someText = (max: number) => (one: JsonObject, name: string) =>
		text(one, name, max);
	return {
		mint,
		unit: optionally(of, "unit", someText(MAX_UNIT_LENGTH)) ?? "sat",
		memo: printable(optionally(of, "memo", someText(MAX_MEMO)) ?? ""),
		proofs: entries.flatMap((entry) =>
			array(entry, "proofs", MAX_TOKEN_PROOFS, readProof),
		),
	};
}

/** A proof in JSON (NUT-00, NUT-12). */
function readProof(item: Json): Input {
	const of = asObject(item, "a proof");
	const dleq = optionally(of, "dleq", object);
	return {
		amount: requirePositive(integer(of, "amount", MAX_PROOF_AMOUNT)),
		keyset: hexBytes(of, "id", SHORT_KEYSET_ID_BYTES, LONG_KEYSET_ID_BYTES),
		secret: text(of, "secret", MAX_SECRET_BYTES),
		signature: hexBytes(of, "C", POINT_BYTES),
		witness: optionally(of, "witness", (one, name) =>
			text(one, name, MAX_SECRET_BYTES),
		),
		dleq:
			dleq === undefined || !dleq.has("r")
				? undefined
				: {
						e: hexBytes(dleq, "e", SCALAR_BYTES),
						s: hexBytes(dleq, "s", SCALAR_BYTES),
						r: hexBytes(dleq, "r", SCALAR_BYTES),
					},
	};
}

/** Version B: CBOR, with names of one letter. */
function readTokenB(value: Cbor): Token {
	const of = asMap(value);
	const { m, u, d, t } = members(of, "m", "u", "d", "t");
	if (typeof m !== "string" || m.length > MAX_URL || typeof u !== "string")
		throw malformed("a token has no mint or no unit");
	return {
		mint: requireMint(m),
		unit: u,
		memo: typeof d === "string" && d.length <= MAX_MEMO ? printable(d) : "",
		proofs: asList(t).flatMap((item) => {
			const { i, p } = members(asMap(item), "i", "p");
			const keyset = asBytes(i, SHORT_KEYSET_ID_BYTES, LONG_KEYSET_ID_BYTES);
			return asList(p).map((proof) => readProofB(keyset, asMap(proof)));
		}),
	};
}

function readProofB(keyset: Uint8Array, of: CborMap): Input {
	const { a, s, c, d, w } = members(of, "a", "s", "c", "d", "w");
	if (typeof a !== "bigint" || a < 0n || a > MAX_PROOF_AMOUNT)
		throw malformed("a proof of a token has no amount");
	if (typeof s !== "string" || s === "" || s.length > MAX_SECRET_BYTES)
		throw malformed("a proof of a token has no secret");
	const dleq = d instanceof Map ? members(d, "e", "s", "r") : undefined;
	return {
		amount: requirePositive(a),
		keyset,
		secret: s,
		signature: asBytes(c, POINT_BYTES),
		witness:
			typeof w === "string" && w.length <= MAX_SECRET_BYTES ? w : undefined,
		dleq:
			dleq?.r === undefined
				? undefined
				: {
						e: asBytes(dleq.e, SCALAR_BYTES),
						s: asBytes(dleq.s, SCALAR_BYTES),
						r: asBytes(dleq.r, SCALAR_BYTES),
					},
	};
}

function requirePositive(amount: bigint): bigint {
	if (amount === 0n) throw malformed("a proof of a token is worth nothing");
	return amount;
}

function asMap(value: Cbor | undefined): CborMap {
	if (!(value instanceof Map)) throw malformed("a part of a token is no map");
	return value;
}

function members<Name extends string>(
	of: CborMap,
	...names: readonly Name[]
): Partial<Record<Name, Cbor>> {
	return Object.fromEntries(
		names.flatMap((name) => (of.has(name) ? [[name, of.get(name)]] : [])),
	) as Partial<Record<Name, Cbor>>;
}

function asList(value: Cbor | undefined): readonly Cbor[] {
	if (!Array.isArray(value)) throw malformed("a part of a token is no list");
	return value;
}

function asBytes(
	value: Cbor | undefined,
	...lengths: readonly number[]
): Uint8Array {
	if (!(value instanceof Uint8Array) || !lengths.includes(value.length))
		throw malformed(`a part of a token has not ${lengths.join(" or ")} bytes`);
	return value;
}

/** A token in text, version B. What shows that its mint signed goes with it. */
export function writeToken({
	mint,
	unit,
	memo,
	proofs,
}: {
	readonly mint: string;
	readonly unit: string;
	readonly memo?: string;
	readonly proofs: readonly Proof[];
}): string {
	const byKeyset = Map.groupBy(proofs, ({ keyset }) => hex(keyset));
	const t = [...byKeyset.values()].map((group) => ({
		i: group[0]?.keyset,
		p: group.map(({ amount, secret, signature, dleq }) => ({
			a: amount,
			s: secret,
			c: signature,
			d: dleq && { e: dleq.e, s: dleq.s, r: dleq.r },
		})),
	}));
	const body = writeCbor({ m: mint, u: unit, d: memo || undefined, t });
	return `cashuB${base64urlnopad.encode(body)}`;
}

/**
 * The proofs of a token with the whole ids of their keysets. Throws `malformed` for an id that is
 * that of no keyset that is known of the mint, or of several (NUT-00), and for another unit.
 */
export function resolveKeysets(
	token: Token,
	keysets: KnownKeysets,
): readonly Input[] {
	return token.proofs.map((proof) => {
		const [keyset, ...others] = keysets.named(proof.keyset);
		if (keyset === undefined || others.length > 0)
			throw malformed(
				`a token names a keyset ${hex(proof.keyset)} that its mint is not known to have`,
			);
		if (keyset.unit !== token.unit)
			throw malformed("a token is in another unit than its proofs");
		return { ...proof, keyset: keyset.id };
	});
}
