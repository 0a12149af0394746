import type { Row, Table } from "../../src/machine/index.ts";
import {
	BOOKINGS,
	NOTES as ISSUED,
	purseTables,
	TRANSFERS,
} from "../../src/money/index.ts";
import type { IssuerSide } from "../issuer-side.ts";
import type { World } from "../world.ts";
import type { MakeInvariant } from "./invariant.ts";

const { NOTES, PAYMENTS, RECEIPTS } = purseTables;

const OF_PURSES = [NOTES, PAYMENTS, RECEIPTS] as unknown as readonly Table[];
const OF_LEDGERS = [ISSUED, BOOKINGS, TRANSFERS] as unknown as readonly Table[];

/**
 * Value in purses, in transit and in doubt equals value issued: not a minor unit more or less. What
 * the books of two modules both have at the moment counts once. A purse that was put back has what
 * it had then, so that nothing is said of worlds with one.
 */
export const conserved: MakeInvariant = (world, fail) => {
	const running = new Sums(world);
	const { sides, issuers } = world;
	for (const { module } of sides)
		module.disk.watchers.push((...changed) => running.purseChanged(...changed));
	for (const issuer of issuers)
		issuer.module.disk.watchers.push((...changed) =>
			running.ledgerChanged(issuer, ...changed),
		);
	return {
		stepped() {
			if (world.wasPutBack) return;
			for (const issuer of issuers) {
				const { have, owed } = running.of(issuer.id);
				if (have !== owed)
					fail(
						`purses have ${have} of ${issuer.name}, which owes ${owed} in notes`,
					);
			}
		},
		/** What was summed up while it changed is what is on the disks. */
		rested() {
			if (world.wasPutBack) return;
			const whole = new Sums(world);
			for (const { module } of sides)
				for (const table of OF_PURSES)
					for (const row of module.disk.rows(table))
						whole.purseChanged(table, undefined, row);
			for (const issuer of issuers)
				for (const table of OF_LEDGERS)
					for (const row of issuer.module.disk.rows(table))
						whole.ledgerChanged(issuer, table, undefined, row);
			for (const { id, name } of issuers) {
				const [sums, there] = [running.of(id), whole.of(id)];
				if (sums.have !== there.have || sums.owed !== there.owed)
					fail(
						`of ${name} ${sums.have} were had and ${sums.owed} owed, and on the disks are ${there.have} and ${there.owed}`,
					);
			}
		},
	};
};

/** Of one issuer, in minor units. */
interface Sum {
	have: bigint;
	owed: bigint;
}

/** What all books have of one transfer. */
interface Transfer {
	readonly sum: Sum;
	committed: bigint;
	/** What is to be deposited, or was refused since its payee came too late: nobody's until its payer hands it in. */
	undeposited: bigint;
	received: number;
	handedIn: number;
}

/** What all books have of one note. */
interface Note {
	readonly sum: Sum;
	issued: bigint;
	live: bigint;
	held: number;
	claimed: number;
	claims: bigint;
}

/** The sums of all issuers, changed with each row. */
class Sums {
	readonly #sums: ReadonlyMap<string, Sum>;
	readonly #transfers = new Map<string, Transfer>();
	readonly #notes = new Map<string, Note>();

	constructor({ issuers }: World) {
		this.#sums = new Map(
			issuers.map(({ id }) => [nameOf(id), { have: 0n, owed: 0n }]),
		);
	}

	of(issuer: Uint8Array): Sum {
		const sum = this.#sums.get(nameOf(issuer));
		if (sum === undefined) throw new Error("nobody knows that issuer");
		return sum;
	}

	purseChanged(table: Table, before?: Row, after?: Row): void {
		this.#purse(table.name, before, -1n);
		this.#purse(table.name, after, 1n);
	}

	ledgerChanged(
		issuer: IssuerSide,
		table: Table,
		before?: Row,
		after?: Row,
	): void {
		this.#ledger(issuer, table.name, before, -1n);
		this.#ledger(issuer, table.name, after, 1n);
	}

	#purse(table: string, row: Row | undefined, sign: bigint): void {
		if (row === undefined) return;
		if (table === NOTES.name) {
			const { id, issuer, state, value, spent } = row as Row<
				typeof NOTES.columns
			>;
			this.#noted(id, this.of(issuer), (note) => {
				note.held += Number(sign);
				if (state === "live") note.live += sign * (value - spent);
				if (state === "claimed") note.claimed += Number(sign);
			});
		} else if (table === PAYMENTS.name) {
			const { transfer_id, issuer, state, in_doubt } = row as Row<
				typeof PAYMENTS.columns
			>;
			if (state !== "committed") return;
			this.#transferred(transfer_id, this.of(issuer), (transfer) => {
				transfer.committed += sign * in_doubt;
			});
		} else if (table === RECEIPTS.name) {
			const { transfer_id, issuer, state, amount, receipt } = row as Row<
				typeof RECEIPTS.columns
			>;
			this.#transferred(transfer_id, this.of(issuer), (transfer) => {
				// What is to be booked first, and is refused then, stays its payer's.
				if (state === "to-book" || receipt.length === 0) return;
				transfer.received += Number(sign);
				if (state === "to-deposit" || state === "refused")
					transfer.undeposited += sign * amount;
			});
		}
	}

	#ledger(
		{ id: issuer }: IssuerSide,
		table: string,
		row: Row | undefined,
		sign: bigint,
	): void {
		if (row === undefined) return;
		if (table === ISSUED.name) {
			const { id, value } = row as Row<typeof ISSUED.columns>;
			const sum = this.of(issuer);
			sum.owed += sign * value;
			this.#noted(id, sum, (note) => {
				note.issued += sign * value;
			});
		} else if (table === BOOKINGS.name) {
			const { kind, note: id, amount } = row as Row<typeof BOOKINGS.columns>;
			const sum = this.of(issuer);
			sum.owed -= sign * amount;
			if (kind !== "claim") return;
			this.#noted(id, sum, (note) => {
				note.claims += sign * amount;
			});
		} else if (table === TRANSFERS.name) {
			const { id } = row as Row<typeof TRANSFERS.columns>;
			this.#transferred(id, this.of(issuer), (transfer) => {
				transfer.handedIn += Number(sign);
			});
		}
	}

	#transferred(
		id: Uint8Array,
		sum: Sum,
		change: (transfer: Transfer) => void,
	): void {
		const name = nameOf(id);
		const known = this.#transfers.get(name) ?? {
			sum,
			committed: 0n,
			undeposited: 0n,
			received: 0,
			handedIn: 0,
		};
		this.#transfers.set(name, known);
		known.sum.have -= inTransit(known);
		change(known);
		known.sum.have += inTransit(known);
	}

	#noted(id: Uint8Array, sum: Sum, change: (note: Note) => void): void {
		const name = nameOf(id);
		const known = this.#notes.get(name) ?? {
			sum,
			issued: 0n,
			live: 0n,
			held: 0,
			claimed: 0,
			claims: 0n,
		};
		this.#notes.set(name, known);
		known.sum.have -= inNote(known);
		change(known);
		known.sum.have += inNote(known);
	}
}

function inTransit(transfer: Transfer): bigint {
	const { committed, undeposited, received, handedIn } = transfer;
	if (handedIn > 0) return 0n;
	return undeposited + (received > 0 ? 0n : committed);
}

function inNote({ issued, live, held, claimed, claims }: Note): bigint {
	return live + (held > 0 ? 0n : issued) - (claimed > 0 ? 0n : claims);
}

function nameOf(id: Uint8Array): string {
	return Buffer.from(id.buffer, id.byteOffset, id.length).toString("latin1");
}
