/* Why ecash that its owner has put before a purse does not come into it, as it is told and as it is kept. */
import { TetradError } from "../../../errors.ts";
import {
	anybodysFrom,
	type Input,
	type MintError,
	type ProofState,
	sumOf,
} from "../../cashu/index.ts";
import { CLOCK_TOLERANCE_MS } from "../purse-limits.ts";

/** What its mint was asked for, and refuses, while it says that nothing of it is spent. */
interface RefusedSwap {
	readonly why: MintError;
	readonly spends: readonly Input[];
	readonly now: number;
	/** Whether it was refused so before, and has been made anew since with what the mint has shown then. */
	readonly isAgain: boolean;
}

/** Why it will never be received; nothing where the mint may let its owner have it yet. What a mint says that nobody knows, or that it takes back a moment later, ends nothing. */
export function whyNever(swap: RefusedSwap): TetradError | undefined {
	const { why, spends, now, isAgain } = swap;
	const from = Math.max(...spends.map(({ secret }) => anybodysFrom(secret)));
	const isLocked = from > now;
	// By the clock of its mint the lock may be on it yet.
	const isJustOver = !isLocked && now - from < CLOCK_TOLERANCE_MS;
	switch (why.kind) {
		case "not-verified":
			if (isJustOver) return undefined;
			return isLocked ? locked(why, from) : none(why);
		case "not-unlocked":
			return isJustOver ? undefined : locked(why, from);
		case "too-many-inputs":
			return tooManyInputs(why);
		case "too-many-outputs":
			return tooManyOutputs(why);
		case "amount-out-of-range":
		case "unacceptable":
			return unacceptable(why);
		// It may have meant the keyset of the outputs.
		case "keyset-unknown":
			return isAgain ? unknownKeyset(why) : undefined;
		case "keyset-expired":
			return isAgain ? expiredKeyset(why) : undefined;
		// Some mints have no code of their own for a lock that is not opened.
		case "other":
			return isLocked && spends.every(({ witness }) => witness === undefined)
				? locked(why, from)
				: undefined;
		default:
			return undefined;
	}
}

/** Whether what could not be asked for, for this, never can. */
export function isForGood({ code }: TetradError): boolean {
	return (
		code === "insufficient-funds" ||
		code === "limit-exceeded" ||
		code === "malformed"
	);
}

/** Some of it is spent, or all, and not by the purse for this; as its mint says of each. */
export function whySpent(
	spends: readonly Input[],
	states: readonly ProofState[],
): TetradError {
	const left = sumOf(spends.filter((_, at) => states[at]?.kind === "unspent"));
	const spent = sumOf(spends) - left;
	return new TetradError(
		"double-spent",
		left === 0n
			? "that ecash was spent before; nothing was received: ask whoever gave it for other ecash"
			: `${spent} of that ecash was spent before, and its mint takes all of a token or nothing; nothing was received: ask whoever gave it for a token of the ${left} that its mint says is unspent`,
	);
}

/** It goes on to be asked for. */
export function notYet({ code, detail }: MintError): TetradError {
	const said = detail === "" ? "" : `${detail} `;
	return new TetradError(
		"issuer-refused",
		`a token was put into the purse, and its mint refuses it for now: ${said}(code ${code}); it is asked again until it gives the ecash, or says that it never will: ask whoever runs that mint`,
	);
}

const UNSPENT = "nothing was received, and its mint says that it is unspent";

function none(why: MintError): TetradError {
	return refused(
		why,
		"its mint says that it has not signed that ecash, so it is worth nothing there; nothing was received: ask whoever gave it",
	);
}

/** It is not kept until then: whoever gave it can spend it as well, and whom it is locked to before. */
function locked(why: MintError, from: number): TetradError {
	const isEver = Number.isFinite(from);
	return refused(
		why,
		`a lock is on that ecash which this purse cannot open${isEver ? `, and which lets anybody spend it who has it from ${new Date(from).toISOString()} on` : ""}; ${UNSPENT}: ask whoever gave it for ecash that is not locked${isEver ? ", or put it into the purse again then" : ""}`,
	);
}

function tooManyInputs(why: MintError): TetradError {
	return refused(
		why,
		`that token has more proofs than its mint takes at once; ${UNSPENT}: ask whoever gave it for several tokens`,
	);
}

function tooManyOutputs(why: MintError): TetradError {
	return refused(
		why,
		`that ecash would come in more proofs than its mint gives at once; ${UNSPENT}: ask whoever gave it for several tokens of smaller amounts`,
	);
}

function unacceptable(why: MintError): TetradError {
	return refused(
		why,
		`its mint does not take that ecash as it is in the token; ${UNSPENT}: ask whoever runs that mint`,
	);
}

function unknownKeyset(why: MintError): TetradError {
	return refused(
		why,
		`its mint does not know the keyset of that ecash; ${UNSPENT}: ask whoever runs that mint`,
	);
}

function expiredKeyset(why: MintError): TetradError {
	return refused(
		why,
		`the keyset of that ecash is over, and its mint gives nothing for it any more; ${UNSPENT}: ask whoever runs that mint`,
	);
}

function refused({ code, detail }: MintError, what: string): TetradError {
	const said = detail === "" ? "" : `${detail}, `;
	return new TetradError(
		"issuer-refused",
		`${what} (the mint: ${said}code ${code})`,
	);
}
