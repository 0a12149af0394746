/* Bodies of requests, parsed once: what comes out of here has its form, and nothing more. */
import { JSONInt } from "@cashu/cashu-ts";
import { parseUtf8 } from "../wire/index.ts";
import {
	MAX_BODY_BYTES,
	MAX_ENTRIES,
	MAX_SECRET,
	MAX_TEXT,
	MAX_WITNESS,
} from "./limits.ts";
import { type REFUSED, Refusal } from "./refusal.ts";

/** A proof that somebody spends (NUT-00). */
export interface Input {
	readonly id: string;
	readonly amount: bigint;
	readonly secret: string;
	/** Hexadecimal digits as they came, because SIG_ALL signs them as a text. */
	readonly C: string;
	/** JSON, as it came. */
	readonly witness: string | undefined;
}

/** A blinded message that somebody wants signed (NUT-00). */
export interface Output {
	readonly id: string;
	readonly amount: bigint;
	/** Hexadecimal digits as they came. */
	readonly B_: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Throws `Refusal` for whatever is no object of JSON. */
export function fieldsIn(body: Uint8Array): Fields {
	if (body.length > MAX_BODY_BYTES)
		throw new Refusal("request", "the body is too large");
	let parsed: unknown;
	try {
		parsed = JSONInt.parse(parseUtf8(body));
	} catch {
		throw new Refusal("request", "the body is not JSON");
	}
	return asFields(parsed, "the body");
}

export function textOf(
	fields: Fields,
	name: string,
	max: number = MAX_TEXT,
): string {
	const value = fields[name];
	if (typeof value !== "string" || value === "" || value.length > max)
		throw new Refusal("request", `${name} is not a text of that kind`);
	return value;
}

export function amountOf(fields: Fields, name: string): bigint {
	const value = fields[name];
	if (typeof value === "bigint" && value >= 0n) return value;
	if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0)
		return BigInt(value);
	throw new Refusal("request", `${name} is not a whole number`);
}

/** The proofs in `inputs`: one at least, and none twice. */
export function inputsIn(fields: Fields): Input[] {
	return listOf(fields, "inputs", "manyInputs").map((entry) => ({
		id: textOf(entry, "id"),
		amount: amountOf(entry, "amount"),
		secret: textOf(entry, "secret", MAX_SECRET),
		C: pointOf(entry, "C"),
		witness: witnessOf(entry),
	}));
}

/** The blinded messages in `outputs`: one at least, and none twice. */
export function outputsIn(fields: Fields): Output[] {
	const outputs = listOf(fields, "outputs", "manyOutputs").map((entry) => ({
		id: textOf(entry, "id"),
		amount: amountOf(entry, "amount"),
		B_: pointOf(entry, "B_"),
	}));
	if (new Set(outputs.map(({ B_ }) => B_.toLowerCase())).size < outputs.length)
		throw new Refusal("sameOutput", "an output stands there twice");
	return outputs;
}

/** What NUT-07 asks about. */
export function pointsIn(fields: Fields): string[] {
	const { Ys } = fields;
	if (!Array.isArray(Ys) || Ys.length > MAX_ENTRIES)
		throw new Refusal("request", "Ys is not a list of that kind");
	return Ys.map((Y: unknown) => pointOf({ Y }, "Y"));
}

function listOf(
	fields: Fields,
	name: string,
	tooMany: keyof typeof REFUSED,
): Fields[] {
	const value = fields[name];
	if (!Array.isArray(value) || value.length === 0)
		throw new Refusal("request", `${name} is not a list of one at least`);
	if (value.length > MAX_ENTRIES)
		throw new Refusal(tooMany, `${name} are more than ${MAX_ENTRIES}`);
	return value.map((entry: unknown) => asFields(entry, `an entry of ${name}`));
}

function pointOf(fields: Fields, name: string): string {
	const value = fields[name];
	if (typeof value !== "string" || !/^0[23][0-9a-f]{64}$/i.test(value))
		throw new Refusal("request", `${name} is not a compressed point`);
	return value;
}

/** Libraries differ in whether they send the JSON of a witness as a text or as an object. */
function witnessOf({ witness }: Fields): string | undefined {
	if (witness === undefined || witness === null || witness === "")
		return undefined;
	const text =
		typeof witness === "string" ? witness : JSONInt.stringify(witness);
	if (text === undefined || text.length > MAX_WITNESS)
		throw new Refusal("request", "a witness is too long");
	return text;
}

function asFields(value: unknown, what: string): Fields {
	if (typeof value !== "object" || value === null || Array.isArray(value))
		throw new Refusal("request", `${what} is not an object`);
	return value as Fields;
}
