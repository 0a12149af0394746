/*
 * What goes between mints, and between a mint and whoever is not in this world: invoices are paid,
 * at once or after a while, or are not. Nobody loses what was paid on the way.
 */
import type { MintChange } from "../src/mint/index.ts";
import { invoiceFor } from "../src/mint/invoice.ts";
import { hex } from "../src/wire/index.ts";
import type { SimulatedMint } from "./mint.ts";
import type { World } from "./world.ts";

/** How a mint that is down is told, in milliseconds: until it hears. */
const AGAIN_MS = 1_000;

/** What becomes of an invoice that a mint is to pay: at each try, the last one again and again. */
export interface Fate {
	readonly tries: readonly boolean[];
	readonly afterMs: number;
}

/** What becomes of one try. */
interface End {
	readonly isPaid: boolean;
	readonly afterMs: number;
}

/** Of an invoice that nobody has said anything of. */
const PAID: Fate = { tries: [true], afterMs: 1 };

export class Invoices {
	readonly #world: World;
	readonly #fates = new Map<string, Fate>();
	/** How often each was tried. */
	readonly #tries = new Map<string, number>();
	/** Payments that are under way, to be ended at once when everything is well again. */
	readonly #underWay = new Set<() => void>();

	constructor(world: World) {
		this.#world = world;
	}

	/** One of somebody who is not in this world. */
	fromOutside(amount: number): string {
		const mark = this.#world.stream("invoices").bytes(16);
		return invoiceFor(BigInt(amount), "sat", hex(mark));
	}

	decide(invoice: string, fate: Fate): void {
		if (!this.#fates.has(invoice)) this.#fates.set(invoice, fate);
	}

	/** A mint tries to pay it, which nobody takes when its time is over. */
	tried(invoice: string): End {
		const { tries, afterMs } = this.#fates.get(invoice) ?? PAID;
		const count = this.#tries.get(invoice) ?? 0;
		this.#tries.set(invoice, count + 1);
		const { mints, schedule } = this.#world;
		const expires = mints.all.map((mint) => mint.expiryOf(invoice));
		const isOver = expires.some(
			(seconds) => seconds !== undefined && schedule.now > 1000 * seconds,
		);
		const isPaid =
			!isOver && (tries[Math.min(count, tries.length - 1)] ?? true);
		this.#world.count(isPaid ? "invoice paid" : "invoice not paid");
		return { isPaid, afterMs };
	}

	/** What a mint is paying ends then. */
	endLater(mint: SimulatedMint, quote: string, { isPaid, afterMs }: End): void {
		this.#untilHeard(afterMs, () => mint.endPaying(quote, isPaid));
	}

	/** Somebody pays an invoice of one of the mints, who began before it was over. */
	pay(invoice: string, onItsWayMs = 0): void {
		this.#untilHeard(onItsWayMs, () =>
			this.#world.mints.all.every((mint) => mint.pay(invoice) !== "down"),
		);
	}

	/** What one mint has paid, the one that made the invoice has been paid. */
	kept(mint: SimulatedMint, changes: readonly MintChange[]): void {
		for (const { table, row } of changes) {
			if (table !== "meltQuotes" || row === undefined) continue;
			const { state, request } = JSON.parse(row);
			if (state !== "PAID") continue;
			for (const other of this.#world.mints.all)
				if (other !== mint)
					this.#untilHeard(0, () => other.pay(request) !== "down");
		}
	}

	/** Nothing is under way for longer than that any more. */
	heal(): void {
		for (const end of [...this.#underWay]) end();
	}

	#untilHeard(afterMs: number, say: () => boolean): void {
		const { schedule } = this.#world;
		const end = () => {
			if (!this.#underWay.has(end)) return;
			if (say()) this.#underWay.delete(end);
			else schedule.after(AGAIN_MS, end);
		};
		this.#underWay.add(end);
		schedule.after(afterMs, end);
	}
}
