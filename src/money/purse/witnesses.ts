/*
 * How far this purse has come, and what its witnesses say of that: its own agent and its issuers
 * keep its newest head, so that a purse that was put back to an old backup, or copied, is found out
 * before it gives away what it gave away before.
 *
 *   unwitnessed ─the own agent agrees─▶ agreed
 *        │                                │
 *        └── a witness knows better ──────┴──▶ behind ─its owner overrides it─▶ unwitnessed
 *                 or it was restored
 *
 * That it is behind is durable, and so is what the owner overrode: a restart forgets neither. A
 * purse whose store was put back or copied has, besides, to meet the issuer of whatever it pays
 * with (`MET_NAME` in purse-tables.ts).
 */
import { TetradError } from "../../errors.ts";
import {
	byKey,
	MAX_READ_ROWS,
	put,
	type Read,
	remove,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { enc, hex, sameBytes } from "../../wire/index.ts";
import {
	encodeHead,
	FIRST_HEAD,
	type Head,
	message,
	type OverrideBody,
	parseHead,
	WITH_AGENT,
} from "../documents/index.ts";
import type {
	Compared,
	JobOf,
	Overridden,
	WitnessName,
} from "./pending-jobs.ts";
import type { PurseCore } from "./purse-core.ts";
import {
	MAX_META_LIST,
	MAX_WITNESSED_NUMBER,
	WITNESS_WITHIN_MS,
} from "./purse-limits.ts";
import type { PurseState } from "./purse-load.ts";
import {
	BEHIND_NAME,
	type Change,
	type Changed,
	changing,
	idsIn,
	isRestoredHead,
	LACKED_NAME,
	LOG,
	type LogEntry,
	MET_NAME,
	META,
	type MetaRow,
	NOTES,
	OVERRIDDEN_NAME,
	REQUESTS,
	type RequestRow,
	unchanged,
} from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";

/** What witnesses have said of this purse. */
type Standing =
	/** None has spoken since it started: it may have been put back to an old backup. */
	| { readonly kind: "unwitnessed" }
	| { readonly kind: "agreed" }
	/** It is not the newest there is, or there are two of it. */
	| { readonly kind: "behind"; readonly error: TetradError };

export class Witnesses {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	#head: Head;
	#standing: Standing;
	/** Issuers that were met, in hexadecimal, if the purse has to meet them before it pays. */
	readonly #met: Set<string> | undefined;
	/** Tetrads whose agent does not know the head yet, and when it shall. */
	readonly #toTell = new Set<number>();
	#tellAt: number | undefined;

	constructor(
		core: PurseCore,
		work: PurseWork,
		{ head, behind, met }: Pick<PurseState, "head" | "behind" | "met">,
	) {
		this.#core = core;
		this.#work = work;
		this.#head = head;
		this.#standing =
			behind === undefined
				? { kind: "unwitnessed" }
				: {
						kind: "behind",
						error: isRestoredHead(behind)
							? restoredError()
							: behindError(behind.number > head.number),
					};
		this.#met = met && new Set(met.map(hex));
	}

	/** The newest head that is durable. */
	get head(): Head {
		return this.#head;
	}

	get standing(): Standing {
		return this.#standing;
	}

	/** When `time` shall be called. */
	get deadline(): number | undefined {
		return this.#tellAt;
	}

	/** That head is durable. */
	reached(head: Head): void {
		if (head.number > this.#head.number) this.#head = head;
	}

	/** Holds a witness's record of this purse against what is durable. Throws `malformed` for a number that no purse comes to, and for a head of zeros, as what a restored purse is behind has it. */
	compare(record: Head, witness: WitnessName): void {
		const { number } = record;
		if (number > FIRST_HEAD.number && isRestoredHead(record))
			throw new TetradError(
				"malformed",
				"a witness tells of a head that no purse has",
			);
		if (number > MAX_WITNESSED_NUMBER && number > this.#head.number)
			throw new TetradError(
				"malformed",
				"a witness tells of a purse with more changes than there can be",
			);
		this.#work.transact(
			{ kind: "comparing-head", record, witness },
			comparing(this.#core, record, this.#witnessId(witness), witness.kind),
		);
	}

	/** Only the own agent's word lets the purse pay. */
	compared(
		{ record, witness }: JobOf<"comparing-head">,
		compared: Compared,
	): void {
		switch (compared.kind) {
			case "disagrees":
				this.#fallBehind(compared.isNewer);
				// The own agent keeps what an issuer knows, so that it is known without the issuer.
				if (witness.kind === "issuer")
					this.#core.toAgent(
						witness.tetrad,
						message(WITH_AGENT.witness, record),
					);
				return;
			case "agrees":
				if (compared.endsRestore) this.#restoreOver(compared.isBehindStill);
				if (witness.kind === "issuer")
					this.#met?.add(hex(this.#witnessId(witness)));
				else if (this.#standing.kind === "unwitnessed")
					this.#standing = { kind: "agreed" };
		}
	}

	/** Device id; of nobody when the tetrad is over. */
	#witnessId({ kind, tetrad }: WitnessName): Uint8Array {
		const meeting = this.#core.meetings.get(tetrad);
		if (meeting === undefined) return new Uint8Array();
		if (kind === "issuer") return meeting.peer.deviceId;
		return meeting.ids[meeting.place === "X" ? "A" : "B"];
	}

	/** The owner says that what a witness told does not count. */
	override({ request, number, hash }: OverrideBody): void {
		const record = { number, hash };
		this.#work.transact(
			{ kind: "overriding", request, record },
			overriding(this.#core, record),
		);
	}

	overridden(
		{ request, record }: JobOf<"overriding">,
		{ isDone, isBehindStill }: Overridden,
	): void {
		if (isDone) this.#restoreOver(isBehindStill);
		else
			this.#core.trouble(
				new TetradError(
					"invalid-argument",
					"that is not what this purse is behind: nothing was overridden",
				),
			);
		this.#core.report({ kind: "overridden", request, record, isDone });
	}

	/** Tells the own agent how far the purse has come, unless that could wipe out a record of something newer. */
	tell(tetrad: number): void {
		this.#toTell.delete(tetrad);
		if (this.#standing.kind === "agreed")
			this.#core.toAgent(tetrad, message(WITH_AGENT.witness, this.#head));
	}

	/** As `tell`, but soon: for a change by which nothing was given away. */
	tellSoon(tetrad: number): void {
		if (!this.#core.meetings.has(tetrad)) return;
		this.#tellAt ??= this.#core.now + WITNESS_WITHIN_MS;
		this.#toTell.add(tetrad);
	}

	time(): void {
		if (this.#tellAt === undefined || this.#core.now < this.#tellAt) return;
		this.#tellAt = undefined;
		for (const tetrad of [...this.#toTell]) this.tell(tetrad);
	}

	/** Why nothing of that issuer's may be committed now, or `undefined`. */
	whyNotPay(issuer: Uint8Array): TetradError | undefined {
		const behind = this.whyBehind();
		if (behind !== undefined) return behind;
		return this.#met === undefined || this.#met.has(hex(issuer))
			? undefined
			: new TetradError(
					"purse-behind",
					"the database of this purse is not where it was, or was put back or copied: it pays with an issuer's notes once it has met that issuer, so settle first",
				);
	}

	/** Why nothing at all may be committed now, or `undefined`. */
	whyBehind(): TetradError | undefined {
		switch (this.#standing.kind) {
			case "agreed":
				return undefined;
			case "behind":
				return this.#standing.error;
			case "unwitnessed":
				return new TetradError(
					"purse-behind",
					"the own agent has not yet said how far it knows this purse to have come; it says so at the start of each tetrad",
				);
		}
	}

	/** What it was behind of counts no more; what a witness told meanwhile does. */
	#restoreOver(isBehindStill: boolean): void {
		this.#standing = { kind: "unwitnessed" };
		if (isBehindStill) this.#fallBehind(true);
	}

	#fallBehind(isNewer: boolean): void {
		if (this.#standing.kind === "behind") return;
		const error = behindError(isNewer);
		this.#standing = { kind: "behind", error };
		this.#core.report({ kind: "behind", error });
	}
}

/** What a purse that was restored may have given away after its backup was made, if there is any: notes, and requests that are answered with notes. */
const SPENDABLE_AGAIN = [
	{ table: NOTES, index: "by_state", equals: { state: "live" }, limit: 1 },
	{
		table: REQUESTS,
		index: "by_issuer",
		equals: { state: "ordered" },
		limit: MAX_READ_ROWS,
	},
] as const satisfies readonly [
	Read<typeof NOTES.columns>,
	Read<typeof REQUESTS.columns>,
];

/** A withdrawal that was ordered after the restore was never sent, and its notes are new. */
function bringsNotes({ kind, unanswered }: RequestRow): boolean {
	return kind === "exchange" || (kind === "withdraw" && unanswered > 0n);
}

/** Whether a record is in the log or overridden; if not, that the purse is behind becomes durable, and if so, that its issuer was met. */
function comparing(
	{ options, now }: PurseCore,
	record: Head,
	peer: Uint8Array,
	witness: WitnessName["kind"],
): Transaction<Changed<Compared>> {
	return changing(
		options.context.crypto,
		now,
		[
			byKey(LOG, { number: record.number }),
			byKey(META, { name: BEHIND_NAME }),
			byKey(META, { name: OVERRIDDEN_NAME }),
			byKey(META, { name: MET_NAME }),
			byKey(META, { name: LACKED_NAME }),
			...SPENDABLE_AGAIN,
		],
		([
			[row],
			[behind],
			[overridden],
			[met],
			[lacked],
			notes,
			requests,
		]): Change<Compared> => {
			const value = encodeHead(record);
			const entry = { subject: record.hash, amount: 0n, peer };
			if (
				record.number > 0n &&
				!(row !== undefined && sameBytes(row.hash, record.hash)) &&
				!contains(overridden?.value, value)
			) {
				const result = {
					kind: "disagrees",
					isNewer: row === undefined,
				} as const;
				if (behind !== undefined)
					return isRestored(behind) && isAbove(record, lacked)
						? {
								entries: [],
								writes: [put(META, { name: LACKED_NAME, value })],
								result,
							}
						: unchanged(result);
				return {
					entries: [{ what: "behind", ...entry }],
					writes: [put(META, { name: BEHIND_NAME, value })],
					result,
				};
			}
			const endsRestore =
				witness === "issuer" &&
				behind !== undefined &&
				isRestored(behind) &&
				notes.length === 0 &&
				!requests.some(bringsNotes);
			const isFirst =
				witness === "issuer" && met !== undefined && !contains(met.value, peer);
			const result = {
				kind: "agrees",
				endsRestore,
				isBehindStill: endsRestore && lacked !== undefined,
			} as const;
			if (!endsRestore && !isFirst) return unchanged(result);
			return {
				entries: [{ what: "met", ...entry }],
				writes: [
					...(endsRestore
						? [
								...afterRestore(lacked),
								remembering(overridden?.value, behind.value),
							]
						: []),
					...(isFirst
						? [put(META, { name: MET_NAME, value: appended(met.value, peer) })]
						: []),
				],
				result,
			};
		},
	);
}

/** Decides on whether the purse was behind that very record. */
function overriding(
	{ options, now, ownId: peer }: PurseCore,
	record: Head,
): Transaction<Changed<Overridden>> {
	return changing(
		options.context.crypto,
		now,
		[
			byKey(META, { name: BEHIND_NAME }),
			byKey(META, { name: OVERRIDDEN_NAME }),
			byKey(META, { name: LACKED_NAME }),
		],
		([[behind], [overridden], [lacked]]): Change<Overridden> => {
			const value = encodeHead(record);
			if (behind === undefined || !sameBytes(behind.value, value))
				return unchanged({ isDone: false, isBehindStill: false });
			// Above the record, so that its witness takes the next head for a newer one.
			const entry: LogEntry = {
				what: "overridden",
				subject: record.hash,
				amount: 0n,
				peer,
				above: record.number,
			};
			return {
				entries: [entry],
				writes: [
					...afterRestore(lacked),
					remembering(overridden?.value, value),
				],
				result: { isDone: true, isBehindStill: lacked !== undefined },
			};
		},
	);
}

function isRestored({ value }: Pick<MetaRow, "value">): boolean {
	return isRestoredHead(parseHead(value));
}

function isAbove(
	{ number }: Head,
	lacked: Pick<MetaRow, "value"> | undefined,
): boolean {
	return lacked === undefined || number > parseHead(lacked.value).number;
}

/** The purse is behind what a witness told while it was behind because of its restore, or of nothing any more. */
function afterRestore(
	lacked: Pick<MetaRow, "value"> | undefined,
): readonly Write[] {
	return lacked === undefined
		? [remove(META, { name: BEHIND_NAME })]
		: [
				put(META, { name: BEHIND_NAME, value: lacked.value }),
				remove(META, { name: LACKED_NAME }),
			];
}

function contains(list: Uint8Array | undefined, item: Uint8Array): boolean {
	return (
		list !== undefined && idsIn(list).some((known) => sameBytes(known, item))
	);
}

/** A purse that was behind knows for ever that it may have forgotten something. */
function remembering(
	overridden: Uint8Array | undefined,
	head: Uint8Array,
): Write {
	const value = appended(overridden ?? enc(), head);
	return put(META, { name: OVERRIDDEN_NAME, value });
}

function appended(list: Uint8Array, item: Uint8Array): Uint8Array {
	return enc(...[...idsIn(list), item].slice(-MAX_META_LIST));
}

function restoredError(): TetradError {
	return new TetradError(
		"purse-behind",
		"this purse was restored from a backup, and what was done after that is not in it; put the newest copy of its home back if there is one; what it had is claimed from the issuer after the notes have expired",
	);
}

function behindError(isNewer: boolean): TetradError {
	return new TetradError(
		"purse-behind",
		`${isNewer ? "a witness knows a newer state of this purse" : "a witness knows another state of this purse: there are two copies of it"}; put the newest copy of its home back and start again; what cannot be found is claimed from the issuer after the notes have expired`,
	);
}
