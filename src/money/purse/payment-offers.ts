/* Which notes a payer asks its payee about, before anything is reserved or signed. */
import { BETWEEN_MODULES, message, NO_TERMS } from "../documents/index.ts";
import { selectionLists } from "./commit-transfer.ts";
import type { OpenPayments } from "./open-payments.ts";
import { unpayable } from "./payment-refusals.ts";
import type { AskedPayment, OpenPayment } from "./payment-state.ts";
import type { Selected, Selection, Wanted } from "./purse-book.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import { ANSWER_WITHIN_MS, PAYABLE_MARGIN_MS } from "./purse-limits.ts";
import type { PurseParts } from "./purse-parts.ts";

export class PaymentOffers {
	readonly #core: PurseCore;
	readonly #payments: OpenPayments;

	constructor({ core }: PurseParts, payments: OpenPayments) {
		this.#core = core;
		this.#payments = payments;
	}

	/** Asks the payee about notes to pay with, if there are any now. It judges them while everything can still be given up. */
	offer(payment: OpenPayment, meeting: OpenMeeting): void {
		const { asked } = payment;
		const selected = this.#select(asked);
		if (selected.kind === "wait") {
			payment.state = { kind: "choosing", meeting };
			return;
		}
		if (selected.kind !== "selected")
			return this.#payments.giveUp(
				payment,
				unpayable(selected, this.#core.termsOf(asked.issuer)),
			);
		const { selection: offer } = selected;
		const until = this.#core.now + ANSWER_WITHIN_MS;
		payment.state = { kind: "preparing", meeting, offer, until };
		this.#core.toModule(
			meeting.tetrad,
			message(BETWEEN_MODULES.prepare, {
				...asked,
				...selectionLists(offer, this.#core.chains),
				terms: asked.sale?.terms ?? NO_TERMS,
			}),
		);
	}

	/** Ranges of the notes that the payee has judged. */
	among(asked: AskedPayment, offer: Selection): Selected {
		return this.#core.book.select(this.#wanted(asked), { among: offer });
	}

	/** Others that are not reserved yet have their own notes, as far as there are enough. */
	#select(asked: AskedPayment): Selected {
		const { book } = this.#core;
		const wanted = this.#wanted(asked);
		const beside: Selection[] = [];
		for (const { state } of this.#payments.values())
			if (state.kind === "preparing" || state.kind === "waiting")
				beside.push(state.offer);
		const selected = book.select(wanted, { beside });
		return selected.kind === "selected" ? selected : book.select(wanted);
	}

	#wanted(asked: AskedPayment): Wanted {
		return {
			...asked,
			expiresAfter: this.#core.now + PAYABLE_MARGIN_MS,
			isTrusted: this.#core.trusting(),
		};
	}
}
