/*
 * Who may spend a proof whose secret is a lock: NUT-10, 11 and 14. The library has this too, but
 * looks at the clock of the process; here the time is passed in, and what the NUTs call malformed
 * cannot be spent by anybody.
 *
 *   always            the keys (P2PK), or the preimage and the keys (HTLC)
 *   after locktime    the refund keys as well; without any, everybody
 *
 * A claim after the deadline is therefore good until somebody has refunded.
 */
import {
	getDataField,
	getTag,
	getTagScalar,
	hasTag,
	parseP2PKSecret,
	type Secret,
} from "@cashu/cashu-ts";
import type { MintPrimitives } from "./primitives.ts";
import { Refusal } from "./refusal.ts";
import type { Input, Output } from "./requests.ts";

/** Signatures that are looked at in one witness. */
const MAX_SIGNATURES = 16;

interface Lock {
	readonly kind: "P2PK" | "HTLC";
	/** Of P2PK a key, of HTLC a hash. */
	readonly data: string;
	/** With `kind` and `data` all that inputs under SIG_ALL must agree in. */
	readonly tags: string;
	readonly signsAll: boolean;
	readonly keys: readonly string[];
	readonly needed: number;
	/** Seconds since the epoch; `undefined` for ever. */
	readonly locktime: number | undefined;
	readonly refundKeys: readonly string[];
	readonly refundNeeded: number;
}

/** What is spent, and what SIG_ALL signs with it. */
export interface Spending {
	readonly inputs: readonly Input[];
	readonly outputs: readonly Output[];
	/** Of a melt. */
	readonly quote?: string;
}

/** When a lock can be opened by a refund, in seconds since the epoch. Throws `Refusal` for one that nobody can open. */
export function locktimeOf(secret: string): number | undefined {
	return lockIn(secret)?.locktime;
}

/** Throws `Refusal` unless every input may be spent so, now. `now` is in seconds since the epoch. */
export function requireUnlocked(
	primitives: MintPrimitives,
	spending: Spending,
	now: number,
): void {
	const { inputs } = spending;
	const locks = inputs.map(({ secret }) => lockIn(secret));
	if (locks.some((lock) => lock?.signsAll)) {
		const [first] = locks;
		if (
			first === undefined ||
			locks.some((lock) => lock === undefined || !areAlike(first, lock))
		)
			throw new Refusal("proof", "SIG_ALL asks for inputs with the same lock");
		requireOpen(
			primitives,
			first,
			inputs[0]?.witness,
			signedByAll(spending),
			now,
		);
		return;
	}
	for (const [at, lock] of locks.entries()) {
		const input = inputs[at];
		if (lock !== undefined && input !== undefined)
			requireOpen(primitives, lock, input.witness, input.secret, now);
	}
}

function requireOpen(
	primitives: MintPrimitives,
	lock: Lock,
	witness: string | undefined,
	message: string,
	now: number,
): void {
	const { preimage, signatures } = witnessIn(witness);
	const areEnough = (keys: readonly string[], needed: number) =>
		primitives.signersOf(message, signatures, keys) >= needed;
	const knowsPreimage =
		lock.kind === "P2PK" ||
		(/^[0-9a-f]{64}$/.test(preimage) &&
			primitives.isPreimage(preimage, lock.data));
	if (
		knowsPreimage &&
		(lock.keys.length === 0 || areEnough(lock.keys, lock.needed))
	)
		return;
	const isOver = lock.locktime !== undefined && now >= lock.locktime;
	if (isOver && lock.refundKeys.length === 0) return;
	if (isOver && areEnough(lock.refundKeys, lock.refundNeeded)) return;
	throw new Refusal("proof", "the witness does not open the lock");
}

/** NUT-11: what the witness of the first input signs for all of them. */
function signedByAll({ inputs, outputs, quote = "" }: Spending): string {
	return [
		...inputs.map(({ secret, C }) => secret + C),
		...outputs.map(({ amount, B_ }) => String(amount) + B_),
		quote,
	].join("");
}

function areAlike(a: Lock, b: Lock): boolean {
	return a.kind === b.kind && a.data === b.data && a.tags === b.tags;
}

/** A text that is no lock of a kind that is known here is the secret of everybody who has it. */
function lockIn(secret: string): Lock | undefined {
	if (!claimsToBeLock(secret)) return undefined;
	try {
		return readLock(parseP2PKSecret(secret));
	} catch {
		throw new Refusal("proof", "the lock is malformed: nobody can open it");
	}
}

/** Whether a secret says that not everybody may spend it. A damaged lock must not pass for none. */
export function claimsToBeLock(secret: string): boolean {
	try {
		const parsed: unknown = JSON.parse(secret);
		return (
			Array.isArray(parsed) && (parsed[0] === "P2PK" || parsed[0] === "HTLC")
		);
	} catch {
		return false;
	}
}

function readLock(secret: Secret): Lock {
	const kind = secret[0] === "HTLC" ? "HTLC" : "P2PK";
	const data = getDataField(secret);
	const more = getTag(secret, "pubkeys") ?? [];
	const keys = kind === "P2PK" ? [data, ...more] : more;
	const refundKeys = getTag(secret, "refund") ?? [];
	return {
		kind,
		data,
		tags: JSON.stringify(secret[1].tags ?? []),
		signsAll: getTagScalar(secret, "sigflag") === "SIG_ALL",
		keys,
		needed: neededIn(secret, "n_sigs", keys.length),
		locktime: locktimeIn(secret),
		refundKeys,
		refundNeeded: neededIn(secret, "n_sigs_refund", refundKeys.length),
	};
}

function neededIn(secret: Secret, name: string, keys: number): number {
	if (!hasTag(secret, name)) return 1;
	const value = getTagScalar(secret, name) ?? "";
	if (!/^[1-9]\d{0,3}$/.test(value) || Number(value) > keys)
		throw new Error(`${name} is more than there are keys`);
	return Number(value);
}

/** What is no time locks for ever (NUT-11). */
function locktimeIn(secret: Secret): number | undefined {
	const value = getTagScalar(secret, "locktime") ?? "";
	return /^[1-9]\d{0,14}$/.test(value) ? Number(value) : undefined;
}

function witnessIn(witness: string | undefined): {
	readonly preimage: string;
	readonly signatures: string[];
} {
	let parsed: unknown;
	try {
		parsed = JSON.parse(witness ?? "null");
	} catch {
		throw new Refusal("proof", "a witness is not JSON");
	}
	const { preimage, signatures } = Object(parsed) as Record<string, unknown>;
	const list: unknown[] = Array.isArray(signatures) ? signatures : [];
	if (list.length > MAX_SIGNATURES)
		throw new Refusal("proof", "a witness has too many signatures");
	return {
		preimage: typeof preimage === "string" ? preimage : "",
		signatures: list.filter((one) => typeof one === "string"),
	};
}
