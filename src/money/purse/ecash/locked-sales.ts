/* Sales that this module has committed ecash for and that are not over (locked-sale.ts), by their contracts. */
import type { TetradError } from "../../../errors.ts";
import { hex, sameBytes } from "../../../wire/index.ts";
import { ABOUT_LOCKS, body } from "../../documents/index.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { LockedRow } from "../ecash-tables.ts";
import type { OpenMeeting } from "../purse-core.ts";
import type { EcashBook } from "./book.ts";
import type { EcashJobOf } from "./jobs.ts";
import { LockedSale } from "./locked-sale.ts";
import type { LockTools } from "./making-locks.ts";
import type { Mints } from "./mints.ts";
import type { EcashParts } from "./parts.ts";
import {
	allMade,
	type MadeOutput,
	madeBefore,
	type StoredSwap,
} from "./stored-swap.ts";

export class LockedSales {
	readonly #tools: LockTools;
	/** By contract, in hexadecimal. */
	readonly #sales = new Map<string, LockedSale>();

	constructor(
		parts: EcashParts,
		mints: Mints,
		book: EcashBook,
		open: readonly LockedRow[],
	) {
		this.#tools = { parts, mints, book };
		for (const row of open) this.#add(row, () => madeFor(row));
	}

	get size(): number {
		return this.#sales.size;
	}

	has(contract: Uint8Array): boolean {
		return this.#sales.has(hex(contract));
	}

	/** It has just become durable. */
	begin(row: LockedRow, swap: StoredSwap): void {
		this.#add(row).begin(swap);
	}

	/** It was locked in an earlier life of this purse, which is durable now. */
	recalled(row: LockedRow): void {
		this.#add(row).recalled();
	}

	/** Asked for again. Whether there is such a sale. */
	join(contract: Uint8Array, meeting: OpenMeeting | undefined): boolean {
		const sale = this.#of(contract);
		sale?.join(meeting);
		return sale !== undefined;
	}

	#of(contract: Uint8Array): LockedSale | undefined {
		return this.#sales.get(hex(contract));
	}

	#add(row: LockedRow, made?: () => readonly MadeOutput[]): LockedSale {
		const name = hex(row.contract);
		const isOver = () => void this.#sales.delete(name);
		const sale = new LockedSale(this.#tools, row, isOver, made);
		this.#sales.set(name, sale);
		return sale;
	}

	// What the other module says.

	/** It does not take it, or not now. */
	refused(contract: Uint8Array, meeting: OpenMeeting, why: string): void {
		this.#of(contract)?.refused(meeting, why);
	}

	/** The payee has claimed it, and gives the key. Throws for what is no such message. */
	claimed(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(ABOUT_LOCKS.lockClaimed, bytes);
		this.#of(fields.contract)?.claimed(meeting, fields);
	}

	// What happens to tetrads, mints and time.

	opened(meeting: OpenMeeting): void {
		for (const sale of this.#sales.values()) sale.deliver(meeting);
	}

	/** Whatever waited for what is known of a mint goes on. */
	mintAsked(mint: Uint8Array): void {
		for (const sale of [...this.#sales.values()])
			if (sameBytes(sale.row.mint, mint)) sale.drive();
	}

	*deadlines(): Generator<number> {
		for (const sale of this.#sales.values()) yield* sale.deadlines();
	}

	time(): void {
		for (const sale of [...this.#sales.values()]) sale.time();
	}

	// What the mint says.

	mintAnswered(contract: Uint8Array, answer: MintAnswer): void {
		this.#of(contract)?.mintAnswered(answer);
	}

	mintNotAnswered(contract: Uint8Array): void {
		this.#of(contract)?.mintNotAnswered();
	}

	// What is durable.

	moved(job: EcashJobOf<"moving">): void {
		this.#tools.book.add(job.to.mint, job.proofs);
		this.#of(job.contract)?.moved(job);
	}

	notMoved({ contract }: EcashJobOf<"moving">, error: TetradError): void {
		this.#tools.parts.core.trouble(error);
		this.#of(contract)?.notWritten();
	}

	keyed(job: EcashJobOf<"keying">): void {
		this.#of(job.contract)?.keyed(job);
	}

	notKeyed({ contract }: EcashJobOf<"keying">, error: TetradError): void {
		this.#tools.parts.core.trouble(error);
		this.#of(contract)?.notWritten();
	}
}

/** What was made for a sale that is read from the store, and may have been refused since. */
function madeFor({
	state,
	lock_swap,
	back_swap,
}: LockedRow): readonly MadeOutput[] {
	const isRefused = state === "taking-back";
	return [...(isRefused ? allMade(lock_swap) : []), ...madeBefore(back_swap)];
}
