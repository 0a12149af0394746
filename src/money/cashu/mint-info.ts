/* What a mint says that it can do (NUT-06), and what it has to be able to do before it is used. */
import { TetradError } from "../../errors.ts";
import {
	array,
	asObject,
	integer,
	object,
	optionally,
	seconds,
	text,
	truth,
} from "./fields.ts";
import { type Json, type JsonObject, parseJson } from "./json.ts";
import { printable } from "./mint-error.ts";
import { requireSize } from "./size.ts";

/** How much may be minted or melted in one unit. */
export interface MethodLimits {
	readonly unit: string;
	readonly min: bigint | undefined;
	readonly max: bigint | undefined;
}

export interface MintInfo {
	/** For people only: printable, and cut off. */
	readonly name: string;
	/** Program and version, likewise. */
	readonly version: string;
	/** What it says to its users, likewise; empty where it says nothing. */
	readonly message: string;
	/** By its own clock, in seconds since 1970. */
	readonly time: number | undefined;
	/** NUTs of which it says that it supports them. */
	readonly nuts: ReadonlySet<number>;
	/** With bolt11 (NUT-04, NUT-05); empty where that is disabled. */
	readonly minting: readonly MethodLimits[];
	readonly melting: readonly MethodLimits[];
	/** Requests of which it gives the same answer again (NUT-19), as "POST /v1/swap", and for how many seconds; `undefined` is for ever. */
	readonly cached: ReadonlySet<string>;
	readonly cachedFor: number | undefined;
}

const MAX_TEXT = 65_536;
const MAX_METHODS = 1024;
const MAX_ENDPOINTS = 256;

/** NUTs that say `supported`. */
const SUPPORTED = [7, 8, 9, 10, 11, 12, 14, 20];

/** Reads the answer of `GET /v1/info`. Throws `malformed` and `limit-exceeded`. */
export function parseMintInfo(answer: Uint8Array): MintInfo {
	requireSize(answer);
	const of = asObject(parseJson(answer), "the answer");
	const nuts = optionally(of, "nuts", object) ?? new Map();
	const cache = optionally(nuts, "19", object);
	return {
		name: shown(of, "name"),
		version: shown(of, "version"),
		message: shown(of, "motd"),
		time: optionally(of, "time", seconds),
		nuts: new Set(SUPPORTED.filter((nut) => isSupported(nuts, `${nut}`))),
		minting: methods(nuts, "4"),
		melting: methods(nuts, "5"),
		cached: new Set(cache === undefined ? [] : endpoints(cache)),
		cachedFor:
			cache === undefined ? undefined : optionally(cache, "ttl", seconds),
	};
}

function shown(of: JsonObject, name: string): string {
	const said = of.get(name);
	if (typeof said !== "string" || said.length > MAX_TEXT) return "";
	return printable(said);
}

/** Anything but `{"supported": true}` is a no. */
function isSupported(nuts: JsonObject, nut: string): boolean {
	const said = nuts.get(nut);
	return said instanceof Map && said.get("supported") === true;
}

function methods(nuts: JsonObject, nut: string): MethodLimits[] {
	const of = optionally(nuts, nut, object);
	if (of === undefined || (optionally(of, "disabled", truth) ?? false))
		return [];
	const read = (item: Json): MethodLimits[] => {
		const method = asObject(item, "a method");
		if (method.get("method") !== "bolt11") return [];
		return [
			{
				unit: text(method, "unit", 64),
				min: optionally(method, "min_amount", someAmount),
				max: optionally(method, "max_amount", someAmount),
			},
		];
	};
	return (
		optionally(of, "methods", (one, name) =>
			array(one, name, MAX_METHODS, read),
		) ?? []
	).flat();
}

/** Some mints have the largest number of 64 bits where they have no limit. */
function someAmount(of: JsonObject, name: string): bigint {
	return integer(of, name, 2n ** 64n - 1n);
}

function endpoints(cache: JsonObject): string[] {
	const read = (item: Json) => {
		const one = asObject(item, "an endpoint");
		return `${text(one, "method", 16)} ${text(one, "path", 256)}`;
	};
	return (
		optionally(cache, "cached_endpoints", (one, name) =>
			array(one, name, MAX_ENDPOINTS, read),
		) ?? []
	);
}

/** What a purchase needs: states with witnesses, restoring, signatures on inputs, proofs of equality, and locks by a hash. */
const NEEDED: Readonly<Record<number, string>> = {
	7: "to tell what became of proofs",
	9: "to restore signatures",
	11: "to lock to keys",
	12: "to prove its signatures",
	14: "to lock to hashes",
};

/**
 * Throws `issuer-refused` for a mint that does not say that it can do all that a purchase needs. One
 * without NUT-14 may let anybody spend what is locked.
 */
export function requireForPurchases({ nuts }: Pick<MintInfo, "nuts">): void {
	const missing = Object.entries(NEEDED).filter(
		([nut]) => !nuts.has(Number(nut)),
	);
	if (missing.length > 0)
		throw new TetradError(
			"issuer-refused",
			`this mint does not say that it is able ${missing.map(([nut, what]) => `${what} (NUT-${nut.padStart(2, "0")})`).join(", ")}, so nothing can be bought with its ecash`,
		);
}
