/* What became of proofs, as their mint tells it (NUT-07), and the key that a claim has shown. */
import type { CryptoProvider } from "../../crypto/index.ts";
import { HASH_BYTES } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { malformed, sameBytes, utf8 } from "../../wire/index.ts";
import type { EcashCrypto } from "./ecash-crypto.ts";
import { array, asObject, fromHex, hexBytes, text } from "./fields.ts";
import { type JsonObject, parseJson, writeJson } from "./json.ts";
import { MAX_INPUTS, MAX_WITNESS_LENGTH, POINT_BYTES } from "./limits.ts";
import type { Proof } from "./proof.ts";
import { requireSize } from "./size.ts";

/** What a mint says of one proof. */
export interface ProofState {
	/** Y, 33 bytes. */
	readonly y: Uint8Array;
	readonly kind: "unspent" | "pending" | "spent";
	/** What it was spent with, where the mint tells that: whatever whoever spent it has sent. */
	readonly witness: string | undefined;
}

const KINDS: Readonly<Record<string, ProofState["kind"]>> = {
	UNSPENT: "unspent",
	PENDING: "pending",
	SPENT: "spent",
};

/** Reads the answer to `stateRequest(ys)`. Throws `malformed` when it is about other proofs, or has them in another order, and `limit-exceeded`. */
export function parseStates(
	answer: Uint8Array,
	ys: readonly Uint8Array[],
): ProofState[] {
	requireSize(answer);
	const of = asObject(parseJson(answer), "the answer");
	const states = array(of, "states", MAX_INPUTS, (item) =>
		readState(asObject(item, "a state")),
	);
	if (
		states.length !== ys.length ||
		!states.every(({ y }, i) => sameBytes(y, ys[i] as Uint8Array))
	)
		throw malformed(
			"the mint tells the state of other proofs than it was asked for",
		);
	return states;
}

function readState(of: JsonObject): ProofState {
	const state = text(of, "state", 16);
	const kind = Object.hasOwn(KINDS, state) ? KINDS[state] : undefined;
	if (kind === undefined)
		throw malformed("a proof is in a state that there is not");
	return { y: hexBytes(of, "Y", POINT_BYTES), kind, witness: readWitness(of) };
}

/** A text in JSON, or, from some mints, what stands in it. An empty one is none. */
function readWitness(of: JsonObject): string | undefined {
	const value = of.get("witness");
	if (value === undefined || value === null) return undefined;
	const witness = typeof value === "string" ? value : writeJson(value);
	if (witness.length > MAX_WITNESS_LENGTH)
		throw new TetradError(
			"limit-exceeded",
			`a proof was spent with a witness of ${witness.length} characters, and ${MAX_WITNESS_LENGTH} are read`,
		);
	return witness === "" ? undefined : witness;
}

const ESCAPE = /\\u([0-9a-fA-F]{4})/g;
const DIGITS = /[0-9a-f]+/g;

/**
 * The goods key that a claim has shown: what in the witness has the hash of the contract. Whoever
 * claimed wrote the witness, and may have written it so that a mint reads the key in it and a strict
 * reader does not: in capital letters, with spaces, with escapes, twice. So it is not read as
 * JSON; whatever has 64 digits is tried, and the hash decides. `undefined` when there is none: the
 * proof was taken back, or the mint lies.
 */
export function findKey(
	crypto: CryptoProvider,
	witness: string,
	keyHash: Uint8Array,
): Uint8Array | undefined {
	if (witness.length > MAX_WITNESS_LENGTH) return undefined;
	const plain = witness
		.replace(ESCAPE, (_, code: string) =>
			String.fromCharCode(Number.parseInt(code, 16)),
		)
		.replace(/\\[bfnrt]|\s/g, "")
		.toLowerCase();
	for (const [digits] of plain.matchAll(DIGITS)) {
		if (digits.length !== 2 * HASH_BYTES) continue;
		const key = fromHex(digits);
		if (key !== undefined && sameBytes(crypto.sha256(key), keyHash)) return key;
	}
	return undefined;
}

/** Of a signature; and how many a witness is read for, whoever wrote it: what takes a lock back has one. */
const SIGNATURE_DIGITS = 128;
const MAX_SIGNATURES = 4;

/**
 * Whether a lock was taken back by whoever has the private key of that public one, as its mint shows.
 * One proof says it for all, which are spent at once. What has the digits of a signature is tried, as
 * with `findKey`, and the signature decides.
 */
export function isTakenBackBy(
	ecash: EcashCrypto,
	proofs: readonly Pick<Proof, "secret">[],
	states: readonly ProofState[],
	publicKey: Uint8Array,
): boolean {
	const at = states.findIndex(({ witness }) => witness !== undefined);
	const { kind, witness = "" } = states[at] ?? {};
	const secret = proofs[at]?.secret;
	if (kind !== "spent" || secret === undefined) return false;
	return [...witness.toLowerCase().matchAll(DIGITS)]
		.filter(([digits]) => digits.length === SIGNATURE_DIGITS)
		.slice(0, MAX_SIGNATURES)
		.some(([digits]) => {
			const signature = fromHex(digits);
			return (
				signature !== undefined &&
				ecash.verify(utf8(secret), signature, publicKey)
			);
		});
}

/** What the states of all proofs of one lock say together. */
export type LockState =
	/** Nobody has claimed it, and nobody has taken it back. */
	| { readonly kind: "open" }
	/** The mint works on it. */
	| { readonly kind: "pending" }
	| { readonly kind: "claimed"; readonly key: Uint8Array }
	/** Spent, and the mint shows no key of it: taken back by the payer, which knows that itself, or a mint that forgets or lies. */
	| { readonly kind: "spent-without-key"; readonly isWitnessShown: boolean };

/**
 * Puts the states of a lock's proofs together. One key that fits is enough, also while others are
 * still open: a key that has been shown is shown.
 */
export function lockState(
	crypto: CryptoProvider,
	states: readonly ProofState[],
	keyHash: Uint8Array,
): LockState {
	const spent = states.filter(({ kind }) => kind === "spent");
	const witnesses = spent.flatMap(({ witness }) => witness ?? []);
	for (const witness of witnesses) {
		const key = findKey(crypto, witness, keyHash);
		if (key !== undefined) return { kind: "claimed", key };
	}
	if (spent.length > 0)
		return { kind: "spent-without-key", isWitnessShown: witnesses.length > 0 };
	return {
		kind: states.some(({ kind }) => kind === "pending") ? "pending" : "open",
	};
}
