/* The answer to a request of a module, which is kept with what it changed, and found when it is asked again. */
import type { ErrorCode } from "../../errors.ts";
import {
	byKey,
	done,
	insert,
	type Read,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { copy, hex, sameBytes, textWithin } from "../../wire/index.ts";
import { MAX_REASON_BYTES, message, WITH_ISSUER } from "../documents/index.ts";
import { ANSWERS, CONFLICTS, type RowOf } from "./ledger-tables.ts";

/** One request of a module, as it was read. */
export interface Asked {
	/** Device id of the module that asks. */
	readonly device: Uint8Array;
	readonly request: Uint8Array;
	/** SHA-256 over what is asked, apart from how it is signed. */
	readonly hash: Uint8Array;
	/** By the issuer's clock; milliseconds since the epoch. */
	readonly at: number;
	/** The contract of a sale, if one is handed in. */
	readonly sale?: Uint8Array;
}

export interface Conflict {
	readonly id: Uint8Array;
	readonly note: Uint8Array;
	/** The transfer that was booked, and the one that came later. */
	readonly first: Uint8Array;
	readonly second: Uint8Array;
	readonly holder: Uint8Array;
	readonly at: number;
}

/** What came of a request. */
export type SettledRequest =
	| { readonly kind: "issued"; readonly amount: bigint }
	| { readonly kind: "booked"; readonly amount: bigint }
	/** A transfer will never be booked, and so much of it went back to its payer. */
	| { readonly kind: "void"; readonly amount: bigint }
	| {
			readonly kind: "declined";
			readonly code: ErrorCode;
			readonly reason: string;
	  };

export type RequestOutcome =
	/** Now; durably, if it changed anything. */
	| {
			readonly kind: "answered";
			readonly answer: Uint8Array;
			readonly settled: SettledRequest;
			readonly conflicts: readonly Conflict[];
			/** The contract of the sale that was handed in. */
			readonly sale: Uint8Array | undefined;
	  }
	/** It was done long ago. */
	| {
			readonly kind: "repeated";
			readonly answer: Uint8Array;
			/** Whether it was done for the other party of a sale, which handed it in first. */
			readonly forOther: boolean;
	  }
	/** It can be done, once there is a note for it. */
	| { readonly kind: "needs-note" };

/** Why a request is refused. It is kept only with what it moved: evidence. */
export interface Refusal {
	readonly code: ErrorCode;
	readonly reason: string;
}

export type Answered = Transaction<RequestOutcome>;

export function declinedMessage(
	request: Uint8Array,
	{ code, reason }: Refusal,
): Uint8Array {
	return message(WITH_ISSUER.declined, {
		request,
		code,
		reason: textWithin(reason, MAX_REASON_BYTES),
	});
}

/** A ledger that was put back cannot tell a note that it has forgotten from one that it never made. Not final: it may be given its newer state again. */
export const notIssuedHere: Refusal = {
	code: "note-unknown",
	reason:
		"a note was not issued here, or this ledger was put back and has forgotten it: then its operator can credit by hand what the signature on the note shows",
};

export function answerRead({
	device,
	request,
}: Asked): Read<typeof ANSWERS.columns> {
	return byKey(ANSWERS, { device, request });
}

export function repeated(asked: Asked, row: RowOf<typeof ANSWERS>): Answered {
	const answer = sameBytes(row.asked, asked.hash)
		? row.answer
		: declinedMessage(asked.request, {
				code: "issuer-refused",
				reason: "something else was asked before under this request's id",
			});
	return done([], { kind: "repeated", answer, forOther: false });
}

/** What moved nothing now, because it was settled before, under whichever request. */
export function saidBefore(answer: Uint8Array, forOther: boolean): Answered {
	return done([], { kind: "repeated", answer, forOther });
}

export function declinedBefore(
	asked: Asked,
	refusal: Refusal,
	forOther: boolean,
): Answered {
	return saidBefore(declinedMessage(asked.request, refusal), forOther);
}

export function declined(
	asked: Asked,
	refusal: Refusal,
	writes: readonly Write[] = [],
	conflicts: readonly Conflict[] = [],
): Answered {
	const answer = declinedMessage(asked.request, refusal);
	return answered(
		asked,
		answer,
		{ kind: "declined", ...refusal },
		conflicts,
		writes,
	);
}

/** `earlier` are ids of transfers that came first, as often as they are found. */
export function bookedMessage(
	request: Uint8Array,
	credited: bigint,
	earlier: readonly Uint8Array[],
): Uint8Array {
	const conflicts = [...new Map(earlier.map((id) => [hex(id), id])).values()];
	return message(WITH_ISSUER.booked, { request, credited, conflicts });
}

export function booked(
	asked: Asked,
	amount: bigint,
	earlier: readonly Uint8Array[],
	conflicts: readonly Conflict[],
	writes: readonly Write[],
): Answered {
	const answer = bookedMessage(asked.request, amount, earlier);
	return answered(asked, answer, { kind: "booked", amount }, conflicts, writes);
}

/** What became of a transfer, to be kept with what it changes. `key` is what a sale that is booked was paid for. */
export function outcome(
	asked: Asked,
	state: 1 | 2,
	credited: bigint,
	conflicts: readonly Conflict[],
	writes: readonly Write[],
	key?: Uint8Array,
): Answered {
	const answer = outcomeMessage(asked, state, credited, key);
	const kind = state === 2 ? "void" : "booked";
	const settled: SettledRequest = { kind, amount: credited };
	return answered(asked, answer, settled, conflicts, writes);
}

/** What had become of it before. */
export function outcomeBefore(
	asked: Asked,
	state: 1 | 2,
	credited: bigint,
	forOther: boolean,
	key?: Uint8Array,
): Answered {
	return saidBefore(outcomeMessage(asked, state, credited, key), forOther);
}

function outcomeMessage(
	{ request }: Asked,
	state: 1 | 2,
	credited: bigint,
	key: Uint8Array | undefined,
): Uint8Array {
	return message(WITH_ISSUER.outcome, {
		request,
		state,
		credited,
		key,
	});
}

export function answered(
	{ device, request, hash, at, sale }: Asked,
	bytes: Uint8Array,
	settled: SettledRequest,
	conflicts: readonly Conflict[],
	writes: readonly Write[],
): Answered {
	// Its own memory: a message is cut from a larger block.
	const answer = copy(bytes);
	const outcome = {
		kind: "answered",
		answer,
		settled,
		conflicts,
		sale,
	} as const;
	// What moved nothing is not kept, and may be answered otherwise when it is asked again.
	if (writes.length === 0) return done([], outcome);
	return done(
		[
			...writes,
			...conflicts.map((conflict) =>
				insert(CONFLICTS, { ...conflict, at: BigInt(conflict.at) }),
			),
			insert(ANSWERS, { device, request, asked: hash, answer, at: BigInt(at) }),
		],
		outcome,
	);
}
