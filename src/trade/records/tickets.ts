/*
 * What becomes of a ticket for a request that is paid first, in the store of the merchant's agent:
 *
 *   made ─▶ sold ─▶ begun ─┬─▶ answered
 *                          └─▶ failed ─▶ refunded
 *
 * Whoever has a ticket has paid for it, whether this agent has heard that yet or not: its module
 * gives the goods key to nobody else. So one that is made can be begun as well.
 */
import {
	byKey,
	done,
	insert,
	put,
	type Read,
	reading,
	remove,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import {
	SALES,
	type SaleRow,
	TICKETS,
	type TicketRow,
	WORKS,
} from "./tables.ts";

type TicketState =
	| "made"
	| "sold"
	| "begun"
	| "answered"
	| "failed"
	| "refunded";

/** Rows that are looked at, or taken away, at once. */
const MAX_TICKETS = 1000;

const NOTHING: Uint8Array = new Uint8Array();

/** What came of using a ticket. */
export type TicketUse =
	/** The request is to be answered now, and by nobody else. */
	| { readonly kind: "begun"; readonly ticket: TicketRow }
	/** It was used before. */
	| { readonly kind: "used"; readonly ticket: TicketRow }
	| { readonly kind: "unknown" };

/** Keeps a ticket before it is sold. Whether it may be: a buyer who has ordered `most` since that time and not paid for them gets no more. */
export function makeTicket(
	made: Pick<
		TicketRow,
		"id" | "ticket" | "buyer" | "time" | "item" | "amount" | "wanted"
	>,
	most: number,
	since: bigint,
): Transaction<boolean> {
	const { buyer, time } = made;
	const state: TicketState = "made";
	const unpaid: Read<typeof TICKETS.columns> = {
		table: TICKETS,
		index: "by_buyer",
		equals: { buyer, state },
		above: since,
		limit: most,
	};
	return reading([unpaid], ([rows]) => {
		if (rows.length >= most) return done([], false);
		const row: TicketRow = {
			...made,
			changed: time,
			contract: NOTHING,
			state,
			answer: NOTHING,
			module: NOTHING,
		};
		return done([insert(TICKETS, row)], true);
	});
}

/** The ticket of that contract, by its id. */
export function readTicket(id: Uint8Array): Transaction<TicketRow | undefined> {
	return reading([byKey(TICKETS, { id })], ([[known]]) => done([], known));
}

/** Begins to answer the request of a ticket, once; only if `fits` says that it is for that request. */
export function beginTicket(
	ticket: Uint8Array,
	fits: (row: TicketRow) => boolean,
	now: bigint,
): Transaction<TicketUse> {
	return reading([ofTicket(ticket)], ([[known]]): Transaction<TicketUse> => {
		if (known === undefined || !fits(known))
			return done([], { kind: "unknown" });
		if (known.state !== "made" && known.state !== "sold")
			return done([], { kind: "used", ticket: known });
		const row = changed(known, "begun", now);
		return done([put(TICKETS, row)], { kind: "begun", ticket: row });
	});
}

/** Keeps what was answered to the request of a ticket that is begun. */
export function answerTicket(
	id: Uint8Array,
	answer: Uint8Array,
	now: bigint,
): Transaction<undefined> {
	return whenBegun(id, (row) => ({
		...changed(row, "answered", now),
		answer,
	}));
}

/** The request of a ticket that is begun was not answered, and its price is owed back. */
export function failTicket(
	id: Uint8Array,
	now: bigint,
): Transaction<undefined> {
	return whenBegun(id, (row) => changed(row, "failed", now));
}

/** Fails what the end of a process has cut, at most `limit` of it. How much it was. */
export function cutTickets(
	now: bigint,
	limit: number = MAX_TICKETS,
): Transaction<number> {
	return reading([inState("begun", limit)], ([rows]) =>
		done(
			rows.map((row) => put(TICKETS, changed(row, "failed", now))),
			rows.length,
		),
	);
}

/** Tickets of a buyer whose price is owed back, the oldest first, without so many of those. */
export function readOwedTickets(
	buyer: Uint8Array,
	limit: number,
	skip = 0,
): Transaction<readonly TicketRow[]> {
	const state: TicketState = "failed";
	return reading(
		[
			{
				table: TICKETS,
				index: "by_buyer",
				equals: { buyer, state },
				skip,
				limit,
			},
		],
		([rows]) => done([], rows),
	);
}

/** Its price was given back. */
export function refundTicket(
	id: Uint8Array,
	now: bigint,
): Transaction<undefined> {
	return reading([byKey(TICKETS, { id })], ([[known]]) =>
		done(
			known?.state === "failed"
				? [put(TICKETS, changed(known, "refunded", now))]
				: [],
			undefined,
		),
	);
}

/** Takes away what is older than these times, at most `limit` of each: what was answered or given back before that, and tickets that were made before and that nobody has used. How much it was. */
export function forgetTickets(
	{ used, unused }: { readonly used: bigint; readonly unused: bigint },
	limit: number = MAX_TICKETS,
): Transaction<number> {
	const before = (state: TicketState, below: bigint) => ({
		...inState(state, limit),
		below,
	});
	return reading(
		[
			before("answered", used),
			before("refunded", used),
			before("made", unused),
			before("sold", unused),
		],
		([answered, refunded, ...made]) => {
			// A ticket may be shown long after it was made, and its answer is kept from then on.
			const over = [...answered, ...refunded].filter(
				({ changed }) => changed < used,
			);
			const rows = [...over, ...made.flat()];
			return done(
				rows.map(({ id }) => remove(TICKETS, { id })),
				rows.length,
			);
		},
	);
}

/** The contract is signed under which an answer or a ticket is sold, and that module is paid for it. */
export function contractAnswer(
	id: Uint8Array,
	contract: Uint8Array,
	module: Uint8Array,
): Transaction<undefined> {
	return reading(
		[byKey(WORKS, { id }), byKey(TICKETS, { id })],
		([[work], [ticket]]) =>
			done(
				[
					...(work === undefined ? [] : [put(WORKS, { ...work, contract })]),
					...(ticket === undefined
						? []
						: [put(TICKETS, { ...ticket, contract, module })]),
				],
				undefined,
			),
	);
}

/** Whether an answer or a ticket is sold under that contract, and not known to be paid. */
export function hasAnswer(contract: Uint8Array): Transaction<boolean> {
	return reading(under(contract), ([works, tickets]) =>
		done([], works.length + tickets.length > 0),
	);
}

/** Keeps the sale of an answer or a ticket, once. An answer is no unpaid work any more, and who has bought a ticket has made up for all that it left. */
export function sellAnswer(sale: SaleRow, now: bigint): Transaction<undefined> {
	const { contract, buyer_agent: buyer } = sale;
	const left: Read<typeof WORKS.columns> = {
		table: WORKS,
		index: "by_buyer",
		equals: { buyer, state: "left" },
		limit: MAX_TICKETS,
	};
	return reading(
		[...under(contract), left, byKey(SALES, { contract })],
		([[work], [ticket], unpaid, [known]]) => {
			const writes: Write[] = known === undefined ? [insert(SALES, sale)] : [];
			if (work !== undefined) writes.push(remove(WORKS, { id: work.id }));
			if (ticket !== undefined) {
				if (ticket.state === "made")
					writes.push(put(TICKETS, changed(ticket, "sold", now)));
				for (const { id } of unpaid) writes.push(remove(WORKS, { id }));
			}
			return done(writes, undefined);
		},
	);
}

function under(
	contract: Uint8Array,
): [Read<typeof WORKS.columns>, Read<typeof TICKETS.columns>] {
	const how = { index: "by_contract", equals: { contract }, limit: 1 };
	return [
		{ table: WORKS, ...how },
		{ table: TICKETS, ...how },
	];
}

function ofTicket(ticket: Uint8Array): Read<typeof TICKETS.columns> {
	return { table: TICKETS, index: "by_ticket", equals: { ticket }, limit: 1 };
}

function inState(
	state: TicketState,
	limit: number,
): Read<typeof TICKETS.columns> {
	return { table: TICKETS, index: "by_state", equals: { state }, limit };
}

function whenBegun(
	id: Uint8Array,
	become: (row: TicketRow) => TicketRow,
): Transaction<undefined> {
	return reading([byKey(TICKETS, { id })], ([[known]]) =>
		done(
			known?.state === "begun" ? [put(TICKETS, become(known))] : [],
			undefined,
		),
	);
}

function changed(row: TicketRow, state: TicketState, now: bigint): TicketRow {
	return { ...row, state, changed: now };
}
