/* What the secret of a proof says of a lock, read to say what is wrong with it. */
import { hex } from "../../wire/index.ts";
import { fromHex } from "./fields.ts";
import { type Json, type JsonObject, parseJsonText } from "./json.ts";
import { POINT_BYTES } from "./limits.ts";
import { type LockTerms, lockSecret, lockTags } from "./lock.ts";

/** A lock's terms as its payee knows them: all but the payer's key. */
export type ExpectedTerms = Omit<LockTerms, "refund">;

/** What a secret says that its payee did not know before; or why it is none of the lock. */
export type ReadLock =
	| {
			readonly kind: "fits";
			readonly nonce: string;
			readonly refund: Uint8Array;
	  }
	| { readonly kind: "wrong"; readonly why: string };

/** A fault, as the rest of a sentence about the lock. */
class Fault {
	readonly why: string;
	constructor(why: string) {
		this.why = why;
	}
}

/**
 * Reads the secret of a proof. It fits when it is, character for character, what `lockSecret` makes
 * of the expected terms and of the nonce and the payer's key in it. What stands before that only
 * says why it does not: no mint can read in a text that has one form what we do not.
 */
export function readLockSecret(
	secret: string,
	expected: ExpectedTerms,
): ReadLock {
	try {
		const { nonce, refund } = readMembers(secret, expected);
		if (secret !== lockSecret({ ...expected, refund }, nonce))
			throw new Fault("a secret of it is not written in the one way");
		return { kind: "fits", nonce, refund };
	} catch (thrown) {
		if (!(thrown instanceof Fault)) throw thrown;
		return { kind: "wrong", why: thrown.why };
	}
}

const REFUND = /\["refund","([0-9a-f]{66})"\]/;

/** The payer's key in a secret that `readLockSecret` has found to fit. */
export function refundKeyOf(secret: string): Uint8Array | undefined {
	return fromHex(REFUND.exec(secret)?.[1] ?? "");
}

const NONCE = /^[0-9a-f]{64}$/;

function readMembers(
	secret: string,
	expected: ExpectedTerms,
): { readonly nonce: string; readonly refund: Uint8Array } {
	const condition = readJson(secret);
	if (!isArray(condition) || condition.length !== 2)
		throw new Fault("a proof of it has no condition, so anybody can spend it");
	const [kind, members] = condition;
	if (kind !== "HTLC")
		throw new Fault(
			kind === "P2PK"
				? "a proof of it is locked to a key alone, and to no hash"
				: "a proof of it has a condition of another kind",
		);
	if (!(members instanceof Map)) throw new Fault("its condition is no object");
	for (const name of members.keys())
		if (!["nonce", "data", "tags"].includes(name))
			throw new Fault("its condition has a member that has no place in it");
	const nonce = members.get("nonce");
	if (typeof nonce !== "string" || !NONCE.test(nonce))
		throw new Fault("its nonce is not 32 bytes in lower-case hexadecimal");
	if (members.get("data") !== hex(expected.keyHash))
		throw new Fault("its hash is not that of the contract's key");
	return { nonce, refund: readTags(members, expected) };
}

function readJson(secret: string): Json {
	try {
		return parseJsonText(secret);
	} catch (cause) {
		// An ordinary secret, which is no JSON, is the commonest.
		throw new Fault(
			cause instanceof Error && /^\[/.test(secret)
				? `a secret of it cannot be read: ${cause.message}`
				: "a proof of it has no condition, so anybody can spend it",
		);
	}
}

/** What each tag has to be, for sentences. */
const NAMES: Readonly<Record<string, string>> = {
	pubkeys: "it is locked to another key than the payee's for this contract",
	locktime: "its deadline is not that of the contract",
	tetrad_contract: "it is for another contract",
	tetrad_binding: "it is of another tetrad",
};

/** The payer's key. */
function readTags(members: JsonObject, expected: ExpectedTerms): Uint8Array {
	const tags = new Map<string, readonly string[]>();
	const list = members.get("tags");
	if (!isArray(list)) throw new Fault("it has no tags");
	for (const item of list) {
		if (!isTag(item)) throw new Fault("a tag of it is no list of texts");
		const [name, ...values] = item;
		if (tags.has(name)) throw new Fault(`it has the tag ${quoted(name)} twice`);
		tags.set(name, values);
	}
	const refund = readRefund(tags.get("refund"));
	const wanted = lockTags({ ...expected, refund });
	const wantedNames = wanted.map(([name]) => name);
	for (const name of tags.keys())
		if (!wantedNames.includes(name))
			throw new Fault(`the tag ${quoted(name)} has no place in it`);
	for (const [name = "", ...values] of wanted) {
		const found = tags.get(name);
		if (found === undefined) throw new Fault(`it has no tag ${quoted(name)}`);
		if (found.length !== values.length)
			throw new Fault(
				`its tag ${quoted(name)} has ${found.length} values, and not one`,
			);
		if (found[0] !== values[0])
			throw new Fault(NAMES[name] ?? `its tag ${quoted(name)} is another`);
	}
	const payee = hex(expected.payee);
	if (hex(refund).slice(2) === payee.slice(2))
		throw new Fault("the payer's key in it is the payee's");
	return refund;
}

function readRefund(values: readonly string[] | undefined): Uint8Array {
	if (values === undefined)
		throw new Fault(
			"it has no key of the payer, so after its deadline anybody can spend it",
		);
	const [value = ""] = values;
	const key = fromHex(value);
	if (values.length !== 1 || key?.length !== POINT_BYTES)
		throw new Fault(
			'its tag "refund" is not one key in lower-case hexadecimal',
		);
	return key;
}

function isTag(item: Json): item is readonly [string, ...string[]] {
	return (
		isArray(item) &&
		item.length > 0 &&
		item.every((value) => typeof value === "string")
	);
}

function isArray(value: Json | undefined): value is readonly Json[] {
	return Array.isArray(value);
}

/** A tag's name in a sentence, when it is one that NUTs or we have. */
function quoted(name: string): string {
	return /^[a-z_]{1,16}$/.test(name) ? `"${name}"` : "of another name";
}
